//! Purpose: cores for the feed's threads: which may be used, which are named, whether they are set apart. Owns: what that
//! is worth. Thread: main. Takes and gives: a layout and a plan in, findings out. Never: reads a file.

use super::core_set::CoreSet;
use super::finding::{Advice, Finding, Group, Subject};
use super::layout::Layout;
use super::plan::Plan;

const USABLE: Subject<'_> = Subject(Group::Cores, "usable");
const PINNED: Subject<'_> = Subject(Group::Cores, "pinning");
const ISOLATED: Subject<'_> = Subject(Group::Cores, "isolation");

/// Judges them; `node` is the memory node of the network device, if it has one.
pub(super) fn judge(layout: &Layout, plan: &Plan, node: Option<usize>) -> Vec<Finding> {
    vec![usable(layout), pinned(layout, plan, node), isolated(layout, &plan.there(layout), node)]
}

fn usable(layout: &Layout) -> Finding {
    match (&layout.usable, &layout.online) {
        (Ok(usable), Ok(online)) => USABLE.good(format!("{} of {} online cores: {usable}", usable.len(), online.len())),
        (Ok(usable), Err(_)) => USABLE.good(format!("{} cores: {usable}", usable.len())),
        (Err(unread), _) => USABLE.unread(unread),
    }
}

fn pinned(layout: &Layout, plan: &Plan, node: Option<usize>) -> Finding {
    let named = plan.named();
    let usable = match &layout.usable {
        Ok(usable) => usable,
        Err(unread) => return PINNED.unread(unread),
    };
    let there = plan.there(layout).named();
    let (absent, barred) = (named.without(&there), there.without(usable));
    if !absent.is_empty() {
        return PINNED.bad(not_there(&absent, &barred, layout), other_names(&barred, usable));
    }
    if !barred.is_empty() {
        let is = format!("the configuration names {barred}, which this process may not use");
        return PINNED.bad(is, wider_mask(&barred, usable));
    }
    if !named.is_empty() {
        return PINNED.good(format!("io on {}, shards on {}", shown(&plan.io), shown(&plan.shards)));
    }
    let threads = plan.threads(usable.len());
    match layout.spare(threads, node) {
        None => PINNED
            .good(format!("no core is named; {} usable cores leave none to keep for {threads} threads", usable.len())),
        Some(cores) => {
            let advice = Advice {
                change: plan.words(&cores),
                why: "a thread that the scheduler moves finds cold caches, and may be moved onto a core that serves \
                      interrupts"
                    .to_owned(),
                gain: "fewer outliers; the median changes little".to_owned(),
                source: "man 7 cpuset; man 2 sched_setaffinity",
            };
            PINNED.warn("no core is named: the scheduler places the feed's threads", advice)
        }
    }
}

/// Which of the cores named this machine has not, and which of the others this process may not use.
fn not_there(absent: &CoreSet, barred: &CoreSet, layout: &Layout) -> String {
    let (noun, verb) = if absent.len() == 1 { ("core", "is") } else { ("cores", "are") };
    let online = layout.online.clone().unwrap_or_default();
    let more = if barred.is_empty() { String::new() } else { format!("; {barred} may not be used by this process") };
    format!("the configuration names {noun} {absent}, which {verb} not there: {online} are online{more}")
}

/// No mask brings a core that is not there.
fn other_names(barred: &CoreSet, usable: &CoreSet) -> Advice {
    let mut advice = wider_mask(barred, usable);
    let mask = if barred.is_empty() { String::new() } else { format!("; for {barred}: {}", advice.change) };
    advice.change = format!("name cores out of {usable} in `cores`{mask}");
    if barred.is_empty() {
        advice.why =
            "a thread that is to run on a core that is not there is pinned to none: it runs anywhere".to_owned();
    }
    advice
}

fn wider_mask(barred: &CoreSet, usable: &CoreSet) -> Advice {
    Advice {
        change: format!(
            "give the process a mask with these cores (`CPUAffinity={0}` in the unit, or `taskset -c {0} meltica \
             run …`), or name cores out of {usable}",
            usable.or(barred)
        ),
        why: "a thread is pinned only within the affinity mask of its process, which leaves isolated cores out unless \
              told; threads that cannot be pinned run anywhere"
            .to_owned(),
        gain: "threads stay where their caches are".to_owned(),
        source: "man 2 sched_setaffinity; man 5 systemd.exec (CPUAffinity=)",
    }
}

fn shown(cores: &CoreSet) -> String {
    if cores.is_empty() { "any core".to_owned() } else { cores.to_string() }
}

fn isolated(layout: &Layout, plan: &Plan, node: Option<usize>) -> Finding {
    let isolated = match &layout.isolated {
        Ok(isolated) => isolated,
        Err(unread) => return ISOLATED.unread(unread),
    };
    let (named, usable) = (plan.named(), layout.usable_or_online());
    if named.is_empty() {
        let threads = plan.threads(usable.len());
        return match (isolated.is_empty(), layout.spare(threads, node)) {
            (false, Some(cores)) => ISOLATED.warn(
                format!("{isolated} are isolated, and none of them is named in `cores`"),
                Advice { change: plan.words(&cores), ..apart(&cores.into_iter().collect()) },
            ),
            (false, None) => {
                ISOLATED.warn(format!("{isolated} are isolated, and this process may use {usable}"), apart(isolated))
            }
            (true, Some(cores)) => ISOLATED.warn("no core is isolated", apart(&cores.into_iter().collect())),
            (true, None) => {
                ISOLATED.warn("no core is isolated, and there are too few to set any apart", larger(threads))
            }
        };
    }
    let lacking = [
        ("isolated", named.without(isolated)),
        ("tickless", named.without(&layout.tickless)),
        ("free of RCU callbacks", named.without(&layout.offloaded)),
    ];
    let lacking: Vec<String> = lacking
        .iter()
        .filter(|(_, cores)| !cores.is_empty())
        .map(|(what, cores)| format!("{cores} not {what}"))
        .collect();
    if lacking.is_empty() {
        return ISOLATED.good(format!("{named} are isolated, tickless and free of RCU callbacks"));
    }
    let is = format!("of the cores named: {}", lacking.join(", "));
    // Somebody must serve all else: where every core is named there is nothing to set apart.
    let rest = layout.online.clone().unwrap_or_default().without(&named);
    ISOLATED.warn(is, if rest.is_empty() { larger(plan.threads(usable.len())) } else { apart(&named) })
}

/// To set these apart; the boot core never is: it keeps time for all, whatever is asked.
fn apart(cores: &CoreSet) -> Advice {
    const INSTEAD: &str = "name another core than 0 in `cores`";
    let apart = cores.without(&[0].into_iter().collect());
    let line = format!(
        "kernel command line: `isolcpus=domain,managed_irq,{apart} nohz_full={apart} rcu_nocbs={apart}` \
         (GRUB_CMDLINE_LINUX in /etc/default/grub, then `update-grub` and a reboot)"
    );
    Advice {
        change: match (cores.has(0), apart.is_empty()) {
            (true, true) => INSTEAD.to_owned(),
            (true, false) => format!("{INSTEAD}; then, for the others, {line}"),
            (false, _) => line,
        },
        why: "other tasks, the scheduler's tick and RCU callbacks take turns with the feed's threads on these cores"
            .to_owned(),
        gain: "worst-case response better by up to the longest tick, says no_hz.rst; medians stay".to_owned(),
        source: "kernel: admin-guide/kernel-parameters.txt, timers/no_hz.rst, admin-guide/cgroup-v2.rst \
                 (cpuset.cpus.partition)",
    }
}

/// When there is nothing to set apart.
fn larger(threads: usize) -> Advice {
    let cores = threads + 2;
    Advice {
        change: format!(
            "a host with at least {cores} physical cores: {threads} for the feed, one for your consumer, one for all \
             else"
        ),
        why: "the feed shares its cores with every other task and with interrupts".to_owned(),
        gain: "fewer outliers; how many, `meltica latency` tells before and after".to_owned(),
        source: "kernel: timers/no_hz.rst (the boot core keeps its tick)",
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::{Tree, two_sockets};
    use super::*;

    const APART: &str = "/sys/devices/system/cpu/isolated: 1-3\n/sys/devices/system/cpu/nohz_full: 1-3\n";

    fn judged(tree: &str, plan: &Plan) -> Vec<Finding> {
        judge(&Layout::see(&Tree::of(tree).root()), plan, None)
    }

    #[test]
    fn cores_are_judged_by_what_was_named_and_by_what_is_there() {
        let big = two_sockets();
        let (narrow, small) = (
            "/proc/self/status: Cpus_allowed_list:\\t0-2\n",
            "/sys/devices/system/cpu/online: 0-1\n/sys/devices/system/cpu/isolated:\n/proc/self/status: \
             Cpus_allowed_list: 0-1\n",
        );
        let named = Plan::on("1", "2,3");
        let table: [(&str, String, &Plan, [Verdict; 3], &str); 7] = [
            (
                "nothing set",
                big.clone(),
                &Plan::default(),
                [Good, Warn, Warn],
                "isolcpus=domain,managed_irq,1-3 nohz_full=1-3",
            ),
            ("nothing named", big.clone() + APART, &Plan::default(), [Good, Warn, Warn], "io: [1], shards: [2, 3]"),
            ("all right", big.clone() + APART, &named, [Good, Good, Good], ""),
            ("not isolated", big.clone(), &named, [Good, Good, Warn], "rcu_nocbs=1-3"),
            ("not usable", big + APART + narrow, &named, [Good, Bad, Good], "CPUAffinity=0-3"),
            ("a small machine", small.to_owned(), &Plan::default(), [Good, Good, Warn], "at least 4 physical cores"),
            ("no /sys, no /proc", String::new(), &named, [Unknown, Unknown, Unknown], ""),
        ];
        for (name, tree, plan, verdicts, change) in table {
            let findings = judged(&tree, plan);
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
            let changes: Vec<&str> = findings.iter().filter_map(|f| Some(&*f.advice.as_ref()?.change)).collect();
            assert!(change.is_empty() || changes.iter().any(|c| c.contains(change)), "{name}: {changes:#?}");
        }
    }

    #[test]
    fn the_boot_core_is_never_set_apart_and_neither_are_all() {
        let change = |tree: &str, plan: &Plan| judged(tree, plan)[2].advice.clone().unwrap().change;
        let first = change(&two_sockets(), &Plan::on("0", "1,2"));
        assert!(first.starts_with("name another core than 0"), "{first}");
        assert!(first.contains("managed_irq,1-2 nohz_full=1-2 rcu_nocbs=1-2"), "{first}");
        let all = change(&two_sockets(), &Plan::on("0-7", "8-15"));
        assert!(all.starts_with("a host with at least"), "{all}");
    }

    #[test]
    fn a_core_that_is_not_there_is_told_from_one_that_may_not_be_used_and_set_apart_by_nobody() {
        let two = "/sys/devices/system/cpu/online: 0-1\n/sys/devices/system/cpu/isolated:\n/proc/self/status: \
                   Cpus_allowed_list: 0-1\n";
        let narrow = two_sockets() + "/proc/self/status: Cpus_allowed_list:\\t0-2\n";
        for (tree, plan, is, told, never) in [
            (two, Plan::on("7", "0"), "core 7, which is not there: 0-1", "name cores out of 0-1 in `cores`", "7"),
            (two, Plan::on("7", "8,9"), "cores 7-9, which are not there", "name cores out of 0-1", "7"),
            (two, Plan::on("1", "7"), "core 7, which is not there", "isolcpus=domain,managed_irq,1 nohz", "7"),
            (&narrow, Plan::on("90", "5"), "; 5 may not be used", "for 5: give the process a mask", "90"),
            (&narrow, Plan::on("1", "5"), "names 5, which this process may not use", "CPUAffinity=0-2,5", "90"),
        ] {
            let findings = judged(tree, &plan);
            assert_eq!(findings[1].verdict, Bad, "{findings:#?}");
            assert!(findings[1].is.contains(is), "{is} is not in {findings:#?}");
            let changes: Vec<&str> = findings.iter().filter_map(|f| Some(&*f.advice.as_ref()?.change)).collect();
            assert!(changes.iter().any(|change| change.contains(told)), "{told} is not in {changes:#?}");
            assert!(!changes.iter().any(|change| change.contains(never)), "{never} is in {changes:#?}");
            assert!(!changes.iter().any(|change| change.contains("managed_irq, ")), "a list of none: {changes:#?}");
        }
    }
}
