//! The words of a broadcast ring, and the ways in which each side may touch them.
//!
//! Owns: the buffer and, under loom, a plain twin and a shadow cell of each word, so that loom sees a race on memory that
//! is read where it lies. Thread: any reads; the producer alone writes.
//! Takes and gives: positions in, words out. A position counts words since the start, modulo 2^64.
//! Never: a word that a lossy reader may be reading written otherwise than by an atomic.

#[cfg(loom)]
use super::twin::Twin;
use crate::ring::copy;
use crate::sync::{AtomicU64, Ordering, ordering};

/// In place of a record's length while it has not come.
const PENDING: u64 = 0;

/// The buffer.
pub(super) struct Memory {
    words: Box<[AtomicU64]>,
    #[cfg(loom)]
    twin: Twin,
}

impl Memory {
    /// All zero: the number of the record to come, 0, is in its place already, and that it has not come.
    pub(super) fn new(capacity: usize) -> Memory {
        Memory {
            words: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
            #[cfg(loom)]
            twin: Twin::new(capacity),
        }
    }

    /// How many words there are: a power of two.
    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.words.len()
    }

    /// The words, for some accesses in a row.
    #[inline(always)]
    pub(super) fn words(&self) -> Words<'_> {
        Words {
            all: &self.words,
            #[cfg(loom)]
            twin: &self.twin,
        }
    }
}

/// The words of a ring as found once: behind their owner the compiler would have to look for them again after each store.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    all: &'a [AtomicU64],
    #[cfg(loom)]
    twin: &'a Twin,
}

impl Words<'_> {
    #[inline(always)]
    fn offset(self, position: u64) -> usize {
        // The capacity is a power of two that fits an offset: the mask makes the cast exact.
        position as usize & (self.all.len() - 1)
    }

    /// How many words from a position on lie in one piece.
    #[inline(always)]
    fn to_end(self, position: u64) -> usize {
        self.all.len() - self.offset(position)
    }

    /// The word at a position.
    #[inline(always)]
    pub(super) fn get(self, position: u64) -> u64 {
        // Relaxed: what is read is believed only after `Shared::lost`, whose fence partners the producer's.
        self.all[self.offset(position)].load(Ordering::Relaxed)
    }

    /// Copies words out, from a position on and around the end of the buffer. For a reader that may be lapped to be
    /// believed only after `Shared::lost`.
    #[inline(always)]
    pub(super) fn copy_out(self, position: u64, into: &mut [u64]) {
        let (front, back) = into.split_at_mut(into.len().min(self.to_end(position)));
        self.load_from(self.offset(position), front);
        if !back.is_empty() {
            self.load_from(0, back);
        }
    }

    /// Copies words in, from a position on and around the end of the buffer. Producer only, after `Shared::retire`.
    #[inline(always)]
    pub(super) fn copy_in(self, position: u64, from: &[u64]) {
        let (front, back) = from.split_at(from.len().min(self.to_end(position)));
        self.store_to(self.offset(position), front);
        if !back.is_empty() {
            self.store_to(0, back);
        }
    }

    /// The length of the record at a position, and the position behind it; `None` while it has not come. For a reader that
    /// may be lapped to be believed only after `Shared::lost`, either way.
    #[inline(always)]
    pub(super) fn length(self, position: u64) -> Option<(usize, u64)> {
        let mark = position.wrapping_add(1);
        // Acquire, partner bcast_come_release: the record's words, and what stands behind it, are visible, or newer ones are.
        let word = self.all[self.offset(mark)].load(ordering!("bcast_come_acquire", Acquire));
        // The word is the length and one, the overhead two. A reader in place waits for little but this sum.
        (word != PENDING).then(|| (word as usize - 1, mark.wrapping_add(word)))
    }

    /// Says that none has come at a position behind the newest record, and the number that it will have. Producer only.
    #[inline(always)]
    pub(super) fn await_next(self, position: u64, number: u64) {
        self.copy_in(position, &[number, PENDING]);
    }

    /// Makes the record at a position visible to who waits for it there. Producer only, when its words are in place and
    /// what stands behind it says that the next has not come.
    #[inline(always)]
    pub(super) fn come(self, position: u64, length: usize) {
        let at = self.offset(position.wrapping_add(1));
        #[cfg(loom)]
        self.twin.set(at, length as u64 + 1);
        come(&self.all[at], length);
    }

    /// All of a record: `copy_in`, `await_next` and `come`, where everything that they write lies in one piece; `false`
    /// where it does not, and then nothing is written.
    #[inline(always)]
    pub(super) fn put(self, position: u64, record: &[u64], next: u64) -> bool {
        let at = self.offset(position);
        let place = self.all.get(at..).and_then(|all| all.get(..record.len() + 4));
        let Some([_, length, words @ .., number, pending]) = place else { return false };
        #[cfg(loom)]
        (at + 1..)
            .zip([&[record.len() as u64 + 1], record, &[next, PENDING]].concat())
            .for_each(|(at, word)| self.twin.set(at, word));
        // Relaxed, as in `store_to`. Upwards, as processors fetch what is written next.
        copy::store(words, record);
        number.store(next, Ordering::Relaxed);
        pending.store(PENDING, Ordering::Relaxed);
        come(length, record.len());
        true
    }

    /// Lends words where they lie to `f`; `None` where they go around the end of the buffer.
    ///
    /// # Safety
    /// No one may write these words before `f` has returned, and all earlier writes of them must happen before this
    /// call. Others may read them.
    #[inline(always)]
    pub(super) unsafe fn lend<R>(self, position: u64, length: usize, f: impl FnOnce(&[u64]) -> R) -> Option<R> {
        let at = self.offset(position);
        let words = self.all.get(at..)?.get(..length)?;
        #[cfg(loom)]
        let result = self.twin.lend(at, words.len(), f);
        // SAFETY: a live range of initialised words; `AtomicU64` has the size and bit validity of `u64`, and at least its
        // alignment; the caller promises that none is written meanwhile, and atomic loads beside plain ones are no race.
        #[cfg(not(loom))]
        let result = f(unsafe { core::slice::from_raw_parts(words.as_ptr().cast::<u64>(), words.len()) });
        Some(result)
    }

    /// Stores words from an offset on, in one piece.
    #[inline(always)]
    fn store_to(self, at: usize, from: &[u64]) {
        #[cfg(loom)]
        (at..).zip(from).for_each(|(at, word)| self.twin.set(at, *word));
        // Relaxed: `come` makes them visible, and the fence in `Shared::retire` orders them behind the intent.
        copy::store(&self.all[at..at + from.len()], from);
    }

    /// Loads words from an offset on, in one piece. Relaxed, as in `get`.
    #[inline(always)]
    fn load_from(self, at: usize, into: &mut [u64]) {
        copy::load(into, &self.all[at..at + into.len()]);
    }
}

/// Writes the word that tells a record's length and that it has come.
#[inline(always)]
fn come(word: &AtomicU64, length: usize) {
    // Release, partner bcast_come_acquire.
    word.store(length as u64 + 1, ordering!("bcast_come_release", Release));
}
