//! Purpose: the sending halves of rings in the place of a stage: what the next stage's thread will take.
//! Owns: the producers. Thread: the sending stage's. Takes and gives: records. Never: blocks; drops what it has taken.

use super::options::RingWords;
use crate::conductor::{RECORDS_PER_INPUT, WORDS_PER_INPUT};
use crate::dispatch::{EVENT_WORDS_OVER_RAW, ROUTES_PER_TOPIC_MAX};
use crate::ring::broadcast::RECORD_OVERHEAD_WORDS;
use crate::ring::spsc::Producer;
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventBuf, EventHeader, EventRef};
use crate::schema::id::{InstrumentId, Source};
use crate::schema::payload::Lost;
use crate::schema::raw::{RAW_HEADER_WORDS, RawHeader, RawRef};
use crate::schema::stage::{EventSink, RawSink, Stage};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Counter, Counts};

use bytemuck::Zeroable;

/// Words that a ring needs around one record at most: its header, and that of padding.
const AROUND: usize = 2;

/// The most words of a ring of `max_record` that `records` records of `words` words in all take, whatever padding the
/// wrap costs: padding is shorter than the record that needs it, and only one record of a batch can need it.
const fn worst_words(max_record: usize, records: usize, words: usize) -> usize {
    let longest = if words < max_record { words } else { max_record };
    words + longest + records * AROUND
}

/// Whether `records` records of `words` words in all fit.
fn has_room(ring: &mut Producer, records: usize, words: usize) -> bool {
    let worst = worst_words(ring.max_record(), records, words);
    if records == 1 && worst <= ring.max_record() {
        return ring.room_for(worst);
    }
    ring.capacity_words() - ring.used_words() >= worst
}

/// The longest raw instance that every ring behind the io agent takes in the end, also when it becomes as many events as
/// one may: a longer one would find `ready` false for ever. It holds in every topology, so that all publish the same.
pub(super) fn raw_words_max(rings: &RingWords) -> usize {
    let canonical = |words: usize| {
        let (records, words) = (ROUTES_PER_TOPIC_MAX, (words + EVENT_WORDS_OVER_RAW) * ROUTES_PER_TOPIC_MAX);
        worst_words(rings.canonical / 8, records, words) <= rings.canonical
    };
    let published = |words: usize| {
        let inputs = ROUTES_PER_TOPIC_MAX;
        let words = (words + EVENT_WORDS_OVER_RAW + WORDS_PER_INPUT) * inputs;
        words + inputs * RECORDS_PER_INPUT * RECORD_OVERHEAD_WORDS < rings.events
    };
    // Each bound is one of proportion: what fits is found by halving what is left.
    let (mut fits, mut step) = (0, rings.bodies / 8);
    while step > 0 {
        let next = fits + step;
        if next <= rings.bodies / 8 && canonical(next) && published(next) {
            fits = next;
        } else {
            step /= 2;
        }
    }
    fits
}

/// Raw instances to a shard: frames in one ring, bodies in a ring of their own behind a marker in the first, so that
/// a long body takes no room from frames and both keep their order.
pub(super) struct RawRing {
    frames: Option<Producer>,
    bodies: Option<Producer>,
    counts: Counts,
    now: UnixNanos,
}

impl RawRing {
    /// Over the producers of one shard.
    pub(super) fn new(frames: Producer, bodies: Producer, counts: Counts) -> RawRing {
        RawRing { frames: Some(frames), bodies: Some(bodies), counts, now: UnixNanos(i64::MIN + 1) }
    }

    /// A record of a head alone: a marker, or a tick of time.
    fn push_head(&mut self, kind: StreamKind, instrument: InstrumentId, like: &RawHeader) {
        let head = RawHeader {
            words: RAW_HEADER_WORDS as u32,
            kind: kind as u8,
            instrument: instrument.0,
            slots: 0,
            bids: 0,
            asks: 0,
            unknown: 0,
            text_bytes: 0,
            tail_at: 0,
            present: 0,
            ..*like
        };
        if let Some(ring) = &mut self.frames {
            let pushed = ring.push(bytemuck::cast_slice(core::slice::from_ref(&head)));
            self.counts.add(Counter::RingFull, u64::from(pushed.is_err()));
        }
    }
}

fn write(ring: &mut Producer, raw: &RawRef<'_>) -> bool {
    match ring.claim(raw.words()) {
        Ok(mut claim) => {
            raw.copy_to(&mut claim);
            claim.commit();
            true
        }
        Err(_) => false,
    }
}

impl Stage for RawRing {
    fn ready(&mut self, records: usize, words: usize) -> bool {
        let (Some(frames), Some(bodies)) = (&mut self.frames, &mut self.bodies) else { return true };
        // Which ring it takes hangs on its kind; in the ring of frames it is itself, or a marker, or the word of its loss.
        let in_frames = words.clamp(RAW_HEADER_WORDS, frames.max_record().max(RAW_HEADER_WORDS));
        // One that no ring ever takes comes all the same, and is counted and marked as lost.
        let never = words > bodies.max_record();
        has_room(frames, records, in_frames) && (never || has_room(bodies, records, words))
    }

    fn work(&mut self) -> usize {
        0
    }

    fn advance(&mut self, now: UnixNanos) {
        self.now = now;
    }

    fn finish(&mut self) {
        let like = RawHeader { receive: self.now.0, ..RawHeader::zeroed() };
        self.push_head(StreamKind::Lost, InstrumentId::NONE, &like);
        // Dropping the producers closes the rings: the reader learns that nothing will follow.
        self.frames = None;
        self.bodies = None;
    }
}

impl RawSink for RawRing {
    fn take_raw(&mut self, raw: RawRef<'_>) {
        let (Some(frames), Some(bodies)) = (&mut self.frames, &mut self.bodies) else { return };
        if raw.kind() != StreamKind::RestDepth && raw.words() <= frames.max_record() {
            let written = write(frames, &raw);
            self.counts.add(Counter::RingFull, u64::from(!written));
            return;
        }
        if write(bodies, &raw) {
            self.push_head(StreamKind::BodyFollows, raw.instrument(), raw.header);
        } else {
            // Longer than an eighth of the ring of bodies: say so, and let the book resynchronise.
            self.counts.add(Counter::RingFull, 1);
            if raw.kind().is_book() {
                self.counts.add(Counter::BookFramesLost, 1);
                self.push_head(StreamKind::Lost, raw.instrument(), raw.header);
            }
        }
    }
}

/// Canonical events to a conductor on another thread.
pub(super) struct EventRing {
    events: Option<Producer>,
    tick: EventBuf,
    counts: Counts,
    now: UnixNanos,
}

impl EventRing {
    /// Over one producer.
    pub(super) fn new(events: Producer, counts: Counts) -> EventRing {
        EventRing { events: Some(events), tick: EventBuf::default(), counts, now: UnixNanos(i64::MIN + 1) }
    }

    fn push_lost(&mut self, header: EventHeader) {
        self.tick.begin(&header, &Lost::zeroed());
        if let Some(ring) = &mut self.events {
            let pushed = ring.push(self.tick.read().words());
            self.counts.add(Counter::RingFull, u64::from(pushed.is_err()));
        }
    }
}

impl Stage for EventRing {
    fn ready(&mut self, records: usize, words: usize) -> bool {
        let Some(ring) = &mut self.events else { return true };
        // What can never fit comes all the same, and is counted and marked as lost.
        let words = words.min(ring.max_record() * records);
        has_room(ring, records, words)
    }

    fn work(&mut self) -> usize {
        0
    }

    fn advance(&mut self, now: UnixNanos) {
        self.now = now;
    }

    fn finish(&mut self) {
        self.push_lost(EventHeader::internal(builtin::ORDERBOOK_DELTA, Source::WsOther, self.now, 0));
        self.events = None;
    }
}

impl EventSink for EventRing {
    fn take_event(&mut self, event: EventRef<'_>) {
        let Some(ring) = &mut self.events else { return };
        if ring.push(event.words()).is_ok() {
            return;
        }
        self.counts.add(Counter::RingFull, 1);
        if event.header().type_id() == builtin::ORDERBOOK_DELTA {
            self.counts.add(Counter::BookFramesLost, 1);
            self.push_lost(*event.header());
        }
    }
}
