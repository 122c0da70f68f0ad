//! Purpose: the truth about every book at every update id (oracle I0 of faults.md), for whoever checks a run.
//! Owns: one history a symbol, each behind its own lock. Thread: any; the simulation appends, checkers read.
//! Takes and gives: symbols and ids in, exact decimals out. Never: sees a fault; the true book has none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::book::{Book, Level, Side};
use super::history::{Change, Segment};
use super::spec::SymbolSpec;
use crate::schema::decimal::Decimal;

/// How much of the past the oracle keeps for each symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// Every id since the start: 24 bytes a change, and about as much again for checkpoints.
    All,
    /// At least so many last ids; at most a few checkpoints' worth more.
    Last(u64),
}

/// Why there is no truth to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TruthError {
    /// The exchange has no such symbol.
    #[error("the simulated exchange has no such symbol")]
    UnknownSymbol,
    /// The id has not come yet, was forgotten, or never was.
    #[error("the oracle holds no book at this update id")]
    NotHeld,
}

/// A price and what rests there.
pub type TrueLevel = (Decimal, Decimal);

/// A true book at an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrueBook {
    /// The id.
    pub update_id: u64,
    /// Bids, the best first.
    pub bids: Vec<TrueLevel>,
    /// Asks, the best first.
    pub asks: Vec<TrueLevel>,
}

#[derive(Debug)]
struct Past {
    /// Decimals of a tick and of a lot; a tick may become finer while the exchange runs.
    scales: (u8, u8),
    /// One a start of the venue's ids; several only when a fault restarted them.
    segments: Vec<Segment>,
}

#[derive(Debug)]
struct SymbolTruth(Mutex<Past>);

impl SymbolTruth {
    /// A checker that panicked in a test leaves the history whole: it only reads.
    fn past(&self) -> MutexGuard<'_, Past> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// The segment that holds an id; where restarted ids overlap, the later one.
    fn segment(&self, id: u64) -> Result<usize, TruthError> {
        self.segments.iter().rposition(|s| s.holds(id)).ok_or(TruthError::NotHeld)
    }
}

/// The truth about all symbols of a run.
#[derive(Debug)]
pub struct Oracle {
    symbols: Vec<SymbolTruth>,
    places: HashMap<String, usize>,
    retain: Retain,
}

impl Oracle {
    pub(super) fn new<'a>(opening: impl Iterator<Item = (&'a SymbolSpec, u64, &'a Book)>, retain: Retain) -> Oracle {
        let mut oracle = Oracle { symbols: Vec::new(), places: HashMap::new(), retain };
        for (spec, id, book) in opening {
            let scales = (spec.price_scale, spec.quantity_scale);
            oracle.places.insert(spec.symbol.clone(), oracle.symbols.len());
            let segments = vec![Segment::new(id, book)];
            oracle.symbols.push(SymbolTruth(Mutex::new(Past { scales, segments })));
        }
        oracle
    }

    /// Appends an event's changes; `book` is the book after them.
    pub(super) fn extend(&self, place: usize, changes: &[Change], book: &Book) {
        if let Some(segment) = self.symbols[place].past().segments.last_mut() {
            segment.extend(changes, book, self.retain);
        }
    }

    /// The venue restarts the ids of a symbol: `book` is the book at `id`.
    pub(super) fn restart(&self, place: usize, id: u64, book: &Book) {
        self.symbols[place].past().segments.push(Segment::new(id, book));
    }

    /// The ticks of a symbol get so many digits more. What was true stays true.
    pub(super) fn refine(&self, place: usize, digits: u8) {
        let mut past = self.symbols[place].past();
        past.scales.0 += digits;
        let factor = 10i64.pow(u32::from(digits));
        past.segments.iter_mut().for_each(|segment| segment.refine(factor));
    }

    /// Which prices ids `first..=last` changed, once each; `None` when not all of them are held in one segment.
    pub(super) fn touched(&self, place: usize, first: u64, last: u64) -> Option<Vec<(Side, i64)>> {
        let past = self.symbols[place].past();
        let segment = past.segments.last().filter(|s| s.holds(first.saturating_sub(1)) && s.holds(last))?;
        let mut prices: Vec<_> = segment.changes(first, last).map(|c| (c.side, c.level.price)).collect();
        prices.sort_unstable_by_key(|(side, price)| (side.sign(), *price));
        prices.dedup();
        Some(prices)
    }

    pub(super) fn book_at(&self, place: usize, id: u64) -> Result<Book, TruthError> {
        let past = self.symbols[place].past();
        past.segments[past.segment(id)?].book_at(id)
    }

    /// The oldest id of a symbol that is held in the current run of its ids.
    pub(super) fn oldest(&self, place: usize) -> u64 {
        self.symbols[place].past().segments.last().map_or(0, Segment::first)
    }

    fn place(&self, symbol: &str) -> Result<usize, TruthError> {
        self.places.get(symbol).copied().ok_or(TruthError::UnknownSymbol)
    }

    /// The newest id of a symbol.
    ///
    /// # Errors
    /// [`TruthError::UnknownSymbol`].
    pub fn newest_id(&self, symbol: &str) -> Result<u64, TruthError> {
        let place = self.place(symbol)?;
        Ok(self.symbols[place].past().segments.last().map_or(0, Segment::last))
    }

    /// The true book of a symbol at an id. It costs a checkpoint and up to a checkpoint's distance of changes; a checker
    /// of a whole run uses a [`TruthCursor`].
    ///
    /// # Errors
    /// [`TruthError::UnknownSymbol`]; [`TruthError::NotHeld`] for an id to come, forgotten, or never used.
    pub fn truth(&self, symbol: &str, update_id: u64) -> Result<TrueBook, TruthError> {
        let place = self.place(symbol)?;
        let (book, scales) = {
            let past = self.symbols[place].past();
            (past.segments[past.segment(update_id)?].book_at(update_id)?, past.scales)
        };
        let levels = |side| book.side(side).best_first().filter_map(|l| decimals(scales, l)).collect();
        Ok(TrueBook { update_id, bids: levels(Side::Bid), asks: levels(Side::Ask) })
    }

    /// A cursor over a symbol's books, at the oldest id that is held.
    ///
    /// # Errors
    /// [`TruthError::UnknownSymbol`].
    pub fn cursor(self: &Arc<Self>, symbol: &str) -> Result<TruthCursor, TruthError> {
        let place = self.place(symbol)?;
        let (update_id, book, scales) = {
            let past = self.symbols[place].past();
            let segment = past.segments.first().ok_or(TruthError::NotHeld)?;
            (segment.first(), segment.book_at(segment.first())?, past.scales)
        };
        Ok(TruthCursor { oracle: Arc::clone(self), place, segment: 0, update_id, book, scales })
    }
}

fn decimals(scales: (u8, u8), level: Level) -> Option<TrueLevel> {
    Some((Decimal::new(level.price, scales.0)?, Decimal::new(level.quantity, scales.1)?))
}

/// A true book that moves along the ids: forward by applying what changed, so a check of a whole run is linear.
#[derive(Debug)]
pub struct TruthCursor {
    oracle: Arc<Oracle>,
    place: usize,
    /// Which run of the symbol's ids it stands in.
    segment: usize,
    update_id: u64,
    book: Book,
    /// Of the prices and quantities in `book`.
    scales: (u8, u8),
}

impl TruthCursor {
    /// The id it stands at.
    pub fn update_id(&self) -> u64 {
        self.update_id
    }

    /// Moves to an id; where restarted ids overlap, to the later book. Going back, or into another run of ids, starts over from a checkpoint.
    ///
    /// # Errors
    /// [`TruthError::NotHeld`]; the cursor then stays where it was.
    pub fn move_to(&mut self, update_id: u64) -> Result<(), TruthError> {
        let past = self.oracle.symbols[self.place].past();
        let found = past.segment(update_id)?;
        let segment = &past.segments[found];
        let onward = found == self.segment && update_id >= self.update_id && segment.holds(self.update_id);
        if onward && past.scales == self.scales {
            for change in segment.changes(self.update_id + 1, update_id) {
                self.book.set(change.side, change.level.price, change.level.quantity);
            }
        } else {
            self.book = segment.book_at(update_id)?;
        }
        (self.segment, self.update_id, self.scales) = (found, update_id, past.scales);
        Ok(())
    }

    /// The levels of a side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = TrueLevel> + '_ {
        let scales = self.scales;
        self.book.side(side).best_first().filter_map(move |l| decimals(scales, l))
    }

    /// How many levels a side has.
    pub fn level_count(&self, side: Side) -> usize {
        self.book.side(side).len()
    }

    /// The best level of a side.
    pub fn best(&self, side: Side) -> Option<TrueLevel> {
        self.levels(side).next()
    }

    /// What rests at a price; zero for nothing, also for a price finer than the tick.
    pub fn quantity_at(&self, side: Side, price: Decimal) -> Decimal {
        let (price_scale, quantity_scale) = self.scales;
        let ticks = price.mantissa_at(price_scale);
        let lots = ticks.map_or(0, |t| self.book.side(side).quantity_at(t));
        Decimal::new(lots, quantity_scale).unwrap_or(Decimal::ZERO)
    }
}
