//! Purpose: the sequencer's writes to the snapshot store.
//! Owns: the places kept and the versions known. Thread: the sequencer's. Takes and gives: events in, versions out.
//! Never: holds an event up: tries are bounded, and what the store refuses goes out unstored and counted.

use std::time::Duration;

use crate::schema::event::EventRef;
use crate::snapshot::{Key, StoreError, Update};
use crate::telemetry::{Counter, Counts};

use super::keyed::KeyTable;
use super::shelf::Shelves;

/// How states are written to the store.
#[derive(Clone, Copy, Debug)]
pub struct ShelvingOptions {
    /// How long a record lives once nobody wants its instrument; `None`: for ever.
    pub ttl: Option<Duration>,
    /// How often a compare-and-swap is tried; at least once.
    pub swap_tries: u32,
}

impl Default for ShelvingOptions {
    /// Records live for ever; 8 tries.
    fn default() -> Self {
        ShelvingOptions { ttl: None, swap_tries: 8 }
    }
}

#[derive(Debug)]
enum Kept<P> {
    /// The store has no place for the key, and never will: its keys keep theirs.
    Refused,
    At {
        place: P,
        /// The store's version as last written by us; 0 before.
        version: u64,
    },
}

/// Where everything lies that this sequencer stores.
pub(super) struct Shelving<S: Shelves> {
    store: S,
    kept: KeyTable<Option<Kept<S::Place>>>,
    options: ShelvingOptions,
}

impl<S: Shelves> core::fmt::Debug for Shelving<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shelving").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<S: Shelves> Shelving<S> {
    pub(super) fn new(store: S, options: ShelvingOptions) -> Shelving<S> {
        Shelving { store, kept: KeyTable::default(), options }
    }

    /// Replaces the state of the event's key by the event, from the version that we know. Another writer's version is
    /// taken note of, and the swap tried again from there. Its version, or `None` when the store refused.
    pub(super) fn replace(&mut self, event: EventRef<'_>, counts: &mut Counts) -> Option<u64> {
        let update = update(event, event, self.options.ttl);
        let tries = self.options.swap_tries.max(1);
        let stored = self.at(event).and_then(|(store, place, version)| {
            for _ in 0..tries {
                match store.swap_at(place, *version, update) {
                    Ok(now) => {
                        *version = now;
                        return Some(now);
                    }
                    Err(StoreError::Conflict { actual, .. }) => {
                        counts.add(Counter::StoreConflict, 1);
                        *version = actual;
                    }
                    // Expired meanwhile: 0 expects no record and creates one.
                    Err(StoreError::NotFound { .. }) if *version != 0 => *version = 0,
                    Err(_) => return None,
                }
            }
            None
        });
        counted(stored, counts)
    }

    /// Puts `book` under the key of `reference`, whatever lies there.
    pub(super) fn put_under(
        &mut self,
        reference: EventRef<'_>,
        book: EventRef<'_>,
        counts: &mut Counts,
    ) -> Option<u64> {
        let update = update(reference, book, self.options.ttl);
        let stored = self.at(reference).and_then(|(store, place, version)| {
            let now = store.put_at(place, update).ok()?;
            *version = now;
            Some(now)
        });
        counted(stored, counts)
    }

    /// The place of an event's key and the version known there.
    fn at(&mut self, event: EventRef<'_>) -> Option<(&S, &S::Place, &mut u64)> {
        let header = event.header();
        let (instrument, type_id) = (header.instrument(), header.type_id());
        // What belongs to no market cannot be filed.
        let market = header.market()?;
        let store = &self.store;
        let kept = self.kept.place(instrument, type_id).get_or_insert_with(|| {
            match store.place(Key { market, instrument, type_id }) {
                Ok(place) => Kept::At { place, version: 0 },
                Err(_) => Kept::Refused,
            }
        });
        match kept {
            Kept::At { place, version } => Some((store, place, version)),
            Kept::Refused => None,
        }
    }
}

fn update<'a>(key: EventRef<'_>, data: EventRef<'a>, ttl: Option<Duration>) -> Update<'a> {
    // The receive time, not a clock's: in a replay it is the capture's.
    Update { seq: key.header().seq, updated_at: key.header().receive, ttl, data: data.words() }
}

fn counted(stored: Option<u64>, counts: &mut Counts) -> Option<u64> {
    if stored.is_none() {
        counts.add(Counter::StoreRefused, 1);
    }
    stored
}
