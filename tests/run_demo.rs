//! Promise: `meltica run` on the simulated exchange publishes valid events of at least eight canonical types, numbered
//! without a hole, with every book Good at the end and nothing dropped; it stops cleanly on its deadline, on SIGINT, on
//! SIGTERM and when its reader goes away.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{json_lines, meltica_ok};

#[test]
fn the_demo_publishes_valid_events_and_ends_with_good_books() {
    let scratch = tempfile::tempdir().unwrap();
    let books = scratch.path().join("books.json");
    let output = meltica_ok(&["run", "--for", "4s", "--events", "-", "--books", books.to_str().unwrap()], &[]);
    let events = json_lines(&output.stdout);
    support::assert_gapless(&events);
    let types: BTreeSet<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert!(types.len() >= 8, "{types:?}");
    for event in &events {
        for key in
            ["source", "ts", "receiveTs", "instrument", "market", "seq", "key", "payload", "latencyNs", "traceId"]
        {
            assert!(event.get(key).is_some(), "{key} is missing in {event}");
        }
        assert_eq!(event["traceId"].as_str().unwrap().len(), 32);
    }
    let books: Value = serde_json::from_slice(&std::fs::read(books).unwrap()).unwrap();
    let books = books.as_object().unwrap();
    assert!(books.len() >= 2);
    for (name, book) in books {
        assert_eq!(book["quality"], "Good", "{name}");
        assert_eq!(book["disagree"], 0, "{name}");
        assert!(book["agree"].as_u64().unwrap() > 0, "{name}");
    }
    let summary = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(summary.contains("nothing was dropped"), "{summary}");
}

fn started(arguments: &[&str]) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_signal_ends_the_feed_with_a_summary_and_zero() {
    for signal in ["-INT", "-TERM"] {
        let mut child = started(&["run", "--events", "-"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..200 {
            assert!(lines.next().unwrap().unwrap().starts_with('{'));
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let rest: Vec<String> = lines.map(|l| l.unwrap()).collect();
        serde_json::from_str::<Value>(rest.last().unwrap()).expect("the last line is whole");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("events published"), "{signal}: no summary");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = started(&["run", "--events", "-"]);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nothing_said_means_run() {
    let mut child = started(&[]);
    let mut status = BufReader::new(child.stderr.take().unwrap());
    status.read_line(&mut String::new()).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    std::io::copy(&mut status, &mut std::io::sink()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
