//! Slow, idle and flooding peers: each is cut by its bound, and whoever behaves is served meanwhile (S06, F70).

use std::net::TcpStream;
use std::time::{Duration, Instant};

use meltica::http::{CONNECTIONS_MAX, HttpOptions, Listen, STREAMS_MAX};
use meltica::telemetry::Counter;

use super::rig::{COMMANDS_MAX, Client, Rig};

const SUBSCRIBE: &str = "POST /control/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/// Says a byte now and then until the server has had enough; the answer, and how long it took.
fn drip(client: &mut Client<TcpStream>) -> (Option<u16>, Duration) {
    let since = Instant::now();
    client.socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut byte = [0];
    // Nothing is to be read before the answer; a byte of it ends the dripping.
    while client.socket.peek(&mut byte).is_err() {
        client.say("x");
    }
    let took = since.elapsed();
    client.socket.set_read_timeout(Some(super::rig::PATIENCE)).unwrap();
    (client.reply().map(|reply| reply.status), took)
}

#[test]
fn s06_a_head_has_2_seconds_and_a_body_5_however_they_drip() {
    let rig = Rig::open();
    let slow = std::thread::scope(|scope| {
        let head = scope.spawn(|| {
            let mut client = rig.connect();
            client.say("GET /healthz HTTP/1.1\r\nX: ");
            drip(&mut client)
        });
        let body = scope.spawn(|| {
            let mut client = rig.connect();
            client.say(format!("{SUBSCRIBE}Content-Length: 60000\r\n\r\n"));
            drip(&mut client)
        });
        let chunk = scope.spawn(|| {
            let mut client = rig.connect();
            client.say(format!("{SUBSCRIBE}Transfer-Encoding: chunked\r\n\r\nffff\r\n"));
            drip(&mut client)
        });
        let idle = scope.spawn(|| {
            let mut client = rig.connect();
            assert_eq!(client.get("/healthz", "").status, 200);
            let since = Instant::now();
            (client.reply().map(|reply| reply.status), since.elapsed())
        });
        [head, body, chunk, idle].map(|thread| thread.join().unwrap())
    });
    let told = slow.map(|(status, _)| status);
    assert_eq!(told, [Some(408), Some(408), Some(408), None]);
    // Never before its time; how long after is the machine's affair.
    for ((_, took), least) in slow.iter().zip([2, 5, 5, 2]) {
        assert!(*took >= Duration::from_millis(least * 1_000 - 100), "{slow:?}");
    }
}

#[test]
fn s06_connections_over_the_bound_are_turned_away_and_places_are_given_back() {
    let rig = Rig::open();
    let mut held: Vec<_> = (0..CONNECTIONS_MAX).map(|_| rig.connect()).collect();
    for client in &mut held {
        assert_eq!(client.get("/healthz", "").status, 200, "each has its place");
    }
    let mut refused = 0;
    for _ in 0..8 {
        // The refusal may be lost to a reset: then there is no answer at all.
        if let Some(reply) = rig.connect().say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").reply() {
            assert_eq!((reply.status, reply.code().as_str()), (503, "http/too-many-connections"));
            refused += 1;
        }
    }
    assert!(refused > 0, "at least one was told why");
    assert_eq!(rig.total(Counter::HttpConnectionsRefused), 8);
    drop(held);
    let since = Instant::now();
    while rig.connect().say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").reply().is_none_or(|r| r.status != 200)
    {
        assert!(since.elapsed() < super::rig::PATIENCE, "no place was given back");
    }
}

#[test]
fn s06_event_streams_leave_places_for_commands() {
    let rig = Rig::open();
    let open = |client: &mut Client<TcpStream>| client.get("/events?type=TRADE", "").status;
    let mut streams: Vec<_> = (0..STREAMS_MAX).map(|_| rig.connect()).collect();
    for stream in &mut streams {
        assert_eq!(open(stream), 200);
        assert!(stream.line().unwrap().contains("\"open\""));
    }
    let reply = rig.get("/events?type=TRADE");
    assert_eq!((reply.status, reply.code().as_str()), (503, "http/too-many-streams"));
    assert_eq!(rig.get("/status").status, 200);
    assert_eq!(rig.post("/control/subscribe", r#"{"type":"TRADE"}"#).status, 202);
}

#[test]
fn f70_a_flood_of_commands_is_told_to_wait_and_loses_none_that_was_taken() {
    // Nobody takes a command: the bus holds some, and the next one comes back at once.
    let rig = Rig::open();
    rig.pause_duty();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let one = |at: usize| {
            let body = format!(r#"{{"type":"TRADE","consumer":"c{at}"}}"#);
            rig.connect().post("/control/subscribe", "", &body)
        };
        let flood: Vec<_> = (0..2 * COMMANDS_MAX).map(|at| scope.spawn(move || one(at))).collect();
        let since = Instant::now();
        while rig.total(Counter::HttpRefused) < COMMANDS_MAX as u64 {
            assert!(since.elapsed() < super::rig::PATIENCE, "the flood is not told to wait");
            std::thread::sleep(Duration::from_millis(1));
        }
        rig.resume_duty();
        flood.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let busy: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert_eq!(busy.len(), COMMANDS_MAX);
    for reply in busy {
        assert_eq!((reply.code().as_str(), reply.header("retry-after")), ("control/busy", Some("1")));
    }
    let taken = replies.iter().filter(|reply| reply.status == 202).count();
    assert_eq!(taken, COMMANDS_MAX, "{replies:?}");
    assert_eq!(rig.heard.lock().unwrap().len(), COMMANDS_MAX, "each once");
}

#[test]
fn a_server_that_ends_lets_go_of_everybody_at_once() {
    let mut rig = Rig::open();
    let address = rig.address();
    let (mut idle, mut stream, mut slow) = (rig.connect(), rig.connect(), rig.connect());
    assert_eq!(idle.get("/healthz", "").status, 200);
    assert_eq!(stream.get("/events?type=TRADE", "").status, 200);
    slow.say(format!("{SUBSCRIBE}Content-Length: 60000\r\n\r\n"));
    drop(rig.server.take());
    assert!(idle.reply().is_none());
    let mut last = String::new();
    while let Some(line) = stream.line() {
        last = line;
    }
    assert!(last.contains(r#""stream":"end""#), "{last}");
    assert!(slow.reply().is_none_or(|reply| reply.status == 400));
    let again = HttpOptions::open(Listen::Tcp(address));
    assert!(super::rig::try_start(again).is_ok(), "the port is free");
}
