//! Purpose: how many connections may be tried. The venue allows an address 300 attempts in five minutes (binance.md,
//! section 2); we stop at half, for others may share the address. Owns: the times of the last attempts.
//! Thread: the io threads, which share them (cold). Takes and gives: moments. Never: forgets an attempt within the window.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const WINDOW_NS: u64 = 300_000_000_000;

/// Our own bound in five minutes.
const ATTEMPTS_MAX: usize = 150;

/// The attempts of one address, over the connections of all io threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    budget: Arc<Mutex<AttemptBudget>>,
}

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, AttemptBudget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next attempt may be made: `now`, or later.
    pub(crate) fn next(&self, now: u64) -> u64 {
        self.lock().next(now)
    }

    /// Makes an attempt.
    ///
    /// # Errors
    /// When one may be made, when that is not now.
    pub(crate) fn take(&self, now: u64) -> Result<(), u64> {
        let mut budget = self.lock();
        let free = budget.next(now);
        if free > now {
            return Err(free);
        }
        budget.attempt(now);
        Ok(())
    }
}

/// The attempts of one address.
#[derive(Clone, Debug, Default)]
struct AttemptBudget {
    at: VecDeque<u64>,
}

impl AttemptBudget {
    /// When the next attempt may be made: `now`, or later.
    fn next(&self, now: u64) -> u64 {
        match self.at.len().checked_sub(ATTEMPTS_MAX).and_then(|at| self.at.get(at)) {
            Some(oldest) => now.max(oldest.saturating_add(WINDOW_NS)),
            None => now,
        }
    }

    /// An attempt is made.
    fn attempt(&mut self, now: u64) {
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

    #[test]
    fn io_threads_share_one_budget() {
        let one = Attempts::default();
        let other = one.clone();
        for n in 0..ATTEMPTS_MAX as u64 {
            let taker = if n % 3 == 0 { &one } else { &other };
            assert_eq!(taker.take(n), Ok(()));
        }
        assert_eq!((one.take(200), other.take(200)), (Err(WINDOW_NS), Err(WINDOW_NS)));
        assert_eq!((one.next(200), other.take(WINDOW_NS)), (WINDOW_NS, Ok(())));
        assert_eq!(one.take(WINDOW_NS), Err(WINDOW_NS + 1));
    }
}
