//! The engine: configuration to rooms, stages to threads.
//!
//! | file | holds |
//! |---|---|
//! | `options` | what an engine is told |
//! | `assembly` | stages made and joined, by calls or rings |
//! | `ring_sink`, `ring_agent` | the two ends of a ring between stages |
//! | `wanted` | keeps out instruments that are not wanted |
//! | `shards` | which shard an instrument goes to |
//! | `rings` | how full the rings are |
//! | `ways_back` | snapshot requests, book requests |
//! | `stoppable` | a source that can be told to end |
//! | `caretaker` | sweeps the store |
//! | [`control`] | the control duty: who wants what, and what flows because of it |
//! | `report` | how a run went |
//! | `engine` | what the owner of an engine holds |

mod assembly;
mod caretaker;
pub mod control;
#[allow(clippy::module_inception)] // The file is named for what it holds.
mod engine;
mod error;
mod options;
mod report;
mod ring_agent;
mod ring_sink;
#[cfg(test)]
mod ring_sink_tests;
mod rings;
mod shards;
mod stoppable;
mod wanted;
mod ways_back;

pub use engine::Engine;
pub use error::EngineError;
pub use options::{EngineOptions, LatencyOptions, RingWords, Topology};
pub use report::RunReport;
