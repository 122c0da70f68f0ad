//! The agent of the io thread: frames in, raw instances out, nothing lost unsaid.
//!
//! | file | holds |
//! |---|---|
//! | `agent` | `IoAgent`: the duty cycle |
//! | `outlet` | the sink with what waits before it: order, bounds, drops |
//! | `spill` | raw instances that wait for room |
//! | `requests` | the way back: requests for snapshots |
//!
//! Invariants: raw instances leave in the order of their frames; no frame is pulled while one waits; what is dropped is
//! counted, and the book that it belonged to is told before its next raw instance.

mod agent;
mod outlet;
mod requests;
mod spill;

#[cfg(test)]
mod tests;

pub use agent::{IoAgent, IoOptions, TimeSource};
pub use outlet::OnFull;
pub use requests::{NoRequests, SnapshotRequestSource};
