//! Purpose: which cores there are, how they lie, which are set apart from the scheduler. Owns: what was read of it.
//! Thread: main. Takes and gives: files in, sets of cores out. Never: judges.

use std::collections::BTreeMap;

use super::core_set::CoreSet;
use super::root::{Root, Unread};

const CPU: &str = "/sys/devices/system/cpu";

/// The machine's cores.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) online: Result<CoreSet, Unread>,
    /// Those that this process may use.
    pub(super) usable: Result<CoreSet, Unread>,
    /// Threads of one physical core, by each of them.
    pub(super) siblings: BTreeMap<usize, CoreSet>,
    /// Cores that share a last-level cache, by each of them.
    pub(super) caches: BTreeMap<usize, CoreSet>,
    /// Cores of each memory node.
    pub(super) nodes: BTreeMap<usize, CoreSet>,
    /// Cores without scheduling of other tasks: `isolcpus=`, or an isolated cpuset.
    pub(super) isolated: Result<CoreSet, Unread>,
    /// Cores whose tick stops while one task runs.
    pub(super) tickless: CoreSet,
    /// Cores whose RCU callbacks run elsewhere.
    pub(super) offloaded: CoreSet,
}

impl Layout {
    /// Reads it.
    pub(super) fn see(root: &Root) -> Layout {
        let online = root.cores(&format!("{CPU}/online"));
        let usable = usable(root);
        let seen = online.clone().or_else(|_| usable.clone()).unwrap_or_default();
        let each = |file: &dyn Fn(usize) -> Option<CoreSet>| {
            seen.iter().filter_map(|core| Some((core, file(core)?))).collect::<BTreeMap<_, _>>()
        };
        let siblings = each(&|core| root.cores(&format!("{CPU}/cpu{core}/topology/thread_siblings_list")).ok());
        let caches = each(&|core| last_level(root, core));
        let tickless = root.cores(&format!("{CPU}/nohz_full")).unwrap_or_default();
        // A tickless core is offloaded too, whatever `rcu_nocbs` says.
        let offloaded = parameter(root, "rcu_nocbs").and_then(|list| CoreSet::parse(&list)).unwrap_or_default();
        Layout {
            isolated: isolated(root),
            offloaded: offloaded.or(&tickless),
            nodes: nodes(root),
            online,
            usable,
            siblings,
            caches,
            tickless,
        }
    }

    /// The cores that may be used, as far as anything says so.
    pub(super) fn usable_or_online(&self) -> CoreSet {
        self.usable.clone().or_else(|_| self.online.clone()).unwrap_or_default()
    }

    /// Usable cores for so many threads, the first ones for io: each a physical core of its own, none on the boot core
    /// (which keeps time for all), all of one memory node; isolated ones if there are enough.
    pub(super) fn spare(&self, threads: usize, node: Option<usize>) -> Option<Vec<usize>> {
        let usable = self.usable_or_online();
        let of = |core: usize| self.siblings.get(&core).cloned().unwrap_or_else(|| [core].into_iter().collect());
        let whole = |core: &usize| of(*core).iter().next() == Some(*core) && !of(*core).has(0);
        let all: CoreSet = usable.iter().filter(whole).collect();
        let isolated = all.and(self.isolated.as_ref().unwrap_or(&CoreSet::default()));
        let near = node.and_then(|node| self.nodes.get(&node)).into_iter().chain(self.nodes.values());
        let near: Vec<CoreSet> = if self.nodes.is_empty() { vec![all.clone()] } else { near.cloned().collect() };
        let fits =
            |from: &CoreSet| near.iter().map(|cores| cores.and(from)).find(|cores| cores.len() >= threads.max(1));
        fits(&isolated).or_else(|| fits(&all)).map(|cores| cores.iter().take(threads.max(1)).collect())
    }
}

/// What follows the name of a list in the status of this process.
fn usable(root: &Root) -> Result<CoreSet, Unread> {
    const STATUS: &str = "/proc/self/status";
    let status = root.text(STATUS)?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("no such line");
    CoreSet::parse(list)
        .filter(|cores| !cores.is_empty())
        .ok_or_else(|| Unread::garbage(STATUS, list, "no list of cores"))
}

fn last_level(root: &Root, core: usize) -> Option<CoreSet> {
    let folder = format!("{CPU}/cpu{core}/cache");
    let indices = root.names(&folder).into_iter().filter(|name| name.starts_with("index"));
    let level = |name: &String| root.number(&format!("{folder}/{name}/level")).ok();
    let last = indices.filter_map(|name| Some((level(&name)?, name))).max()?.1;
    root.cores(&format!("{folder}/{last}/shared_cpu_list")).ok()
}

fn nodes(root: &Root) -> BTreeMap<usize, CoreSet> {
    const NODE: &str = "/sys/devices/system/node";
    let names = root.names(NODE);
    let numbers = names.iter().filter_map(|name| name.strip_prefix("node")?.parse::<usize>().ok());
    let cores = |node| root.cores(&format!("{NODE}/node{node}/cpulist")).ok().filter(|cores| !cores.is_empty());
    numbers.filter_map(|node| Some((node, cores(node)?))).collect()
}

/// By the command line, and by cpusets that are partitions of their own.
fn isolated(root: &Root) -> Result<CoreSet, Unread> {
    let partitions = root.cores("/sys/fs/cgroup/cpuset.cpus.isolated").unwrap_or_default();
    root.cores(&format!("{CPU}/isolated")).map(|cores| cores.or(&partitions))
}

/// A parameter of the kernel's command line.
fn parameter(root: &Root, name: &str) -> Option<String> {
    let line = root.text("/proc/cmdline").ok()?;
    line.split_whitespace().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::trees::{Tree, two_sockets};
    use super::*;

    #[test]
    fn cores_are_offered_whole_of_one_node_isolated_first_and_never_the_boot_core() {
        let table = [
            ("", 3, None, Some(vec![1, 2, 3])),
            ("", 3, Some(1), Some(vec![4, 5, 6])),
            ("", 4, None, Some(vec![4, 5, 6, 7])),
            ("", 5, None, None),
            ("/sys/devices/system/cpu/isolated: 5-7,13-15", 3, None, Some(vec![5, 6, 7])),
            ("/sys/devices/system/cpu/isolated: 5", 3, None, Some(vec![1, 2, 3])),
            ("/sys/fs/cgroup/cpuset.cpus.isolated: 6-7", 2, None, Some(vec![6, 7])),
            ("/proc/self/status: Cpus_allowed_list:\\t0,2-3", 2, None, Some(vec![2, 3])),
            ("/proc/self/status: Cpus_allowed_list:\\t0,8", 1, None, None),
        ];
        for (change, threads, node, expected) in table {
            let tree = Tree::of(&(two_sockets() + change));
            assert_eq!(Layout::see(&tree.root()).spare(threads, node), expected, "{change} {threads}");
        }
    }

    #[test]
    fn what_is_set_apart_is_read_from_where_the_kernel_tells_it() {
        let tree = Tree::of(
            "/proc/cmdline: quiet rcu_nocbs=4-5 nohz_full=2-3\n/sys/devices/system/cpu/nohz_full: 2-3\n\
             /sys/devices/system/cpu/isolated: 2\n/sys/fs/cgroup/cpuset.cpus.isolated: 3",
        );
        let layout = Layout::see(&tree.root());
        let shown = [layout.isolated.unwrap(), layout.tickless, layout.offloaded].map(|set| set.to_string());
        assert_eq!(shown, ["2-3", "2-3", "2-5"]);
        // A kernel without tickless cores says "(null)"; a machine may tell nothing at all.
        let tree = Tree::of("/sys/devices/system/cpu/nohz_full:   (null)\n/sys/devices/system/cpu/online: zero");
        let layout = Layout::see(&tree.root());
        assert!(layout.tickless.is_empty() && layout.online.is_err() && layout.usable.is_err());
        assert_eq!(layout.spare(1, None), None);
    }
}
