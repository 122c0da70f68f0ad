//! The writing side of a broadcast ring.
//!
//! Owns: its cursors, all plain fields: the tail, the oldest whole record, the next number, the view of the gates.
//! Thread: one. Takes and gives: records in, their ring numbers out.
//! Never: a wait, and never a load of its own `intent` or `tail`: what it knows, it knows from its fields.

use core::fmt;

use super::Tap;
use super::shared::{AHEAD_WORDS, RECORD_OVERHEAD_WORDS, STRIDES, Shared, past};
use super::watch::Watch;
use crate::sync::Arc;

/// Why a record was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The record is longer than [`Publisher::max_record`].
    #[error("the record is longer than an eighth of its ring")]
    TooLarge,
}

/// The writing side.
pub struct Publisher {
    shared: Arc<Shared>,
    /// Position behind the newest record.
    tail: u64,
    /// Position of the oldest whole record.
    oldest: u64,
    /// For each stride of the ring the position of the first record that begins at its beginning or behind it.
    firsts: [u64; STRIDES],
    /// Binary logarithm of a stride's words.
    stride_shift: u32,
    /// Number of the record to come.
    number: u64,
    watch: Watch,
}

impl Publisher {
    pub(super) fn new(shared: Arc<Shared>, position: u64) -> Publisher {
        let stride_shift = shared.stride().trailing_zeros();
        let firsts = [position; STRIDES];
        Publisher { shared, tail: position, oldest: position, firsts, stride_shift, number: 0, watch: Watch::default() }
    }

    /// The longest record in words: an eighth of the ring.
    #[inline]
    pub fn max_record(&self) -> usize {
        self.shared.max_record
    }

    /// The size of the ring in words.
    #[inline]
    pub fn capacity_words(&self) -> usize {
        self.shared.capacity()
    }

    /// The number that the next record will have: also how many were published.
    #[inline]
    pub fn next_number(&self) -> u64 {
        self.number
    }

    /// Another [`Tap`] of this ring.
    pub fn tap(&self) -> Tap {
        Tap::new(Arc::clone(&self.shared))
    }

    /// How many readers gate now. Looks at every gate: not for each record.
    pub fn gates(&mut self) -> usize {
        self.watch.gates(&self.shared.gates, self.shared.span())
    }

    /// How many gating readers were demoted so far.
    #[inline]
    pub fn demotions(&self) -> u64 {
        self.watch.demotions()
    }

    /// How many words of records, each with its [`RECORD_OVERHEAD_WORDS`], can be published without taking from an
    /// unbounded gating reader what it has not read; `usize::MAX` when there is no such reader. A bounded one is not
    /// counted: it never holds the producer back, see [`Tap::gating_reader`].
    ///
    /// Looks at every gate: [`room_for`](Publisher::room_for) is cheaper.
    pub fn credit_words(&mut self) -> usize {
        match self.watch.held(&self.shared.gates, self.shared.span()) {
            None => usize::MAX,
            // A reader that was lapped before the producer knew of it holds everything until it reads again.
            Some(held) if !past(held, self.tail.wrapping_add(AHEAD_WORDS as u64)) => 0,
            Some(held) => held.wrapping_sub(self.tail) as usize - AHEAD_WORDS,
        }
    }

    /// Whether `words` words of records, each counted with its [`RECORD_OVERHEAD_WORDS`], can be published without
    /// taking from an unbounded gating reader what it has not read. Bounded ones that this would carry over their bound
    /// are demoted here. Looks at the gates only when the answer as last computed does not do.
    ///
    /// What a stage may put out for one input is checked with this before the input is taken. While anyone gates, no more
    /// ever fits than 63 parts in 64 of the ring and two words less: the ring is given up in strides.
    #[inline]
    pub fn room_for(&mut self, words: usize) -> bool {
        // More than the ring holds is refused, or allowed, as just more than the ring is.
        let words = words.min(self.shared.capacity());
        let end = self.tail.wrapping_add((words + AHEAD_WORDS) as u64);
        self.watch.allows(&self.shared.gates, self.shared.span(), end)
    }

    /// Publishes one record and says its number.
    ///
    /// It always succeeds for a legal size. Where the caller has not made sure of
    /// [`room_for`](Publisher::room_for) it, gating readers in the way, unbounded ones too, are demoted first and then
    /// told their [`Lag`](super::Lag) like any other.
    ///
    /// # Errors
    /// [`PublishError::TooLarge`] above [`max_record`](Publisher::max_record); the record has no number then.
    #[inline]
    pub fn publish(&mut self, record: &[u64]) -> Result<u64, PublishError> {
        self.publish_parts(&[record])
    }

    /// As [`publish`](Publisher::publish), with the record in parts that are joined in the ring.
    ///
    /// # Errors
    /// As [`publish`](Publisher::publish).
    #[inline]
    pub fn publish_parts(&mut self, parts: &[&[u64]]) -> Result<u64, PublishError> {
        let words = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        if words > self.shared.max_record {
            return Err(PublishError::TooLarge);
        }
        let end = self.tail.wrapping_add((RECORD_OVERHEAD_WORDS + words) as u64);
        let written = end.wrapping_add(AHEAD_WORDS as u64);
        self.watch.clear(&self.shared.gates, self.shared.span(), written);
        self.make_way(written);
        let number = self.number;
        self.number += 1;
        // From its end to its beginning, so that the line at which readers wait is taken from them once, and last. The
        // record's own number is in its place since the record before it.
        self.shared.await_next(end, self.number);
        let mut at = end;
        for part in parts.iter().rev() {
            at = at.wrapping_sub(part.len() as u64);
            self.shared.copy_in(at, part);
        }
        self.shared.come(self.tail, words);
        self.note_first(end);
        self.tail = end;
        self.shared.show(end);
        Ok(number)
    }

    /// Gives up the records that lie where the words up to `written` will go, and the rest of their stride: without a look
    /// at them, for they are old and in nobody's cache.
    #[inline(always)]
    fn make_way(&mut self, written: u64) {
        let kept = written.wrapping_sub(self.shared.capacity() as u64);
        if past(kept, self.oldest) {
            // The first stride that begins at `kept` or behind it.
            let stride = (kept.wrapping_sub(1) >> self.stride_shift).wrapping_add(1);
            self.oldest = self.firsts[stride as usize % STRIDES];
            self.shared.retire(self.oldest);
        }
    }

    /// Remembers that a record begins at `end`, for the strides that begin between the tail and there.
    #[inline(always)]
    fn note_first(&mut self, end: u64) {
        let begun = |position: u64| position >> self.stride_shift;
        let mut left = begun(end).wrapping_sub(begun(self.tail)) & begun(u64::MAX);
        while left > 0 {
            left -= 1;
            self.firsts[begun(end).wrapping_sub(left) as usize % STRIDES] = end;
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("tail", &self.tail).field("number", &self.number).finish_non_exhaustive()
    }
}
