//! Every fault of a script, seen from a client's side.

use std::time::{Duration, Instant};

use meltica::sim::faults::Fault;
use meltica::sim::venue::{Script, Venue, VenueFault, VenueOptions, Whom};
use serde_json::Value;
use tungstenite::error::ProtocolError;
use tungstenite::{Error, Message};

use crate::client::{Socket, connect, get, json, text, try_connect, until, venue};

/// A busy venue with a script.
fn scripted(script: &str) -> Venue {
    let script = Script::parse(script).unwrap();
    venue(|options| {
        options.exchange.events_per_second = 1_000.0;
        options.script = script;
    })
}

/// Ids of the next diffs of a raw stream, while `more` holds.
fn diffs(socket: &mut Socket, mut more: impl FnMut(&[(u64, u64)]) -> bool) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    while more(&seen) {
        let diff = json(socket);
        seen.push((diff["U"].as_u64().unwrap(), diff["u"].as_u64().unwrap()));
    }
    seen
}

fn breaks(seen: &[(u64, u64)]) -> usize {
    seen.windows(2).filter(|w| w[1].0 != w[0].1 + 1).count()
}

#[test]
fn diffs_are_dropped_repeated_swapped_delayed_and_others_are_not() {
    for (fault, shows) in [
        ("drop", (|w| w[1].0 > w[0].1 + 1) as fn(&[(u64, u64)]) -> bool),
        ("gap, count: 5", |w| w[1].0 > w[0].1 + 1),
        ("repeat", |w| w[1] == w[0]),
        ("swap", |w| w[1].1 < w[0].0),
        ("delay, by: 350ms", |w| w[1].1 < w[0].0),
        ("overlap", |w| w[1].0 == w[0].0 && w[1].1 > w[0].1),
        ("restart_ids, to: 5", |w| w[1].0 == 6),
    ] {
        let venue = scripted(&format!("- {{ at: 300ms, fault: {fault}, symbols: [BTCUSDT] }}"));
        let mut struck = connect(venue.address(), "/ws/btcusdt@depth@100ms");
        let mut innocent = connect(venue.address(), "/ws/ethusdt@depth@100ms");
        diffs(&mut struck, |seen| seen.len() < 60 && !seen.windows(2).any(shows));
        let journal = venue.journal().entries();
        assert!(!journal.is_empty() && journal.iter().all(|i| i.symbol == "BTCUSDT"), "{fault}: {journal:?}");
        let other = diffs(&mut innocent, |seen| seen.len() < 8);
        assert_eq!(breaks(&other), 0, "{fault} touched another symbol");
    }
}

#[test]
fn a_rate_of_gaps_goes_on_until_its_end() {
    let venue = scripted("- { every: 300ms, until: 2s, fault: drop }");
    let mut socket = connect(venue.address(), "/ws/btcusdt@depth@100ms");
    let seen = diffs(&mut socket, |seen| breaks(seen) < 3);
    assert!(breaks(&seen) >= 3);
}

#[test]
fn garbage_is_garbage() {
    let venue = scripted("- { at: 200ms, fault: garbage, count: 30 }");
    let mut socket = connect(venue.address(), "/stream?streams=btcusdt@depth@100ms");
    let sound = |message: Message| {
        let frame: Option<Value> = serde_json::from_slice(&message.into_data()).ok();
        frame.is_some_and(|f| f["data"]["u"].is_u64())
    };
    until("a frame that is no diff, or no UTF-8", || match socket.read() {
        Ok(message @ (Message::Text(_) | Message::Binary(_))) => !sound(message),
        Ok(_) => false,
        Err(Error::Utf8(_) | Error::Protocol(_)) => true,
        Err(other) => panic!("{other}"),
    });
}

#[test]
fn snapshots_are_stale_truncated_or_never_come() {
    let venue = scripted("");
    let depth = || get(venue.address(), "/api/v3/depth?symbol=BTCUSDT&limit=100");
    let inject = |fault| {
        let count = venue.journal().entries().len();
        venue.inject(VenueFault::Frames { fault, symbols: vec!["BTCUSDT".to_owned()], count: 1 });
        std::thread::sleep(Duration::from_millis(100));
        count
    };
    until("some history", || {
        let first = venue.oracle().truth("BTCUSDT", venue.oracle().newest_id("BTCUSDT").unwrap() - 500);
        first.is_ok()
    });
    let before = depth().json()["lastUpdateId"].as_u64().unwrap();
    inject(Fault::StaleSnapshot { ids_back: 500 });
    assert!(depth().json()["lastUpdateId"].as_u64().unwrap() < before);
    inject(Fault::TruncatedSnapshot);
    let cut = depth();
    assert!(cut.status == 200 && serde_json::from_str::<Value>(&cut.body).is_err());
    let count = inject(Fault::UnansweredSnapshot);
    let mut stream = std::net::TcpStream::connect(venue.address()).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /api/v3/depth?symbol=BTCUSDT HTTP/1.1\r\n\r\n").unwrap();
    until("it was swallowed", || venue.journal().entries().len() > count);
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(std::io::Read::read(&mut stream, &mut [0; 1]).is_err(), "an answer came");
    assert_eq!(depth().status, 200);
}

/// The end of a session as a client sees it.
fn end_of(socket: &mut Socket) -> String {
    loop {
        match socket.read() {
            Ok(Message::Close(Some(frame))) => return format!("close {} {}", u16::from(frame.code), frame.reason),
            Ok(_) => {}
            Err(Error::Io(fault)) => return format!("{:?}", fault.kind()),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return "no close frame".to_owned(),
            Err(Error::Protocol(_)) => return "protocol error".to_owned(),
            Err(other) => return other.to_string(),
        }
    }
}

#[test]
fn connections_end_in_every_way_and_only_those_that_are_meant() {
    for (fault, ends) in [
        ("close, code: 1008, reason: policy", ["close 1008 policy"; 2]),
        ("cut", ["no close frame"; 2]),
        ("kill", ["no close frame"; 2]),
        ("reset", ["ConnectionReset", "no close frame"]),
        ("broken_frame", ["protocol error"; 2]),
        ("server_shutdown, lead: 100ms", ["close 1012 service restart"; 2]),
    ] {
        let venue = scripted(&format!("- {{ at: 500ms, fault: {fault} }}"));
        let mut socket = connect(venue.address(), "/ws/btcusdt@trade");
        let end = end_of(&mut socket);
        assert!(ends.contains(&end.as_str()), "{fault}: {end}");
    }
    let venue = scripted("");
    let mut one = connect(venue.address(), "/ws/btcusdt@trade");
    let mut other = connect(venue.address(), "/ws/ethusdt@trade");
    let whom = Whom { symbols: vec!["ETHUSDT".to_owned()], one: false };
    venue.inject(VenueFault::Close { whom, code: 1001, reason: String::new() });
    assert_eq!(end_of(&mut other), "close 1001 ");
    assert_eq!(json(&mut one)["e"], "trade");
}

#[test]
fn the_shutdown_event_is_raw_or_combined_as_the_session_is() {
    let venue = scripted("- { at: 500ms, fault: server_shutdown, lead: 5s }");
    let mut raw = connect(venue.address(), "/ws");
    let mut combined = connect(venue.address(), "/stream");
    let (raw, combined) = (text(&mut raw), text(&mut combined));
    assert!(raw.starts_with(r#"{"e":"serverShutdown","E":"#), "{raw}");
    assert!(combined.starts_with(r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":"#), "{combined}");
}

#[test]
fn a_stall_is_silence_on_an_open_connection_and_ends() {
    let venue = scripted("");
    let mut socket = connect(venue.address(), "/ws/btcusdt@trade");
    text(&mut socket);
    venue.inject(VenueFault::Stall { whom: Whom::default(), lasts: Duration::from_secs(1) });
    let (mut longest, start) = (Duration::ZERO, Instant::now());
    while start.elapsed() < Duration::from_secs(3) && longest < Duration::from_millis(500) {
        let before = Instant::now();
        text(&mut socket);
        longest = longest.max(before.elapsed());
    }
    assert!(longest >= Duration::from_millis(500), "never silent for more than {longest:?}");
    assert_eq!(venue.stats().slow_readers, 0);
}

#[test]
fn rest_is_slow_refused_failing_and_then_well_again() {
    let venue = scripted("");
    let ping = || get(venue.address(), "/api/v3/ping");
    let settle = || std::thread::sleep(Duration::from_millis(100));
    let lasts = Duration::from_millis(600);
    venue.inject(VenueFault::SlowRest { by: Duration::from_millis(300), lasts });
    settle();
    let before = Instant::now();
    assert_eq!(ping().status, 200);
    assert!(before.elapsed() >= Duration::from_millis(300));
    venue.inject(VenueFault::TooManyRequests { lasts, retry_after: 1 });
    settle();
    let refused = ping();
    assert_eq!((refused.status, refused.header("Retry-After")), (429, Some("1")));
    assert!(!venue.stats().exceeded.any(), "a storm is nobody's fault");
    ping();
    assert_eq!(venue.stats().exceeded.patience, 1, "but not to wait is");
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(ping().status, 200);
    venue.inject(VenueFault::RestFails { status: 503, lasts });
    until("it fails", || ping().status == 503);
    until("it is well", || ping().status == 200);
}

#[test]
fn a_venue_that_was_down_is_up_again_at_the_same_address_with_the_same_market() {
    let venue = scripted("");
    let mut socket = connect(venue.address(), "/ws/btcusdt@trade");
    let before = json(&mut socket)["t"].as_u64().unwrap();
    let mut kept = std::net::TcpStream::connect(venue.address()).unwrap();
    kept.set_read_timeout(Some(crate::client::PATIENCE)).unwrap();
    until("the idle connection is there", || venue.stats().connections == 2);
    venue.inject(VenueFault::Down { lasts: Duration::from_millis(500) });
    end_of(&mut socket);
    assert_eq!(std::io::Read::read(&mut kept, &mut [0; 1]).unwrap_or(0), 0, "connections for requests end too");
    until("nobody listens", || try_connect(venue.address(), "/ws").is_err());
    let mut again = None;
    until("somebody listens", || {
        again = try_connect(venue.address(), "/ws/btcusdt@trade").ok();
        again.is_some()
    });
    assert!(json(&mut again.unwrap())["t"].as_u64().unwrap() > before);
}

#[test]
fn a_script_that_names_an_unlisted_symbol_does_not_start() {
    let script = Script::parse("- { at: 1s, fault: drop, symbols: [NOSUCH] }").unwrap();
    let options = VenueOptions { script, ..VenueOptions::default() };
    assert!(Venue::start(options).unwrap_err().to_string().contains("NOSUCH"));
}
