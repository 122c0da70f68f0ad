//! Purpose: what may stand in the way of memory: huge pages that are made, pages that were put out. Owns: nothing.
//! Thread: main. Takes and gives: files in, findings out. Never: changes either.

use super::finding::{Advice, Finding, Group, Subject};
use super::root::{Root, Unread};

const HUGE: Subject<'_> = Subject(Group::Memory, "transparent huge pages");
const SWAP: Subject<'_> = Subject(Group::Memory, "swap");
const FOLDER: &str = "/sys/kernel/mm/transparent_hugepage";

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// The word in force.
    huge: Result<String, Unread>,
    /// Each area with its kilobytes that are in use.
    swap: Result<Vec<(String, u64)>, Unread>,
}

/// Reads it.
pub(super) fn see(root: &Root) -> Memory {
    let enabled = format!("{FOLDER}/enabled");
    let huge = root.text(&enabled).and_then(|text| {
        let chosen = text.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
        chosen.map(str::to_owned).ok_or_else(|| Unread::garbage(&enabled, &text, "no choice"))
    });
    let swap = root.text("/proc/swaps").map(|text| {
        let area = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            Some(((*words.first()?).to_owned(), words.get(3)?.parse().ok()?))
        };
        text.lines().skip(1).filter_map(area).collect()
    });
    Memory { huge, swap }
}

/// Judges it.
pub(super) fn judge(seen: &Memory) -> Vec<Finding> {
    vec![huge(seen), swap(seen)]
}

fn huge(seen: &Memory) -> Finding {
    match &seen.huge {
        Ok(word) if word == "always" => {
            let advice = Advice {
                change: format!(
                    "`echo madvise > {FOLDER}/enabled`; for each boot `transparent_hugepage=madvise` on the kernel \
                     command line"
                ),
                why: "khugepaged scans and collapses memory of every process, and a first touch of a page may clear \
                      or compact a huge one"
                    .to_owned(),
                gain: "no such pauses; Meltica asks for no huge pages, and its rings are touched once at the start"
                    .to_owned(),
                source: "kernel: admin-guide/mm/transhuge.rst",
            };
            HUGE.warn("always", advice)
        }
        Ok(word) => HUGE.good(word.clone()),
        Err(unread) if unread.is_missing() => HUGE.good("the kernel has none (or shows none here)"),
        Err(unread) => HUGE.unread(unread),
    }
}

fn swap(seen: &Memory) -> Finding {
    let areas = match &seen.swap {
        Ok(areas) => areas,
        Err(unread) => return SWAP.unread(unread),
    };
    if areas.is_empty() {
        return SWAP.good("none");
    }
    let used: u64 = areas.iter().map(|(_, used)| used).sum();
    let advice = Advice {
        change: "`swapoff -a`, and take its lines out of /etc/fstab; or `MemorySwapMax=0` in the unit".to_owned(),
        why: "a page that was put out is read back from a disk when a thread needs it".to_owned(),
        gain: "no such pauses".to_owned(),
        source: "man 8 swapon; kernel: admin-guide/cgroup-v2.rst (memory.swap.max)",
    };
    let is = format!("{} areas, {used} kB in use", areas.len());
    if used > 0 { SWAP.bad(is, advice) } else { SWAP.warn(is, advice) }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    #[test]
    fn pages_that_are_made_or_put_out_are_told() {
        let huge = |text: &str| format!("{FOLDER}/enabled: {text}\n");
        let swaps = |rows: &str| format!("/proc/swaps: Filename Type Size Used Priority{rows}\n");
        let table: [(&str, String, [Verdict; 2]); 6] = [
            ("fine", huge("always [madvise] never") + &swaps(""), [Good, Good]),
            ("always", huge("[always] madvise never") + &swaps("\\n/dev/sda2 partition 100 0 -2"), [Warn, Warn]),
            ("in use", huge("always madvise [never]") + &swaps("\\n/a file 100 7 -2\\n/b file 100 0 -3"), [Good, Bad]),
            ("not built in", swaps(""), [Good, Good]),
            ("garbage", huge("yes") + &swaps("\\n\\n?"), [Unknown, Good]),
            ("nothing", String::new(), [Good, Unknown]),
        ];
        for (name, tree, verdicts) in table {
            let findings = judge(&see(&Tree::of(&tree).root()));
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
        }
    }
}
