//! Purpose: holds the sequencer to its promises, one thread, small rings. Owns: nothing. Thread: a test's.
//! Takes and gives: events. Never: part of a build that ships.

use crate::ring::broadcast::channel;
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventRef, flag};
use crate::schema::id::{InstrumentId, Source, TypeId};
use crate::schema::json::write_event;
use crate::schema::latency::{Hop, LatencyDetail};
use crate::schema::payload::{Book, BookReference, BookStatus, PayloadKind};
use crate::schema::quality::BookChange;
use crate::schema::stage::Publish;
use crate::schema::time::UnixNanos;
use crate::snapshot::{Key, Store};
use crate::telemetry::{CYCLE_OVER, Clock, Counter, Latencies, Ledger};

use super::fan_out::{Bus, DataBus, Guarantee, SubscribeOptions};
use super::filter::Filter;
use super::fixture::*;
use super::sequencer::{EVENT_WORDS_MAX, RingTooSmall, Sequencer, SequencerOptions, ring_words_for};
use super::subscription::Delivery;

const NONE: InstrumentId = InstrumentId::NONE;

#[test]
fn numbers_rise_by_one_for_each_instrument_and_type() {
    let (mut sequencer, bus, ledger, _) = sequencer(memory(), 1 << 12);
    let mut subscription = everything(&bus);
    // Instrument, type, the number it must get.
    let script = [
        (BTC, builtin::TRADE, 1),
        (BTC, builtin::TRADE, 2),
        (ETH, builtin::TRADE, 1),
        (BTC, builtin::KLINE, 1),
        (NONE, builtin::STATUS_CONNECTION, 1),
        (NONE, builtin::CONTROL_UPDATE, 1),
        (BTC, builtin::TRADE, 3),
        (NONE, builtin::STATUS_CONNECTION, 2),
        (BTC, TypeId(300), 1),
        (ETH, builtin::TRADE, 2),
    ];
    for (instrument, type_id, expected) in script {
        assert_eq!(sequencer.last_seq(instrument, type_id), expected - 1);
        assert_eq!(sequencer.publish(&mut trade(instrument, type_id)), expected);
        assert_eq!(sequencer.last_seq(instrument, type_id), expected);
    }
    let got: Vec<_> = events(&mut subscription)
        .iter()
        .map(|e| (e.read().header().instrument(), e.read().header().type_id(), e.read().header().seq))
        .collect();
    assert_eq!(got, script);
    assert_eq!(ledger.total(Counter::Published), script.len() as u64);
    assert_eq!(sequencer.published(), script.len() as u64);
}

#[test]
fn what_is_read_is_what_was_published_but_for_number_and_latency() {
    let (mut sequencer, bus, _, _) = sequencer(memory(), 1 << 12);
    let mut subscription = everything(&bus);
    let mut originals = vec![trade(BTC, builtin::TRADE), delta(ETH, 3, 7), status(PERPETUAL, 1, BookChange::GapOpen)];
    originals.push(book(BTC, 2, 9).0);
    let json = |event: EventRef<'_>| {
        let mut out = Vec::new();
        write_event(event, &**bus.directory(), &mut out);
        let mut value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let object = value.as_object_mut().unwrap();
        assert!(object.remove("latencyNs").is_some() && object.remove("seq").is_some());
        assert!(object.remove("key").is_some());
        value
    };
    let before: Vec<_> = originals.iter().map(|event| json(event.read())).collect();
    originals.iter_mut().for_each(|event| _ = sequencer.publish(event));
    let after: Vec<_> = events(&mut subscription).iter().map(|event| json(event.read())).collect();
    assert_eq!(before, after);
}

#[test]
fn latency_is_measured_from_ingress_and_never_runs_below_zero() {
    let (ring, tap) = channel(1 << 12).unwrap();
    let (clock, ledger) = (Clock::default(), Ledger::default());
    let options = SequencerOptions { event_words_max: 64, ..SequencerOptions::default() };
    let latencies = Latencies::new(clock.clone(), CYCLE_OVER);
    let sequencer = Sequencer::new(ring, memory(), clock.clone(), ledger.sheet("s"), options).unwrap();
    let mut sequencer = sequencer.measured(&latencies);
    let mut subscription = everything(&DataBus::new(vec![tap], directory()));
    let mut event = trade(BTC, builtin::TRADE);
    event.header_mut().latency_ns = clock.now_ns();
    sequencer.publish(&mut event);
    let ahead = clock.now_ns() + 1_000_000_000_000;
    event.header_mut().latency_ns = ahead;
    sequencer.publish(&mut event);
    let until_now = clock.now_ns();
    let told: Vec<_> = events(&mut subscription).iter().map(|e| e.read().header().latency_ns).collect();
    assert!(told[0] <= until_now, "{told:?}");
    assert_eq!(told[1], 0, "an ingress ahead of the clock is no time ago");
    drop(sequencer);
    assert_eq!(latencies.summaries(Hop::ReadToPublished)[0].count, 2);
    assert_eq!(ledger.total(Counter::LatencyClamped), 0);
}

#[test]
fn the_store_has_the_state_before_the_ring_has_the_event() {
    let store = memory();
    let (mut sequencer, bus, ledger, _) = sequencer(store.clone(), 1 << 12);
    let mut subscription = everything(&bus);
    for expected in 1..=3 {
        assert_eq!(sequencer.publish_stored(&mut trade(BTC, builtin::ANALYTICS_FUSED)), expected);
        let record = store.get(Key::new(market(BTC), BTC, builtin::ANALYTICS_FUSED)).unwrap();
        assert_eq!((record.seq, record.version, record.updated_at), (expected, expected, 1_000));
        let stored = EventRef::from_words(&record.data).unwrap();
        let published = events(&mut subscription).remove(0);
        assert_eq!(stored.header().seq, expected);
        assert_eq!(stored.payload_words(), published.read().payload_words());
        assert!(stored.header().latency_ns <= published.read().header().latency_ns, "stored first, published then");
        assert_eq!(published.read().header().flags & flag::NOT_STORED, 0);
    }
    assert_eq!(ledger.total(Counter::StoreRefused) + ledger.total(Counter::StoreConflict), 0);
}

#[test]
fn a_book_goes_to_the_store_and_its_reference_to_the_ring() {
    let store = memory();
    let (mut sequencer, bus, _, _) = sequencer(store.clone(), 1 << 12);
    let mut subscription = everything(&bus);
    for round in 1..=3u64 {
        let (mut reference, mut whole) = book(ETH, 4, round * 10);
        assert_eq!(sequencer.publish_book(&mut reference, &mut whole), round);
        let published = events(&mut subscription).remove(0);
        let record = store.get(Key::new(market(ETH), ETH, builtin::ORDERBOOK_SNAPSHOT)).unwrap();
        assert_eq!((record.version, record.seq), (round, round));
        let stored = EventRef::from_words(&record.data).unwrap();
        assert_eq!(stored.payload::<Book>().unwrap().delta_seq, round * 10);
        assert_eq!((stored.header().seq, stored.header().epoch, stored.levels().0.len()), (round, 4, 1));
        let reference = published.read();
        assert_eq!(reference.payload::<BookReference>().unwrap().store_version, round as i64);
        assert_eq!(reference.header().flags & flag::NOT_STORED, 0);
    }
}

#[test]
fn a_change_too_long_for_the_ring_keeps_its_number_and_resets_the_consumers_books() {
    let (mut sequencer, bus, ledger, _) = sequencer(memory(), 1 << 10);
    let mut subscription = everything(&bus);
    let fits = (128 - 16) / 2;
    assert_eq!(sequencer.publish(&mut delta(BTC, 2, fits)), 1);
    assert_eq!(sequencer.publish(&mut delta(BTC, 2, fits + 1)), 2);
    assert_eq!(sequencer.publish(&mut delta(BTC, 2, 1)), 3);
    let got = events(&mut subscription);
    let kinds: Vec<_> = got.iter().map(|e| (e.read().header().kind(), e.read().header().seq)).collect();
    use PayloadKind::{BookStatus as Status, DepthDiff};
    assert_eq!(kinds, [(Some(DepthDiff), 1), (Some(Status), 1), (Some(DepthDiff), 3)]);
    let status = got[1].read();
    assert_eq!(status.payload::<BookStatus>().unwrap().change, BookChange::Reset as i64);
    assert_eq!((status.header().instrument(), status.header().epoch), (BTC, 2));
    assert_eq!((ledger.total(Counter::EventsTooLarge), ledger.total(Counter::Published)), (1, 3));
    assert_eq!(sequencer.last_seq(BTC, builtin::STATUS_BOOK), 1);

    let mut other = delta(BTC, 2, fits + 1);
    other.header_mut().kind = PayloadKind::DepthLevels as u8;
    sequencer.publish(&mut other);
    assert!(events(&mut subscription).is_empty(), "no book is made from levels as they stand");
    assert_eq!(ledger.total(Counter::EventsTooLarge), 2);
}

#[test]
fn a_ring_too_small_for_the_longest_event_is_refused_with_the_size_it_needs() {
    let needed = ring_words_for(EVENT_WORDS_MAX);
    assert_eq!(needed, 1 << 18);
    let make = |words: usize| {
        let (ring, _tap) = channel(words).unwrap();
        Sequencer::new(ring, memory(), Clock::default(), Ledger::default().sheet("s"), SequencerOptions::default())
            .map(|_| ())
    };
    let error = RingTooSmall { max_record: needed / 16, needed: EVENT_WORDS_MAX, ring_words: needed };
    assert_eq!(make(needed / 2), Err(error));
    assert_eq!(make(needed), Ok(()));
}

#[test]
fn room_is_refused_for_a_lossless_reader_alone_and_demotions_are_counted() {
    let (mut sequencer, bus, ledger, _) = sequencer(memory(), 1 << 10);
    let words = trade(BTC, builtin::TRADE).read().words().len();
    assert!(sequencer.room_for(1_000_000, 1_000_000));
    let mut lossless = bus.subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    let mut published = 0;
    while sequencer.room_for(1, words) {
        sequencer.publish(&mut trade(BTC, builtin::TRADE));
        published += 1;
    }
    // The ring without a stride, and the two words behind the newest record.
    assert_eq!(published, (1024 - 1024 / 64 - 2) / (words + 2));
    assert_eq!(lossless.poll(1, |_| ()), 1);
    assert!(sequencer.room_for(1, words) && !sequencer.room_for(2, 2 * words));
    assert_eq!(events(&mut lossless).len(), published - 1);
    drop(lossless);
    assert!(sequencer.room_for(1_000_000, 1_000_000), "who left holds nobody up");

    let bound = SubscribeOptions { guarantee: Guarantee::Gating { bound_words: Some(512) }, ..Default::default() };
    let mut bounded = bus.subscribe(&[], Filter::all(), bound).unwrap();
    for _ in 0..512 / (words + 2) {
        assert!(sequencer.room_for(1, words), "a bound never holds the stages up");
        sequencer.publish(&mut trade(BTC, builtin::TRADE));
    }
    assert!(sequencer.room_for(1, words) && bounded.is_demoted());
    assert_eq!(ledger.total(Counter::ReadersDemoted), 1);
    let mut lag = None;
    (0..100).for_each(|_| _ = sequencer.publish(&mut trade(BTC, builtin::TRADE)));
    bounded.poll(1, |delivery| {
        if let Delivery::Lag(found) = delivery {
            lag = Some(found)
        }
    });
    assert_eq!(lag.map(|lag| (lag.shard, lag.count)), Some((0, lag.unwrap().to - lag.unwrap().from + 1)));
}

/// What a hop's total and its rows say, from a report: kind, connection, count.
fn rows(latencies: &Latencies, of: Hop) -> Vec<(Option<String>, Option<u16>, u64)> {
    let report = latencies.report(LatencyDetail::Histograms, |id| builtin::name(id).map(str::to_owned));
    let mine = report.hops.into_iter().filter(|view| view.hop == of);
    mine.map(|view| (view.kind, view.connection, view.summary.count)).collect()
}

#[test]
fn each_event_is_in_the_ledger_by_kind_and_connection_but_for_what_was_held() {
    let (mut sequencer, _bus, _, latencies) = sequencer(memory(), 1 << 12);
    for (type_id, connection, flags) in [
        (builtin::TRADE, 1, 0),
        (builtin::TRADE, 2, flag::LAST_OF_BATCH),
        (builtin::KLINE, 2, 0),
        (builtin::TRADE, 2, flag::HELD),
    ] {
        let mut event = trade(BTC, type_id);
        let header = event.header_mut();
        (header.connection, header.flags) = (connection, flags);
        sequencer.publish(&mut event);
    }
    drop(sequencer);
    let named = |name: &str| Some(name.to_owned());
    let expected =
        [(None, None, 3), (named("TRADE"), None, 2), (named("KLINE"), None, 1), (None, Some(1), 1), (None, Some(2), 2)];
    assert_eq!(rows(&latencies, Hop::ReadToPublished), expected);
}

/// Signed, once a frame: by the last event made from it, where a stream told a time.
#[test]
fn the_exchanges_time_is_told_once_a_frame_of_a_stream_with_its_sign() {
    let (mut sequencer, _bus, _, latencies) = sequencer(memory(), 1 << 12);
    let last = flag::LAST_OF_BATCH;
    for (source, ts, flags) in [
        (Source::WsTrade, 700, last),
        (Source::WsTrade, 1_040, last),
        (Source::WsTrade, 700, 0),
        (Source::WsTrade, UnixNanos::ABSENT.0, last),
        (Source::RestPoll, 700, last),
        (Source::ConductorAnalytics, 700, last),
        (Source::WsDepth, 700, last | flag::HELD),
    ] {
        let mut event = trade(BTC, builtin::TRADE);
        let header = event.header_mut();
        (header.source, header.ts, header.flags, header.receive) = (source as u16, ts, flags, 1_000);
        sequencer.publish(&mut event);
    }
    drop(sequencer);
    let report = latencies.report(LatencyDetail::Histograms, |_| None);
    let total = report.hops.iter().find(|view| view.hop == Hop::ExchangeToReceive).unwrap();
    assert_eq!((total.summary.count, total.summary.min_ns, total.summary.max_ns), (2, -40, 300));
}
