//! Purpose: sends each instrument to its shard, always the same one.
//! Owns: the shards' sinks. Thread: an io thread. Takes and gives: raw instances. Never: two shards for an instrument.

use crate::bus::data::shard_of;
use crate::schema::id::InstrumentId;
use crate::schema::raw::RawRef;
use crate::schema::stage::{RawSink, Stage};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;

/// Several sinks as one. What concerns no instrument goes to shard 0, and that a connection came or went to all.
pub(super) struct Shards<K> {
    sinks: Vec<K>,
}

impl<K: RawSink> Shards<K> {
    /// Over at least one sink.
    pub(super) fn new(sinks: Vec<K>) -> Shards<K> {
        Shards { sinks }
    }
}

impl<K: RawSink> Stage for Shards<K> {
    fn ready(&mut self, records: usize, words: usize) -> bool {
        self.sinks.iter_mut().all(|s| s.ready(records, words))
    }

    fn work(&mut self) -> usize {
        self.sinks.iter_mut().map(Stage::work).sum()
    }

    fn advance(&mut self, now: UnixNanos) {
        self.sinks.iter_mut().for_each(|s| s.advance(now));
    }

    fn finish(&mut self) {
        self.sinks.iter_mut().for_each(Stage::finish);
    }
}

impl<K: RawSink> RawSink for Shards<K> {
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        let shard = shard_of(instrument, self.sinks.len());
        self.sinks[shard].expect(instrument, of_book);
    }

    #[inline]
    fn take_raw(&mut self, raw: RawRef<'_>) {
        if raw.kind() == StreamKind::Connection && !raw.instrument().is_some() {
            // Any shard may hold books that the connection feeds; the first one publishes it.
            return self.sinks.iter_mut().for_each(|sink| sink.take_raw(raw));
        }
        let shard = shard_of(raw.instrument(), self.sinks.len());
        self.sinks[shard].take_raw(raw);
    }
}
