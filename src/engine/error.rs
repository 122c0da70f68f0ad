//! Purpose: why an engine did not start, or ended badly. Owns: nothing. Thread: any (cold). Takes and gives: errors.
//! Never: hides which stage it was.

use super::control::JournalError;
use crate::agent::{SpawnError, StagePanicked};
use crate::bus::data::RingTooSmall;
use crate::dispatch::RouteFault;
use crate::ring::RingError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A ring's size is not one that rings have.
    #[error("engine/ring: {0}")]
    Ring(#[from] RingError),
    /// The ring of events cannot hold the longest event.
    #[error("engine/ring: {0}")]
    EventRing(#[from] RingTooSmall),
    /// The routes do not hold together.
    #[error("engine/routes: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Routes(Vec<RouteFault>),
    /// The sources do not suit the topology, or the time that the engine keeps.
    #[error("engine/sources: {0}")]
    Sources(&'static str),
    /// The control journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system gave no thread.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A stage panicked.
    #[error(transparent)]
    Stage(#[from] StagePanicked),
    /// `start` was called twice; the engine goes on as it was.
    #[error("engine/misuse: {0}")]
    Misuse(&'static str),
}
