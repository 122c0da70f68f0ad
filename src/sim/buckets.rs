//! Purpose: the sums of one symbol's trades by stretches of one length: seconds, minutes, quarters of an hour.
//! Owns: the last so many of them. Thread: its owner's. Takes and gives: trades in, sums out.
//! Never: rounds; keeps a stretch without trades.

use std::collections::VecDeque;

use super::tape::{Sums, Trade};

#[derive(Clone, Copy, Debug)]
struct Bucket {
    start_ms: i64,
    sums: Sums,
}

/// The sums of one length of stretches; they start at its multiples since 1970.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    length_ms: i64,
    /// How long a time they reach back.
    reach_ms: i64,
    buckets: VecDeque<Bucket>,
    /// The last price before the oldest stretch that is kept.
    before: i64,
}

impl Buckets {
    /// Without trades; `price` is the one that stood before.
    pub(super) const fn new(length_ms: i64, reach_ms: i64, price: i64) -> Buckets {
        Buckets { length_ms, reach_ms, buckets: VecDeque::new(), before: price }
    }

    /// Takes a trade; times never run backwards.
    pub(super) fn record(&mut self, trade: &Trade) {
        let start_ms = trade.time_ms.div_euclid(self.length_ms) * self.length_ms;
        let sums = Sums::of(trade);
        match self.buckets.back_mut() {
            Some(bucket) if bucket.start_ms == start_ms => bucket.sums = bucket.sums.then(&sums),
            _ => self.buckets.push_back(Bucket { start_ms, sums }),
        }
        while let Some(oldest) = self.buckets.front().filter(|b| b.start_ms <= start_ms - self.reach_ms) {
            self.before = oldest.sums.close;
            self.buckets.pop_front();
        }
    }

    /// Counts prices in ticks `factor` times as fine.
    pub(super) fn refine(&mut self, factor: i64) {
        self.before *= factor;
        self.buckets.iter_mut().for_each(|bucket| bucket.sums.refine(factor));
    }

    /// The start of the oldest stretch with trades that is kept.
    pub(super) fn first(&self) -> Option<i64> {
        self.buckets.front().map(|b| b.start_ms)
    }

    /// The sums over the stretches that start in `from_ms..to_ms`, and the price that stood before them.
    pub(super) fn between(&self, from_ms: i64, to_ms: i64) -> (Option<Sums>, i64) {
        let first = self.buckets.partition_point(|b| b.start_ms < from_ms);
        let end = self.buckets.partition_point(|b| b.start_ms < to_ms).max(first);
        let before = first.checked_sub(1).and_then(|at| self.buckets.get(at)).map_or(self.before, |b| b.sums.close);
        (self.buckets.range(first..end).map(|b| b.sums).reduce(|a, b| a.then(&b)), before)
    }
}
