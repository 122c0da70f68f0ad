//! Purpose: what can be asked of the conductor at the end of a run, or in between.
//! Owns: nothing. Thread: the conductor's (cold). Takes and gives: plain data. Never: changes a book.

use super::fusion::Instrument;
use super::stage::ConductorStage;
use super::sync::SyncState;
use crate::schema::decimal::Decimal;
use crate::schema::id::{InstrumentId, Market};
use crate::schema::quality::Quality;
use crate::schema::raw::Level;
use crate::schema::stage::{Publish, SnapshotRequests};

/// One book, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookReport {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Its market.
    pub market: Option<Market>,
    /// Where the book stands.
    pub state: SyncState,
    /// How often it was resynchronised.
    pub epoch: u32,
    /// The last update id; `None` without a book.
    pub update_id: Option<i64>,
    /// What the book is worth.
    pub quality: Quality,
    /// The worst bid that is known; `None` when every bid is.
    pub known_bid: Option<Decimal>,
    /// The worst ask that is known, likewise.
    pub known_ask: Option<Decimal>,
    /// Diffs applied.
    pub applied: u64,
    /// Diffs dropped because a book had them already.
    pub dropped: u64,
    /// Checks against tickers and partial depth that agreed.
    pub agree: u64,
    /// Those that did not.
    pub disagree: u64,
    /// Diffs for which no ticker had come.
    pub no_reference: u64,
    /// Bids, price and quantity, best first, levels outside the known range included.
    pub bids: Vec<(Decimal, Decimal)>,
    /// Asks, likewise.
    pub asks: Vec<(Decimal, Decimal)>,
}

/// How many books have which quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QualityCounts {
    counts: [usize; Quality::NAMES.len()],
}

impl QualityCounts {
    /// How many books are of this quality.
    pub fn of(&self, quality: Quality) -> usize {
        self.counts[quality as usize]
    }

    /// How many books there are.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    pub(super) fn count(&mut self, quality: Quality) {
        self.counts[quality as usize] += 1;
    }
}

impl BookReport {
    pub(super) fn of(instrument: &Instrument) -> BookReport {
        let book = &instrument.book;
        let decimal = |level: Level| book.price(level.price).zip(book.quantity(level.quantity));
        BookReport {
            instrument: instrument.id,
            market: Market::from_byte(instrument.market),
            state: instrument.state(),
            epoch: instrument.epoch,
            update_id: instrument.sync.local(),
            quality: instrument.quality,
            known_bid: book.known_bid.and_then(|m| book.price(m)),
            known_ask: book.known_ask.and_then(|m| book.price(m)),
            applied: instrument.applied,
            dropped: instrument.dropped,
            agree: instrument.integrity.checks.agree,
            disagree: instrument.integrity.checks.disagree,
            no_reference: instrument.integrity.checks.no_reference,
            bids: book.bids.best_first().filter_map(decimal).collect(),
            asks: book.asks.best_first().filter_map(decimal).collect(),
        }
    }
}

impl<P: Publish, R: SnapshotRequests> ConductorStage<P, R> {
    /// The quality of an instrument's book, as announced last; `None` for one that was never seen.
    pub fn quality(&self, instrument: InstrumentId) -> Option<Quality> {
        self.find(instrument).map(|i| i.quality)
    }

    /// Where an instrument's book stands; `None` for one that was never seen.
    pub fn state(&self, instrument: InstrumentId) -> Option<SyncState> {
        self.find(instrument).map(|i| i.state())
    }

    /// The book of one instrument; `None` for one that was never seen. Cold: copies the book.
    pub fn report(&self, instrument: InstrumentId) -> Option<BookReport> {
        self.find(instrument).map(BookReport::of)
    }

    /// Every book that was seen, by instrument id. Cold: copies the books.
    pub fn reports(&self) -> Vec<BookReport> {
        self.instruments.iter().filter(|i| i.has_book_stream()).map(BookReport::of).collect()
    }

    /// How many books have which quality.
    pub fn qualities(&self) -> QualityCounts {
        let mut counts = QualityCounts::default();
        for instrument in self.instruments.iter().filter(|i| i.has_book_stream()) {
            counts.count(instrument.quality);
        }
        counts
    }
}
