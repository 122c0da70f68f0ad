//! Purpose: holds the sending halves to their word: after a `ready` nothing is lost, and what may come finds room in the
//! end. Owns: small rings. Thread: a test's. Takes and gives: records. Never: part of a build that ships.

use bytemuck::Zeroable;
use proptest::prelude::*;

use super::options::RingWords;
use super::ring_sink::{EventRing, RawRing, raw_words_max};
use crate::dispatch::{EVENT_WORDS_OVER_RAW, ROUTES_PER_TOPIC_MAX};
use crate::ring::spsc::{self, Consumer};
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventBuf, EventHeader, EventRef};
use crate::schema::id::{ConnectionId, InstrumentId, Market, Source, TraceIds};
use crate::schema::payload::Lost;
use crate::schema::raw::{Level, RAW_HEADER_WORDS, RawBuf, RawOrigin, RawRef};
use crate::schema::stage::{EventSink, RawSink, Stage};
use crate::schema::time::UnixNanos;
use crate::schema::topic::{StreamKind, Topic};
use crate::telemetry::{Counter, Ledger};

const RINGS: RingWords = RingWords { frames: 1 << 9, bodies: 1 << 11, canonical: 1 << 11, events: 1 << 14 };

/// A raw instance of exactly so many words.
fn raw(buf: &mut RawBuf, kind: StreamKind, number: u64, words: usize) {
    let from = RawOrigin {
        market: Market::BinanceSpot,
        connection: ConnectionId(0),
        number,
        receive: UnixNanos(number as i64),
        ingress_ns: 0,
        traces: TraceIds::new(0),
    };
    buf.begin(&from, Topic::plain(kind), 1);
    buf.set_instrument(InstrumentId(0));
    buf.set_text(0, &"x".repeat((words - RAW_HEADER_WORDS - 2) * 8));
    assert_eq!(buf.finish().unwrap().words(), words);
}

/// Takes one record of the pair of rings; the number it carries, `None` for the tick at the end.
fn take(frames: &mut Consumer, bodies: &mut Consumer) -> Option<Option<u64>> {
    let raw = RawRef::from_words(frames.peek()?).unwrap();
    let number = if raw.kind() == StreamKind::BodyFollows {
        let number = RawRef::from_words(bodies.peek().unwrap()).unwrap().header.number;
        bodies.release();
        Some(number)
    } else {
        raw.instrument().is_some().then_some(raw.header.number)
    };
    frames.release();
    Some(number)
}

proptest! {
    #[test]
    fn what_a_raw_ring_was_ready_for_arrives_and_so_does_the_end(
        records in prop::collection::vec((any::<bool>(), 13usize..=256, 0usize..6), 1..200)
    ) {
        let ledger = Ledger::default();
        let ((to_frames, mut frames), (to_bodies, mut bodies)) =
            (spsc::channel(RINGS.frames).unwrap(), spsc::channel(RINGS.bodies).unwrap());
        let mut ring = RawRing::new(to_frames, to_bodies, ledger.sheet("io"));
        let (mut buf, mut arrived) = (RawBuf::default(), Vec::new());
        for (number, (body, words, drained)) in records.iter().enumerate() {
            let kind = if *body { StreamKind::RestDepth } else { StreamKind::Trade };
            let words = (*words).min(raw_words_max(&RINGS));
            raw(&mut buf, kind, number as u64, words);
            arrived.extend((0..*drained).filter_map(|_| take(&mut frames, &mut bodies)));
            while !ring.ready(1, words) {
                let one = take(&mut frames, &mut bodies);
                prop_assert!(one.is_some(), "{words} words find no room in empty rings");
                arrived.extend(one);
            }
            ring.take_raw(buf.read());
        }
        while !ring.ready(1, RAW_HEADER_WORDS) {
            arrived.extend(take(&mut frames, &mut bodies));
        }
        ring.finish();
        arrived.extend(std::iter::from_fn(|| take(&mut frames, &mut bodies)));
        let expected: Vec<Option<u64>> = (0..records.len() as u64).map(Some).chain([None]).collect();
        prop_assert_eq!(arrived, expected);
        prop_assert_eq!(ledger.total(Counter::RingFull), 0);
    }

    #[test]
    fn what_an_event_ring_was_ready_for_arrives_whatever_the_fan_out(
        inputs in prop::collection::vec((1usize..=ROUTES_PER_TOPIC_MAX, 12usize..=256), 1..200)
    ) {
        let ledger = Ledger::default();
        let (to_events, mut events) = spsc::channel(RINGS.canonical).unwrap();
        let mut ring = EventRing::new(to_events, ledger.sheet("dispatch"));
        let (mut event, mut arrived, mut sent) = (EventBuf::default(), 0, 0);
        for (fan_out, words) in inputs {
            let words = words.min(raw_words_max(&RINGS)) + EVENT_WORDS_OVER_RAW;
            let header = EventHeader::internal(builtin::TRADE, Source::WsTrade, UnixNanos(0), 0);
            event.begin(&EventHeader { instrument: 0, ..header }, &Lost::zeroed());
            while event.read().words().len() + 2 <= words {
                event.push_levels(&[Level::default()]);
            }
            while !ring.ready(fan_out, words * fan_out) {
                let one = events.poll(1, |record| assert!(EventRef::from_words(record).is_some()));
                prop_assert_eq!(one, 1, "{} times {} words find no room in an empty ring", fan_out, words);
                arrived += one;
            }
            (0..fan_out).for_each(|_| ring.take_event(event.read()));
            sent += fan_out;
        }
        arrived += events.poll(usize::MAX, |_| ());
        prop_assert_eq!((arrived, ledger.total(Counter::RingFull)), (sent, 0));
    }
}

#[test]
fn the_default_rings_take_the_deepest_body_and_the_longest_diff() {
    // 5,000 levels a side, the most that the venue serves (binance.md, section 1), with the longest of heads.
    let deepest = RAW_HEADER_WORDS + 2 * 26 + 2 * 10_000 + 32;
    let smallest = RingWords { bodies: 1 << 18, canonical: 1 << 18, events: 1 << 18, ..RingWords::default() };
    for rings in [RingWords::default(), smallest] {
        let words = raw_words_max(&rings);
        assert!((deepest..=rings.bodies / 8).contains(&words), "{words} of {rings:?}");
    }
}
