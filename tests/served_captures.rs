//! Promise: each real capture, served by `meltica venue` over sockets as fast as it can be read and consumed by
//! `meltica run`, gives the same events and books as its replay, and so the expected books, to the last digit; the venue sees
//! no limit exceeded and cuts nobody off.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::recordings::{RECORDINGS, Recording};
use support::{captures, json_lines, meltica_ok};

/// Nothing takes longer on a busy machine, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A child process that does not outlive its test.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
        for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("MELTICA_")) {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        Running(command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Lines of a stream of its, as they come.
    fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
        let (give, take) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if give.send(line).is_err() {
                    return;
                }
            }
        });
        take
    }

    /// Asks it to end; it must end well.
    fn end(mut self, name: &str) {
        assert!(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap().success());
        let begun = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE, "{name} does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.0.wait().unwrap().code(), Some(0), "{name}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn next(lines: &Receiver<String>, what: &str) -> String {
    lines.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// Events that frames make; statuses and snapshots are a run's own.
fn is_of_a_frame(event: &Value) -> bool {
    let kind = event["type"].as_str().unwrap();
    !kind.starts_with("STATUS.") && kind != "ORDERBOOK.SNAPSHOT"
}

/// Payloads in order, by type and instrument.
fn by_stream(events: &[Value]) -> BTreeMap<(String, String), Vec<Value>> {
    let mut streams: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for event in events.iter().filter(|e| is_of_a_frame(e)) {
        let word = |key: &str| event[key].as_str().unwrap_or("*").to_owned();
        let mut payload = event["payload"].clone();
        if event["market"] == "BINANCE-USDM" && event["type"] == "ANALYTICS.FUSED" {
            // Aggregate trades and diffs come by two paths, that is, by two connections: which is first is nobody's promise.
            for key in ["lastPrice", "lastQuantity", "lastTradeId"] {
                assert!(payload.as_object_mut().unwrap().remove(key).is_some(), "{key}");
            }
        }
        streams.entry((word("type"), word("instrument"))).or_default().push(payload);
    }
    streams
}

struct Served {
    events: Vec<Value>,
    books: Value,
    summary: String,
}

/// Serves a capture to a feed until that has published `count` events of frames.
fn serve(capture: &Path, market: &str, scratch: &Path, count: usize) -> Served {
    let words = ["venue", "--listen", "127.0.0.1:0", "--serve-capture", capture.to_str().unwrap(), "--speed", "0"];
    let mut venue = Running::start(&words, &[]);
    let (out, told) = (Running::lines(venue.0.stdout.take().unwrap()), Running::lines(venue.0.stderr.take().unwrap()));
    let listening = next(&out, "where the venue listens");
    let address = listening.rsplit_once("//").unwrap().1.to_owned();
    let streams = next(&told, "the streams of the capture");
    let (config, books) = (scratch.join("run.yaml"), scratch.join("books.json"));
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/served-capture.yaml");
    let speed = if streams.contains("@depth@0ms") { "@depth@0ms" } else { "@depth@100ms" };
    fs::write(&config, fs::read_to_string(shipped).unwrap().replace("@depth@100ms", speed)).unwrap();
    let words = ["run", "--config", config.to_str().unwrap(), "--events", "-", "--books", books.to_str().unwrap()];
    let (ws, rest) = (format!("ws://{address}"), format!("http://{address}"));
    let variables = [("MELTICA_MARKET", market), ("MELTICA_FEED__WS", &ws), ("MELTICA_FEED__REST", &rest)];
    let mut run = Running::start(&words, &variables);
    let lines = Running::lines(run.0.stdout.take().unwrap());
    let notes = Running::lines(run.0.stderr.take().unwrap());
    let (mut events, mut seen) = (Vec::new(), 0);
    while seen < count {
        let Ok(line) = lines.recv_timeout(PATIENCE) else {
            let notes: Vec<String> = notes.try_iter().chain(told.try_iter()).collect();
            panic!("{}: {seen} of {count} events came:\n{}", capture.display(), notes.join("\n"));
        };
        let event: Value = serde_json::from_str(&line).unwrap();
        seen += usize::from(is_of_a_frame(&event));
        events.push(event);
    }
    let mut summary = String::new();
    while !summary.contains("served to its end") {
        summary += &next(&told, "the venue says that the capture has ended");
    }
    run.end("run");
    events.extend(json_lines(lines.iter().collect::<Vec<_>>().join("\n").as_bytes()));
    venue.end("venue");
    summary += &told.iter().collect::<Vec<_>>().join("\n");
    Served { events, books: serde_json::from_slice(&fs::read(books).unwrap()).unwrap(), summary }
}

fn replay(capture: &Path, scratch: &Path) -> Vec<Value> {
    let events = scratch.join("replayed.jsonl");
    let words = ["replay", capture.to_str().unwrap(), "--quiet", "--events", events.to_str().unwrap()];
    meltica_ok(&words, &[]);
    json_lines(&fs::read(events).unwrap())
}

fn serves_as_expected(recording: &Recording) {
    let name = recording.name;
    let Some(folder) = captures(name) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let capture = recording.capture(&folder, scratch.path());
    let replayed = by_stream(&replay(&capture, scratch.path()));
    let served = serve(&capture, recording.market, scratch.path(), replayed.values().map(Vec::len).sum());
    support::assert_gapless(&served.events);
    let mut streams = by_stream(&served.events);
    // A replay has nobody who commands it.
    streams.retain(|(kind, _), _| *kind != "CONTROL.UPDATE");
    assert_eq!(streams.keys().collect::<Vec<_>>(), replayed.keys().collect::<Vec<_>>(), "{name}");
    for (key, payloads) in &streams {
        let expected = &replayed[key];
        let differ = payloads.iter().zip(expected).position(|(ours, theirs)| ours != theirs);
        assert_eq!(differ.map(|at| (at, &payloads[at], &expected[at])), None, "{name} {key:?}");
        assert_eq!(payloads.len(), expected.len(), "{name} {key:?}");
    }
    recording.assert_books(&folder, &served.books);
    assert!(!served.summary.contains("over the limit") && !served.summary.contains("cut off"), "{}", served.summary);
}

#[test]
fn served_captures_give_the_events_and_books_of_their_replay() {
    for recording in &RECORDINGS {
        serves_as_expected(recording);
    }
}
