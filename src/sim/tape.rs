//! Purpose: the running statistics of one symbol's own trades: candles, rolling windows, average prices.
//! Owns: a day of minutes. Thread: its owner's. Takes and gives: trades in ticks and lots, windows.
//! Never: rounds; sums are exact, and only the wire writers divide.

use std::collections::VecDeque;

/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Minutes in the longest window that is kept.
const MINUTES_MAX: i64 = 1_440;

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

    fn of(trade: &Trade) -> Sums {
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

    /// These sums and those of what came right after.
    fn then(&self, later: &Sums) -> Sums {
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

#[derive(Clone, Copy, Debug)]
struct Minute {
    start_ms: i64,
    sums: Sums,
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
    minutes: VecDeque<Minute>,
    last: Trade,
    before_last_day: i64,
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
            minutes: VecDeque::new(),
            last,
            before_last_day: price,
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
        let start_ms = minute_of(trade.time_ms);
        let sums = Sums::of(&trade);
        match self.minutes.back_mut() {
            Some(minute) if minute.start_ms == start_ms => minute.sums = minute.sums.then(&sums),
            _ => self.minutes.push_back(Minute { start_ms, sums }),
        }
        self.last = trade;
        if self.recent.len() == TRADES_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(trade);
        while let Some(oldest) = self.minutes.front().filter(|m| m.start_ms <= start_ms - MINUTES_MAX * MINUTE_MS) {
            self.before_last_day = oldest.sums.close;
            self.minutes.pop_front();
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

    /// The start of the oldest minute with trades that is kept.
    pub fn first_minute(&self) -> Option<i64> {
        self.minutes.front().map(|m| m.start_ms)
    }

    /// The sums of the trades made in minutes that start in `from_ms..to_ms`, and the price that stood before them.
    pub fn between(&self, from_ms: i64, to_ms: i64) -> (Option<Sums>, i64) {
        let first = self.minutes.partition_point(|m| m.start_ms < from_ms);
        let end = self.minutes.partition_point(|m| m.start_ms < to_ms).max(first);
        let sums = self.minutes.range(first..end).map(|m| m.sums).reduce(|a, b| a.then(&b));
        (sums, self.minute(from_ms).1)
    }

    /// The sums of the trades made in minutes that start at `from_ms` or later; `None` when there were none.
    pub fn since(&self, from_ms: i64) -> Option<Sums> {
        let first = self.minutes.partition_point(|m| m.start_ms < from_ms);
        self.minutes.range(first..).map(|m| m.sums).reduce(|a, b| a.then(&b))
    }

    /// The sums of one minute, and the price that stood before it, by which a minute without trades is flat.
    pub fn minute(&self, start_ms: i64) -> (Option<Sums>, i64) {
        let at = self.minutes.partition_point(|m| m.start_ms < start_ms);
        let before = at.checked_sub(1).and_then(|i| self.minutes.get(i)).map_or(self.before_last_day, |m| m.sums.close);
        let sums = self.minutes.get(at).filter(|m| m.start_ms == start_ms).map(|m| m.sums);
        (sums, before)
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
    fn only_a_day_is_kept() {
        let mut tape = Tape::new(100, 1, 0);
        for minute in 0..3_000i64 {
            tape.record(trade(1 + minute as u64, 100 + minute, 1, minute * MINUTE_MS, false));
        }
        assert_eq!(tape.since(i64::MIN).map(|s| s.count()), Some(1_440));
        assert_eq!(tape.minute(1_560 * MINUTE_MS).1, 100 + 1_559);
    }
}
