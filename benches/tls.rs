//! What TLS costs a reader of short messages: rustls' buffered connection as the adapter has it, that behind a buffer of our
//! own, and rustls' unbuffered connection; with reads of the socket and allocations.
//!
//! Owns: nothing. Thread: one. Takes and gives: `-- ROUNDS` in (101); medians of rounds in which all take turns, and of the quotients
//! by the first one round by round. Never: a verdict; one reader's figure from another time than the others'; the work of the sender
//! in a figure (records are made beforehand). The socket is memory: what a read costs the system is not in it.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

#[path = "../tests/support/allocations.rs"]
mod allocations;
#[allow(dead_code, reason = "the PEM form is for a feed")]
#[path = "support/secure.rs"]
mod secure;
#[allow(dead_code, reason = "the rooms are for other benches")]
mod support;

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{ClientConnection, ServerConnection, Stream};

use secure::{Ends, NAME};
use support::frames::{Kind, samples};

/// Messages of a session.
const MESSAGES: usize = 2_000;
/// Bytes that a reader has room for.
const BUFFER: usize = 64 << 10;

/// How messages lie in records.
#[derive(Clone, Copy, Debug)]
enum Records {
    /// Each in its own.
    OneEach,
    /// As full as they may be.
    Full,
}

/// Bytes that a socket has received.
#[derive(Debug)]
struct Socket {
    bytes: Vec<u8>,
    at: usize,
    reads: u64,
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = buf.len().min(self.bytes.len() - self.at);
        buf[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        (self.at, self.reads) = (self.at + count, self.reads + 1);
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket whose reads are long, whatever is asked for.
#[derive(Debug)]
struct Ahead {
    socket: Socket,
    buffer: Vec<u8>,
    waits: core::ops::Range<usize>,
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.waits.is_empty() {
            self.waits = 0..self.socket.read(&mut self.buffer)?;
        }
        let count = buf.len().min(self.waits.len());
        buf[..count].copy_from_slice(&self.buffer[self.waits.start..self.waits.start + count]);
        self.waits.start += count;
        Ok(count)
    }
}

impl Write for Ahead {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn server(ends: &Ends) -> ServerConnection {
    ServerConnection::new(Arc::clone(&ends.server)).unwrap()
}

/// A buffered client behind its handshake, and the server.
fn buffered(ends: &Ends) -> (ClientConnection, ServerConnection) {
    let mut client = ClientConnection::new(Arc::clone(&ends.client), name()).unwrap();
    let mut server = server(ends);
    while client.is_handshaking() || server.is_handshaking() {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).unwrap();
        }
        hear(&mut server, &sent);
        let sent = said(&mut server);
        let mut rest = &sent[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    (client, server)
}

/// Likewise an unbuffered one.
fn unbuffered(ends: &Ends) -> (UnbufferedClientConnection, ServerConnection) {
    let mut client = UnbufferedClientConnection::new(Arc::clone(&ends.client), name()).unwrap();
    let (mut server, mut came, mut sent) = (server(ends), Vec::new(), Vec::new());
    loop {
        let UnbufferedStatus { discard, state } = client.process_tls_records(&mut came);
        let mut asks = false;
        match state.unwrap() {
            ConnectionState::EncodeTlsData(mut data) => {
                let mut record = vec![0; 17 << 10];
                let length = data.encode(&mut record).unwrap();
                sent.extend_from_slice(&record[..length]);
            }
            ConnectionState::TransmitTlsData(data) => {
                hear(&mut server, &core::mem::take(&mut sent));
                data.done();
            }
            ConnectionState::BlockedHandshake => asks = true,
            ConnectionState::WriteTraffic(_) => {
                came.drain(..discard);
                break;
            }
            other => panic!("{other:?}"),
        }
        came.drain(..discard);
        if asks {
            came.extend(said(&mut server));
        }
    }
    (client, server)
}

fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

fn hear(server: &mut ServerConnection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        server.read_tls(&mut bytes).unwrap();
        server.process_new_packets().unwrap();
    }
}

fn said(server: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// What the server sends.
fn sent(server: &mut ServerConnection, message: &[u8], records: Records) -> Socket {
    let mut bytes = said(server);
    let write = |server: &mut ServerConnection, part: &[u8], bytes: &mut Vec<u8>| {
        server.writer().write_all(part).unwrap();
        bytes.extend(said(server));
    };
    match records {
        Records::OneEach => (0..MESSAGES).for_each(|_| write(server, message, &mut bytes)),
        Records::Full => message.repeat(MESSAGES).chunks(16 << 10).for_each(|part| write(server, part, &mut bytes)),
    }
    Socket { bytes, at: 0, reads: 0 }
}

/// Reads so many bytes by a buffered connection.
fn read_buffered(client: &mut ClientConnection, socket: &mut (impl Read + Write), room: &mut [u8], total: usize) {
    let mut left = total;
    while left > 0 {
        let read = Stream::new(client, socket).read(black_box(room)).unwrap();
        assert!(read > 0);
        left -= read;
    }
}

/// Likewise by an unbuffered one; `came` is what it works on.
fn read_unbuffered(
    client: &mut UnbufferedClientConnection,
    socket: &mut Socket,
    came: &mut [u8],
    room: &mut [u8],
    total: usize,
) {
    let (mut left, mut start, mut end) = (total, 0, 0);
    while left > 0 {
        let UnbufferedStatus { mut discard, state } = client.process_tls_records(&mut came[start..end]);
        let mut asks = false;
        match state.unwrap() {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record.unwrap();
                    discard += record.discard;
                    black_box(&mut room[..record.payload.len()]).copy_from_slice(record.payload);
                    left -= record.payload.len();
                }
            }
            ConnectionState::WriteTraffic(_) => asks = true,
            other => panic!("{other:?}"),
        }
        start += discard;
        if asks {
            came.copy_within(start..end, 0);
            (start, end) = (0, end - start);
            end += socket.read(&mut came[end..]).unwrap();
        }
    }
}

/// A session to be read: prepared, then run once; the socket's reads.
type Session = Box<dyn FnMut() -> u64>;
/// Prepares sessions of one reader.
type Made<'a> = Box<dyn Fn() -> Session + 'a>;

fn sessions<'a>(ends: &'a Ends, message: &'a [u8], records: Records) -> [(&'static str, Made<'a>); 3] {
    let total = message.len() * MESSAGES;
    let direct = move || {
        let (mut client, mut server) = buffered(ends);
        let mut socket = sent(&mut server, message, records);
        let mut room = vec![0; BUFFER];
        let session: Session = Box::new(move || {
            read_buffered(&mut client, &mut socket, &mut room, total);
            socket.reads
        });
        session
    };
    let ahead = move || {
        let (mut client, mut server) = buffered(ends);
        let mut socket = Ahead { socket: sent(&mut server, message, records), buffer: vec![0; BUFFER], waits: 0..0 };
        let mut room = vec![0; BUFFER];
        let session: Session = Box::new(move || {
            read_buffered(&mut client, &mut socket, &mut room, total);
            socket.socket.reads
        });
        session
    };
    let bare = move || {
        let (mut client, mut server) = unbuffered(ends);
        let mut socket = sent(&mut server, message, records);
        let (mut came, mut room) = (vec![0; BUFFER], vec![0; BUFFER]);
        let session: Session = Box::new(move || {
            read_unbuffered(&mut client, &mut socket, &mut came, &mut room, total);
            socket.reads
        });
        session
    };
    [("buffered", Box::new(direct)), ("buffered, long reads", Box::new(ahead)), ("unbuffered", Box::new(bare))]
}

/// One run of one reader, a message.
#[derive(Clone, Copy, Debug)]
struct Figures {
    ns: f64,
    allocations: f64,
    reads: f64,
}

fn run(mut session: Session) -> Figures {
    let (before, since) = (allocations::made(), Instant::now());
    let reads = session();
    // The session is given back behind it.
    let (ns, allocations) = (since.elapsed().as_nanos() as f64, allocations::made() - before);
    let each = |count: f64| count / MESSAGES as f64;
    Figures { ns: each(ns), allocations: each(allocations as f64), reads: each(reads as f64) }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A table of all readers, of rounds in each of which another one is first.
fn compare(what: &str, rounds: usize, readers: [(&'static str, Made<'_>); 3]) {
    let rows: Vec<[Figures; 3]> = (0..rounds)
        .map(|round| {
            let mut row = [Figures { ns: 0.0, allocations: 0.0, reads: 0.0 }; 3];
            for turn in 0..3 {
                let at = (turn + round) % 3;
                row[at] = run(readers[at].1());
            }
            row
        })
        .collect();
    for (at, (name, _)) in readers.iter().enumerate() {
        let of = |figure: fn(&Figures) -> f64| median(rows.iter().map(|row| figure(&row[at])));
        let (ns, allocations, reads) = (of(|f| f.ns), of(|f| f.allocations), of(|f| f.reads));
        let quotient = median(rows.iter().map(|row| row[at].ns / row[0].ns));
        println!("{what} {name:21} {ns:5.0} {quotient:8.3} {allocations:11.3} {reads:8.4}");
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rounds = words.first().and_then(|word| word.parse().ok()).unwrap_or(101);
    let ends = Ends::new();
    println!("a message, medians of {rounds} rounds:");
    println!("kind         records   reader                   ns quotient allocations    reads");
    for sample in samples().iter().filter(|sample| matches!(sample.kind, Kind::BookTicker | Kind::Diff20)) {
        let message = &sample.templates[0].bytes;
        for records in [Records::OneEach, Records::Full] {
            let what = format!("{:12} {records:9?}", sample.kind.name());
            compare(&what, rounds, sessions(&ends, message, records));
        }
    }
}
