//! Promise: what is published hangs on the frames and their times alone, not on which threads share the work, how many
//! frames are pulled at once, or which frames beside them were looked at and let go.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use std::sync::Arc;

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::conductor::ConductorOptions;
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineOptions, RingWords, Topology};
use meltica::schema::canonical_type::builtin;
use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use meltica::schema::id::{ConnectionId, Market};
use meltica::schema::json::write_event;
use meltica::schema::time::UnixNanos;
use meltica::telemetry::{Clock, Counter, Ledger};
use serde_json::Value;

const MS: i64 = 1_000_000;

#[derive(Clone)]
enum Line {
    Frame(String),
    Body(&'static str, String),
}

/// Lines with their times, ms.
struct Script {
    lines: Vec<(i64, Line)>,
    at: usize,
}

impl FrameSource for Script {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let Some((ms, line)) = self.lines.get(self.at) else { return Ok(Pulled::Ended) };
        let (origin, text) = match line {
            Line::Frame(text) => (Origin::Combined, text),
            Line::Body(symbol, text) => (Origin::RestDepth { symbol, limit: 100 }, text),
        };
        take(Frame {
            market: Market::BinanceSpot,
            connection: ConnectionId(0),
            number: self.at as u64,
            receive: UnixNanos(ms * MS),
            stamps: Stamps::NONE,
            origin,
            bytes: &mut text.clone().into_bytes(),
        });
        self.at += 1;
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}

fn ticker(symbol: &str, id: i64) -> Line {
    let stream = symbol.to_lowercase();
    Line::Frame(format!(
        r#"{{"stream":"{stream}@bookTicker","data":{{"u":{id},"s":"{symbol}","b":"1","B":"{id}","a":"2","A":"1"}}}}"#
    ))
}

fn diff(symbol: &str, id: i64, bids: &str, asks: &str) -> Line {
    let stream = symbol.to_lowercase();
    Line::Frame(format!(
        r#"{{"stream":"{stream}@depth@100ms","data":{{"e":"depthUpdate","E":1,"s":"{symbol}","U":{id},"u":{id},"b":[{bids}],"a":[{asks}]}}}}"#
    ))
}

/// Timers of a wanted instrument (a throttle, a crossed book) beside frames that no conductor hears of: of an unwanted
/// instrument, malformed, control, of an unknown stream.
fn lines() -> Vec<(i64, Line)> {
    let mut lines = vec![(0, ticker("AUSDT", 1)), (1, diff("AUSDT", 5, "", ""))];
    let levels = r#"{"lastUpdateId":5,"bids":[["1","1"]],"asks":[["2","1"]]}"#;
    lines.push((2, Line::Body("AUSDT", levels.to_owned())));
    for id in 6..200 {
        let ms = id * 7;
        lines.push((ms, diff("AUSDT", id, r#"["1","3"]"#, "")));
        lines.push((ms + 1, ticker("AUSDT", id)));
        let between = [
            ticker("BUSDT", id),
            Line::Frame("{\"stream\":\"busdt@depth\",\"data\":".to_owned()),
            Line::Frame(r#"{"result":null,"id":1}"#.to_owned()),
            Line::Frame(r#"{"stream":"ausdt@rpiDepth","data":{}}"#.to_owned()),
        ];
        for (at, line) in between.into_iter().enumerate().skip(id as usize % 3) {
            lines.push((ms + 2 + at as i64, line));
        }
    }
    // The book crosses, and stays so while only others are heard of.
    lines.push((1_500, diff("AUSDT", 200, r#"["2","1"]"#, "")));
    lines.extend((1_501..1_800).step_by(13).map(|ms| (ms, ticker("BUSDT", ms))));
    lines.push((1_800, ticker("AUSDT", 300)));
    lines.push((2_500, Line::Frame(r#"{"result":null,"id":2}"#.to_owned())));
    lines
}

fn published(topology: Topology, io_batch: usize, rings: RingWords) -> Vec<Value> {
    let conductor = ConductorOptions {
        throttle: vec![(builtin::TICKER_BOOK, 100 * MS), (builtin::ANALYTICS_FUSED, 33 * MS)],
        book_interval_ns: 170 * MS,
        ..ConductorOptions::default()
    };
    let instruments = vec!["A-USDT".to_owned()];
    let options =
        EngineOptions { topology: Some(topology), io_batch, rings, conductor, instruments, ..EngineOptions::default() };
    let ledger = Ledger::default();
    let source = Box::new(Script { lines: lines(), at: 0 });
    let directory = Arc::new(Directory::default());
    let mut engine =
        Engine::build(options, &default_routes(), Arc::clone(&directory), source, Clock::default(), ledger.clone())
            .unwrap();
    let mut events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    engine.start().unwrap();
    let mut seen = Vec::new();
    while !events.is_closed() {
        let done = engine.is_done();
        engine.step();
        events.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => {
                let mut out = Vec::new();
                write_event(event, &*directory, &mut out);
                let mut value: Value = serde_json::from_slice(&out).unwrap();
                value["latencyNs"] = Value::Null;
                seen.push(value);
            }
            Delivery::Lag(lag) => panic!("a lossless reader was told {lag:?}"),
        });
        if done && topology == Topology::Stepped {
            break;
        }
    }
    drop(events);
    engine.finish().unwrap();
    assert_eq!(ledger.total(Counter::RingFull), 0, "{topology:?}");
    seen
}

#[test]
fn events_do_not_hang_on_threads_batches_or_frames_let_go() {
    let first = published(Topology::Stepped, 1, RingWords::default());
    let count = |kind: &str| first.iter().filter(|e| e["type"] == kind).count();
    assert!(count("TICKER.BOOK") > 10 && count("ANALYTICS.FUSED") > 20 && count("ORDERBOOK.SNAPSHOT") > 5);
    let crossed = |e: &&Value| e["type"] == "STATUS.BOOK" && e["payload"]["cause"] == "Crossed";
    assert_eq!(first.iter().filter(crossed).count(), 2, "crossed, and given up");
    let small = RingWords { frames: 1 << 10, ..RingWords::default() };
    for topology in [Topology::Stepped, Topology::Fused, Topology::Lean, Topology::Dedicated] {
        for (io_batch, rings) in [(1, RingWords::default()), (64, RingWords::default()), (64, small)] {
            let events = published(topology, io_batch, rings);
            let differ = first.iter().zip(&events).position(|(a, b)| a != b);
            assert_eq!(differ.map(|at| (&first[at], &events[at])), None, "{topology:?} {io_batch}");
            assert_eq!(first.len(), events.len(), "{topology:?} {io_batch}");
        }
    }
}
