//! The conductor: fuses diffs with snapshots into books it can vouch for, checks them, throttles, and derives analytics.
//!
//! | file | holds |
//! |---|---|
//! | `span` | the span rule |
//! | `sync` | the states of one book, a pure state machine |
//! | `went_back` | how ids that went backwards are told from old frames |
//! | `ask` | when a snapshot is asked for, and again |
//! | `held` | diffs held until a snapshot or a missing diff comes |
//! | `book` | the levels of one book and its known range |
//! | `side`, `window` | the levels of a side; the best of them by their ticks |
//! | `merge` | one side of a diff |
//! | `compare` | a book against levels from elsewhere |
//! | `audit`, `auditing` | a good book against a fresh snapshot, while it goes on |
//! | `fusion` | one instrument: sync, book and held diffs together |
//! | `diffs`, `snapshots`, `timers` | what happens to an instrument when a diff, a snapshot, a moment comes |
//! | `instruments` | all of them, by id, side by side |
//! | `integrity` | book tops against `bookTicker` |
//! | `analytics` | what is derived from a book |
//! | `throttle` | states conflated to the latest |
//! | `venue` | what happens when the venue says that an instrument trades, does not, or is gone |
//! | `polls` | poll results that a stream has delivered already |
//! | `status` | `STATUS.BOOK` events and whole-book events |
//! | `outlet` | the ways out of the stage |
//! | `inputs`, `errands` | what comes in: events, and wishes of others |
//! | `moments` | which instrument has something to do next |
//! | `stage` | the coordinator |
//! | `options`, `report` | what goes in at the start, what can be asked at the end |

mod analytics;
mod ask;
mod audit;
mod auditing;
mod book;
mod compare;
mod diffs;
mod errands;
mod fusion;
mod held;
mod inputs;
mod instruments;
mod integrity;
mod merge;
mod moments;
mod options;
mod outlet;
mod polls;
mod report;
mod side;
#[cfg(test)]
mod side_tests;
mod snapshots;
mod span;
mod stage;
mod status;
mod sync;
mod tally;
mod throttle;
mod timers;
mod venue;
mod went_back;
mod window;

#[cfg(test)]
mod tests;

pub use options::{ConductorOptions, Freshness};
pub use outlet::{RECORDS_PER_INPUT, WORDS_PER_INPUT};
pub use report::{BookReport, QualityCounts};
pub use span::{Span, Verdict};
pub use stage::ConductorStage;
pub use sync::SyncState;
pub use tally::BookTally;
