//! Purpose: what can be made to go wrong between the truthful exchange and the program under test (faults.md, F01–F19, F39–F41).
//! Owns: the journal of what was injected. Thread: any. Takes and gives: plans and records of injections.
//! Never: changes the exchange's market, but for restarted ids, which are the venue's own doing.

use std::sync::{Arc, Mutex, PoisonError};

use super::spoil::{BadNumber, Dress};

/// One thing that goes wrong with one diff frame or one depth snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The diff never arrives (F01).
    Drop,
    /// The diff arrives twice (F03).
    Repeat,
    /// The diff arrives right after the symbol's next one (F04).
    Swap,
    /// The diff arrives so much later, in nanoseconds.
    DelayNs(i64),
    /// The diff arrives after so many later ones of its symbol, at least 1.
    DelayDiffs(u32),
    /// In place of the symbol's next diff comes one that covers both (F05).
    Overlap,
    /// In place of the diff comes something else: cut off, not UTF-8, not numbers, not JSON (F07, F41).
    Garbage,
    /// The diff says the same in other words (F39, F40).
    Dressed(Dress),
    /// In place of one of the diff's numbers stands what is none, or none that fits (F07, F41).
    BadNumber(BadNumber),
    /// The diff carries a bid that never was, so many ticks above the best ask; 0 locks the book (F10).
    Crossing {
        /// Ticks above the best ask.
        ticks: i64,
    },
    /// After the diff the venue restarts the symbol's update ids at this one (F06).
    RestartIds {
        /// The id of the book as it stands; the next change gets one more.
        at: u64,
    },
    /// The snapshot is as old as so many update ids (F12, F14).
    StaleSnapshot {
        /// How far back, clamped to what the oracle remembers.
        ids_back: u64,
    },
    /// The snapshot's body breaks off (F15).
    TruncatedSnapshot,
    /// The snapshot never comes (F16).
    UnansweredSnapshot,
}

impl Fault {
    /// Whether it befalls snapshots, not diffs.
    pub const fn is_of_snapshots(&self) -> bool {
        matches!(self, Fault::StaleSnapshot { .. } | Fault::TruncatedSnapshot | Fault::UnansweredSnapshot)
    }
}

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At these numbers: of the symbol's diffs (or of its snapshot answers), counted from 0 as the exchange makes them.
    At(Vec<u64>),
    /// At random, so many times in a million.
    PerMillion(u32),
}

/// A fault for some symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// The symbols it befalls; none named means all.
    pub symbols: Vec<String>,
    /// What.
    pub fault: Fault,
    /// When.
    pub when: When,
}

/// What goes wrong in a run. At one diff the first rule that strikes wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Decides the random ones, for each rule and symbol on its own.
    pub seed: u64,
    /// The rules, in order of precedence.
    pub rules: Vec<FaultRule>,
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// Whose frame it was.
    pub symbol: String,
    /// What.
    pub fault: Fault,
    /// The number of the diff, or of the snapshot answer.
    pub number: u64,
    /// First and last true update id of the diff; of a snapshot, 0 and the id it carries.
    pub ids: (u64, u64),
}

/// All faults that struck, shared between the source and whoever checks the run.
#[derive(Clone, Debug, Default)]
pub struct FaultJournal(Arc<Mutex<Vec<Injection>>>);

impl FaultJournal {
    pub(super) fn note(&self, injection: Injection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(injection);
    }

    /// What struck so far, in order.
    pub fn entries(&self) -> Vec<Injection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
