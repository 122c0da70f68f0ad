//! Meltica: Binance's public market data in, canonical events out.
//!
//! A frame walks left to right through four stages, each an [`agent`] on a pinned thread, joined by lock-free rings:
//! [`binance`] turns bytes into raw instances, [`dispatch`] filters and canonicalises them, [`conductor`] fuses diffs
//! with snapshots into books it can vouch for, and [`bus`] numbers and publishes the events that consumers poll.
//! `ARCHITECTURE.md` has the map; rooms look only down, and `tests/tidy.rs` holds them to it.

// Floor 0: words and plain data.
pub mod schema;
pub mod sync;

// Floor 1: rings, store, agents, names, configuration.
pub mod agent;
pub mod config;
pub mod directory;
pub mod ring;
pub mod snapshot;

// Floor 2: clock and counters, record and replay.
pub mod capture;
pub mod telemetry;

// Floor 3: the four stages.
pub mod binance;
pub mod bus;
pub mod conductor;
pub mod dispatch;

// Floor 4: wiring and the simulated venue.
pub mod engine;
pub mod sim;

// Floor 5: the command line.
pub mod cli;
