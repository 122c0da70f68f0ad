//! Promise: real captured frames, sent through the whole program, give the expected books to the last digit: counts of
//! applied and dropped diffs, the top after every applied diff, the whole final book, and not one failed integrity check.
//! The same capture gives the same events in every topology, every time.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{captures, convert_cryptofeed, decimal, json_lines, meltica_ok, read_gz};

/// Name of the expected files, market, and how to come by the capture.
const RECORDINGS: [(&str, &str, Recording); 5] = [
    ("spot_btcusdt_first120s", "BINANCE-SPOT", Recording::Lines("hftbacktest/spot_btcusdt_20240808_first120s.gz")),
    ("usdm_btcusdt_first60s", "BINANCE-USDM", Recording::Lines("hftbacktest/usdm_btcusdt_20240808_first60s.gz")),
    ("usdm_ethusdt_first30s", "BINANCE-USDM", Recording::Lines("hftbacktest/usdm_ethusdt_20240808_first30s.gz")),
    ("cryptofeed_spot_202110", "BINANCE-SPOT", Recording::Cryptofeed("BINANCE")),
    ("cryptofeed_usdm_202107", "BINANCE-USDM", Recording::Cryptofeed("BINANCE_FUTURES")),
];

#[derive(Clone, Copy)]
enum Recording {
    Lines(&'static str),
    Cryptofeed(&'static str),
}

fn capture_of(recording: Recording, folder: &Path, scratch: &Path) -> PathBuf {
    match recording {
        Recording::Lines(path) => folder.join(path),
        Recording::Cryptofeed(name) => {
            let from = folder.join("cryptofeed");
            let out = scratch.join(format!("{name}.capture"));
            convert_cryptofeed(&from.join(format!("{name}.ws.1.0")), &from.join(format!("{name}.http.0.0")), &out);
            out
        }
    }
}

struct Replayed {
    events: Vec<Value>,
    books: Value,
}

fn replay(capture: &Path, scratch: &Path, environment: &[(&str, &str)]) -> Replayed {
    let (events, books) = (scratch.join("events.jsonl"), scratch.join("books.json"));
    let words = [
        "replay",
        capture.to_str().unwrap(),
        "--quiet",
        "--events",
        events.to_str().unwrap(),
        "--books",
        books.to_str().unwrap(),
    ];
    meltica_ok(&words, environment);
    let books = serde_json::from_slice(&fs::read(books).unwrap()).unwrap();
    Replayed { events: json_lines(&fs::read(events).unwrap()), books }
}

#[test]
fn real_captures_give_the_expected_books() {
    let Some(folder) = captures("real_captures_give_the_expected_books") else { return };
    for (name, market, recording) in RECORDINGS {
        let scratch = tempfile::tempdir().unwrap();
        let replayed = replay(&capture_of(recording, &folder, scratch.path()), scratch.path(), &[]);
        support::assert_gapless(&replayed.events);
        let summary = fs::read(folder.join(format!("expected/{name}.summary.json"))).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        let symbols = summary.as_object().unwrap();
        assert_eq!(replayed.books.as_object().unwrap().len(), symbols.len(), "{name}: one book a symbol");
        for (symbol, expected) in symbols {
            check_symbol(&folder.join("expected"), name, market, symbol, expected, &replayed);
        }
    }
}

fn check_symbol(expected_in: &Path, name: &str, market: &str, symbol: &str, expected: &Value, replayed: &Replayed) {
    let instrument =
        meltica::schema::instrument::Instrument::from_symbol(meltica::schema::id::Market::BinanceSpot, symbol).name;
    let book = &replayed.books[format!("{market}/{instrument}")];
    assert!(book.is_object(), "{name}: no book of {instrument}");
    for (ours, theirs) in [
        ("updateId", "last_u"),
        ("applied", "applied"),
        ("dropped", "dropped"),
        ("agree", "agree"),
        ("disagree", "disagree"),
    ] {
        assert_eq!(book[ours], expected[theirs], "{name} {symbol}: {ours}");
    }
    assert_eq!(book["quality"], "Good", "{name} {symbol}");
    let last = read_gz(&expected_in.join(format!("{name}.{symbol}.final_book.json.gz")));
    let last: Value = serde_json::from_str(&last).unwrap();
    for side in ["bids", "asks"] {
        let pairs = |levels: &Value| -> Vec<_> {
            levels.as_array().unwrap().iter().map(|l| (decimal(&l[0]), decimal(&l[1]))).collect()
        };
        assert_eq!(pairs(&book[side]), pairs(&last[side]), "{name} {symbol}: {side}");
    }
    check_tops(expected_in, name, symbol, &instrument, replayed);
}

fn check_tops(expected_in: &Path, name: &str, symbol: &str, instrument: &str, replayed: &Replayed) {
    let rows = read_gz(&expected_in.join(format!("{name}.{symbol}.top.csv.gz")));
    let fused: Vec<&Value> =
        replayed.events.iter().filter(|e| e["type"] == "ANALYTICS.FUSED" && e["instrument"] == instrument).collect();
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    assert_eq!(fused.len(), rows.len(), "{name} {symbol}: one fused event an applied diff");
    for (event, row) in fused.iter().zip(rows) {
        let cells: Vec<&str> = row.split(',').collect();
        let payload = &event["payload"];
        assert_eq!(payload["updateId"].to_string(), cells[0], "{name} {symbol}");
        assert_eq!(event["quality"], "Good", "{name} {symbol} {}", cells[0]);
        for (key, cell) in [("bid", 1), ("bidQuantity", 2), ("ask", 3), ("askQuantity", 4)] {
            let expected: meltica::schema::decimal::Decimal = cells[cell].parse().unwrap();
            assert_eq!(decimal(&payload[key]), expected, "{name} {symbol} {}: {key}", cells[0]);
        }
        let (bid, ask) = (decimal(&payload["bid"]), decimal(&payload["ask"]));
        assert_eq!(decimal(&payload["spread"]), ask.checked_sub(bid).unwrap());
        let twice = decimal(&payload["mid"]).checked_add(decimal(&payload["mid"])).unwrap();
        assert_eq!(twice, ask.checked_add(bid).unwrap());
        let micro = decimal(&payload["microPrice"]);
        assert!(bid <= micro && micro <= ask);
    }
}

/// Every topology, and the default twice.
const TOPOLOGIES: [&str; 6] = ["stepped", "stepped", "fused", "lean", "dedicated", "auto"];

#[test]
fn the_same_capture_gives_the_same_events_in_every_topology() {
    let Some(folder) = captures("the_same_capture_gives_the_same_events_in_every_topology") else { return };
    for (name, _, recording) in RECORDINGS {
        let scratch = tempfile::tempdir().unwrap();
        let capture = capture_of(recording, &folder, scratch.path());
        let mut first: Option<Vec<Value>> = None;
        for topology in TOPOLOGIES {
            let mut events = replay(&capture, scratch.path(), &[("MELTICA_TOPOLOGY", topology)]).events;
            for event in &mut events {
                assert!(event["latencyNs"].take().is_u64());
            }
            match &first {
                None => first = Some(events),
                Some(first) => {
                    assert_eq!(first.len(), events.len(), "{name} {topology}");
                    let differ = first.iter().zip(&events).position(|(a, b)| a != b);
                    assert_eq!(differ.map(|at| (&first[at], &events[at])), None, "{name} {topology}");
                }
            }
        }
    }
}

#[test]
fn two_captures_merge_by_receive_time() {
    let Some(folder) = captures("two_captures_merge_by_receive_time") else { return };
    let scratch = tempfile::tempdir().unwrap();
    let events = scratch.path().join("events.jsonl");
    let files = ["hftbacktest/usdm_ethusdt_20240808_first30s.gz", "hftbacktest/spot_btcusdt_20240808_first120s.gz"]
        .map(|f| folder.join(f));
    let words = [
        "replay",
        files[0].to_str().unwrap(),
        files[1].to_str().unwrap(),
        "--quiet",
        "--events",
        events.to_str().unwrap(),
    ];
    meltica_ok(&words, &[]);
    let events = json_lines(&fs::read(events).unwrap());
    support::assert_gapless(&events);
    let markets: std::collections::BTreeSet<_> =
        events.iter().map(|e| e["market"].as_str().unwrap().to_owned()).collect();
    assert_eq!(markets.into_iter().collect::<Vec<_>>(), ["BINANCE-SPOT", "BINANCE-USDM"]);
}
