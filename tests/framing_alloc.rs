//! Promise: between a socket's bytes and a message nothing is allocated once the longest frame was met, whole or in fragments,
//! however reads cut it; over TLS nothing but rustls' own, once a record. Counted by an allocator of our own, over the framer and
//! the tunnel themselves, whose sources are compiled here.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[path = "support/allocations.rs"]
mod allocations;

#[allow(dead_code, reason = "the upgrade and control frames are read elsewhere")]
#[path = "../src/binance/live/framing/framer.rs"]
mod framer;

#[allow(dead_code, reason = "nothing is written")]
#[path = "../src/binance/live/tls/records.rs"]
mod records;

#[allow(dead_code, reason = "the PEM form is for a feed")]
#[path = "../benches/support/secure.rs"]
mod secure;

#[allow(dead_code, reason = "nothing is written")]
#[path = "../src/binance/live/tls/tunnel.rs"]
mod tunnel;

use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::sync::Arc;

use framer::{Framer, Piece};
use rustls::ServerConnection;
use tunnel::Tunnel;

fn frame(first: u8, length: usize) -> Vec<u8> {
    let payload = vec![b'x'; length];
    let head = match length {
        0..126 => vec![first, length as u8],
        126..65_536 => [&[first, 126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
    };
    [head, payload].concat()
}

/// Reads the whole stream in parts of so many bytes; how many messages it held, and their bytes.
fn read(framer: &mut Framer, stream: &[u8], part: usize) -> (u64, u64) {
    let (mut messages, mut bytes, mut at) = (0, 0, 0);
    loop {
        match framer.next().unwrap() {
            Some(Piece::Control) => {}
            Some(Piece::Text | Piece::Binary) => {
                messages += 1;
                bytes += framer.payload().len() as u64;
                // A parser works in place.
                framer.payload().fill(b' ');
            }
            None if at == stream.len() => return (messages, bytes),
            None => {
                let space = framer.space();
                let count = part.min(space.len()).min(stream.len() - at);
                space[..count].copy_from_slice(&stream[at..at + count]);
                framer.filled(count);
                at += count;
            }
        }
    }
}

#[test]
fn nothing_is_allocated_for_a_message_however_long_and_however_cut() {
    let lengths = [0, 5, 125, 126, 146, 775, 39_000, 65_535, 65_536, 300_000];
    let mut stream: Vec<u8> = lengths.iter().flat_map(|length| frame(0x81, *length)).collect();
    stream.extend(frame(0x89, 4));
    for first in [0x01, 0x00, 0x89, 0x00, 0x80] {
        stream.extend(frame(first, 100));
    }
    let expected = (lengths.len() as u64 + 1, lengths.iter().sum::<usize>() as u64 + 400);
    let mut framer = Framer::new(2 << 20);
    assert_eq!(read(&mut framer, &stream, usize::MAX), expected);
    let before = allocations::made();
    for part in [1, 7, 1_448, 8 << 10, 64 << 10, usize::MAX] {
        assert_eq!(read(&mut framer, &stream, part), expected, "in parts of {part}");
    }
    assert_eq!(allocations::made() - before, 0);
}

/// A socket that has so much to read, in parts of so many bytes.
struct Socket {
    came: Cursor<Vec<u8>>,
    part: usize,
    sent: Vec<u8>,
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(self.part);
        match self.came.read(&mut buf[..most])? {
            0 => Err(ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.sent.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn over_tls_rustls_allocates_once_a_record_and_nothing_else_does() {
    let ends = secure::Ends::new();
    let mut tunnel = Tunnel::new(&ends.client, secure::NAME.try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::clone(&ends.server)).unwrap();
    let mut socket = Socket { came: Cursor::default(), part: usize::MAX, sent: Vec::new() };
    while !tunnel.handshake(&mut socket).unwrap() || server.is_handshaking() {
        let sent = core::mem::take(&mut socket.sent);
        server.read_tls(&mut &sent[..]).unwrap();
        server.process_new_packets().unwrap();
        server.write_tls(socket.came.get_mut()).unwrap();
    }
    let mut buf = vec![0; 10_000];
    // Tickets, and no data.
    assert_eq!(tunnel.read(&mut socket, &mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    let records = [100, 16_384, 775, 16_384, 1];
    let mut allocations = Vec::new();
    for part in [usize::MAX, 7, 1_448, 8 << 10, 64 << 10] {
        (socket.came, socket.part) = (Cursor::default(), part);
        for length in records {
            server.writer().write_all(&vec![b'x'; length]).unwrap();
            server.write_tls(socket.came.get_mut()).unwrap();
        }
        let (before, mut read) = (allocations::made(), 0);
        while let Ok(count) = tunnel.read(&mut socket, &mut buf) {
            read += count;
        }
        allocations.push(allocations::made() - before);
        assert_eq!(read, records.iter().sum::<usize>(), "in parts of {part}");
    }
    // The first time what a reader had no room for finds its place.
    assert!(allocations[1..].iter().all(|made| *made <= records.len() as u64), "{allocations:?}");
}
