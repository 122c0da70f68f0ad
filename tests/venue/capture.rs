//! A capture in the market's place.

use std::path::PathBuf;

use meltica::sim::venue::CaptureOptions;
use serde_json::Value;

use crate::client::{NaiveBook, connect, get, text, until, venue};

/// A capture of its own: a body, diffs on both sides of it, a trade.
fn written(dir: &std::path::Path) -> PathBuf {
    let diff = |first: u64, last: u64| {
        format!(
            r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":{first},"u":{last},"b":[["9.00","{last}"]],"a":[]}}}}"#
        )
    };
    let body = r#"{"lastUpdateId":12,"bids":[["9.00","12"],["8.00","1"]],"asks":[["10.00","1"]]}"#;
    let trade = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"9.00","q":"1","T":1,"m":true,"M":true}}"#;
    let lines = [diff(5, 10), diff(11, 12), body.to_owned(), diff(13, 20), trade.to_owned(), diff(21, 30)];
    let text: String = lines.iter().enumerate().map(|(n, line)| format!("{} {line}\n", 1_000 + n)).collect();
    let path = dir.join("small.capture");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn frames_go_to_their_subscribers_byte_for_byte_and_bodies_to_whoever_asks() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path());
    let lines = std::fs::read_to_string(&path).unwrap();
    let venue = venue(|options| options.capture = Some(CaptureOptions { files: vec![path], speed: 1 }));
    let mut combined = connect(venue.address(), "/stream?streams=btcusdt@depth@100ms");
    let mut raw = connect(venue.address(), "/ws/btcusdt@trade");
    let frames: Vec<&str> =
        lines.lines().map(|l| l.split_once(' ').unwrap().1).filter(|l| l.contains("@depth")).collect();
    assert_eq!([text(&mut combined), text(&mut combined)], frames[..2], "those before the body");
    let answer = get(venue.address(), "/api/v3/depth?symbol=BTCUSDT&limit=100");
    assert_eq!(answer.json()["lastUpdateId"], 12);
    for frame in &frames[2..] {
        assert_eq!(text(&mut combined), *frame);
    }
    assert!(text(&mut raw).starts_with(r#"{"e":"trade""#));
    let listed = get(venue.address(), "/api/v3/exchangeInfo").json();
    assert_eq!(listed["symbols"][0]["symbol"], "BTCUSDT");
    assert_eq!(get(venue.address(), "/api/v3/depth?symbol=ETHUSDT").json()["code"], -1121);
    assert_eq!(get(venue.address(), "/api/v3/trades?symbol=BTCUSDT").status, 400);
    until("it has ended", || venue.capture_progress().unwrap().ended);
}

#[test]
fn a_real_capture_gives_its_expected_book() {
    let root = std::env::var_os("MELTICA_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let path = root.join("hftbacktest/spot_btcusdt_20240808_first120s.gz");
    if !path.exists() {
        println!("SKIPPED: no captures at {}", root.display());
        return;
    }
    // As fast as it is read, and never faster than that: few frames may wait for a reader.
    let venue = venue(|options| {
        options.capture = Some(CaptureOptions { files: vec![path], speed: 0 });
        options.outbox_frames_max = 4;
    });
    let mut socket = connect(venue.address(), "/ws/btcusdt@depth@100ms");
    let mut book: Option<NaiveBook> = None;
    let summary = std::fs::read_to_string(root.join("expected/spot_btcusdt_first120s.summary.json")).unwrap();
    let expected: Value = serde_json::from_str::<Value>(&summary).unwrap()["BTCUSDT"].clone();
    while book.as_ref().is_none_or(|b| expected["last_u"] != b.id) {
        let diff: Value = serde_json::from_str(&text(&mut socket)).unwrap();
        let book = book.get_or_insert_with(|| {
            NaiveBook::from_snapshot(&get(venue.address(), "/api/v3/depth?symbol=BTCUSDT&limit=5000").json())
        });
        assert!(book.apply(&diff), "a gap at {}", diff["U"]);
    }
    let levels = book.unwrap().level_counts();
    assert_eq!((expected["final_bids"].as_u64(), expected["final_asks"].as_u64()), (Some(levels.0), Some(levels.1)));
    assert_eq!(venue.stats().slow_readers, 0);
}
