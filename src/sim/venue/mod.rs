//! The simulated venue: the exchange of [`super::exchange`] behind real TCP and TLS, so that foreign clients use it unaware.
//!
//! | file | holds |
//! |---|---|
//! | `options` | what a venue is made of; its limits |
//! | `handle` | [`Venue`]: start, ask, inject, stop |
//! | `shared` | what all its threads see |
//! | `market` | the market's thread: exchange → faults → frames for those who subscribed |
//! | `derived`, `candles` | streams made of others: slow depth, fewer levels, windows, arrays; candles |
//! | `micros` | times in microseconds |
//! | `hub`, `outbox` | who gets which stream; what waits for one connection |
//! | `listener`, `transport`, `line`, `connection` | doors, sockets (plain or TLS), one thread a connection |
//! | `http`, `query` | requests and answers on the wire |
//! | `rulebook` | what differs from market to market |
//! | `router`, `params`, `bodies`, `series` | REST routes, weights, errors, bodies |
//! | `websocket`, `control`, `subscriptions` | a WebSocket session; SUBSCRIBE and its kin |
//! | `limits` | messages, attempts, weights, bans |
//! | `tls` | its own certificate authority |
//! | `fault`, `ways` | what can go wrong |
//! | `script`, `entry`, `kind`, `span`, `agenda` | when, as a file says it, and doing it |
//! | `bad_frames`, `bad_handshake`, `bad_rest` | frames and answers that are wrong |
//! | `serve_capture`, `capture_contents`, `body_waits` | a capture in the market's place; what it holds; what it waits for |
//! | `stats` | what it saw |

mod agenda;
mod bad_frames;
mod bad_handshake;
mod bad_rest;
mod bodies;
mod body_waits;
mod candles;
mod capture_contents;
mod connection;
mod control;
mod derived;
mod entry;
mod fault;
mod handle;
mod http;
mod hub;
mod kind;
mod limits;
mod line;
mod listener;
mod market;
mod micros;
mod options;
mod outbox;
mod params;
mod query;
mod router;
mod rulebook;
mod script;
mod series;
mod serve_capture;
mod shared;
mod span;
mod stats;
mod subscriptions;
mod tls;
mod transport;
mod ways;
mod websocket;

pub use fault::{VenueFault, Whom};
pub use handle::{Venue, VenueError};
pub use options::{VenueLimits, VenueOptions};
pub use script::{Script, ScriptError};
pub use serve_capture::{CaptureOptions, CaptureProgress};
pub use stats::{Exceeded, SessionStats, VenueStats};
pub use tls::{Authority, TlsError, TlsOptions};
pub use ways::{AnswerFault, FrameFault, HandshakeFault, RestFault};
