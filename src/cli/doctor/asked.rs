//! Purpose: what programs of the machine say that no file does: who keeps the clock, and how well; which programs run.
//! Owns: the programs that are asked. Thread: main. Takes and gives: answers as they came. Never: waits for one longer than
//! a second; runs a program by a name from elsewhere, or as anything but a question.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::root::Root;

/// How long an answer may take, in steps of [`STEP`].
const STEPS_MAX: u32 = 50;
const STEP: Duration = Duration::from_millis(20);
/// Bytes of an answer.
const ANSWER_MAX: u64 = 4_096;

/// The answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// `chronyc -n -c tracking`.
    pub(super) chrony: Option<String>,
    /// `adjtimex --print`: what the kernel holds of its clock.
    pub(super) adjtimex: Option<String>,
    /// `timedatectl show -p NTPSynchronized --value`: whether the kernel holds its clock for kept, told by systemd.
    pub(super) timedatectl: Option<String>,
}

/// Asks them; of another root there is nobody to ask.
pub(super) fn ask(root: &Root) -> Asked {
    if !root.is_system() {
        return Asked::default();
    }
    Asked {
        chrony: answer("chronyc", &["-n", "-c", "tracking"]),
        // Not every user has the folder of such programs in the path.
        adjtimex: answer("adjtimex", &["--print"]).or_else(|| answer("/sbin/adjtimex", &["--print"])),
        timedatectl: answer("timedatectl", &["show", "-p", "NTPSynchronized", "--value"]),
    }
}

/// What a program said, when it ended well and in time.
fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    for _ in 0..STEPS_MAX {
        match child.try_wait() {
            Ok(Some(status)) => {
                let mut text = String::new();
                child.stdout.take()?.take(ANSWER_MAX).read_to_string(&mut text).ok()?;
                return status.success().then(|| text.trim().to_owned());
            }
            Ok(None) => thread::sleep(STEP),
            Err(_) => break,
        }
    }
    // It may have ended meanwhile; either way nothing is left of it.
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// The names of programs that run, each cut to 15 characters by the kernel; `None` where others' are hidden from this one.
pub(super) fn running(root: &Root) -> Option<BTreeSet<String>> {
    root.text("/proc/1/comm").ok()?;
    let is_process = |name: &String| name.bytes().all(|b| b.is_ascii_digit());
    let processes = root.names("/proc").into_iter().filter(is_process);
    Some(processes.filter_map(|number| root.text(&format!("/proc/{number}/comm")).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::trees::Tree;
    use super::*;

    #[test]
    fn a_program_that_fails_hangs_or_is_not_there_has_said_nothing() {
        assert_eq!(answer("echo", &["yes"]).as_deref(), Some("yes"));
        assert_eq!(answer("false", &[]), None);
        assert_eq!(answer("sleep", &["60"]), None);
        assert_eq!(answer("no-such-program-anywhere", &[]), None);
    }

    #[test]
    fn programs_are_found_by_their_names() {
        let tree = Tree::of(
            "/proc/1/comm: systemd\n/proc/77/comm: irqbalance\n/proc/self/comm: x\n/proc/88/\n/proc/net/comm: y",
        );
        assert_eq!(running(&tree.root()), Some(["irqbalance".to_owned(), "systemd".to_owned()].into()));
        assert_eq!(running(&Tree::of("/proc/77/comm: x").root()), None, "hidden");
    }
}
