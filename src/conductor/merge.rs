//! Purpose: many levels of a side at once: one pass over the part of it that they touch, where one level after another
//! would move the better part of the side for each that comes or goes.
//! Owns: nothing (its scratch lies with the side). Thread: the conductor's. Takes and gives: levels.
//! Never: gives another book than setting the levels one by one does; allocates once grown.

use super::book::BookSide;
use crate::schema::raw::Level;

/// Levels from which on a pass pays (`perf/record/2026-11-26-scanner.md`). Below it the moves are few and short.
const PASS_FROM: usize = 8;

impl<const BID: bool> BookSide<BID> {
    /// Applies one side of a diff: absolute quantities, 0 removes. `fit` brings a level to the book's scales, and the order
    /// of prices must outlive it; a level that it refuses is left out.
    pub(super) fn apply(&mut self, diff: &[Level], fit: impl Fn(&Level) -> Option<Level>) {
        // The venue sends the best first. In any other order, or with a price twice, the last one must count.
        let in_order = || diff.windows(2).all(|pair| Self::worse(pair[1].price, pair[0].price));
        if diff.len() >= PASS_FROM && in_order() {
            return self.pass(diff, fit);
        }
        for level in diff.iter().filter_map(fit) {
            self.set(level.price, level.quantity);
        }
    }

    fn pass(&mut self, best_first: &[Level], fit: impl Fn(&Level) -> Option<Level>) {
        let mut worst_first = best_first.iter().rev().filter_map(fit).peekable();
        let Some(worst) = worst_first.peek() else { return };
        let from = self.place(worst.price);
        self.spare.clear();
        self.spare.extend_from_slice(&self.levels[from..]);
        self.levels.truncate(from);
        let mut rest = &self.spare[..];
        for level in worst_first {
            let (kept, other) = rest.split_at(Self::worse_run(rest, level.price));
            self.levels.extend_from_slice(kept);
            rest = match other {
                [first, behind @ ..] if first.price == level.price => behind,
                _ => other,
            };
            if level.quantity != 0 {
                self.levels.push(level);
            }
        }
        self.levels.extend_from_slice(rest);
    }

    /// How many of the first levels are worse than a price. Steps double from the front, for the answer is mostly small.
    #[inline]
    fn worse_run(worst_first: &[Level], price: i64) -> usize {
        let mut beyond = 1;
        while worst_first.get(beyond - 1).is_some_and(|level| Self::worse(level.price, price)) {
            beyond *= 2;
        }
        let from = beyond / 2;
        let to = worst_first.len().min(beyond - 1);
        from + worst_first[from..to].partition_point(|level| Self::worse(level.price, price))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn side<const BID: bool>(levels: &BTreeMap<i64, i64>) -> BookSide<BID> {
        let mut side = BookSide::default();
        for (&price, &quantity) in levels {
            side.set(price, quantity);
        }
        side
    }

    fn check<const BID: bool>(
        book: &BTreeMap<i64, i64>,
        diff: &BTreeMap<i64, i64>,
        factor: i64,
    ) -> Result<(), TestCaseError> {
        let mut best_first: Vec<Level> = diff.iter().map(|(&price, &quantity)| Level { price, quantity }).collect();
        if BID {
            best_first.reverse();
        }
        let fit = |l: &Level| Some(Level { price: l.price * factor, ..*l });
        let (mut passed, mut set) = (side::<BID>(book), side::<BID>(book));
        passed.pass(&best_first, fit);
        for level in best_first.iter().filter_map(fit) {
            set.set(level.price, level.quantity);
        }
        prop_assert_eq!(&passed.levels, &set.levels);
        let mut applied = side::<BID>(book);
        applied.apply(&best_first, fit);
        prop_assert_eq!(&applied.levels, &set.levels);
        Ok(())
    }

    proptest! {
        #[test]
        fn a_pass_gives_what_setting_one_by_one_gives(
            book in prop::collection::btree_map(1i64..400, 1i64..5, 0..150),
            diff in prop::collection::btree_map(1i64..200, 0i64..5, 0..90),
            factor in 1i64..3,
        ) {
            check::<true>(&book, &diff, factor)?;
            check::<false>(&book, &diff, factor)?;
        }
    }

    #[test]
    fn of_many_levels_out_of_order_the_last_of_a_price_counts() {
        let mut side = BookSide::<true>::default();
        let mut diff: Vec<Level> = (1..=50).rev().map(|price| Level { price, quantity: 1 }).collect();
        diff.push(Level { price: 50, quantity: 7 });
        diff.push(Level { price: 1, quantity: 0 });
        side.apply(&diff, |level| Some(*level));
        assert_eq!((side.levels.len(), side.levels[0].price), (49, 2));
        assert_eq!(side.levels.last(), Some(&Level { price: 50, quantity: 7 }));
    }
}
