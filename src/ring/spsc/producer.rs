//! The writing half of an SPSC ring.
//!
//! Owns: its cursor (a plain field) and a cached copy of the consumer's.
//! Thread: one. Takes and gives: a length in, room to write a record out; the record is visible after `commit`.
//! Never: a wait. No room is an answer, and what to do about it is the caller's.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::gauge::Gauge;
use super::shared::{HEADER_WORDS, PADDING, Shared, past};
use crate::ring::copy;
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
    /// The consumer's cursor as last seen, a lap on: at most the real one, so up to here there really is room.
    limit: u64,
    /// Up to here there is room, and the buffer does not end: the limit, or where the lap ends that the tail is in.
    calm: u64,
}

impl Producer {
    pub(super) fn new(shared: Arc<Shared>, max_record: usize, position: u64) -> Producer {
        let limit = position.wrapping_add(shared.words.capacity() as u64);
        Producer { shared, max_record, tail: position, limit, calm: position }
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
        let place = self.fit(words)?;
        Ok(Claim { producer: self, place })
    }

    /// Copies one record into the ring.
    ///
    /// # Errors
    /// As [`claim`](Producer::claim).
    #[inline(always)]
    pub fn push(&mut self, record: &[u64]) -> Result<(), ClaimError> {
        let place = self.fit(record.len())?;
        // SAFETY: as in `Claim::deref_mut`, with the header in front.
        let words = unsafe { self.shared.words.get_mut(place.at, HEADER_WORDS + record.len()) };
        let (header, body) = words.split_at_mut(HEADER_WORDS);
        header[0] = record.len() as u64;
        copy::plain(body, record);
        self.publish(place.end);
        Ok(())
    }

    /// A place for a record of `words` words, if there is room.
    #[inline(always)]
    fn fit(&mut self, words: usize) -> Result<Place, ClaimError> {
        if words > self.max_record {
            return Err(ClaimError::TooLarge);
        }
        let end = self.tail.wrapping_add((HEADER_WORDS + words) as u64);
        if past(end, self.calm) {
            return self.look_for_place(words);
        }
        Ok(Place { at: self.shared.offset(self.tail), words, end })
    }

    /// As `fit`, where the buffer may end or the consumer may have to be asked. Padding that the place needs in front of it is
    /// written here, where nobody sees it before the tail is behind it, and where nothing is lost if it never is.
    #[cold]
    #[inline(never)]
    fn look_for_place(&mut self, words: usize) -> Result<Place, ClaimError> {
        let (capacity, at) = (self.capacity_words(), self.shared.offset(self.tail));
        let (to_end, need) = (capacity - at, HEADER_WORDS + words);
        let (padding, start) = if to_end < need { (to_end, 0) } else { (0, at) };
        let end = self.tail.wrapping_add((padding + need) as u64);
        if past(end, self.limit) {
            // Acquire, partner spsc_head_release: the consumer's reads of the words it gave back happen before our writes.
            let head = self.shared.head.load(ordering!("spsc_head_acquire", Acquire));
            self.limit = head.wrapping_add(capacity as u64);
            if past(end, self.limit) {
                return Err(ClaimError::Full);
            }
        }
        if padding > 0 {
            // SAFETY: as in `Claim::deref_mut`: words from the tail on, which is free up to `end`.
            let header = unsafe { self.shared.words.get_mut(at, HEADER_WORDS) };
            header[0] = PADDING | padding as u64;
        }
        let lap_end = self.tail.wrapping_add(to_end as u64);
        self.calm = if past(lap_end, self.limit) { self.limit } else { lap_end };
        Ok(Place { at: start, words, end })
    }

    /// Makes the record that ends at `end` visible, and padding in front of it.
    #[inline(always)]
    fn publish(&mut self, end: u64) {
        self.tail = end;
        // Release, partner spsc_tail_acquire: the record's words happen before the consumer's reads of them.
        self.shared.tail.store(end, ordering!("spsc_tail_release", Release));
    }
}

/// Where a record goes: words that were found free, from the tail on.
struct Place {
    /// Offset of its header.
    at: usize,
    words: usize,
    /// Position behind it.
    end: u64,
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
    place: Place,
}

impl Claim<'_> {
    /// Makes the record visible to the consumer.
    #[inline]
    pub fn commit(self) {
        // SAFETY: as in `deref_mut`, of the word in front.
        let header = unsafe { self.producer.shared.words.get_mut(self.place.at, HEADER_WORDS) };
        header[0] = self.place.words as u64;
        self.producer.publish(self.place.end);
    }
}

impl Deref for Claim<'_> {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        // SAFETY: `fit` found these words free; free words are the producer's alone, and the claim borrows it.
        unsafe { self.producer.shared.words.get(self.place.at + HEADER_WORDS, self.place.words) }
    }
}

impl DerefMut for Claim<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `deref`; the claim is borrowed mutably, so no other slice of these words lives. Their last
        // readers happen before: the consumer gave them back with a release that `look_for_place` acquired.
        unsafe { self.producer.shared.words.get_mut(self.place.at + HEADER_WORDS, self.place.words) }
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("words", &self.place.words).finish()
    }
}
