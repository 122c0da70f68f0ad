//! The writing side of a broadcast ring.
//!
//! Owns: its cursors, all plain fields: the tail, the oldest whole record, the next number, the view of the gates.
//! Thread: one. Takes and gives: records in, their ring numbers out.
//! Never: a wait, and never a load of its own `intent` or `tail`: what it knows, it knows from its fields.

use core::fmt;

use super::Tap;
use super::shared::{AHEAD_WORDS, RECORD_OVERHEAD_WORDS, STRIDES, Shared, past};
use super::watch::Watch;
use crate::ring::CAPACITY_WORDS_MAX;
use crate::sync::Arc;

/// Why a record was not published. It has no number then, and the ring is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The record is longer than [`Publisher::max_record`].
    #[error("the record is longer than an eighth of its ring")]
    TooLarge,
    /// The record would go over what a reader that is heeded has not read: see [`Publisher::room_for`].
    #[error("the record would go over what a lossless reader has not read")]
    NoRoom,
}

/// The writing side.
pub struct Publisher {
    shared: Arc<Shared>,
    /// Position behind the newest record.
    tail: u64,
    /// Up to here a record may go without a further thought: no stride begins, no record is in the way and no gate.
    calm: u64,
    /// Number of the record to come.
    number: u64,
    watch: Watch,
    /// Position of the oldest whole record.
    oldest: u64,
    /// For each stride of the ring the position of the first record that begins at its beginning or behind it.
    firsts: [u64; STRIDES],
}

impl Publisher {
    pub(super) fn new(shared: Arc<Shared>, position: u64) -> Publisher {
        let (firsts, watch) = ([position; STRIDES], Watch::new(position, shared.span()));
        Publisher { shared, tail: position, calm: position, number: 0, watch, oldest: position, firsts }
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
        self.calm = self.tail;
        self.watch.gates(&self.shared.gates, self.tail)
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
        self.calm = self.tail;
        match self.watch.held(&self.shared.gates, self.tail) {
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
    /// This is where unbounded gating readers come to be heeded: from the first answer that looked at the gates and counted
    /// one on, [`publish`](Publisher::publish) rather fails than takes from it what it has not read. What was allowed never
    /// fails. One that comes later is heeded by the next answer, unless a `publish` without room asked for,
    /// [`gates`](Publisher::gates) or [`credit_words`](Publisher::credit_words) saw it first: then by the first answer that
    /// comes to its limit, and until then nothing of its is in the way.
    ///
    /// What a stage may put out for one input is checked with this before the input is taken. While anyone gates, no more
    /// ever fits than 63 parts in 64 of the ring and two words less: the ring is given up in strides.
    #[inline]
    pub fn room_for(&mut self, words: usize) -> bool {
        // More than any ring holds is refused, or allowed, as just more is.
        let words = words.min(CAPACITY_WORDS_MAX + 1);
        let end = self.tail.wrapping_add((words + AHEAD_WORDS) as u64);
        self.watch.is_clear(&self.shared.gates, end) || self.ask_for_room(end)
    }

    #[cold]
    #[inline(never)]
    fn ask_for_room(&mut self, end: u64) -> bool {
        self.calm = self.tail;
        self.watch.promise(&self.shared.gates, end, self.oldest)
    }

    /// Publishes one record and says its number.
    ///
    /// It always succeeds for a legal size and with [`room_for`](Publisher::room_for) it. Without, readers in the way that
    /// gate and are not heeded, unbounded ones too, are demoted first and then told their [`Lag`](super::Lag) like any
    /// other: who never asks for room heeds nobody and is never refused.
    ///
    /// # Errors
    /// [`PublishError::TooLarge`] above [`max_record`](Publisher::max_record); [`PublishError::NoRoom`] where it would go
    /// over what a reader that is heeded has not read.
    #[inline(always)]
    pub fn publish(&mut self, record: &[u64]) -> Result<u64, PublishError> {
        let (shared, tail, number) = (&*self.shared, self.tail, self.number);
        let end = tail.wrapping_add((RECORD_OVERHEAD_WORDS + record.len()) as u64);
        let is_calm = !past(end.wrapping_add(AHEAD_WORDS as u64), self.calm) && !self.watch.is_news(&shared.gates);
        // A record within a stride is not too large: a stride is less than an eighth of the ring.
        if is_calm && shared.words().put(tail, record, number + 1) {
            shared.show(end);
            (self.tail, self.number) = (end, number + 1);
            return Ok(number);
        }
        self.publish_parts(&[record])
    }

    /// As [`publish`](Publisher::publish), with the record in parts that are joined in the ring.
    ///
    /// # Errors
    /// As [`publish`](Publisher::publish).
    // Apart, for of whole records it takes one a stride.
    #[inline(never)]
    pub fn publish_parts(&mut self, parts: &[&[u64]]) -> Result<u64, PublishError> {
        let length = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        if length > self.shared.max_record {
            return Err(PublishError::TooLarge);
        }
        let end = self.tail.wrapping_add((RECORD_OVERHEAD_WORDS + length) as u64);
        let written = end.wrapping_add(AHEAD_WORDS as u64);
        if !self.watch.clear(&self.shared.gates, written) {
            // It looked at the gates, and so the next record has no news of who has come: as with every look it thinks anew.
            self.calm = self.tail;
            return Err(PublishError::NoRoom);
        }
        self.make_way(written);
        // The record's own number is in its place since the record before it.
        let words = self.shared.words();
        let mut at = self.tail.wrapping_add(RECORD_OVERHEAD_WORDS as u64);
        for part in parts {
            words.copy_in(at, part);
            at = at.wrapping_add(part.len() as u64);
        }
        words.await_next(end, self.number + 1);
        words.come(self.tail, length);
        self.note_first(end);
        self.shared.show(end);
        (self.tail, self.number) = (end, self.number + 1);
        self.calm = self.calm_until();
        Ok(self.number - 1)
    }

    /// The nearest of what has to be thought of: the next stride, the oldest record a lap on, the gates' limit.
    fn calm_until(&self) -> u64 {
        let stride = self.shared.stride as u64;
        let next_stride = (self.tail & !(stride - 1)).wrapping_add(stride);
        let oldest = self.oldest.wrapping_add(self.shared.capacity() as u64);
        [oldest, self.watch.limit()]
            .into_iter()
            .fold(next_stride, |nearest, at| if past(nearest, at) { at } else { nearest })
    }

    /// Gives up the records that lie where the words up to `written` will go, and the rest of their stride: without a look
    /// at them, for they are old and in nobody's cache.
    fn make_way(&mut self, written: u64) {
        let kept = written.wrapping_sub(self.shared.capacity() as u64);
        if past(kept, self.oldest) {
            // The first stride that begins at `kept` or behind it.
            let stride = self.stride_of(kept.wrapping_sub(1)).wrapping_add(1);
            self.oldest = self.firsts[stride as usize % STRIDES];
            self.shared.retire(self.oldest);
        }
    }

    /// Remembers that a record begins at `end`, for the strides that begin between the tail and there.
    fn note_first(&mut self, end: u64) {
        let mut left = self.stride_of(end).wrapping_sub(self.stride_of(self.tail)) & self.stride_of(u64::MAX);
        while left > 0 {
            left -= 1;
            self.firsts[self.stride_of(end).wrapping_sub(left) as usize % STRIDES] = end;
        }
    }

    /// The number of the stride that a position lies in.
    fn stride_of(&self, position: u64) -> u64 {
        position >> self.shared.stride.trailing_zeros()
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
