//! Purpose: the one clock, counters with English labels, the latency ledger, traces.
//! Owns: the only readings of time. Thread: each file says. Takes and gives: numbers.
//! Never: formats on the data path, or waits for a lock there.

mod buckets;
mod clock;
mod counter;
mod cycles;
mod discipline;
mod distributions;
mod histogram;
mod hop;
mod latencies;
#[cfg(test)]
mod latencies_tests;
mod sheet;
mod traces;

pub use clock::Clock;
pub use counter::{Counter, Counts, Ledger};
pub use cycles::CycleClock;
pub use discipline::Discipline;
pub use histogram::{Digits, LatencySummary, LatencyTally, histogram_text, signed_summary};
pub use hop::HopRecorder;
pub use latencies::{CYCLE_OVER, Latencies, SignedRecorder};
pub use sheet::NO_KIND;
pub use traces::{CommandSpan, Exporting, FrameSpan, Headers, PublishTracer, TraceOptions, Tracer, Traces};
