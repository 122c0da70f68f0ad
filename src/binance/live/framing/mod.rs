//! WebSocket frames: data in place by our own framer, the upgrade and control frames by tungstenite.
//!
//! | file | holds |
//! |---|---|
//! | `framer` | bytes of a receive buffer → messages, in place; what the protocol forbids is refused |
//! | `sieve` | what tungstenite is let see of a stream: the answer to the upgrade, and control frames |
//!
//! Tests: `conformance` is the one table of byte sequences and outcomes that this and tungstenite alone are run through;
//! `differential` holds the two together on frames that nobody thought of.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod differential;
mod framer;
mod sieve;

pub(super) use framer::Refusal;
pub(super) use sieve::{Came, Sieve, read};
