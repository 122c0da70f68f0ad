//! Purpose: gives each (instrument, type) its own strictly increasing `seq`, and publishes: seq, then store, then ring.
//! Owns: the sending half of a shard's ring, the numbers, the places kept in the store, two hops of the latency ledger.
//! Thread: the conductor's. Takes and gives: events in; out, numbered and with their latency, to the ring.
//! Never: waits, allocates for a key it has seen, reuses a number, loses an event without a count.

use crate::ring::broadcast::{PublishError, Publisher, RECORD_OVERHEAD_WORDS};
use crate::schema::event::{EventBuf, EventHeader, EventRef, flag};
use crate::schema::id::{ConnectionId, InstrumentId, Source, TypeId};
use crate::schema::latency::Hop;
use crate::schema::payload::BookReference;
use crate::schema::stage::Publish;
use crate::schema::time::UnixNanos;
use crate::telemetry::{Clock, Counter, Counts, Discipline, HopRecorder, Latencies, PublishTracer, SignedRecorder};

use super::keyed::KeyTable;
use super::oversize::announce;
use super::shelf::Shelves;
use super::shelving::{Shelving, ShelvingOptions};

/// What a sequencer is told.
#[derive(Clone, Copy, Debug)]
pub struct SequencerOptions {
    /// The longest event that must fit a record of the ring, in words. See [`EVENT_WORDS_MAX`].
    pub event_words_max: usize,
    /// How it writes to the store.
    pub shelving: ShelvingOptions,
}

/// The longest event that Meltica publishes, in words: a diff of 5,000 levels a side, the deepest book that the venue
/// serves in one body (binance.md, section 1), every level of it changed.
pub const EVENT_WORDS_MAX: usize = 20_032;

/// The smallest ring that carries events of `words` words: records are at most an eighth of it.
pub const fn ring_words_for(words: usize) -> usize {
    (words * 8).next_power_of_two()
}

impl Default for SequencerOptions {
    /// [`EVENT_WORDS_MAX`], so a ring of at least 2 MiB; default shelving.
    fn default() -> Self {
        SequencerOptions { event_words_max: EVENT_WORDS_MAX, shelving: ShelvingOptions::default() }
    }
}

/// The ring is too small for the events that must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the bus ring's records hold {max_record} words but events have up to {needed}: make the ring {ring_words} words or larger"
)]
pub struct RingTooSmall {
    /// Words of its longest record.
    pub max_record: usize,
    /// Words of the longest event.
    pub needed: usize,
    /// Words of a ring that would do.
    pub ring_words: usize,
}

/// Numbers and publishes the events of one shard.
///
/// Numbers begin at 1 and rise by one for each (instrument, type), for the life of the sequencer: a resynchronised book
/// does not start again. Events of [`InstrumentId::NONE`] have numbers of their own for each type; shard 0 alone
/// publishes them, else their keys would not be unique.
///
/// An event too long for the ring takes its number and is not published: the number missing tells every consumer. It is
/// counted, and where it is a book's change, a `STATUS.BOOK` that resets the consumers' books follows in its place.
#[derive(Debug)]
pub struct Sequencer<S: Shelves> {
    ring: Publisher,
    seqs: KeyTable<u64>,
    shelving: Shelving<S>,
    clock: Clock,
    published: HopRecorder,
    received: SignedRecorder,
    tracer: Option<Box<PublishTracer>>,
    counts: Counts,
    /// As last counted.
    demotions: u64,
    status: EventBuf,
}

impl<S: Shelves> Sequencer<S> {
    /// A sequencer over the sending half of its shard's ring. It records no latencies: see [`Sequencer::measured`].
    ///
    /// # Errors
    /// [`RingTooSmall`].
    pub fn new(
        ring: Publisher,
        store: S,
        clock: Clock,
        counts: Counts,
        options: SequencerOptions,
    ) -> Result<Sequencer<S>, RingTooSmall> {
        let (max_record, needed) = (ring.max_record(), options.event_words_max);
        if max_record < needed {
            return Err(RingTooSmall { max_record, needed, ring_words: ring_words_for(needed) });
        }
        Ok(Sequencer {
            ring,
            seqs: KeyTable::default(),
            shelving: Shelving::new(store, options.shelving),
            clock,
            published: HopRecorder::off(),
            received: SignedRecorder::default(),
            tracer: None,
            counts,
            demotions: 0,
            status: EventBuf::default(),
        })
    }

    /// Records latencies: of every event until its publication, and of every frame from the exchange's time to its receipt.
    pub fn measured(mut self, latencies: &Latencies) -> Sequencer<S> {
        self.published = latencies.recorder(Hop::ReadToPublished);
        self.received = latencies.signed(Hop::ExchangeToReceive);
        self
    }

    /// Gives the conductor's inputs and what is published of them a span, where they are kept.
    pub fn traced(mut self, tracer: Option<Box<PublishTracer>>) -> Sequencer<S> {
        self.tracer = tracer;
        self
    }

    /// How many records its ring has taken.
    pub fn published(&self) -> u64 {
        self.ring.next_number()
    }

    #[inline]
    fn number(&mut self, event: &mut EventBuf) -> u64 {
        let header = event.header_mut();
        let seq = self.seqs.place(InstrumentId(header.instrument), TypeId(header.type_id));
        *seq += 1;
        header.seq = *seq;
        *seq
    }

    /// Begins a span, if the event is kept. Apart, so that a run without traces does no more than test an `Option`.
    #[cold]
    #[inline(never)]
    fn begin_span(&mut self, event: EventRef<'_>) -> bool {
        self.tracer.as_deref_mut().is_some_and(|tracer| tracer.publishing(event))
    }

    #[cold]
    #[inline(never)]
    fn end_span(&mut self, event: EventRef<'_>) {
        if let Some(tracer) = &mut self.tracer {
            tracer.published(event.header());
        }
    }

    /// Nanoseconds since ingress.
    #[inline]
    fn since(&self, ingress_ns: u64) -> u64 {
        self.clock.now_ns().saturating_sub(ingress_ns)
    }

    /// The last step of every event; it ends its span where one `is_kept`.
    #[inline]
    fn send(&mut self, event: &mut EventBuf, ingress_ns: u64, is_kept: bool) {
        let latency_ns = self.since(ingress_ns);
        let header = event.header_mut();
        header.latency_ns = latency_ns;
        // For consumers that are measured, which are where this is.
        if self.published.is_on() {
            // The clock's UTC may have been moved since the receipt.
            let apart = self.clock.unix_apart(UnixNanos(header.receive), ingress_ns);
            if Discipline::may_be_one(apart, latency_ns) {
                header.flags |= flag::CLOCKED;
            }
        }
        match self.ring.publish(event.read().words()) {
            Ok(_) => {
                self.counts.add(Counter::Published, 1);
                if self.published.is_on() {
                    self.measure(event.read().header());
                }
            }
            Err(PublishError::TooLarge | PublishError::NoRoom) => self.refuse(event, ingress_ns),
        }
        if is_kept {
            self.end_span(event.read());
        }
        self.count_demotions();
    }

    /// Writes a published event's hops into the ledger. The exchange's time is told at most once a frame, by the last event made from
    /// it, and only where the venue sends as things happen: a poll's body is as old as its interval.
    #[inline]
    fn measure(&mut self, header: &EventHeader) {
        if header.flags & flag::HELD != 0 {
            return;
        }
        let (kind, connection) = (TypeId(header.type_id), ConnectionId(header.connection));
        let mut whole = self.published.record(header.latency_ns, kind, connection);
        let last = header.flags & flag::LAST_OF_BATCH != 0;
        if last && header.ts != UnixNanos::ABSENT.0 && Source::is_stream(header.source) {
            whole &= self.received.record(header.receive.saturating_sub(header.ts), kind, connection);
        }
        if !whole {
            self.counts.add(Counter::LatencyClamped, 1);
        }
    }

    #[cold]
    fn refuse(&mut self, event: &mut EventBuf, ingress_ns: u64) {
        self.counts.add(Counter::EventsTooLarge, 1);
        let mut status = core::mem::take(&mut self.status);
        // A status is far smaller than any ring's record, so this ends here.
        if announce(event.read(), &mut status) {
            self.number(&mut status);
            self.send(&mut status, ingress_ns, false);
        }
        self.status = status;
    }

    #[inline]
    fn count_demotions(&mut self) {
        let demotions = self.ring.demotions();
        if demotions != self.demotions {
            self.counts.add(Counter::ReadersDemoted, demotions - self.demotions);
            self.demotions = demotions;
        }
    }
}

impl<S: Shelves> Publish for Sequencer<S> {
    /// More than the ring's capacity never fits while a lossless reader without a bound is there: what one input can
    /// cause must be less.
    #[inline]
    fn room_for(&mut self, records: usize, words: usize) -> bool {
        let room = self.ring.room_for(words.saturating_add(records.saturating_mul(RECORD_OVERHEAD_WORDS)));
        self.count_demotions();
        room
    }

    #[inline]
    fn publish(&mut self, event: &mut EventBuf) -> u64 {
        let is_kept = self.tracer.is_some() && self.begin_span(event.read());
        let seq = self.number(event);
        let ingress_ns = event.header_mut().latency_ns;
        self.send(event, ingress_ns, is_kept);
        seq
    }

    fn publish_stored(&mut self, event: &mut EventBuf) -> u64 {
        let is_kept = self.tracer.is_some() && self.begin_span(event.read());
        let seq = self.number(event);
        let ingress_ns = event.header_mut().latency_ns;
        // What is stored is stored now and published a moment later: each copy says its own latency.
        event.header_mut().latency_ns = self.since(ingress_ns);
        if self.shelving.replace(event.read(), &mut self.counts).is_none() {
            event.header_mut().flags |= flag::NOT_STORED;
        }
        self.send(event, ingress_ns, is_kept);
        seq
    }

    fn publish_book(&mut self, reference: &mut EventBuf, book: &mut EventBuf) -> u64 {
        let is_kept = self.tracer.is_some() && self.begin_span(reference.read());
        let seq = self.number(reference);
        let ingress_ns = reference.header_mut().latency_ns;
        let latency_ns = self.since(ingress_ns);
        let (head, own) = (*reference.read().header(), *book.read().header());
        *book.header_mut() = EventHeader { words: own.words, kind: own.kind, latency_ns, ..head };
        let stored = self.shelving.put_under(reference.read(), book.read(), &mut self.counts);
        if let Some(payload) = reference.payload_mut::<BookReference>() {
            payload.store_version = stored.map_or(0, |version| i64::try_from(version).unwrap_or(i64::MAX));
        }
        if stored.is_none() {
            reference.header_mut().flags |= flag::NOT_STORED;
        }
        self.send(reference, ingress_ns, is_kept);
        seq
    }

    #[inline]
    fn taking(&mut self, input: &EventHeader) {
        if let Some(tracer) = &mut self.tracer {
            tracer.taking(input);
        }
    }

    #[inline]
    fn taken(&mut self) {
        if let Some(tracer) = &mut self.tracer {
            tracer.taken();
        }
    }

    fn last_seq(&self, instrument: InstrumentId, type_id: TypeId) -> u64 {
        self.seqs.get(instrument, type_id).copied().unwrap_or(0)
    }
}
