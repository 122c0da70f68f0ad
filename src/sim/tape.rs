//! Purpose: the running statistics of one symbol's own trades: candles, rolling windows, average prices.
//! Owns: a minute of seconds, a day of minutes, a month of quarters of an hour. Thread: its owner's. Takes and gives: trades in ticks and lots, windows.
//! Never: rounds; sums are exact, and only the wire writers divide.

use std::collections::VecDeque;

use super::buckets::Buckets;

/// Milliseconds in a second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds in a quarter of an hour: every offset of a time zone is made of them.
pub const QUARTER_MS: i64 = 15 * MINUTE_MS;
/// How far back seconds reach.
pub const SECONDS_KEPT_MS: i64 = MINUTE_MS;
/// How far back minutes reach: a window of a day opens on a minute, so it may be up to a minute longer.
const MINUTES_KEPT_MS: i64 = 1_441 * MINUTE_MS;
/// How far back quarters of an hour reach: the longest month, and a day for time zones.
const QUARTERS_KEPT_MS: i64 = 32 * 1_440 * MINUTE_MS;

/// One trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Contiguous per symbol.
    pub id: u64,
    /// In ticks.
    pub price: i64,
    /// In lots.
    pub lots: i64,
    /// When it was made, UTC milliseconds.
    pub time_ms: i64,
    /// Whether the buyer was the maker, so that the aggressor sold.
    pub buyer_is_maker: bool,
}

/// Sums over the trades of a stretch of time. `volume` is in lots, `turnover` in ticks times lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// First price.
    pub open: i64,
    /// Highest price.
    pub high: i64,
    /// Lowest price.
    pub low: i64,
    /// Last price.
    pub close: i64,
    /// Base volume.
    pub volume: u128,
    /// Quote volume.
    pub turnover: u128,
    /// Base volume that takers bought.
    pub bought_volume: u128,
    /// Quote volume that takers bought.
    pub bought_turnover: u128,
    /// First trade's id.
    pub first_id: u64,
    /// Last trade's id.
    pub last_id: u64,
}

impl Sums {
    /// How many trades: their ids are contiguous.
    pub fn count(&self) -> u64 {
        self.last_id - self.first_id + 1
    }

    pub(super) fn of(trade: &Trade) -> Sums {
        let volume = trade.lots.unsigned_abs().into();
        let turnover = u128::from(trade.price.unsigned_abs()) * volume;
        let taken = |sum| if trade.buyer_is_maker { 0 } else { sum };
        Sums {
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume,
            turnover,
            bought_volume: taken(volume),
            bought_turnover: taken(turnover),
            first_id: trade.id,
            last_id: trade.id,
        }
    }

    /// Counts prices in ticks `factor` times as fine.
    pub(super) fn refine(&mut self, factor: i64) {
        for price in [&mut self.open, &mut self.high, &mut self.low, &mut self.close] {
            *price *= factor;
        }
        for sum in [&mut self.turnover, &mut self.bought_turnover] {
            *sum *= u128::from(factor.unsigned_abs());
        }
    }

    /// These sums and those of what came right after.
    pub(super) fn then(&self, later: &Sums) -> Sums {
        Sums {
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume + later.volume,
            turnover: self.turnover + later.turnover,
            bought_volume: self.bought_volume + later.bought_volume,
            bought_turnover: self.bought_turnover + later.bought_turnover,
            first_id: self.first_id,
            last_id: later.last_id,
        }
    }
}

/// The fills of one taker order at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Contiguous per symbol.
    pub id: u64,
    /// Id of its first trade.
    pub first_id: u64,
    /// The last trade with the lots of all.
    pub total: Trade,
}

/// The last trades that a tape remembers one by one, and as many aggregates.
pub const TRADES_KEPT: usize = 500;

/// A symbol's tape.
#[derive(Clone, Debug)]
pub struct Tape {
    recent: VecDeque<Trade>,
    aggregates: VecDeque<Aggregate>,
    seconds: Buckets,
    minutes: Buckets,
    quarters: Buckets,
    last: Trade,
}

/// The start of the minute in which a time lies.
pub fn minute_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(MINUTE_MS) * MINUTE_MS
}

impl Tape {
    /// An empty tape, which calls `price` the last one before it and counts trades from `first_id`.
    pub fn new(price: i64, first_id: u64, time_ms: i64) -> Tape {
        let last = Trade { id: first_id.saturating_sub(1), price, lots: 0, time_ms, buyer_is_maker: false };
        Tape {
            recent: VecDeque::new(),
            aggregates: VecDeque::new(),
            seconds: Buckets::new(SECOND_MS, SECONDS_KEPT_MS, price),
            minutes: Buckets::new(MINUTE_MS, MINUTES_KEPT_MS, price),
            quarters: Buckets::new(QUARTER_MS, QUARTERS_KEPT_MS, price),
            last,
        }
    }

    /// The next trade's id.
    pub fn next_id(&self) -> u64 {
        self.last.id + 1
    }

    /// The last trade; before the first one, a trade of no lots at the start price.
    pub fn last(&self) -> &Trade {
        &self.last
    }

    /// Takes a trade; times never run backwards.
    pub fn record(&mut self, trade: Trade) {
        for buckets in [&mut self.seconds, &mut self.minutes, &mut self.quarters] {
            buckets.record(&trade);
        }
        self.last = trade;
        if self.recent.len() == TRADES_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(trade);
    }

    /// Counts prices in ticks `factor` times as fine.
    pub(super) fn refine(&mut self, factor: i64) {
        let totals = self.aggregates.iter_mut().map(|aggregate| &mut aggregate.total);
        for trade in self.recent.iter_mut().chain(totals).chain([&mut self.last]) {
            trade.price *= factor;
        }
        for buckets in [&mut self.seconds, &mut self.minutes, &mut self.quarters] {
            buckets.refine(factor);
        }
    }

    /// Takes an aggregate of trades recorded before.
    pub fn record_aggregate(&mut self, aggregate: Aggregate) {
        if self.aggregates.len() == TRADES_KEPT {
            self.aggregates.pop_front();
        }
        self.aggregates.push_back(aggregate);
    }

    /// The last trades, oldest first.
    pub fn recent(&self) -> impl ExactSizeIterator<Item = &Trade> {
        self.recent.iter()
    }

    /// The last aggregates, oldest first.
    pub fn aggregates(&self) -> impl ExactSizeIterator<Item = &Aggregate> {
        self.aggregates.iter()
    }

    /// The stretches from which a span is put together: the coarsest that its ends are multiples of. What reaches further
    /// back than minutes do is put together from quarters, and then begins and ends with whole ones.
    fn parts(&self, from_ms: i64, to_ms: i64) -> &Buckets {
        let whole = |length_ms| from_ms.rem_euclid(length_ms) == 0 && to_ms.rem_euclid(length_ms) == 0;
        match () {
            () if whole(QUARTER_MS) || to_ms - from_ms > MINUTES_KEPT_MS => &self.quarters,
            () if whole(MINUTE_MS) => &self.minutes,
            () => &self.seconds,
        }
    }

    /// The start of the oldest stretch with trades that is kept, of those from which a span of `length_ms` that starts at
    /// `from_ms` is put together.
    pub fn first(&self, from_ms: i64, length_ms: i64) -> Option<i64> {
        self.parts(from_ms, from_ms + length_ms).first()
    }

    /// The sums of the trades made in `from_ms..to_ms`, both whole seconds, and the price that stood before them, by which
    /// a span without trades is flat.
    pub fn between(&self, from_ms: i64, to_ms: i64) -> (Option<Sums>, i64) {
        self.parts(from_ms, to_ms).between(from_ms, to_ms)
    }

    /// The sums of the trades made in minutes that start at `from_ms` or later; `None` when there were none.
    pub fn since(&self, from_ms: i64) -> Option<Sums> {
        self.minutes.between(from_ms, i64::MAX).0
    }

    /// The sums of one minute, and the price that stood before it.
    pub fn minute(&self, start_ms: i64) -> (Option<Sums>, i64) {
        self.minutes.between(start_ms, start_ms + MINUTE_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(id: u64, price: i64, lots: i64, time_ms: i64, buyer_is_maker: bool) -> Trade {
        Trade { id, price, lots, time_ms, buyer_is_maker }
    }

    #[test]
    fn windows_sum_the_minutes_they_cover() {
        let mut tape = Tape::new(100, 1, 0);
        assert_eq!(tape.since(0), None);
        tape.record(trade(1, 101, 2, 1_000, false));
        tape.record(trade(2, 99, 3, 59_999, true));
        tape.record(trade(3, 105, 1, 60_000, false));
        let all = tape.since(0).expect("three trades");
        assert_eq!((all.open, all.high, all.low, all.close), (101, 105, 99, 105));
        assert_eq!((all.volume, all.turnover, all.count()), (6, 2 * 101 + 3 * 99 + 105, 3));
        assert_eq!((all.bought_volume, all.bought_turnover), (3, 2 * 101 + 105));
        assert_eq!(tape.since(1).map(|s| s.first_id), Some(3));
        assert_eq!(tape.next_id(), 4);
    }

    #[test]
    fn a_minute_without_trades_knows_the_price_before_it() {
        let mut tape = Tape::new(100, 7, 0);
        assert_eq!(tape.minute(0), (None, 100));
        tape.record(trade(7, 120, 1, 10, false));
        assert_eq!(tape.minute(0).0.map(|s| s.close), Some(120));
        assert_eq!(tape.minute(60_000), (None, 120));
    }

    #[test]
    fn only_a_day_of_minutes_is_kept_and_a_month_of_quarters() {
        let mut tape = Tape::new(100, 1, 0);
        for minute in 0..50_000i64 {
            tape.record(trade(1 + minute as u64, 100 + minute, 1, minute * MINUTE_MS, false));
        }
        assert_eq!(tape.since(i64::MIN).map(|s| s.count()), Some(1_441));
        assert_eq!(tape.minute(48_600 * MINUTE_MS).1, 100 + 48_599);
        let month = tape.between(0, 50_010 * MINUTE_MS).0.expect("many");
        assert!((46_065..=46_095).contains(&month.count()), "{month:?}");
    }

    #[test]
    fn spans_are_put_together_from_what_they_are_multiples_of() {
        let mut tape = Tape::new(100, 1, 0);
        for second in 0..1_800i64 {
            tape.record(trade(1 + second as u64, 100 + second, 1, second * SECOND_MS + 7, false));
        }
        let count = |from_s: i64, to_s: i64| {
            let (sums, before) = tape.between(from_s * SECOND_MS, to_s * SECOND_MS);
            (sums.map_or(0, |s| s.count()), before)
        };
        assert_eq!(count(0, 900), (900, 100));
        assert_eq!(count(900, 1_800), (900, 100 + 899));
        assert_eq!(count(60, 240), (180, 100 + 59));
        assert_eq!(count(1_797, 1_799), (2, 100 + 1_796));
        assert_eq!(count(7, 8).0, 0, "seconds reach back a minute");
    }

    #[test]
    fn finer_ticks_change_no_value() {
        let mut tape = Tape::new(100, 1, 0);
        tape.record(trade(1, 120, 3, 10, false));
        tape.refine(10);
        let (sums, before) = tape.minute(0);
        let sums = sums.expect("one trade");
        assert_eq!((sums.close, sums.turnover, before, tape.last().price), (1_200, 3_600, 1_000, 1_200));
    }
}
