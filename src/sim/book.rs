//! Purpose: one symbol's limit order book, level by level.
//! Owns: its two sides. Thread: its owner's. Takes and gives: ticks and lots.
//! Never: decides anything; a crossed book is the flow's fault, and the oracle's test would see it.

/// A side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Buyers.
    Bid,
    /// Sellers.
    Ask,
}

impl Side {
    /// The other side.
    pub const fn other(self) -> Side {
        match self {
            Side::Bid => Side::Ask,
            Side::Ask => Side::Bid,
        }
    }

    /// 1 for bids, -1 for asks: a price times this is greater the better it is.
    pub const fn sign(self) -> i64 {
        match self {
            Side::Bid => 1,
            Side::Ask => -1,
        }
    }
}

/// A price with what rests there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// In ticks.
    pub price: i64,
    /// In lots; 0 says that the level is gone.
    pub quantity: i64,
}

/// One side: sorted, the best level last, so that the busy end of the vector is the cheap one.
#[derive(Clone, Debug)]
pub struct Ladder {
    side: Side,
    levels: Vec<Level>,
}

impl Ladder {
    /// An empty side.
    pub fn new(side: Side) -> Ladder {
        Ladder { side, levels: Vec::new() }
    }

    /// Levels on it.
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Whether nothing rests here.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// The best level.
    #[inline]
    pub fn best(&self) -> Option<Level> {
        self.levels.last().copied()
    }

    /// The level `rank` places behind the best.
    #[inline]
    pub fn at_rank(&self, rank: usize) -> Option<Level> {
        self.levels.get(self.levels.len().checked_sub(rank + 1)?).copied()
    }

    /// What rests at a price, 0 for nothing.
    #[inline]
    pub fn quantity_at(&self, price: i64) -> i64 {
        self.find(price).map_or(0, |at| self.levels[at].quantity)
    }

    /// All levels, the best first.
    pub fn best_first(&self) -> impl ExactSizeIterator<Item = Level> + '_ {
        self.levels.iter().rev().copied()
    }

    /// Sets the absolute quantity at a price; 0 removes the level, whether it is there or not.
    #[inline]
    pub fn set(&mut self, price: i64, quantity: i64) {
        match (self.find(price), quantity) {
            (Ok(at), 0) => {
                self.levels.remove(at);
            }
            (Ok(at), _) => self.levels[at].quantity = quantity,
            (Err(_), 0) => {}
            (Err(at), _) => self.levels.insert(at, Level { price, quantity }),
        }
    }

    #[inline]
    fn find(&self, price: i64) -> Result<usize, usize> {
        let sign = self.side.sign();
        self.levels.binary_search_by_key(&(price * sign), |l| l.price * sign)
    }
}

/// Both sides.
#[derive(Clone, Debug)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
}

impl Default for Book {
    fn default() -> Self {
        Book { bids: Ladder::new(Side::Bid), asks: Ladder::new(Side::Ask) }
    }
}

impl Book {
    /// One side.
    #[inline]
    pub fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    /// Sets the absolute quantity at a price of one side; 0 removes.
    #[inline]
    pub fn set(&mut self, side: Side, price: i64, quantity: i64) {
        match side {
            Side::Bid => self.bids.set(price, quantity),
            Side::Ask => self.asks.set(price, quantity),
        }
    }

    /// The best bid and the best ask.
    #[inline]
    pub fn top(&self) -> (Option<Level>, Option<Level>) {
        (self.bids.best(), self.asks.best())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_keeps_its_best_at_hand() {
        let mut book = Book::default();
        for (side, price) in [(Side::Bid, 10), (Side::Bid, 12), (Side::Bid, 11), (Side::Ask, 15), (Side::Ask, 13)] {
            book.set(side, price, price * 100);
        }
        assert_eq!(
            book.top(),
            (Some(Level { price: 12, quantity: 1_200 }), Some(Level { price: 13, quantity: 1_300 }))
        );
        let prices: Vec<_> = book.side(Side::Bid).best_first().map(|l| l.price).collect();
        assert_eq!(prices, [12, 11, 10]);
        assert_eq!(book.side(Side::Ask).at_rank(1).map(|l| l.price), Some(15));
        assert_eq!(book.side(Side::Ask).at_rank(2), None);
    }

    #[test]
    fn quantities_are_absolute_and_zero_removes() {
        let mut book = Book::default();
        book.set(Side::Ask, 5, 1);
        book.set(Side::Ask, 5, 7);
        assert_eq!(book.side(Side::Ask).quantity_at(5), 7);
        book.set(Side::Ask, 5, 0);
        book.set(Side::Ask, 6, 0);
        assert!(book.side(Side::Ask).is_empty());
        assert_eq!(book.side(Side::Ask).quantity_at(5), 0);
    }
}
