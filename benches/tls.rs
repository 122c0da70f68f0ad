//! What TLS costs a reader of short messages: the tunnel as the adapter has it, and rustls' buffered connection, which it had
//! before; with reads of the socket and allocations. Both have the framer behind them, as shipped.
//!
//! Owns: nothing. Thread: one. Takes and gives: `-- ROUNDS` in (101); medians of rounds in which both take turns, and of their
//! quotients round by round, on standard output. Never: a verdict; the work of the sender in a figure (records are made
//! beforehand). The socket is memory: what a read costs the system is not in it.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

#[path = "../tests/support/allocations.rs"]
mod allocations;
#[path = "../src/binance/live/tls/records.rs"]
mod records;
#[allow(dead_code, reason = "the PEM form is for a feed")]
#[path = "support/secure.rs"]
mod secure;
#[allow(dead_code, reason = "the rooms are for other benches")]
mod support;
#[allow(dead_code, reason = "a reader writes nothing")]
#[path = "../src/binance/live/tls/tunnel.rs"]
mod tunnel;

use std::hint::black_box;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection, Stream};

use secure::{Ends, NAME};
use support::frames::{Kind, samples};
use support::framing::framer::{Framer, Piece};
use tunnel::Tunnel;

/// Messages of a session.
const MESSAGES: usize = 2_000;
/// As the live adapter has it.
const MESSAGE_MAX: usize = 2 << 20;
/// Bytes of a full record.
const RECORD: usize = 16 << 10;

/// How messages lie in records.
#[derive(Clone, Copy, Debug)]
enum Records {
    /// Each in its own.
    OneEach,
    /// As full as they may be.
    Full,
}

/// Bytes that a socket has received, and those that were sent over it.
#[derive(Debug, Default)]
struct Socket {
    came: Vec<u8>,
    at: usize,
    reads: u64,
    sent: Vec<u8>,
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = buf.len().min(self.came.len() - self.at);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        buf[..count].copy_from_slice(&self.came[self.at..self.at + count]);
        (self.at, self.reads) = (self.at + count, self.reads + 1);
        Ok(count)
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

/// One way of reading TLS.
trait Reader {
    /// Goes on with the handshake: whether it is done.
    fn handshake(&mut self, socket: &mut Socket) -> bool;
    /// Reads plain bytes.
    fn read(&mut self, socket: &mut Socket, buf: &mut [u8]) -> usize;
}

impl Reader for Tunnel {
    fn handshake(&mut self, socket: &mut Socket) -> bool {
        Tunnel::handshake(self, socket).unwrap()
    }

    fn read(&mut self, socket: &mut Socket, buf: &mut [u8]) -> usize {
        Tunnel::read(self, socket, buf).unwrap()
    }
}

impl Reader for ClientConnection {
    fn handshake(&mut self, socket: &mut Socket) -> bool {
        match self.complete_io(socket) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => drop(done.unwrap()),
        }
        !self.is_handshaking() && !self.wants_write()
    }

    fn read(&mut self, socket: &mut Socket, buf: &mut [u8]) -> usize {
        Stream::new(self, socket).read(buf).unwrap()
    }
}

fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

/// What the server sends now.
fn said(server: &mut ServerConnection, into: &mut Vec<u8>) {
    while server.wants_write() {
        server.write_tls(into).unwrap();
    }
}

/// A reader behind its handshake, and a socket that has received so many messages.
fn session<R: Reader>(mut reader: R, ends: &Ends, message: &[u8], records: Records) -> (R, Socket) {
    let (mut server, mut socket) = (ServerConnection::new(Arc::clone(&ends.server)).unwrap(), Socket::default());
    while !reader.handshake(&mut socket) || server.is_handshaking() {
        let sent = core::mem::take(&mut socket.sent);
        let mut rest = &sent[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().unwrap();
        }
        said(&mut server, &mut socket.came);
    }
    let mut write = |part: &[u8]| {
        server.writer().write_all(part).unwrap();
        said(&mut server, &mut socket.came);
    };
    match records {
        Records::OneEach => (0..MESSAGES).for_each(|_| write(message)),
        Records::Full => message.repeat(MESSAGES).chunks(RECORD).for_each(&mut write),
    }
    socket.reads = 0;
    (reader, socket)
}

/// Figures of one run, a message.
#[derive(Clone, Copy, Debug)]
struct Figures {
    ns: f64,
    reads: f64,
    allocations: f64,
}

/// Reads all messages.
fn run<R: Reader>(reader: R, ends: &Ends, message: &[u8], records: Records) -> Figures {
    let (mut reader, mut socket) = session(reader, ends, message, records);
    let mut framer = Framer::new(MESSAGE_MAX);
    let (before, since) = (allocations::made(), Instant::now());
    let mut left = MESSAGES;
    while left > 0 {
        match framer.next().unwrap() {
            Some(Piece::Text) => {
                black_box(framer.payload());
                left -= 1;
            }
            Some(other) => panic!("{other:?}"),
            None => {
                let count = reader.read(&mut socket, framer.space());
                framer.filled(count);
            }
        }
    }
    let (ns, allocations) = (since.elapsed().as_nanos() as f64, allocations::made() - before);
    let each = |count: f64| count / MESSAGES as f64;
    Figures { ns: each(ns), reads: each(socket.reads as f64), allocations: each(allocations as f64) }
}

fn by_tunnel(ends: &Ends, message: &[u8], records: Records) -> Figures {
    run(Tunnel::new(&ends.client, name()).unwrap(), ends, message, records)
}

fn by_buffered(ends: &Ends, message: &[u8], records: Records) -> Figures {
    run(ClientConnection::new(Arc::clone(&ends.client), name()).unwrap(), ends, message, records)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn framed(payload: &[u8]) -> Vec<u8> {
    assert!((126..65_536).contains(&payload.len()));
    [&[0x81, 126, (payload.len() >> 8) as u8, payload.len() as u8][..], payload].concat()
}

/// One round of the tunnel and of the buffered one; each is first in every other round.
fn both(round: usize, ends: &Ends, message: &[u8], records: Records) -> [Figures; 2] {
    if round.is_multiple_of(2) {
        let shipped = by_tunnel(ends, message, records);
        return [shipped, by_buffered(ends, message, records)];
    }
    let buffered = by_buffered(ends, message, records);
    [by_tunnel(ends, message, records), buffered]
}

fn tell(what: &str, pairs: &[[Figures; 2]]) {
    for (at, reader) in ["as shipped", "buffered"].iter().enumerate() {
        let of = |figure: fn(&Figures) -> f64| median(pairs.iter().map(|pair| figure(&pair[at])));
        let (ns, allocations, reads) = (of(|f| f.ns), of(|f| f.allocations), of(|f| f.reads));
        println!("{what} {reader:10} {ns:6.0} {allocations:12.3} {reads:8.4}");
    }
    let quotients = pairs.iter().map(|[shipped, buffered]| shipped.ns / buffered.ns);
    println!("{what} {:10} {:6.3}", "quotient", median(quotients));
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rounds: usize = words.first().and_then(|word| word.parse().ok()).unwrap_or(101);
    let ends = Ends::new();
    println!("a message, medians of {rounds} rounds:");
    println!("kind         records   reader         ns  allocations    reads");
    for sample in samples().iter().filter(|sample| matches!(sample.kind, Kind::BookTicker | Kind::Diff20)) {
        let message = framed(&sample.templates[0].bytes);
        for records in [Records::OneEach, Records::Full] {
            let pairs: Vec<_> = (0..rounds).map(|round| both(round, &ends, &message, records)).collect();
            tell(&format!("{:12} {records:9?}", sample.kind.name()), &pairs);
        }
    }
}
