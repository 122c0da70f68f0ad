//! The reading half of an SPSC ring.
//!
//! Owns: its cursor (a plain field) and a cached copy of the producer's.
//! Thread: one. Takes and gives: a closure in, records lent to it out; words go back to the producer once a batch.
//! Never: a wait, a copy: a record is read where it lies.

use core::fmt;

use super::shared::{HEADER_WORDS, PADDING, Shared};
use crate::sync::{Arc, Ordering, ordering};

/// The reading half.
pub struct Consumer {
    shared: Arc<Shared>,
    /// Position of the first record not taken. Only this half moves it, so it is never loaded from the shared one.
    head: u64,
    /// The producer's cursor as last seen: at most the real one.
    tail_seen: u64,
    /// Position behind the record that `peek` has shown, until it is released.
    peeked: Option<u64>,
}

/// A record's place: its words, and the position behind it.
struct Place {
    at: usize,
    words: usize,
    next: u64,
}

impl Consumer {
    pub(super) fn new(shared: Arc<Shared>, position: u64) -> Consumer {
        Consumer { shared, head: position, tail_seen: position, peeked: None }
    }

    /// The size of the ring in words.
    #[inline]
    pub fn capacity_words(&self) -> usize {
        self.shared.words.capacity()
    }

    /// Words taken by records, headers and padding that are published and not given back.
    pub fn used_words(&self) -> usize {
        // Relaxed: a count for people; no word of the buffer is touched on its strength.
        self.shared.tail.load(Ordering::Relaxed).wrapping_sub(self.head) as usize
    }

    /// Whether the producer is gone and every record was taken: nothing will ever come.
    pub fn is_closed(&self) -> bool {
        // Acquire, partner spsc_closed_release: with it the relaxed load below sees the producer's last tail.
        self.shared.closed.load(ordering!("spsc_closed_acquire", Acquire))
            && self.shared.tail.load(Ordering::Relaxed) == self.head
    }

    /// Hands up to `limit` records to `f`, oldest first, and says how many: all that were published before the call, or
    /// `limit`. Their words go back to the producer in one store when the batch ends, also when `f` panics; the record
    /// it panicked on then counts as taken.
    #[inline]
    pub fn poll<F: FnMut(&[u64])>(&mut self, limit: usize, mut f: F) -> usize {
        self.peeked = None;
        self.refresh();
        let mut batch = Batch { consumer: self, taken: 0 };
        while batch.taken < limit && batch.consumer.head != batch.consumer.tail_seen {
            let place = batch.consumer.locate();
            batch.consumer.head = place.next;
            batch.taken += 1;
            f(batch.consumer.record(&place));
        }
        batch.taken
    }

    /// The oldest record, left where it is: call [`release`](Consumer::release) to take it. `None` when there is none.
    #[inline]
    pub fn peek(&mut self) -> Option<&[u64]> {
        if self.head == self.tail_seen {
            self.refresh();
            if self.head == self.tail_seen {
                return None;
            }
        }
        let place = self.locate();
        self.peeked = Some(place.next);
        Some(self.record(&place))
    }

    /// Takes the record that [`peek`](Consumer::peek) has shown last, and gives its words back. Does nothing when
    /// nothing was peeked since.
    #[inline]
    pub fn release(&mut self) {
        if let Some(next) = self.peeked.take() {
            self.head = next;
            self.give_back();
        }
    }

    #[inline(always)]
    fn refresh(&mut self) {
        // Acquire, partner spsc_tail_release: the words of all records before this tail happen before our reads.
        self.tail_seen = self.shared.tail.load(ordering!("spsc_tail_acquire", Acquire));
    }

    #[inline(always)]
    fn give_back(&self) {
        // Release, partner spsc_head_acquire: our reads of these words happen before the producer's next writes there.
        self.shared.head.store(self.head, ordering!("spsc_head_release", Release));
    }

    /// Finds the oldest record, behind padding if there is some. The caller has seen that there is one.
    #[inline(always)]
    fn locate(&self) -> Place {
        let mut start = self.head;
        let mut header = self.header(start);
        if header & PADDING != 0 {
            // Padding and the record behind it are published by one store: the record is there.
            start = start.wrapping_add(header & !PADDING);
            header = self.header(start);
        }
        let words = header as usize;
        let next = start.wrapping_add((HEADER_WORDS + words) as u64);
        Place { at: self.shared.offset(start) + HEADER_WORDS, words, next }
    }

    #[inline(always)]
    fn header(&self, position: u64) -> u64 {
        // SAFETY: the position lies in `head..tail_seen`, words that belong to the consumer until it gives them back;
        // their writes happen before, by the acquire in `refresh`.
        let header = unsafe { self.shared.words.get(self.shared.offset(position), 1) };
        header[0]
    }

    #[inline(always)]
    fn record(&self, place: &Place) -> &[u64] {
        // SAFETY: the record lies before `tail_seen` and is given back only after the slice's life: `poll` stores the
        // head when the closure is done, and `release` needs the consumer that `peek`'s slice borrows.
        unsafe { self.shared.words.get(place.at, place.words) }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // Relaxed: a sign that carries no data; the producer's words stay where they are.
        self.shared.abandoned.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("head", &self.head).field("capacity", &self.capacity_words()).finish()
    }
}

/// A batch under way: gives back what was taken when it ends, whichever way.
struct Batch<'a> {
    consumer: &'a mut Consumer,
    taken: usize,
}

impl Drop for Batch<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.taken > 0 {
            self.consumer.give_back();
        }
    }
}
