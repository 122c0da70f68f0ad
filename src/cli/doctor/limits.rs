//! Purpose: bounds of this process. Owns: how many descriptors a feed needs. Thread: main. Takes and gives: a file and a
//! plan in, findings out. Never: asks for a bound that nothing needs.

use super::finding::{Advice, Finding, Group, Subject};
use super::plan::Plan;
use super::root::{Root, Unread};

const FILES: Subject<'_> = Subject(Group::Limits, "open files");
const LOCKED: Subject<'_> = Subject(Group::Limits, "locked memory");
const PRIORITY: Subject<'_> = Subject(Group::Limits, "real-time priority");

/// Descriptors besides connections: REST, the control facade's at most 32 with their requests, outputs, polls.
const FILES_BESIDES: u64 = 160;

/// The soft limits; `None` is no limit.
type Limit = Option<u64>;

/// What was read: open files, locked memory, real-time priority.
pub(super) type Limits = Result<[Limit; 3], Unread>;

/// Reads them.
pub(super) fn see(root: &Root) -> Limits {
    const FILE: &str = "/proc/self/limits";
    let text = root.text(FILE)?;
    let soft = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("no such line");
        match line.split_whitespace().next() {
            Some("unlimited") => Ok(None),
            word => word.and_then(|w| w.parse().ok()).map(Some).ok_or_else(|| Unread::garbage(FILE, line, "no limit")),
        }
    };
    Ok([soft("Max open files")?, soft("Max locked memory")?, soft("Max realtime priority")?])
}

/// Judges them.
pub(super) fn judge(seen: &Limits, plan: &Plan) -> Vec<Finding> {
    let [files, locked, priority] = match seen {
        Ok(limits) => *limits,
        Err(unread) => return [FILES, LOCKED, PRIORITY].iter().map(|subject| subject.unread(unread)).collect(),
    };
    let number = |limit: Limit| limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
    let needed = plan.connections + FILES_BESIDES;
    let open = match files {
        Some(limit) if limit < needed => {
            let advice = Advice {
                change: "`LimitNOFILE=4096` in the unit; in a shell `ulimit -n 4096`".to_owned(),
                why: format!("up to {needed} may be open: one a connection, and those of REST, control and outputs"),
                gain: "connections that open when they must".to_owned(),
                source: "man 5 systemd.exec; man 2 getrlimit (RLIMIT_NOFILE)",
            };
            FILES.bad(format!("at most {limit}"), advice)
        }
        _ => FILES.good(format!("at most {}; up to {needed} are needed", number(files))),
    };
    vec![
        open,
        LOCKED.good(format!("at most {} bytes; Meltica locks none and needs none", number(locked))),
        PRIORITY.good(format!("at most {}; Meltica asks for none, a core of its own does more", number(priority))),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    #[test]
    fn few_descriptors_are_bad_and_what_is_not_needed_is_not_asked_for() {
        let file = |files: &str| {
            format!(
                "/proc/self/limits: Limit Soft Hard Units\\nMax open files            {files}    20000  files\\n\
                 Max locked memory         8388608    8388608   bytes\\nMax realtime priority     0    0"
            )
        };
        let table: [(&str, String, u64, [Verdict; 3]); 6] = [
            ("usual", file("1024"), 1, [Good; 3]),
            ("none", file("unlimited"), 64, [Good; 3]),
            ("many connections", file("200"), 64, [Bad, Good, Good]),
            ("few files", file("64"), 1, [Bad, Good, Good]),
            ("garbage", file("many"), 1, [Unknown; 3]),
            ("nothing", String::new(), 1, [Unknown; 3]),
        ];
        for (name, tree, connections, verdicts) in table {
            let plan = Plan { connections, ..Plan::default() };
            let findings = judge(&see(&Tree::of(&tree).root()), &plan);
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
        }
    }
}
