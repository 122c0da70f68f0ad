//! Purpose: the one clock. Owns: its calibration. Thread: any; a reading is a few nanoseconds (TSC by way of quanta).
//! Takes and gives: nanoseconds. Never: goes backwards; follows a wall clock that is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::schema::time::UnixNanos;

/// Monotonic nanoseconds, tied to UTC when it is made. A wall clock that jumps later moves nothing here; what the counter gains or loses is made
/// good in steps of at most 100 ns where a [`super::Discipline`] is kept, by which UTC, and it alone, may step back.
#[derive(Clone, Debug)]
pub struct Clock {
    tsc: quanta::Clock,
    start: quanta::Instant,
    /// UTC when it was made, and what that was moved by since, ns: one for all clones.
    utc: Arc<AtomicI64>,
}

/// Looks at both clocks of which the closest counts: a thread may lose its core between two readings.
const LOOKS: usize = 3;

impl Default for Clock {
    fn default() -> Self {
        let tsc = quanta::Clock::new();
        let start = tsc.now();
        Clock { tsc, start, utc: Arc::new(AtomicI64::new(wall_ns())) }
    }
}

/// Whether one is a clone of the other.
impl PartialEq for Clock {
    fn eq(&self, other: &Clock) -> bool {
        Arc::ptr_eq(&self.utc, &other.utc)
    }
}

impl Eq for Clock {}

impl Clock {
    /// A clock whose UTC begins with this moment, whatever the system's says: for who brings the time along.
    pub fn starting_at(start: UnixNanos) -> Clock {
        Clock { utc: Arc::new(AtomicI64::new(start.0)), ..Clock::default() }
    }

    /// Nanoseconds since the clock was made.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        self.tsc.now().saturating_duration_since(self.start).as_nanos() as u64
    }

    /// The counter behind the clock as it stands: a few instructions, good for a difference alone.
    #[inline]
    pub(super) fn raw(&self) -> u64 {
        self.tsc.raw()
    }

    /// A difference of the counter, ns.
    pub(super) fn raw_ns(&self, difference: u64) -> u64 {
        self.tsc.delta_as_nanos(0, difference)
    }

    /// So many ns as a difference of the counter, to a thousandth.
    pub(super) fn ns_raw(&self, ns: u64) -> u64 {
        let per_million = u128::from(self.raw_ns(1_000_000).max(1));
        u64::try_from(u128::from(ns) * 1_000_000 / per_million).unwrap_or(u64::MAX)
    }

    /// The same moment as UTC nanoseconds.
    #[inline]
    pub fn unix_now(&self) -> UnixNanos {
        self.unix_at(self.now_ns())
    }

    /// A reading of [`Clock::now_ns`] as UTC nanoseconds.
    #[inline]
    pub fn unix_at(&self, now_ns: u64) -> UnixNanos {
        // Relaxed: a word that stands for itself.
        UnixNanos(self.utc.load(Ordering::Relaxed).saturating_add(now_ns as i64))
    }

    /// How much later a moment is than such a reading, ns; below zero where it is earlier. Of those that are centuries apart, any
    /// number.
    #[inline]
    pub fn unix_apart(&self, unix: UnixNanos, now_ns: u64) -> i64 {
        // Relaxed: as in `unix_at`.
        unix.0.wrapping_sub(self.utc.load(Ordering::Relaxed)).wrapping_sub(now_ns as i64)
    }

    /// Moves UTC by so many ns. One thread does, see [`super::Discipline`].
    pub(crate) fn step(&self, by_ns: i64) {
        // Relaxed: as in `unix_at`.
        self.utc.fetch_add(by_ns, Ordering::Relaxed);
    }

    /// How far this clock is ahead of the system's wall clock, ns: what has crept in since the start, on either side.
    pub fn ahead_ns(&self) -> i64 {
        let look = |_| {
            let (before, wall, after) = (self.now_ns(), wall_ns(), self.now_ns());
            (after - before, self.unix_at(before + (after - before) / 2).0.saturating_sub(wall))
        };
        (0..LOOKS).map(look).min_by_key(|(apart, _)| *apart).map_or(0, |(_, ahead)| ahead)
    }

    fn ahead_at(&self, now_ns: u64) -> i64 {
        self.unix_at(now_ns).0.saturating_sub(wall_ns())
    }

    /// A moment of the system's wall clock (a stamp of the kernel), as this one tells it; `now_ns` was read just now. Reads the
    /// system's: from the moment until now it is that one alone which is read twice.
    #[inline]
    pub fn unix_of_wall(&self, wall: i64, now_ns: u64) -> UnixNanos {
        UnixNanos(wall.saturating_add(self.ahead_at(now_ns)))
    }
}

/// The system's wall clock, UTC ns.
fn wall_ns() -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_runs_backwards_and_starts_at_the_wall_clock() {
        let clock = Clock::default();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
        let minute = 60_000_000_000;
        assert!((clock.unix_now().0 - wall).abs() < minute);
        assert!(clock.ahead_ns().abs() < minute);
        assert!((clock.unix_of_wall(wall, clock.now_ns()).0 - wall).abs() < minute);
        assert_eq!(clock.raw_ns(0), 0);
        for ns in [1_000, 1_000_000, 60_000_000_000] {
            let back = clock.raw_ns(clock.ns_raw(ns));
            assert!(back.abs_diff(ns) <= ns / 1_000 + 1, "{ns} {back}");
        }
        let mut last = clock.now_ns();
        for _ in 0..10_000 {
            let now = clock.now_ns();
            assert!(now >= last);
            last = now;
        }
    }
}
