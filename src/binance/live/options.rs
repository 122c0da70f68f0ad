//! Purpose: what a live source is told. Owns: the defaults. Thread: any (cold). Takes and gives: plain data.
//! Never: reads a file or the environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::endpoint::{BadEndpoint, Endpoint};
use super::rest::PollSpec;
use super::tls::BadCaFile;
use super::venue_rules::VenueRules;
use crate::schema::id::Market;

/// Names the streams that are wanted of one symbol (uppercase), as the venue writes them.
pub type StreamNames = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// How streams come over connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamForm {
    /// Many over one connection, each frame wrapped with its stream's name (`/stream`).
    #[default]
    Combined,
    /// One over each connection, which names it in its URL (`/ws/<stream>`): a frame is the payload alone, and not every
    /// payload tells its stream. Each stream costs a connection, of which the venue allows an address 300 in five minutes.
    Raw,
}

/// Deadlines and waits of a live source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveTimes {
    /// Name look-up and TCP.
    pub connect: Duration,
    /// TLS.
    pub tls: Duration,
    /// The upgrade to WebSocket.
    pub upgrade: Duration,
    /// Silence of a connection whose streams spoke before, after which it is given up. Doubled each time it was given up soon
    /// after it was opened, so that a quiet market is not cut for ever.
    pub stall: Duration,
    /// Silence of any connection, longer than the venue's pings are apart (spot 20 s, USD-M 3 min).
    pub silence: Duration,
    /// Age at which a connection is replaced; the venue cuts at 24 h.
    pub age: Duration,
    /// How long an acknowledged stream may take to its first frame before it counts as silent.
    pub first_frame: Duration,
    /// The first wait between two tries, and the longest.
    pub backoff: (Duration, Duration),
    /// A REST request; exchangeInfo may take three times as long. No longer than a book waits for its snapshot before it asks
    /// again (faults.md F16): one that does not answer holds up the others.
    pub rest: Duration,
    /// How often exchangeInfo is fetched anew.
    pub refresh: Duration,
}

impl LiveTimes {
    /// The defaults of a market.
    pub fn of(market: Market) -> LiveTimes {
        let s = Duration::from_secs;
        LiveTimes {
            connect: s(5),
            tls: s(5),
            upgrade: s(5),
            stall: s(3),
            silence: VenueRules::of(market).silence(),
            age: s(23 * 3_600),
            first_frame: s(10),
            backoff: (Duration::from_millis(200), s(30)),
            rest: s(3),
            refresh: s(600),
        }
    }
}

/// What a live source is told.
#[derive(Clone)]
pub struct LiveOptions {
    /// The market.
    pub market: Market,
    /// Where WebSocket is.
    pub ws: Endpoint,
    /// Where REST is.
    pub rest: Endpoint,
    /// A file of the roots that are trusted, in PEM form. With neither this nor `ca_pem` the public ones are.
    pub ca_file: Option<PathBuf>,
    /// Roots that are trusted, in PEM form, besides those of the file.
    pub ca_pem: Option<String>,
    /// Connections that streams are spread over, through each of the venue's paths (USD-M has two); more are opened when
    /// these are full.
    pub connections: usize,
    /// Io threads that connections are spread over, each with its own sockets; every path has a connection on each. At least 1.
    pub io_threads: u16,
    /// How streams come over connections.
    pub form: StreamForm,
    /// Streams on one connection, at most [`super::STREAMS_MAX`].
    pub streams_max: usize,
    /// Whether times come in microseconds instead of milliseconds; spot only.
    pub microseconds: bool,
    /// Whether every socket is read in every cycle instead of asking the system which ones have something: a shorter
    /// reaction for a core that does nothing else. The kernel is asked to poll the device as well (`SO_BUSY_POLL`).
    pub busy_poll: bool,
    /// Whether the kernel is asked when it received what a socket reads (`SO_TIMESTAMPNS`): frames carry it in their stamps.
    pub kernel_stamps: bool,
    /// Bytes of a socket's receive buffer; 0 leaves it to the system.
    pub receive_buffer: usize,
    /// Whether streams are wanted by command only ([`super::StreamOrders`]), whatever `instruments`, `streams` and
    /// `whole_market` say; what is heard of them is told by [`super::NewsFeed`].
    pub commanded: bool,
    /// The instruments wanted, by canonical name or symbol, uppercase; empty: all that trade.
    pub instruments: Vec<String>,
    /// With no instruments named: only those with this quote asset, uppercase.
    pub quote: Option<String>,
    /// The streams of one symbol.
    pub streams: StreamNames,
    /// Streams of the whole market.
    pub whole_market: Vec<String>,
    /// Levels a side of a snapshot, at least, as far as the venue gives them; fewer are asked for while many books wait.
    pub depth_limit: u32,
    /// Polls of routes.
    pub polls: Vec<PollSpec>,
    /// Where "no request until then" (a ban, a `Retry-After`) is kept over a restart; `None`: it is forgotten.
    pub state_file: Option<PathBuf>,
    /// Deadlines and waits.
    pub times: LiveTimes,
    /// Keeps clients apart in their waits.
    pub seed: u64,
}

impl LiveOptions {
    /// With defaults, for streams named by `streams`.
    pub fn new(market: Market, ws: Endpoint, rest: Endpoint, streams: StreamNames) -> LiveOptions {
        LiveOptions {
            market,
            ws,
            rest,
            ca_file: None,
            ca_pem: None,
            connections: 1,
            io_threads: 1,
            form: StreamForm::Combined,
            streams_max: VenueRules::of(market).streams_max,
            microseconds: false,
            busy_poll: false,
            kernel_stamps: false,
            receive_buffer: 0,
            commanded: false,
            instruments: Vec::new(),
            quote: None,
            streams,
            whole_market: Vec::new(),
            depth_limit: 1_000,
            polls: Vec::new(),
            state_file: None,
            times: LiveTimes::of(market),
            seed: 1,
        }
    }
}

impl core::fmt::Debug for LiveOptions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LiveOptions").field("ws", &self.ws).field("rest", &self.rest).finish_non_exhaustive()
    }
}

/// A live source that cannot be made. What the venue does wrong is never among these: the feed starts without it.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// An endpoint.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The CA file, or the roots in memory.
    #[error(transparent)]
    CaFile(#[from] BadCaFile),
    /// The endpoint's host can be in no certificate.
    #[error("the host {0} can be in no certificate: give a name or an address")]
    Host(String),
    /// The market's times come in milliseconds only.
    #[error("{0} tells times in milliseconds only: leave microseconds out")]
    Unit(Market),
    /// The system gives no poll or no thread.
    #[error("the system gives no {0} ({1})")]
    System(&'static str, std::io::Error),
}
