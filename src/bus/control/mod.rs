//! The control bus: commands in, one acknowledgement for each.
//!
//! | file | holds |
//! |---|---|
//! | [`queue`] | the bounded queue, its two ends, and the envelope that carries a command and owes an answer |
//!
//! Invariants: a command that was taken is answered, exactly once; one that was not is refused at once.

pub mod queue;
#[cfg(test)]
mod queue_tests;

pub use queue::{
    Acknowledgement, Consumer, ControlBus, ControlClient, ControlError, ControlInbox, Envelope, Principal, RequestId,
};
