//! Purpose: which unknown fields were seen, by type and name, and how often.
//! Owns: a bounded table of names. Thread: the dispatch thread counts, any thread reads.
//! Takes and gives: names in, rows out. Never: allocates for a name it has seen, locks, or forgets a count.

use std::sync::{Arc, OnceLock};

use crate::schema::id::TypeId;
use crate::sync::{AtomicU64, Ordering};

/// The most distinct (type, name) pairs that are told apart; the rest is counted together.
pub const UNKNOWN_NAMES_MAX: usize = 256;

/// One row of the tally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRow {
    /// The canonical type whose route met the field.
    pub type_id: TypeId,
    /// The field's native key, a dot path.
    pub name: String,
    /// How often.
    pub count: u64,
}

#[derive(Debug)]
struct Entry {
    name: OnceLock<(TypeId, Box<str>)>,
    count: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    entries: Box<[Entry]>,
    beyond: AtomicU64,
}

/// A reader's handle on the tally of one dispatch stage.
#[derive(Clone, Debug)]
pub struct UnknownTally {
    shared: Arc<Shared>,
}

impl UnknownTally {
    /// The fields seen so far, in order of first sight. Cold.
    pub fn rows(&self) -> Vec<UnknownRow> {
        let row = |entry: &Entry| {
            let (type_id, name) = entry.name.get()?;
            // Relaxed: a count needs no order with anything; the name is published by its own lock.
            Some(UnknownRow { type_id: *type_id, name: name.to_string(), count: entry.count.load(Ordering::Relaxed) })
        };
        self.shared.entries.iter().map_while(row).collect()
    }

    /// How many fields were counted without their name, because [`UNKNOWN_NAMES_MAX`] others came first.
    pub fn unnamed(&self) -> u64 {
        // Relaxed: as above.
        self.shared.beyond.load(Ordering::Relaxed)
    }
}

/// The writing end; a stage owns it.
#[derive(Debug)]
pub(super) struct UnknownCounts {
    tally: UnknownTally,
    /// How many entries are taken.
    used: usize,
}

impl UnknownCounts {
    pub(super) fn new() -> UnknownCounts {
        let entries =
            (0..UNKNOWN_NAMES_MAX).map(|_| Entry { name: OnceLock::new(), count: AtomicU64::new(0) }).collect();
        UnknownCounts {
            tally: UnknownTally { shared: Arc::new(Shared { entries, beyond: AtomicU64::new(0) }) },
            used: 0,
        }
    }

    pub(super) fn tally(&self) -> UnknownTally {
        self.tally.clone()
    }

    /// Counts one field. Allocates once a name, at most [`UNKNOWN_NAMES_MAX`] times.
    pub(super) fn add(&mut self, type_id: TypeId, name: &str) {
        let shared = &*self.tally.shared;
        let same = |entry: &Entry| entry.name.get().is_some_and(|(t, n)| *t == type_id && **n == *name);
        let cell = match shared.entries[..self.used].iter().find(|entry| same(entry)) {
            Some(entry) => &entry.count,
            None => match shared.entries.get(self.used) {
                Some(entry) => {
                    // Empty until now: this is the only writer.
                    let _ = entry.name.set((type_id, name.into()));
                    self.used += 1;
                    &entry.count
                }
                None => &shared.beyond,
            },
        };
        // Relaxed both: one writer, and readers need no order between counts.
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}
