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
        let Consumer { shared, head, tail_seen, .. } = self;
        let (shared, mut taken) = (&**shared, 0);
        let mut batch = Batch { shared, at: *head, head };
        while taken < limit && batch.at != *tail_seen {
            let place = locate(shared, batch.at);
            batch.at = place.next;
            taken += 1;
            // SAFETY: the record lies before `tail_seen`, and is given back when the batch is dropped, after the slice's life.
            f(unsafe { shared.words.get(place.at, place.words) });
        }
        taken
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
        let place = locate(&self.shared, self.head);
        self.peeked = Some(place.next);
        // SAFETY: the record lies before `tail_seen`, and `release`, which gives it back, needs the consumer that the slice borrows.
        Some(unsafe { self.shared.words.get(place.at, place.words) })
    }

    /// Takes the record that [`peek`](Consumer::peek) has shown last, and gives its words back. Does nothing when
    /// nothing was peeked since.
    #[inline]
    pub fn release(&mut self) {
        if let Some(next) = self.peeked.take() {
            self.head = next;
            give_back(&self.shared, next);
        }
    }

    #[inline(always)]
    fn refresh(&mut self) {
        // Acquire, partner spsc_tail_release: the words of all records before this tail happen before our reads.
        self.tail_seen = self.shared.tail.load(ordering!("spsc_tail_acquire", Acquire));
    }
}

/// Gives all words before a position back to the producer.
#[inline(always)]
fn give_back(shared: &Shared, head: u64) {
    // Release, partner spsc_head_acquire: our reads of these words happen before the producer's next writes there.
    shared.head.store(head, ordering!("spsc_head_release", Release));
}

/// Finds the record at a position, behind padding if there is some. The caller has seen that there is one.
#[inline(always)]
fn locate(shared: &Shared, position: u64) -> Place {
    let mut start = position;
    let mut words = header(shared, start);
    if words & PADDING != 0 {
        // Padding and the record behind it are published by one store: the record is there.
        start = start.wrapping_add(words & !PADDING);
        words = header(shared, start);
    }
    let next = start.wrapping_add(words).wrapping_add(HEADER_WORDS as u64);
    Place { at: shared.offset(start) + HEADER_WORDS, words: words as usize, next }
}

#[inline(always)]
fn header(shared: &Shared, position: u64) -> u64 {
    // SAFETY: the position lies between the consumer's head and the tail it has seen, words that are the consumer's until it
    // gives them back; their writes happen before, by the acquire in `refresh`.
    let header = unsafe { shared.words.get(shared.offset(position), HEADER_WORDS) };
    header[0]
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
    shared: &'a Shared,
    /// Position of the next record.
    at: u64,
    /// The consumer's own, as it was.
    head: &'a mut u64,
}

impl Drop for Batch<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.at != *self.head {
            *self.head = self.at;
            give_back(self.shared, self.at);
        }
    }
}
