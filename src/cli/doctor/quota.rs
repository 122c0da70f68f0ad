//! Purpose: how much processor time the control group of this process allows. Owns: the two forms of control groups.
//! Thread: main. Takes and gives: files in, a finding out. Never: takes the narrowest bound of its own group for the only
//! one: each group above has a say.

use super::finding::{Advice, Finding, Group, Subject};
use super::plan::Plan;
use super::root::{Root, Unread};

const QUOTA: Subject<'_> = Subject(Group::Cores, "quota");

/// What is allowed.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    /// The narrowest bound as quota and period in microseconds; `None` where there is none.
    bound: Result<Option<(u64, u64)>, Unread>,
    /// How often this process's group was held up.
    throttled: Option<u64>,
}

/// Reads it.
pub(super) fn see(root: &Root) -> Quota {
    let groups = match root.text("/proc/self/cgroup") {
        Ok(groups) => groups,
        Err(unread) => return Quota { bound: Err(unread), throttled: None },
    };
    let folders: Vec<String> = groups.lines().flat_map(folders).collect();
    let mut bound: Option<(u64, u64)> = None;
    for folder in &folders {
        match one(root, folder) {
            Ok(Some(found)) if bound.is_none_or(|held| cores(found) < cores(held)) => bound = Some(found),
            Ok(_) => {}
            Err(unread) => return Quota { bound: Err(unread), throttled: None },
        }
    }
    let seen = folders.iter().any(|folder| root.has(folder));
    let bound = if seen { Ok(bound) } else { root.text("/sys/fs/cgroup/cpu.max").map(|_| None) };
    Quota { bound, throttled: folders.iter().find_map(|folder| throttled(root, folder)) }
}

/// The folders that a line of /proc/self/cgroup stands for, the innermost first: of version 2 `0::/path`, of version 1
/// `4:cpu,cpuacct:/path`.
fn folders(line: &str) -> Vec<String> {
    let mut parts = line.splitn(3, ':');
    let (Some(_), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next()) else { return Vec::new() };
    let mounts: Vec<String> = match names {
        "" => vec!["/sys/fs/cgroup".to_owned(), "/sys/fs/cgroup/unified".to_owned()],
        _ if names.split(',').any(|name| name == "cpu") => {
            vec!["/sys/fs/cgroup/cpu".to_owned(), format!("/sys/fs/cgroup/{names}")]
        }
        _ => return Vec::new(),
    };
    // A path above what this process may see says nothing here.
    let inner = if path.contains("..") { "" } else { path.trim_end_matches('/') };
    let mut paths = vec![inner];
    while let Some((above, _)) = paths.last().and_then(|path| path.rsplit_once('/')) {
        paths.push(above);
    }
    mounts.iter().flat_map(|mount| paths.iter().map(move |path| format!("{mount}{path}"))).collect()
}

fn one(root: &Root, folder: &str) -> Result<Option<(u64, u64)>, Unread> {
    let (v2, v1) = (format!("{folder}/cpu.max"), format!("{folder}/cpu.cfs_quota_us"));
    match root.text(&v2) {
        Ok(text) => {
            let bad = || Unread::garbage(&v2, &text, "no quota");
            let (quota, period) = text.split_once(' ').ok_or_else(bad)?;
            if quota == "max" {
                return Ok(None);
            }
            let (quota, period) = (quota.parse().map_err(|_| bad())?, period.trim().parse().map_err(|_| bad())?);
            if period == 0 { Err(bad()) } else { Ok(Some((quota, period))) }
        }
        Err(unread) if !unread.is_missing() => Err(unread),
        Err(_) => match (root.number(&v1), root.number(&format!("{folder}/cpu.cfs_period_us"))) {
            (Ok(quota), Ok(period)) if quota >= 0 && period > 0 => Ok(Some((quota as u64, period as u64))),
            (Err(unread), _) if !unread.is_missing() => Err(unread),
            _ => Ok(None),
        },
    }
}

fn throttled(root: &Root, folder: &str) -> Option<u64> {
    let stat = root.text(&format!("{folder}/cpu.stat")).ok()?;
    stat.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.trim().parse().ok())
}

/// In thousandths of a core.
fn cores((quota, period): (u64, u64)) -> u64 {
    quota.saturating_mul(1_000) / period.max(1)
}

/// Judges it.
pub(super) fn judge(quota: &Quota, plan: &Plan, usable: usize) -> Finding {
    let bound = match &quota.bound {
        Ok(Some(bound)) => *bound,
        Ok(None) => return QUOTA.good("no bound on processor time"),
        Err(unread) => return QUOTA.unread(unread),
    };
    let (milli, threads) = (cores(bound), plan.threads(usable));
    let mut is = format!("{}.{:03} cores, of each {} ms", milli / 1_000, milli % 1_000, bound.1 / 1_000);
    if let Some(times) = quota.throttled.filter(|times| *times > 0) {
        is.push_str(&format!("; held up {times} times so far"));
    }
    let advice = Advice {
        change: "no `CPUQuota=` in the unit, no `--cpus` for the container, no CPU limit of the pod (bind it to \
                 cores instead: `AllowedCPUs=`, `--cpuset-cpus`, the static CPU manager)"
            .to_owned(),
        why: format!(
            "threads that used up their share stand still until the next period, up to {} ms here; threads that spin \
             use it up",
            bound.1 / 1_000
        ),
        gain: "no pauses of that kind".to_owned(),
        source: "kernel: scheduler/sched-bwc.rst, admin-guide/cgroup-v2.rst (cpu.max)",
    };
    if milli < threads as u64 * 1_000 {
        QUOTA.bad(format!("{is}, for {threads} threads"), advice)
    } else {
        QUOTA.warn(is, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::*;
    use super::super::trees::Tree;
    use super::*;

    #[test]
    fn the_narrowest_bound_of_all_groups_counts_in_both_versions() {
        let table = [
            ("none, v2", "/proc/self/cgroup: 0::/a/b\n/sys/fs/cgroup/a/b/cpu.max: max 100000", Good, "no bound"),
            ("the root group has no file", "/proc/self/cgroup: 0::/\n/sys/fs/cgroup/", Good, "no bound"),
            (
                "own",
                "/proc/self/cgroup: 0::/a\n/sys/fs/cgroup/a/cpu.max: 150000 100000",
                Bad,
                "1.500 cores, of each 100 ms, for 2",
            ),
            (
                "above",
                "/proc/self/cgroup: 0::/a/b\n/sys/fs/cgroup/a/cpu.max: 50000 100000\n/sys/fs/cgroup/a/b/cpu.max: 900000 100000\n\
                 /sys/fs/cgroup/a/b/cpu.stat: usage_usec 5\\nnr_throttled 7",
                Bad,
                "0.500 cores, of each 100 ms; held up 7 times",
            ),
            ("wide", "/proc/self/cgroup: 0::/\n/sys/fs/cgroup/cpu.max: 400000 100000", Warn, "4.000 cores"),
            (
                "v1",
                "/proc/self/cgroup: 3:cpu,cpuacct:/d\n/sys/fs/cgroup/cpu,cpuacct/d/cpu.cfs_quota_us: 100000\n\
                 /sys/fs/cgroup/cpu,cpuacct/d/cpu.cfs_period_us: 100000",
                Bad,
                "1.000 cores",
            ),
            (
                "v1, none",
                "/proc/self/cgroup: 3:cpu:/\n/sys/fs/cgroup/cpu/cpu.cfs_quota_us: \
                 -1\n/sys/fs/cgroup/cpu/cpu.cfs_period_us: 100000",
                Good,
                "no bound",
            ),
            ("garbage", "/proc/self/cgroup: 0::/\n/sys/fs/cgroup/cpu.max: lots", Unknown, "which is no quota"),
            (
                "a period of nothing",
                "/proc/self/cgroup: 0::/\n/sys/fs/cgroup/cpu.max: 5 0",
                Unknown,
                "which is no quota",
            ),
            ("no groups", "/proc/self/cgroup: 0::/", Unknown, "is not there"),
            ("nothing", "", Unknown, "/proc/self/cgroup is not there"),
            ("outside", "/proc/self/cgroup: 0::/../../x\n/sys/fs/cgroup/cpu.max: max 100000", Good, "no bound"),
        ];
        for (name, tree, verdict, words) in table {
            let finding = judge(&see(&Tree::of(tree).root()), &Plan::default(), 2);
            assert_eq!(finding.verdict, verdict, "{name}: {finding:#?}");
            assert!(finding.is.contains(words), "{name}: {}", finding.is);
        }
    }
}
