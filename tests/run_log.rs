//! Promise: without a terminal a run tells each notable event in one line, as text or as JSON with the fields that
//! `config/OPERATING.md` names; a venue that is not there is waited for, and said to be; a log that leads nowhere, or that nobody
//! reads, stops no feed; `--quiet` tells nothing.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const MANUAL: &str = include_str!("../config/OPERATING.md");

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
    for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("MELTICA_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    // Feeds of tests that run beside each other must not quarrel over one port.
    command.env("MELTICA_CONTROL__LISTEN", "127.0.0.1:0");
    command
}

/// The longest first wait after a failure (`LiveTimes`).
const FIRST_WAIT_MS: u64 = 200;

/// Files beside the configurations that are none.
const OTHERS: [&str; 2] = ["routes.yaml", "venue-faults.yaml"];

/// Level and fields of each event, by the manual's table.
fn documented() -> BTreeMap<String, (String, Vec<String>)> {
    let rows = MANUAL.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        let fields = cells[3].split(',').map(|f| f.split('(').next().unwrap().trim().to_owned());
        let fields = fields.filter(|f| !f.is_empty()).collect();
        (cells[0].trim_matches('`').to_owned(), (cells[1].to_owned(), fields))
    })
    .collect()
}

/// Holds every line against the manual and gives the names of the events, in order.
fn check(log: &str) -> Vec<String> {
    let documented = documented();
    assert!(documented.len() > 20, "the manual's table was not found");
    let mut last = String::new();
    let names = log.lines().map(|line| {
        assert!(line.is_ascii(), "{line}");
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}"));
        let keys: Vec<_> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["event", "fields", "level", "message", "ts"], "{line}");
        assert!(line.starts_with("{\"ts\":\"20"), "the time comes first: {line}");
        let name = entry["event"].as_str().unwrap().to_owned();
        let (level, fields) = documented.get(&name).unwrap_or_else(|| panic!("{name} is not in the manual"));
        assert!(entry["level"] == level.as_str() || entry["level"] == "info", "{line}");
        for field in entry["fields"].as_object().unwrap().keys() {
            assert!(fields.contains(field), "{name}: the manual lacks `{field}`");
        }
        let ts = entry["ts"].as_str().unwrap().to_owned();
        assert!(ts >= last, "time goes back: {line}");
        last = ts;
        name
    });
    names.collect()
}

#[test]
fn a_json_log_holds_what_the_manual_says_and_nothing_else() {
    let output = program(&["run", "--for", "2s", "--log-format", "json"]).stderr(Stdio::piped()).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    let names = check(&log);
    assert_eq!(names[..4], ["started", "control", "catalogue", "connection_up"], "{log}");
    assert_eq!(names[names.len() - 3..], ["stopping", "summary", "venue"], "{log}");
}

#[test]
fn what_makes_a_run_fail_is_told_in_the_same_form() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("bad.yaml");
    std::fs::write(&path, "topology: fusd\n").unwrap();
    let arguments = ["run", "--log-format", "json", "--config", path.to_str().unwrap()];
    let output = program(&arguments).stderr(Stdio::piped()).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{log}");
    assert_eq!(check(&log), ["failed"]);
    let entry: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(entry["fields"]["exitCode"], 78);
    assert!(entry["message"].as_str().unwrap().contains("did you mean fused?"), "{entry}");
}

#[test]
fn a_venue_whose_name_leads_nowhere_is_waited_for_and_said_to_be() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/live-spot-majors.yaml");
    // `.invalid` has no addresses, by RFC 6761.
    let environment =
        [("MELTICA_FEED__WS", "wss://stream.venue.invalid:9443"), ("MELTICA_FEED__REST", "https://api.venue.invalid")];
    let arguments = ["run", "--log-format", "json", "--config", config.to_str().unwrap()];
    let mut feed = support::Running::start(&arguments, &environment);
    let mut lines = feed.stderr();
    let mut log = String::new();
    let mut waits = Vec::new();
    while waits.len() < 3 {
        let line = lines.next().expect("it keeps trying").unwrap();
        let entry: Value = serde_json::from_str(&line).unwrap();
        if entry["event"] == "rest_failed" {
            assert_eq!(entry["fields"]["what"], "exchangeInfo", "{line}");
            assert!(!entry["fields"]["reason"].as_str().unwrap().is_empty(), "{line}");
            waits.push(entry["fields"]["retryMs"].as_u64().unwrap());
        }
        log.push_str(&line);
        log.push('\n');
    }
    // Full jitter: anything up to a bound that doubles.
    assert!(waits.iter().enumerate().all(|(at, ms)| *ms <= FIRST_WAIT_MS << at), "it backs off: {waits:?}");
    feed.signal("TERM");
    lines.for_each(|line| log.push_str(&(line.unwrap() + "\n")));
    assert_eq!(feed.end().0.code(), Some(0), "{log}");
    let names = check(&log);
    assert!(names.iter().any(|name| name == "summary") && !names.iter().any(|name| name == "ready"), "{log}");
}

#[test]
fn a_log_that_leads_nowhere_or_that_nobody_reads_stops_no_feed() {
    for format in ["text", "json"] {
        let scratch = tempfile::tempdir().unwrap();
        let events = scratch.path().join("events.jsonl");
        let arguments = ["run", "--for", "1s", "--log-format", format, "--events", events.to_str().unwrap()];
        let (_unread, full_pipe) = std::io::pipe().unwrap();
        fill(full_pipe.try_clone().unwrap());
        let gone = std::io::pipe().unwrap().1;
        let mut places = vec![Stdio::from(full_pipe), Stdio::from(gone)];
        if Path::new("/dev/full").exists() {
            places.push(Stdio::from(File::options().write(true).open("/dev/full").unwrap()));
        }
        for place in places {
            let status = program(&arguments).stderr(place).status().unwrap();
            assert_eq!(status.code(), Some(0), "{format}");
            assert!(!support::json_lines(&std::fs::read(&events).unwrap()).is_empty(), "{format}");
        }
        // Closed before the program begins.
        let line = format!("exec \"$0\" {} 2>&-", arguments.map(|a| format!("'{a}'")).join(" "));
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", &line, env!("CARGO_BIN_EXE_meltica")]).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{format}");
    }
}

/// Fills a pipe, so that the next writer waits.
fn fill(pipe: std::io::PipeWriter) {
    let (done, filled) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        use std::io::Write;
        let mut pipe = pipe;
        for _ in 0.. {
            if pipe.write_all(&[b'.'; 512]).is_err() {
                return;
            }
            let _ = done.send(());
        }
    });
    // A pipe that takes nothing for so long is full; if it is not, the test only sees less.
    while filled.recv_timeout(std::time::Duration::from_millis(500)).is_ok() {}
}

#[test]
fn quiet_tells_nothing() {
    let output = program(&["run", "--for", "500ms", "--quiet"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn each_shipped_configuration_is_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Routes are part of a configuration, scripts of faults are no part of any.
        if path.extension().is_none_or(|end| end != "yaml") || OTHERS.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let output = support::meltica_ok(&["check", path.to_str().unwrap()], &[]);
        let mut told = String::new();
        output.stdout.as_slice().read_to_string(&mut told).unwrap();
        assert!(told.contains("a sound configuration"), "{told}");
        checked += 1;
    }
    assert!(checked >= 4, "{checked} files");
}
