//! The live adapter over real sockets on the loopback: against the simulated venue, and against servers that misbehave.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[path = "live/ban.rs"]
mod ban;
#[path = "sim_truth/checker.rs"]
#[allow(dead_code)] // `live_truth` uses the rest.
mod checker;
#[path = "live/control.rs"]
mod control;
#[path = "live/faults.rs"]
mod faults;
#[path = "live/instruments.rs"]
mod instruments;
#[path = "live/io_threads.rs"]
mod io_threads;
#[path = "live/latency.rs"]
mod latency;
#[path = "live/manners.rs"]
#[allow(dead_code)] // Likewise.
mod manners;
#[path = "live/misdeeds.rs"]
mod misdeeds;
#[path = "live/polls.rs"]
mod polls;
#[path = "live/refusals.rs"]
mod refusals;
#[path = "live/rest.rs"]
mod rest;
#[path = "live/rig.rs"]
#[allow(dead_code)] // Likewise.
mod rig;
#[path = "live/snapshots.rs"]
mod snapshots;
#[path = "live/streams.rs"]
mod streams;
