//! Purpose: real frames through the shipped routes: each becomes its events, none is refused, and no field surprises.
//! Owns: nothing. Thread: a test's. Takes and gives: captures in, counts out. Never: fails for their absence; says so instead.
//!
//! The frames are read with serde_json here, so that dispatch is judged apart from the parser of the io thread.

mod dispatch_support;

use std::io::Read;
use std::path::{Path, PathBuf};

use dispatch_support::{Bench, raw, topic};
use meltica::dispatch::default_routes;
use meltica::schema::id::Market;
use meltica::schema::raw::RawBuf;
use meltica::schema::stage::{RawSink, Stage};
use meltica::schema::topic::{StreamKind, StreamName};
use meltica::telemetry::Counter;
use serde_json::Value;

fn captures() -> Option<PathBuf> {
    let path = std::env::var_os("MELTICA_CAPTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no captures at {} (set MELTICA_CAPTURES)", path.display());
    None
}

/// The text of a file, unpacked.
fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("readable");
    let mut out = String::new();
    match path.extension().is_some_and(|e| e == "gz") {
        true => flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut out).expect("gzip of text"),
        false => (&*bytes).read_to_string(&mut out).expect("text"),
    };
    out
}

/// Sends every line that is a combined frame (or, bare, a depth body) through; gives frames sent.
fn send_all(bench: &mut Bench, market: Market, text: &str) -> u64 {
    let (mut buf, mut sent) = (RawBuf::default(), 0);
    let id = bench.btc;
    for line in text.lines() {
        let Some(at) = line.find('{') else { continue };
        let Ok(frame) = serde_json::from_str::<Value>(&line[at..]) else { continue };
        let (topic, payload) = match frame.get("stream").and_then(Value::as_str) {
            None if frame.get("lastUpdateId").is_some() => (topic("depth-body"), frame.clone()),
            None => continue,
            Some(stream) => match StreamName::parse(stream) {
                Some(name) => (name.topic, frame["data"].clone()),
                None => continue,
            },
        };
        let rows = payload.as_array().cloned().unwrap_or_else(|| vec![payload]);
        for row in rows {
            let raw = raw(&mut buf, market, topic, id, &row);
            assert!(bench.stage.ready(1, raw.words()));
            bench.stage.take_raw(raw);
            sent += 1;
        }
    }
    sent
}

#[test]
fn long_captures_pass_whole() {
    let Some(captures) = captures() else { return };
    let files = [
        ("hftbacktest/spot_btcusdt_20240808_first120s.gz", Market::BinanceSpot, 13_753),
        ("hftbacktest/usdm_btcusdt_20240808_first60s.gz", Market::BinanceUsdm, 15_738),
        ("hftbacktest/usdm_ethusdt_20240808_first30s.gz", Market::BinanceUsdm, 6_665),
        ("cryptofeed/BINANCE.ws.1.0", Market::BinanceSpot, 265),
        ("cryptofeed/BINANCE_FUTURES.ws.1.0", Market::BinanceUsdm, 1_535),
        ("cryptofeed/BINANCE.http.0.0", Market::BinanceSpot, 4),
        ("cryptofeed/BINANCE_FUTURES.http.0.0", Market::BinanceUsdm, 4),
        ("cryptofeed/usdm_frames_2026-08-08.jsonl", Market::BinanceUsdm, 4),
    ];
    for (file, market, messages) in files {
        let mut bench = Bench::of(&default_routes());
        let sent = send_all(&mut bench, market, &text(&captures.join(file)));
        assert_eq!(sent, messages, "{file}");
        assert_eq!(bench.count(Counter::Canonical), sent, "{file}");
        assert_eq!(bench.stage.next().events.len() as u64, sent, "{file}");
        assert_eq!(bench.stage.unknown_fields().rows(), [], "{file}");
    }
}

#[test]
fn single_frames_of_every_channel_make_events_or_have_no_route() {
    let Some(captures) = captures() else { return };
    let text = text(&captures.join("crypto-msg-parser/frames.jsonl"));
    let mut total = 0;
    for line in text.lines() {
        let mut bench = Bench::of(&default_routes());
        // Only the id before a diff depends on the market, and the frame itself shows it.
        let market = if line.contains("\"pu\"") { Market::BinanceUsdm } else { Market::BinanceSpot };
        let sent = send_all(&mut bench, market, line);
        let (made, unrouted) = (bench.count(Counter::Canonical), bench.count(Counter::Unrouted));
        assert_eq!(made + unrouted, sent, "{line}");
        assert_eq!(bench.stage.unknown_fields().rows(), [], "{line}");
        let frame: Value = serde_json::from_str(line).expect("JSON");
        let kind = frame["stream"].as_str().and_then(StreamName::parse).map(|n| n.topic.kind);
        // The shipped routes name one interval and one depth; every other kind is routed whole.
        let parameters = matches!(kind, Some(StreamKind::Kline | StreamKind::DepthPartial | StreamKind::WindowTicker));
        assert!(unrouted == 0 || parameters, "{line}");
        total += made;
    }
    assert_eq!(total, 45, "frames that became events");
}
