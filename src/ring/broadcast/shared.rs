//! What producer and readers of a broadcast ring share: the words, the two counters over them, and the gates.
//!
//! Owns: `intent`, `tail`, and the sign that the producer is gone.
//! Thread: all of it is written by the producer only, but for the gates' places, which their readers write.
//! Takes and gives: positions in, where the ring begins and ends out.
//! Never: a word trusted before it is validated: see [`Shared::lost`].

use crossbeam_utils::CachePadded;

use super::gates::{GATES, Gates};
use super::memory::{Memory, Words};
use super::{Publisher, Tap};
use crate::ring::RingError;
use crate::ring::error::check_capacity;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, fence_at, ordering};

/// Words that each record takes in the ring beside its own: its number and its length.
pub const RECORD_OVERHEAD_WORDS: usize = 2;

/// Words behind the tail that are written too: the number of the record to come, and that it has not come.
pub(super) const AHEAD_WORDS: usize = 2;

/// Records are given up by strides: each a part of the ring of this many, so that `intent` is seldom written.
pub(super) const STRIDES: usize = 64;

/// How often a moving end of the ring is asked for before the caller is sent away to come again.
const TRIES: usize = if cfg!(loom) { 2 } else { 8 };

/// Where the ring begins and ends for a reader that asks.
pub(super) struct Oldest {
    /// Where the oldest whole record begins; the tail when there is none.
    pub(super) position: u64,
    /// The number of the record that begins there.
    pub(super) number: u64,
}

/// The shared part.
pub(super) struct Shared {
    /// Position of the oldest record that is whole: everything before it may be overwritten already. Readers look at it
    /// for each record, and find it in their own cache: it is written once a stride.
    intent: CachePadded<AtomicU64>,
    /// Position behind the newest record. Written for each record, and read by who joins or asks: a reader that has
    /// joined finds its next record by the record's own length.
    tail: CachePadded<AtomicU64>,
    closed: AtomicBool,
    memory: Memory,
    /// Words of a stride: a power of two.
    pub(super) stride: usize,
    pub(super) max_record: usize,
    pub(super) gates: Gates,
}

/// Whether position `a` lies behind position `b`, wherever the 64-bit count wraps.
#[inline(always)]
pub(super) fn past(a: u64, b: u64) -> bool {
    (a.wrapping_sub(b) as i64) > 0
}

impl Shared {
    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// How far behind the last word written a record surely is whole: the ring without a stride.
    #[inline(always)]
    pub(super) fn span(&self) -> usize {
        self.capacity() - self.stride
    }

    /// The words, for some accesses in a row.
    #[inline(always)]
    pub(super) fn words(&self) -> Words<'_> {
        self.memory.words()
    }

    /// Declares everything before `oldest` lost, before any of it is overwritten. Producer only.
    #[inline(always)]
    pub(super) fn retire(&self, oldest: u64) {
        self.intent.store(oldest, Ordering::Relaxed);
        // Release fence, partner bcast_copy_fence: who reads one of our next words sees this intent after its fence.
        fence_at!("bcast_intent_fence", Release);
    }

    /// Makes everything before `tail` visible to who joins. Producer only.
    #[inline(always)]
    pub(super) fn show(&self, tail: u64) {
        // Release, partner bcast_tail_acquire: the words before the tail happen before the reads of who sees it.
        self.tail.store(tail, ordering!("bcast_tail_release", Release));
    }

    /// Says that nothing will follow. Producer only, last.
    pub(super) fn close(&self) {
        // Release, partner bcast_closed_acquire: the last tail is seen by whoever sees the ring closed.
        self.closed.store(true, ordering!("bcast_closed_release", Release));
    }

    /// Whether the producer is gone. Who sees it sees the last tail from then on.
    pub(super) fn is_closed(&self) -> bool {
        // Acquire, partner bcast_closed_release.
        self.closed.load(ordering!("bcast_closed_acquire", Acquire))
    }

    /// Position behind the newest record, all of which is visible.
    #[inline(always)]
    pub(super) fn tail(&self) -> u64 {
        // Acquire, partner bcast_tail_release: the words before the tail are visible, or newer ones are.
        self.tail.load(ordering!("bcast_tail_acquire", Acquire))
    }

    /// Whether what was read from `position` on, before this call, may have been overwritten meanwhile.
    #[inline(always)]
    pub(super) fn lost(&self, position: u64) -> bool {
        // Acquire fence, partner bcast_intent_fence: had a read before it seen a newer word, the load sees its intent.
        fence_at!("bcast_copy_fence", Acquire);
        past(self.intent.load(Ordering::Relaxed), position)
    }

    /// The oldest whole record and its number, consistent with each other; `None` when the producer moved on each time
    /// that it was looked at: come again. No whole record means the position and number of the one to come.
    pub(super) fn oldest(&self) -> Option<Oldest> {
        for _ in 0..TRIES {
            let tail = self.tail();
            // Relaxed: an intent ahead of the tail seen is refused here, and the number read there is validated below.
            let position = self.intent.load(Ordering::Relaxed);
            if past(position, tail) {
                continue;
            }
            let number = self.words().get(position);
            if !self.lost(position) {
                return Some(Oldest { position, number });
            }
        }
        None
    }

    /// The tail and the number of the record to come there; `None` when the ring went all the way round meanwhile.
    pub(super) fn newest(&self) -> Option<Oldest> {
        let tail = self.tail();
        let number = self.words().get(tail);
        (!self.lost(tail)).then_some(Oldest { position: tail, number })
    }
}

/// Makes a ring of `capacity_words` words of 8 bytes, all allocated and touched here.
///
/// # Errors
/// [`RingError`] when the capacity is no power of two or outside
/// [`CAPACITY_WORDS_MIN`](crate::ring::CAPACITY_WORDS_MIN)`..=`[`CAPACITY_WORDS_MAX`](crate::ring::CAPACITY_WORDS_MAX).
pub fn channel(capacity_words: usize) -> Result<(Publisher, Tap), RingError> {
    channel_starting_at(capacity_words, 0)
}

/// As [`channel`], with the first record at `position` instead of 0 (its number is 0 all the same): for runs that put
/// the wrap of the buffer or of the 64-bit position right before the first record.
///
/// # Errors
/// As [`channel`].
pub fn channel_starting_at(capacity_words: usize, position: u64) -> Result<(Publisher, Tap), RingError> {
    check_capacity(capacity_words)?;
    Ok(join(capacity_words, capacity_words / 8, GATES, position))
}

/// Producer and tap of a ring whose sizes are already checked.
pub(in crate::ring) fn join(capacity: usize, max_record: usize, gates: usize, position: u64) -> (Publisher, Tap) {
    join_in_strides((capacity / STRIDES).max(1), capacity, max_record, gates, position)
}

/// As [`join`], with strides of so many words: models have rings too small for strides that records fit in.
pub(in crate::ring) fn join_in_strides(
    stride: usize,
    capacity: usize,
    max_record: usize,
    gates: usize,
    position: u64,
) -> (Publisher, Tap) {
    let shared = Arc::new(Shared {
        intent: CachePadded::new(AtomicU64::new(position)),
        tail: CachePadded::new(AtomicU64::new(position)),
        closed: AtomicBool::new(false),
        memory: Memory::new(capacity),
        stride,
        max_record,
        gates: Gates::new(gates),
    });
    (Publisher::new(Arc::clone(&shared), position), Tap::new(shared))
}
