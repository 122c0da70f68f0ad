//! The control duty: who wants what, and what flows because of it.
//!
//! | file | holds |
//! |---|---|
//! | `who` | whose subscription it is |
//! | `wish` | one subscription: filters, reach, lease |
//! | `needs` | which routes a type is made from |
//! | `streams` | native streams: counts, states, deadlines |
//! | `duty` | the pure state machine |
//! | `reports` | what it reports |
//! | `native` | the seam to whoever speaks to the venue |
//! | `audit` | what happened, as events |
//! | `journal` | commands over a restart |
//! | `in_process` | the native side of a source in this process |
//! | `latency_side` | what it reports of latency and rings |
//! | `live_side` | the native side of a live source |
//! | `options` | what an engine's control is told; its start, journal and all |
//! | `agent` | the duty at work: bus, tables, journal, native side |
//! | `handle` | a consumer in this process: commands and events in one hand |
//!
//! The order of a change: the consumer's filters, what is to be turned off, the table, what is to be turned on, the audit,
//! the acknowledgement. So an event that was routed by a version is judged by the filters of that version, and no stream
//! speaks before the table knows it.

mod agent;
mod audit;
mod duty;
#[cfg(test)]
mod duty_tests;
mod handle;
mod in_process;
mod journal;
mod latency_side;
mod live_side;
mod native;
mod needs;
mod options;
mod reports;
mod streams;
mod who;
mod wish;

pub(super) use agent::{ControlAgent, Parts};
pub use duty::{CONSUMERS_MAX, Duty, DutyOptions, Lapse, Plan, SUBSCRIPTIONS_MAX};
pub use handle::{ConsumerHandle, Control};
pub use journal::{Journal, JournalError, Kept, Record, What};
pub(super) use latency_side::LatencySide;
pub use live_side::LiveSide;
pub use native::{Heard, Listed, NativeSide, News, Order};
pub use options::ControlOptions;
pub(super) use options::{Begun, Steered, Steering};
pub use streams::{Now, Turned};
pub use who::Who;
pub use wish::Boot;
