//! The reading side of a broadcast ring.
//!
//! Owns: its cursor and number (plain fields), a buffer of one record, and, if it gates, its place among the gates.
//! Thread: one. Takes and gives: a closure in; records, and what was missed, handed to it.
//! Never: a wait, an allocation after it is made, a copy handed out before it is validated, a record lent that may be written.

use core::fmt;

use super::gates::{Gates, Hold};
use super::shared::{Oldest, RECORD_OVERHEAD_WORDS, Shared};
use crate::sync::Arc;

/// Records that a reader was too slow for, by their numbers, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lag {
    /// The first record missed.
    pub from: u64,
    /// The last record missed.
    pub to: u64,
    /// How many: `to - from + 1`.
    pub count: u64,
}

/// What a reader is handed, in the order of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// A record.
    Record {
        /// Its number in the ring, from 0.
        number: u64,
        /// Its words, good for the call.
        words: &'a [u64],
    },
    /// Records that were overwritten before this reader came to them.
    Lag(Lag),
}

/// What came of a look at the next record.
enum Copied {
    /// It is in the buffer: so many words.
    Whole(usize),
    /// It has not come yet.
    Nothing,
    /// It was overwritten, at the latest while it was copied.
    Lost,
}

/// The reading side: one consumer's own view.
pub struct Reader {
    shared: Arc<Shared>,
    /// Position of the next record.
    cursor: u64,
    /// Number of the next record.
    next: u64,
    buffer: Box<[u64]>,
    gate: Option<Hold>,
    /// The producer has promised to write over nothing that this reader has not given back.
    heeded: bool,
    demoted: bool,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, from: Oldest, gate: Option<Hold>) -> Reader {
        let buffer = vec![0; shared.max_record].into_boxed_slice();
        Reader { shared, cursor: from.position, next: from.number, buffer, gate, heeded: false, demoted: false }
    }

    /// Hands up to `limit` deliveries to `f` and says how many: records in order, and a [`Lag`] in the place of those
    /// that were overwritten, after which it goes on with the oldest record still whole.
    ///
    /// It returns with less than there is when the producer laps it again and again while it looks where to go on: that
    /// is no loss, the next call tries anew. When `f` panics, what it was handed counts as delivered.
    ///
    /// A gating reader tells the producer after the last delivery: what `f` did happens before the producer has the
    /// credit.
    #[inline]
    pub fn poll<F: FnMut(Delivery<'_>)>(&mut self, limit: usize, f: F) -> usize {
        if self.heeded || self.is_heeded_now() { self.poll_in_place(limit, f) } else { self.poll_copies(limit, f) }
    }

    /// As [`poll`](Reader::poll) for a reader that may be lapped: each record is copied, and validated before it is handed on.
    fn poll_copies<F: FnMut(Delivery<'_>)>(&mut self, limit: usize, mut f: F) -> usize {
        let mut done = 0;
        while done < limit {
            match self.copy() {
                Copied::Whole(words) => {
                    let number = self.next;
                    self.cursor = self.cursor.wrapping_add((RECORD_OVERHEAD_WORDS + words) as u64);
                    self.next += 1;
                    f(Delivery::Record { number, words: &self.buffer[..words] });
                }
                Copied::Nothing => break,
                Copied::Lost => {
                    let Some(oldest) = self.shared.oldest() else { break };
                    f(Delivery::Lag(self.skip_to(&oldest)));
                }
            }
            done += 1;
        }
        if self.gate.is_some() {
            self.report();
        }
        done
    }

    /// As [`poll`](Reader::poll) for a reader that is heeded: nothing from its gate's cursor on is written over, so records
    /// are read where they lie. The gate's cursor moves behind the last one, so that what they are read from stays.
    #[inline(always)]
    fn poll_in_place<F: FnMut(Delivery<'_>)>(&mut self, limit: usize, mut f: F) -> usize {
        let Reader { shared, cursor, next, buffer, gate: Some(hold), .. } = self else { return 0 };
        let (words, first) = (shared.words(), *next);
        let mut batch = Batch { at: *cursor, number: first, cursor, next, gates: &shared.gates, hold };
        while batch.number - first < limit as u64 {
            let Some((length, behind)) = words.length(batch.at) else { break };
            let (at, number) = (batch.at.wrapping_add(RECORD_OVERHEAD_WORDS as u64), batch.number);
            // First, so that it counts as delivered when `f` panics.
            (batch.at, batch.number) = (behind, number + 1);
            // SAFETY: the producer has promised to write over nothing from the gate's cursor on, which moves only when the
            // batch is dropped; the words' writes happen before, by the acquire in `length`.
            let lent = unsafe { words.lend(at, length, |words| f(Delivery::Record { number, words })) };
            if lent.is_none() {
                let buffer = &mut buffer[..length];
                words.copy_out(at, buffer);
                f(Delivery::Record { number, words: buffer });
            }
        }
        (batch.number - first) as usize
    }

    /// Whether the producer is gone and everything was delivered: nothing will ever come.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed() && self.shared.tail() == self.cursor
    }

    /// The number of the record that comes next, delivered or missed.
    #[inline]
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// How many words the producer is ahead of this reader: above the ring's capacity it has been lapped.
    pub fn behind_words(&self) -> u64 {
        self.shared.tail().wrapping_sub(self.cursor)
    }

    /// Whether this reader gates: the producer withholds room for its sake, or will demote it at its bound.
    pub fn is_gating(&self) -> bool {
        self.gate.as_ref().is_some_and(|hold| !self.shared.gates.is_demoted(hold))
    }

    /// Whether this reader gated and was demoted.
    pub fn is_demoted(&self) -> bool {
        self.demoted || self.gate.as_ref().is_some_and(|hold| self.shared.gates.is_demoted(hold))
    }

    /// Whether the producer has promised meanwhile what `heeded` says.
    #[inline]
    fn is_heeded_now(&mut self) -> bool {
        self.heeded = self.gate.as_ref().is_some_and(|hold| self.shared.gates.is_heeded(hold));
        self.heeded
    }

    /// Copies the next record into the buffer, if it has come.
    #[inline(always)]
    fn copy(&mut self) -> Copied {
        let words = self.shared.words();
        // A length that was overwritten can be anything; a length that holds fits.
        let length = words.length(self.cursor).map(|(length, _)| length.min(self.buffer.len()));
        if let Some(length) = length {
            words.copy_out(self.cursor.wrapping_add(RECORD_OVERHEAD_WORDS as u64), &mut self.buffer[..length]);
        }
        // Whatever was read: a lapped reader may have read some record's middle, and a word there that says "not yet".
        match (self.shared.lost(self.cursor), length) {
            (true, _) => Copied::Lost,
            (false, Some(words)) => Copied::Whole(words),
            (false, None) => Copied::Nothing,
        }
    }

    /// Moves to the oldest whole record and says what was missed on the way.
    #[cold]
    fn skip_to(&mut self, oldest: &Oldest) -> Lag {
        let lag = Lag { from: self.next, to: oldest.number.wrapping_sub(1), count: oldest.number - self.next };
        (self.cursor, self.next) = (oldest.position, oldest.number);
        lag
    }

    /// Tells the producer where this reader is, or leaves the place when it was demoted.
    fn report(&mut self) {
        if let Some(hold) = &self.gate {
            if self.shared.gates.is_demoted(hold) {
                self.demoted = true;
                self.leave();
            } else {
                self.shared.gates.advance(hold, self.cursor);
            }
        }
    }

    fn leave(&mut self) {
        if let Some(hold) = self.gate.take() {
            self.shared.gates.free(&hold);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("cursor", &self.cursor).field("next", &self.next).finish_non_exhaustive()
    }
}

/// Records read in place: gives back what was handed on when it ends, whichever way.
struct Batch<'a> {
    /// Position of the next record.
    at: u64,
    /// Number of the next record.
    number: u64,
    /// The reader's own, as they were.
    cursor: &'a mut u64,
    next: &'a mut u64,
    gates: &'a Gates,
    hold: &'a Hold,
}

impl Drop for Batch<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.number != *self.next {
            (*self.cursor, *self.next) = (self.at, self.number);
            self.gates.advance(self.hold, *self.cursor);
        }
    }
}
