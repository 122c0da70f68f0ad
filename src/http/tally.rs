//! Purpose: what the server counts. Owns: its sheet of counters. Thread: any, behind a lock (cold).
//! Takes and gives: counts. Never: used on the data path.

use std::sync::{Mutex, PoisonError};

use crate::telemetry::{Counter, Counts};

/// One sheet that all connections write.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
}

impl Tally {
    pub(super) const fn new(counts: Counts) -> Tally {
        Tally { counts: Mutex::new(counts) }
    }

    pub(super) fn add(&self, counter: Counter, count: u64) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(counter, count);
    }
}
