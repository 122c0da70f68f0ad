//! Purpose: what stands at the end of a room that is measured alone: sinks that do nothing, and sinks that keep what comes.
//! Owns: what was kept. Thread: one. Takes and gives: events. Never: lets the compiler drop what nobody reads.

use std::hint::black_box;

use meltica::schema::event::{EventBuf, EventRef};
use meltica::schema::id::{InstrumentId, TypeId};
use meltica::schema::stage::{EventSink, Publish, SnapshotRequests, Stage, Urgency};
use meltica::schema::time::UnixNanos;

/// Takes everything, does nothing.
#[derive(Debug, Default)]
pub(crate) struct Nothing {
    seq: u64,
}

/// Keeps the words of everything.
#[derive(Debug, Default)]
pub(crate) struct Kept(pub(crate) Vec<Vec<u64>>);

impl Stage for Nothing {
    #[inline]
    fn ready(&mut self, records: usize, words: usize) -> bool {
        black_box(records + words) > 0
    }

    #[inline]
    fn work(&mut self) -> usize {
        0
    }

    #[inline]
    fn advance(&mut self, _: UnixNanos) {}

    fn finish(&mut self) {}
}

impl EventSink for Nothing {
    #[inline]
    fn take_event(&mut self, event: EventRef<'_>) {
        black_box(event.words().as_ptr());
    }
}

impl Publish for Nothing {
    #[inline]
    fn room_for(&mut self, records: usize, words: usize) -> bool {
        black_box(records + words) > 0
    }

    #[inline]
    fn publish(&mut self, event: &mut EventBuf) -> u64 {
        self.seq += 1;
        black_box(event.header_mut()).seq = self.seq;
        self.seq
    }

    #[inline]
    fn publish_stored(&mut self, event: &mut EventBuf) -> u64 {
        self.publish(event)
    }

    fn publish_book(&mut self, reference: &mut EventBuf, _: &mut EventBuf) -> u64 {
        self.publish(reference)
    }

    fn last_seq(&self, _: InstrumentId, _: TypeId) -> u64 {
        self.seq
    }
}

impl Stage for Kept {
    fn ready(&mut self, _: usize, _: usize) -> bool {
        true
    }

    fn work(&mut self) -> usize {
        0
    }

    fn advance(&mut self, _: UnixNanos) {}

    fn finish(&mut self) {}
}

impl EventSink for Kept {
    fn take_event(&mut self, event: EventRef<'_>) {
        self.0.push(event.words().to_vec());
    }
}

impl Publish for Kept {
    fn room_for(&mut self, _: usize, _: usize) -> bool {
        true
    }

    fn publish(&mut self, event: &mut EventBuf) -> u64 {
        self.take_event(event.read());
        self.0.len() as u64
    }

    fn publish_stored(&mut self, event: &mut EventBuf) -> u64 {
        self.publish(event)
    }

    fn publish_book(&mut self, reference: &mut EventBuf, _: &mut EventBuf) -> u64 {
        self.publish(reference)
    }

    fn last_seq(&self, _: InstrumentId, _: TypeId) -> u64 {
        self.0.len() as u64
    }
}

/// Snapshots are handed in by whoever measures.
#[derive(Debug)]
pub(crate) struct AsksNobody;

impl SnapshotRequests for AsksNobody {
    fn request_snapshot(&mut self, _: InstrumentId, _: u32, _: Urgency) -> bool {
        true
    }
}
