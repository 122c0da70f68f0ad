//! What the two halves of an SPSC ring share, and how a pair of halves is made.
//!
//! Owns: the buffer, both published cursors, and the two signs that a half is gone.
//! Thread: `tail` and `closed` are written by the producer only, `head` and `abandoned` by the consumer only.
//! Takes and gives: a capacity in, two halves out.
//! Never: a decision; the halves hold the rules.

use crossbeam_utils::CachePadded;

use super::memory::Words;
use super::{Consumer, Producer};
use crate::ring::RingError;
use crate::ring::error::check_capacity;
use crate::sync::{Arc, AtomicBool, AtomicU64};

/// Words in front of a record's own.
pub(super) const HEADER_WORDS: usize = 1;

/// Marks a header as that of padding; the rest of the header is then the padding's length with its header.
pub(super) const PADDING: u64 = 1 << 63;

/// The shared part.
///
/// Invariants: `head <= tail <= head + capacity` in wrapping order; the words in `head..tail` belong to the consumer,
/// all others to the producer; the words in `head..tail` are whole records.
pub(super) struct Shared {
    /// Position behind the last record published.
    pub(super) tail: CachePadded<AtomicU64>,
    /// Position of the first record not yet given back.
    pub(super) head: CachePadded<AtomicU64>,
    /// The producer is gone.
    pub(super) closed: AtomicBool,
    /// The consumer is gone.
    pub(super) abandoned: AtomicBool,
    /// The records.
    pub(super) words: Words,
}

/// Whether position `a` lies behind position `b`, wherever the 64-bit count wraps.
#[inline(always)]
pub(super) fn past(a: u64, b: u64) -> bool {
    (a.wrapping_sub(b) as i64) > 0
}

impl Shared {
    /// The offset of a position in the buffer.
    #[inline(always)]
    pub(super) fn offset(&self, position: u64) -> usize {
        // The capacity is a power of two that fits an offset: the mask makes the cast exact.
        (position & (self.words.capacity() as u64 - 1)) as usize
    }
}

/// Makes a ring of `capacity_words` words of 8 bytes, all allocated and touched here.
///
/// # Errors
/// [`RingError`] when the capacity is no power of two or outside
/// [`CAPACITY_WORDS_MIN`](crate::ring::CAPACITY_WORDS_MIN)`..=`[`CAPACITY_WORDS_MAX`](crate::ring::CAPACITY_WORDS_MAX).
pub fn channel(capacity_words: usize) -> Result<(Producer, Consumer), RingError> {
    channel_starting_at(capacity_words, 0)
}

/// As [`channel`], with both cursors at `position` instead of 0: for runs that put the wrap of the buffer or of the
/// 64-bit cursor right before the first record.
///
/// # Errors
/// As [`channel`].
pub fn channel_starting_at(capacity_words: usize, position: u64) -> Result<(Producer, Consumer), RingError> {
    check_capacity(capacity_words)?;
    Ok(join(capacity_words, capacity_words / 8, position))
}

/// The halves of a ring whose sizes are already checked.
pub(in crate::ring) fn join(capacity_words: usize, max_record: usize, position: u64) -> (Producer, Consumer) {
    let shared = Arc::new(Shared {
        tail: CachePadded::new(AtomicU64::new(position)),
        head: CachePadded::new(AtomicU64::new(position)),
        closed: AtomicBool::new(false),
        abandoned: AtomicBool::new(false),
        words: Words::new(capacity_words),
    });
    (Producer::new(Arc::clone(&shared), max_record, position), Consumer::new(shared, position))
}
