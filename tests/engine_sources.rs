//! Promise: an engine over several sources loses nothing of any, keeps the order of each, goes on while one goes on, ends
//! when one breaks, and refuses what one thread or a replay cannot do.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineError, EngineOptions, RingWords, RunReport, Topology};
use meltica::schema::canonical_type::builtin;
use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use meltica::schema::id::{ConnectionId, Market};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::{Clock, Counter, Ledger};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a source does when its trades are told.
#[derive(Clone)]
enum Then {
    End,
    Break,
    /// Nothing, until it is told to end.
    Wait(Arc<AtomicBool>),
}

/// Trades 1, 2, 3 … of one symbol over one connection.
struct Trades {
    connection: ConnectionId,
    symbol: &'static str,
    told: u64,
    of: u64,
    then: Then,
}

impl FrameSource for Trades {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        if self.told == self.of {
            return match &self.then {
                Then::End => Ok(Pulled::Ended),
                Then::Break => Err(SourceError::damaged(format!("{} is broken", self.symbol))),
                Then::Wait(over) if over.load(Ordering::Relaxed) => Ok(Pulled::Ended),
                Then::Wait(_) => Ok(Pulled::Nothing),
            };
        }
        self.told += 1;
        let (lower, id) = (self.symbol.to_lowercase(), self.told);
        let text = format!(
            r#"{{"stream":"{lower}@trade","data":{{"e":"trade","E":1,"s":"{}","t":{id},"p":"1","q":"1","T":1,"m":true,"M":true}}}}"#,
            self.symbol
        );
        take(Frame {
            market: Market::BinanceSpot,
            connection: self.connection,
            number: self.told,
            receive: UnixNanos(id as i64),
            stamps: Stamps::NONE,
            origin: Origin::Combined,
            bytes: &mut text.into_bytes(),
        });
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}

const SYMBOLS: [&str; 3] = ["AUSDT", "BUSDT", "CUSDT"];
const MANY: u64 = 3_000;

fn trades(at: usize, of: u64, then: Then) -> Box<dyn FrameSource> {
    Box::new(Trades { connection: ConnectionId(at as u16 + 1), symbol: SYMBOLS[at], told: 0, of, then })
}

/// Rings so small that every one fills.
fn options(topology: Topology, shards: usize) -> EngineOptions {
    let rings = RingWords { frames: 1 << 9, canonical: 1 << 18, bodies: 1 << 12, events: 1 << 18 };
    EngineOptions { topology: Some(topology), shards, rings, live: true, ..EngineOptions::default() }
}

fn build(options: EngineOptions, sources: Vec<Box<dyn FrameSource>>) -> (Engine, Ledger) {
    let (clock, ledger) = (Clock::default(), Ledger::default());
    let directory = Arc::new(Directory::default());
    let engine = Engine::build_many(options, &default_routes(), directory, sources, clock, ledger.clone()).unwrap();
    (engine, ledger)
}

/// Trade ids by connection, in the order of delivery.
type Heard = BTreeMap<u16, Vec<i64>>;

fn hear(events: &mut Subscription, heard: &mut Heard) {
    events.poll(usize::MAX, |delivery| match delivery {
        Delivery::Event(event) if event.header().type_id() == builtin::TRADE => {
            let header = event.header();
            heard.entry(header.connection().0).or_default().push(header.venue_id);
        }
        Delivery::Event(_) => {}
        Delivery::Lag(lag) => panic!("a lossless reader was told {lag:?}"),
    });
}

fn until(engine: &mut Engine, events: &mut Subscription, heard: &mut Heard, done: impl Fn(&Engine, &Heard) -> bool) {
    let begun = Instant::now();
    while !done(engine, heard) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", heard.iter().map(|(c, ids)| (c, ids.len())).collect::<Vec<_>>());
        if engine.step() == 0 {
            std::thread::yield_now();
        }
        hear(events, heard);
    }
    hear(events, heard);
}

fn run(topology: Topology, shards: usize, sources: Vec<Box<dyn FrameSource>>) -> (Heard, RunReport, Ledger) {
    let (mut engine, ledger) = build(options(topology, shards), sources);
    let mut events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    engine.start().unwrap();
    let mut heard = Heard::new();
    until(&mut engine, &mut events, &mut heard, |engine, _| engine.is_done());
    drop(events);
    (heard, engine.finish().unwrap(), ledger)
}

#[test]
fn nothing_of_any_source_is_lost_and_each_keeps_its_order() {
    for (topology, shards) in [
        (Topology::Stepped, 1),
        (Topology::Stepped, 2),
        (Topology::Lean, 1),
        (Topology::Lean, 2),
        (Topology::Dedicated, 1),
        (Topology::Dedicated, 2),
    ] {
        let sources = (0..3).map(|at| trades(at, MANY, Then::End)).collect();
        let (heard, report, ledger) = run(topology, shards, sources);
        let all: Vec<i64> = (1..=MANY as i64).collect();
        assert_eq!(heard.keys().copied().collect::<Vec<_>>(), [1, 2, 3], "{topology:?}, {shards} shards");
        assert!(heard.values().all(|ids| *ids == all), "{topology:?}, {shards} shards");
        assert_eq!(report.agents.len(), topology.threads(3, shards), "{topology:?}, {shards} shards");
        assert_eq!(ledger.total(Counter::RingFull), 0, "{topology:?}, {shards} shards");
    }
}

#[test]
fn a_source_that_ends_leaves_the_others_going() {
    for topology in [Topology::Stepped, Topology::Lean, Topology::Dedicated] {
        let over = Arc::new(AtomicBool::new(false));
        let sources =
            vec![trades(0, 1, Then::End), trades(1, 100, Then::Wait(Arc::clone(&over))), trades(2, 0, Then::End)];
        let (mut engine, _) = build(options(topology, 1), sources);
        let mut events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
        engine.start().unwrap();
        let mut heard = Heard::new();
        let whole = |heard: &Heard| {
            heard.get(&1).is_some_and(|ids| ids.len() == 1) && heard.get(&2).is_some_and(|ids| ids.len() == 100)
        };
        until(&mut engine, &mut events, &mut heard, |_, heard| whole(heard));
        assert!(!engine.is_done(), "{topology:?}: one source has not ended");
        over.store(true, Ordering::Relaxed);
        until(&mut engine, &mut events, &mut heard, |engine, _| engine.is_done());
        drop(events);
        engine.finish().unwrap();
    }
}

#[test]
fn a_source_that_breaks_ends_the_others_and_is_named() {
    for topology in [Topology::Stepped, Topology::Lean, Topology::Dedicated] {
        let never = Arc::new(AtomicBool::new(false));
        let sources = vec![trades(0, 10, Then::Wait(never)), trades(1, 5, Then::Break)];
        let (heard, report, _) = run(topology, 1, sources);
        assert_eq!(report.source_fault.unwrap().message, "BUSDT is broken", "{topology:?}");
        assert_eq!(heard[&2].len(), 5, "{topology:?}: what came before is told");
    }
}

#[test]
fn what_one_thread_or_a_replay_cannot_do_is_refused() {
    let refused = |options: EngineOptions, sources: usize| {
        let sources = (0..sources).map(|at| trades(at, 1, Then::End)).collect();
        let (directory, clock) = (Arc::new(Directory::default()), Clock::default());
        match Engine::build_many(options, &default_routes(), directory, sources, clock, Ledger::default()) {
            Err(EngineError::Sources(reason)) => Some(reason),
            _ => None,
        }
    };
    assert!(refused(options(Topology::Fused, 1), 2).unwrap().contains("lean or dedicated"));
    assert!(refused(EngineOptions { live: false, ..options(Topology::Lean, 1) }, 2).unwrap().contains("replay"));
    assert!(refused(options(Topology::Lean, 1), 0).is_some());
    assert_eq!(refused(options(Topology::Fused, 1), 1), None);
    assert_eq!(refused(EngineOptions { topology: None, ..options(Topology::Lean, 1) }, 3), None);
}
