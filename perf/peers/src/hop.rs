//! Purpose: how long from a frame in memory until its event is read on another core, and how long the bare hand-over of a
//! cache line takes. Owns: an engine a turn. Thread: main reads; the engine's threads are pinned to other cores.
//! Takes and gives: cells out. Never: has two frames on the way at once; counts a frame that was not asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_utils::CachePadded;
use meltica::agent::IdleStrategy;
use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineOptions, Topology};
use meltica::schema::frame::{Frame, FrameSource, Pulled, SnapshotRequest, SourceError};
use meltica::telemetry::{Clock, Ledger};

use crate::measure::{Run, median};
use crate::support::feed::Memory;
use crate::support::frames::Sample;
use crate::threads::{cores, pin};

/// Frames of a turn, after a quarter as many that warm up.
const FRAMES: usize = 2_000;
/// Round trips of a turn of the ping-pong.
const TRIPS: u64 = 20_000;
/// Looks for what else a frame brought before the next one is asked for.
const LOOKS: usize = 200;
/// One way in nanoseconds below which two cores are near.
const NEAR_NS: f64 = 100.0;

/// The name of the ping-pong's cell.
pub(crate) const ONE_WAY: &str = "hop/cache line, one way";
/// The name of the cell of two readings of the clock, one after the other.
pub(crate) const CLOCK: &str = "hop/clock";

/// The name of a cell.
pub(crate) fn cell(topology: Topology, sample: &Sample) -> String {
    format!("hop/{}/{}", sample.kind.name(), topology.name())
}

/// The cores that a topology and its reader need, a thread each.
pub(crate) fn cores_needed(topology: Topology) -> usize {
    topology.threads(1, 1) + 1
}

/// What the ping-pong says of the two cores.
pub(crate) fn regime(one_way_ns: f64) -> &'static str {
    if one_way_ns < NEAR_NS { "NEAR" } else { "FAR" }
}

/// Adds the ping-pong, the clock, and the hop of each kind by each topology that has cores enough.
pub(crate) fn add(run: &mut Run, samples: &[Sample]) {
    run.add(ONE_WAY.to_owned(), None, one_way);
    run.add(CLOCK.to_owned(), None, || {
        let clock = Clock::default();
        let read = |_| (clock.unix_now().0, clock.unix_now().0);
        median((0..FRAMES).map(read).map(|(first, second)| (second - first) as f64).collect()).unwrap_or(0.0)
    });
    for topology in [Topology::Fused, Topology::Lean] {
        if cores().len() < cores_needed(topology) {
            continue;
        }
        for sample in samples {
            let own = sample.clone();
            run.add(cell(topology, sample), Some(CLOCK.to_owned()), move || hop(topology, &own));
        }
    }
}

/// Half a round trip of a number between two pinned threads, each writing to a cache line of its own.
fn one_way() -> f64 {
    let (ping, pong) = (CachePadded::new(AtomicU64::new(0)), CachePadded::new(AtomicU64::new(0)));
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            for trip in 1..=TRIPS + 1 {
                while ping.load(Ordering::Acquire) != trip {
                    std::hint::spin_loop();
                }
                pong.store(trip, Ordering::Release);
            }
        });
        let trip = |trip| {
            ping.store(trip, Ordering::Release);
            while pong.load(Ordering::Acquire) != trip {
                std::hint::spin_loop();
            }
        };
        trip(1);
        let begun = Instant::now();
        (2..=TRIPS + 1).for_each(trip);
        begun.elapsed().as_nanos() as f64 / (2 * TRIPS) as f64
    })
}

/// Frames handed over one at a time, when they are asked for; each is stamped when it lies in memory.
struct Gate {
    memory: Memory,
    asked: Arc<CachePadded<AtomicU64>>,
    given: u64,
    clock: Clock,
}

impl FrameSource for Gate {
    #[inline]
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        if self.asked.load(Ordering::Acquire) == self.given {
            return Ok(Pulled::Nothing);
        }
        self.given += 1;
        let clock = &self.clock;
        self.memory.pull(&mut |frame| take(Frame { receive: clock.unix_now(), ..frame }))
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}

/// The median over a turn's frames. A diff's first event is the one that counts: its book has been changed by then.
fn hop(topology: Topology, sample: &Sample) -> f64 {
    let (clock, asked) = (Clock::default(), Arc::default());
    let source = Gate { memory: Memory::of(sample), asked: Arc::clone(&asked), given: 0, clock: clock.clone() };
    let options = EngineOptions {
        topology: Some(topology),
        idle: Some(IdleStrategy::BusySpin),
        // The reader has core 0.
        cores: cores().iter().skip(1).map(|core| Some(core.id)).collect(),
        live: true,
        ..EngineOptions::default()
    };
    let (directory, ledger) = (Arc::new(Directory::default()), Ledger::default());
    let routes = default_routes();
    let mut engine = Engine::build(options, &routes, directory, Box::new(source), clock.clone(), ledger).unwrap();
    let mut events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::default()).unwrap();
    engine.start().unwrap();
    let next = |events: &mut Subscription| {
        asked.fetch_add(1, Ordering::AcqRel);
        first_event(events, &clock)
    };
    if sample.kind.is_diff() {
        // A diff that waits, the snapshot that releases it.
        asked.fetch_add(2, Ordering::AcqRel);
        first_event(&mut events, &clock);
    }
    for _ in 0..FRAMES / 4 {
        next(&mut events);
    }
    let figures = (0..FRAMES).map(|_| next(&mut events)).collect();
    engine.stop();
    engine.finish().unwrap();
    median(figures).unwrap_or(0.0)
}

/// Waits for an event, and passes what came with it.
fn first_event(events: &mut Subscription, clock: &Clock) -> f64 {
    let mut latency = None;
    let mut looks = 0;
    while looks < LOOKS {
        let seen = events.poll(usize::MAX, |delivery| {
            if let Delivery::Event(event) = delivery {
                latency.get_or_insert_with(|| clock.unix_now().0 - event.header().receive);
            }
        });
        looks = if latency.is_none() || seen > 0 { 0 } else { looks + 1 };
    }
    latency.unwrap_or_default() as f64
}
