//! Promise: an engine that is started twice goes on as it was, and one that nobody holds any more leaves nothing running.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use std::sync::Arc;

use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineError, EngineOptions, Topology};
use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use meltica::schema::id::{ConnectionId, Market};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::{Clock, Counter, Ledger};

/// The same diff for ever, or so often.
struct Diffs {
    left: Option<u64>,
    _held: Arc<()>,
}

const DIFF: &str = r#"{"stream":"ausdt@depth","data":{"e":"depthUpdate","E":1,"s":"AUSDT","U":1,"u":1,"b":[],"a":[]}}"#;

impl FrameSource for Diffs {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        match &mut self.left {
            Some(0) => return Ok(Pulled::Ended),
            Some(left) => *left -= 1,
            None => {}
        }
        take(Frame {
            market: Market::BinanceSpot,
            connection: ConnectionId(0),
            number: 0,
            receive: UnixNanos(0),
            stamps: Stamps::NONE,
            origin: Origin::Combined,
            bytes: &mut DIFF.as_bytes().to_vec(),
        });
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}

fn engine(topology: Topology, left: Option<u64>, held: &Arc<()>, ledger: &Ledger) -> Engine {
    let options = EngineOptions { topology: Some(topology), ..EngineOptions::default() };
    let source = Box::new(Diffs { left, _held: Arc::clone(held) });
    let directory = Arc::new(Directory::default());
    Engine::build(options, &default_routes(), directory, source, Clock::default(), ledger.clone()).unwrap()
}

const TOPOLOGIES: [Topology; 4] = [Topology::Stepped, Topology::Fused, Topology::Lean, Topology::Dedicated];

#[test]
fn a_second_start_is_refused_and_changes_nothing() {
    for topology in TOPOLOGIES {
        let (held, ledger) = (Arc::new(()), Ledger::default());
        let mut engine = engine(topology, Some(1_000), &held, &ledger);
        engine.start().unwrap();
        assert!(matches!(engine.start(), Err(EngineError::Misuse(_))), "{topology:?}");
        while !engine.is_done() {
            engine.step();
        }
        let report = engine.finish().unwrap();
        assert_eq!((report.agents.len(), report.books.len()), (topology.threads(1, 1), 1), "{topology:?}");
        assert_eq!(ledger.total(Counter::FramesIn), 1_000, "{topology:?}");
    }
}

#[test]
fn an_engine_that_is_dropped_lets_go_of_its_source() {
    for topology in TOPOLOGIES {
        let (held, ledger) = (Arc::new(()), Ledger::default());
        let mut engine = engine(topology, None, &held, &ledger);
        engine.start().unwrap();
        while ledger.total(Counter::FramesIn) < 100 {
            engine.step();
        }
        drop(engine);
        // A thread that went on would hold it for ever, and this test with it.
        while Arc::strong_count(&held) > 1 {
            std::thread::yield_now();
        }
    }
}
