//! Frames that are wrong, and lawful ones that are hard to read, as they arrive at a client's socket.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use meltica::sim::venue::{FrameFault, TlsOptions, Venue, VenueFault, Whom};
use tungstenite::Message;

use crate::client::{connect, json, venue};
use crate::tls::stream;

fn busy() -> Venue {
    venue(|options| options.exchange.events_per_second = 1_000.0)
}

fn all() -> Whom {
    Whom::default()
}

#[test]
fn every_wrong_frame_arrives_byte_for_byte() {
    let claims = |length: u64| [&b"\x81\x7f"[..], &length.to_be_bytes()].concat();
    let table: [(FrameFault, Vec<u8>); 12] = [
        (FrameFault::Reserved, b"\xf3\x02??".to_vec()),
        (FrameFault::Compressed, b"\xc1\x07".to_vec()),
        (FrameFault::Opcode, b"\x83\x02??".to_vec()),
        (FrameFault::Masked, b"\x81\x82\x01\x02\x03\x04\x7a\x7f".to_vec()),
        (FrameFault::Continuation, b"\x80\x02{}".to_vec()),
        (FrameFault::Huge, claims(1 << 62)),
        (FrameFault::Huger, claims(1 << 63)),
        (FrameFault::LongPing, b"\x89\x7e\x00\x7epp".to_vec()),
        (FrameFault::SplitPing, b"\x09\x01p\x80\x01p".to_vec()),
        (FrameFault::Interrupted, b"\x01\x01{\x81\x02{}".to_vec()),
        (FrameFault::NotUtf8, b"\x81\x03{\xff}".to_vec()),
        (FrameFault::BadClose, b"\x88\x01\x03".to_vec()),
    ];
    assert_eq!(table.len(), FrameFault::ALL.len());
    let venue = venue(|_| {});
    for (how, bytes) in table {
        let mut socket = connect(venue.address(), "/ws");
        venue.inject(VenueFault::BrokenFrame { whom: all(), how });
        let mut found = vec![0; bytes.len()];
        socket.get_mut().read_exact(&mut found).unwrap();
        assert_eq!(found, bytes, "{how:?}");
        drop(socket);
        crate::client::until("the session is gone", || venue.stats().sessions.is_empty());
    }
    assert_eq!(venue.stats().panics, 0);
}

/// Reads a frame's head and payload: its first byte, and the payload.
fn frame(socket: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    socket.read_exact(&mut head).unwrap();
    let mut wide = [0; 2];
    let length = match head[1] {
        126 => {
            socket.read_exact(&mut wide).unwrap();
            usize::from(u16::from_be_bytes(wide))
        }
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    socket.read_exact(&mut payload).unwrap();
    (head[0], payload)
}

#[test]
fn fragments_are_of_one_byte_with_pings_between_them_and_make_the_same_messages() {
    let venue = busy();
    let mut raw = connect(venue.address(), "/ws/btcusdt@trade");
    let mut whole = connect(venue.address(), "/ws/btcusdt@trade");
    json(&mut raw);
    venue.inject(VenueFault::Fragments { whom: all(), lasts: Duration::from_secs(2) });
    let (mut text, mut pings_between, mut messages) = (Vec::new(), 0, 0);
    while messages < 20 || pings_between == 0 {
        match frame(raw.get_mut()) {
            (0x89, payload) => pings_between += usize::from(!text.is_empty() && payload == b"between"),
            (0x81, _) => {}
            (kind, payload) => {
                assert_eq!(payload.len(), 1, "{kind:#x}");
                assert_eq!(kind & 0x0f, if text.is_empty() { 1 } else { 0 });
                text.extend(payload);
                if kind & 0x80 != 0 {
                    let trade: serde_json::Value = serde_json::from_slice(&text).unwrap();
                    assert_eq!(trade["e"], "trade");
                    text.clear();
                    messages += 1;
                }
            }
        }
    }
    let first = json(&mut whole)["t"].as_u64().unwrap();
    for n in 1..100 {
        assert_eq!(json(&mut whole)["t"], first + n, "a client that knows fragments loses nothing");
    }
}

#[test]
fn a_flood_of_pings_of_125_bytes_arrives_whole() {
    let venue = venue(|options| options.limits.messages_per_second = 1_000);
    let mut socket = connect(venue.address(), "/ws");
    venue.inject(VenueFault::Pings { whom: all(), count: 300, bytes: 125 });
    let mut pings = Vec::new();
    while pings.len() < 300 {
        if let Message::Ping(payload) = socket.read().unwrap() {
            assert_eq!(payload.len(), 125);
            pings.push(payload);
        }
    }
    assert!(pings[299].starts_with(b"299."));
}

#[test]
fn an_end_without_close_notify_is_told_from_a_proper_one() {
    let venue = venue(|options| options.tls = Some(TlsOptions::loopback().unwrap()));
    for (fault, proper) in [(VenueFault::Cut { whom: all() }, true), (VenueFault::Truncate { whom: all() }, false)] {
        let tls = stream(venue.address(), venue.ca_pem().unwrap());
        let (mut socket, _) = tungstenite::client(format!("ws://{}/ws", venue.address()), tls).unwrap();
        venue.inject(fault.clone());
        let mut rest = Vec::new();
        let read = socket.get_mut().read_to_end(&mut rest);
        assert_eq!(read.is_ok(), proper, "{fault:?}: {read:?}");
    }
}
