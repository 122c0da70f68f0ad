//! Purpose: takes away records that have outlived their time, a few places at a time, off the data path.
//! Owns: where it goes on next time. Thread: one, any but a hot one (the control duty's, or a duty of its own).
//! Takes and gives: the time of the caller's clock, what is wanted; what it took.
//! Never: takes a record whose instrument is wanted or that has no time to live; waits for a writer; resets a version.

use super::key::Key;
use super::memory::MemoryStore;
use super::record::{TTL, UPDATED_AT, has_expired, is_without_ttl};

/// Walks a store in rounds.
#[derive(Debug)]
pub struct Sweeper {
    store: MemoryStore,
    places_per_sweep: usize,
    next: usize,
}

/// What one sweep saw. The sum of the fields but `round_ended` is the number of keys visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Records taken away.
    pub expired: usize,
    /// Kept: still within their time.
    pub young: usize,
    /// Kept: no time to live.
    pub without_ttl: usize,
    /// Kept: their instrument is wanted.
    pub wanted: usize,
    /// Left for the next round: a writer had its turn, so they are not stale.
    pub busy: usize,
    /// Keys without a live record.
    pub absent: usize,
    /// The sweep reached the end of the store; the next begins a new round.
    pub round_ended: bool,
}

enum Verdict {
    Expired(u64),
    Young,
    WithoutTtl,
    Wanted,
    Busy,
    Absent,
}

impl Sweeper {
    /// Sweeps all places of `store` each time.
    pub fn new(store: MemoryStore) -> Sweeper {
        Sweeper { places_per_sweep: usize::MAX, store, next: 0 }
    }

    /// Sweeps at most `places` of the index each time (at least one), going on where it stopped.
    pub fn with_places_per_sweep(mut self, places: usize) -> Sweeper {
        self.places_per_sweep = places.max(1);
        self
    }

    /// Takes away the records that have expired at `now_ns` (UTC) and whose key is not `wanted`.
    ///
    /// An expired record reads as not found; its version lives on. `wanted` is asked once for each key that has a
    /// live record, outside the writers' turns.
    pub fn sweep(&mut self, now_ns: i64, wanted: &dyn Fn(&Key) -> bool) -> SweepReport {
        self.sweep_each(now_ns, wanted, &mut |_, _| {})
    }

    /// As [`Sweeper::sweep`], and tells each key taken with its last version.
    pub fn sweep_each(
        &mut self,
        now_ns: i64,
        wanted: &dyn Fn(&Key) -> bool,
        taken: &mut dyn FnMut(&Key, u64),
    ) -> SweepReport {
        let mut report = SweepReport::default();
        let places = self.store.table().places();
        let end = self.next.saturating_add(self.places_per_sweep).min(places);
        for place in self.next..end {
            let Some((key, verdict)) = self.visit(place, now_ns, wanted) else { continue };
            match verdict {
                Verdict::Expired(version) => {
                    report.expired += 1;
                    taken(&key, version);
                }
                Verdict::Young => report.young += 1,
                Verdict::WithoutTtl => report.without_ttl += 1,
                Verdict::Wanted => report.wanted += 1,
                Verdict::Busy => report.busy += 1,
                Verdict::Absent => report.absent += 1,
            }
        }
        report.round_ended = end == places;
        self.next = if report.round_ended { 0 } else { end };
        report
    }

    /// Decides on one place; `None` where no key is.
    fn visit(&self, place: usize, now_ns: i64, wanted: &dyn Fn(&Key) -> bool) -> Option<(Key, Verdict)> {
        let (key, slot) = self.store.table().at(place)?;
        if !slot.latest().is_live() {
            return Some((key, Verdict::Absent));
        }
        if wanted(&key) {
            return Some((key, Verdict::Wanted));
        }
        let Some(mut turn) = slot.try_turn(1) else { return Some((key, Verdict::Busy)) };
        // Within the turn the record cannot change: what is judged is what is taken.
        let words = turn.peek(UPDATED_AT).zip(turn.peek(TTL));
        let verdict = match words {
            Some(_) if !turn.stamp().is_live() => Verdict::Absent,
            None => Verdict::Absent,
            Some((_, ttl)) if is_without_ttl(ttl) => Verdict::WithoutTtl,
            Some((updated_at, ttl)) if has_expired(updated_at, ttl, now_ns) => {
                turn.retire();
                Verdict::Expired(turn.stamp().version())
            }
            Some(_) => Verdict::Young,
        };
        Some((key, verdict))
    }
}
