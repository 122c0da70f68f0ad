//! What is thrown at the venue: bad HTTP, bad frames, half-open connections, floods. It answers or hangs up, and whatever
//! comes, no thread of its panics or stays behind.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use meltica::sim::venue::{TlsOptions, Venue, VenueOptions};
use tungstenite::Message;

use crate::client::{PATIENCE, connect, get, until, venue};

/// A venue that does not wait long.
fn brisk(change: impl FnOnce(&mut VenueOptions)) -> Venue {
    let ms = Duration::from_millis;
    venue(|options| {
        options.exchange.events_per_second = 500.0;
        let limits = &mut options.limits;
        (limits.request_within, limits.idle_max) = (ms(400), ms(400));
        (limits.ping_every, limits.pong_within) = (ms(200), ms(500));
        (limits.attempts_max, limits.weight_max, limits.impatience_max) = (1_000_000, u32::MAX, u32::MAX);
        change(options);
    })
}

/// Nothing of what was thrown is left, and the venue is well.
fn must_be_well(venue: &Venue, what: &str) {
    until(&format!("{what}: every connection's thread has ended"), || venue.stats().open == 0);
    assert_eq!(venue.stats().panics, 0, "{what}");
    if venue.ca_pem().is_none() {
        assert_eq!(get(venue.address(), "/api/v3/ping").status, 200, "{what}");
        until("that one too", || venue.stats().open == 0);
    }
}

/// Sends bytes, as far as they are taken, and gives the beginning of what comes back.
fn throw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..count]);
        if answer.len() > 1 << 20 {
            break;
        }
    }
    answer
}

#[test]
fn requests_that_are_none_are_refused_or_dropped() {
    let long = |count: usize| "a".repeat(count);
    let pipelined = "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300);
    let table: [(&str, Vec<u8>, &str); 22] = [
        ("nothing", Vec::new(), ""),
        ("zeros", vec![0; 5_000], "HTTP/1.1 400 "),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "HTTP/1.1 400 "),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("no method", b" /api/v3/ping HTTP/1.1\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("an unknown method", b"BREW /api/v3/ping HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), "HTTP/1.1 405 "),
        ("a header without a colon", b"GET /api/v3/ping HTTP/1.1\r\nHost\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("a folded header", b"GET /api/v3/ping HTTP/1.1\r\nA: b\r\n c\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("a zero in a header", b"GET /api/v3/ping HTTP/1.1\r\nA: \0\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("a long path", format!("GET /{} HTTP/1.1\r\n\r\n", long(70_000)).into_bytes(), "HTTP/1.1 431 "),
        ("many headers", format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(500)).into_bytes(), "HTTP/1.1 431 "),
        ("a head that never ends", b"GET /api/v3/ping HTTP/1.1\r\nA: ".to_vec(), "HTTP/1.1 408 "),
        (
            "two lengths and chunks, and a request in the body",
            b"POST /api/v3/ping HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n\
              0\r\n\r\nGET /api/v3/time HTTP/1.1\r\n\r\n"
                .to_vec(),
            "HTTP/1.1 405 ",
        ),
        ("a chunk of 2^64", b"GET /api/v3/ping HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n".to_vec(), "HTTP/1.1 200 "),
        ("percent signs", b"GET /api/v3/depth?symbol=%&limit=%f HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("no UTF-8 in a path", b"GET /ws/%ff%fe HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: k\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("an upgrade without a key", b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("an upgrade of another version", b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: k\r\n\r\n".to_vec(), "HTTP/1.1 426 "),
        ("a stream path without an upgrade", b"GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        ("two thousand streams", format!("GET /stream?streams={} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: k\r\n\r\n", "a/b/".repeat(1_000)).into_bytes(), "HTTP/1.1 400 "),
        ("three hundred requests at once", pipelined.into_bytes(), "HTTP/1.1 200 "),
    ];
    let venue = brisk(|_| {});
    for (what, bytes, answer) in &table {
        let found = throw(venue.address(), bytes);
        assert!(
            found.starts_with(answer.as_bytes()),
            "{what}: {:?}",
            String::from_utf8_lossy(&found[..found.len().min(80)])
        );
        must_be_well(&venue, what);
    }
    let secure = brisk(|options| options.tls = Some(TlsOptions::loopback().unwrap()));
    for (what, bytes, _) in &table {
        let found = throw(secure.address(), bytes);
        assert!(!found.starts_with(b"HTTP"), "{what} under TLS: an alert, or nothing");
        must_be_well(&secure, what);
    }
}

/// A client's frame: its head and its payload under a mask.
fn masked(head: &[u8], payload: &[u8]) -> Vec<u8> {
    let mask = [0x11, 0x22, 0x33, 0x44];
    let body = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [head, &mask, &body.collect::<Vec<u8>>()].concat()
}

#[test]
fn frames_that_are_none_end_their_session_and_no_other() {
    let text = |payload: &[u8]| masked(&[0x81, 0x80 | payload.len() as u8], payload);
    let claims = |length: u64| [&[0x81, 0xff][..], &length.to_be_bytes(), b"mask{}"].concat();
    let tiny: Vec<u8> = (0..1_000_000).flat_map(|n| masked(&[u8::from(n == 0), 0x80], b"")).collect();
    let deep = "[".repeat(60_000);
    let long = [&[0x81, 0xff][..], &60_000u64.to_be_bytes()].concat();
    let table: [(&str, Vec<u8>); 18] = [
        ("a frame without a mask", b"\x81\x02{}".to_vec()),
        ("reserved bits", masked(&[0xf1, 0x80], b"")),
        ("an unknown opcode", masked(&[0x83, 0x80], b"")),
        ("an unknown control opcode", masked(&[0x8b, 0x80], b"")),
        ("2^62 bytes", claims(1 << 62)),
        ("2^63 bytes", claims(1 << 63)),
        ("a continuation of nothing", masked(&[0x80, 0x82], b"{}")),
        ("a ping in fragments", masked(&[0x09, 0x80], b"")),
        ("a ping of 126 bytes", masked(&[0x89, 0xfe, 0, 126], &[b'p'; 126])),
        ("text that is no UTF-8", text(b"\xff\xfe")),
        ("a binary message", masked(&[0x82, 0x82], b"{}")),
        ("a close frame of one byte", masked(&[0x88, 0x81], b"\x03")),
        ("a close frame with a code that may not be sent", masked(&[0x88, 0x82], &1_006u16.to_be_bytes())),
        ("half a frame, then the end", b"\x81\x85\x11\x22".to_vec()),
        ("a million fragments of nothing", tiny),
        ("JSON of great depth", masked(&long, deep.as_bytes())),
        ("numbers beyond any", text(br#"{"method":"SUBSCRIBE","params":["a"],"id":1e999}"#)),
        ("many messages", text(b"{}").repeat(50)),
    ];
    let venue = brisk(|_| {});
    for (what, bytes) in table {
        let mut witness = connect(venue.address(), "/ws/btcusdt@trade");
        let mut socket = connect(venue.address(), "/ws/ethusdt@trade");
        let stream = socket.get_mut();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut chunk = [0; 16 << 10];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(_) => {}
                Err(fault) => {
                    assert!(!matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{what}: it hangs");
                    break;
                }
            }
        }
        loop {
            if let Message::Text(text) = witness.read().unwrap() {
                assert!(text.contains("BTCUSDT"), "{what}");
                break;
            }
        }
        drop((witness, socket));
        must_be_well(&venue, what);
    }
}

#[test]
fn half_open_connections_end_by_their_deadlines() {
    for tls in [false, true] {
        let venue = brisk(|options| options.tls = tls.then(|| TlsOptions::loopback().unwrap()));
        let mut held = Vec::new();
        for bytes in [&b""[..], b"G", b"GET /ws HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01"] {
            for _ in 0..20 {
                let mut stream = TcpStream::connect(venue.address()).unwrap();
                stream.write_all(bytes).unwrap();
                held.push(stream);
            }
        }
        if !tls {
            // Open sessions whose client has gone silent: no pong comes.
            held.extend((0..20).map(|_| connect(venue.address(), "/ws/btcusdt@trade").get_ref().try_clone().unwrap()));
        }
        until("they are there", || venue.stats().connections == held.len() as u64);
        must_be_well(&venue, "half-open");
    }
}

#[test]
fn more_connections_than_allowed_are_refused_and_the_others_live() {
    let venue = brisk(|options| {
        options.limits.connections_max = 20;
        options.limits.request_within = PATIENCE;
    });
    let held: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(venue.address()).unwrap()).collect();
    until("the house is full", || venue.stats().open == 20);
    for _ in 0..100 {
        assert!(throw(venue.address(), b"").is_empty());
    }
    assert_eq!((venue.stats().connections_refused, venue.stats().open), (100, 20));
    let mut one = held.into_iter().next().unwrap();
    one.write_all(b"GET /api/v3/ping HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    one.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(one);
    must_be_well(&venue, "a full house");
}

#[test]
fn a_client_that_never_stops_sending_does_not_keep_the_venue_from_ending() {
    let mut venue = brisk(|options| options.limits.messages_per_second = u32::MAX);
    let mut socket = connect(venue.address(), "/ws");
    // Pongs that nobody asked for: they are allowed, and need no answer.
    let flood = masked(&[0x8a, 0x80], b"").repeat(10_000);
    let sender = std::thread::spawn(move || while socket.get_mut().write_all(&flood).is_ok() {});
    until("the flood is on", || venue.stats().messages > 20_000);
    venue.stop();
    sender.join().unwrap();
    assert_eq!(venue.stats().panics, 0);
}

/// A small generator (splitmix64): what it throws can be thrown again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound) as usize
    }

    /// Changes, removes, or doubles some bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len() as u64);
            match self.below(4) {
                0 => bytes[at] = self.below(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, self.below(256) as u8),
                _ => {
                    let end = (at + self.below(40)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
    }
}

#[test]
fn what_is_thrown_at_random_neither_panics_nor_stays() {
    let seeds = [
        b"GET /api/v3/depth?symbol=BTCUSDT&limit=100 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /api/v3/klines?symbol=BTCUSDT&interval=1M&timeZone=05:45&limit=3 HTTP/1.1\r\n\r\n".to_vec(),
        b"GET /api/v3/ticker?symbols=%5B%22BTCUSDT%22%5D&windowSize=7d HTTP/1.1\r\n\r\n".to_vec(),
        b"GET /ws/btcusdt@trade HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: k\r\n\r\n".to_vec(),
        b"GET /stream?streams=a/b&timeUnit=MICROSECOND HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: k\r\n\r\n".to_vec(),
    ];
    let controls = [
        &br#"{"method":"SUBSCRIBE","params":["btcusdt@trade","x"],"id":1}"#[..],
        br#"{"method":"SET_PROPERTY","params":["combined",true],"id":"a"}"#,
        br#"{"method":"LIST_SUBSCRIPTIONS","id":null}"#,
    ];
    let venue = brisk(|_| {});
    let mut dice = Dice(1);
    for round in 0..400 {
        let mut stream = TcpStream::connect(venue.address()).unwrap();
        let mut bytes = seeds[dice.below(seeds.len() as u64)].clone();
        if round % 2 == 0 {
            dice.mutate(&mut bytes);
        } else {
            // A sound handshake, then frames with something wrong about them.
            bytes = seeds[3].clone();
            for _ in 0..dice.below(4) {
                let control = controls[dice.below(3)];
                let mut frame = masked(&[0x81, 0x80 | control.len() as u8], control);
                if dice.below(3) > 0 {
                    dice.mutate(&mut frame);
                }
                bytes.extend(frame);
            }
        }
        let _ = stream.write_all(&bytes);
        if dice.below(4) == 0 {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(5)));
            let _ = stream.read(&mut [0; 512]);
        }
        assert_eq!(venue.stats().panics, 0, "round {round}: {:?}", String::from_utf8_lossy(&bytes));
    }
    must_be_well(&venue, "four hundred throws");
}
