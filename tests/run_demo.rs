//! Promise: `meltica run` without configuration starts a venue and feeds from it over TLS: valid events of every type that spot
//! has, numbered without a hole, every book Good and nothing dropped, no limit of the venue exceeded. It ends cleanly on its
//! deadline, on SIGINT, on SIGTERM and when its reader goes away, and at once on a second signal. The same feed without sockets
//! (`feed.source: sim`) promises the same of its events.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::json_lines;

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

fn started(arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
    for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("MELTICA_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

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
        let mut child = started(&arguments, environment);
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let all_good = until(&mut log, "all_good");
        assert_eq!((&all_good["fields"]["good"], &all_good["fields"]["books"]), (&20.into(), &20.into()), "{source}");
        wait_for_types(&events, source);
        signal(&child, "-TERM");
        let summary = until(&mut log, "summary");
        assert_eq!(summary["fields"]["losses"], serde_json::json!({}), "{source}: something was dropped: {summary}");
        assert_eq!(summary["fields"]["books"], serde_json::json!({ "Good": 20 }), "{source}");
        if source == "venue" {
            let venue = until(&mut log, "venue");
            assert_eq!(venue["fields"]["limitsExceeded"], false, "{venue}");
            assert!(venue["fields"]["frames"].as_u64().unwrap() > 0, "{venue}");
        }
        assert!(log.next().is_none(), "the log ends with that");
        assert_eq!(child.wait().unwrap().code(), Some(0));
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
    for name in ["-INT", "-TERM"] {
        let mut child = started(&["run", "--events", "-"], &[]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..200 {
            assert!(lines.next().unwrap().unwrap().starts_with('{'));
        }
        signal(&child, name);
        let rest: Vec<String> = lines.map(|l| l.unwrap()).collect();
        serde_json::from_str::<Value>(rest.last().unwrap()).expect("the last line is whole");
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{name}: {told}");
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
    let mut child = started(&["run", "--log-format", "json", "--events", "-"], &[]);
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    until(&mut log, "started");
    // Until the pipe is full and the program waits in it.
    std::thread::sleep(Duration::from_secs(3));
    signal(&child, "-TERM");
    until(&mut log, "reader_slow");
    assert!(child.try_wait().unwrap().is_none(), "what was published waits for its reader");
    signal(&child, "-TERM");
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (None, Some(15)));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = started(&["run", "--events", "-"], &[]);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("the run ends: reader"), "{told}");
}

#[test]
fn nothing_said_means_run_and_no_signal_is_lost_at_the_start() {
    for _ in 0..5 {
        let mut child = started(&[], &[]);
        let mut log = BufReader::new(child.stderr.take().unwrap());
        log.read_line(&mut String::new()).unwrap();
        signal(&child, "-INT");
        let mut rest = String::new();
        log.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    }
}
