//! The streams of one connection: what is wanted, what was asked for, what speaks.
//!
//! | file | holds |
//! |---|---|
//! | `streams` | `Subscriptions`: each stream's state, the messages to send, the answers that come |
//! | `message` | control messages as the venue reads them |

mod message;
mod streams;

#[cfg(test)]
mod tests;

pub(super) use streams::Subscriptions;
pub use streams::{StreamChange, StreamCounts};
