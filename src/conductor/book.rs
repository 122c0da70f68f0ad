//! Purpose: the levels of one book, exact, and the range in which they are known.
//! Owns: two sides (`side`). Thread: the conductor's. Takes and gives: levels at any scale; sides of diffs are taken in `merge`.
//! Never: rounds, allocates once grown, applies half a diff.

use super::side::BookSide;
use crate::schema::decimal::{Decimal, power_of_ten};
use crate::schema::raw::Level;

/// Why levels cannot be taken. Nothing of them was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A value needs more than 63 bits at the scale of the book.
    Overflow,
    /// A snapshot is unsorted, has a price twice, a quantity that is not positive, or is crossed; a diff has a negative value.
    Malformed,
}

/// Levels as they came, bids and asks each best first in a snapshot, in any order in a diff.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels<'a> {
    pub(super) bids: &'a [Level],
    pub(super) asks: &'a [Level],
    pub(super) price_scale: u8,
    pub(super) quantity_scale: u8,
}

/// Brings mantissas from one scale to another, exactly.
#[derive(Clone, Copy, Debug)]
struct Rescale {
    multiply: i64,
    divide: i64,
}

impl Rescale {
    fn between(from: u8, to: u8) -> Option<Rescale> {
        if to >= from {
            Some(Rescale { multiply: power_of_ten(to - from)?, divide: 1 })
        } else {
            Some(Rescale { multiply: 1, divide: power_of_ten(from - to)? })
        }
    }

    /// `None` when digits would be lost or the result overflows.
    #[inline]
    fn of(self, mantissa: i64) -> Option<i64> {
        if self.divide != 1 {
            return (mantissa % self.divide == 0).then(|| mantissa / self.divide);
        }
        mantissa.checked_mul(self.multiply)
    }
}

/// The book of one instrument.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) bids: BookSide<true>,
    pub(super) asks: BookSide<false>,
    pub(super) price_scale: u8,
    pub(super) quantity_scale: u8,
    /// The worst bid that is known; `None` when every bid is.
    pub(super) known_bid: Option<i64>,
    /// The worst ask that is known, likewise.
    pub(super) known_ask: Option<i64>,
}

impl Book {
    /// An empty book whose sides have windows of so many ticks, where they are dense; 0: none.
    pub(super) fn new(window_ticks: usize) -> Book {
        Book { bids: BookSide::new(window_ticks), asks: BookSide::new(window_ticks), ..Book::default() }
    }

    /// Applies a diff: absolute quantities; of one price twice the last counts. Gives whether the scale was widened. `spare` is
    /// room to work in.
    pub(super) fn apply(&mut self, diff: Levels<'_>, spare: &mut Vec<Level>) -> Result<bool, Refusal> {
        if (diff.price_scale, diff.quantity_scale) == (self.price_scale, self.quantity_scale) {
            Self::check_signs(diff)?;
            self.bids.apply_fitting(diff.bids, spare);
            self.asks.apply_fitting(diff.asks, spare);
            return Ok(false);
        }
        let widened = self.make_fit(diff)?;
        let (price, quantity) = self.rescales(diff)?;
        let fit = |l: &Level| Some(Level { price: price.of(l.price)?, quantity: quantity.of(l.quantity)? });
        self.bids.apply(diff.bids, spare, fit);
        self.asks.apply(diff.asks, spare, fit);
        Ok(widened)
    }

    fn check_signs(diff: Levels<'_>) -> Result<(), Refusal> {
        // All of them, without a look at each: a price of 0 less one is negative, as one of less is.
        let signs =
            |levels: &[Level]| levels.iter().fold(0, |all, l| all | l.price.wrapping_sub(1) | l.price | l.quantity);
        if signs(diff.bids) | signs(diff.asks) >= 0 { Ok(()) } else { Err(Refusal::Malformed) }
    }

    fn rescales(&self, levels: Levels<'_>) -> Result<(Rescale, Rescale), Refusal> {
        Rescale::between(levels.price_scale, self.price_scale)
            .zip(Rescale::between(levels.quantity_scale, self.quantity_scale))
            .ok_or(Refusal::Overflow)
    }

    /// Widens the book's scales as far as the diff's values need, after making sure that all of both fits.
    pub(super) fn make_fit(&mut self, diff: Levels<'_>) -> Result<bool, Refusal> {
        Self::check_signs(diff)?;
        let all = || diff.bids.iter().chain(diff.asks);
        let price_scale = needed(self.price_scale, diff.price_scale, all().map(|l| l.price))?;
        let quantity_scale = needed(self.quantity_scale, diff.quantity_scale, all().map(|l| l.quantity))?;
        if (price_scale, quantity_scale) == (self.price_scale, self.quantity_scale) {
            return Ok(false);
        }
        self.widen(price_scale, quantity_scale)?;
        Ok(true)
    }

    fn widen(&mut self, price_scale: u8, quantity_scale: u8) -> Result<(), Refusal> {
        let price = Rescale::between(self.price_scale, price_scale).ok_or(Refusal::Overflow)?;
        let quantity = Rescale::between(self.quantity_scale, quantity_scale).ok_or(Refusal::Overflow)?;
        let fits = |l: Level| price.of(l.price).is_some() && quantity.of(l.quantity).is_some();
        let known = [self.known_bid, self.known_ask];
        let all_fit = self.bids.best_first().all(fits)
            && self.asks.best_first().all(fits)
            && known.iter().flatten().all(|&bound| price.of(bound).is_some());
        if !all_fit {
            return Err(Refusal::Overflow);
        }
        for level in self.bids.row().iter_mut().chain(self.asks.row()) {
            level.price *= price.multiply;
            level.quantity *= quantity.multiply;
        }
        self.bids.open();
        self.asks.open();
        [self.known_bid, self.known_ask] = known.map(|bound| bound.map(|b| b * price.multiply));
        (self.price_scale, self.quantity_scale) = (price_scale, quantity_scale);
        Ok(())
    }

    /// Whether a snapshot may be adopted (faults.md F15): it is taken whole or not at all.
    pub(super) fn check_snapshot(snapshot: Levels<'_>) -> Result<(), Refusal> {
        let sound = BookSide::<true>::is_sound(snapshot.bids) && BookSide::<false>::is_sound(snapshot.asks);
        let crossed = match (snapshot.bids.first(), snapshot.asks.first()) {
            (Some(bid), Some(ask)) => bid.price >= ask.price,
            _ => false,
        };
        if sound && !crossed { Ok(()) } else { Err(Refusal::Malformed) }
    }

    /// Takes a checked snapshot in place of everything. Its worst levels bound what is known; an empty side is known
    /// whole, and so is one with fewer levels than `whole_below`.
    pub(super) fn replace(&mut self, snapshot: Levels<'_>, whole_below: usize) {
        fn refill<const BID: bool>(side: &mut BookSide<BID>, best_first: &[Level], whole_below: usize) -> Option<i64> {
            let row = side.row();
            row.clear();
            row.extend(best_first.iter().rev());
            side.open();
            best_first.last().filter(|_| best_first.len() >= whole_below).map(|l| l.price)
        }
        self.price_scale = snapshot.price_scale;
        self.quantity_scale = snapshot.quantity_scale;
        self.known_bid = refill(&mut self.bids, snapshot.bids, whole_below);
        self.known_ask = refill(&mut self.asks, snapshot.asks, whole_below);
    }

    /// Forgets everything but the scales.
    pub(super) fn clear(&mut self) {
        self.bids.row().clear();
        self.asks.row().clear();
        self.known_bid = None;
        self.known_ask = None;
    }

    /// The best bid.
    #[inline]
    pub(super) fn best_bid(&self) -> Option<Level> {
        self.bids.best()
    }

    /// The best ask.
    #[inline]
    pub(super) fn best_ask(&self) -> Option<Level> {
        self.asks.best()
    }

    /// Best bid at or above best ask.
    #[inline]
    pub(super) fn is_crossed(&self) -> bool {
        matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }

    /// Whether both best prices lie where the book is known. A side whose known levels are all gone has none.
    #[inline]
    pub(super) fn top_is_known(&self) -> bool {
        let bid = self.known_bid.is_none_or(|bound| self.best_bid().is_some_and(|l| l.price >= bound));
        let ask = self.known_ask.is_none_or(|bound| self.best_ask().is_some_and(|l| l.price <= bound));
        bid && ask
    }

    /// Drops levels outside the known range, all but the best `keep` a side; how many. An excess of less than an eighth
    /// waits: cutting moves the whole side.
    pub(super) fn prune(&mut self, keep: usize) -> u64 {
        fn cut<const BID: bool>(side: &mut BookSide<BID>, bound: Option<i64>, keep: usize) -> u64 {
            let outside = bound.map_or(0, |b| side.count_worse(b));
            if outside <= keep.saturating_add(keep / 8) {
                return 0;
            }
            side.drop_worst(outside - keep);
            (outside - keep) as u64
        }
        cut(&mut self.bids, self.known_bid, keep) + cut(&mut self.asks, self.known_ask, keep)
    }

    /// A price mantissa of this book as a decimal.
    pub(super) fn price(&self, mantissa: i64) -> Option<Decimal> {
        Decimal::new(mantissa, self.price_scale)
    }

    /// A quantity mantissa of this book as a decimal.
    pub(super) fn quantity(&self, mantissa: i64) -> Option<Decimal> {
        Decimal::new(mantissa, self.quantity_scale)
    }
}

/// The scale at which the book must stand to hold these values: its own, or the diff's where a value is finer.
fn needed(own: u8, theirs: u8, mut values: impl Iterator<Item = i64>) -> Result<u8, Refusal> {
    let rescale = Rescale::between(theirs, own).ok_or(Refusal::Overflow)?;
    if values.all(|v| rescale.of(v).is_some()) {
        return Ok(own);
    }
    // From a finer scale a value fails for its last digits; from a coarser one it can only overflow.
    if theirs <= own { Err(Refusal::Overflow) } else { Ok(theirs) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Sided = Vec<(i64, i64)>;

    fn levels(pairs: &[(i64, i64)]) -> Vec<Level> {
        pairs.iter().map(|&(price, quantity)| Level { price, quantity }).collect()
    }

    fn held<const BID: bool>(side: &BookSide<BID>) -> Vec<Level> {
        let mut levels: Vec<Level> = side.best_first().collect();
        levels.reverse();
        levels
    }

    fn of(bids: &[Level], asks: &[Level], price_scale: u8, quantity_scale: u8) -> Result<Book, Refusal> {
        let mut book = Book::new(256);
        let snapshot = Levels { bids, asks, price_scale, quantity_scale };
        Book::check_snapshot(snapshot)?;
        book.replace(snapshot, 0);
        Ok(book)
    }

    /// A diff with its scales, values small enough that the scales never overflow them.
    fn diffs() -> impl Strategy<Value = Vec<(Sided, Sided, u8, u8)>> {
        let side = || prop::collection::vec((1i64..40, 0i64..4), 0..8);
        prop::collection::vec((side(), side(), 0u8..4, 0u8..4), 0..30)
    }

    proptest! {
        #[test]
        fn after_any_diffs_the_levels_are_those_of_a_map(diffs in diffs()) {
            let mut book = Book::default();
            let mut maps: [BTreeMap<Decimal, Decimal>; 2] = Default::default();
            for (bids, asks, price_scale, quantity_scale) in diffs {
                let (b, a) = (levels(&bids), levels(&asks));
                book.apply(Levels { bids: &b, asks: &a, price_scale, quantity_scale }, &mut Vec::new()).unwrap();
                for (map, side) in maps.iter_mut().zip([&bids, &asks]) {
                    for &(price, quantity) in side {
                        let price = Decimal::new(price, price_scale).unwrap();
                        map.remove(&price);
                        if quantity != 0 {
                            map.insert(price, Decimal::new(quantity, quantity_scale).unwrap());
                        }
                    }
                }
                let decimals = |levels: Vec<Level>| -> Vec<(Decimal, Decimal)> {
                    levels.iter().map(|l| (book.price(l.price).unwrap(), book.quantity(l.quantity).unwrap())).collect()
                };
                let of_map = |map: &BTreeMap<Decimal, Decimal>| map.iter().map(|(p, q)| (*p, *q)).collect::<Vec<_>>();
                prop_assert_eq!(decimals(held(&book.bids)), of_map(&maps[0]));
                let mut asks = of_map(&maps[1]);
                asks.reverse();
                prop_assert_eq!(decimals(held(&book.asks)), asks);
            }
        }
    }

    #[test]
    fn a_diff_that_does_not_fit_changes_nothing() {
        let big = i64::MAX / 10;
        type Row = (&'static str, (i64, i64), u8, u8, Refusal);
        let table: &[Row] = &[
            ("the book's price overflows", (1, 1), 3, 0, Refusal::Overflow),
            ("the book's quantity overflows", (10, 1), 1, 3, Refusal::Overflow),
            ("the diff's price overflows", (i64::MAX, 1), 0, 0, Refusal::Overflow),
            ("a negative quantity", (10, -1), 1, 0, Refusal::Malformed),
            ("no price", (0, 1), 1, 0, Refusal::Malformed),
        ];
        for (name, (price, quantity), price_scale, quantity_scale, refusal) in table {
            let mut book = of(&levels(&[(big, big)]), &[], 1, 0).unwrap();
            let bids = levels(&[(20, 2), (*price, *quantity)]);
            let diff = Levels { bids: &bids, asks: &[], price_scale: *price_scale, quantity_scale: *quantity_scale };
            assert_eq!(book.apply(diff, &mut Vec::new()), Err(*refusal), "{name}");
            assert_eq!(held(&book.bids), levels(&[(big, big)]), "{name}");
            assert_eq!((book.price_scale, book.quantity_scale), (1, 0), "{name}");
        }
    }

    #[test]
    fn coarser_and_finer_diffs_meet_at_the_books_scale() {
        let mut book = of(&levels(&[(1_005, 20)]), &levels(&[(1_010, 30)]), 2, 1).unwrap();
        let bids = levels(&[(10, 4)]);
        assert_eq!(
            book.apply(Levels { bids: &bids, asks: &[], price_scale: 0, quantity_scale: 0 }, &mut Vec::new()),
            Ok(false)
        );
        assert_eq!(held(&book.bids), levels(&[(1_000, 40), (1_005, 20)]));
        let asks = levels(&[(10_095, 1)]);
        assert_eq!(
            book.apply(Levels { bids: &[], asks: &asks, price_scale: 3, quantity_scale: 1 }, &mut Vec::new()),
            Ok(true)
        );
        assert_eq!((book.price_scale, book.known_bid), (3, Some(10_050)));
        assert_eq!(book.best_ask(), Some(Level { price: 10_095, quantity: 1 }));
    }

    #[test]
    fn a_short_side_is_known_to_its_end_only_when_that_is_trusted() {
        let (bids, asks) = (levels(&[(9, 1), (8, 1)]), levels(&[(10, 1)]));
        let snapshot = Levels { bids: &bids, asks: &asks, price_scale: 0, quantity_scale: 0 };
        for (whole_below, known) in [(0, (Some(8), Some(10))), (2, (Some(8), None)), (5, (None, None))] {
            let mut book = Book::default();
            book.replace(snapshot, whole_below);
            assert_eq!((book.known_bid, book.known_ask), known, "{whole_below}");
        }
    }
}
