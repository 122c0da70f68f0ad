//! Stages with a duty cycle, and what runs them: pinned threads, one thread for several, or a test's own steps.
//!
//! | file | holds |
//! |---|---|
//! | [`duty`] | the `Agent` trait; what takes the time of cycles |
//! | [`idle`] | what a thread does when there is no work |
//! | [`placement`] | cores that may be used, pinning, thread names |
//! | [`shutdown`] | the request to stop |
//! | [`failure`] | a stage that panicked, and the cell that the engine looks at |
//! | [`runner`] | the thread around an agent: start, duty cycles, drain, close |
//! | [`handle`] | the engine's end of a runner |
//! | [`composite`] | several agents as one, for one thread |
//! | [`stepper`] | agents without a thread |
//!
//! Invariants: an agent is called by one thread only; no agent is dropped without a name being told why its thread ended.

pub mod composite;
pub mod duty;
pub mod failure;
pub mod handle;
pub mod idle;
pub mod placement;
pub mod runner;
pub mod shutdown;
pub mod stepper;

pub use composite::Composite;
pub use duty::{Agent, CycleMeter};
pub use failure::{Failure, StagePanicked, record_panic_sites};
pub use handle::{AgentReport, DutyCounts, Ended, Handle, stop_in_order};
pub use idle::{IdleStrategy, Idler, Pause, ThreadPause, UnknownIdleStrategy};
pub use placement::{Placement, UsableCores, usable_cores};
pub use runner::{Runner, RunnerOptions, SpawnError};
pub use shutdown::Shutdown;
pub use stepper::{Settled, Stepper};
