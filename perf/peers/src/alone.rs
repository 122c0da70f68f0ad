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
pub(crate) struct OurBook(Book);

impl OurBook {
    /// A book of a snapshot that is known to its end.
    pub(crate) fn of(snapshot: &Changes) -> OurBook {
        let mut book = Book::default();
        book.replace(snapshot.levels(), 0);
        OurBook(book)
    }

    /// Applies a diff; whether it was taken.
    #[inline]
    pub(crate) fn apply(&mut self, changes: &Changes) -> bool {
        self.0.apply(changes.levels()).is_ok()
    }

    /// The best prices.
    #[inline]
    pub(crate) fn best(&self) -> (Option<i64>, Option<i64>) {
        (self.0.best_bid().map(|level| level.price), self.0.best_ask().map(|level| level.price))
    }

    /// Both sides, worst first.
    pub(crate) fn sides(&self) -> [&[Level]; 2] {
        [&self.0.bids.levels, &self.0.asks.levels]
    }
}
