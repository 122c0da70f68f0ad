//! The live adapter over real sockets on the loopback: against the simulated venue, and against servers that misbehave.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[path = "sim_truth/checker.rs"]
mod checker;
#[path = "live/ban.rs"]
mod ban;
#[path = "live/faults.rs"]
mod faults;
#[path = "live/io_threads.rs"]
mod io_threads;
#[path = "live/instruments.rs"]
mod instruments;
#[path = "live/polls.rs"]
mod polls;
#[path = "live/refusals.rs"]
mod refusals;
#[path = "live/rest.rs"]
mod rest;
#[path = "live/rig.rs"]
mod rig;
#[path = "live/snapshots.rs"]
mod snapshots;
#[path = "live/streams.rs"]
mod streams;
