//! What the system refuses: ports, descriptors.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use meltica::sim::venue::{VenueFault, Whom};

use crate::child::{Running, configuration, until, venue};

#[test]
fn a_port_in_use_is_told_and_ends_the_venue() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut second = Running::meltica(&["venue", "--listen", &address]);
    let (code, said) = second.ended();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
}

#[test]
fn a_venue_that_is_killed_and_started_again_at_its_port_is_found_again() {
    let scratch = tempfile::tempdir().unwrap();
    let mut first = Running::meltica(&["venue", "--listen", "127.0.0.1:0", "--symbols", "2"]);
    let line = first.first_line();
    let address = line.split("ws://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let feed = format!("  ws: ws://{address}\n  rest: http://{address}\n");
    let mut run = Running::meltica(&["run", "--config", configuration(scratch.path(), &feed).to_str().unwrap()]);
    run.until_said(1, &["connection 0: open"]);
    drop(first);
    run.until_said(1, &["connection 0", "connection refused; again in"]);
    let _second = Running::meltica(&["venue", "--listen", &address, "--symbols", "2"]);
    run.until_said(2, &["connection 0: open"]);
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
}

/// Bounds the numbers of a process' descriptors; false where the system has no such tool.
fn bound_descriptors(pid: u32, most: &str) -> bool {
    let bound = Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--nofile={most}:")]).status();
    bound.is_ok_and(|status| status.success())
}

#[test]
fn without_a_free_descriptor_what_is_open_lives_on_and_the_rest_waits() {
    let scratch = tempfile::tempdir().unwrap();
    let venue = venue(|_| {});
    let feed = format!("  ws: ws://{0}\n  rest: http://{0}\n  connections: 2\n", venue.address());
    let mut run = Running::meltica(&["run", "--config", configuration(scratch.path(), &feed).to_str().unwrap()]);
    run.until_said(1, &["connection 0: open"]);
    run.until_said(1, &["connection 1: open"]);
    until("both have their streams", || {
        let sessions = venue.stats().sessions;
        sessions.len() == 2 && sessions.iter().all(|s| s.frames > 20)
    });
    if !bound_descriptors(run.id(), "3") {
        eprintln!("SKIPPED: no prlimit here");
        return;
    }
    let descriptors = run.descriptors();
    let other = venue.stats().sessions[1].id;
    venue.inject(VenueFault::Cut { whom: Whom { symbols: Vec::new(), one: true } });
    run.until_said(2, &["no file descriptor left; again in"]);
    let frames = |id| venue.stats().sessions.iter().find(|s| s.id == id).map(|s| s.frames);
    let before = frames(other).unwrap();
    until("the other connection lives on", || frames(other).unwrap() > before + 50);
    assert!(run.descriptors() < descriptors);
    assert!(bound_descriptors(run.id(), "1024"));
    until("both are there again", || venue.stats().sessions.len() == 2);
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn a_venue_without_a_free_descriptor_serves_those_that_are_in() {
    let mut venue = Running::meltica(&["venue", "--listen", "127.0.0.1:0", "--symbols", "2"]);
    let line = venue.first_line();
    let address = line.split("ws://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let stream = std::net::TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(crate::child::PATIENCE)).unwrap();
    let (mut socket, _) = tungstenite::client(format!("ws://{address}/ws/btcusdt@bookTicker"), stream).unwrap();
    socket.read().unwrap();
    if !bound_descriptors(venue.id(), "3") {
        eprintln!("SKIPPED: no prlimit here");
        return;
    }
    let waiting: Vec<_> = (0..8).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    for _ in 0..200 {
        socket.read().unwrap();
    }
    assert!(bound_descriptors(venue.id(), "1024"));
    let mut last = waiting.into_iter().next_back().unwrap();
    last.set_read_timeout(Some(crate::child::PATIENCE)).unwrap();
    std::io::Write::write_all(&mut last, b"GET /api/v3/ping HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut last, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    std::thread::sleep(Duration::from_millis(20));
    let (code, said) = venue.end();
    assert_eq!(code, Some(0), "{said}");
}
