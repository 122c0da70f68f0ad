//! Purpose: keeps the clock's UTC with the system's wall clock: the counter behind it was measured for a moment at the start, and an
//! error of that, some ten parts in a million where the machine was busy, would grow to seconds a day.
//! Owns: when to look and what is owed. Thread: one for each clock, whichever comes round often; a live source's.
//! Takes and gives: readings of the clock in, small steps of its UTC out.
//! Never: a step that anyone could take for a latency; a look at the wall clock more than once a second.

use super::clock::Clock;

/// How often the wall clock is looked at.
const LOOK_NS: u64 = 1_000_000_000;
/// The least time between two steps, and the longest step: 50 parts in a million at most.
const PAUSE_NS: u64 = 2_000_000;
const STEP_NS_MAX: i64 = 100;
/// A wall clock further off than this was set, and is not followed: that would take hours in which both are wrong.
const FOLLOWED_NS_MAX: u64 = 1_000_000_000;

/// What holds one clock to the wall clock.
#[derive(Debug)]
pub struct Discipline {
    clock: Clock,
    look_at: u64,
    step_at: u64,
    /// What the clock's UTC is still to be moved by, ns.
    owed: i64,
}

impl Discipline {
    /// For this clock and all its clones. A second one of the same clock would work against it.
    pub fn new(clock: Clock) -> Discipline {
        let now = clock.now_ns();
        Discipline { clock, look_at: now + LOOK_NS, step_at: now, owed: 0 }
    }

    /// The most by which a clock is moved in so many ns.
    #[inline]
    const fn moved_ns_max(in_ns: u64) -> u64 {
        (in_ns / PAUSE_NS + 1).saturating_mul(STEP_NS_MAX.unsigned_abs())
    }

    /// Whether two times so far apart may be one moment, told by a clock that was held to the system's for so many ns between.
    #[inline]
    pub const fn may_be_one(apart_ns: i64, in_ns: u64) -> bool {
        // Nearly all spans are this short, and the division is dear.
        if in_ns < PAUSE_NS {
            return apart_ns.unsigned_abs() <= STEP_NS_MAX.unsigned_abs();
        }
        apart_ns.unsigned_abs() <= Discipline::moved_ns_max(in_ns)
    }

    /// Takes a step if one is due, and looks at the wall clock once a second. `now_ns` is the clock's own.
    #[inline]
    pub fn tick(&mut self, now_ns: u64) {
        if now_ns >= self.look_at {
            self.look_at = now_ns + LOOK_NS;
            self.owe(self.clock.ahead_ns());
        }
        if self.owed != 0 && now_ns >= self.step_at {
            self.step_at = now_ns + PAUSE_NS;
            let step = self.step();
            self.clock.step(step);
        }
    }

    fn owe(&mut self, ahead_ns: i64) {
        self.owed = if ahead_ns.unsigned_abs() > FOLLOWED_NS_MAX { 0 } else { -ahead_ns };
    }

    fn step(&mut self) -> i64 {
        let step = self.owed.clamp(-STEP_NS_MAX, STEP_NS_MAX);
        self.owed -= step;
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::time::UnixNanos;

    #[test]
    fn what_the_clock_is_ahead_is_taken_back_in_small_steps() {
        // ahead, ns → steps
        let table: [(i64, &[i64]); 5] = [
            (250, &[-100, -100, -50, 0]),
            (-130, &[100, 30, 0]),
            (0, &[0]),
            (FOLLOWED_NS_MAX as i64 + 1, &[0]),
            (i64::MIN, &[0]),
        ];
        for (ahead, steps) in table {
            let mut discipline = Discipline::new(Clock::default());
            discipline.owe(ahead);
            let taken: Vec<i64> = steps.iter().map(|_| discipline.step()).collect();
            assert_eq!(taken, steps, "{ahead} ns ahead");
        }
    }

    #[test]
    fn no_more_is_moved_in_a_time_than_is_said_and_no_less_where_much_is_owed() {
        for span in [0, 1, PAUSE_NS - 1, PAUSE_NS, PAUSE_NS + 1, 50 * PAUSE_NS] {
            let mut discipline = Discipline::new(Clock::default());
            discipline.owe(1_000_000);
            let (clock, from) = (discipline.clock.clone(), discipline.step_at);
            let before = clock.unix_at(0).0;
            (0..=span).step_by(PAUSE_NS as usize / 4).for_each(|at| discipline.tick(from + at));
            let moved = clock.unix_at(0).0.abs_diff(before) as i64;
            assert_eq!(moved.unsigned_abs(), Discipline::moved_ns_max(span), "in {span} ns");
            assert_eq!(clock.unix_apart(UnixNanos(before), 0).abs(), moved);
            for (apart, may_be) in [(moved, true), (-moved, true), (moved + 1, false), (-moved - 1, false), (0, true)] {
                assert_eq!(Discipline::may_be_one(apart, span), may_be, "{apart} ns in {span} ns");
            }
        }
    }

    #[test]
    fn a_clock_that_runs_away_comes_back() {
        let clock = Clock::default();
        let shared = clock.clone();
        let before = clock.ahead_ns();
        clock.step(40_000_000);
        let mut discipline = Discipline::new(clock);
        // Ten virtual minutes: 50 millionths of them are 30 ms.
        let minute = 60_000_000_000;
        for tick in 0..300_000 {
            discipline.tick(minute + tick * PAUSE_NS);
        }
        let left = shared.ahead_ns() - before;
        assert!((5_000_000..15_000_000).contains(&left), "{left} ns");
    }
}
