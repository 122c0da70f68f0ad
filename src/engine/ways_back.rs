//! Purpose: the ways back, against the walk of a frame: snapshot requests to whoever speaks REST, and consumers'
//! requests for a book to the conductor.
//! Owns: small rings and queues. Thread: each end on its own. Takes and gives: ids. Never: blocks.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_queue::ArrayQueue;

use crate::conductor::{BookReport, ConductorStage};
use crate::ring::spsc::Producer;
use crate::schema::event::EventRef;
use crate::schema::id::InstrumentId;
use crate::schema::stage::{EventSink, Publish, SnapshotRequests, Stage};
use crate::schema::time::UnixNanos;

/// The conductor's end of the way to REST.
pub struct RequestRing {
    ring: Producer,
}

impl RequestRing {
    /// Over the sending half.
    pub fn new(ring: Producer) -> RequestRing {
        RequestRing { ring }
    }
}

impl SnapshotRequests for RequestRing {
    fn request_snapshot(&mut self, instrument: InstrumentId, epoch: u32) -> bool {
        self.ring.push(&[u64::from(instrument.0), u64::from(epoch)]).is_ok()
    }
}

/// Where a shard's books are put when it ends.
pub type BookReports = Arc<Mutex<Vec<BookReport>>>;

/// A conductor as the engine runs it: serves requests for books, and leaves its books behind when it ends.
pub struct Conducting<P: Publish, R: SnapshotRequests> {
    stage: ConductorStage<P, R>,
    asked: Arc<ArrayQueue<InstrumentId>>,
    reports: BookReports,
}

impl<P: Publish, R: SnapshotRequests> Conducting<P, R> {
    /// Around a stage.
    pub fn new(
        stage: ConductorStage<P, R>,
        asked: Arc<ArrayQueue<InstrumentId>>,
        reports: BookReports,
    ) -> Conducting<P, R> {
        Conducting { stage, asked, reports }
    }
}

impl<P: Publish, R: SnapshotRequests> Stage for Conducting<P, R> {
    #[inline]
    fn ready(&mut self, records: usize, words: usize) -> bool {
        self.stage.ready(records, words)
    }

    #[inline]
    fn work(&mut self) -> usize {
        while let Some(instrument) = self.asked.pop() {
            self.stage.request_book(instrument);
        }
        self.stage.work()
    }

    #[inline]
    fn advance(&mut self, now: UnixNanos) {
        self.stage.advance(now);
    }

    fn finish(&mut self) {
        self.stage.finish();
    }
}

impl<P: Publish, R: SnapshotRequests> EventSink for Conducting<P, R> {
    #[inline]
    fn take_event(&mut self, event: EventRef<'_>) {
        self.stage.take_event(event);
    }
}

impl<P: Publish, R: SnapshotRequests> Drop for Conducting<P, R> {
    fn drop(&mut self) {
        // After a panic the books are not to be trusted: leave none behind.
        if !std::thread::panicking() {
            self.reports.lock().unwrap_or_else(PoisonError::into_inner).extend(self.stage.reports());
        }
    }
}
