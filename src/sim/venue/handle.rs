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
use super::shared::{RestMood, Shared};
use super::stats::{Tally, VenueStats};
use crate::sim::exchange::Exchange;
use crate::sim::faults::FaultJournal;
use crate::sim::options::{ExchangeError, events_for};
use crate::sim::oracle::Oracle;
use crate::sync::{AtomicBool, AtomicU64};
use crate::telemetry::Clock;

/// Why a venue does not start.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The exchange's options are wrong.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
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
        if let Some(rate) = options.frames_per_second {
            of.events_per_second = events_for(rate, &of);
        }
        let depth_ms = of.depth_interval_ms;
        let exchange = Exchange::new(of)?;
        let oracle = exchange.oracle();
        let named = options.faults.rules.iter().flat_map(|rule| &rule.symbols);
        if let Some(name) = named.into_iter().find(|name| exchange.place(name).is_none()) {
            return Err(ExchangeError(format!("faults are set for {name}, which is not listed")).into());
        }
        let market = Market::new(exchange, &options.faults, depth_ms);
        let journal = market.injector.journal();
        let shared = Arc::new(Shared {
            clock,
            attempts: Mutex::new(Attempts::new(&options.limits)),
            weights: Mutex::new(Weights::new(&options.limits)),
            limits: options.limits,
            outbox_frames_max: options.outbox_frames_max,
            outbox_bytes_max: options.outbox_bytes_max,
            address,
            hub: Default::default(),
            market: Mutex::new(market),
            tally: Tally::default(),
            mood: Mutex::new(RestMood::default()),
            connections: Default::default(),
            down_until_ns: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            listener_waker,
            tls: None,
        });
        let (faults, injected) = channel();
        let mut venue = Venue { shared, oracle, journal, faults, threads: Vec::new() };
        let mut agenda = Agenda::new(injected);
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

impl Drop for Venue {
    fn drop(&mut self) {
        self.stop();
    }
}
