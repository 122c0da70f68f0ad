//! Purpose: how much REST weight may be spent. The venue gives an address a weight a minute and tells what is used in a
//! header (binance.md, section 1). Owns: what was spent in the last minute.
//! Thread: the REST thread. Takes and gives: moments and weights. Never: trusts our own count when the header says more.

use std::collections::VecDeque;

const WINDOW_NS: u64 = 60_000_000_000;
/// The share of the venue's limit that we use, in percent.
const SHARE: u64 = 80;
/// One part in so many of our share is left to books that wait for a snapshot.
const RESERVE: u64 = 4;

/// The weight of one address.
#[derive(Clone, Debug)]
pub(crate) struct WeightBudget {
    limit: u64,
    /// What we spent, oldest first.
    spent: VecDeque<(u64, u64)>,
    sum: u64,
    /// What others on our address spent beyond that, and when the header told it.
    foreign: (u64, u64),
}

impl WeightBudget {
    /// Of a venue that allows so much a minute.
    pub(crate) const fn new(per_minute: u64) -> WeightBudget {
        WeightBudget { limit: per_minute, spent: VecDeque::new(), sum: 0, foreign: (0, 0) }
    }

    /// The venue's limit, as exchangeInfo tells it.
    pub(crate) fn set_limit(&mut self, per_minute: u64) {
        self.limit = per_minute;
    }

    fn expire(&mut self, now: u64) {
        while let Some((_, weight)) = self.spent.front().copied().filter(|(at, _)| at.saturating_add(WINDOW_NS) <= now)
        {
            self.sum -= weight;
            self.spent.pop_front();
        }
        if self.foreign.0.saturating_add(WINDOW_NS) <= now {
            self.foreign.1 = 0;
        }
    }

    const fn bound(&self) -> u64 {
        self.limit.saturating_mul(SHARE) / 100
    }

    /// What this minute has used, by our count or the header's.
    pub(crate) fn used(&mut self, now: u64) -> u64 {
        self.expire(now);
        self.sum + self.foreign.1
    }

    /// What we allow ourselves a minute.
    pub(crate) const fn most(&self) -> u64 {
        self.bound()
    }

    /// What may be spent now.
    pub(crate) fn left(&mut self, now: u64) -> u64 {
        self.expire(now);
        self.bound().saturating_sub(self.sum + self.foreign.1)
    }

    /// What may be spent a minute on what can wait.
    pub(crate) fn for_background(&self) -> u64 {
        self.bound() - self.bound() / RESERVE
    }

    /// What may be spent now on what can wait: a part stays for books that fall out of step.
    pub(crate) fn spare(&mut self, now: u64) -> u64 {
        self.left(now).saturating_sub(self.bound() / RESERVE)
    }

    /// When so much may be spent: `now`, or later. A weight above the whole budget waits for an empty one.
    pub(crate) fn when(&mut self, now: u64, weight: u64) -> u64 {
        let left = self.left(now);
        if weight <= left || self.sum + self.foreign.1 == 0 {
            return now;
        }
        let mut releases: Vec<(u64, u64)> = self.spent.iter().copied().chain([self.foreign]).collect();
        releases.sort_unstable();
        let mut free = left;
        for (at, released) in releases {
            free += released;
            if free >= weight {
                return now.max(at.saturating_add(WINDOW_NS));
            }
        }
        now.saturating_add(WINDOW_NS)
    }

    /// A request of that weight leaves.
    pub(crate) fn spend(&mut self, now: u64, weight: u64) {
        self.expire(now);
        self.spent.push_back((now, weight));
        self.sum += weight;
    }

    /// The header of a reply told what the address has used this minute.
    pub(crate) fn told(&mut self, now: u64, used: u64) {
        self.expire(now);
        self.foreign = (now, used.saturating_sub(self.sum));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn no_minute_sees_more_than_our_share() {
        let (mut budget, mut spent) = (WeightBudget::new(6_000), Vec::new());
        let mut now = 0;
        while now < 600 * SECOND {
            now = budget.when(now, 50);
            budget.spend(now, 50);
            spent.push(now);
            now += SECOND / 20;
        }
        for at in &spent {
            let within = spent.iter().filter(|t| (*at..at + WINDOW_NS).contains(t)).count() as u64 * 50;
            assert!(within <= 4_800, "{within}");
        }
        assert!(spent.len() as u64 * 50 >= 4_800 * 9, "the budget is used");
    }

    #[test]
    fn the_larger_of_our_count_and_the_header_holds_for_a_minute() {
        let mut budget = WeightBudget::new(6_000);
        budget.set_limit(1_000);
        budget.spend(0, 100);
        // header, left then, left 59 s later, left 61 s later (our 100 are gone too)
        for (used, left) in [(50, 700), (100, 700), (500, 300), (900, 0), (5_000, 0)] {
            let mut budget = budget.clone();
            budget.told(SECOND, used);
            assert_eq!(budget.left(SECOND), left, "header {used}");
            assert_eq!(budget.left(59 * SECOND), left, "header {used}");
            assert_eq!(budget.left(61 * SECOND), 800, "header {used}");
            assert!(budget.when(SECOND, 800) <= 61 * SECOND);
        }
    }

    #[test]
    fn a_wait_ends_when_enough_is_free_and_what_never_fits_waits_for_an_empty_budget() {
        let mut budget = WeightBudget::new(6_000);
        budget.set_limit(100);
        assert_eq!(budget.when(5, 250), 5, "nothing is spent: more than the budget may leave");
        budget.spend(10, 40);
        budget.spend(20, 40);
        assert_eq!(budget.when(30, 10), 10 + WINDOW_NS);
        assert_eq!(budget.when(30, 50), 20 + WINDOW_NS);
        assert_eq!(budget.when(30, 250), 30 + WINDOW_NS);
    }
}
