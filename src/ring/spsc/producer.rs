//! The writing half of an SPSC ring.
//!
//! Owns: its cursor (a plain field) and a cached copy of the consumer's.
//! Thread: one. Takes and gives: a length in, room to write a record out; the record is visible after `commit`.
//! Never: a wait. No room is an answer, and what to do about it is the caller's.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::gauge::Gauge;
use super::shared::{HEADER_WORDS, PADDING, Shared};
use crate::sync::{Arc, Ordering, ordering};

/// Why no room was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The consumer has to give back more words first.
    #[error("the ring is full")]
    Full,
    /// The record is longer than [`Producer::max_record`]: it will never fit.
    #[error("the record is longer than an eighth of its ring")]
    TooLarge,
}

/// The writing half.
pub struct Producer {
    shared: Arc<Shared>,
    max_record: usize,
    /// Position behind the last record committed. Only this half moves it, so it is never loaded from the shared one.
    tail: u64,
    /// The consumer's cursor as last seen: at most the real one, so room counted with it is really there.
    head_seen: u64,
}

impl Producer {
    pub(super) fn new(shared: Arc<Shared>, max_record: usize, position: u64) -> Producer {
        Producer { shared, max_record, tail: position, head_seen: position }
    }

    /// The longest record in words: an eighth of the ring.
    #[inline]
    pub fn max_record(&self) -> usize {
        self.max_record
    }

    /// The size of the ring in words.
    #[inline]
    pub fn capacity_words(&self) -> usize {
        self.shared.words.capacity()
    }

    /// Looks at the ring from outside, on any thread, without touching what the two halves do.
    pub fn gauge(&self) -> Gauge {
        Gauge::new(Arc::clone(&self.shared))
    }

    /// Words taken by records, headers and padding that the consumer has not given back.
    pub fn used_words(&self) -> usize {
        // Relaxed: a count for people and back-pressure; no word of the buffer is touched on its strength.
        self.tail.wrapping_sub(self.shared.head.load(Ordering::Relaxed)) as usize
    }

    /// Whether the consumer is gone: nobody will read what is pushed.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        // Relaxed: a sign that carries no data.
        self.shared.abandoned.load(Ordering::Relaxed)
    }

    /// Whether a record of `words` words would be given room now; `false` also for one that never will.
    /// Looks at the consumer's cursor only when the cached one shows too little room.
    #[inline]
    pub fn room_for(&mut self, words: usize) -> bool {
        self.fit(words).is_ok()
    }

    /// Room for a record of `words` words, to be written and then [committed](Claim::commit).
    ///
    /// The words hold whatever older records left there: write all of them.
    ///
    /// # Errors
    /// [`ClaimError::Full`] until the consumer gives back enough; [`ClaimError::TooLarge`] above
    /// [`max_record`](Producer::max_record).
    #[inline]
    pub fn claim(&mut self, words: usize) -> Result<Claim<'_>, ClaimError> {
        let padding = self.fit(words)?;
        Ok(Claim { producer: self, padding, words })
    }

    /// Copies one record into the ring.
    ///
    /// # Errors
    /// As [`claim`](Producer::claim).
    #[inline]
    pub fn push(&mut self, record: &[u64]) -> Result<(), ClaimError> {
        let mut claim = self.claim(record.len())?;
        claim.copy_from_slice(record);
        claim.commit();
        Ok(())
    }

    /// The words of padding that a record of `words` words needs in front of it, if there is room for both.
    #[inline(always)]
    fn fit(&mut self, words: usize) -> Result<usize, ClaimError> {
        if words > self.max_record {
            return Err(ClaimError::TooLarge);
        }
        let to_end = self.capacity_words() - self.shared.offset(self.tail);
        let padding = if to_end < HEADER_WORDS + words { to_end } else { 0 };
        let need = padding + HEADER_WORDS + words;
        if self.free_seen() < need {
            self.refresh();
            if self.free_seen() < need {
                return Err(ClaimError::Full);
            }
        }
        Ok(padding)
    }

    /// The words free by the cached cursor.
    #[inline(always)]
    fn free_seen(&self) -> usize {
        self.capacity_words() - self.tail.wrapping_sub(self.head_seen) as usize
    }

    #[cold]
    fn refresh(&mut self) {
        // Acquire, partner spsc_head_release: the consumer's reads of the words it gave back happen before our writes.
        self.head_seen = self.shared.head.load(ordering!("spsc_head_acquire", Acquire));
    }

    /// Writes the headers and makes the record visible.
    #[inline(always)]
    fn publish(&mut self, padding: usize, words: usize) {
        let at = self.shared.offset(self.tail);
        if padding > 0 {
            // SAFETY: `fit` found `padding` words free from the tail on, and free words are the producer's alone.
            let header = unsafe { self.shared.words.get_mut(at, 1) };
            header[0] = PADDING | padding as u64;
        }
        let start = self.tail.wrapping_add(padding as u64);
        // SAFETY: as above, for the record's words that follow the padding.
        let header = unsafe { self.shared.words.get_mut(self.shared.offset(start), 1) };
        header[0] = words as u64;
        self.tail = start.wrapping_add((HEADER_WORDS + words) as u64);
        // Release, partner spsc_tail_acquire: the record's words happen before the consumer's reads of them.
        self.shared.tail.store(self.tail, ordering!("spsc_tail_release", Release));
    }

    /// Where the words of a record behind `padding` words begin.
    #[inline(always)]
    fn body(&self, padding: usize) -> usize {
        self.shared.offset(self.tail.wrapping_add(padding as u64)) + HEADER_WORDS
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // Release, partner spsc_closed_acquire: the last tail is seen by whoever sees the producer gone.
        self.shared.closed.store(true, ordering!("spsc_closed_release", Release));
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("tail", &self.tail).field("capacity", &self.capacity_words()).finish()
    }
}

/// Room for one record. Dropped without [`commit`](Claim::commit) it leaves no trace.
#[must_use = "a claim that is not committed is aborted"]
pub struct Claim<'a> {
    producer: &'a mut Producer,
    padding: usize,
    words: usize,
}

impl Claim<'_> {
    /// Makes the record visible to the consumer.
    #[inline]
    pub fn commit(self) {
        self.producer.publish(self.padding, self.words);
    }
}

impl Deref for Claim<'_> {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        // SAFETY: `fit` found these words free; free words are the producer's alone, and the claim borrows it.
        unsafe { self.producer.shared.words.get(self.producer.body(self.padding), self.words) }
    }
}

impl DerefMut for Claim<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `deref`; the claim is borrowed mutably, so no other slice of these words lives. Their last
        // readers happen before: the consumer gave them back with a release that `refresh` acquired.
        unsafe { self.producer.shared.words.get_mut(self.producer.body(self.padding), self.words) }
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("words", &self.words).finish()
    }
}
