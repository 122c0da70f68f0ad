//! Promise: `meltica run` without configuration starts a venue and feeds from it over TLS: valid events of every type that spot
//! has, numbered without a hole, every book Good and nothing dropped, no limit of the venue exceeded. It ends cleanly on its
//! deadline, on SIGINT, on SIGTERM and when its reader goes away, and at once on a second signal. The same feed without sockets
//! (`feed.source: sim`) promises the same of its events.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::collections::BTreeSet;
use std::io::{BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ChildStderr;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Running, json_lines};

/// Nothing here takes so long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a spot feed publishes; the others are of futures, or control's. Block trades are rare: they decide how long this takes.
const TYPES: [&str; 15] = [
    "ANALYTICS.FUSED",
    "KLINE",
    "ORDERBOOK.DELTA",
    "ORDERBOOK.SNAPSHOT",
    "PRICE.AVERAGE",
    "PRICE.REFERENCE",
    "STATUS.BOOK",
    "STATUS.CONNECTION",
    "TICKER",
    "TICKER.BOOK",
    "TICKER.MINI",
    "TICKER.WINDOW",
    "TRADE",
    "TRADE.AGGREGATE",
    "TRADE.BLOCK",
];

/// Reads the log until this event, and gives its entry.
fn until(log: &mut Lines<BufReader<ChildStderr>>, event: &str) -> Value {
    loop {
        let line = log.next().unwrap_or_else(|| panic!("the log ended before {event}")).unwrap();
        let entry: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line}"));
        assert_ne!(entry["event"], "failed", "{entry}");
        if entry["event"] == event {
            return entry;
        }
    }
}

/// Whether a source has events of a type: without sockets there are no connections.
fn has(source: &str, event_type: &str) -> bool {
    source == "venue" || event_type != "STATUS.CONNECTION"
}

/// Waits until the file of events holds every type.
fn wait_for_types(events: &Path, source: &str) {
    let since = Instant::now();
    loop {
        let text = String::from_utf8_lossy(&std::fs::read(events).unwrap()).into_owned();
        let missing: Vec<_> =
            TYPES.iter().filter(|t| has(source, t) && !text.contains(&format!("{{\"type\":\"{t}\""))).collect();
        if missing.is_empty() {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "no event of {missing:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_feed_publishes_valid_events_of_every_type_and_ends_with_good_books() {
    for source in ["venue", "sim"] {
        let scratch = tempfile::tempdir().unwrap();
        let (events, books) = (scratch.path().join("events.jsonl"), scratch.path().join("books.json"));
        let outputs = ["--events", events.to_str().unwrap(), "--books", books.to_str().unwrap()];
        let arguments = [&["run", "--log-format", "json"], &outputs[..]].concat();
        let environment: &[_] = if source == "sim" { &[("MELTICA_FEED__SOURCE", "sim")] } else { &[] };
        let mut feed = Running::start(&arguments, environment);
        let mut log = feed.stderr();
        let all_good = until(&mut log, "all_good");
        assert_eq!((&all_good["fields"]["good"], &all_good["fields"]["books"]), (&20.into(), &20.into()), "{source}");
        wait_for_types(&events, source);
        feed.signal("TERM");
        let summary = until(&mut log, "summary");
        assert_eq!(summary["fields"]["losses"], serde_json::json!({}), "{source}: something was dropped: {summary}");
        assert_eq!(summary["fields"]["books"], serde_json::json!({ "Good": 20 }), "{source}");
        if source == "venue" {
            let venue = until(&mut log, "venue");
            assert_eq!(venue["fields"]["limitsExceeded"], false, "{venue}");
            assert!(venue["fields"]["frames"].as_u64().unwrap() > 0, "{venue}");
        }
        assert!(log.next().is_none(), "the log ends with that");
        assert_eq!(feed.end().0.code(), Some(0));
        check_events(&json_lines(&std::fs::read(events).unwrap()), source);
        check_books(&books);
    }
}

fn check_events(events: &[Value], source: &str) {
    support::assert_gapless(events);
    let types: BTreeSet<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert!(TYPES.iter().all(|t| types.contains(t) || !has(source, t)), "{types:?}");
    for event in events {
        for key in
            ["source", "ts", "receiveTs", "instrument", "market", "seq", "key", "payload", "latencyNs", "traceId"]
        {
            assert!(event.get(key).is_some(), "{key} is missing in {event}");
        }
        assert_eq!(event["traceId"].as_str().unwrap().len(), 32);
    }
}

fn check_books(path: &Path) {
    let books: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let books = books.as_object().unwrap();
    assert_eq!(books.len(), 20);
    for (name, book) in books {
        assert_eq!(book["quality"], "Good", "{name}");
        assert_eq!(book["disagree"], 0, "{name}");
    }
    assert!(books.values().any(|book| book["agree"].as_u64().unwrap() > 0));
}

#[test]
fn a_deadline_and_a_signal_end_the_feed_with_a_summary_and_zero() {
    for name in ["INT", "TERM"] {
        let mut feed = Running::start(&["run", "--events", "-"], &[]);
        let mut lines = feed.stdout();
        for _ in 0..200 {
            assert!(lines.next().unwrap().unwrap().starts_with('{'));
        }
        // Nobody reads, and the program is in the middle of a write: before the signal, and until the stages have ended behind
        // it. The reason is the signal all the same.
        feed.until_held_up();
        feed.until_stages_ended(|feed| feed.signal(name));
        let rest: Vec<String> = lines.map(|l| l.unwrap()).collect();
        serde_json::from_str::<Value>(rest.last().unwrap()).expect("the last line is whole");
        let (status, told) = feed.end();
        assert_eq!(status.code(), Some(0), "{name}: {told}");
        assert!(told.contains("events published") && told.contains("limits exceeded: none"), "{name}: {told}");
        assert!(told.contains("info stopping: the run ends: signal"), "{name}: {told}");
    }
    let output = support::meltica_ok(&["run", "--for", "500ms"], &[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("the run ends: deadline") && told.contains("events published"), "{told}");
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    // Nobody reads the events: the first signal ends the source, and the last events wait for their reader.
    let mut feed = Running::start(&["run", "--log-format", "json", "--events", "-"], &[]);
    let mut log = feed.stderr();
    until(&mut log, "started");
    feed.until_held_up();
    feed.signal("TERM");
    until(&mut log, "reader_slow");
    assert!(feed.is_running(), "what was published waits for its reader");
    feed.signal("TERM");
    let (status, _) = feed.end();
    assert_eq!((status.code(), status.signal()), (None, Some(15)));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut feed = Running::start(&["run", "--events", "-"], &[]);
    assert!(feed.stdout().next().unwrap().is_ok(), "one line is read, then the reader goes");
    let (status, told) = feed.end();
    assert_eq!(status.code(), Some(0), "{told}");
    assert!(told.contains("the run ends: reader"), "{told}");
}

#[test]
fn nothing_said_means_run_and_no_signal_is_lost_at_the_start() {
    for _ in 0..5 {
        let mut feed = Running::start(&[], &[]);
        let mut log = feed.stderr();
        log.next().unwrap().unwrap();
        feed.signal("INT");
        let rest: Vec<String> = log.map(|line| line.unwrap()).collect();
        assert_eq!(feed.end().0.code(), Some(0), "{rest:?}");
    }
}
