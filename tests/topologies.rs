//! Promise: a capture with gaps, late and garbled frames, streams that no route wants, throttled states and books on a
//! cadence gives the same events in every topology and with any number of shards: what timers cause carries the moment at
//! which it was due, not the moment at which some thread came round to it. Needs no captures: the simulated exchange
//! writes one.

#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, Urgency};
use meltica::schema::id::Market;
use meltica::sim::channel::Channels;
use meltica::sim::faults::{Fault, FaultPlan, FaultRule, When};
use meltica::sim::options::{ExchangeOptions, SimOptions};
use meltica::sim::source::SimSource;
use meltica::sim::spec::default_symbols;
use serde_json::Value;
use support::{json_lines, meltica_ok};

const FRAMES: u64 = 30_000;

/// Throttles, prunes, publishes books on a cadence, waits before a gap is given up, and routes no klines.
const CONFIG: &str = "
books: { fill_deadline: 250ms, book_interval: 700ms, prune_outside: true, snapshot_deadline: 1s }
throttle: { ANALYTICS.FUSED: 130ms, TICKER.BOOK: 70ms, ORDERBOOK.SNAPSHOT: 90ms }
routes:
  TRADE: { topics: ['{symbol}@trade'], unknown_fields: drop }
  TICKER.BOOK: { topics: ['{symbol}@bookTicker'], unknown_fields: drop }
  ORDERBOOK.DELTA: { topics: ['{symbol}@depth@100ms'] }
  ORDERBOOK.SNAPSHOT:
    topics: ['{symbol}@depth20@100ms']
    rest: [{ name: depth, endpoint: '/api/v3/depth?symbol={symbol}&limit=1000', interval: 0s, parser: depth }]
";

fn write_line(out: &mut impl Write, frame: Frame<'_>) {
    let text = std::str::from_utf8(frame.bytes).map(str::to_owned);
    let stamp = frame.receive.0;
    match (frame.origin, text) {
        (Origin::Combined, Ok(text)) => writeln!(out, "{stamp} {}", text.replace('\n', " ")).unwrap(),
        (Origin::RestDepth { symbol, limit }, Ok(text)) => {
            writeln!(out, "{stamp} {{\"rest\":\"/api/v3/depth?symbol={symbol}&limit={limit}\",\"data\":{text}}}")
                .unwrap();
        }
        // What is not UTF-8 a capture file refuses as damaged: that has its own test.
        _ => {}
    }
}

fn write_capture(path: &Path) {
    let faults = [
        (Fault::Drop, 30_000),
        (Fault::Swap, 30_000),
        (Fault::DelayNs(180_000_000), 20_000),
        (Fault::DelayDiffs(2), 20_000),
        (Fault::Garbage, 15_000),
        (Fault::Overlap, 20_000),
    ];
    let rule = |(fault, rate)| FaultRule { symbols: Vec::new(), fault, when: When::PerMillion(rate) };
    let symbols = default_symbols(6);
    let names: Vec<String> = symbols.iter().map(|s| s.symbol.clone()).collect();
    let exchange = ExchangeOptions {
        symbols,
        channels: Channels::ALL,
        events_per_second: 60.0,
        seed: 5,
        ..ExchangeOptions::default()
    };
    let faults = FaultPlan { seed: 9, rules: faults.into_iter().map(rule).collect() };
    let mut source = SimSource::new(SimOptions {
        exchange,
        frames_max: Some(FRAMES),
        faults,
        announce_exchange_info: false,
        ..SimOptions::default()
    })
    .unwrap();
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut pulled = 0u64;
    loop {
        // Somebody recorded snapshots now and then, as a recorder does.
        if pulled % 2_500 == 40 {
            names.iter().for_each(|symbol| {
                source.request_snapshot(SnapshotRequest {
                    market: Market::BinanceSpot,
                    symbol,
                    epoch: 0,
                    urgency: Urgency::Book,
                })
            });
        }
        match source.pull(&mut |frame| write_line(&mut out, frame)).unwrap() {
            Pulled::Ended => break,
            Pulled::Frame | Pulled::Nothing => pulled += 1,
        }
    }
    out.flush().unwrap();
}

fn replay(capture: &Path, config: &Path, environment: &[(&str, &str)]) -> Vec<Value> {
    let words = ["replay", capture.to_str().unwrap(), "--quiet", "--config", config.to_str().unwrap(), "--events", "-"];
    let mut events = json_lines(&meltica_ok(&words, environment).stdout);
    for event in &mut events {
        event["latencyNs"].take();
    }
    events
}

fn by_instrument(events: &[Value]) -> BTreeMap<String, Vec<&Value>> {
    let mut out: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for event in events {
        out.entry(event["instrument"].to_string()).or_default().push(event);
    }
    out
}

#[test]
fn timers_gaps_and_throttles_give_the_same_events_in_every_topology() {
    let scratch = tempfile::tempdir().unwrap();
    let (capture, config) = (scratch.path().join("faulty.capture"), scratch.path().join("config.yaml"));
    write_capture(&capture);
    std::fs::write(&config, CONFIG).unwrap();
    let reference = replay(&capture, &config, &[("MELTICA_TOPOLOGY", "stepped")]);
    support::assert_gapless(&reference);
    let of = |what: &str| reference.iter().filter(|e| e["payload"]["change"] == what).count();
    assert!(of("GapOpen") > 20 && of("GapClose") > 5 && of("Reset") > 6, "the capture tries too little");
    let held = |e: &Value| e["flags"].as_array().unwrap().iter().any(|f| f == "held");
    assert!(
        reference.iter().filter(|e| e["conflated"].as_u64() > Some(1)).all(held),
        "a conflated state was held back"
    );
    assert!(reference.iter().any(|e| e["type"] == "ORDERBOOK.DELTA" && held(e)), "no diff was held for a snapshot");
    assert!(!reference.iter().any(|e| e["type"] == "TRADE" && held(e)), "a trade waits for nothing");
    assert!(reference.iter().any(|e| e["conflated"].as_u64() > Some(1)), "nothing was conflated");
    for topology in ["stepped", "fused", "lean", "dedicated"] {
        for shards in ["1", "3"] {
            let events = replay(&capture, &config, &[("MELTICA_TOPOLOGY", topology), ("MELTICA_SHARDS", shards)]);
            let (ours, theirs) = (by_instrument(&reference), by_instrument(&events));
            assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
            for (instrument, expected) in &ours {
                let found = &theirs[instrument];
                let differ = expected.iter().zip(found).position(|(a, b)| a != b);
                let shown = differ.map(|at| (at, expected[at], found[at]));
                assert_eq!(shown, None, "{topology}, {shards} shards, {instrument}");
                assert_eq!(expected.len(), found.len(), "{topology}, {shards} shards, {instrument}");
            }
            if shards == "1" {
                assert_eq!(reference, events, "{topology}: order over instruments");
            }
        }
    }
}
