//! Promise: from a frame in memory to a consumer's closure nothing is allocated once everything has been met once, diffs
//! of 1,226 levels, the latency ledger with a swap of its histograms and the spans of each second frame included. Counted by an allocator of our own, over the whole walk
//! with all its rings; on this thread, which walks all stages itself (the exporter of traces has another).

#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[path = "support/allocations.rs"]
mod allocations;

use std::sync::Arc;
use std::time::Duration;

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineOptions, Topology};
use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use meltica::schema::id::{ConnectionId, Market};
use meltica::schema::latency::{Hop, LatencyDetail};
use meltica::schema::payload::{Depth, PayloadKind};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::{Clock, Counter, Headers, Ledger, TraceOptions};

/// Levels of the longest diff in the captures.
const LEVELS: usize = 1_226;

/// Round after round of one frame of each kind; the diffs' ids go on.
struct Rounds {
    id: i64,
    at: usize,
    rounds: u64,
    scratch: Vec<u8>,
    number: u64,
    clock: Clock,
}

const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const AGG: &str = r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1616176861895,"s":"BTCUSDT","a":640283266,"p":"58942.01000000","q":"0.00035600","f":716849523,"l":716849523,"T":1616176861893,"m":false,"M":true}}"#;
const KLINE: &str = r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1653818762502,"s":"BTCUSDT","k":{"t":1653818760000,"T":1653818819999,"s":"BTCUSDT","i":"1m","f":1384844002,"L":1384844032,"o":"29038.46000000","c":"29038.47000000","h":"29038.47000000","l":"29038.46000000","v":"0.20926000","n":31,"x":false,"q":"6076.58918320","V":"0.10436000","Q":"3030.45472920","B":"0"}}}"#;
const TICKER: &str = r#"{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1653812650349,"s":"BTCUSDT","p":"28.23000000","P":"1.600","w":"1781.16275609","x":"1764.61000000","c":"1792.84000000","Q":"0.55720000","b":"1792.83000000","B":"1.62740000","a":"1792.84000000","A":"20.29140000","o":"1764.61000000","h":"1808.98000000","l":"1748.94000000","v":"471703.53110000","q":"840180761.51358100","O":1653726250344,"C":1653812650344,"F":841094172,"L":841646650,"n":552479,"new":"field"}}"#;

impl Rounds {
    fn write(&mut self) {
        use std::io::Write;
        self.scratch.clear();
        let out = &mut self.scratch;
        match self.at {
            0 => {
                let first = self.id + 1;
                self.id += 5;
                write!(out, r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":{first},"u":{},"b":["#, self.id).unwrap();
                // Quantities change from round to round, so that every level is really written.
                let quantity = 1 + self.rounds % 7;
                for (sign, more) in [(-1i64, r#"],"a":["#), (1, "]}}")] {
                    for at in 1..=(LEVELS as i64 / 2) {
                        let comma = if at > 1 { "," } else { "" };
                        write!(out, r#"{comma}["{}.50000000","{quantity}.00100000"]"#, 60_000 + sign * at).unwrap();
                    }
                    out.extend_from_slice(more.as_bytes());
                }
            }
            1 => write!(out, r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"BTCUSDT","b":"59999.50000000","B":"{}.00100000","a":"60001.50000000","A":"{}.00100000"}}}}"#, self.id, 1 + self.rounds % 7, 1 + self.rounds % 7).unwrap(),
            other => out.extend_from_slice([TRADE, AGG, KLINE, TICKER][other - 2].as_bytes()),
        }
    }
}

impl FrameSource for Rounds {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let mut origin = Origin::Combined;
        if self.number == 1 {
            // Behind the first diff: the snapshot that it asks for.
            self.scratch.clear();
            self.scratch.extend_from_slice(br#"{"lastUpdateId":100,"bids":[["59000.00000000","1.00000000"]],"asks":[["61000.00000000","1.00000000"]]}"#);
            origin = Origin::RestDepth { symbol: "BTCUSDT", limit: 1000 };
        } else {
            self.write();
            self.at = (self.at + 1) % 6;
            self.rounds += u64::from(self.at == 0);
        }
        let read_ns = self.clock.now_ns();
        let receive = self.clock.unix_at(read_ns);
        // As a socket's frames have them, so that every hop is recorded.
        let stamps = Stamps { read_ns: Some(read_ns), kernel: Some(UnixNanos(receive.0 - 5_000)) };
        let bytes = &mut self.scratch;
        take(Frame {
            market: Market::BinanceSpot,
            connection: ConnectionId(0),
            number: self.number,
            receive,
            stamps,
            origin,
            bytes,
        });
        self.number += 1;
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}

#[test]
fn nothing_is_allocated_from_frame_to_consumer_after_warm_up() {
    let clock = Clock::default();
    let source =
        Rounds { id: 98, at: 0, rounds: 0, scratch: Vec::with_capacity(1 << 18), number: 0, clock: clock.clone() };
    // Nobody listens there: spans fill their rings, and are dropped then.
    let (endpoint, headers) = ("http://127.0.0.1:1".to_owned(), Headers::default());
    let traces = TraceOptions { endpoint, headers, sample_one_in: 2, timeout: Duration::from_millis(100) };
    let options = EngineOptions { topology: Some(Topology::Stepped), traces: Some(traces), ..EngineOptions::default() };
    let ledger = Ledger::default();
    let mut engine = Engine::build(
        options,
        &default_routes(),
        Arc::new(Directory::default()),
        Box::new(source),
        clock,
        ledger.clone(),
    )
    .unwrap();
    let events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    let mut events = events.measured(engine.clock(), engine.latencies());
    engine.start().unwrap();
    let (mut delivered, mut longest) = (0u64, 0usize);
    let mut carry = |engine: &mut Engine, steps: usize| {
        for _ in 0..steps {
            engine.step();
            events.poll(usize::MAX, |delivery| match delivery {
                Delivery::Event(event) => {
                    delivered += 1;
                    if event.header().kind() == Some(PayloadKind::DepthDiff) {
                        let depth = event.payload::<Depth>().unwrap();
                        longest = longest.max((depth.bids + depth.asks) as usize);
                    }
                }
                Delivery::Lag(lag) => panic!("{lag:?}"),
            });
        }
        delivered
    };
    let warm = carry(&mut engine, 200);
    // Every thread's histograms are swapped within what is counted; reading them is not on the way.
    engine.latencies().collect();
    let before = allocations::made();
    assert!(before > 0, "what came before is counted, so what follows would be");
    let after_events = carry(&mut engine, 400);
    let allocated = allocations::made() - before;
    let report = engine.latencies().report(LatencyDetail::Histograms, |_| None);
    for hop in Hop::ALL {
        let total =
            report.hops.iter().find(|view| view.hop == hop).unwrap_or_else(|| panic!("{hop:?} was not recorded"));
        assert!(total.summary.count > 1_000, "{hop:?}: {:?}", total.summary);
    }
    assert!(after_events > warm + 10_000, "only {} events", after_events - warm);
    assert_eq!(longest, LEVELS);
    assert!(ledger.total(Counter::DiffsApplied) > 3_000);
    assert_eq!(ledger.total(Counter::IntegrityDisagree), 0);
    // The exporter ends with the engine, and accounts for what it had.
    drop(engine);
    let spans = ledger.total(Counter::TraceSpansDropped) + ledger.total(Counter::TraceSpansGivenUp);
    assert!(spans > 10_000, "only {spans} spans");
    assert_eq!(
        allocated,
        0,
        "allocations between a frame in memory and a consumer, for {} events",
        after_events - warm
    );
}
