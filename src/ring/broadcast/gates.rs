//! The places of gating readers: where each one's cursor can be seen by the producer.
//!
//! Owns: a fixed array of places. A place is free, taken by a reader that fills it in, active, or demoted.
//! Thread: a place belongs to the reader that took it, which alone writes cursor and bound and frees it; the producer
//! reads them and may turn active into demoted.
//! Takes and gives: a cursor and a bound in, a [`Hold`] out; the producer is given [`Sight`]s.
//! Never: a place that changes hands unnoticed: its state carries a generation, and a demotion names the one it means.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, Ordering, ordering};

/// How many gating readers a ring can have at a time.
pub const GATES: usize = 16;

/// The bound of a reader that has none.
pub(super) const UNBOUNDED: u64 = u64::MAX;

const TAG: u64 = 0b11;
const FREE: u64 = 0;
const TAKEN: u64 = 1;
const ACTIVE: u64 = 2;
const DEMOTED: u64 = 3;

struct Gate {
    /// Generation and tag.
    state: AtomicU64,
    /// Position of the first record that its reader has not been handed.
    cursor: AtomicU64,
    /// How many words its reader may be behind, or `UNBOUNDED`.
    bound: AtomicU64,
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
    generation: u64,
}

/// What the producer saw in a place.
pub(super) struct Sight {
    place: usize,
    state: u64,
    /// At most the reader's real cursor.
    pub(super) cursor: u64,
    /// In words, or `UNBOUNDED`.
    pub(super) bound: u64,
}

impl Gates {
    pub(super) fn new(places: usize) -> Gates {
        let gate = |_| {
            CachePadded::new(Gate {
                state: AtomicU64::new(FREE),
                cursor: AtomicU64::new(0),
                bound: AtomicU64::new(UNBOUNDED),
            })
        };
        Gates { places: (0..places).map(gate).collect(), registered: CachePadded::new(AtomicU64::new(0)) }
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// Takes a free place for a reader at `cursor`. `None` when there is none. Reader side.
    pub(super) fn register(&self, cursor: u64, bound: u64) -> Option<Hold> {
        let (place, generation) = self.places.iter().enumerate().find_map(|(place, gate)| {
            let state = gate.state.load(Ordering::Relaxed);
            let generation = state & !TAG;
            let taken = generation.wrapping_add(TAG + 1) | TAKEN;
            // Acquire, partner gate_free_release: the last owner's cursors come before ours, in every thread's eyes.
            let acquire = ordering!("gate_claim_acquire", Acquire);
            let free = state & TAG == FREE;
            let won = free && gate.state.compare_exchange(state, taken, acquire, Ordering::Relaxed).is_ok();
            won.then_some((place, taken & !TAG))
        })?;
        let gate = &self.places[place];
        // Relaxed, both: the state's release below makes them visible.
        gate.cursor.store(cursor, Ordering::Relaxed);
        gate.bound.store(bound, Ordering::Relaxed);
        // Release, partner gate_active_acquire: who sees the place active sees its cursor and bound.
        gate.state.store(generation | ACTIVE, ordering!("gate_active_release", Release));
        // Release, partner gate_registered_acquire: who sees the count sees the place active.
        self.registered.fetch_add(1, ordering!("gate_registered_release", Release));
        Some(Hold { place, generation })
    }

    /// Frees a place. Reader side.
    pub(super) fn free(&self, hold: &Hold) {
        // Release, partner gate_claim_acquire. A plain store also where the producer demotes at the same time: either
        // its exchange comes first and is overwritten, or it finds another state and fails.
        let free = ordering!("gate_free_release", Release);
        self.places[hold.place].state.store(hold.generation | FREE, free);
    }

    /// Shows the producer how far a reader is. Reader side, when it is done with everything before `cursor`.
    pub(super) fn advance(&self, hold: &Hold, cursor: u64) {
        // Release, partner gate_cursor_acquire: what the reader did with these records, and its reads of their words,
        // happen before the producer counts on them.
        self.places[hold.place].cursor.store(cursor, ordering!("gate_cursor_release", Release));
    }

    /// Whether the producer has demoted this reader. Reader side.
    pub(super) fn is_demoted(&self, hold: &Hold) -> bool {
        // Relaxed: a sign that carries no data; what the reader loses by it, it learns from the intent.
        self.places[hold.place].state.load(Ordering::Relaxed) & TAG == DEMOTED
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
        // Acquire, partner gate_active_release: cursor and bound are this reader's, or a later one's.
        let state = gate.state.load(ordering!("gate_active_acquire", Acquire));
        if state & TAG != ACTIVE {
            return None;
        }
        // Acquire, partner gate_cursor_release.
        let cursor = gate.cursor.load(ordering!("gate_cursor_acquire", Acquire));
        Some(Sight { place, state, cursor, bound: gate.bound.load(Ordering::Relaxed) })
    }

    /// Turns the reader seen into one that gates no more. `false` when it has left the place meanwhile: look again.
    /// Producer side.
    pub(super) fn demote(&self, sight: &Sight) -> bool {
        let demoted = sight.state & !TAG | DEMOTED;
        // Relaxed: see `is_demoted`. The generation in the state keeps the blow from a later owner of the place.
        let exchange = self.places[sight.place].state.compare_exchange(
            sight.state,
            demoted,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        exchange.is_ok()
    }
}
