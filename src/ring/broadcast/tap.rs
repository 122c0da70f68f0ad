//! Where readers of a broadcast ring come from.
//!
//! Owns: a share of the ring. Thread: any, at any time, also while the producer runs.
//! Takes and gives: where to join in, a [`Reader`] out.
//! Never: a record read, or a step of the producer waited for beyond the retry of a read that it overtook.

use core::fmt;

use super::Reader;
use super::shared::{AHEAD_WORDS, Oldest, RECORD_OVERHEAD_WORDS, Shared};
use crate::ring::RingError;
use crate::sync::{Arc, spin_loop};

/// Makes readers.
#[derive(Clone)]
pub struct Tap {
    shared: Arc<Shared>,
}

impl Tap {
    pub(super) fn new(shared: Arc<Shared>) -> Tap {
        Tap { shared }
    }

    /// The longest record in words.
    pub fn max_record(&self) -> usize {
        self.shared.max_record
    }

    /// The size of the ring in words.
    pub fn capacity_words(&self) -> usize {
        self.shared.capacity()
    }

    /// Words that the lossless reader farthest behind has not read; 0 without one.
    pub fn held_words(&self) -> usize {
        let tail = self.shared.tail();
        let behind = self.shared.gates.farthest(tail).map_or(0, |cursor| tail.wrapping_sub(cursor) as i64);
        // A cursor read behind the tail may have passed it.
        usize::try_from(behind).unwrap_or(0).min(self.capacity_words())
    }

    /// A reader that gets everything published from now on. Allocates its buffer here.
    pub fn reader_at_now(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared), self.find(Shared::newest), None)
    }

    /// A reader that begins with the oldest record still whole. Allocates its buffer here.
    pub fn reader_at_oldest(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared), self.find(Shared::oldest), None)
    }

    /// A reader that gets everything from now on and whose cursor the producer looks at.
    ///
    /// Without a bound the producer's [`room_for`](super::Publisher::room_for) withholds room until this reader has
    /// read: it loses nothing as long as the producer heeds that. From the first answer that looks at the gates and counts it
    /// (see there), it is heeded for good: it is never demoted, what would go over its records is refused, and it reads them
    /// where they lie instead of copying them. With a bound of so many words (records, each with its
    /// [`RECORD_OVERHEAD_WORDS`], and two words) it never holds the producer back: as soon as it would be further behind
    /// it is demoted to a reader like any other, and [`Reader::is_demoted`] says so. A bound of more than 63 parts in 64 of the
    /// ring is as one of so many: what lies further behind may be given up.
    ///
    /// It gates from the first time that the producer publishes or asks for room and sees the registration. Should the
    /// producer go all the way round the ring before it does, the reader is told its [`Lag`](super::Lag) for that, and is
    /// heeded once it was.
    ///
    /// # Errors
    /// [`RingError::NoFreeGate`] when [`GATES`](super::GATES) readers gate; [`RingError::BoundOutOfRange`] when the
    /// bound is below the longest record with its overhead and two words, or above the capacity.
    pub fn gating_reader(&self, bound_words: Option<usize>) -> Result<Reader, RingError> {
        let bound = bound_words.map(|bound| self.check_bound(bound)).transpose()?;
        let from = self.find(Shared::newest);
        let hold = self.shared.gates.register(from.position, bound);
        let hold = hold.ok_or(RingError::NoFreeGate { gates: self.shared.gates.places() })?;
        Ok(Reader::new(Arc::clone(&self.shared), from, Some(hold)))
    }

    fn check_bound(&self, bound_words: usize) -> Result<u64, RingError> {
        let min = self.shared.max_record + RECORD_OVERHEAD_WORDS + AHEAD_WORDS;
        let max = self.shared.capacity();
        if !(min..=max).contains(&bound_words) {
            return Err(RingError::BoundOutOfRange { bound_words, min, max });
        }
        Ok(bound_words as u64)
    }

    /// Asks until the producer has not overtaken the answer; each new try means that it has moved on.
    fn find(&self, ask: fn(&Shared) -> Option<Oldest>) -> Oldest {
        loop {
            if let Some(found) = ask(&self.shared) {
                return found;
            }
            spin_loop();
        }
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("capacity", &self.capacity_words()).finish()
    }
}
