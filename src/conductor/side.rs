//! Purpose: one side of a book: levels in order, the best of them in a window where they lie densely enough.
//! Owns: the levels. Thread: the conductor's. Takes and gives: levels at the book's scales; sides of diffs are taken in `merge`.
//! Never: gives other levels with a window than without; allocates once grown.

use super::window::{BestFirst, DEPTH_LEVELS, Window, aligned};
use crate::schema::raw::Level;

/// A window opens where so many of its rungs are taken, one in so many: with fewer, levels in a row are cheaper.
const SPARSE: usize = 16;

/// The smallest window: three quarters of it and what it begins too low by, less than 64, must be less than the whole.
const SIZE_MIN: usize = 256;

/// One side; `BID` says which way its prices run.
///
/// A rung is a price as a number of steps, negative for asks, so that the better price is the higher rung. The step is what
/// divides the best prices; it is found when the window opens. A price between two steps closes the window.
#[derive(Debug, Default)]
pub(super) struct BookSide<const BID: bool> {
    /// The best levels, while `step` is not 0.
    window: Window,
    /// All others, worst first. All are worse than what the window covers.
    levels: Vec<Level>,
    /// Price mantissas from one rung to the next; 0 while the window is closed.
    step: i64,
    /// Rungs that a window is to have, a power of two; 0: there is none.
    size: usize,
}

impl<const BID: bool> BookSide<BID> {
    /// An empty side; see [`super::options::ConductorOptions::window_ticks`].
    pub(super) fn new(size: usize) -> BookSide<BID> {
        let size = if size == 0 { 0 } else { size.next_power_of_two().max(SIZE_MIN) };
        BookSide { size, ..BookSide::default() }
    }

    /// Whether `a` is a worse price than `b` on this side.
    #[inline]
    pub(super) fn worse(a: i64, b: i64) -> bool {
        if BID { a < b } else { a > b }
    }

    /// Whether there is a window.
    #[inline]
    pub(super) fn is_windowed(&self) -> bool {
        self.step != 0
    }

    /// Asks for the best levels.
    #[inline]
    pub(super) fn prefetch(&self) {
        if self.is_windowed() {
            self.window.prefetch();
        }
    }

    /// How many levels there are.
    pub(super) fn len(&self) -> usize {
        self.levels.len() + if self.is_windowed() { self.window.taken() } else { 0 }
    }

    /// The best level.
    #[inline]
    pub(super) fn best(&self) -> Option<Level> {
        if self.is_windowed()
            && let Some((rung, quantity)) = self.window.best()
        {
            return Some(Level { price: self.price(rung), quantity });
        }
        self.levels.last().copied()
    }

    /// The levels, best first.
    #[inline]
    pub(super) fn best_first(&self) -> BestLevels<'_, BID> {
        let window = self.is_windowed().then(|| self.window.best_first());
        BestLevels { step: self.step, window, rest: self.levels.iter().rev() }
    }

    /// What lies on the best five, ten and twenty levels.
    pub(super) fn depths(&self) -> [i128; 3] {
        let windowed = if self.is_windowed() { self.window.depths() } else { None };
        windowed.unwrap_or_else(|| {
            let (mut best_first, mut sum) = (self.best_first().map(|level| i128::from(level.quantity)), 0);
            DEPTH_LEVELS.map(|levels| {
                sum += best_first.by_ref().take(levels).sum::<i128>();
                sum
            })
        })
    }

    /// Sets the first levels as far as a window of single steps covers them; how many those are. [`Self::settle`] must follow.
    #[inline]
    pub(super) fn set_all_covered(&mut self, levels: &[Level]) -> usize {
        if self.step != 1 {
            return 0;
        }
        self.window.prefetch_each::<BID>(levels);
        self.window.set_covered::<BID>(levels)
    }

    /// Sets a level; quantity 0 removes it. Removing an unknown one is normal. [`Self::settle`] must follow.
    #[inline]
    pub(super) fn set(&mut self, price: i64, quantity: i64) {
        if !self.set_covered(price, quantity) {
            self.set_beside(price, quantity);
        }
    }

    /// Sets a level if the window covers it; whether it does.
    #[inline]
    pub(super) fn set_covered(&mut self, price: i64, quantity: i64) -> bool {
        let rung = if self.is_windowed() { self.rung(price) } else { None };
        let Some(rung) = rung.filter(|rung| self.window.covers(*rung)) else { return false };
        self.window.set(rung, quantity);
        true
    }

    /// Sets a level that the window does not cover.
    pub(super) fn set_beside(&mut self, price: i64, quantity: i64) {
        if self.is_windowed() && !Self::worse(price, self.edge()) {
            match self.rung(price) {
                // Better than all that is covered.
                Some(rung) if quantity != 0 => {
                    self.slide_up(rung);
                    return self.window.set(rung, quantity);
                }
                Some(_) => return,
                // Between two rungs. What is not there cannot go.
                None if quantity == 0 => return,
                None => {
                    self.close();
                    self.set_level_in_row(price, quantity);
                    return self.open();
                }
            }
        }
        self.set_level_in_row(price, quantity);
    }

    /// Where a price stands or would stand among the levels in a row.
    #[inline]
    pub(super) fn place(&self, price: i64) -> usize {
        self.levels.partition_point(|l| Self::worse(l.price, price))
    }

    #[inline]
    fn set_level_in_row(&mut self, price: i64, quantity: i64) {
        let at = self.place(price);
        match self.levels.get_mut(at) {
            Some(level) if level.price == price && quantity == 0 => {
                self.levels.remove(at);
            }
            Some(level) if level.price == price => level.quantity = quantity,
            _ if quantity == 0 => {}
            _ => self.levels.insert(at, Level { price, quantity }),
        }
    }

    /// Has the window follow the best price, after levels were set.
    #[inline]
    pub(super) fn settle(&mut self) {
        if !self.is_windowed() {
            return;
        }
        self.window.settle();
        let lowest_quarter = self.window.low().saturating_add(self.window.size() as i64 / 4);
        if !self.levels.is_empty() && self.window.high().is_none_or(|best| best < lowest_quarter) {
            self.slide_down();
        }
    }

    #[inline]
    fn rung(&self, price: i64) -> Option<i64> {
        let mut rung = price;
        if self.step != 1 {
            // Prices are positive, and a division without signs is the cheaper one.
            rung = (price as u64 / self.step as u64) as i64;
            if rung * self.step != price {
                return None;
            }
        }
        Some(if BID { rung } else { -rung })
    }

    #[inline]
    fn price(&self, rung: i64) -> i64 {
        (if BID { rung } else { -rung }) * self.step
    }

    /// The worst price that the window covers.
    #[inline]
    pub(super) fn edge(&self) -> i64 {
        Self::edge_at(self.window.low(), self.step)
    }

    fn edge_at(low: i64, step: i64) -> i64 {
        (if BID { low } else { low.saturating_neg() }).saturating_mul(step)
    }

    /// Where a window's worst rung lies when its best is this one: three quarters below it.
    fn low_for(&self, best: i64) -> i64 {
        aligned(best.saturating_sub(self.size as i64 / 4 * 3))
    }

    #[cold]
    fn slide_up(&mut self, best: i64) {
        let (low, step) = (self.low_for(best), self.step);
        let levels = &mut self.levels;
        let price = |rung: i64| (if BID { rung } else { -rung }) * step;
        // They are better than all in the row, and come worst first.
        self.window.slide(low, |rung, quantity| levels.push(Level { price: price(rung), quantity }));
    }

    #[cold]
    fn slide_down(&mut self) {
        let Some(best) = self.window.high().or_else(|| self.levels.last().and_then(|l| self.rung(l.price))) else {
            return self.reopen();
        };
        self.window.slide(self.low_for(best), |_, _| {});
        if !self.take_in() {
            self.reopen();
        }
    }

    /// Takes the levels in the row that the window covers into it; `false` at one between two rungs.
    fn take_in(&mut self) -> bool {
        let edge = self.edge();
        while let Some(&Level { price, quantity }) = self.levels.last().filter(|l| !Self::worse(l.price, edge)) {
            let Some(rung) = self.rung(price) else { return false };
            self.window.set(rung, quantity);
            self.levels.pop();
        }
        true
    }

    #[cold]
    fn reopen(&mut self) {
        self.close();
        self.open();
    }

    /// Puts all levels into the row.
    pub(super) fn close(&mut self) {
        if self.is_windowed() {
            let from = self.levels.len();
            let BookSide { window, levels, step, .. } = self;
            let level =
                |(rung, quantity): (i64, i64)| Level { price: (if BID { rung } else { -rung }) * *step, quantity };
            levels.extend(window.best_first().map(level));
            levels[from..].reverse();
            self.step = 0;
        }
    }

    /// Opens a window over the best levels if they lie densely enough. It must be closed.
    pub(super) fn open(&mut self) {
        let enough = (self.size / SPARSE).max(1);
        let Some(at) = self.levels.len().checked_sub(enough).filter(|_| self.size > 0) else { return };
        let mut step = self.levels[at..].iter().fold(0, |step, level| divisor(step, level.price));
        let best = self.levels.last().map_or(0, |level| level.price);
        loop {
            let low = self.low_for(if BID { best / step } else { -(best / step) });
            let edge = Self::edge_at(low, step);
            let covered = self.levels.iter().rev().take_while(|l| !Self::worse(l.price, edge));
            let (count, smaller) = covered.fold((0, step), |(n, step), level| (n + 1, divisor(step, level.price)));
            if count < enough {
                return;
            }
            if smaller == step {
                self.window.open(low, self.size);
                break;
            }
            // A level further in lies between two steps: then they are smaller, and the window reaches less far.
            step = smaller;
        }
        self.step = step;
        self.take_in();
        self.window.settle();
    }

    /// The levels in a row, worst first, to be changed at will; the window is closed.
    pub(super) fn row(&mut self) -> &mut Vec<Level> {
        self.close();
        &mut self.levels
    }

    /// The levels in a row, worst first, for changes that the window does not cover.
    #[inline]
    pub(super) fn beyond_window(&mut self) -> &mut Vec<Level> {
        &mut self.levels
    }

    /// How many levels are worse than a price.
    pub(super) fn count_worse(&self, price: i64) -> usize {
        let in_row = self.place(price);
        if in_row < self.levels.len() || !self.is_windowed() {
            return in_row;
        }
        // The first rung that is not worse.
        let rung = if BID { (price - 1) / self.step + 1 } else { -(price / self.step) };
        in_row + self.window.taken_below(rung)
    }

    /// Drops the worst levels.
    pub(super) fn drop_worst(&mut self, count: usize) {
        if count <= self.levels.len() {
            self.levels.drain(..count);
        } else {
            self.row().drain(..count);
            self.open();
        }
    }

    /// Levels best first, strictly one way, every quantity positive.
    pub(super) fn is_sound(best_first: &[Level]) -> bool {
        best_first.iter().all(|l| l.quantity > 0 && l.price > 0)
            && best_first.windows(2).all(|w| Self::worse(w[1].price, w[0].price))
    }
}

/// The greatest common divisor; that of 0 and a number is the number.
fn divisor(mut a: i64, mut b: i64) -> i64 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}

/// See [`BookSide::best_first`].
#[derive(Clone, Debug)]
pub(super) struct BestLevels<'a, const BID: bool> {
    step: i64,
    window: Option<BestFirst<'a>>,
    rest: core::iter::Rev<core::slice::Iter<'a, Level>>,
}

impl<const BID: bool> Iterator for BestLevels<'_, BID> {
    type Item = Level;

    #[inline]
    fn next(&mut self) -> Option<Level> {
        if let Some(window) = &mut self.window {
            if let Some((rung, quantity)) = window.next() {
                return Some(Level { price: (if BID { rung } else { -rung }) * self.step, quantity });
            }
            self.window = None;
        }
        self.rest.next().copied()
    }
}
