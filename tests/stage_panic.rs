//! Promise: a stage that panics ends the engine at once, in every topology, and is named; the other threads end too. A
//! consumer that panics ends only itself. An engine that is dropped leaves no thread behind.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineError, EngineOptions, Topology};
use meltica::schema::frame::{Frame, FrameSource, Pulled, SnapshotRequest, SourceError};
use meltica::sim::options::SimOptions;
use meltica::sim::source::SimSource;
use meltica::telemetry::{Clock, Ledger};

/// What takes longer hangs: an idle machine needs milliseconds.
const SOON: Duration = Duration::from_secs(10);

/// Tests that count threads run one after the other.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulated exchange, which fails after some frames when told to.
struct Source {
    inner: SimSource,
    frames: u32,
    panics_at: Option<u32>,
}

impl Source {
    fn new(frames_max: u64, panics_at: Option<u32>) -> Box<Source> {
        let inner = SimSource::new(SimOptions { frames_max: Some(frames_max), ..SimOptions::default() }).unwrap();
        Box::new(Source { inner, frames: 0, panics_at })
    }
}

impl FrameSource for Source {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        self.frames += 1;
        assert!(self.panics_at != Some(self.frames), "the source is broken on purpose");
        self.inner.pull(take)
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        self.inner.request_snapshot(request);
    }
}

fn engine(topology: Topology, shards: usize, source: Box<Source>) -> Engine {
    let options = EngineOptions { topology: Some(topology), shards, ..EngineOptions::default() };
    let directory = Arc::new(Directory::default());
    Engine::build(options, &default_routes(), directory, source, Clock::default(), Ledger::default()).unwrap()
}

/// Threads of this process that belong to an engine.
fn engine_threads() -> BTreeSet<String> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return BTreeSet::new() };
    let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("meltica-")).collect()
}

/// Runs `what` on a thread and gives what it made, if it does so soon.
fn soon<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (made, result) = mpsc::channel();
    std::thread::spawn(move || made.send(what()));
    result.recv_timeout(SOON).expect("it neither ended nor failed in time")
}

#[test]
fn a_stage_that_panics_ends_the_engine_and_is_named() {
    let _alone = alone();
    for (topology, shards, stage) in [
        (Topology::Fused, 1, "engine"),
        (Topology::Lean, 1, "io"),
        (Topology::Lean, 3, "io"),
        (Topology::Dedicated, 2, "io"),
    ] {
        let mut engine = engine(topology, shards, Source::new(u64::MAX, Some(5_000)));
        engine.start().unwrap();
        // Without anybody who looks meanwhile: `finish` alone must see to it.
        let error = soon(move || engine.finish()).expect_err("a run whose source panicked ended well");
        let EngineError::Stage(panicked) = &error else { panic!("{topology:?}: {error}") };
        assert_eq!(panicked.stage, stage, "{topology:?}");
        for word in [stage, "broken on purpose", "stage_panic.rs"] {
            assert!(error.to_string().contains(word), "{topology:?}: `{word}` is not in: {error}");
        }
    }
    assert_eq!(engine_threads(), BTreeSet::new(), "threads outlive their engine");
}

#[test]
fn a_consumer_that_panics_ends_only_itself() {
    let _alone = alone();
    for options in [SubscribeOptions::default(), SubscribeOptions::LOSSLESS] {
        let mut engine = engine(Topology::Lean, 1, Source::new(60_000, None));
        let mut broken = engine.bus().subscribe(&[], Filter::all(), options).unwrap();
        let consumer =
            std::thread::spawn(move || while broken.poll(1, |_| panic!("the consumer is broken on purpose")) == 0 {});
        let mut sound = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
        engine.start().unwrap();
        let (mut events, mut lost) = (0u64, 0u64);
        loop {
            let done = engine.is_done();
            let looked = sound.poll(1_024, |delivery| match delivery {
                Delivery::Event(_) => events += 1,
                Delivery::Lag(lag) => lost += lag.count,
            });
            if done && looked == 0 {
                break;
            }
        }
        assert!(consumer.join().is_err(), "the consumer did not panic");
        drop(sound);
        let report = engine.finish().unwrap();
        assert!(events > 60_000 && lost == 0, "{events} events, {lost} lost");
        assert!(!report.books.is_empty());
    }
}

#[test]
fn an_engine_that_is_dropped_ends_its_threads() {
    let _alone = alone();
    let mut engine = engine(Topology::Dedicated, 2, Source::new(u64::MAX, None));
    engine.start().unwrap();
    drop(engine);
    soon(|| {
        while !engine_threads().is_empty() {
            std::thread::yield_now();
        }
    });
}
