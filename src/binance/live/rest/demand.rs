//! Purpose: how many books asked for a snapshot of late, so that what can wait does wait while books fall out of step one after
//! the other, and each of them gets a snapshot that all can afford. Owns: two counts. Thread: the REST thread.
//! Takes and gives: moments, counts. Never: forgets a request before it is ten seconds old.

/// How long a count goes on.
const SPAN_NS: u64 = 10_000_000_000;

/// Requests of the last ten to twenty seconds.
#[derive(Debug, Default)]
pub(super) struct Demand {
    since: u64,
    current: usize,
    before: usize,
}

impl Demand {
    /// A book asks.
    pub(super) fn note(&mut self, now: u64) {
        self.turn(now);
        self.current += 1;
    }

    /// How many have asked of late.
    pub(super) fn of_late(&mut self, now: u64) -> usize {
        self.turn(now);
        self.current + self.before
    }

    fn turn(&mut self, now: u64) {
        let age = now.saturating_sub(self.since);
        if age >= SPAN_NS {
            self.before = if age < 2 * SPAN_NS { self.current } else { 0 };
            (self.since, self.current) = (now, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_for_ten_seconds_at_least_and_twenty_at_most() {
        const SECOND: u64 = 1_000_000_000;
        for asked in [0, 3, 9, 10, 14, 19, 31] {
            let mut demand = Demand::default();
            (0..=asked).for_each(|at| _ = demand.of_late(at * SECOND));
            demand.note(asked * SECOND);
            for later in 0..40 {
                let counted = demand.of_late((asked + later) * SECOND) == 1;
                assert!(counted || later >= 10, "{asked} s, {later} s later");
                assert!(!counted || later < 20, "{asked} s, {later} s later");
            }
        }
    }
}
