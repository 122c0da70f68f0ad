//! Broadcast ring: one producer, any number of readers, and nobody loses a record without being told which.
//!
//! Owns: one preallocated buffer of words, an intent and a tail, and the places of its gating readers.
//! Thread: the [`Publisher`] on one; each [`Reader`] on one; the [`Tap`], which makes readers, on any.
//! Takes and gives: slices of `u64` words in; out, copies that are validated afterwards, or the words as they lie where they
//! surely stay. Never: an allocation after a reader is made, a lock, a producer that waits, a torn record handed out.
//!
//! The producer says in `intent` which records it is about to overwrite, then writes, then says by the record's length that
//! it has come, then moves `tail`, for those who join. A reader waits for that length, copies
//! the record and looks at `intent` after: if the record was still whole then, so is the copy. Each record has a
//! number, from 0 and one more each time, so what a lapped reader missed is exact: what it is handed and its [`Lag`]s
//! are together, in order and without overlap, every record from where it joined.
//!
//! Layout, in words: the record's number, its length and one, its own words, and then the number of the record to come and a
//! zero, which are written with the one before it. So a reader finds a number at every position where a record begins or will
//! begin, and its word that tells whether it has come lies in the cache line that it will want next.
//!
//! A gating reader is one whose cursor the producer looks at: [`Publisher::room_for`] and
//! [`Publisher::credit_words`] say how much may be published without taking from it what it has not read. Without a
//! bound it is *heeded* from the first answer of `room_for` that looks at the gates and counts it: it is never demoted, and what would go over its
//! records is refused. So they stay, and it reads them where they lie: no copy, no look at `intent`, and its gate
//! moves once a batch, behind what it was lent. With a bound it is demoted as soon as it would fall further behind, and
//! from then on it is a reader like any other; since that may be at any time, it copies as they do.

mod gates;
#[cfg(test)]
#[cfg(not(loom))]
mod heeded_tests;
mod memory;
mod publisher;
mod reader;
mod shared;
mod tap;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
#[cfg(loom)]
mod twin;
mod watch;

pub use gates::GATES;
pub use publisher::{PublishError, Publisher};
pub use reader::{Delivery, Lag, Reader};
pub use shared::{RECORD_OVERHEAD_WORDS, channel, channel_starting_at};
pub use tap::Tap;

#[cfg(all(test, loom))]
pub(super) use shared::{join, join_in_strides};
