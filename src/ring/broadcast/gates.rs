//! The places of gating readers: where each one's cursor can be seen by the producer.
//!
//! Owns: a fixed array of places. A place is free, taken by a reader that fills it in, active, and then heeded or demoted.
//! Thread: a place belongs to the reader that took it, which alone writes its cursor and frees it; the producer
//! reads it and may turn active into heeded, for good, or into demoted.
//! Takes and gives: a cursor and a bound in, a [`Hold`] out; the producer is given [`Sight`]s.
//! Never: a place that changes hands unnoticed: its state carries a generation, and a demotion names the one it means.

use crossbeam_utils::CachePadded;

use crate::ring::CAPACITY_WORDS_MAX;
use crate::sync::{AtomicU64, Ordering, ordering};

/// How many gating readers a ring can have at a time.
pub const GATES: usize = 16;

// A place's state is one word: tag, bound (0 for none) and generation, so that they are always seen together.
const TAG: u64 = 0b111;
const FREE: u64 = 0;
const TAKEN: u64 = 1;
const ACTIVE: u64 = 2;
const HEEDED: u64 = 3;
const DEMOTED: u64 = 4;
const BOUND_SHIFT: u32 = 3;
const GENERATION_SHIFT: u32 = 32;
const BOUND: u64 = (1 << (GENERATION_SHIFT - BOUND_SHIFT)) - 1;
const _: () = assert!(CAPACITY_WORDS_MAX as u64 <= BOUND, "a bound fits its place in the state");

struct Gate {
    /// Tag, bound and generation.
    state: AtomicU64,
    /// Position of the first record that its reader has not been handed.
    cursor: AtomicU64,
}

impl Gate {
    /// Shows the producer a cursor. Reader side.
    #[inline(always)]
    fn show(&self, cursor: u64) {
        // Release, partner gate_cursor_acquire: what the reader did with the records before, and its reads of their words,
        // happen before the producer counts on them.
        self.cursor.store(cursor, ordering!("gate_cursor_release", Release));
    }
}

/// All places of a ring.
pub(super) struct Gates {
    places: Box<[CachePadded<Gate>]>,
    /// How many readers ever registered: tells the producer to look again.
    registered: CachePadded<AtomicU64>,
}

/// A reader's right to its place.
pub(super) struct Hold {
    place: usize,
    /// The place's state without its tag.
    identity: u64,
}

/// What the producer saw in a place.
pub(super) struct Sight {
    place: usize,
    state: u64,
    /// At most the reader's real cursor, or already that of the place's next owner.
    cursor: u64,
}

impl Sight {
    /// How many words the reader may be behind, if that is bounded.
    pub(super) fn bound_words(&self) -> Option<u64> {
        let bound = self.state >> BOUND_SHIFT & BOUND;
        (bound != 0).then_some(bound)
    }

    /// Whether the producer has promised this reader to write over nothing that it has not given back.
    pub(super) fn is_heeded(&self) -> bool {
        self.state & TAG == HEEDED
    }

    /// Position of the first record that the reader has not given back, as far as it was seen.
    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The position up to which the producer may write for all that this reader minds, where what lies `span` words behind
    /// it is whole.
    pub(super) fn limit(&self, span: usize) -> u64 {
        self.cursor.wrapping_add(self.bound_words().unwrap_or(u64::MAX).min(span as u64))
    }
}

impl Gates {
    pub(super) fn new(places: usize) -> Gates {
        let gate = |_| CachePadded::new(Gate { state: AtomicU64::new(FREE), cursor: AtomicU64::new(0) });
        Gates { places: (0..places).map(gate).collect(), registered: CachePadded::new(AtomicU64::new(0)) }
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// Takes a free place for a reader at `cursor`. `None` when there is none. Reader side.
    pub(super) fn register(&self, cursor: u64, bound_words: Option<u64>) -> Option<Hold> {
        let bound = bound_words.unwrap_or(0) << BOUND_SHIFT;
        let (place, identity) = self.places.iter().enumerate().find_map(|(place, gate)| {
            let state = gate.state.load(Ordering::Relaxed);
            let generation = (state >> GENERATION_SHIFT).wrapping_add(1) << GENERATION_SHIFT;
            let identity = generation | bound;
            // Acquire, partner gate_free_release: the last owner's cursors come before ours, in every thread's eyes.
            let acquire = ordering!("gate_claim_acquire", Acquire);
            let taken = identity | TAKEN;
            let won =
                state & TAG == FREE && gate.state.compare_exchange(state, taken, acquire, Ordering::Relaxed).is_ok();
            won.then_some((place, identity))
        })?;
        let gate = &self.places[place];
        // Who looked at the last owner's state may read this one's cursor, and must then see the last owner's reads done.
        gate.show(cursor);
        // Release, partner gate_active_acquire: who sees the place active sees its cursor.
        gate.state.store(identity | ACTIVE, ordering!("gate_active_release", Release));
        // Release, partner gate_registered_acquire: who sees the count sees the place active.
        self.registered.fetch_add(1, ordering!("gate_registered_release", Release));
        Some(Hold { place, identity })
    }

    /// Frees a place. Reader side.
    pub(super) fn free(&self, hold: &Hold) {
        // Release, partner gate_claim_acquire. A swap, since the producer may demote at the same time: either its
        // exchange comes first and is replaced, or it finds another state and fails.
        let free = ordering!("gate_free_release", Release);
        self.places[hold.place].state.swap(hold.identity | FREE, free);
    }

    /// Shows the producer how far a reader is. Reader side, when it is done with everything before `cursor`.
    pub(super) fn advance(&self, hold: &Hold, cursor: u64) {
        self.places[hold.place].show(cursor);
    }

    /// Whether the producer has demoted this reader. Reader side.
    pub(super) fn is_demoted(&self, hold: &Hold) -> bool {
        // Relaxed: a sign that carries no data; what the reader loses by it, it learns from the intent.
        self.places[hold.place].state.load(Ordering::Relaxed) & TAG == DEMOTED
    }

    /// Whether the producer has promised to write over nothing that this reader has not given back. It is for good.
    /// Reader side.
    #[inline]
    pub(super) fn is_heeded(&self, hold: &Hold) -> bool {
        // Relaxed: it is a promise about writes to come, which wait for this reader's cursor. Those before it are ordered
        // by the records' own lengths, as for any reader that was not lapped.
        self.places[hold.place].state.load(Ordering::Relaxed) & TAG == HEEDED
    }

    /// How many readers ever registered; those counted can be seen. Producer side.
    #[inline(always)]
    pub(super) fn registered(&self) -> u64 {
        // Acquire, partner gate_registered_release.
        self.registered.load(ordering!("gate_registered_acquire", Acquire))
    }

    /// Looks into a place: `None` when nobody gates there. Producer side.
    pub(super) fn look(&self, place: usize) -> Option<Sight> {
        let gate = &self.places[place];
        // Acquire, partner gate_active_release: the cursor is this reader's, or a later one's. Also with gate_free_release:
        // who left has read its last word in place before it is written over.
        let state = gate.state.load(ordering!("gate_active_acquire", Acquire));
        if !matches!(state & TAG, ACTIVE | HEEDED) {
            return None;
        }
        // Acquire, partner gate_cursor_release.
        let cursor = gate.cursor.load(ordering!("gate_cursor_acquire", Acquire));
        Some(Sight { place, state, cursor })
    }

    /// The cursor of the reader that is farthest behind `tail`; `None` without one that gates. Any side, for people: nothing
    /// hangs on it.
    pub(super) fn farthest(&self, tail: u64) -> Option<u64> {
        let cursors = (0..self.places()).filter_map(|place| self.look(place)).map(|sight| sight.cursor);
        cursors.max_by_key(|cursor| tail.wrapping_sub(*cursor) as i64)
    }

    /// Turns the reader seen into one that gates no more. `false` when it has left the place meanwhile: look again.
    /// Producer side, never of one that is heeded.
    pub(super) fn demote(&self, sight: &Sight) -> bool {
        debug_assert!(!sight.is_heeded(), "a reader that is heeded may be reading in place");
        self.turn(sight, DEMOTED)
    }

    /// Promises the reader seen to write over nothing that it has not given back: from now on it may read in place. It may have
    /// left the place meanwhile: look again. Producer side, and only as long as nothing from the cursor seen on is overwritten.
    pub(super) fn heed(&self, sight: &Sight) {
        self.turn(sight, HEEDED);
    }

    fn turn(&self, sight: &Sight, tag: u64) -> bool {
        // Relaxed: see `is_demoted` and `is_heeded`. The generation in the state keeps this from a later owner of the place.
        let state = &self.places[sight.place].state;
        state.compare_exchange(sight.state, sight.state & !TAG | tag, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
