//! Purpose: what the feed's cores share: a physical core, a memory node, a cache. Owns: what that is worth.
//! Thread: main. Takes and gives: a layout and a plan in, findings out. Never: reads a file.

use super::core_set::CoreSet;
use super::finding::{Advice, Finding, Group, Subject};
use super::layout::Layout;
use super::plan::Plan;

const SIBLINGS: Subject<'_> = Subject(Group::Cores, "SMT siblings");
const NODES: Subject<'_> = Subject(Group::Cores, "memory nodes");
const CACHE: Subject<'_> = Subject(Group::Cores, "shared cache");

/// Judges them; `device` is the network device and its memory node, as far as they are known.
pub(super) fn judge(layout: &Layout, plan: &Plan, device: Option<(&str, usize)>) -> Vec<Finding> {
    let mut findings = vec![siblings(layout, plan), nodes(layout, plan, device)];
    findings.extend(cache(layout, plan));
    findings
}

fn siblings(layout: &Layout, plan: &Plan) -> Finding {
    if layout.siblings.is_empty() {
        return SIBLINGS.unknown("the kernel does not tell which cores are threads of one");
    }
    if layout.siblings.values().all(|cores| cores.len() == 1) {
        return SIBLINGS.good("none: each core is a physical one (or the hypervisor does not tell)");
    }
    let named = plan.named();
    if named.is_empty() {
        let first = layout.siblings.iter().find(|(_, cores)| cores.len() > 1);
        let pair = first.map(|(_, cores)| cores.to_string()).unwrap_or_default();
        return SIBLINGS.good(format!("there are some ({pair} are one physical core): name one of each in `cores`"));
    }
    let of = |core: usize| layout.siblings.get(&core).cloned().unwrap_or_default();
    let others: CoreSet =
        named.iter().flat_map(|core| of(core).iter().filter(|s| *s != core).collect::<Vec<_>>()).collect();
    let doubled = others.and(&named);
    if !doubled.is_empty() {
        let change = "name one thread of each physical core in `cores`".to_owned();
        return SIBLINGS.bad(format!("{doubled} are named, and share physical cores with each other"), idle(change));
    }
    if others.is_empty() {
        return SIBLINGS.good("none of the cores named has one that is online");
    }
    // What takes one from the scheduler keeps it from the other thread too.
    let free = others.without(layout.isolated.as_ref().unwrap_or(&CoreSet::default()));
    if free.is_empty() {
        return SIBLINGS.good(format!("{others}, isolated with the cores named"));
    }
    let lowest = |core: usize| of(core).iter().min().unwrap_or(core);
    if named.iter().any(|core| lowest(core) != core) {
        // `nosmt` takes all but the lowest offline, and core 0 mostly cannot be taken: so the named ones are to be others.
        let better: CoreSet = named.iter().map(lowest).collect();
        let change = format!(
            "name the first thread of each physical core in `cores` ({better} in place of {named}), then ask again"
        );
        return SIBLINGS
            .warn(format!("{free} share physical cores with those named, and may run anything"), idle(change));
    }
    let change = format!(
        "`for c in {}; do echo 0 > /sys/devices/system/cpu/cpu$c/online; done`, or `nosmt` on the kernel command line",
        free.iter().map(|core| core.to_string()).collect::<Vec<_>>().join(" ")
    );
    SIBLINGS.warn(format!("{free} share physical cores with those named, and may run anything"), idle(change))
}

fn idle(change: String) -> Advice {
    Advice {
        change,
        why: "two threads of a physical core share its execution units and first caches".to_owned(),
        gain: "the feed's thread has the core to itself whatever else runs".to_owned(),
        source: "kernel: admin-guide/kernel-parameters.txt (nosmt), core-api/cpu_hotplug.rst",
    }
}

fn nodes(layout: &Layout, plan: &Plan, device: Option<(&str, usize)>) -> Finding {
    let named = plan.named();
    match layout.nodes.len() {
        0 => return NODES.unknown("the kernel tells none"),
        1 => return NODES.good("one"),
        _ => {}
    }
    let used: Vec<usize> =
        layout.nodes.iter().filter(|(_, cores)| !cores.and(&named).is_empty()).map(|(node, _)| *node).collect();
    let list = used.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let advice = |change: String| Advice {
        change,
        why: "memory and cache lines of another node are farther away, and so is a device behind it".to_owned(),
        gain: "each hop from thread to thread, and each packet, stays within one node".to_owned(),
        source: "kernel: admin-guide/mm/numaperf.rst, networking/scaling.rst",
    };
    let near = |node: usize| layout.nodes.get(&node).map(CoreSet::to_string).unwrap_or_default();
    if used.len() > 1 {
        let node = device.map_or(used[0], |(_, node)| node);
        let change = format!("name cores of one node in `cores`: {} are of node {node}", near(node));
        return NODES.bad(format!("the cores named lie on nodes {list}"), advice(change));
    }
    match device {
        Some((name, node)) if !used.is_empty() && used[0] != node => {
            let change = format!("name cores of node {node} in `cores`: {}", near(node));
            NODES.warn(format!("the cores named are of node {list}, {name} is of node {node}"), advice(change))
        }
        Some((name, node)) if used.is_empty() => {
            NODES.good(format!("{}; {name} is of node {node}: name cores of it ({})", layout.nodes.len(), near(node)))
        }
        Some((name, _)) => NODES.good(format!("the cores named and {name} are of node {list}")),
        None if used.is_empty() => NODES.good(format!("{}: name cores of one of them", layout.nodes.len())),
        None => NODES.good(format!("the cores named are of node {list}")),
    }
}

/// Whether the named cores share a last-level cache; nothing where none is named or told.
fn cache(layout: &Layout, plan: &Plan) -> Option<Finding> {
    let named = plan.named();
    let first = named.iter().next()?;
    let shared = layout.caches.get(&first)?;
    let apart = named.without(shared);
    Some(if apart.is_empty() {
        CACHE.good(format!("{named} share their last-level cache"))
    } else {
        let advice = Advice {
            change: format!("name cores out of {shared} in `cores`"),
            why: "records pass from thread to thread through the last-level cache; where it is not shared they go \
                  over the interconnect"
                .to_owned(),
            gain: "a shorter hop between threads; the ping-pong reference of `perf/` measures it for any two cores"
                .to_owned(),
            source: "kernel: ABI/testing/sysfs-devices-system-cpu (shared_cpu_list)",
        };
        CACHE.warn(format!("{apart} do not share a last-level cache with {first}"), advice)
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::{Tree, two_sockets};
    use super::*;

    #[test]
    fn what_named_cores_share_is_judged() {
        let big = two_sockets();
        let isolated = "/sys/devices/system/cpu/isolated: 1-3,9-11\n";
        let lone = "/sys/devices/system/cpu/online: 0\n/sys/devices/system/cpu/cpu0/topology/thread_siblings_list: 0\n\
                    /sys/devices/system/node/node0/cpulist: 0\n";
        let (eth0, eth1) = (Some(("eth0", 0)), Some(("eth1", 1)));
        type Row<'t> = (&'t str, String, Plan, Option<(&'t str, usize)>, &'t [Verdict], &'t str);
        let table: [Row<'_>; 9] = [
            ("none named", big.clone(), Plan::default(), eth1, &[Good, Good], ""),
            (
                "siblings free",
                big.clone(),
                Plan::on("1", "2,3"),
                eth0,
                &[Warn, Good, Good],
                "for c in 9 10 11; do echo 0",
            ),
            ("siblings isolated", big.clone() + isolated, Plan::on("1", "2,3"), eth0, &[Good, Good, Good], ""),
            ("siblings named", big.clone(), Plan::on("1", "9,2"), eth0, &[Bad, Good, Good], "one thread of each"),
            ("two nodes", big.clone(), Plan::on("1", "2,5"), eth1, &[Warn, Bad, Warn], "4-7,12-15 are of node 1"),
            ("far device", big.clone(), Plan::on("1", "2,3"), eth1, &[Warn, Warn, Good], "cores of node 1"),
            ("no device", big, Plan::on("1", "2,3"), None, &[Warn, Good, Good], ""),
            ("one core", lone.to_owned(), Plan::default(), eth0, &[Good, Good], ""),
            ("no /sys", String::new(), Plan::on("1", "2"), None, &[Unknown, Unknown], ""),
        ];
        for (name, tree, plan, device, verdicts, change) in table {
            let findings = judge(&Layout::see(&Tree::of(&tree).root()), &plan, device);
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
            let changes: Vec<&str> = findings.iter().filter_map(|f| Some(&*f.advice.as_ref()?.change)).collect();
            assert!(change.is_empty() || changes.iter().any(|c| c.contains(change)), "{name}: {changes:#?}");
        }
    }
}
