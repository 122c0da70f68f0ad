//! Purpose: what is configured of the feed: where its frames come from, and how it connects.
//! Owns: its defaults and limits. Thread: any (cold). Takes and gives: plain data. Never: acts on it, reads a URL.
//!
//! The documentation of a key is what a user reads in `config/meltica.yaml`.

use core::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{Bytes, DurationText};

/// The feed: where its frames come from, and how it connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Feed {
    /// Where frames come from.
    pub source: FeedSource,
    /// Where WebSocket is, for `live`: `wss://` or `ws://`, a host, and a port where it is not the scheme's own.
    /// Empty: the market's own, `wss://stream.binance.com:9443` for spot, `wss://fstream.binance.com` for USD-M.
    pub ws: String,
    /// Where REST is, for `live`: `https://` or `http://`, likewise. Empty: the market's own, `https://api.binance.com` for spot,
    /// `https://fapi.binance.com` for USD-M.
    pub rest: String,
    /// A file of certificates in PEM form that `live` trusts in place of the public ones. Empty: the public ones.
    pub ca_file: String,
    /// Of all pairs, those with this quote asset, when `instruments` names none. Empty: all that trade.
    pub quote: String,
    /// A file that keeps "no request until then" (a ban, a `Retry-After`) over a restart: a restart that forgets it earns
    /// a longer ban. Empty: it is forgotten, for the program writes no file that nobody asked for. Each feed needs its own.
    pub state_file: String,
    /// Io threads: connections are spread over them, each has its own sockets and its own ring to every shard. `fused` has one.
    #[garde(range(min = 1, max = 16))]
    pub io_threads: u16,
    /// How streams come: `combined`, many over a connection; `raw`, one over each, which its URL names. Raw frames are some
    /// thirty bytes shorter, and each stream costs a connection, of which the venue allows an address 300 in five minutes.
    pub endpoint: StreamForm,
    /// Connections that streams are spread over, at least one an io thread; more are opened when these are full. USD-M has two paths, each with so
    /// many connections.
    #[garde(range(min = 1, max = 64))]
    pub connections: u16,
    /// Streams on one connection. 0: as many as the market is planned for, 1024 on spot, 200 on USD-M (whose pages
    /// disagree: 200 or 1024).
    #[garde(range(max = 1_024))]
    pub streams_per_connection: u16,
    /// Whether every socket is read in every cycle of the io thread, instead of asking the system which ones have
    /// something: a shorter reaction, for a core that does nothing else. The kernel is asked to poll the device as well
    /// (`SO_BUSY_POLL`, 50 µs; it takes CAP_NET_ADMIN), and it is told when it will not.
    pub busy_poll: bool,
    /// The receive buffer of a socket. `0 B` leaves it to the system, which lets it grow as need be.
    #[schemars(extend("x-minimum" = "0 B", "x-maximum" = "1 GiB"))]
    pub receive_buffer: Bytes,
    /// The unit of the venue's times. USD-M has milliseconds only.
    pub time_unit: TimeUnit,
    /// Silence of a connection whose streams spoke before, after which it is given up. It doubles each time this helped
    /// nothing.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "100ms", "x-maximum" = "10m"))]
    pub stall_after: Duration,
    /// Age at which a connection is replaced by a new one, without a gap. The venue cuts at 24 h.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "1s", "x-maximum" = "24h"))]
    pub replace_after: Duration,
    /// How often the list of instruments is fetched anew.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "1s", "x-maximum" = "1d"))]
    pub refresh: Duration,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed {
            source: FeedSource::Venue,
            ws: String::new(),
            rest: String::new(),
            ca_file: String::new(),
            quote: String::new(),
            state_file: String::new(),
            io_threads: 1,
            endpoint: StreamForm::Combined,
            connections: 1,
            streams_per_connection: 0,
            busy_poll: false,
            receive_buffer: Bytes(0),
            time_unit: TimeUnit::Milliseconds,
            stall_after: Duration::from_secs(3),
            replace_after: Duration::from_secs(23 * 3_600),
            refresh: Duration::from_secs(600),
        }
    }
}

/// Where frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedSource {
    /// A simulated venue that this process starts on the loopback: sockets, TLS, limits, as on a real one.
    Venue,
    /// The same simulated exchange without sockets: its frames are handed over in memory.
    Sim,
    /// The venue at `ws` and `rest`.
    Live,
}

/// How streams come over connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamForm {
    /// Many over a connection, each frame wrapped with its stream's name.
    Combined,
    /// One over each connection.
    Raw,
}

/// The unit of the venue's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// The venue's default.
    Milliseconds,
    /// Asked for with each connection.
    Microseconds,
}
