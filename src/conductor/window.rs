//! Purpose: the best levels of a side by their price steps: a ring of quantities and a bit for each that is there, so that a
//! change costs one store wherever it lies, and nothing moves.
//! Owns: the quantities. Thread: the conductor's. Takes and gives: rungs, counted so that a better price is a higher rung on
//! both sides.
//! Never: knows a price; allocates once it was opened.

use crate::schema::raw::Level;
use crate::sync::prefetch;

/// Rungs in a word of bits; a window begins at a multiple of it.
const BLOCK: i64 = 64;

/// Quantities in a cache line, and how many lines of the best a diff is sure to need: analytics read twenty levels.
const LINE: usize = 8;
const BEST_LINES: usize = 5;

/// How many more levels each of the depths takes in than the one before: 5, 10 and 20.
pub(super) const DEPTH_LEVELS: [usize; 3] = [5, 5, 10];

/// Quantities of the rungs `low .. low + size`, each in the place of its number modulo the size.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The worst rung covered.
    low: i64,
    /// No rung above it is taken; once settled it is the best that is.
    high: i64,
    /// How many rungs are taken.
    taken: usize,
    /// Which, 64 a word; a power of two of words. Empty while it was never opened.
    bits: Box<[u64]>,
    quantities: Box<[i64]>,
}

impl Window {
    /// Begins anew, empty, with its worst rung at or just below `low`. `size` is rounded up to 64 times a power of two.
    pub(super) fn open(&mut self, low: i64, size: usize) {
        let blocks = size.div_ceil(BLOCK as usize).next_power_of_two();
        if self.bits.len() != blocks {
            self.bits = vec![0; blocks].into();
            self.quantities = vec![0; blocks * BLOCK as usize].into();
        }
        self.bits.fill(0);
        self.taken = 0;
        self.low = aligned(low);
        self.high = self.low;
    }

    /// Asks for the best rungs.
    #[inline]
    pub(super) fn prefetch(&self) {
        let Some(last) = self.quantities.len().checked_sub(1) else { return };
        let best = self.high as usize & last;
        prefetch(&self.bits[best / BLOCK as usize], 1);
        for line in 0..BEST_LINES {
            prefetch(&self.quantities[best.wrapping_sub(line * LINE) & last], 1);
        }
    }

    /// How many rungs it covers.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.quantities.len()
    }

    /// The worst rung covered.
    #[inline]
    pub(super) fn low(&self) -> i64 {
        self.low
    }

    /// How many rungs are taken.
    #[inline]
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    #[inline]
    pub(super) fn covers(&self, rung: i64) -> bool {
        // As if unsigned: the difference of two rungs of a side fits 64 bits, and what lies below is huge.
        (rung.wrapping_sub(self.low) as u64) < self.quantities.len() as u64
    }

    #[inline]
    fn place(&self, rung: i64) -> usize {
        rung as usize & (self.quantities.len() - 1)
    }

    /// Sets the quantity of a rung that is covered; 0 gives it up.
    #[inline]
    pub(super) fn set(&mut self, rung: i64, quantity: i64) {
        let place = self.place(rung);
        self.quantities[place] = quantity;
        let (word, bit) = (&mut self.bits[place / BLOCK as usize], place % BLOCK as usize);
        let (was, is) = (*word >> bit & 1, u64::from(quantity != 0));
        *word ^= (was ^ is) << bit;
        self.taken = self.taken + is as usize - was as usize;
        if rung > self.high && is != 0 {
            self.high = rung;
        }
    }

    /// Sets the levels from the first on that are covered, a rung a unit of price; how many those are.
    // Apart, so that the loop has the registers to itself.
    #[inline(never)]
    pub(super) fn set_covered<const BID: bool>(&mut self, levels: &[Level]) -> usize {
        let (low, last) = (self.low, self.quantities.len().wrapping_sub(1));
        let (mut high, mut taken) = (self.high, self.taken);
        let mut done = 0;
        for level in levels {
            let rung = if BID { level.price } else { -level.price };
            if rung.wrapping_sub(low) as u64 > last as u64 {
                break;
            }
            let place = rung as usize & last;
            self.quantities[place] = level.quantity;
            let (word, bit) = (&mut self.bits[place / BLOCK as usize], place % BLOCK as usize);
            let is = level.quantity != 0;
            taken = taken.wrapping_add(usize::from(is)).wrapping_sub((*word >> bit & 1) as usize);
            *word = *word & !(1 << bit) | u64::from(is) << bit;
            high = high.max(if is { rung } else { i64::MIN });
            done += 1;
        }
        (self.high, self.taken) = (high, taken);
        done
    }

    /// Asks for the rungs of prices, a rung a unit of price.
    #[inline]
    pub(super) fn prefetch_each<const BID: bool>(&self, levels: &[Level]) {
        let last = self.quantities.len().wrapping_sub(1);
        for level in levels {
            let rung = if BID { level.price } else { -level.price };
            if let Some(quantity) = self.quantities.get(rung as usize & last) {
                prefetch(quantity, 1);
            }
        }
    }

    /// What lies on the best five, ten and twenty rungs taken, where there are twenty.
    #[inline]
    pub(super) fn depths(&self) -> Option<[i128; 3]> {
        if self.taken < DEPTH_LEVELS.iter().sum() {
            return None;
        }
        let (blocks, _) = self.quantities.as_chunks::<{ BLOCK as usize }>();
        let last_block = self.bits.len() - 1;
        let mut block = (self.high as usize & (self.quantities.len() - 1)) / BLOCK as usize;
        let (mut word, mut quantities) = (self.bits[block], &blocks[block]);
        let (mut sum, mut depths) = (0i128, [0; 3]);
        for (depth, rungs) in depths.iter_mut().zip(DEPTH_LEVELS) {
            for _ in 0..rungs {
                while word == 0 {
                    block = block.wrapping_sub(1) & last_block;
                    (word, quantities) = (self.bits[block], &blocks[block]);
                }
                let bit = word.ilog2();
                word ^= 1 << bit;
                sum += i128::from(quantities[bit as usize % BLOCK as usize]);
            }
            *depth = sum;
        }
        Some(depths)
    }

    /// The best rung taken and its quantity; only when it has settled since the last change.
    #[inline]
    pub(super) fn best(&self) -> Option<(i64, i64)> {
        (self.taken > 0).then(|| (self.high, self.quantities[self.place(self.high)]))
    }

    /// Looks for the best rung, so that nobody who asks for it has to look.
    #[inline]
    pub(super) fn settle(&mut self) {
        self.high = self.best_first().next_rung().unwrap_or(self.low);
    }

    /// The best rung taken, after [`Self::settle`].
    #[inline]
    pub(super) fn high(&self) -> Option<i64> {
        (self.taken > 0).then_some(self.high)
    }

    /// Rungs taken and their quantities, best first.
    #[inline]
    pub(super) fn best_first(&self) -> BestFirst<'_> {
        let Some(place) = self.quantities.len().checked_sub(1).map(|last| self.high as usize & last) else {
            return BestFirst { window: self, base: self.low, word: 0, left: 0 };
        };
        // Bits above `high` in its block are of no rung that is taken: the block begins at a multiple of 64, as the window does.
        let word = self.bits[place / BLOCK as usize];
        BestFirst { window: self, base: aligned(self.high), word, left: self.taken }
    }

    /// Moves so that its worst rung is `low` or just below it. Rungs that it no longer covers are handed out, worst first.
    pub(super) fn slide(&mut self, low: i64, mut out: impl FnMut(i64, i64)) {
        let low = aligned(low);
        let mut block = self.low;
        // A block is cleared where the window leaves it. Going down it leaves only what lies above `high`.
        while self.taken > 0 && block < low {
            let at = self.place(block) / BLOCK as usize;
            let mut word = core::mem::take(&mut self.bits[at]);
            self.taken -= word.count_ones() as usize;
            while word != 0 {
                let rung = block + i64::from(word.trailing_zeros());
                out(rung, self.quantities[self.place(rung)]);
                word &= word - 1;
            }
            block += BLOCK;
        }
        self.low = low;
        self.high = self.high.max(low);
        if self.taken == 0 {
            self.high = low;
        }
        debug_assert!(self.covers(self.high), "a window never leaves its best rung behind");
    }

    /// How many rungs below this one are taken.
    pub(super) fn taken_below(&self, rung: i64) -> usize {
        if rung <= self.low {
            return 0;
        }
        if !self.covers(rung) {
            return self.taken;
        }
        let in_block = |block: i64| self.bits[self.place(block) / BLOCK as usize];
        let last = aligned(rung);
        let whole = (self.low..last).step_by(BLOCK as usize).map(|block| in_block(block).count_ones());
        let part = in_block(last) & !(u64::MAX << (rung - last));
        (whole.sum::<u32>() + part.count_ones()) as usize
    }
}

/// The first rung of a rung's block, where a window may begin.
pub(super) fn aligned(rung: i64) -> i64 {
    rung & !(BLOCK - 1)
}

/// See [`Window::best_first`].
#[derive(Clone, Debug)]
pub(super) struct BestFirst<'a> {
    window: &'a Window,
    /// The first rung of the block that `word` is of.
    base: i64,
    /// What is left of it.
    word: u64,
    /// How many are left in all.
    left: usize,
}

impl BestFirst<'_> {
    #[inline]
    fn next_rung(&mut self) -> Option<i64> {
        if self.left == 0 {
            return None;
        }
        while self.word == 0 {
            self.base -= BLOCK;
            self.word = self.window.bits[self.window.place(self.base) / BLOCK as usize];
        }
        let bit = i64::from(self.word.ilog2());
        self.word ^= 1 << bit;
        self.left -= 1;
        Some(self.base + bit)
    }
}

impl Iterator for BestFirst<'_> {
    type Item = (i64, i64);

    #[inline]
    fn next(&mut self) -> Option<(i64, i64)> {
        let rung = self.next_rung()?;
        Some((rung, self.window.quantities[self.window.place(rung)]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Set(i64, i64),
        Slide(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let set = (-400i64..400, 0i64..3).prop_map(|(rung, quantity)| Step::Set(rung, quantity));
        prop::collection::vec(prop_oneof![8 => set, 1 => (-400i64..400).prop_map(Step::Slide)], 1..200)
    }

    proptest! {
        #[test]
        fn a_window_holds_what_a_map_of_its_range_holds(steps in steps(), at in -300i64..300) {
            let (mut window, mut map) = (Window::default(), BTreeMap::new());
            window.open(at, 100);
            prop_assert_eq!((window.size(), window.best()), (128, None));
            for step in steps {
                match step {
                    Step::Set(rung, quantity) if window.covers(rung) => {
                        window.set(rung, quantity);
                        if quantity == 0 { map.remove(&rung) } else { map.insert(rung, quantity) };
                        window.settle();
                    }
                    Step::Set(..) => {}
                    // Its best rung stays covered: that is the side's business.
                    Step::Slide(low) if map.keys().last().is_none_or(|best| *best < (low & !63) + 128) => {
                        let mut out = Vec::new();
                        window.slide(low, |rung, quantity| out.push((rung, quantity)));
                        let kept = map.split_off(&(low & !63));
                        prop_assert_eq!(out, map.into_iter().collect::<Vec<_>>());
                        map = kept;
                    }
                    Step::Slide(_) => {}
                }
                prop_assert_eq!(window.taken(), map.len());
                prop_assert!(window.best_first().eq(map.iter().rev().map(|(rung, quantity)| (*rung, *quantity))));
                prop_assert_eq!(window.taken_below(at), map.range(..at).count());
            }
        }
    }

    #[test]
    fn the_ends_of_what_a_price_can_be_are_covered() {
        for best in [i64::MAX, -i64::MAX] {
            let mut window = Window::default();
            window.open(best.saturating_sub(48), 64);
            window.set(best, 5);
            assert_eq!(window.best(), Some((best, 5)));
            assert!(!window.covers(0));
        }
    }
}
