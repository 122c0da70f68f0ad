//! Purpose: lets through the instruments that are wanted and keeps the rest out before anything is spent on them.
//! Owns: what was decided of each instrument. Thread: the io thread. Takes and gives: raw instances.
//! Never: keeps out what concerns no instrument, or lets one through by half.

use std::sync::Arc;

use crate::directory::Directory;
use crate::schema::id::InstrumentId;
use crate::schema::raw::RawRef;
use crate::schema::stage::{RawSink, Stage};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Counter, Counts};

/// A sink behind a list of instruments.
pub(super) struct Wanted<K> {
    next: K,
    /// Canonical names and symbols, uppercase; empty lets all through.
    names: Vec<String>,
    /// By instrument id, once it was met.
    decided: Vec<Option<bool>>,
    directory: Arc<Directory>,
    counts: Counts,
}

impl<K: RawSink> Wanted<K> {
    /// In front of `next`.
    pub(super) fn new(next: K, names: Vec<String>, directory: Arc<Directory>, counts: Counts) -> Wanted<K> {
        Wanted { next, names, decided: Vec::new(), directory, counts }
    }

    #[inline]
    fn wants(&mut self, instrument: InstrumentId) -> bool {
        if self.names.is_empty() || !instrument.is_some() {
            return true;
        }
        match self.decided.get(instrument.index()) {
            Some(Some(decided)) => *decided,
            _ => self.decide(instrument),
        }
    }

    #[cold]
    fn decide(&mut self, id: InstrumentId) -> bool {
        let Some(instrument) = self.directory.instrument(id) else { return false };
        let fits = |name: &String| **name == *instrument.name || **name == *instrument.symbol;
        let decided = self.names.iter().any(fits);
        if self.decided.len() <= id.index() {
            self.decided.resize(id.index() + 1, None);
        }
        self.decided[id.index()] = Some(decided);
        decided
    }
}

impl<K: RawSink> Stage for Wanted<K> {
    #[inline]
    fn ready(&mut self, records: usize, words: usize) -> bool {
        self.next.ready(records, words)
    }

    #[inline]
    fn work(&mut self) -> usize {
        self.next.work()
    }

    #[inline]
    fn advance(&mut self, now: UnixNanos) {
        self.next.advance(now);
    }

    fn finish(&mut self) {
        self.next.finish();
    }
}

impl<K: RawSink> RawSink for Wanted<K> {
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        self.next.expect(instrument, of_book);
    }

    #[inline]
    fn take_raw(&mut self, raw: RawRef<'_>) {
        if self.wants(raw.instrument()) {
            self.next.take_raw(raw);
        } else if raw.kind() != StreamKind::VenueStatus {
            // That instruments which nobody wants are halted is no loss.
            self.counts.add(Counter::NotWanted, 1);
        }
    }
}
