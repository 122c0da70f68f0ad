//! Purpose: what the server counts. Owns: its sheet of counters. Thread: any, behind a lock (cold).
//! Takes and gives: counts. Never: used on the data path.

use std::sync::{Mutex, PoisonError};

use crate::telemetry::{Counter, Counts, Ledger};

/// One sheet that all connections write.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
    ledger: Ledger,
}

impl Tally {
    pub(super) fn new(ledger: Ledger) -> Tally {
        Tally { counts: Mutex::new(ledger.sheet("http")), ledger }
    }

    /// Everything that is counted in this process.
    pub(super) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn add(&self, counter: Counter, count: u64) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(counter, count);
    }
}
