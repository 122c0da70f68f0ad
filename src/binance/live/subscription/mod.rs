//! The streams of one connection: what is wanted, what was asked for, what speaks.
//!
//! | file | holds |
//! |---|---|
//! | `state` | what is known of a stream, and what is told of it |
//! | `streams` | `Subscriptions`: what is wanted, and each stream's state |
//! | `talk` | the messages to send, the answers that come, the venue's own list |
//! | `message` | control messages as the venue reads them |

mod message;
mod state;
mod streams;
mod talk;

#[cfg(test)]
mod tests;

pub use state::{StreamChange, StreamCounts};
pub(super) use streams::Subscriptions;
