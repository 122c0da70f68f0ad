//! Purpose: the one clock, counters with English labels, latency histograms.
//! Owns: the only readings of time. Thread: each file says. Takes and gives: numbers.
//! Never: formats or locks on the data path.

mod clock;
mod counter;
mod histogram;

pub use clock::Clock;
pub use counter::{Counter, Counts, Ledger};
pub use histogram::{
    Digits, LATENCY_NS_MAX, LatencyReader, LatencyRecorder, LatencySummary, LatencyTally, latency_histogram,
};
