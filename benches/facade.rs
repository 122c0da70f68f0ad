//! The data plane beside a flood of the HTTP facade: latency and events of an engine in windows that alternate between quiet
//! and flooded, within one run, and the ratio of their medians (point 3 of the control plane, faults.md S06 and F70).
//!
//! Owns: an engine over the simulated exchange, a facade, the flood. Thread: main measures. Takes and gives: figures on standard
//! output. Never: a verdict: read the ratio, and the machine beside it.
//!
//! `cargo bench --bench facade`; `-- 10 3` for ten pairs of windows of three seconds.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::dispatch::default_routes;
use meltica::engine::control::ControlOptions;
use meltica::engine::{Engine, EngineOptions};
use meltica::http::{Address, HttpOptions, Listen, Server, Services};
use meltica::sim::options::SimOptions;
use meltica::sim::source::SimSource;
use meltica::telemetry::{Clock, Ledger};

/// What each flooding connection says, over and over, by its number.
const SAID: [&str; 6] = [
    "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /control/subscriptions HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /control/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n\
     {\"type\":\"TRADE\",\"consumer\":\"flood\"}",
    "POST /control/unsubscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n\
     {\"type\":\"TRADE\",\"consumer\":\"flood\"}",
    "GET / HTTP/1.1\nHost: localhost\n\n",
    "POST /control/subscribe HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9999999\r\n\r\n{{{{{{{{",
];
const EVENTS: &str = "GET /events?type=ORDERBOOK.DELTA&type=TRADE HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn main() {
    let mut words = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let (pairs, seconds) = (words.next().unwrap_or(8), words.next().unwrap_or(2));
    let (clock, ledger) = (Clock::default(), Ledger::default());
    let source = Box::new(SimSource::new(SimOptions::real_time()).unwrap());
    let options = EngineOptions { live: true, control: Some(ControlOptions::default()), ..EngineOptions::default() };
    let directory = Arc::default();
    let mut engine = Engine::build(options, &default_routes(), directory, source, clock, ledger).unwrap();
    let services = Services {
        control: engine.control().bus().clone(),
        bus: engine.bus().clone(),
        clock: engine.clock().clone(),
        ledger: engine.ledger().clone(),
        tell: Box::new(|_| {}),
    };
    let free = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = Server::start(HttpOptions::open(free), services).unwrap();
    let Address::Tcp { address, .. } = *server.address() else { return };
    engine.start().unwrap();
    let (flooding, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    for at in 0..40 {
        let (flooding, requests) = (Arc::clone(&flooding), Arc::clone(&requests));
        std::thread::spawn(move || flood(at, address, &flooding, &requests));
    }
    // Until books and caches are warm.
    let _ = window(&engine, Duration::from_secs(3));
    println!(
        "{:>8} {:>12} {:>12} {:>12} {:>10} {:>8} {:>10}",
        "", "p50 ns", "p99 ns", "p99.9 ns", "events/s", "lag", "requests/s"
    );
    let (mut quiet, mut loud) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        for (name, flooded, rows) in [("quiet", false, &mut quiet), ("flooded", true, &mut loud)] {
            flooding.store(flooded, Ordering::Relaxed);
            // For the flood to begin, or to end.
            std::thread::sleep(Duration::from_millis(500));
            let before = requests.load(Ordering::Relaxed);
            let row = window(&engine, Duration::from_secs(seconds));
            let asked = (requests.load(Ordering::Relaxed) - before) / seconds;
            let [p50, p99, p999, events, lag] = row;
            println!("{name:>8} {p50:>12} {p99:>12} {p999:>12} {events:>10} {lag:>8} {asked:>10}");
            rows.push(row);
        }
    }
    let ratio = |at: usize| median(&loud, at) as f64 / median(&quiet, at).max(1) as f64;
    println!("{:>8} {:>12.2} {:>12.2} {:>12.2} {:>10.2}", "ratio", ratio(0), ratio(1), ratio(2), ratio(3));
}

/// p50, p99 and p99.9 of ingress to publication, events a second, and records missed by a consumer of everything.
fn window(engine: &Engine, span: Duration) -> [u64; 5] {
    let mut all = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::default()).unwrap();
    let (since, mut latencies) = (Instant::now(), Vec::new());
    while since.elapsed() < span {
        let looked = all.poll(4_096, |delivery| {
            if let Delivery::Event(event) = delivery {
                latencies.push(event.header().latency_ns);
            }
        });
        if looked == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    latencies.sort_unstable();
    let at = |of: usize| latencies.get(latencies.len() * of / 1_000).copied().unwrap_or(0);
    [at(500), at(990), at(999), latencies.len() as u64 / span.as_secs().max(1), all.stats().lagged]
}

fn median(rows: &[[u64; 5]], at: usize) -> u64 {
    let mut values: Vec<_> = rows.iter().map(|row| row[at]).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// One peer of the flood: connects, says its piece as fast as it is answered, reads what comes, begins anew. The peers stand in for
/// other machines, so they go last on this one.
fn flood(at: usize, address: SocketAddr, flooding: &AtomicBool, requests: &AtomicU64) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 19);
    let said = if at % 5 == 4 { EVENTS } else { SAID[at % SAID.len()] };
    let mut scratch = [0; 16 << 10];
    loop {
        while !flooding.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let Ok(mut socket) = TcpStream::connect(address) else { continue };
        while flooding.load(Ordering::Relaxed) && socket.write_all(said.as_bytes()).is_ok() {
            requests.fetch_add(1, Ordering::Relaxed);
            match socket.read(&mut scratch) {
                Ok(0) | Err(_) => break,
                // A stream is read on and on.
                Ok(_) if said == EVENTS => {
                    while flooding.load(Ordering::Relaxed) && matches!(socket.read(&mut scratch), Ok(1..)) {}
                    break;
                }
                Ok(_) => {}
            }
        }
    }
}
