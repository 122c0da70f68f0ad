//! Purpose: the ways back, against the walk of a frame: snapshot requests to whoever speaks REST, and consumers'
//! requests for a book to the conductor.
//! Owns: small rings. Thread: each end on its own. Takes and gives: ids. Never: blocks.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_queue::ArrayQueue;

use crate::binance::io::SnapshotRequestSource;
use crate::bus::data::BookRequests;
use crate::conductor::{BookReport, ConductorStage};
use crate::directory::Directory;
use crate::ring::spsc::{Consumer, Producer};
use crate::schema::event::EventRef;
use crate::schema::id::InstrumentId;
use crate::schema::stage::{EventSink, Publish, SnapshotRequests, Stage, Urgency};
use crate::schema::time::UnixNanos;

/// The conductor's end of the way to REST.
pub(super) struct RequestsOut {
    ring: Producer,
}

impl RequestsOut {
    /// Over the sending half.
    pub(super) fn new(ring: Producer) -> RequestsOut {
        RequestsOut { ring }
    }
}

impl SnapshotRequests for RequestsOut {
    fn request_snapshot(&mut self, instrument: InstrumentId, epoch: u32, urgency: Urgency) -> bool {
        let background = u64::from(urgency == Urgency::Background);
        self.ring.push(&[u64::from(instrument.0), u64::from(epoch), background]).is_ok()
    }
}

/// The first io agent's end: the rings of all shards.
pub(super) struct RequestsIn {
    rings: Vec<Consumer>,
}

impl RequestsIn {
    /// Over the receiving halves.
    pub(super) fn new(rings: Vec<Consumer>) -> RequestsIn {
        RequestsIn { rings }
    }
}

impl SnapshotRequestSource for RequestsIn {
    fn next(&mut self) -> Option<(InstrumentId, u32, Urgency)> {
        let mut found = None;
        for ring in &mut self.rings {
            ring.poll(1, |record| {
                if let [instrument, epoch, background] = record {
                    let urgency = if *background == 0 { Urgency::Book } else { Urgency::Background };
                    found = Some((InstrumentId(*instrument as u32), *epoch as u32, urgency));
                }
            });
            if found.is_some() {
                break;
            }
        }
        found
    }
}

/// What a conductor is told of an instrument's book stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// It is on, or about to be: should it stay silent, a snapshot is asked for all the same.
    Stream(InstrumentId),
    /// Nobody wants it from this control version on.
    Nothing(InstrumentId, u32),
}

/// The way to one shard's conductor. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Watches {
    queue: Arc<ArrayQueue<Expect>>,
}

impl Watches {
    /// For so many at a time.
    pub(super) fn new(capacity: usize) -> Watches {
        Watches { queue: Arc::new(ArrayQueue::new(capacity.max(1))) }
    }

    /// Tells; `false` when the queue is full.
    pub(super) fn tell(&self, expect: Expect) -> bool {
        self.queue.push(expect).is_ok()
    }
}

/// Where shards leave their books when they end.
pub(super) type BookReports = Arc<Mutex<Vec<BookReport>>>;

/// A conductor as the engine runs it: serves requests for books, watches over books that are expected, and leaves its books behind when it ends.
pub(super) struct Conducting<P: Publish, R: SnapshotRequests> {
    stage: ConductorStage<P, R>,
    asked: BookRequests,
    watched: Watches,
    directory: Arc<Directory>,
    reports: BookReports,
    /// The control duty's events, on shard 0.
    told: Option<Consumer>,
}

impl<P: Publish, R: SnapshotRequests> Conducting<P, R> {
    /// Around a stage.
    pub(super) fn new(
        stage: ConductorStage<P, R>,
        asked: BookRequests,
        watched: Watches,
        directory: Arc<Directory>,
        reports: BookReports,
    ) -> Conducting<P, R> {
        Conducting { stage, asked, watched, directory, reports, told: None }
    }
}

impl<P: Publish, R: SnapshotRequests> Conducting<P, R> {
    /// Also publishes what comes by this ring.
    pub(super) fn telling(mut self, told: Consumer) -> Conducting<P, R> {
        self.told = Some(told);
        self
    }

    /// Publishes the control duty's events, in between the others, as far as there is room.
    fn tell(&mut self) -> usize {
        let Some(told) = &mut self.told else { return 0 };
        let mut done = 0;
        while let Some(words) = told.peek() {
            if !self.stage.ready(1, words.len()) {
                break;
            }
            if let Some(event) = EventRef::from_words(words) {
                self.stage.take_event(event);
            }
            told.release();
            done += 1;
        }
        done
    }
}

impl<P: Publish, R: SnapshotRequests> Stage for Conducting<P, R> {
    #[inline]
    fn ready(&mut self, records: usize, words: usize) -> bool {
        self.stage.ready(records, words)
    }

    #[inline]
    fn work(&mut self) -> usize {
        while let Some(instrument) = self.asked.take() {
            self.stage.request_book(instrument);
        }
        while let Some(expect) = self.watched.queue.pop() {
            match expect {
                Expect::Stream(instrument) => {
                    if let Some(market) = self.directory.instrument(instrument).map(|i| i.market) {
                        self.stage.watch(instrument, market);
                    }
                }
                Expect::Nothing(instrument, version) => self.stage.unwant(instrument, version),
            }
        }
        self.stage.work() + self.tell()
    }

    #[inline]
    fn advance(&mut self, now: UnixNanos) {
        self.stage.advance(now);
    }

    fn finish(&mut self) {
        self.tell();
        self.stage.finish();
        // The sign for the control duty that the run is over.
        self.told = None;
    }
}

impl<P: Publish, R: SnapshotRequests> EventSink for Conducting<P, R> {
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        self.stage.expect(instrument, of_book);
    }

    #[inline]
    fn expect_diff(&mut self, instrument: InstrumentId) {
        self.stage.expect_diff(instrument);
    }

    #[inline]
    fn take_event(&mut self, event: EventRef<'_>) {
        self.stage.take_event(event);
    }
}

impl<P: Publish, R: SnapshotRequests> Drop for Conducting<P, R> {
    /// The engine reads the reports only when no stage has panicked.
    fn drop(&mut self) {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).extend(self.stage.reports());
    }
}
