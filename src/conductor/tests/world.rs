//! Purpose: a small truthful exchange: the true book at every update id, and the diffs, tickers and bodies it would send.
//! Owns: the truth. Thread: a test's. Takes and gives: random choices from a seed. Never: lies; faults are added elsewhere.

use std::collections::BTreeMap;

use super::rig::Sided;

/// splitmix64: the same seed gives the same world everywhere.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

pub(super) type Side = BTreeMap<i64, i64>;

/// One true book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    pub(super) bids: Side,
    pub(super) asks: Side,
}

impl Truth {
    pub(super) fn best_bid(&self) -> Option<(i64, i64)> {
        self.bids.iter().next_back().map(|(p, q)| (*p, *q))
    }

    pub(super) fn best_ask(&self) -> Option<(i64, i64)> {
        self.asks.iter().next().map(|(p, q)| (*p, *q))
    }
}

/// A diff as the exchange would send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diff {
    pub(super) previous: i64,
    pub(super) last: i64,
    pub(super) bids: Vec<(i64, i64)>,
    pub(super) asks: Vec<(i64, i64)>,
}

/// The exchange: every book it ever had, by update id; ids of a restarted engine never meet the old ones.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) now: Truth,
    pub(super) history: BTreeMap<i64, Truth>,
    /// Ids in the order in which they happened, since the engine started.
    pub(super) ids: Vec<i64>,
    middle: i64,
}

impl World {
    pub(super) fn new(seed: u64) -> World {
        let mut dice = Dice(seed);
        let start = if dice.chance(50) { 1_000_000 } else { 1_000_000_000_000 };
        let mut now = Truth::default();
        for step in 1..=8 {
            now.bids.insert(500 - step, 1 + step);
            now.asks.insert(500 + step, 1 + step);
        }
        let mut world = World { dice, now, history: BTreeMap::new(), ids: Vec::new(), middle: 500 };
        world.note(start);
        world
    }

    fn note(&mut self, id: i64) {
        self.history.insert(id, self.now.clone());
        self.ids.push(id);
    }

    pub(super) fn id(&self) -> i64 {
        *self.ids.last().expect("never empty")
    }

    /// The engine restarts: the same book, ids from the beginning. Once a world: a second engine's ids would meet the first
    /// one's, and nobody could tell which is meant.
    pub(super) fn restart(&mut self) {
        if self.id() >= 1_000_000 {
            self.ids.clear();
            self.note(1);
        }
    }

    /// A few levels change; the next id. Ids need not be contiguous (futures).
    pub(super) fn tick(&mut self) {
        if self.dice.chance(20) {
            self.middle += self.dice.below(3) as i64 - 1;
            let middle = self.middle;
            self.now.bids.retain(|&p, _| p < middle);
            self.now.asks.retain(|&p, _| p > middle);
        }
        for _ in 0..=self.dice.below(3) {
            let offset = 1 + self.dice.below(12) as i64;
            let quantity = (self.dice.below(4) * self.dice.below(4)) as i64;
            let (side, price) = if self.dice.chance(50) {
                (&mut self.now.bids, self.middle - offset)
            } else {
                (&mut self.now.asks, self.middle + offset)
            };
            if quantity == 0 {
                side.remove(&price);
            } else {
                side.insert(price, quantity);
            }
        }
        let next = self.id() + 1 + self.dice.below(4) as i64;
        self.note(next);
    }

    /// The diff from one id of this engine to another: absolute quantities at `to` of every level touched on the way,
    /// and a few that were not changed in the end.
    pub(super) fn diff(&mut self, from: i64, to: i64) -> Diff {
        let old = self.history[&from].clone();
        let new = self.history[&to].clone();
        let touched: Vec<Truth> = self.history.range(from..=to).map(|(_, t)| t.clone()).collect();
        let side = |of: fn(&Truth) -> &Side| {
            let changed = |p: &i64| touched.iter().any(|t| of(t).get(p) != of(&old).get(p));
            let mut prices: Vec<i64> = touched.iter().flat_map(|t| of(t).keys().copied()).filter(changed).collect();
            prices.sort_unstable();
            prices.dedup();
            prices.into_iter().map(|p| (p, of(&new).get(&p).copied().unwrap_or(0))).collect()
        };
        Diff { previous: from, last: to, bids: side(|t| &t.bids), asks: side(|t| &t.asks) }
    }

    /// A REST body of some id: the best levels, best first.
    pub(super) fn body(&mut self, id: i64, limit: usize) -> (Sided, Sided) {
        let truth = &self.history[&id];
        let bids = truth.bids.iter().rev().take(limit).map(|(p, q)| (*p, *q)).collect();
        let asks = truth.asks.iter().take(limit).map(|(p, q)| (*p, *q)).collect();
        (bids, asks)
    }
}
