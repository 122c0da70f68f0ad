//! Purpose: one side of a diff. Many levels that no window covers are taken at once: one pass over the part of the row that they
//! touch, where one level after another would move the better part of it for each that comes or goes.
//! Owns: nothing (its scratch is the caller's: one for all books stays in the cache). Thread: the conductor's.
//! Takes and gives: levels.
//! Never: gives another book than setting the levels one by one does; allocates once grown.

use super::side::BookSide;
use crate::schema::raw::Level;

/// Levels from which on a pass pays (`perf/record/2026-11-26-scanner.md`). Below it the moves are few and short.
const PASS_FROM: usize = 8;

impl<const BID: bool> BookSide<BID> {
    /// Applies one side of a diff: absolute quantities, 0 removes. `fit` brings a level to the book's scales, and the order
    /// of prices must outlive it; a level that it refuses is left out. `spare` is room to work in.
    #[inline]
    pub(super) fn apply(&mut self, diff: &[Level], spare: &mut Vec<Level>, fit: impl Fn(&Level) -> Option<Level>) {
        if self.is_windowed() {
            self.set_windowed(diff, spare, fit);
        } else {
            self.set_in_row(diff, spare, fit);
        }
    }

    /// As [`Self::apply`], for levels at the book's scales, as nearly all are.
    #[inline]
    pub(super) fn apply_fitting(&mut self, diff: &[Level], spare: &mut Vec<Level>) {
        let done = self.set_all_covered(diff);
        if done < diff.len() {
            return self.apply(&diff[done..], spare, |level| Some(*level));
        }
        self.settle();
    }

    fn set_windowed(&mut self, diff: &[Level], spare: &mut Vec<Level>, fit: impl Fn(&Level) -> Option<Level>) {
        for (at, level) in diff.iter().enumerate() {
            let Some(level) = fit(level) else { continue };
            if self.set_covered(level.price, level.quantity) {
                continue;
            }
            // The venue sends the best first, so the others are beyond the window too.
            if diff.len() - at >= PASS_FROM && Self::worse(level.price, self.edge()) {
                self.set_in_row(&diff[at..], spare, fit);
                break;
            }
            self.set_beside(level.price, level.quantity);
        }
        self.settle();
    }

    /// One pass over the row where it can be and pays, else one level after the other.
    fn set_in_row(&mut self, diff: &[Level], spare: &mut Vec<Level>, fit: impl Fn(&Level) -> Option<Level>) {
        // In any other order, or with a price twice, the last one must count.
        let in_order = || diff.windows(2).all(|pair| Self::worse(pair[1].price, pair[0].price));
        if diff.len() >= PASS_FROM && in_order() {
            return self.pass(diff, spare, fit);
        }
        for level in diff {
            if let Some(level) = fit(level) {
                self.set(level.price, level.quantity);
            }
        }
        self.settle();
    }

    /// Levels that no window covers, best first.
    fn pass(&mut self, best_first: &[Level], spare: &mut Vec<Level>, fit: impl Fn(&Level) -> Option<Level>) {
        let mut worst_first = best_first.iter().rev().filter_map(fit).peekable();
        let Some(worst) = worst_first.peek() else { return };
        let from = self.place(worst.price);
        let levels = self.beyond_window();
        spare.clear();
        spare.extend_from_slice(&levels[from..]);
        levels.truncate(from);
        let mut rest = &spare[..];
        for level in worst_first {
            let (kept, other) = rest.split_at(Self::worse_run(rest, level.price));
            levels.extend_from_slice(kept);
            rest = match other {
                [first, behind @ ..] if first.price == level.price => behind,
                _ => other,
            };
            if level.quantity != 0 {
                levels.push(level);
            }
        }
        levels.extend_from_slice(rest);
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

    fn held<const BID: bool>(side: &BookSide<BID>) -> Vec<Level> {
        side.best_first().collect()
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
        let (mut passed, mut set, mut spare) = (side::<BID>(book), side::<BID>(book), Vec::new());
        passed.pass(&best_first, &mut spare, fit);
        for level in best_first.iter().filter_map(fit) {
            set.set(level.price, level.quantity);
        }
        prop_assert_eq!(held(&passed), held(&set));
        let mut applied = side::<BID>(book);
        applied.apply(&best_first, &mut spare, fit);
        prop_assert_eq!(held(&applied), held(&set));
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
        side.apply(&diff, &mut Vec::new(), |level| Some(*level));
        assert_eq!((side.len(), side.best_first().last().unwrap().price), (49, 2));
        assert_eq!(side.best(), Some(Level { price: 50, quantity: 7 }));
    }
}
