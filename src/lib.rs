//! Meltica: Binance's public market data in, canonical events out.
//!
//! A frame walks left to right through four stages, each an [`agent`] on a pinned thread, joined by lock-free rings:
//! [`binance`] turns bytes into raw instances, [`dispatch`] filters and canonicalises them, [`conductor`] fuses diffs
//! with snapshots into books it can vouch for, and [`bus`] numbers and publishes the events that consumers poll.
//! `ARCHITECTURE.md` has the map; rooms look only down, and `tests/tidy` holds them to it.

// Under `--cfg loom` only the rooms with lock-free code, and what they stand on, are built: the models need no more.

// Floor 0: words and plain data.
pub mod schema;
pub mod sync;

// Floor 1: rings, store, agents, names, configuration.
#[cfg(not(loom))]
pub mod agent;
#[cfg(not(loom))]
pub mod config;
#[cfg(not(loom))]
pub mod directory;
pub mod ring;
pub mod snapshot;

// Floor 2: clock and counters, record and replay.
#[cfg(not(loom))]
pub mod capture;
#[cfg(not(loom))]
pub mod telemetry;

// Floor 3: the four stages.
#[cfg(not(loom))]
pub mod binance;
#[cfg(not(loom))]
pub mod bus;
#[cfg(not(loom))]
pub mod conductor;
#[cfg(not(loom))]
pub mod dispatch;

// Floor 4: wiring, the HTTP facade and the simulated venue.
#[cfg(not(loom))]
pub mod engine;
#[cfg(not(loom))]
pub mod http;
#[cfg(not(loom))]
pub mod sim;

// Floor 5: the command line.
#[cfg(not(loom))]
pub mod cli;

/// The README's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
