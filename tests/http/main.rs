//! Promise: the HTTP facade, on real sockets, does what its OpenAPI document says, and refuses what the table of
//! `refusals.rs` says it refuses (S01 to S07, S11 to S13 of the fault catalogue): malformed, unauthorised, oversized, slow,
//! smuggled and flooding requests. Behind it stands a small control duty on the real control bus.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod bounds;
mod cli;
mod commands;
mod dashboard;
mod document;
mod events;
mod metrics;
mod refusals;
mod rig;
mod schema;
mod tokens;
#[cfg(feature = "top")]
mod top;
