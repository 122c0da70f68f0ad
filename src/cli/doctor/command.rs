//! Purpose: `meltica doctor`, from arguments to a report and an exit code. Owns: what is looked at, in which order.
//! Thread: main. Takes and gives: arguments in, text and an outcome out. Never: changes anything on the machine.

use console::Term;

use super::super::control::words::OutputForm;
use super::super::exit::{Cause, Failed};
use super::super::say::give;
use super::super::settings;
use super::asked::{ask, running};
use super::finding::{Finding, Verdict};
use super::layout::Layout;
use super::plan::Plan;
use super::race::race;
use super::report::{Looks, Report};
use super::root::Root;
use super::words::DoctorArgs;
use super::{clocks, cores, frequency, interrupts, lanes, limits, machine, memory, neighbours, network, quota, sync};

/// Looks at this machine and the way to the venue, and tells.
pub(in crate::cli) fn doctor(arguments: &DoctorArgs) -> Result<(), Failed> {
    let loaded = settings::load(arguments.config.as_deref())?;
    let mut findings = examine(&Root::system(), &Plan::of(&loaded.config));
    let mut raced = Vec::new();
    if arguments.no_net {
        findings.push(lanes::not_asked());
    } else {
        raced = race(&loaded, arguments.rounds)?;
        findings.extend(raced.iter().map(lanes::Raced::judge));
    }
    let report = Report { findings, raced };
    give(&match arguments.output {
        OutputForm::Json => report.json(),
        OutputForm::Human => report.human(looks()),
    })?;
    match report.count(Verdict::Bad) {
        bad if bad > 0 && arguments.strict => Err(Failed::new(
            Cause::Unfit,
            format!("{bad} of {} findings are bad, as told above", report.findings.len()),
        )),
        _ => Ok(()),
    }
}

/// Everything but the network, in the order in which it is shown.
fn examine(root: &Root, plan: &Plan) -> Vec<Finding> {
    let running = running(root);
    let layout = Layout::see(root);
    let usable = layout.usable_or_online();
    let lines = interrupts::see(root, running.as_ref());
    let device = lines.device.as_deref().zip(lines.node);
    let mut findings = cores::judge(&layout, plan, lines.node);
    // What is not there was told; nothing else is to be seen of it.
    let plan = &plan.there(&layout);
    let looked_at = if plan.named().is_empty() { usable.clone() } else { plan.named() };
    let online = layout.online.as_ref().map_or(usable.len(), super::core_set::CoreSet::len);
    findings.push(quota::judge(&quota::see(root), plan, usable.len()));
    findings.extend(neighbours::judge(&layout, plan, device));
    findings.extend(frequency::judge(&frequency::see(root, &looked_at), plan));
    findings.extend(interrupts::judge(&lines, plan, &usable));
    findings.extend(clocks::judge(&clocks::see(root)));
    findings.push(sync::judge(&sync::see(root, running.as_ref(), &ask(root))));
    findings.extend(limits::judge(&limits::see(root), plan));
    findings.extend(memory::judge(&memory::see(root)));
    findings.extend(network::judge(&network::see(root), plan));
    findings.extend(machine::judge(&machine::see(root), online));
    findings
}

/// Colours only where a terminal takes them and nobody said NO_COLOR.
fn looks() -> Looks {
    let out = Term::stdout();
    let columns = out.is_term().then(|| usize::from(out.size().1));
    Looks { columns, coloured: out.is_term() && console::colors_enabled() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::trees::{Tree, two_sockets};
    use super::*;

    #[test]
    fn this_machine_is_looked_at_whole_whatever_is_configured() {
        for plan in [Plan::default(), Plan::on("0", "1"), Plan { busy_poll: true, ..Plan::on("9000", "9001,9002") }] {
            let findings = examine(&Root::system(), &plan);
            assert!(findings.len() >= 20, "{findings:#?}");
            let distinct: BTreeSet<_> = findings.iter().map(|finding| (finding.group, &finding.name)).collect();
            assert_eq!(distinct.len(), findings.len(), "a finding is told twice");
            assert!(findings.is_sorted_by_key(|finding| finding.group), "groups are torn apart");
        }
    }

    #[test]
    fn where_there_is_nothing_to_read_nothing_is_judged() {
        for tree in ["", "/proc/", "/sys/devices/system/cpu/"] {
            let findings = examine(&Tree::of(tree).root(), &Plan::on("1", "2"));
            let bad: Vec<_> = findings.iter().filter(|f| f.verdict == Verdict::Bad).collect();
            assert!(bad.is_empty(), "{bad:#?}");
            assert!(findings.iter().filter(|f| f.verdict == Verdict::Unknown).count() >= 15, "{findings:#?}");
        }
    }

    #[test]
    fn garbage_and_folders_in_place_of_files_are_no_panic_and_no_verdict() {
        // Every file that a whole tree has, with something else in its place.
        let whole = two_sockets()
            + "/proc/cmdline: quiet\n/proc/stat: cpu 1 2 3 4 5 6 7 8\n/proc/loadavg: 0.1 0.1 0.1\n/proc/cpuinfo: flags : tsc\n\
               /proc/swaps: Filename\n/proc/self/limits: Max open files 1024\n/proc/self/cgroup: 0::/\n/sys/fs/cgroup/cpu.max: max 1\n\
               /proc/self/net/route: a\n/proc/self/net/ipv6_route: a\n/proc/sys/net/core/busy_read: 0\n/proc/sys/net/core/rmem_max: 1\n\
               /proc/sys/net/ipv4/tcp_rmem: 1 2 3\n/proc/sys/kernel/osrelease: 6\n/sys/kernel/mm/transparent_hugepage/enabled: [never]\n\
               /sys/devices/system/clocksource/clocksource0/current_clocksource: tsc\n\
               /sys/devices/system/cpu/cpu1/cpufreq/scaling_governor: performance\n\
               /sys/devices/system/cpu/cpu1/cpuidle/state0/latency: 1\n/sys/devices/system/cpu/vulnerabilities/mds: Vulnerable\n";
        let paths: Vec<&str> = whole.lines().filter_map(|line| line.split_once(':')).map(|(path, _)| path).collect();
        for content in
            ["", "-1", "99999999999999999999999", "\u{1b}[2J\u{fffd}", "0-4000000000", ",,,", "[] max 0", "cpu  "]
        {
            let text: String = paths.iter().map(|path| format!("{path}: {content}\n")).collect();
            let findings = examine(&Tree::of(&text).root(), &Plan::on("1", "2"));
            let bad: Vec<_> = findings.iter().filter(|f| f.verdict == Verdict::Bad).collect();
            // A group's quota of nothing and a number for a clock are what they say.
            assert!(
                bad.iter().all(|f| ["clock source", "processor's counter"].contains(&&*f.name)),
                "{content:?}: {bad:#?}"
            );
        }
        let folders: String = paths.iter().map(|path| format!("{path}/\n")).collect();
        let findings = examine(&Tree::of(&folders).root(), &Plan::on("1", "2"));
        let judged: Vec<_> = findings.iter().filter(|f| matches!(f.verdict, Verdict::Bad | Verdict::Warn)).collect();
        // That one is the configuration's word.
        assert!(judged.iter().all(|f| f.name == "busy polling"), "{judged:#?}");
    }
}
