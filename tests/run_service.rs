//! Promise: a manager of services (systemd) is told by its protocol, on a real socket, when the feed is ready, how it goes, that it
//! lives and that it stops; and the shipped unit is one that systemd takes.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.
#![cfg(target_os = "linux")]

mod support;

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::Running;

/// Nothing here takes so long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn started(socket: &str, environment: &[(&str, &str)]) -> Running {
    let service = [("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "200000")];
    Running::start(&["run", "--quiet"], &[&service[..], environment].concat())
}

/// Takes what comes until `enough` of it.
fn hear(socket: &UnixDatagram, heard: &mut Vec<String>, enough: impl Fn(&[String]) -> bool) {
    let since = Instant::now();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut buffer = [0; 4_096];
    while !enough(heard) {
        assert!(since.elapsed() < PATIENCE, "{heard:?}");
        if let Ok(count) = socket.recv(&mut buffer) {
            heard.push(String::from_utf8(buffer[..count].to_vec()).unwrap());
        }
    }
}

fn count(heard: &[String], text: &str) -> usize {
    heard.iter().filter(|line| *line == text).count()
}

#[test]
fn the_manager_hears_of_readiness_life_and_the_end() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("notify");
    let path = path.to_str().unwrap().to_owned();
    let name = format!("meltica-run-{}", std::process::id());
    let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let places = [(UnixDatagram::bind(&path).unwrap(), path), (by_name, format!("@{name}"))];
    for ((socket, place), source) in places.into_iter().zip(["venue", "sim"]) {
        let feed = started(&place, &[("MELTICA_FEED__SOURCE", source)]);
        let mut heard = Vec::new();
        hear(&socket, &mut heard, |h| count(h, "READY=1") == 1 && count(h, "WATCHDOG=1") >= 5);
        hear(&socket, &mut heard, |h| h.iter().any(|l| l.starts_with("STATUS=books 20/20 Good")));
        feed.signal("TERM");
        hear(&socket, &mut heard, |h| h.iter().any(|l| l.starts_with("STOPPING=1")));
        assert_eq!(feed.end().0.code(), Some(0));
        assert_eq!(count(&heard, "READY=1"), 1, "{source}: {heard:?}");
    }
}

#[test]
fn without_a_venue_it_is_never_ready_but_lives() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    // A port that nobody listens at: bound, and given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (ws, rest) = (format!("ws://127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let at =
        [("MELTICA_FEED__SOURCE", "live"), ("MELTICA_FEED__WS", ws.as_str()), ("MELTICA_FEED__REST", rest.as_str())];
    let feed = started(path.to_str().unwrap(), &at);
    let mut heard = Vec::new();
    hear(&socket, &mut heard, |h| {
        count(h, "WATCHDOG=1") >= 5 && h.iter().any(|l| l.contains("waiting: the list of instruments"))
    });
    feed.signal("TERM");
    assert_eq!(feed.end().0.code(), Some(0));
    assert_eq!(count(&heard, "READY=1"), 0, "{heard:?}");
}

#[test]
fn systemd_takes_the_shipped_unit() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/meltica.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("SKIPPED systemd_takes_the_shipped_unit: no systemd-analyze here");
        return;
    }
    // Verified with a program that is there.
    let scratch = tempfile::tempdir().unwrap();
    let here = scratch.path().join("meltica.service");
    std::fs::write(&here, text.replace("/usr/local/bin/meltica", env!("CARGO_BIN_EXE_meltica"))).unwrap();
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&here).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<_> = told.lines().filter(|line| line.contains("meltica.service")).collect();
    assert!(output.status.success() && ours.is_empty(), "{told}");
}
