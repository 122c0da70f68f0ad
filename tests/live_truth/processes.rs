//! Processes that die and processes that are stopped: a `meltica venue` killed and started again under the feed, and a
//! `meltica run` that sleeps while its venue goes on.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use meltica::engine::Topology;
use meltica::sim::spec::default_symbols;
use meltica::sim::venue::Venue;
use serde_json::Value;

use crate::audit::audit_foreign;
use crate::rig::{PATIENCE, Rig, options};
use crate::stage::{Scale, venue_options};

/// A program that does not outlive its test.
struct Program(Child);

impl Program {
    fn start(arguments: &[&str]) -> (Program, BufReader<ChildStdout>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MELTICA_")) {
            command.env_remove(name);
        }
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        (Program(child), out)
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A venue in a process of its own, without TLS: each start has another authority.
fn venue(listen: &str, seed: &str) -> (Program, SocketAddr) {
    let (program, mut out) =
        Program::start(&["venue", "--listen", listen, "--symbols", "12", "--rate", "60", "--seed", seed]);
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().parse().unwrap_or_else(|e| panic!("{e}: {line}"));
    (program, address)
}

#[test]
fn a_venue_process_that_is_killed_and_started_again_is_followed_anew() {
    let (mut program, address) = venue("127.0.0.1:0", "5");
    let symbols: Vec<String> = default_symbols(12).into_iter().map(|spec| spec.symbol).collect();
    let mut rig = Rig::on(Topology::Lean, 1, &options(&format!("ws://{address}"), address), None);
    rig.until_good(12);
    audit_foreign(&mut rig, address, &symbols);
    for (lives, seed) in ["5", "6"].into_iter().enumerate() {
        program.signal("-KILL");
        rig.until("the connection is lost", |rig| rig.manners.downs > lives as u64);
        // The address may be in use for a moment longer.
        drop(program);
        (program, _) = venue(&address.to_string(), seed);
        rig.until("it is back", |rig| rig.changes().iter().filter(|(up, _)| *up).count() > lives + 1);
        rig.until_good(12);
        audit_foreign(&mut rig, address, &symbols);
    }
    println!(
        "killed twice: {} events, {} Good diffs, {} gaps",
        rig.manners.events, rig.checker.followed, rig.checker.gaps
    );
    rig.finish();
}

/// Hands lines over as they come.
fn lines(out: BufReader<ChildStdout>) -> Receiver<Value> {
    let (give, take) = channel();
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if give.send(serde_json::from_str(&line).unwrap()).is_err() {
                return;
            }
        }
    });
    take
}

fn unix_ns() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// Takes events until every book is Good; all that came.
fn until_good(events: &Receiver<Value>, books: usize) -> Vec<Value> {
    let (mut seen, mut good, begun) = (Vec::new(), BTreeSet::new(), Instant::now());
    while good.len() < books {
        assert!(begun.elapsed() < PATIENCE, "{} of {books} books Good", good.len());
        let Ok(event) = events.recv_timeout(Duration::from_millis(100)) else { continue };
        if event["type"] == "STATUS.BOOK" {
            let name = event["instrument"].as_str().unwrap().to_owned();
            if event["payload"]["to"] == "Good" {
                good.insert(name)
            } else {
                good.remove(&name)
            };
        }
        seen.push(event);
    }
    seen
}

#[test]
fn f55_a_feed_that_was_stopped_calls_every_book_stale_before_anything_old() {
    let scale = Scale { symbols: 10, rate: 800, ..Scale::read() };
    let venue = Venue::start(venue_options(&scale)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (ca, config) = (scratch.path().join("ca.pem"), scratch.path().join("config.yaml"));
    std::fs::write(&ca, venue.ca_pem().unwrap()).unwrap();
    let address = venue.address();
    let text = format!(
        "topology: lean\nfeed:\n  source: live\n  ws: wss://{address}\n  rest: https://{address}\n  ca_file: {}\n",
        ca.display()
    );
    std::fs::File::create(&config).unwrap().write_all(text.as_bytes()).unwrap();
    let (mut program, out) = Program::start(&["run", "--config", config.to_str().unwrap(), "--events", "-"]);
    let events = lines(out);
    until_good(&events, scale.symbols);
    program.signal("-STOP");
    std::thread::sleep(Duration::from_secs(5));
    while events.try_recv().is_ok() {}
    let woken = unix_ns();
    program.signal("-CONT");
    // What was published before the stop is still on its way: an event's own time tells it apart.
    let mut stale: BTreeSet<String> = BTreeSet::new();
    let (mut under_way, begun) = (None, Instant::now());
    while stale.len() < scale.symbols {
        assert!(begun.elapsed() < PATIENCE, "only {stale:?} are Stale");
        let Ok(event) = events.recv_timeout(Duration::from_millis(100)) else { continue };
        let Some(instrument) = event["instrument"].as_str() else { continue };
        let published = event["receiveTs"].as_i64().unwrap() + event["latencyNs"].as_i64().unwrap();
        if published < woken || stale.contains(instrument) {
            continue;
        }
        if event["type"] == "STATUS.BOOK" && event["payload"]["to"] == "Stale" {
            stale.insert(instrument.to_owned());
            continue;
        }
        // A frame that a stage had in its hands when it was stopped is gone through to its end.
        let trace = event["traceId"].as_str().unwrap().to_owned();
        assert_eq!(*under_way.get_or_insert(trace.clone()), trace, "before it was called Stale: {event}");
    }
    until_good(&events, scale.symbols);
    program.signal("-TERM");
    while events.recv().is_ok() {}
    assert_eq!(program.0.wait().unwrap().code(), Some(0));
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}
