//! Purpose: a book against levels from elsewhere at the same update id, inside the range that both know.
//! Owns: nothing. Thread: the conductor's. Takes and gives: levels. Never: judges what lies outside either range.

use super::book::{Book, Levels};
use super::side::BookSide;
use crate::schema::decimal::Decimal;
use crate::schema::raw::Level;

impl Book {
    /// Whether the book equals these levels (best first) wherever both are known. Levels end at their worst; a side
    /// without levels is empty.
    pub(super) fn agrees_with(&self, levels: Levels<'_>) -> bool {
        let same = |own: &Level, price: i64, quantity: i64| {
            self.price(own.price) == Decimal::new(price, levels.price_scale)
                && self.quantity(own.quantity) == Decimal::new(quantity, levels.quantity_scale)
        };
        let price_order = |own: i64, other: i64| self.price(own).cmp(&Decimal::new(other, levels.price_scale));
        side_agrees(&self.bids, self.known_bid, levels.bids, same, price_order)
            && side_agrees(&self.asks, self.known_ask, levels.asks, same, price_order)
    }

    /// Takes over from a snapshot at the same update id what lies beyond the known range: both are the truth there, so the
    /// deeper bound of the two holds on each side. `false` when a value fits no scale that the book can have: nothing is taken.
    pub(super) fn deepen(&mut self, snapshot: Levels<'_>) -> bool {
        // Old levels far out may be finer than any that came before.
        let fits = self.make_fit(snapshot).is_ok();
        let Some((bids, asks)) = self.converted(snapshot).filter(|_| fits) else { return false };
        deepen_side(&mut self.bids, &mut self.known_bid, &bids);
        deepen_side(&mut self.asks, &mut self.known_ask, &asks);
        true
    }

    /// Which sides (bids, asks) are known to their end from now on; those that were stay so.
    pub(super) fn know_whole(&mut self, whole: [bool; 2]) {
        if whole[0] {
            self.known_bid = None;
        }
        if whole[1] {
            self.known_ask = None;
        }
    }

    /// The levels at the book's scales. Allocates: only snapshots come here.
    fn converted(&self, levels: Levels<'_>) -> Option<(Vec<Level>, Vec<Level>)> {
        let one = |l: &Level| {
            let price = Decimal::new(l.price, levels.price_scale)?.mantissa_at(self.price_scale)?;
            let quantity = Decimal::new(l.quantity, levels.quantity_scale)?.mantissa_at(self.quantity_scale)?;
            Some(Level { price, quantity })
        };
        let bids = levels.bids.iter().map(one).collect::<Option<Vec<_>>>()?;
        let asks = levels.asks.iter().map(one).collect::<Option<Vec<_>>>()?;
        Some((bids, asks))
    }
}

fn side_agrees<const BID: bool>(
    side: &BookSide<BID>,
    known: Option<i64>,
    theirs: &[Level],
    same: impl Fn(&Level, i64, i64) -> bool,
    order: impl Fn(i64, i64) -> core::cmp::Ordering,
) -> bool {
    use core::cmp::Ordering::{Greater, Less};
    let worse = if BID { Less } else { Greater };
    let own_known = |own: &Level| known.is_none_or(|bound| !BookSide::<BID>::worse(own.price, bound));
    // Theirs are known down to their worst; ours must not have another one before it.
    let in_their_range = |own: &Level| theirs.last().is_none_or(|w| order(own.price, w.price) != worse);
    let mut own = side.best_first().take_while(own_known).take_while(in_their_range);
    for their in theirs {
        let outside_ours = known.is_some_and(|bound| order(bound, their.price) == worse.reverse());
        if outside_ours {
            break;
        }
        if !own.next().is_some_and(|level| same(&level, their.price, their.quantity)) {
            return false;
        }
    }
    own.next().is_none()
}

fn deepen_side<const BID: bool>(side: &mut BookSide<BID>, known: &mut Option<i64>, best_first: &[Level]) {
    // Without a bound every level is known already.
    let Some(bound) = *known else { return };
    let beyond = best_first.iter().filter(|l| BookSide::<BID>::worse(l.price, bound));
    let Some(worst) = best_first.last().filter(|l| BookSide::<BID>::worse(l.price, bound)) else { return };
    // What we hold between their worst and our bound gives way; what lies beyond their worst stays unknown.
    side.close();
    let (from, to) = (side.place(worst.price), side.place(bound));
    side.row().splice(from..to, beyond.rev().copied());
    side.open();
    *known = Some(worst.price);
}
