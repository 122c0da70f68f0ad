//! Purpose: how often the server turns to anybody. Owns: when its next turn is. Thread: any, behind a lock (cold).
//! Takes and gives: the time in, a wait out. Never: refuses; lets one connection have two turns while another waits for one.
//!
//! A connection waits for its turn with one request in hand, so all that wait take turns, and a flood costs the machine this
//! many turns and no more: the data plane goes on beside it (faults.md, S06 and F70). What is not taken yet, TCP holds.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Turns a second of requests, over all connections. With every place taken by a peer that never stops asking, whoever else is
/// connected waits a tenth of a second.
const REQUESTS_PER_SECOND: u64 = 400;
/// Turns a second of connections that open, and of those that are turned away. They are apart, so that who knocks does not stand
/// behind all that is asked: with as many waiting before the door as the system lets wait, it takes a second.
const DOORS_PER_SECOND: u64 = 200;
/// Turns a second of reports of latency, which are made of many histograms, and on the control duty's thread. They take a turn of
/// a request too.
const REPORTS_PER_SECOND: u64 = 10;
/// Turns that may follow each other at once after a rest.
const AT_ONCE: u64 = 128;
const REPORTS_AT_ONCE: u64 = 3;

/// Turns, one after the other.
#[derive(Debug)]
pub(super) struct Pace {
    next_ns: Mutex<u64>,
    gap_ns: u64,
    at_once: u64,
}

impl Pace {
    const fn new(per_second: u64, at_once: u64) -> Pace {
        Pace { next_ns: Mutex::new(0), gap_ns: 1_000_000_000 / per_second, at_once }
    }

    /// Of requests.
    pub(super) const fn of_requests() -> Pace {
        Pace::new(REQUESTS_PER_SECOND, AT_ONCE)
    }

    /// Of connections.
    pub(super) const fn of_doors() -> Pace {
        Pace::new(DOORS_PER_SECOND, AT_ONCE)
    }

    /// Of reports of latency.
    pub(super) const fn of_reports() -> Pace {
        Pace::new(REPORTS_PER_SECOND, REPORTS_AT_ONCE)
    }

    /// Takes the next turn: how long to wait for it.
    pub(super) fn turn(&self, now_ns: u64) -> Option<Duration> {
        // One assignment: a panic leaves nothing half done.
        let mut next_ns = self.next_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let saved_ns = now_ns.saturating_sub(self.gap_ns * self.at_once);
        *next_ns = (*next_ns).max(saved_ns) + self.gap_ns;
        let wait_ns = next_ns.saturating_sub(now_ns);
        (wait_ns > 0).then(|| Duration::from_nanos(wait_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: u64 = 3_600_000_000_000;
    const GAP_NS: u64 = 1_000_000_000 / REQUESTS_PER_SECOND;

    /// How many turns come at once, at a moment.
    fn at_once(pace: &Pace, now_ns: u64) -> (u64, Duration) {
        let mut turns = 0;
        loop {
            match pace.turn(now_ns) {
                None => turns += 1,
                Some(wait) => return (turns, wait),
            }
        }
    }

    #[test]
    fn some_turns_come_at_once_and_then_each_waits_for_the_one_before() {
        let pace = Pace::of_requests();
        assert_eq!(at_once(&pace, HOUR_NS), (AT_ONCE, Duration::from_nanos(GAP_NS)));
        assert_eq!(pace.turn(HOUR_NS), Some(Duration::from_nanos(2 * GAP_NS)));
        assert_eq!(pace.turn(HOUR_NS + GAP_NS), Some(Duration::from_nanos(2 * GAP_NS)), "in order of asking");
    }

    #[test]
    fn over_an_hour_of_asking_there_are_as_many_turns_as_there_may_be() {
        let (pace, mut now_ns, mut turns) = (Pace::of_requests(), HOUR_NS, 0);
        while now_ns < 2 * HOUR_NS {
            now_ns += pace.turn(now_ns).map_or(0, |wait| wait.as_nanos() as u64);
            turns += 1;
        }
        assert_eq!(turns, 3_600 * REQUESTS_PER_SECOND + AT_ONCE);
    }

    #[test]
    fn a_rest_gives_back_what_may_come_at_once_and_no_more() {
        let pace = Pace::of_requests();
        at_once(&pace, HOUR_NS);
        // The one that had to wait has taken its turn.
        assert_eq!(at_once(&pace, HOUR_NS + 11 * GAP_NS).0, 10);
        assert_eq!(at_once(&pace, 5 * HOUR_NS).0, AT_ONCE);
    }

    #[test]
    fn connections_and_reports_have_turns_of_their_own() {
        for (pace, count) in [(Pace::of_doors(), AT_ONCE), (Pace::of_reports(), REPORTS_AT_ONCE)] {
            assert_eq!(at_once(&pace, HOUR_NS).0, count);
        }
        assert_eq!(at_once(&Pace::of_reports(), HOUR_NS).1, Duration::from_millis(100));
    }
}
