//! Consumers on real threads: whatever they do, what each is handed, what its filter keeps out and what it is told as
//! `Lag` are together, in order and without overlap, everything published from where it joined (F48, F49, invariants
//! 12 to 14). The publisher keeps a log of its rings; each consumer's account is held against it afterwards.

#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use bytemuck::Zeroable;
use meltica::bus::data::{
    Bus, DataBus, Delivery, Filter, Guarantee, Lag, Sequencer, SequencerOptions, Start, SubscribeOptions, Subscription,
    shard_of,
};
use meltica::config::route::FilterOp;
use meltica::directory::Directory;
use meltica::ring::broadcast::channel;
use meltica::schema::canonical_type::builtin;
use meltica::schema::event::{EventBuf, EventHeader};
use meltica::schema::id::{InstrumentId, Market, Source, TypeId};
use meltica::schema::instrument::Instrument;
use meltica::schema::payload::{ConnectionStatus, Kline, Trade};
use meltica::schema::stage::Publish;
use meltica::schema::time::UnixNanos;
use meltica::snapshot::{MemoryStore, StoreOptions};
use meltica::telemetry::{Clock, Counter, Ledger};

const SHARDS: usize = 2;
const RING_WORDS: usize = 1 << 12;
const EVENTS: u64 = 60_000;
const INSTRUMENTS: u32 = 6;

type Key = (InstrumentId, TypeId, u64);

/// What a consumer was told, in order.
#[derive(Debug, PartialEq)]
enum Told {
    Event(Key),
    Lag(Lag),
}

/// A small generator, so that runs are alike: xorshift64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn directory() -> Arc<Directory> {
    let directory = Directory::default();
    for base in ["BTC", "ETH", "BNB", "XRP", "ADA", "SOL"] {
        let symbol = format!("{base}USDT");
        directory.admit(Instrument::from_symbol(Market::BinanceSpot, &symbol)).unwrap();
    }
    Arc::new(directory)
}

/// One of four kinds of events, about one of the instruments or none.
fn write_event(dice: &mut Dice, buf: &mut EventBuf) {
    let header = |type_id, instrument| {
        let mut header = EventHeader::internal(type_id, Source::WsTrade, UnixNanos(0), 0);
        (header.instrument, header.market) = (instrument, 1);
        header
    };
    let instrument = dice.roll(u64::from(INSTRUMENTS)) as u32;
    match dice.roll(20) {
        0 => {
            let mut header = header(builtin::STATUS_CONNECTION, InstrumentId::NONE.0);
            header.market = 0;
            buf.begin(&header, &ConnectionStatus::zeroed());
        }
        1..8 => {
            let payload = Kline { flags: dice.roll(2) as u8, ..Kline::zeroed() };
            buf.begin(&header(builtin::KLINE, instrument), &payload);
        }
        8..10 => buf.begin(&header(TypeId(builtin::FIRST_CUSTOM), instrument), &Trade::zeroed()),
        _ => buf.begin(&header(builtin::TRADE, instrument), &Trade::zeroed()),
    }
}

/// The bus, and how far its publisher is.
struct Stage {
    bus: DataBus,
    published: AtomicU64,
    ended: AtomicBool,
}

/// What the publisher put into each shard's ring, by record number; whether a closed candle.
type Log = Vec<Vec<(Key, bool)>>;

fn publish_all(mut sequencers: Vec<Sequencer<MemoryStore>>, stage: &Stage) -> Log {
    let (mut dice, mut buf, mut log) = (Dice(42), EventBuf::default(), vec![Vec::new(); SHARDS]);
    for n in 1..=EVENTS {
        write_event(&mut dice, &mut buf);
        let header = *buf.read().header();
        let shard = shard_of(header.instrument(), SHARDS);
        let words = buf.read().words().len();
        while !sequencers[shard].room_for(1, words) {
            thread::yield_now();
        }
        let seq = sequencers[shard].publish(&mut buf);
        let closed = buf.read().payload::<Kline>().is_some_and(|kline| kline.flags & 1 != 0);
        log[shard].push(((header.instrument(), header.type_id(), seq), closed));
        stage.published.store(n, Ordering::Release);
        if dice.roll(64) == 0 {
            thread::yield_now();
        }
    }
    drop(sequencers);
    stage.ended.store(true, Ordering::Release);
    log
}

fn poll(subscription: &mut Subscription, limit: usize, told: &mut Vec<Told>) -> usize {
    subscription.poll(limit, |delivery| {
        told.push(match delivery {
            Delivery::Event(event) => {
                let header = event.header();
                Told::Event((header.instrument(), header.type_id(), header.seq))
            }
            Delivery::Lag(lag) => Told::Lag(lag),
        });
    })
}

fn poll_to_the_end(subscription: &mut Subscription, limit: usize, told: &mut Vec<Told>) {
    while !subscription.is_closed() {
        if poll(subscription, limit, told) == 0 {
            thread::yield_now();
        }
    }
}

/// Holds an account against the log. `wanted` is the filter, said anew.
fn check(name: &str, subscription: &Subscription, told: &[Told], log: &Log, wanted: &dyn Fn(&Key, bool) -> bool) {
    let mut next: Vec<usize> = (0..SHARDS).map(|shard| subscription.joined_at(shard).unwrap() as usize).collect();
    let joined = next.clone();
    let (mut filtered, mut lagged) = (0, 0);
    let mut pass_over = |next: &mut usize, shard: usize, end: usize| {
        while *next < end && !wanted(&log[shard][*next].0, log[shard][*next].1) {
            (*next, filtered) = (*next + 1, filtered + 1);
        }
    };
    for told in told {
        match told {
            Told::Event(key) => {
                let shard = shard_of(key.0, SHARDS);
                pass_over(&mut next[shard], shard, log[shard].len());
                assert_eq!(log[shard].get(next[shard]).map(|entry| entry.0), Some(*key), "{name}: out of turn");
                next[shard] += 1;
            }
            Told::Lag(lag) => {
                pass_over(&mut next[lag.shard], lag.shard, lag.from as usize);
                assert_eq!((next[lag.shard] as u64, lag.count), (lag.from, lag.to - lag.from + 1), "{name}: {lag:?}");
                next[lag.shard] = lag.to as usize + 1;
                lagged += lag.count;
            }
        }
    }
    (0..SHARDS).for_each(|shard| pass_over(&mut next[shard], shard, log[shard].len()));
    let ends: Vec<usize> = log.iter().map(Vec::len).collect();
    assert_eq!(next, ends, "{name}: everything is accounted for");
    let stats = subscription.stats();
    let events = told.iter().filter(|told| matches!(told, Told::Event(_))).count() as u64;
    assert_eq!((stats.delivered, stats.filtered, stats.lagged), (events, filtered, lagged), "{name}");
    assert_eq!((stats.duplicates, stats.unreadable), (0, 0), "{name}");
    let all: usize = ends.iter().zip(joined).map(|(end, joined)| end - joined).sum();
    assert_eq!((events + filtered + lagged, subscription.records()), (all as u64, all as u64), "{name}");
}

fn all(_: &Key, _: bool) -> bool {
    true
}

fn stage() -> (Vec<Sequencer<MemoryStore>>, Stage, Ledger) {
    let ledger = Ledger::default();
    let (publishers, taps): (Vec<_>, Vec<_>) = (0..SHARDS).map(|_| channel(RING_WORDS).unwrap()).unzip();
    let store = MemoryStore::new(StoreOptions::default());
    let sequencer = |ring| {
        let options = SequencerOptions { event_words_max: RING_WORDS / 8, ..SequencerOptions::default() };
        Sequencer::new(ring, store.clone(), Clock::default(), ledger.sheet("sequencer"), options).unwrap()
    };
    let sequencers = publishers.into_iter().map(sequencer).collect();
    let bus = DataBus::new(taps, directory());
    (sequencers, Stage { bus, published: AtomicU64::new(0), ended: AtomicBool::new(false) }, ledger)
}

#[test]
fn every_consumer_can_account_for_every_record() {
    let (sequencers, stage, ledger) = stage();
    let gating = |bound_words| SubscribeOptions { start: Start::Now, guarantee: Guarantee::Gating { bound_words } };
    let subscribe = |types: &[TypeId], filter, options| stage.bus.subscribe(types, filter, options).unwrap();
    let lossy = SubscribeOptions::default();
    let closed = Filter::all().and("closed", FilterOp::Eq, &true.into()).unwrap();
    let (mut fast, mut slow) = (subscribe(&[], Filter::all(), lossy), subscribe(&[], Filter::all(), lossy));
    let mut stopped = subscribe(&[builtin::TRADE], Filter::all(), lossy);
    let mut lossless = subscribe(&[], Filter::all(), gating(None));
    let mut picky = subscribe(&[builtin::KLINE, builtin::TRADE], closed, gating(None));
    let mut bounded = subscribe(&[], Filter::all(), gating(Some(RING_WORDS / 2)));
    let mut deserter = subscribe(&[], Filter::all(), gating(None));
    let (stage, bus) = (&stage, &stage.bus);
    thread::scope(|scope| {
        let publisher = scope.spawn(move || publish_all(sequencers, stage));
        let fast = scope.spawn(move || {
            let mut told = Vec::new();
            poll_to_the_end(&mut fast, usize::MAX, &mut told);
            (fast, told)
        });
        let slow = scope.spawn(move || {
            let mut told = Vec::new();
            while !slow.is_closed() {
                poll(&mut slow, 5, &mut told);
                (0..20).for_each(|_| thread::yield_now());
            }
            (slow, told)
        });
        let stopped = scope.spawn(move || {
            let mut told = Vec::new();
            poll(&mut stopped, 10, &mut told);
            while !stage.ended.load(Ordering::Acquire) {
                thread::yield_now();
            }
            let first = told.len();
            poll_to_the_end(&mut stopped, 7, &mut told);
            let lags = told[first..].iter().filter(|told| matches!(told, Told::Lag(_))).count();
            assert!((1..=SHARDS).contains(&lags), "lapped many times, told once a shard: {lags}");
            (stopped, told)
        });
        let late = scope.spawn(move || {
            while stage.published.load(Ordering::Acquire) < EVENTS / 2 {
                thread::yield_now();
            }
            let filter = Filter::all().instrument("ETH-USDT").unwrap();
            let mut late = bus.subscribe(&[], filter, SubscribeOptions::default()).unwrap();
            let mut told = Vec::new();
            poll_to_the_end(&mut late, 64, &mut told);
            (late, told)
        });
        let lossless = scope.spawn(move || {
            let mut told = Vec::new();
            poll_to_the_end(&mut lossless, 32, &mut told);
            (lossless, told)
        });
        let picky = scope.spawn(move || {
            let mut told = Vec::new();
            poll_to_the_end(&mut picky, 1_000, &mut told);
            (picky, told)
        });
        let bounded = scope.spawn(move || {
            let mut told = Vec::new();
            // Reads along for a while, then stops until it has been demoted.
            while stage.published.load(Ordering::Acquire) < EVENTS / 10 && !bounded.is_demoted() {
                poll(&mut bounded, usize::MAX, &mut told);
            }
            while !bounded.is_demoted() {
                thread::yield_now();
            }
            while !stage.ended.load(Ordering::Acquire) {
                thread::yield_now();
            }
            poll_to_the_end(&mut bounded, usize::MAX, &mut told);
            (bounded, told)
        });
        // A lossless reader that leaves must not hold the publisher, which could not end otherwise.
        scope.spawn(move || {
            let mut told = Vec::new();
            while told.len() < 1_000 {
                poll(&mut deserter, 16, &mut told);
            }
        });
        let log = publisher.join().unwrap();
        let lossless = lossless.join().unwrap();
        assert!(!lossless.1.iter().any(|told| matches!(told, Told::Lag(_))), "lossless");
        let picky = picky.join().unwrap();
        assert!(picky.1.iter().all(|told| matches!(told, Told::Event(_))) && picky.0.stats().filtered > 0, "picky");
        let bounded = bounded.join().unwrap();
        assert!(bounded.0.is_demoted() && bounded.0.stats().lagged > 0, "demoted, then told");
        let stopped = stopped.join().unwrap();
        let (fast, slow, late) = (fast.join().unwrap(), slow.join().unwrap(), late.join().unwrap());
        assert!(late.0.joined_at(0).unwrap() > 0, "late");
        for (name, (subscription, told)) in
            [("fast", fast), ("slow", slow), ("lossless", lossless), ("bounded", bounded)]
        {
            check(name, &subscription, &told, &log, &all);
        }
        check("stopped", &stopped.0, &stopped.1, &log, &|key, _| key.1 == builtin::TRADE);
        check("picky", &picky.0, &picky.1, &log, &|key, closed| key.1 == builtin::KLINE && closed);
        check("late", &late.0, &late.1, &log, &|key, _| key.0 == InstrumentId(1));
        assert!(ledger.total(Counter::ReadersDemoted) >= 1);
        assert_eq!(ledger.total(Counter::Published), EVENTS);
        // The log itself: numbers of a key rise by one from 1.
        let mut last = std::collections::HashMap::new();
        for ((instrument, type_id, seq), _) in log.into_iter().flatten() {
            let last = last.entry((instrument, type_id)).or_insert(0);
            assert_eq!(seq, *last + 1);
            *last = seq;
        }
    });
}
