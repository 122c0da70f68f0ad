//! Purpose: holds subscriptions to their accounts, one thread, small rings. Owns: nothing. Thread: a test's.
//! Takes and gives: events. Never: part of a build that ships.

use crate::ring::RingError;
use crate::ring::broadcast::channel;
use crate::schema::canonical_type::builtin;
use crate::schema::event::flag;
use crate::schema::id::{InstrumentId, TypeId};
use crate::schema::latency::{Hop, LatencyDetail};
use crate::schema::stage::Publish;
use crate::telemetry::{CYCLE_OVER, Clock, Counter, Latencies, Ledger};

use super::fan_out::{Bus, DataBus, Guarantee, Start, SubscribeError, SubscribeOptions, shard_of};
use super::filter::Filter;
use super::fixture::*;
use super::sequencer::{Sequencer, SequencerOptions};
use super::subscription::{Delivery, Lag, Subscription, SubscriptionStats};

const NONE: InstrumentId = InstrumentId::NONE;

type Keys = Vec<(InstrumentId, TypeId, u64)>;

fn drain(subscription: &mut Subscription) -> (Keys, Vec<Lag>) {
    let (mut keys, mut lags) = (Keys::new(), Vec::new());
    while subscription.poll(3, |delivery| match delivery {
        Delivery::Event(event) => {
            keys.push((event.header().instrument(), event.header().type_id(), event.header().seq));
        }
        Delivery::Lag(lag) => lags.push(lag),
    }) > 0
    {}
    let stats = subscription.stats();
    let sum = stats.delivered + stats.filtered + stats.duplicates + stats.lagged + stats.unreadable;
    assert_eq!(sum, subscription.records(), "{stats:?}");
    (keys, lags)
}

fn from_now(bus: &DataBus, types: &[TypeId], filter: Filter) -> Subscription {
    bus.subscribe(types, filter, SubscribeOptions::default()).unwrap()
}

#[test]
fn each_consumer_gets_its_types_and_instruments_and_the_rest_is_counted() {
    let (mut sequencer, bus, _, _) = sequencer(memory(), 1 << 12);
    let types = bus.type_ids(&["trade", "My.Own"]).unwrap();
    assert_eq!(types, [builtin::TRADE, TypeId(builtin::FIRST_CUSTOM)]);
    let mut by_type = from_now(&bus, &types, Filter::all());
    let mut by_name = from_now(&bus, &[], Filter::all().instrument("btc-usdt").unwrap());
    let market = Filter::from_command(&[("market".into(), "BINANCE-USDM".into())].into()).unwrap();
    let mut by_market = from_now(&bus, &[builtin::TRADE], market);
    for (instrument, type_id) in [
        (BTC, builtin::TRADE),
        (ETH, types[1]),
        (PERPETUAL, builtin::KLINE),
        (PERPETUAL, builtin::TRADE),
        (NONE, builtin::STATUS_CONNECTION),
    ] {
        sequencer.publish(&mut trade(instrument, type_id));
    }
    let (btc, eth) = ((BTC, builtin::TRADE, 1), (ETH, types[1], 1));
    let (kline, perpetual) = ((PERPETUAL, builtin::KLINE, 1), (PERPETUAL, builtin::TRADE, 1));
    assert_eq!(drain(&mut by_type).0, [btc, eth, perpetual]);
    assert_eq!(drain(&mut by_name).0, [btc, kline, perpetual]);
    assert_eq!(drain(&mut by_market).0, [perpetual]);
    let expected = SubscriptionStats { delivered: 1, filtered: 4, ..Default::default() };
    assert_eq!(by_market.stats(), expected);
}

#[test]
fn an_event_seen_already_is_dropped_and_counted() {
    let (ring, tap) = channel(1 << 12).unwrap();
    let options = SequencerOptions { event_words_max: 64, ..SequencerOptions::default() };
    let ledger = Ledger::default();
    let mut sequencer = Sequencer::new(ring, memory(), Clock::default(), ledger.sheet("s"), options).unwrap();
    // Two sources of the same events.
    let bus = DataBus::new(vec![tap.clone(), tap], directory());
    let mut subscription = from_now(&bus, &[builtin::TRADE, builtin::STATUS_CONNECTION], Filter::all());
    for round in 1..=5 {
        sequencer.publish(&mut trade(BTC, builtin::TRADE));
        sequencer.publish(&mut trade(ETH, builtin::TRADE));
        sequencer.publish(&mut trade(ETH, builtin::KLINE));
        let (keys, _) = drain(&mut subscription);
        assert_eq!(keys, [(BTC, builtin::TRADE, round), (ETH, builtin::TRADE, round)]);
    }
    sequencer.publish(&mut trade(NONE, builtin::STATUS_CONNECTION));
    assert_eq!(drain(&mut subscription).0.len(), 2, "what concerns no instrument is numbered by each shard");
    let expected = SubscriptionStats { delivered: 12, filtered: 10, duplicates: 10, ..Default::default() };
    assert_eq!(subscription.stats(), expected);
}

#[test]
fn a_lapped_consumer_is_told_once_and_exactly_and_others_do_not_notice() {
    let (mut sequencer, bus, _, _) = sequencer(memory(), 1 << 10);
    let ledger = Ledger::default();
    let mut slow = from_now(&bus, &[builtin::TRADE], Filter::all()).counted(ledger.sheet("slow"));
    let mut fast = from_now(&bus, &[], Filter::all());
    let whole = 1023 / (trade(BTC, builtin::TRADE).read().words().len() + 2);
    for lap in 1..=3u64 {
        for _ in 0..100 {
            sequencer.publish(&mut trade(BTC, builtin::TRADE));
            assert_eq!(fast.poll(10, |delivery| assert!(matches!(delivery, Delivery::Event(_)))), 1);
        }
        let (keys, lags) = drain(&mut slow);
        let (from, missed) = ((lap - 1) * 100, 100 - whole as u64);
        assert_eq!(lags, [Lag { shard: 0, from, to: from + missed - 1, count: missed }]);
        let expected: Keys = (from + missed + 1..=lap * 100).map(|seq| (BTC, builtin::TRADE, seq)).collect();
        assert_eq!(keys, expected, "then the oldest record still whole, and on");
    }
    assert_eq!(ledger.total(Counter::Lagged), slow.stats().lagged);
    assert_eq!((fast.stats().delivered, fast.stats().lagged), (300, 0));
}

#[test]
fn a_subscription_begins_where_it_was_asked_to() {
    let (mut sequencer, bus, _, _) = sequencer(memory(), 1 << 12);
    (0..3).for_each(|_| _ = sequencer.publish(&mut trade(BTC, builtin::TRADE)));
    let options = |start, guarantee| SubscribeOptions { start, guarantee };
    let open = |options| bus.subscribe(&[], Filter::all(), options);
    let gating = |bound_words| Guarantee::Gating { bound_words };
    let mut now = open(options(Start::Now, Guarantee::Lossy)).unwrap();
    let mut oldest = open(options(Start::Oldest, Guarantee::Lossy)).unwrap();
    let mut lossless = open(SubscribeOptions::LOSSLESS).unwrap();
    assert_eq!((now.joined_at(0), oldest.joined_at(0), lossless.joined_at(0)), (Some(3), Some(0), Some(3)));
    assert_eq!(now.joined_at(1), None);
    sequencer.publish(&mut trade(BTC, builtin::TRADE));
    let counts = [&mut now, &mut oldest, &mut lossless].map(|subscription| drain(subscription).0.len());
    assert_eq!(counts, [1, 4, 1]);
    assert!(!now.is_closed());
    drop(sequencer);
    assert!(now.is_closed());

    assert_eq!(open(options(Start::Oldest, gating(None))).unwrap_err(), SubscribeError::GatingFromOldest);
    let bound = RingError::BoundOutOfRange { bound_words: 5, min: 516, max: 4096 };
    assert_eq!(open(options(Start::Now, gating(Some(5)))).unwrap_err(), SubscribeError::Ring(bound));
    let shard = bus.subscribe_shard(1, &[], Filter::all(), SubscribeOptions::default());
    assert_eq!(shard.unwrap_err(), SubscribeError::NoShard(1));
    assert!(matches!(bus.type_ids(&["A..B"]), Err(SubscribeError::Type(_))));
}

#[test]
fn a_busy_shard_starves_no_other() {
    let rings: Vec<_> = (0..3).map(|_| channel(1 << 12).unwrap()).collect();
    let (publishers, taps): (Vec<_>, Vec<_>) = rings.into_iter().unzip();
    let bus = DataBus::new(taps, directory());
    let ledger = Ledger::default();
    let mut sequencers: Vec<_> = publishers
        .into_iter()
        .map(|ring| {
            let options = SequencerOptions { event_words_max: 64, ..SequencerOptions::default() };
            Sequencer::new(ring, memory(), Clock::default(), ledger.sheet("s"), options).unwrap()
        })
        .collect();
    let mut subscription = from_now(&bus, &[], Filter::all());
    for instrument in [BTC, BTC, BTC, BTC, BTC, BTC, ETH, InstrumentId(2), PERPETUAL, NONE] {
        sequencers[shard_of(instrument, 3)].publish(&mut trade(instrument, builtin::TRADE));
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        let looked = subscription.poll(2, |delivery| {
            if let Delivery::Event(event) = delivery {
                seen.push(event.header().instrument);
            }
        });
        assert!(looked <= 2);
    }
    assert!(seen.contains(&ETH.0) && seen.contains(&2), "{seen:?}");
    assert_eq!(drain(&mut subscription).0.len() + seen.len(), 10);
    assert_eq!((shard_of(NONE, 3), shard_of(PERPETUAL, 1), shard_of(PERPETUAL, 0)), (0, 0, 0));
}

#[test]
fn a_record_of_another_layout_is_counted_and_not_handed_out() {
    let (mut ring, tap) = channel(1 << 10).unwrap();
    let mut subscription = from_now(&DataBus::new(vec![tap], directory()), &[], Filter::all());
    let event = trade(BTC, builtin::TRADE);
    let whole = event.read().words();
    for record in [&whole[..whole.len() - 1], &[], &[u64::MAX; 20]] {
        ring.publish(record).unwrap();
    }
    let (keys, lags) = drain(&mut subscription);
    assert_eq!((keys.len(), lags.len(), subscription.stats().unreadable), (0, 0, 3));
}

/// From publication to the closure, where the receive time is the clock's: a replay's and what was held are left out.
#[test]
fn a_consumer_that_asks_is_measured() {
    let (ring, tap) = channel(1 << 12).unwrap();
    let options = SequencerOptions { event_words_max: 64, ..SequencerOptions::default() };
    let (clock, ledger) = (Clock::default(), Ledger::default());
    let latencies = Latencies::new(clock.clone(), CYCLE_OVER);
    let sequencer = Sequencer::new(ring, memory(), clock.clone(), ledger.sheet("s"), options).unwrap();
    let mut sequencer = sequencer.measured(&latencies);
    let bus = DataBus::new(vec![tap], directory());
    let mut measured = from_now(&bus, &[builtin::TRADE], Filter::all()).measured(&clock, &latencies);
    let mut off = from_now(&bus, &[], Filter::all()).measured(&clock, &Latencies::off());
    let before = clock.now_ns();
    for (type_id, clocked, flags) in [
        (builtin::TRADE, true, 0),
        (builtin::KLINE, true, 0),
        (builtin::TRADE, false, 0),
        (builtin::TRADE, true, flag::HELD),
        (builtin::TRADE, true, flag::LAST_OF_BATCH),
    ] {
        let mut event = trade(BTC, type_id);
        let (ingress_ns, header) = (clock.now_ns(), event.header_mut());
        (header.latency_ns, header.flags) = (ingress_ns, flags);
        header.receive = clock.unix_at(ingress_ns).0 - i64::from(!clocked) * 1_000_000_000;
        sequencer.publish(&mut event);
    }
    assert_eq!(drain(&mut measured).0.len(), 4);
    assert_eq!(drain(&mut off).0.len(), 5);
    let took = clock.now_ns() - before;
    drop(measured);
    let report = latencies.report(LatencyDetail::Histograms, |id| builtin::name(id).map(str::to_owned));
    let hop = Hop::PublishedToConsumed;
    let mine: Vec<_> = report.hops.iter().filter(|view| view.hop == hop).collect();
    let rows: Vec<_> = mine.iter().map(|view| (view.hop, view.kind.as_deref(), view.summary.count)).collect();
    assert_eq!(rows, [(hop, None, 2), (hop, Some("TRADE"), 2), (hop, None, 2)]);
    // As the histogram tells it: within one in a thousand.
    assert!(mine[0].summary.max_ns as u64 <= took + took / 500, "{report:?} in {took} ns");
}
