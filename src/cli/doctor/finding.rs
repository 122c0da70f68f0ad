//! Purpose: one thing that was looked at: what it is, how good that is, what to change. Owns: the words for both.
//! Thread: main. Takes and gives: plain data. Never: a change without the reason for it; a number that is not from the
//! machine itself or from the source it names.

use serde::Serialize;

use super::root::Unread;

/// Where a finding belongs; in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Group {
    /// Cores for the feed's threads.
    Cores,
    /// Clock speed and idle states.
    Frequency,
    /// Where interrupts go.
    Interrupts,
    /// The clock and who keeps it.
    Clock,
    /// Bounds of the process.
    Limits,
    /// Huge pages, swap.
    Memory,
    /// Sockets.
    Network,
    /// Load, virtualisation, the kernel.
    Machine,
    /// The way to the venue.
    Venue,
}

impl Group {
    /// The name shown to a person.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Group::Cores => "cores",
            Group::Frequency => "frequency",
            Group::Interrupts => "interrupts",
            Group::Clock => "clock",
            Group::Limits => "limits",
            Group::Memory => "memory",
            Group::Network => "network",
            Group::Machine => "machine",
            Group::Venue => "venue",
        }
    }
}

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Verdict {
    /// Nothing to do.
    Good,
    /// It costs latency, at least now and then.
    Warn,
    /// It takes away what was configured, or makes figures wrong.
    Bad,
    /// It could not be seen from here.
    Unknown,
}

impl Verdict {
    /// All of them, as they are counted.
    pub(super) const ALL: [Verdict; 4] = [Verdict::Good, Verdict::Warn, Verdict::Bad, Verdict::Unknown];

    /// The word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Warn => "warn",
            Verdict::Bad => "bad",
            Verdict::Unknown => "unknown",
        }
    }
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Advice {
    /// The command to run, or the file and what to write there.
    pub(super) change: String,
    /// What is wrong with how it is.
    pub(super) why: String,
    /// What the change would gain.
    pub(super) gain: String,
    /// Who says so.
    pub(super) source: &'static str,
}

/// A thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) group: Group,
    pub(super) name: String,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) is: String,
    #[serde(flatten)]
    pub(super) advice: Option<Advice>,
}

/// Which thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject<'n>(pub(super) Group, pub(super) &'n str);

impl Subject<'_> {
    fn found(self, verdict: Verdict, is: impl Into<String>, advice: Option<Advice>) -> Finding {
        Finding { group: self.0, name: self.1.to_owned(), verdict, is: is.into(), advice }
    }

    pub(super) fn good(self, is: impl Into<String>) -> Finding {
        self.found(Verdict::Good, is, None)
    }

    pub(super) fn warn(self, is: impl Into<String>, advice: Advice) -> Finding {
        self.found(Verdict::Warn, is, Some(advice))
    }

    pub(super) fn bad(self, is: impl Into<String>, advice: Advice) -> Finding {
        self.found(Verdict::Bad, is, Some(advice))
    }

    pub(super) fn unknown(self, is: impl Into<String>) -> Finding {
        self.found(Verdict::Unknown, is, None)
    }

    /// A file that would have told it told nothing.
    pub(super) fn unread(self, unread: &Unread) -> Finding {
        self.unknown(unread.to_string())
    }
}
