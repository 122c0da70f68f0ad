//! A feed at full stretch over real sockets: one io thread, TLS, WebSocket, best prices of one symbol, from a peer that does
//! nothing else; then a burst.
//!
//! Owns: the peer, the engine, its one consumer. Thread: the peer has one, the engine its own, main consumes.
//! Takes and gives: `-- SECONDS RATE BURST RECORDS` in (60 250000 100000 full), figures on standard output.
//! Never: loses sight of a message: update ids rise by one, and the consumer looks at each.
//!
//! RATE 0 is as fast as the socket takes it. RECORDS: `full` puts as many messages into a TLS record as fit, `each` one. Latencies
//! are from before the peer's write to the consumer's closure, which looks each 200 µs. Linux only (/proc).
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

#[path = "support/secure.rs"]
#[allow(dead_code, reason = "the client's settings are for another bench")]
mod secure;
#[allow(dead_code, reason = "the rooms are for other benches")]
mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use meltica::binance::live::{Endpoint, LiveOptions, LiveSource};
use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineOptions, Topology};
use meltica::schema::frame::FrameSource;
use meltica::schema::id::Market;
use meltica::sim::venue::{Venue, VenueOptions};
use meltica::telemetry::{Clock, Counter, Ledger};
use rustls::{ServerConnection, StreamOwned};
use tungstenite::Message;

use secure::Ends;
use support::feed::Feed;
use support::frames::{Kind, SNAPSHOT_ID, samples};

/// Messages that are written at once at most: a turn of the peer.
const TURN: u64 = 2_000;
/// How often the peer looks what is due.
const EVERY: Duration = Duration::from_millis(1);
/// Messages whose moment of sending is remembered one by one of so many.
const STAMP_EVERY: u64 = 64;
const NAP: Duration = Duration::from_micros(200);

type Peer = StreamOwned<ServerConnection, TcpStream>;

/// What the run is asked for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    seconds: u64,
    rate: u64,
    burst: u64,
    each: bool,
}

/// What both ends see. Numbers of messages begin at 1.
struct Shared {
    begun: Instant,
    /// When every so many-th message was about to be written, ns since the beginning; the ring is longer than what is under way.
    stamps: Vec<AtomicU64>,
    /// The burst's first message, the first behind it, and the last of all; 0 until they are known.
    burst: [AtomicU64; 2],
    last: AtomicU64,
    over: AtomicBool,
}

impl Shared {
    fn new() -> Shared {
        let mut stamps = Vec::new();
        stamps.resize_with(1 << 20, AtomicU64::default);
        let (burst, last, over) = (Default::default(), AtomicU64::new(0), AtomicBool::new(false));
        Shared { begun: Instant::now(), stamps, burst, last, over }
    }

    fn stamp(&self, number: u64) -> &AtomicU64 {
        &self.stamps[(number / STAMP_EVERY) as usize % self.stamps.len()]
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |at: usize, default| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
    let each = words.get(3).is_some_and(|word| word == "each");
    let asked = Asked { seconds: number(0, 60), rate: number(1, 250_000), burst: number(2, 100_000), each };
    let ends = Ends::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new(Shared::new());
    let (server, told) = (Arc::clone(&ends.server), Arc::clone(&shared));
    let peer = std::thread::Builder::new().name("peer".to_owned()).spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        tcp.set_nodelay(true).unwrap();
        send(StreamOwned::new(ServerConnection::new(server).unwrap(), tcp), asked, &told);
    });
    // REST alone is its.
    let mut rest = VenueOptions::default();
    rest.exchange.symbols.truncate(1);
    let venue = Venue::start(rest).unwrap();
    let (engine, events) = feed(address, &venue, &ends);
    let seen = consume(events, &shared);
    seen.tell(&engine, asked);
    shared.over.store(true, Ordering::Release);
    peer.unwrap().join().unwrap();
}

/// A feed of one symbol's best prices, everything on one thread.
fn feed(address: SocketAddr, venue: &Venue, ends: &Ends) -> (Engine, Subscription) {
    let (clock, ledger) = (Clock::default(), Ledger::default());
    let ws = Endpoint::websocket(&format!("wss://{address}")).unwrap();
    let rest = Endpoint::rest(&format!("http://{}", venue.address())).unwrap();
    let streams = Arc::new(|symbol: &str| vec![format!("{}@bookTicker", symbol.to_lowercase())]);
    let mut options = LiveOptions::new(Market::BinanceSpot, ws, rest, streams);
    options.ca_pem = Some(ends.pem.clone());
    options.kernel_stamps = true;
    let source = Box::new(LiveSource::new(options, clock.clone(), &ledger).unwrap()) as Box<dyn FrameSource>;
    let options = EngineOptions { topology: Some(Topology::Fused), live: true, ..EngineOptions::default() };
    let routes = default_routes().into_iter().filter(|(name, _)| name == "TICKER.BOOK").collect();
    let mut engine = Engine::build(options, &routes, Arc::default(), source, clock, ledger).unwrap();
    let events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::default()).unwrap();
    engine.start().unwrap();
    (engine, events)
}

/// The peer: upgrades, answers what is asked of streams until all is said, then sends what was asked for.
fn send(stream: Peer, asked: Asked, shared: &Shared) {
    let mut socket = tungstenite::accept(stream).unwrap();
    let mut names = serde_json::Value::Null;
    loop {
        let Message::Text(text) = socket.read().unwrap() else { continue };
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        let lists = said["method"] == "LIST_SUBSCRIPTIONS";
        if said["method"] == "SUBSCRIBE" {
            names = said["params"].clone();
        }
        let result = if lists { names.clone() } else { serde_json::Value::Null };
        socket.send(Message::text(serde_json::json!({ "result": result, "id": said["id"] }).to_string())).unwrap();
        // Two seconds behind the last answer the list is asked for, and then no more.
        if lists {
            break;
        }
    }
    let mut writer = Writer { stream: socket.into_inner(), feed: tickers(), asked, bytes: Vec::new(), number: 0 };
    writer.steadily(shared, Duration::from_secs(asked.seconds));
    shared.burst[0].store(writer.number + 1, Ordering::Relaxed);
    writer.write(shared, asked.burst);
    shared.burst[1].store(writer.number + 1, Ordering::Relaxed);
    writer.steadily(shared, Duration::from_secs(3));
    // Release: partner of the consumer's acquire.
    shared.last.store(writer.number, Ordering::Release);
    // The end of the stream is no part of the run.
    while !shared.over.load(Ordering::Acquire) {
        std::thread::sleep(NAP);
    }
}

fn tickers() -> Feed {
    Feed::of(samples().iter().find(|sample| sample.kind == Kind::BookTicker).unwrap())
}

/// The peer's side of the stream.
struct Writer {
    stream: Peer,
    feed: Feed,
    asked: Asked,
    /// Of messages that go into the next records.
    bytes: Vec<u8>,
    number: u64,
}

impl Writer {
    /// Sends at the rate asked for; what the socket did not take in time follows as soon as it does.
    fn steadily(&mut self, shared: &Shared, span: Duration) {
        let (since, before) = (Instant::now(), self.number);
        while since.elapsed() < span {
            let due = match self.asked.rate {
                0 => TURN,
                rate => (since.elapsed().as_nanos() * u128::from(rate) / 1_000_000_000) as u64 + before - self.number,
            };
            if due == 0 {
                std::thread::sleep(EVERY);
            } else {
                self.write(shared, due.min(TURN));
            }
        }
    }

    fn write(&mut self, shared: &Shared, count: u64) {
        for _ in 0..count {
            self.number += 1;
            if self.number.is_multiple_of(STAMP_EVERY) {
                shared.stamp(self.number).store(shared.now(), Ordering::Relaxed);
            }
            let frame = self.feed.next();
            assert!((126..65_536).contains(&frame.len()));
            self.bytes.extend([0x81, 126, (frame.len() >> 8) as u8, frame.len() as u8]);
            self.bytes.extend_from_slice(frame);
            // A record is what is written at once.
            if self.asked.each || self.bytes.len() >= 16 << 10 {
                self.record();
            }
        }
        self.record();
        self.leave();
    }

    fn record(&mut self) {
        self.stream.conn.writer().write_all(&self.bytes).unwrap();
        self.bytes.clear();
        // The writer holds 64 KiB.
        if !self.asked.each || self.number.is_multiple_of(128) {
            self.leave();
        }
    }

    fn leave(&mut self) {
        while self.stream.conn.wants_write() {
            self.stream.conn.write_tls(&mut self.stream.sock).unwrap();
        }
    }
}

/// What the consumer saw.
#[derive(Debug, Default)]
struct Seen {
    last: u64,
    missing: u64,
    lagged: u64,
    /// Latencies of the steady time, ns; of the burst and behind it, with the moments at which they were seen.
    steady: Vec<u64>,
    behind: Vec<(u64, u64, u64)>,
    /// Messages of the steady time, and how long it was, ns.
    counted: (u64, u64),
    burst: [u64; 2],
    /// Cores busy in that time, by thread.
    busy: Vec<(String, f64)>,
}

/// Looks at every message until the last one.
fn consume(mut events: Subscription, shared: &Shared) -> Seen {
    let (mut seen, mut moved, mut first) = (Seen::default(), Instant::now(), None);
    loop {
        let begins = shared.burst[0].load(Ordering::Relaxed);
        let polled = events.poll(4_096, |delivery| {
            let Delivery::Event(event) = delivery else { return };
            let Some(id) = event.header().venue_id() else { return };
            let number = (id as u64).wrapping_sub(SNAPSHOT_ID);
            seen.missing += number.wrapping_sub(seen.last + 1);
            seen.last = number;
            if number.is_multiple_of(STAMP_EVERY) {
                let now = shared.now();
                let sent = shared.stamp(number).load(Ordering::Relaxed);
                if begins == 0 || number < begins {
                    seen.steady.push(now.saturating_sub(sent));
                } else {
                    seen.behind.push((number, now, now.saturating_sub(sent)));
                }
            }
        });
        if polled > 0 {
            moved = Instant::now();
            // That the connection stands is an event too, and no message.
            if seen.last == 0 {
                continue;
            }
            let (since, before) = first.get_or_insert_with(|| (shared.now(), ticks()));
            if begins != 0 && seen.last >= begins && seen.counted.0 == 0 {
                seen.counted = (begins, shared.now() - *since);
                seen.busy = busy(before, seen.counted.1);
            }
            continue;
        }
        let last = shared.last.load(Ordering::Acquire);
        if (last != 0 && seen.last >= last) || moved.elapsed() > Duration::from_secs(20) {
            seen.missing += last.saturating_sub(seen.last);
            seen.lagged = events.stats().lagged;
            seen.burst = [begins, shared.burst[1].load(Ordering::Relaxed)];
            return seen;
        }
        std::thread::sleep(NAP);
    }
}

impl Seen {
    fn tell(mut self, engine: &Engine, asked: Asked) {
        let us = |ns: u64| ns as f64 / 1_000.0;
        self.steady.sort_unstable();
        let steady = |of: usize| self.steady.get(self.steady.len() * of / 1_000).copied().unwrap_or(0);
        let (messages, span) = self.counted;
        println!("{:<44} {asked:?}", "asked for");
        println!("{:<44} {}", "messages a second", messages * 1_000_000_000 / span.max(1));
        println!("{:<44} {}, {}", "messages missing, lagged", self.missing, self.lagged);
        let worst = self.steady.last().copied().unwrap_or(0);
        let latencies = [steady(500), steady(990), steady(999), worst].map(us);
        println!("{:<44} {latencies:.0?}", "write to closure, µs: p50, p99, p99.9, max");
        for (thread, cores) in &self.busy {
            println!("{:<44} {cores:.2}", format!("cores busy: {thread}"));
        }
        let of = |number: u64| self.behind.iter().find(|(at, ..)| *at >= number);
        if let (Some((_, seen, late)), Some((_, consumed, _))) = (of(self.burst[0]), of(self.burst[1])) {
            let (begun, normal) = (seen - late, steady(990));
            println!("{:<44} {}", "burst of messages", self.burst[1] - self.burst[0]);
            println!("{:<44} {:.1}", "burst consumed after, ms", us(consumed - begun) / 1_000.0);
            // Back: of sixteen that are looked at the middle one is as quick as all but one in a hundred were before.
            let back = self.behind.windows(16).find(|window| {
                let mut late: Vec<u64> = window.iter().map(|(.., late)| *late).collect();
                late.sort_unstable();
                window[0].0 >= self.burst[1] && late[8] <= normal
            });
            let back = back.map_or("never".to_owned(), |window| format!("{:.1}", us(window[0].1 - begun) / 1_000.0));
            println!("{:<44} {back}", "latency back after, ms");
        }
        for counter in Counter::ALL.iter().filter(|counter| engine.ledger().total(**counter) > 0) {
            println!("{:<44} {}", counter.label(), engine.ledger().total(*counter));
        }
    }
}

/// Ticks of processor time so far, by thread; threads of one name together.
fn ticks() -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { continue };
        let (name, rest) = (stat.find('(').unwrap() + 1, stat.rfind(')').unwrap());
        let spent: u64 =
            stat[rest + 2..].split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        *found.entry(stat[name..rest].to_owned()).or_default() += spent;
    }
    found
}

/// Cores busy since then.
fn busy(before: &BTreeMap<String, u64>, span_ns: u64) -> Vec<(String, f64)> {
    // Ticks of a hundredth of a second, as everywhere.
    let cores = |ticks: u64| ticks as f64 * 10_000_000.0 / span_ns as f64;
    let since = |name: &String, now: u64| now - before.get(name).copied().unwrap_or(0);
    let busy = ticks().into_iter().map(|(name, now)| (cores(since(&name, now)), name));
    busy.filter(|(cores, _)| *cores >= 0.01).map(|(cores, name)| (name, cores)).collect()
}
