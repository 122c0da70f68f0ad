//! Purpose: how long from a frame in memory until its event is read on another core, and how long the bare hand-over of a
//! cache line takes. Owns: an engine a turn. Thread: main begins; the reader has core 0, the
//! engine's threads the others.
//! Takes and gives: cells out. Never: has two frames on the way at once; counts a frame that was not asked for.

use std::cell::Cell;
use std::rc::Rc;
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
use crate::support::feed::{Memory, Stamped};
use crate::support::frames::Sample;
use crate::threads::{cores, pin};

/// Frames of a turn, after a quarter as many that warm up.
const FRAMES: usize = 2_000;
/// Round trips of a block of the ping-pong, and blocks of a turn.
const BLOCK: u64 = 100;
const BLOCKS: u64 = 200;
/// Looks for what else a frame brought before the next one is asked for.
const LOOKS: usize = 200;
/// Looks without an event after which something is broken: seconds.
const TURNS_MAX: u64 = 1_000_000_000;
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

/// The name of the cell of that part which ends with the publication, as the event's own header tells it.
pub(crate) fn until_published(topology: Topology, sample: &Sample) -> String {
    format!("{}, ingress to published", cell(topology, sample))
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
            let (own, published) = (sample.clone(), Rc::new(Cell::new(0.0)));
            let kept = Rc::clone(&published);
            run.add(cell(topology, sample), Some(CLOCK.to_owned()), move || {
                let (read, until_published) = hop(topology, &own);
                kept.set(until_published);
                read
            });
            run.add_second(until_published(topology, sample), cell(topology, sample), move || published.get());
        }
    }
}

/// Half a round trip of a number between two pinned threads, each writing to a cache line of its own: the median over blocks
/// of trips.
fn one_way() -> f64 {
    let (ping, pong) = (CachePadded::new(AtomicU64::new(0)), CachePadded::new(AtomicU64::new(0)));
    let trips = BLOCKS * BLOCK;
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            for trip in 1..=trips {
                while ping.load(Ordering::Acquire) != trip {
                    std::hint::spin_loop();
                }
                pong.store(trip, Ordering::Release);
            }
        });
        let there = scope.spawn(|| {
            pin(0);
            let block = |block| {
                let begun = Instant::now();
                for trip in block * BLOCK + 1..=(block + 1) * BLOCK {
                    ping.store(trip, Ordering::Release);
                    while pong.load(Ordering::Acquire) != trip {
                        std::hint::spin_loop();
                    }
                }
                begun.elapsed().as_nanos() as f64 / (2 * BLOCK) as f64
            };
            median((0..BLOCKS).map(block).collect())
        });
        there.join().unwrap().unwrap_or_default()
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

/// The medians over a turn's frames: until read, and until published. A diff's first event is the one that counts: its book has been changed by then.
fn hop(topology: Topology, sample: &Sample) -> (f64, f64) {
    let (clock, asked) = (Clock::default(), Arc::<CachePadded<AtomicU64>>::default());
    let source =
        Gate { memory: Memory::of(sample, Stamped::No), asked: Arc::clone(&asked), given: 0, clock: clock.clone() };
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
    assert_eq!(engine.warnings(), Vec::<String>::new(), "the engine is not where it was put");
    // The engine was started by a thread that is not pinned: its threads would have inherited that.
    let figures = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            pin(0);
            read(&mut events, &asked, &clock, sample.kind.is_diff())
        });
        reader.join().unwrap()
    });
    engine.stop();
    engine.finish().unwrap();
    let (read, published): (Vec<f64>, Vec<f64>) = figures.into_iter().unzip();
    (median(read).unwrap_or_default(), median(published).unwrap_or_default())
}

/// Asks for frame after frame and reads what comes of each: the latencies of all but those that warm up.
fn read(events: &mut Subscription, asked: &AtomicU64, clock: &Clock, is_diff: bool) -> Vec<(f64, f64)> {
    let mut next = |frames| {
        asked.fetch_add(frames, Ordering::AcqRel);
        first_event(events, clock)
    };
    if is_diff {
        // A diff that waits, and the snapshot that releases it.
        next(2);
    }
    for _ in 0..FRAMES / 4 {
        next(1);
    }
    (0..FRAMES).map(|_| next(1)).collect()
}

/// Waits for an event, and passes what came with it: from the frame's stamp to now, and from its ingress to its publication.
fn first_event(events: &mut Subscription, clock: &Clock) -> (f64, f64) {
    let (mut latency, mut looks, mut turns) = (None, 0, 0_u64);
    while looks < LOOKS {
        turns += 1;
        assert!(turns < TURNS_MAX, "a frame came to no event");
        let seen = events.poll(usize::MAX, |delivery| {
            if let Delivery::Event(event) = delivery {
                latency.get_or_insert_with(|| {
                    let header = event.header();
                    ((clock.unix_now().0 - header.receive) as f64, header.latency_ns as f64)
                });
            }
        });
        looks = if latency.is_none() || seen > 0 { 0 } else { looks + 1 };
    }
    latency.unwrap_or_default()
}
