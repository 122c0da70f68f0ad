//! SPSC ring: contiguous records of any length from one thread to one other, bounded, without waiting inside.
//!
//! Owns: one preallocated buffer of words, and two cursors that only ever grow.
//! Thread: the [`Producer`] on one, the [`Consumer`] on another; each may move, neither is shared.
//! Takes and gives: slices of `u64` words; a record lies in one piece, so a `#[repr(C)]` view over it costs nothing.
//! Never: an allocation after [`channel`], a lock, a wait, a lost record: a full ring is told to the producer.
//!
//! A record is a header word (its length) and its words. A record that would cross the end of the buffer starts anew at
//! its beginning, behind a padding record; both become visible in one store. Cursors are positions in words modulo 2^64;
//! the capacity divides 2^64, so their wrap has no effect.

mod consumer;
mod gauge;
mod memory;
mod producer;
mod shared;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

pub use consumer::Consumer;
pub use gauge::Gauge;
pub use producer::{Claim, ClaimError, Producer};
pub use shared::{channel, channel_starting_at};

#[cfg(all(test, loom))]
pub(super) use shared::join;
