//! Purpose: a running venue in the hands of whoever started it. Owns: its threads. Thread: the owner's.
//! Takes and gives: options in; address, truth, figures out; faults in. Never: leaves a thread or a port behind.

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::agenda::Agenda;
use super::fault::VenueFault;
use super::limits::{Attempts, Weights};
use super::listener::Listener;
use super::market::{self, Market};
use super::options::VenueOptions;
use super::rulebook::Rulebook;
use super::serve_capture::{CaptureProgress, ServedCapture};
use super::shared::{Mood, Shared, hold};
use super::stats::{Tally, VenueStats};
use super::tls::{self, TlsError};
use crate::schema::frame::SourceError;
use crate::schema::id::Market as Of;
use crate::schema::instrument::split_symbol;
use crate::sim::exchange::Exchange;
use crate::sim::faults::FaultJournal;
use crate::sim::options::ExchangeError;
use crate::sim::oracle::Oracle;
use crate::sim::rate::events_for;
use crate::sim::spec::{Status, SymbolSpec};
use crate::sync::{AtomicBool, AtomicU64};
use crate::telemetry::Clock;

/// Why a venue does not start.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The exchange's options are wrong.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The capture to serve cannot be read.
    #[error(transparent)]
    Capture(#[from] SourceError),
    /// Keys or certificates cannot be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("the venue cannot listen on {address}: {cause}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A thread cannot be started.
    #[error("the venue's threads cannot start: {0}")]
    Thread(std::io::Error),
}

/// A simulated venue that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Venue {
    shared: Arc<Shared>,
    oracle: Arc<Oracle>,
    journal: FaultJournal,
    ca_pem: Option<String>,
    faults: Sender<VenueFault>,
    threads: Vec<JoinHandle<()>>,
}

impl Venue {
    /// Opens a venue; it listens when this returns.
    ///
    /// # Errors
    /// [`VenueError`] says what is wrong.
    pub fn start(options: VenueOptions) -> Result<Venue, VenueError> {
        let clock = Clock::default();
        let listen = |cause| VenueError::Listen { address: options.listen, cause };
        let listener = Listener::open(options.listen).map_err(listen)?;
        let address = listener.address().map_err(listen)?;
        let listener_waker = listener.waker().map_err(listen)?;
        let mut of = options.exchange;
        of.start = clock.unix_now();
        let capture = options.capture.as_ref().map(ServedCapture::open).transpose()?;
        let rulebook = Rulebook::of(capture.as_ref().map_or(Of::BinanceSpot, ServedCapture::market));
        if let Some(capture) = &capture {
            of.symbols = capture.symbols().iter().map(|symbol| listed(symbol)).collect();
            of.channels_of.clear();
        }
        if let Some(rate) = options.frames_per_second {
            of.events_per_second = events_for(rate, &of);
        }
        let tls = options.tls.as_ref().map(tls::configure).transpose()?;
        let depth_ms = of.depth_interval_ms;
        let exchange = Exchange::new(of)?;
        let oracle = exchange.oracle();
        let ruled = options.faults.rules.iter().flat_map(|rule| &rule.symbols).map(String::as_str);
        if let Some(name) = ruled.chain(options.script.symbols()).find(|name| exchange.place(name).is_none()) {
            return Err(ExchangeError(format!("faults are set for {name}, which is not listed")).into());
        }
        let mut plan = options.faults;
        plan.rules.extend(options.script.rules.iter().cloned());
        let market = Market::new(exchange, &plan, depth_ms, capture);
        let journal = market.injector.journal();
        let shared = Arc::new(Shared {
            clock,
            rulebook,
            attempts: Mutex::new(Attempts::new(&options.limits)),
            weights: Mutex::new(Weights::new(&options.limits)),
            limits: options.limits,
            outbox_frames_max: options.outbox_frames_max,
            outbox_bytes_max: options.outbox_bytes_max,
            address,
            hub: Default::default(),
            market: Mutex::new(market),
            tally: Tally::default(),
            mood: Mutex::new(Mood::default()),
            answers: Default::default(),
            connections: Default::default(),
            down_until_ns: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            listener_waker,
            tls,
        });
        let ca_pem = options.tls.map(|tls| tls.authority.pem().to_owned());
        let (faults, injected) = channel();
        let mut venue = Venue { shared, oracle, journal, ca_pem, faults, threads: Vec::new() };
        let mut agenda = Agenda::new(injected, options.script);
        venue.spawn("venue-market", move |shared| market::run(shared, |shared, now| agenda.turn(shared, now)))?;
        venue.spawn("venue-listener", move |shared| listener.run(shared))?;
        Ok(venue)
    }

    fn spawn(&mut self, name: &str, life: impl FnOnce(&Arc<Shared>) + Send + 'static) -> Result<(), VenueError> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || life(&shared));
        self.threads.push(thread.map_err(VenueError::Thread)?);
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The certificate of its authority, for clients to trust; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The truth about its books.
    pub fn oracle(&self) -> Arc<Oracle> {
        Arc::clone(&self.oracle)
    }

    /// What it saw so far.
    pub fn stats(&self) -> VenueStats {
        self.shared.stats()
    }

    /// The faults of diffs and snapshots that struck, in order.
    pub fn journal(&self) -> FaultJournal {
        self.journal.clone()
    }

    /// Which market it is.
    pub fn market(&self) -> Of {
        self.shared.rulebook.market
    }

    /// The streams of the served capture, sorted; none when a market runs.
    pub fn capture_streams(&self) -> Vec<String> {
        hold(&self.shared.market).capture.as_ref().map(ServedCapture::streams).unwrap_or_default()
    }

    /// Where the served capture stands; `None` when a market runs.
    pub fn capture_progress(&self) -> Option<CaptureProgress> {
        hold(&self.shared.market).capture_progress()
    }

    /// Lets something go wrong, within a few milliseconds.
    pub fn inject(&self, fault: VenueFault) {
        // The receiver lives as long as the market's thread, that is, until `stop`.
        let _ = self.faults.send(fault);
    }

    /// Closes all connections and ends all threads.
    pub fn stop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A symbol of which a capture tells only the name: scales and sizes are of no meaning.
fn listed(symbol: &str) -> SymbolSpec {
    let (base, quote) = split_symbol(symbol).unwrap_or((symbol, "UNKNOWN"));
    SymbolSpec {
        symbol: symbol.to_owned(),
        base: base.to_owned(),
        quote: quote.to_owned(),
        price_scale: 4,
        quantity_scale: 4,
        start_ticks: 1_000_000,
        order_lots: 1_000,
        levels: 16,
        near_ticks: 1,
        activity_permille: 0,
        status: Status::Trading,
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.stop();
    }
}
