//! Purpose: where the network device's interrupts go. Owns: which device is looked at. Thread: main.
//! Takes and gives: files and a plan in, findings out. Never: moves one.

use std::collections::BTreeSet;

use super::core_set::CoreSet;
use super::finding::{Advice, Finding, Group, Subject};
use super::plan::Plan;
use super::root::Root;

const DEVICE: Subject<'_> = Subject(Group::Interrupts, "network device");
const BALANCE: Subject<'_> = Subject(Group::Interrupts, "irqbalance");

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Interrupts {
    /// The device of the default route.
    pub(super) device: Option<String>,
    /// Its memory node.
    pub(super) node: Option<usize>,
    /// Its interrupts and where each may go.
    lines: Vec<(u32, CoreSet)>,
    /// Whether the list of interrupts could be had.
    known: bool,
    /// Whether irqbalance runs, as far as that can be seen.
    balanced: Option<bool>,
}

/// Reads it; `running` are the names of programs that run.
pub(super) fn see(root: &Root, running: Option<&BTreeSet<String>>) -> Interrupts {
    let device = device(root);
    let folders: Vec<String> = device
        .iter()
        // A virtio device hangs below the PCI device that has the interrupts.
        .flat_map(|name| [format!("/sys/class/net/{name}/device"), format!("/sys/class/net/{name}/device/..")])
        .collect();
    let mut numbers: Vec<u32> = folders
        .iter()
        .map(|folder| root.names(&format!("{folder}/msi_irqs")))
        .find(|names| !names.is_empty())
        .unwrap_or_default()
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    numbers.sort_unstable();
    // Those that fire at all: a device has lines of its own for configuration.
    let lines: Vec<(u32, CoreSet)> = numbers.iter().filter_map(|line| Some((*line, goes_to(root, *line)?))).collect();
    let node = folders.iter().find_map(|folder| root.number(&format!("{folder}/numa_node")).ok());
    Interrupts {
        device,
        node: node.and_then(|node| usize::try_from(node).ok()),
        known: !lines.is_empty(),
        lines,
        balanced: running.map(|running| running.contains("irqbalance")),
    }
}

/// By the default route, of IPv4 or else of IPv6; else the first one that is a piece of hardware.
fn device(root: &Root) -> Option<String> {
    let v4 = root.text("/proc/self/net/route").unwrap_or_default();
    let v4 = v4.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut v4 =
        v4.filter(|words| words.get(1) == Some(&"00000000")).filter_map(|words| Some((*words.first()?).to_owned()));
    let v6 = root.text("/proc/self/net/ipv6_route").unwrap_or_default();
    let v6 = v6.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let all = |words: &[&str]| words.len() > 9 && words[1] == "00" && words[0].bytes().all(|b| b == b'0');
    let mut v6 =
        v6.filter(|words| all(words)).filter_map(|words| Some((*words.last()?).to_owned())).filter(|name| name != "lo");
    let named = v4.next().or_else(|| v6.next()).filter(|name| !name.contains('/'));
    named.or_else(|| {
        let names = root.names("/sys/class/net");
        names.into_iter().find(|name| root.has(&format!("/sys/class/net/{name}/device")))
    })
}

/// Where an interrupt is delivered, or may be.
fn goes_to(root: &Root, line: u32) -> Option<CoreSet> {
    let in_force =
        root.cores(&format!("/proc/irq/{line}/effective_affinity_list")).ok().filter(|cores| !cores.is_empty());
    in_force.or_else(|| root.cores(&format!("/proc/irq/{line}/smp_affinity_list")).ok())
}

/// Judges it.
pub(super) fn judge(seen: &Interrupts, plan: &Plan, usable: &CoreSet) -> Vec<Finding> {
    vec![device_lines(seen, plan, usable), balance(seen, plan)]
}

fn device_lines(seen: &Interrupts, plan: &Plan, usable: &CoreSet) -> Finding {
    let Some(name) = &seen.device else { return DEVICE.unknown("no network device is seen from here") };
    if !seen.known {
        return DEVICE.unknown(format!("{name}: its interrupts are not seen from here"));
    }
    let all = seen.lines.iter().fold(CoreSet::default(), |all, (_, cores)| all.or(cores));
    let count = match seen.lines.len() {
        1 => "1 interrupt".to_owned(),
        more => format!("{more} interrupts"),
    };
    let is = format!("{name}: {count} on {all}");
    let named = plan.named();
    if named.is_empty() {
        return DEVICE.good(format!("{is}; no core is named that they could disturb"));
    }
    let struck: Vec<u32> =
        seen.lines.iter().filter(|(_, cores)| !cores.and(&named).is_empty()).map(|(line, _)| *line).collect();
    if struck.is_empty() {
        return DEVICE.good(format!("{is}, none on the cores named"));
    }
    let free = usable.without(&named);
    let lines = struck.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let change = if free.is_empty() {
        "leave a usable core unnamed for interrupts".to_owned()
    } else {
        format!(
            "`for i in {lines}; do echo {free} > /proc/irq/$i/smp_affinity_list; done` at each boot, with irqbalance \
             stopped"
        )
    };
    let advice = Advice {
        change,
        why: "an interrupt and the packet handling behind it stop the thread that runs on its core".to_owned(),
        gain: "that thread is not stopped for packets, of which the feed's are only a part".to_owned(),
        source: "kernel: core-api/irq/irq-affinity.rst, networking/scaling.rst",
    };
    DEVICE.warn(format!("{is}; {} of them strike cores that are named", struck.len()), advice)
}

fn balance(seen: &Interrupts, plan: &Plan) -> Finding {
    match seen.balanced {
        None => return BALANCE.unknown("other programs are hidden from this one"),
        Some(false) => return BALANCE.good("is not seen to run"),
        Some(true) => {}
    }
    if plan.named().is_empty() {
        return BALANCE.good("runs; no core is named that it could put interrupts on");
    }
    let advice = Advice {
        change: format!(
            "`systemctl disable --now irqbalance`, or `IRQBALANCE_BANNED_CPULIST={}` in /etc/default/irqbalance",
            plan.named()
        ),
        why: "it may override where interrupts were bound to, says scaling.rst".to_owned(),
        gain: "interrupts stay where they were put".to_owned(),
        source: "kernel: networking/scaling.rst; man 1 irqbalance",
    };
    BALANCE.warn("runs", advice)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    const ROUTES: &str =
        "/proc/self/net/route: Iface\\tDestination\\tGateway\\neth0\\t00000000\\t010200C0\\neth1\\t000200C0\\t0\n";
    const HARDWARE: &str = "/sys/devices/pci0/numa_node: 1\n/sys/devices/pci0/msi_irqs/41: msix\n/sys/devices/pci0/msi_irqs/42: msix\n\
                            /sys/devices/pci0/msi_irqs/43: msix\n/sys/class/net/eth0/device: -> ../../../devices/pci0\n";
    const AFFINITY: &str = "/proc/irq/41/effective_affinity_list: 0\n/proc/irq/42/effective_affinity_list: 2\n\
                            /proc/irq/43/smp_affinity_list: 0-3\n";

    #[test]
    fn lines_that_strike_named_cores_are_told_with_the_command_that_moves_them() {
        let virtio =
            HARDWARE.replace("../../../devices/pci0", "../../../devices/pci0/virtio2") + "/sys/devices/pci0/virtio2/\n";
        let v6 = "/proc/self/net/ipv6_route: 00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                  fe800001 00000400 00000001 00000000 00000003 eth0\n";
        let moved = AFFINITY
            .replace("43/smp_affinity_list: 0-3", "43/smp_affinity_list: 0-1")
            .replace("42/effective_affinity_list: 2", "42/effective_affinity_list: 1");
        let pinned = Plan::on("2", "3");
        let runs: BTreeSet<String> = ["irqbalance".to_owned()].into();
        let quiet = BTreeSet::new();
        let all = format!("{ROUTES}{HARDWARE}{AFFINITY}");
        type Row<'t> = (&'t str, String, &'t Plan, &'t BTreeSet<String>, [Verdict; 2], &'t str);
        let table: [Row<'_>; 9] = [
            ("struck", all.clone(), &pinned, &runs, [Warn, Warn], "for i in 42 43; do echo 0-1 >"),
            ("virtio", format!("{ROUTES}{virtio}{AFFINITY}"), &pinned, &quiet, [Warn, Good], "for i in 42 43;"),
            ("moved", format!("{ROUTES}{HARDWARE}{moved}"), &pinned, &quiet, [Good, Good], ""),
            ("none named", all.clone(), &Plan::default(), &runs, [Good, Good], ""),
            ("all named", all.clone(), &Plan::on("0,1", "2,3"), &quiet, [Warn, Good], "leave a usable core unnamed"),
            ("IPv6 only", format!("{v6}{HARDWARE}{AFFINITY}"), &pinned, &quiet, [Warn, Good], "for i in 42 43;"),
            ("no route", format!("{HARDWARE}{AFFINITY}"), &pinned, &quiet, [Warn, Good], "for i in 42 43;"),
            ("no /sys", ROUTES.to_owned(), &pinned, &quiet, [Unknown, Good], ""),
            ("nothing", String::new(), &pinned, &quiet, [Unknown, Good], ""),
        ];
        let usable = CoreSet::parse("0-3").unwrap();
        for (name, tree, plan, running, verdicts, change) in table {
            let seen = see(&Tree::of(&tree).root(), Some(running));
            let findings = judge(&seen, plan, &usable);
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
            let changes: Vec<&str> = findings.iter().filter_map(|f| Some(&*f.advice.as_ref()?.change)).collect();
            assert!(change.is_empty() || changes.iter().any(|c| c.contains(change)), "{name}: {changes:#?}");
            assert_eq!(seen.node, tree.contains("numa_node").then_some(1), "{name}");
        }
    }

    #[test]
    fn a_name_in_a_route_leads_nowhere_else() {
        let tree = Tree::of("/proc/self/net/route: Iface\\n../../x\\t00000000\\t0\n/sys/class/net/eth9/device/");
        assert_eq!(see(&tree.root(), None).device.as_deref(), Some("eth9"));
    }
}
