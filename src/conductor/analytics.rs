//! Purpose: what is derived from a book and its trades (`ANALYTICS.FUSED`).
//! Owns: the last trade. Thread: the conductor's. Takes and gives: books in, [`Fused`] out.
//! Never: binary floating point; a rounded `mid` or `spread`.

use bytemuck::Zeroable;

use super::book::Book;
use crate::schema::decimal::{Decimal, SCALE_MAX, power_of_ten};
use crate::schema::event::EventRef;
use crate::schema::payload::{AggTrade, Fused, Trade};
use crate::schema::raw::Level;

/// Decimals of the micro price and of the imbalances ([`Fused`]).
const MICRO_DECIMALS: u8 = 12;
const IMBALANCE_DECIMALS: u8 = 6;

/// The last trade of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastTrade {
    id: i64,
    time: i64,
    price: Option<Decimal>,
    quantity: Option<Decimal>,
}

impl LastTrade {
    /// Reads a trade, or the last trade of an aggregate one; `None` for other kinds.
    pub(super) fn read(event: EventRef<'_>) -> Option<LastTrade> {
        let venue_id = event.header().venue_id;
        if let Some(trade) = event.payload::<Trade>() {
            let (price, quantity) = (trade.price(), trade.quantity());
            return Some(LastTrade { id: venue_id, time: trade.trade_time, price, quantity });
        }
        let trades = event.payload::<AggTrade>()?;
        let id = if trades.first_id >= 0 {
            trades.first_id.saturating_add(i64::from(trades.trades)).saturating_sub(1)
        } else {
            venue_id
        };
        let (price, quantity) = (trades.price(), trades.quantity());
        Some(LastTrade { id, time: trades.trade_time, price, quantity })
    }

    /// Whether it is no older than another: trades and aggregate trades of one symbol share their ids.
    pub(super) fn follows(&self, other: &LastTrade) -> bool {
        self.id >= other.id || self.time > other.time
    }
}

/// Derives everything from a book at `update_id`.
pub(super) fn fuse(book: &Book, update_id: i64, last: Option<&LastTrade>) -> Fused {
    let mut fused = Fused::zeroed();
    fused.scales = [crate::schema::decimal::SCALE_ABSENT; 18];
    fused.update_id = update_id;
    fused.last_trade_id = last.map_or(i64::MIN, |t| t.id);
    fused.set_last_price(last.and_then(|t| t.price));
    fused.set_last_quantity(last.and_then(|t| t.quantity));
    let (bid, ask) = (book.best_bid(), book.best_ask());
    fused.set_bid(bid.and_then(|l| book.price(l.price)));
    fused.set_bid_quantity(bid.and_then(|l| book.quantity(l.quantity)));
    fused.set_ask(ask.and_then(|l| book.price(l.price)));
    fused.set_ask_quantity(ask.and_then(|l| book.quantity(l.quantity)));
    if let (Some(bid), Some(ask)) = (bid, ask) {
        fused.set_mid(mid(bid.price, ask.price, book.price_scale));
        fused.set_spread(ask.price.checked_sub(bid.price).and_then(|s| book.price(s)));
        fused.set_micro_price(micro_price(bid, ask, book.price_scale));
    }
    let (bids, asks) = (book.bids.depths(), book.asks.depths());
    let decimal = |sum: i128| exact(sum, book.quantity_scale);
    fused.set_bid_depth5(decimal(bids[0]));
    fused.set_ask_depth5(decimal(asks[0]));
    fused.set_imbalance5(imbalance(bids[0], asks[0]));
    fused.set_bid_depth10(decimal(bids[1]));
    fused.set_ask_depth10(decimal(asks[1]));
    fused.set_imbalance10(imbalance(bids[1], asks[1]));
    fused.set_bid_depth20(decimal(bids[2]));
    fused.set_ask_depth20(decimal(asks[2]));
    fused.set_imbalance20(imbalance(bids[2], asks[2]));
    fused
}

/// A wide mantissa as a decimal, exactly: trailing zeros give way when 63 bits demand it.
fn exact(mantissa: i128, scale: u8) -> Option<Decimal> {
    let (mut mantissa, mut scale) = (mantissa, scale);
    while i64::try_from(mantissa).is_err() || scale > SCALE_MAX {
        if scale == 0 || mantissa % 10 != 0 {
            return None;
        }
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::new(i64::try_from(mantissa).ok()?, scale)
}

fn mid(bid: i64, ask: i64, scale: u8) -> Option<Decimal> {
    let sum = i128::from(bid) + i128::from(ask);
    if sum % 2 == 0 { exact(sum / 2, scale) } else { exact(sum * 5, scale + 1) }
}

/// Quotient and rest, the rest not negative. `denominator` is positive. Nearly always both fit a word, and a machine divides words
/// several times faster.
#[inline]
fn divided(numerator: i128, denominator: i128) -> (i128, i128) {
    if let (Ok(numerator), Ok(denominator)) = (i64::try_from(numerator), i64::try_from(denominator)) {
        return (i128::from(numerator.div_euclid(denominator)), i128::from(numerator.rem_euclid(denominator)));
    }
    (numerator.div_euclid(denominator), numerator.rem_euclid(denominator))
}

fn ten_to(exponent: u8) -> i128 {
    power_of_ten(exponent).map_or_else(|| 10i128.pow(u32::from(exponent)), i128::from)
}

/// `numerator / denominator`, rounded half to even. `denominator` is positive.
fn round_half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = divided(numerator, denominator);
    quotient + carry(quotient, rest, denominator)
}

/// 0 or 1: what rounding half to even adds to `whole` for the fraction `rest / denominator` behind it.
fn carry(whole: i128, rest: i128, denominator: i128) -> i128 {
    // `rest` against what is left of the denominator: no doubling, so no overflow.
    match rest.cmp(&(denominator - rest)) {
        core::cmp::Ordering::Less => 0,
        core::cmp::Ordering::Greater => 1,
        core::cmp::Ordering::Equal => whole & 1,
    }
}

fn micro_price(bid: Level, ask: Level, price_scale: u8) -> Option<Decimal> {
    narrow_micro_price(bid, ask, price_scale).or_else(|| wide_micro_price(bid, ask, price_scale))
}

/// The same where every step fits a word and the book is not crossed: `bid + spread × bid quantity / (bid quantity + ask quantity)`.
#[inline]
fn narrow_micro_price(bid: Level, ask: Level, price_scale: u8) -> Option<Decimal> {
    let factor = power_of_ten(MICRO_DECIMALS.checked_sub(price_scale)?)?;
    let spread = u64::try_from(ask.price.checked_sub(bid.price)?).ok()?;
    let weighted = spread.checked_mul(bid.quantity as u64)?.checked_mul(factor as u64)?;
    let quantity = bid.quantity.checked_add(ask.quantity)? as u64;
    let below = u64::try_from(bid.price.checked_mul(factor)?).ok()?;
    Decimal::new(i64::try_from(half_even(below, weighted, quantity)?).ok()?, MICRO_DECIMALS)
}

/// `whole + numerator / denominator`, rounded half to even; `None` where it overflows or the denominator is 0.
#[inline]
fn half_even(whole: u64, numerator: u64, denominator: u64) -> Option<u64> {
    let (quotient, rest) = (numerator.checked_div(denominator)?, numerator % denominator);
    let below = whole.checked_add(quotient)?;
    // `rest` against what is left of the denominator: no doubling, so no overflow.
    let up = rest > denominator - rest || (rest == denominator - rest && below & 1 == 1);
    below.checked_add(u64::from(up))
}

fn wide_micro_price(bid: Level, ask: Level, price_scale: u8) -> Option<Decimal> {
    let wide = i128::from;
    let weighted = wide(bid.price) * wide(ask.quantity) + wide(ask.price) * wide(bid.quantity);
    let quantity = wide(bid.quantity) + wide(ask.quantity);
    // The whole part first: it is a price, and the rest is below 2^64, so nothing that follows exceeds 127 bits.
    let (whole, rest) = divided(weighted, quantity);
    (0..=MICRO_DECIMALS).rev().find_map(|decimals| {
        let mantissa = if decimals >= price_scale {
            let factor = ten_to(decimals - price_scale);
            let (above, below) = divided(rest * factor, quantity);
            let mantissa = whole * factor + above;
            mantissa + carry(mantissa, below, quantity)
        } else {
            let divisor = ten_to(price_scale - decimals);
            let (above, below) = divided(whole, divisor);
            above + carry(above, below * quantity + rest, divisor * quantity)
        };
        Decimal::new(i64::try_from(mantissa).ok()?, decimals)
    })
}

fn imbalance(bids: i128, asks: i128) -> Option<Decimal> {
    narrow_imbalance(bids, asks).or_else(|| wide_imbalance(bids, asks))
}

/// The same where every step fits a word.
#[inline]
fn narrow_imbalance(bids: i128, asks: i128) -> Option<Decimal> {
    let (bids, asks) = (u64::try_from(bids).ok()?, u64::try_from(asks).ok()?);
    let scaled = bids.abs_diff(asks).checked_mul(power_of_ten(IMBALANCE_DECIMALS)? as u64)?;
    // At most 10^6: depths are not negative.
    let size = half_even(0, scaled, bids.checked_add(asks)?)? as i64;
    Decimal::new(if bids < asks { -size } else { size }, IMBALANCE_DECIMALS)
}

fn wide_imbalance(bids: i128, asks: i128) -> Option<Decimal> {
    let total = bids + asks;
    if total == 0 {
        return None;
    }
    // Depths are sums of at most 20 values of 63 bits: below 2^68, so six decimals leave room.
    let rounded = round_half_even((bids - asks) * ten_to(IMBALANCE_DECIMALS), total);
    Decimal::new(i64::try_from(rounded).ok()?, IMBALANCE_DECIMALS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::book::Levels;
    use super::*;

    fn book(bids: &[(i64, i64)], asks: &[(i64, i64)], price_scale: u8, quantity_scale: u8) -> Book {
        let levels = |side: &[(i64, i64)]| -> Vec<Level> {
            side.iter().map(|&(price, quantity)| Level { price, quantity }).collect()
        };
        let mut book = Book::default();
        book.replace(Levels { bids: &levels(bids), asks: &levels(asks), price_scale, quantity_scale }, 0);
        book
    }

    fn text(value: Option<Decimal>) -> String {
        value.map_or("-".to_owned(), |d| d.to_string())
    }

    #[test]
    fn mid_and_spread_are_exact_and_quotients_round_half_to_even() {
        let book = book(&[(6_183_763, 378), (6_183_000, 22)], &[(6_183_764, 160)], 2, 3);
        let fused = fuse(&book, 9, None);
        let table = [
            (fused.bid(), "61837.63"),
            (fused.bid_quantity(), "0.378"),
            (fused.ask(), "61837.64"),
            (fused.mid(), "61837.635"),
            (fused.spread(), "0.01"),
            // (61837.63 * 160 + 61837.64 * 378) / 538
            (fused.micro_price(), "61837.637026022305"),
            (fused.bid_depth5(), "0.4"),
            (fused.ask_depth20(), "0.16"),
            // 240 / 560
            (fused.imbalance5(), "0.428571"),
            (fused.last_price(), "-"),
        ];
        for (got, want) in table {
            assert_eq!(text(got), want);
        }
        assert_eq!((fused.update_id, fused.last_trade_id), (9, i64::MIN));
    }

    #[test]
    fn an_empty_side_leaves_out_what_needs_both() {
        let fused = fuse(&book(&[(5, 2)], &[], 0, 0), 1, None);
        let shown =
            [fused.ask(), fused.mid(), fused.spread(), fused.micro_price(), fused.ask_depth5(), fused.imbalance5()];
        assert_eq!(shown.map(text), ["-", "-", "-", "-", "0", "1"]);
        let fused = fuse(&book(&[], &[], 0, 0), 1, None);
        assert_eq!(text(fused.imbalance20()), "-");
    }

    #[test]
    fn depths_count_five_ten_and_twenty_levels() {
        let bids: Vec<_> = (1..=30).rev().map(|p| (p, 1)).collect();
        let asks: Vec<_> = (31..=37).map(|p| (p, 10)).collect();
        let fused = fuse(&book(&bids, &asks, 0, 0), 1, None);
        let shown = [
            fused.bid_depth5(),
            fused.bid_depth10(),
            fused.bid_depth20(),
            fused.ask_depth5(),
            fused.ask_depth10(),
            fused.ask_depth20(),
        ];
        assert_eq!(shown.map(text), ["5", "10", "20", "50", "70", "70"]);
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let table = [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (7, 3, 2), (8, 3, 3), (-7, 3, -2)];
        for (numerator, denominator, rounded) in table {
            assert_eq!(round_half_even(numerator, denominator), rounded, "{numerator}/{denominator}");
        }
    }

    #[test]
    fn the_largest_numbers_overflow_nothing() {
        let huge = i64::MAX;
        let fused = fuse(&book(&[(huge - 1, huge)], &[(huge, huge)], 0, 0), 1, None);
        assert_eq!(text(fused.mid()), "-", "the half would need a digit that 63 bits do not have");
        assert_eq!(text(fused.spread()), "1");
        // Halfway between an even and an odd number: the even one.
        assert_eq!(text(fused.micro_price()), (huge - 1).to_string());
        let fine = fuse(&book(&[(1, huge)], &[(huge, 1)], 18, 18), 1, None);
        assert!(fine.micro_price().is_some() && fine.bid_depth5().is_some());
        let deep: Vec<_> = (0..5).map(|i| (100 - i, huge)).collect();
        assert_eq!(text(fuse(&book(&deep, &[], 0, 0), 1, None).bid_depth5()), "-", "a sum of 66 bits is left out");
    }

    #[test]
    fn an_aggregate_trade_names_its_last_trade() {
        use crate::schema::event::{EventBuf, EventHeader};
        use crate::schema::id::{Source, TypeId};
        use crate::schema::time::UnixNanos;
        for (first_id, trades, id) in [(10, 3, 12), (-1, 0, 77)] {
            let header =
                EventHeader { venue_id: 77, ..EventHeader::internal(TypeId(2), Source::WsAggTrade, UnixNanos(0), 0) };
            let mut buf = EventBuf::default();
            buf.begin(&header, &AggTrade { first_id, trades, ..AggTrade::zeroed() });
            assert_eq!(LastTrade::read(buf.read()).unwrap().id, id);
        }
    }

    #[test]
    fn a_micro_price_half_way_goes_to_the_even_neighbour_also_where_no_decimal_is_added() {
        for (price, micro) in [(1, 2), (2, 2), (3, 4)] {
            let level = |price| Level { price, quantity: 1 };
            let expected = Decimal::new(micro, MICRO_DECIMALS);
            assert_eq!(narrow_micro_price(level(price), level(price + 1), MICRO_DECIMALS), expected);
            assert_eq!(wide_micro_price(level(price), level(price + 1), MICRO_DECIMALS), expected);
        }
    }

    /// Else what holds of the narrow ways would hold of nothing.
    #[test]
    fn ordinary_books_go_the_narrow_ways_and_an_empty_one_has_no_imbalance() {
        let (bid, ask) = (Level { price: 100, quantity: 3 }, Level { price: 101, quantity: 1 });
        assert!(narrow_imbalance(3, 1).is_some() && narrow_micro_price(bid, ask, 2).is_some());
        assert_eq!(narrow_imbalance(0, 0), None);
    }

    proptest! {
        /// The narrow ways give what the wide ones give, or nothing.
        #[test]
        fn words_round_as_wide_numbers_do(
            prices in (1i64..1 << 40, -1_000i64..1_000), quantities in (1i64..1 << 45, 1i64..1 << 45), shift in 0u32..40, scale in 0u8..=18,
        ) {
            // Small ones too: they meet halves.
            let quantities = ((quantities.0 >> shift).max(1), (quantities.1 >> shift).max(1));
            let (bid, ask) = (Level { price: prices.0, quantity: quantities.0 }, Level { price: prices.0 + prices.1, quantity: quantities.1 });
            if let Some(narrow) = narrow_micro_price(bid, ask, scale) {
                prop_assert_eq!(Some(narrow), wide_micro_price(bid, ask, scale));
            }
            let (bids, asks) = (i128::from(bid.quantity), i128::from(ask.quantity));
            if let Some(narrow) = narrow_imbalance(bids, asks) {
                prop_assert_eq!(Some(narrow), wide_imbalance(bids, asks));
            }
        }

        /// Against the definition: `|micro - (bp * aq + ap * bq) / (bq + aq)|` is at most half a unit of the last decimal.
        #[test]
        fn quotients_are_the_nearest_decimals(
            bid in 1i64..1_000_000_000, step in 1i64..1_000, bid_quantity in 1i64..1_000_000_000_000,
            ask_quantity in 1i64..1_000_000_000_000, price_scale in 0u8..=8, quantity_scale in 0u8..=8,
        ) {
            let ask = bid + step;
            let fused = fuse(&book(&[(bid, bid_quantity)], &[(ask, ask_quantity)], price_scale, quantity_scale), 1, None);
            let wide = i128::from;
            let (numerator, denominator) =
                (wide(bid) * wide(ask_quantity) + wide(ask) * wide(bid_quantity), wide(bid_quantity) + wide(ask_quantity));
            let micro = fused.micro_price().unwrap();
            let unit = 10i128.pow(u32::from(micro.scale() - price_scale));
            // |mantissa / unit - numerator / denominator| * 2 * unit * denominator <= denominator
            let error = (wide(micro.mantissa()) * denominator - numerator * unit).abs() * 2;
            prop_assert!(error <= denominator);
            prop_assert!(micro.scale() == MICRO_DECIMALS || wide(micro.mantissa()) * 10 > wide(i64::MAX) - 10);
            prop_assert_eq!(fused.mid().unwrap().checked_add(fused.mid().unwrap()),
                Decimal::new(bid + ask, price_scale));
            let imbalance = fused.imbalance5().unwrap();
            let error = (wide(imbalance.mantissa()) * denominator
                - (wide(bid_quantity) - wide(ask_quantity)) * 1_000_000).abs() * 2;
            prop_assert!(error <= denominator);
        }
    }
}
