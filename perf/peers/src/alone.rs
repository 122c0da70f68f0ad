//! Purpose: the conductor's book without the conductor, so that it can be measured beside other books.
//! Owns: a book. Thread: its owner's. Takes and gives: levels as the parser hands them on. Never: adds a step to what is measured.

use meltica::schema::raw::Level;

use super::book::{Book, Levels};

/// Levels of one diff or snapshot, at one scale of prices and one of quantities.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    pub(crate) bids: Vec<Level>,
    pub(crate) asks: Vec<Level>,
    pub(crate) scales: (u8, u8),
}

impl Changes {
    #[inline]
    fn levels(&self) -> Levels<'_> {
        Levels { bids: &self.bids, asks: &self.asks, price_scale: self.scales.0, quantity_scale: self.scales.1 }
    }
}

/// The book.
#[derive(Debug)]
pub(crate) struct OurBook {
    book: Book,
    spare: Vec<Level>,
}

impl OurBook {
    /// A book of a snapshot that is known to its end, with windows of so many ticks (0: none).
    pub(crate) fn of(snapshot: &Changes, window_ticks: usize) -> OurBook {
        let mut book = Book::new(window_ticks);
        book.replace(snapshot.levels(), 0);
        OurBook { book, spare: Vec::new() }
    }

    /// Whether both sides have windows.
    pub(crate) fn is_windowed(&self) -> bool {
        self.book.bids.is_windowed() && self.book.asks.is_windowed()
    }

    /// Applies a diff; whether it was taken.
    #[inline]
    pub(crate) fn apply(&mut self, changes: &Changes) -> bool {
        self.book.apply(changes.levels(), &mut self.spare).is_ok()
    }

    /// The best prices.
    #[inline]
    pub(crate) fn best(&self) -> (Option<i64>, Option<i64>) {
        (self.book.best_bid().map(|level| level.price), self.book.best_ask().map(|level| level.price))
    }

    /// Both sides, best first.
    pub(crate) fn sides(&self) -> [Vec<Level>; 2] {
        [self.book.bids.best_first().collect(), self.book.asks.best_first().collect()]
    }
}
