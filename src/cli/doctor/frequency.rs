//! Purpose: clock speed and idle states of the feed's cores. Owns: what they are worth. Thread: main.
//! Takes and gives: files and cores in, findings out. Never: sets one.

use std::collections::{BTreeMap, BTreeSet};

use super::core_set::CoreSet;
use super::finding::{Advice, Finding, Group, Subject};
use super::plan::Plan;
use super::root::{Root, Unread};

const GOVERNOR: Subject<'_> = Subject(Group::Frequency, "governor");
const PREFERENCE: Subject<'_> = Subject(Group::Frequency, "energy preference");
const TURBO: Subject<'_> = Subject(Group::Frequency, "turbo");
const IDLE: Subject<'_> = Subject(Group::Frequency, "idle states");

const CPU: &str = "/sys/devices/system/cpu";
/// A state that takes longer to leave is worth a word, in microseconds: C1 takes one or two on servers, C6 a hundred and more.
const EXIT_US_MAX: i64 = 10;

/// What was read of some cores.
#[derive(Clone, Debug)]
pub(super) struct Frequency {
    cores: CoreSet,
    governors: BTreeMap<usize, Result<String, Unread>>,
    preferences: BTreeMap<usize, String>,
    /// Whether clock speeds above the nominal one are allowed; `None` where there is no such switch.
    turbo: Option<bool>,
    idle_driver: Result<String, Unread>,
    /// The longest way out of an idle state that is on: microseconds and name.
    deepest: Option<(i64, String)>,
}

/// Reads it of these cores.
pub(super) fn see(root: &Root, cores: &CoreSet) -> Frequency {
    let file = |core: usize, name: &str| format!("{CPU}/cpu{core}/cpufreq/{name}");
    let no_turbo = root.number(&format!("{CPU}/intel_pstate/no_turbo")).ok().map(|off| off == 0);
    let boost = root.number(&format!("{CPU}/cpufreq/boost")).ok().map(|on| on != 0);
    Frequency {
        governors: cores.iter().map(|core| (core, root.word(&file(core, "scaling_governor")))).collect(),
        preferences: cores
            .iter()
            .filter_map(|core| Some((core, root.word(&file(core, "energy_performance_preference")).ok()?)))
            .collect(),
        turbo: no_turbo.or(boost),
        idle_driver: root.word(&format!("{CPU}/cpuidle/current_driver")),
        deepest: cores.iter().filter_map(|core| deepest(root, core)).max(),
        cores: cores.clone(),
    }
}

fn deepest(root: &Root, core: usize) -> Option<(i64, String)> {
    let folder = format!("{CPU}/cpu{core}/cpuidle");
    let states = root.names(&folder).into_iter().filter(|name| name.starts_with("state"));
    let on = states.filter(|state| root.number(&format!("{folder}/{state}/disable")) != Ok(1));
    let of = |state: String| {
        let name = root.word(&format!("{folder}/{state}/name")).unwrap_or_else(|_| state.clone());
        Some((root.number(&format!("{folder}/{state}/latency")).ok()?, name))
    };
    on.filter_map(of).max()
}

/// Judges it.
pub(super) fn judge(seen: &Frequency, plan: &Plan) -> Vec<Finding> {
    let mut findings = vec![governor(seen)];
    findings.extend(preference(seen));
    findings.extend(turbo(seen));
    findings.push(idle(seen, plan));
    findings
}

fn governor(seen: &Frequency) -> Finding {
    let known: BTreeSet<&str> = seen.governors.values().filter_map(|word| word.as_deref().ok()).collect();
    if known.is_empty() {
        let failed = seen.governors.values().find_map(|word| word.as_ref().err().filter(|unread| !unread.is_missing()));
        return failed.map_or_else(
            || GOVERNOR.unknown("no cpufreq driver: the clock speed is the firmware's or the hypervisor's matter"),
            |unread| GOVERNOR.unread(unread),
        );
    }
    let others: CoreSet = of_others(&seen.governors, |word| word.as_deref().is_ok_and(|word| word != "performance"));
    if others.is_empty() {
        return GOVERNOR.good("performance");
    }
    let advice = Advice {
        change: format!("`cpupower -c {others} frequency-set -g performance` at each boot"),
        why: "a governor that follows the load lowers the clock of a core between bursts".to_owned(),
        gain: "the highest frequency within the policy's limit is asked for throughout".to_owned(),
        source: "kernel: admin-guide/pm/cpufreq.rst (performance)",
    };
    GOVERNOR.warn(format!("{} on {others}", known.into_iter().collect::<Vec<_>>().join(", ")), advice)
}

fn of_others<T>(values: &BTreeMap<usize, T>, is_other: impl Fn(&T) -> bool) -> CoreSet {
    values.iter().filter(|(_, value)| is_other(value)).map(|(core, _)| *core).collect()
}

/// Nothing where the processor has no such preference.
fn preference(seen: &Frequency) -> Option<Finding> {
    let first = seen.preferences.values().next()?;
    // 0 is the strongest preference for speed, as a number.
    let others = of_others(&seen.preferences, |word| word != "performance" && word != "0");
    if others.is_empty() {
        return Some(PREFERENCE.good("performance"));
    }
    let advice = Advice {
        change: format!(
            "`for c in {}; do echo performance > {CPU}/cpu$c/cpufreq/energy_performance_preference; done` at each \
             boot",
            others.iter().map(|core| core.to_string()).collect::<Vec<_>>().join(" ")
        ),
        why: "the processor itself weighs speed against energy by this hint".to_owned(),
        gain: "it raises the clock sooner and keeps it".to_owned(),
        source: "kernel: admin-guide/pm/intel_pstate.rst, admin-guide/pm/amd-pstate.rst",
    };
    let shown = seen.preferences.get(&others.iter().next().unwrap_or_default()).unwrap_or(first);
    Some(PREFERENCE.warn(format!("{shown} on {others}"), advice))
}

/// Nothing where there is no such switch.
fn turbo(seen: &Frequency) -> Option<Finding> {
    if seen.turbo? {
        return Some(TURBO.good("on: speeds above the nominal one are allowed"));
    }
    let advice = Advice {
        change: format!(
            "`echo 0 > {CPU}/intel_pstate/no_turbo`, or `echo 1 > {CPU}/cpufreq/boost`; or the firmware's setting"
        ),
        why: "the clock is held at the nominal speed".to_owned(),
        gain: "a higher clock while few cores work; measure: a clock that changes may widen the spread".to_owned(),
        source: "kernel: admin-guide/pm/intel_pstate.rst (no_turbo), admin-guide/pm/cpufreq.rst (boost)",
    };
    Some(TURBO.warn("off", advice))
}

fn idle(seen: &Frequency, plan: &Plan) -> Finding {
    let Some((latency_us, name)) = &seen.deepest else {
        return match &seen.idle_driver {
            Ok(driver) if driver == "none" => {
                IDLE.unknown("no idle driver: how deep a core sleeps is the hypervisor's or the firmware's matter")
            }
            Ok(driver) => IDLE.good(format!("{driver}, none is on")),
            Err(unread) => IDLE.unread(unread),
        };
    };
    let is = format!("{name} is on, {latency_us} µs to leave, says the kernel");
    if *latency_us <= EXIT_US_MAX {
        return IDLE.good(is);
    }
    if plan.spins && !plan.named().is_empty() {
        return IDLE.good(format!("{is}; the threads spin, so their cores never idle"));
    }
    let advice = Advice {
        change: format!(
            "`cpupower -c {} idle-set -D {EXIT_US_MAX}` at each boot; or `idle: busy_spin` with `cores` named, which \
             never idles",
            seen.cores
        ),
        why: "a core that sleeps must wake before it serves an interrupt or a thread".to_owned(),
        gain: format!("up to {latency_us} µs at a wake-up: the exit latency that the kernel states for {name}"),
        source: "kernel: admin-guide/pm/cpuidle.rst (latency, disable); man 1 cpupower-idle-set",
    };
    IDLE.warn(is, advice)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    fn states(core: usize, deep_off: u8) -> String {
        let at = format!("/sys/devices/system/cpu/cpu{core}/cpuidle");
        format!(
            "/sys/devices/system/cpu/cpuidle/current_driver: intel_idle\n\
             {at}/state0/name: POLL\n{at}/state0/latency: 0\n{at}/state0/disable: 0\n\
             {at}/state1/name: C1\n{at}/state1/latency: 2\n{at}/state1/disable: 0\n\
             {at}/state2/name: C6\n{at}/state2/latency: 133\n{at}/state2/disable: {deep_off}\n"
        )
    }

    #[test]
    fn speeds_and_sleeps_of_the_feeds_cores_are_judged() {
        let governor = |word: &str| format!("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor: {word}\n");
        let hint = |word: &str| format!("/sys/devices/system/cpu/cpu2/cpufreq/energy_performance_preference: {word}\n");
        let spins = Plan { spins: true, ..Plan::on("2", "") };
        let plain = Plan::on("2", "");
        let turbo = |off: u8| format!("/sys/devices/system/cpu/intel_pstate/no_turbo: {off}\n");
        let table: [(&str, String, &Plan, &[Verdict], &str); 9] = [
            (
                "tuned",
                governor("performance") + &hint("performance") + &turbo(0) + &states(2, 1),
                &plain,
                &[Good; 4],
                "C1 is on, 2 µs",
            ),
            (
                "as delivered",
                governor("powersave") + &hint("balance_performance") + &turbo(1) + &states(2, 0),
                &plain,
                &[Warn; 4],
                "C6 is on, 133 µs",
            ),
            ("spinning", governor("performance") + &states(2, 0), &spins, &[Good, Good], "never idle"),
            ("by number", governor("performance") + &hint("0") + &states(2, 1), &plain, &[Good; 3], ""),
            (
                "amd",
                governor("performance") + "/sys/devices/system/cpu/cpufreq/boost: 0\n" + &states(2, 1),
                &plain,
                &[Good, Warn, Good],
                "off",
            ),
            (
                "virtual",
                "/sys/devices/system/cpu/cpuidle/current_driver: none".to_owned(),
                &plain,
                &[Unknown, Unknown],
                "hypervisor",
            ),
            (
                "another core's",
                governor("powersave").replace("cpu2", "cpu1"),
                &plain,
                &[Unknown, Unknown],
                "no cpufreq driver",
            ),
            ("garbage", governor("\\n\\0"), &plain, &[Unknown, Unknown], "which is no word"),
            ("nothing", String::new(), &plain, &[Unknown, Unknown], ""),
        ];
        for (name, tree, plan, verdicts, words) in table {
            let findings = judge(&see(&Tree::of(&tree).root(), &plan.named()), plan);
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
            assert!(findings.iter().any(|f| f.is.contains(words)), "{name}: {findings:#?}");
        }
    }
}
