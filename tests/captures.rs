//! Promise: real captured frames, sent through the whole program, give the expected books to the last digit: counts of
//! applied and dropped diffs, the top after every applied diff, the whole final book, and not one failed integrity check.
//! The same capture gives the same events in every topology, every time.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::recordings::{RECORDINGS, instrument_of};
use support::{captures, decimal, json_lines, meltica_ok, read_gz};

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
    for recording in RECORDINGS {
        let scratch = tempfile::tempdir().unwrap();
        let replayed = replay(&recording.capture(&folder, scratch.path()), scratch.path(), &[]);
        support::assert_gapless(&replayed.events);
        recording.assert_books(&folder, &replayed.books);
        for symbol in recording.expected(&folder).keys() {
            check_tops(&folder.join("expected"), recording.name, symbol, &replayed);
        }
    }
}

fn check_tops(expected_in: &Path, name: &str, symbol: &str, replayed: &Replayed) {
    let instrument = instrument_of(symbol);
    let rows = read_gz(&expected_in.join(format!("{name}.{symbol}.top.csv.gz")));
    let fused: Vec<&Value> =
        replayed.events.iter().filter(|e| e["type"] == "ANALYTICS.FUSED" && e["instrument"] == *instrument).collect();
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
    for recording in RECORDINGS {
        let (name, scratch) = (recording.name, tempfile::tempdir().unwrap());
        let capture = recording.capture(&folder, scratch.path());
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
