//! Purpose: checks book tops against `bookTicker`, for ever (binance.md section 1, "Free integrity check").
//! Owns: the tickers that checks may still need, tops that wait for their ticker, the counts.
//! Thread: the conductor's. Takes and gives: tops. Never: acts on a mismatch, only counts it.

use std::collections::VecDeque;

use crate::schema::decimal::{Decimal, SCALE_ABSENT};
use crate::schema::payload::BookTicker;

/// Best bid and ask, price and quantity. Thousands of instruments keep many of them, so it is packed: an empty side has no scales.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top {
    /// Bid price, bid quantity, ask price, ask quantity.
    mantissas: [i64; 4],
    scales: [u8; 4],
}

impl Top {
    /// Of both sides; `None` for an empty one.
    #[inline]
    pub(super) fn of(bid: Option<(Decimal, Decimal)>, ask: Option<(Decimal, Decimal)>) -> Top {
        let mut top = Top { mantissas: [0; 4], scales: [SCALE_ABSENT; 4] };
        for (at, (price, quantity)) in [(0, bid), (2, ask)].into_iter().filter_map(|(at, side)| Some((at, side?))) {
            (top.mantissas[at], top.scales[at]) = (price.mantissa(), price.scale());
            (top.mantissas[at + 1], top.scales[at + 1]) = (quantity.mantissa(), quantity.scale());
        }
        top
    }

    /// From a ticker: the venue writes an empty side as quantity 0.
    #[inline]
    pub(super) fn of_ticker(ticker: &BookTicker) -> Top {
        let side = |price: Option<Decimal>, quantity: Option<Decimal>| {
            price.zip(quantity).filter(|(_, quantity)| !quantity.is_zero())
        };
        Top::of(side(ticker.bid(), ticker.bid_quantity()), side(ticker.ask(), ticker.ask_quantity()))
    }

    fn value(&self, at: usize) -> Option<Decimal> {
        Decimal::new(self.mantissas[at], self.scales[at])
    }
}

impl PartialEq for Top {
    /// By value: 1.50 is 1.5.
    fn eq(&self, other: &Top) -> bool {
        (self.mantissas == other.mantissas && self.scales == other.scales)
            || (0..4).all(|at| self.value(at) == other.value(at))
    }
}

/// Counts of checks that were decided, and of those that could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checks {
    /// The book agreed with a ticker or a partial depth.
    pub(super) agree: u64,
    /// It did not.
    pub(super) disagree: u64,
    /// No ticker had come at or before the diff's id.
    pub(super) no_reference: u64,
    /// Too many were undecided, or the reference was forgotten.
    pub(super) given_up: u64,
    /// A snapshot of the book's own id agreed.
    pub(super) snapshots_agree: u64,
    /// It did not.
    pub(super) snapshots_disagree: u64,
}

/// The integrity checks of one instrument.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Integrity {
    /// The id of the latest ticker kept; [`NO_TICKER`] without one. Here, so that a ticker of an instrument that was quiet reads
    /// nothing that lies elsewhere.
    newest: i64,
    tickers: VecDeque<(i64, Top)>,
    pending: VecDeque<(i64, Top)>,
    /// A ticker that came before all those kept was forgotten.
    forgotten: bool,
    pub(super) checks: Checks,
}

/// No id is lower.
const NO_TICKER: i64 = i64::MIN;

impl Default for Integrity {
    fn default() -> Integrity {
        let (tickers, pending) = (VecDeque::new(), VecDeque::new());
        Integrity { newest: NO_TICKER, tickers, pending, forgotten: false, checks: Checks::default() }
    }
}

impl Integrity {
    /// A ticker came.
    pub(super) fn ticker(&mut self, id: i64, top: Top, kept_max: usize) {
        if id <= self.newest {
            self.insert_late(id, top);
        } else {
            self.tickers.push_back((id, top));
            self.newest = id;
        }
        if self.tickers.len() > kept_max {
            self.tickers.pop_front();
            self.forgotten = true;
            if self.tickers.is_empty() {
                self.newest = NO_TICKER;
            }
        }
        self.decide();
    }

    /// Whether a ticker can decide anything.
    #[inline]
    pub(super) fn awaits_ticker(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Puts a ticker that came late in its place; one of an id that is there says nothing new.
    fn insert_late(&mut self, id: i64, top: Top) {
        if let Err(at) = self.tickers.binary_search_by_key(&id, |t| t.0) {
            self.tickers.insert(at, (id, top));
        }
    }

    /// A diff was applied: the book's top at this id must equal the last ticker at or before it.
    pub(super) fn applied(&mut self, id: i64, top: Top, pending_max: usize) {
        if self.pending.len() >= pending_max {
            self.pending.pop_front();
            // Without any ticker there is nothing to check against, and nothing was given up.
            let count = if self.tickers.is_empty() { &mut self.checks.no_reference } else { &mut self.checks.given_up };
            *count += 1;
        }
        self.pending.push_back((id, top));
        self.decide();
    }

    /// Decides what a later ticker has made decidable.
    fn decide(&mut self) {
        // Without a ticker it is below every id.
        while let Some(&(id, top)) = self.pending.front() {
            if self.newest <= id {
                break;
            }
            self.pending.pop_front();
            self.settle(id, top);
        }
    }

    fn settle(&mut self, id: i64, top: Top) {
        let upto = self.tickers.partition_point(|t| t.0 <= id);
        // The reference stays: it may be the next one's too.
        self.tickers.drain(..upto.saturating_sub(1));
        let count = match self.tickers.front().filter(|t| t.0 <= id) {
            Some((_, reference)) if *reference == top => &mut self.checks.agree,
            Some(_) => &mut self.checks.disagree,
            None if self.forgotten => &mut self.checks.given_up,
            None => &mut self.checks.no_reference,
        };
        *count += 1;
    }

    /// Nothing more will come. What agrees with the last ticker known does; where it does not, a ticker may have been on its
    /// way, and nothing is decided.
    pub(super) fn finish(&mut self) {
        while let Some((id, top)) = self.pending.pop_front() {
            let disagree = self.checks.disagree;
            self.settle(id, top);
            self.checks.given_up += self.checks.disagree - disagree;
            self.checks.disagree = disagree;
        }
    }

    /// The top of the ticker with exactly this id, if it is remembered.
    pub(super) fn ticker_at(&self, id: i64) -> Option<Top> {
        let at = self.tickers.binary_search_by_key(&id, |t| t.0).ok()?;
        self.tickers.get(at).map(|t| t.1)
    }

    /// A partial depth of the book's own id was compared.
    pub(super) fn compared(&mut self, agrees: bool) {
        if agrees { self.checks.agree += 1 } else { self.checks.disagree += 1 }
    }

    /// A snapshot of the book's own id was compared.
    pub(super) fn compared_snapshot(&mut self, agrees: bool) {
        if agrees { self.checks.snapshots_agree += 1 } else { self.checks.snapshots_disagree += 1 }
    }

    /// The ids start over: tickers and tops of the old ones say nothing.
    pub(super) fn forget(&mut self) {
        self.checks.given_up += self.pending.len() as u64;
        self.pending.clear();
        self.tickers.clear();
        self.newest = NO_TICKER;
        self.forgotten = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(price: i64) -> Top {
        let side = Some((Decimal::whole(price), Decimal::whole(1)));
        Top::of(side, side)
    }

    enum Step {
        Ticker(i64, i64),
        Diff(i64, i64),
    }
    use Step::{Diff, Ticker};

    fn run(steps: &[Step], kept: usize, pending: usize) -> Checks {
        let mut integrity = Integrity::default();
        for step in steps {
            match *step {
                Ticker(id, price) => integrity.ticker(id, top(price), kept),
                Diff(id, price) => integrity.applied(id, top(price), pending),
            }
        }
        integrity.finish();
        integrity.checks
    }

    #[test]
    fn the_last_ticker_at_or_before_a_diff_must_equal_its_top() {
        let agree = |n| Checks { agree: n, ..Checks::default() };
        let table: &[(&str, &[Step], Checks)] = &[
            ("ticker before its diff", &[Ticker(5, 1), Ticker(9, 2), Diff(6, 1)], agree(1)),
            ("ticker after its diff", &[Diff(6, 1), Ticker(5, 1), Ticker(9, 2)], agree(1)),
            ("the latest of several counts", &[Ticker(4, 7), Ticker(5, 1), Diff(6, 1), Ticker(9, 2)], agree(1)),
            ("one ticker serves two diffs", &[Ticker(5, 1), Diff(6, 1), Diff(8, 1), Ticker(9, 2)], agree(2)),
            ("decided at the end", &[Ticker(5, 1), Diff(6, 1)], agree(1)),
            ("an equal id alone does not decide yet", &[Ticker(5, 3), Diff(6, 1), Ticker(6, 1)], agree(1)),
            ("late tickers find their place", &[Ticker(9, 2), Ticker(5, 1), Diff(6, 1)], agree(1)),
            ("cut off", &[Ticker(5, 2), Diff(6, 1)], Checks { given_up: 1, ..Checks::default() }),
            ("a mismatch", &[Ticker(5, 2), Diff(6, 1), Ticker(9, 2)], Checks { disagree: 1, ..Checks::default() }),
            ("no ticker yet", &[Diff(6, 1), Ticker(9, 2)], Checks { no_reference: 1, ..Checks::default() }),
            ("no ticker ever", &[Diff(6, 1)], Checks { no_reference: 1, ..Checks::default() }),
        ];
        for (name, steps, expected) in table {
            assert_eq!(run(steps, 8, 8), *expected, "{name}");
        }
    }

    #[test]
    fn bounds_give_checks_up_and_say_so() {
        let many: Vec<Step> = (0..10).map(|i| Diff(i, 1)).collect();
        assert_eq!(run(&many, 8, 4), Checks { no_reference: 10, ..Checks::default() }, "nothing to check against");
        let mut after: Vec<Step> = vec![Ticker(0, 1)];
        after.extend((1..=10).map(|i| Diff(i, 1)));
        assert_eq!(run(&after, 8, 4), Checks { agree: 4, given_up: 6, ..Checks::default() });
        let forgotten = [Ticker(1, 1), Ticker(5, 2), Ticker(6, 3), Diff(2, 1)];
        assert_eq!(run(&forgotten, 2, 4), Checks { given_up: 1, ..Checks::default() });
    }

    #[test]
    fn trailing_zeros_and_empty_sides_compare_by_value() {
        use bytemuck::Zeroable;
        let mut ticker = BookTicker::zeroed();
        ticker.set_bid(Decimal::new(150, 2));
        ticker.set_bid_quantity(Decimal::new(10, 1));
        ticker.set_ask(Decimal::new(0, 8));
        ticker.set_ask_quantity(Decimal::new(0, 8));
        let side = Some((Decimal::new(15, 1).unwrap(), Decimal::whole(1)));
        assert_eq!(Top::of_ticker(&ticker), Top::of(side, None));
    }
}
