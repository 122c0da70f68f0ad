//! Purpose: how many connections may be tried. The venue allows an address 300 attempts in five minutes (binance.md,
//! section 2); we stop at half, for others may share the address. Owns: the times of the last attempts.
//! Thread: the io thread. Takes and gives: moments. Never: forgets an attempt within the window.

use std::collections::VecDeque;

const WINDOW_NS: u64 = 300_000_000_000;

/// Our own bound in five minutes.
const ATTEMPTS_MAX: usize = 150;

/// The attempts of one address, over all connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttemptBudget {
    at: VecDeque<u64>,
}

impl AttemptBudget {
    /// When the next attempt may be made: `now`, or later.
    pub(crate) fn next(&self, now: u64) -> u64 {
        match self.at.len().checked_sub(ATTEMPTS_MAX).and_then(|at| self.at.get(at)) {
            Some(oldest) => now.max(oldest.saturating_add(WINDOW_NS)),
            None => now,
        }
    }

    /// An attempt is made.
    pub(crate) fn attempt(&mut self, now: u64) {
        if self.at.len() >= ATTEMPTS_MAX {
            self.at.pop_front();
        }
        self.at.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_five_minutes_see_more_than_our_bound() {
        let (mut budget, mut at, second) = (AttemptBudget::default(), Vec::new(), 1_000_000_000);
        for now in (0..3_600).map(|n| n * second) {
            if budget.next(now) <= now {
                budget.attempt(now);
                at.push(now);
            }
        }
        for from in 0..3_600 {
            let within = at.iter().filter(|t| (from * second..from * second + WINDOW_NS).contains(t)).count();
            assert!(within <= ATTEMPTS_MAX, "{within} from second {from}");
        }
        assert_eq!(at.len(), ATTEMPTS_MAX * 12, "the budget is used");
    }

    #[test]
    fn a_full_budget_says_when_it_opens() {
        let mut budget = AttemptBudget::default();
        for n in 0..ATTEMPTS_MAX as u64 {
            assert_eq!(budget.next(n), n);
            budget.attempt(n);
        }
        assert_eq!(budget.next(200), WINDOW_NS);
    }
}
