//! Broadcast ring: one producer, any number of readers, and nobody loses a record without being told which.
//!
//! Owns: one preallocated buffer of words, an intent and a tail, and the places of its gating readers.
//! Thread: the [`Publisher`] on one; each [`Reader`] on one; the [`Tap`], which makes readers, on any.
//! Takes and gives: slices of `u64` words in; copies of them out, validated after copying.
//! Never: an allocation after a reader is made, a lock, a producer that waits, a torn record handed out.
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
//! bound it is never demoted as long as the producer heeds that answer. With a bound it is demoted as soon as it would
//! fall further behind, and from then on it is a reader like any other.

mod gates;
mod publisher;
mod reader;
mod shared;
mod tap;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
mod watch;

pub use gates::GATES;
pub use publisher::{PublishError, Publisher};
pub use reader::{Delivery, Lag, Reader};
pub use shared::{RECORD_OVERHEAD_WORDS, channel, channel_starting_at};
pub use tap::Tap;

#[cfg(all(test, loom))]
pub(super) use shared::join;
