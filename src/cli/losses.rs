//! Purpose: counters that tell of something dropped, refused or wrong, told while the run goes on. Owns: what was told.
//! Thread: main. Takes and gives: the ledger in, entries out. Never: a second line for what has one of its own.

use std::time::Duration;

use super::log::{Entry, Event};
use super::summary::losses;
use crate::telemetry::{Counter, Ledger};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(10);

/// Counters whose every step has a line of its own.
const TOLD: [Counter; 5] = [
    Counter::GapsOpened,
    Counter::ConnectFailures,
    Counter::ConnectionsDown,
    Counter::RestFailed,
    Counter::RestLimited,
];

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Losses {
    looked: Duration,
    told: Vec<(Counter, u64)>,
}

impl Losses {
    /// Takes a look, if it is time or `at_once`. Moments count from the start of the run.
    pub(super) fn look(&mut self, now: Duration, ledger: &Ledger, at_once: bool) -> Vec<Entry> {
        if !at_once && now < self.looked + EVERY {
            return Vec::new();
        }
        self.looked = now;
        let totals: Vec<_> = losses(ledger).into_iter().filter(|(counter, _)| !TOLD.contains(counter)).collect();
        let entries = totals.iter().filter_map(|(counter, total)| {
            let before = self.told.iter().find(|(known, _)| known == counter).map_or(0, |(_, before)| *before);
            let more = total.checked_sub(before).filter(|more| *more > 0)?;
            let message = format!("{more} {} ({total} so far)", counter.label());
            let entry = Entry::new(Event::Counted, message).with("counter", counter.label());
            Some(entry.with("count", more).with("total", *total))
        });
        let entries = entries.collect();
        self.told = totals;
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_is_told_once_and_what_has_a_line_of_its_own_is_not() {
        let ledger = Ledger::default();
        let mut counts = ledger.sheet("x");
        let mut look = |second: u64, at_once: bool, add: &[(Counter, u64)]| {
            add.iter().for_each(|(counter, n)| counts.add(*counter, *n));
            (second, at_once)
        };
        let mut told = Losses::default();
        let mut lines = |(second, at_once): (u64, bool)| told.look(Duration::from_secs(second), &ledger, at_once).len();
        assert_eq!(lines(look(1, false, &[(Counter::FramesMalformed, 2)])), 0, "not yet");
        assert_eq!(lines(look(10, false, &[])), 1);
        assert_eq!(lines(look(20, false, &[(Counter::Published, 5), (Counter::GapsOpened, 1)])), 0);
        assert_eq!(lines(look(21, true, &[(Counter::FramesMalformed, 1), (Counter::Lagged, 1)])), 2);
        assert_eq!(lines(look(40, false, &[])), 0);
    }
}
