//! Purpose: what a simulated venue is made of, and the limits it enforces. Owns: nothing. Thread: any (cold).
//! Takes and gives: plain data. Never: reads a file or the environment.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::script::Script;
use super::serve_capture::CaptureOptions;
use super::tls::TlsOptions;
use crate::sim::channel::Channels;
use crate::sim::faults::FaultPlan;
use crate::sim::options::ExchangeOptions;
use crate::sim::oracle::Retain;

/// What a venue is made of.
#[derive(Clone, Debug)]
pub struct VenueOptions {
    /// Where it listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The exchange behind it. It opens at the present moment, whatever `start` says, and which streams are made is
    /// decided by who subscribes.
    pub exchange: ExchangeOptions,
    /// When set, takes the place of the exchange's `events_per_second`, so that diffs, best prices and trades of all
    /// symbols together are about so many frames a second.
    pub frames_per_second: Option<u32>,
    /// What it does not let its clients exceed.
    pub limits: VenueLimits,
    /// Faults of diffs and snapshots at random or at numbers; what happens at given times is for a script.
    pub faults: FaultPlan,
    /// What goes wrong at given times.
    pub script: Script,
    /// When set, these captures are served in the market's place: the venue is of their market, their symbols are listed,
    /// their frames go to whoever subscribed, their depth bodies answer requests for snapshots. No fault of frames befalls
    /// them, and the oracle is idle. `limits` stay as they are given: [`VenueLimits::of`] has a market's.
    pub capture: Option<CaptureOptions>,
    /// When set, the venue speaks TLS and nothing else.
    pub tls: Option<TlsOptions>,
    /// Most frames that wait for one connection; a reader that falls further behind is cut off. At least 1.
    pub outbox_frames_max: usize,
    /// Most bytes that wait for one connection, likewise.
    pub outbox_bytes_max: usize,
}

impl Default for VenueOptions {
    /// Ten symbols on a free port of the loopback, a hundred events a second each, Binance's limits, no fault, plain TCP.
    fn default() -> Self {
        VenueOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            exchange: ExchangeOptions {
                channels: Channels::CORE,
                retain: Retain::Last(1 << 16),
                ..ExchangeOptions::default()
            },
            frames_per_second: None,
            limits: VenueLimits::default(),
            faults: FaultPlan::default(),
            script: Script::default(),
            capture: None,
            tls: None,
            outbox_frames_max: 16_384,
            outbox_bytes_max: 16 << 20,
        }
    }
}

/// Limits on clients. The defaults are Binance spot's of mid-2026 (web-socket-streams.md and rest-api.md of 2026-07-21).
///
/// | who exceeds | gets |
/// |---|---|
/// | messages a second | close 1008 |
/// | streams of a connection | the error 2 by SUBSCRIBE, 400 by the path; those it had stay |
/// | handshakes of an address | 429 with `Retry-After` |
/// | the time for a pong, the age of a connection | close 1008, close 1001 |
/// | request weight | 429 with `Retry-After`; by going on nevertheless, 418: a ban, each as long again as the one before |
/// | connections at once | the end of the connection, unheard |
/// | the time for a request | 408, or the end when nothing of it came |
/// | what it reads of what it asked for | an RST |
///
/// Each is counted in [`VenueStats`](super::VenueStats). Addresses that are cut off again and again for their messages, which
/// Binance may ban, are not banned here.
#[derive(Clone, Debug)]
pub struct VenueLimits {
    /// Messages (PING, PONG and JSON) that one connection may send within a second; one more and it is cut off.
    pub messages_per_second: u32,
    /// Streams of one connection.
    pub streams_max: usize,
    /// WebSocket handshakes of one address within `attempts_window`.
    pub attempts_max: u32,
    /// See there.
    pub attempts_window: Duration,
    /// Between two pings of the venue.
    pub ping_every: Duration,
    /// A connection whose last matching pong is longer ago than this is cut off.
    pub pong_within: Duration,
    /// Life of a WebSocket connection.
    pub max_age: Duration,
    /// Request weight of one address within `weight_window`.
    pub weight_max: u32,
    /// See there; windows start at its multiples since 1970.
    pub weight_window: Duration,
    /// Requests of an address that was told to wait after which it is banned.
    pub impatience_max: u32,
    /// The first ban; each further one of the same address is twice as long, up to three days.
    pub ban_first: Duration,
    /// Connections of all addresses at once; the rest is refused unheard.
    pub connections_max: usize,
    /// A request must be whole, TLS handshake included, within this time.
    pub request_within: Duration,
    /// A kept-alive connection without a request ends after this time.
    pub idle_max: Duration,
}

impl Default for VenueLimits {
    fn default() -> Self {
        VenueLimits {
            messages_per_second: 5,
            streams_max: 1_024,
            attempts_max: 300,
            attempts_window: Duration::from_secs(300),
            ping_every: Duration::from_secs(20),
            pong_within: Duration::from_secs(60),
            max_age: Duration::from_secs(86_400),
            weight_max: 6_000,
            weight_window: Duration::from_secs(60),
            impatience_max: 10,
            ban_first: Duration::from_secs(120),
            connections_max: 512,
            request_within: Duration::from_secs(10),
            idle_max: Duration::from_secs(60),
        }
    }
}
