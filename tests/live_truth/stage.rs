//! A venue behind TLS and an engine over it, of a size that the environment may change.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use meltica::binance::live::{Endpoint, LiveOptions};
use meltica::engine::Topology;
use meltica::sim::spec::{SymbolSpec, default_symbols};
use meltica::sim::venue::{TlsOptions, Venue, VenueOptions};
use meltica::telemetry::Counter;

use crate::rig::{Rig, options};

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) symbols: usize,
    pub(crate) seconds: u64,
    /// Frames a second of all symbols together.
    pub(crate) rate: u32,
    pub(crate) seed: u64,
}

impl Scale {
    /// Small, or as the environment has it.
    pub(crate) fn read() -> Scale {
        let number = |name: &str, default: u64| match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")),
            Err(_) => default,
        };
        Scale {
            symbols: number("MELTICA_TRUTH_SYMBOLS", 40) as usize,
            seconds: number("MELTICA_TRUTH_SECONDS", 6),
            rate: number("MELTICA_TRUTH_RATE", 1_500) as u32,
            seed: number("MELTICA_TRUTH_SEED", 1),
        }
    }

    pub(crate) fn span(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// The streams of a book that is held against the truth: its diffs, its best prices, its trades.
pub(crate) fn streams_of(symbol: &str) -> Vec<String> {
    let symbol = symbol.to_lowercase();
    ["depth@100ms", "bookTicker", "trade"].map(|stream| format!("{symbol}@{stream}")).to_vec()
}

/// Symbols that change often: a fault that is armed for one strikes soon.
pub(crate) fn lively(symbols: &[SymbolSpec]) -> Vec<String> {
    symbols.iter().filter(|s| s.activity_permille == 1_000).map(|s| s.symbol.clone()).collect()
}

pub(crate) struct Stage {
    pub(crate) rig: Rig,
    pub(crate) venue: Venue,
    pub(crate) scale: Scale,
    options: VenueOptions,
    _ca: tempfile::NamedTempFile,
}

/// What the venue of a run is made of.
pub(crate) fn venue_options(scale: &Scale) -> VenueOptions {
    let mut options = VenueOptions { tls: Some(TlsOptions::loopback().unwrap()), ..VenueOptions::default() };
    options.exchange.symbols = default_symbols(scale.symbols);
    options.exchange.seed = scale.seed;
    options.frames_per_second = Some(scale.rate);
    options
}

/// Options of a source over TLS.
pub(crate) fn secure_options(address: SocketAddr, ca: &std::path::Path) -> LiveOptions {
    let mut options = options(&format!("wss://{address}"), address);
    options.rest = Endpoint::rest(&format!("https://{address}")).unwrap();
    options.ca_file = Some(ca.to_path_buf());
    options.streams = Arc::new(streams_of);
    options
}

impl Stage {
    pub(crate) fn open(
        scale: Scale,
        topology: Topology,
        venue: impl FnOnce(&mut VenueOptions),
        source: impl FnOnce(&mut LiveOptions),
    ) -> Stage {
        let mut options = venue_options(&scale);
        venue(&mut options);
        let venue = Venue::start(options.clone()).unwrap();
        let mut ca = tempfile::NamedTempFile::new().unwrap();
        ca.write_all(venue.ca_pem().unwrap().as_bytes()).unwrap();
        let mut live = secure_options(venue.address(), ca.path());
        source(&mut live);
        let rig = Rig::on(topology, 1, &live, Some(venue.oracle()));
        options.listen = venue.address();
        Stage { rig, venue, scale, options, _ca: ca }
    }

    /// Kills the venue, and starts one at its place.
    pub(crate) fn restart(&mut self, change: impl FnOnce(&mut VenueOptions)) {
        self.venue.stop();
        self.rig.until("all connections are gone", |rig| {
            let (ups, downs): (Vec<_>, Vec<_>) = rig.changes().into_iter().partition(|(up, _)| *up);
            ups.len() == downs.len()
        });
        change(&mut self.options);
        self.venue = Venue::start(self.options.clone()).unwrap();
        self.rig.change_oracle(self.venue.oracle());
    }

    /// Lets so much time pass.
    pub(crate) fn pass(&mut self, span: Duration) {
        let begun = Instant::now();
        self.rig.until("time passes", |_| begun.elapsed() >= span);
    }

    /// Every wanted stream stands on exactly one session, once the last of them is subscribed, and no limit was passed.
    pub(crate) fn must_be_subscribed_once(&mut self) {
        let symbols = default_symbols(self.scale.symbols);
        let mut wanted: Vec<String> = symbols.iter().flat_map(|s| streams_of(&s.symbol)).collect();
        wanted.sort_unstable();
        let venue = &self.venue;
        self.rig.until("every stream stands on one session", |_| {
            let mut there: Vec<String> = venue.stats().sessions.into_iter().flat_map(|s| s.streams).collect();
            there.sort_unstable();
            there == wanted
        });
        assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
    }

    /// What was seen, in one line.
    pub(crate) fn report(&self, what: &str) {
        let (checker, ledger) = (&self.rig.checker, self.rig.engine.ledger());
        println!(
            "{what}: {} symbols, {} frames in, {} events, {} Good diffs, {} tops and {} whole books equal the truth, \
             {} unseen, {} gaps opened, {} closed, {} resets, {} snapshots asked for, {} connections lost, 0 violations",
            self.scale.symbols,
            ledger.total(Counter::FramesIn),
            self.rig.manners.events,
            checker.checked,
            checker.tops,
            checker.wholes,
            checker.unseen,
            checker.gaps,
            checker.closed,
            checker.resets,
            ledger.total(Counter::SnapshotsRequested),
            self.rig.manners.downs,
        );
    }
}
