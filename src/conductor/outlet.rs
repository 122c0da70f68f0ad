//! Purpose: the ways out of the stage (events, snapshot requests, counts), what it was told, and what time it is.
//! Owns: the buffers events are made in. Thread: the conductor's. Takes and gives: events.
//! Never: decides anything about a book, reads a clock.

use super::audit::Audit;
use super::options::ConductorOptions;
use super::tally::BookTally;
use crate::schema::event::{EventBuf, EventHeader, EventRef, HEADER_WORDS, flag};
use crate::schema::id::{InstrumentId, Source, TypeId};
use crate::schema::payload::{BookReference, BookStatus, Fused, Payload};
use crate::schema::raw::Level;
use crate::schema::stage::{Publish, SnapshotRequests};
use crate::schema::time::UnixNanos;
use crate::telemetry::{Counter, Counts};

/// Words of a fused event, a book status, a book reference.
pub(super) const FUSED_WORDS: usize = HEADER_WORDS + Fused::WORDS;
pub(super) const STATUS_WORDS: usize = HEADER_WORDS + BookStatus::WORDS;
pub(super) const REFERENCE_WORDS: usize = HEADER_WORDS + BookReference::WORDS;

/// The most events one input causes at once: itself, its fused event, one held back by the throttle that must go out
/// before a status, three statuses, a book reference. Everything beyond is released by `work`, one step at a time.
pub const RECORDS_PER_INPUT: usize = 7;
/// The most words of those, beyond the input's own.
pub const WORDS_PER_INPUT: usize = 2 * FUSED_WORDS + 3 * STATUS_WORDS + REFERENCE_WORDS;

/// Where everything leaves.
#[derive(Debug)]
pub(super) struct Outlet<P, R> {
    pub(super) publish: P,
    pub(super) requests: R,
    pub(super) counts: Counts,
    pub(super) options: ConductorOptions,
    /// Books by quality.
    pub(super) tally: BookTally,
    /// UTC ns, as handed in.
    pub(super) now: i64,
    /// The ingress stamp of the latest input: what events that no frame caused carry.
    pub(super) ingress: u64,
    /// The event being made.
    pub(super) event: EventBuf,
    /// The whole book being made.
    pub(super) book: EventBuf,
    /// A state taken out of the throttle.
    pub(super) spare: Vec<u64>,
    /// A diff taken out of those held.
    pub(super) released: Vec<u64>,
    /// Room for a book to take a diff in: one for all stays in the cache.
    pub(super) levels: Vec<Level>,
    /// Audits that may begin; as many as there are go on at once.
    #[allow(clippy::vec_box)] // They go to instruments and come back, and never move.
    pub(super) audits: Vec<Box<Audit>>,
}

impl<P: Publish, R: SnapshotRequests> Outlet<P, R> {
    pub(super) fn new(options: ConductorOptions, publish: P, requests: R, counts: Counts) -> Outlet<P, R> {
        let audits = (0..options.audits_max).map(|_| Box::default()).collect();
        Outlet {
            audits,
            publish,
            requests,
            counts,
            options,
            tally: BookTally::default(),
            now: 0,
            ingress: 0,
            event: EventBuf::default(),
            book: EventBuf::default(),
            spare: Vec::new(),
            levels: Vec::new(),
            released: Vec::new(),
        }
    }

    pub(super) fn count(&mut self, counter: Counter) {
        self.counts.add(counter, 1);
    }

    /// Whether what came in with this head is too old to vouch for a book. What was held back on purpose is not.
    #[inline]
    pub(super) fn is_old(&self, head: &EventHeader) -> bool {
        self.options.fresh.as_ref().is_some_and(|fresh| {
            let came = fresh.stamps.unix_at(head.latency_ns).0;
            head.flags & flag::HELD == 0 && self.now.saturating_sub(came) > fresh.age_max_ns
        })
    }

    /// Room for one input of `words` words with all it causes.
    pub(super) fn room_for_input(&mut self, words: usize) -> bool {
        self.publish.room_for(RECORDS_PER_INPUT, words + WORDS_PER_INPUT)
    }

    /// Publishes a copy of an event that stands for itself.
    pub(super) fn pass(&mut self, event: EventRef<'_>, epoch: u32) {
        self.event.copy_from(event);
        self.event.header_mut().epoch = epoch;
        self.publish.publish(&mut self.event);
    }

    /// Publishes the event being made, as standing for `stands_for` states.
    pub(super) fn publish_made(&mut self, stands_for: u32, stored: bool) {
        let header = self.event.header_mut();
        header.conflated = stands_for;
        if stands_for > 1 {
            header.flags |= flag::CONFLATED;
        }
        if stored {
            self.publish.publish_stored(&mut self.event);
        } else {
            self.publish.publish(&mut self.event);
        }
    }

    /// A head for an event that no frame caused.
    pub(super) fn own_head(&self, instrument: InstrumentId, market: u8) -> EventHeader {
        EventHeader {
            instrument: instrument.0,
            market,
            flags: flag::HELD,
            ..EventHeader::internal(TypeId(0), Source::ConductorBook, UnixNanos(self.now), self.ingress)
        }
    }
}
