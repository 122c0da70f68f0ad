//! Purpose: the bodies that tell what was traded: trades, aggregates, candles, averages, the day's statistics.
//! Owns: nothing. Thread: the connection's, under the market's lock. Takes and gives: a listing in, JSON out.
//! Never: knows more than the listing's tape keeps: the last trades one by one, a day of minutes.

use crate::sim::book::Level;
use crate::sim::digits::{fixed_signed, fixed_wide, signed, thousandths, whole};
use crate::sim::interval::Interval;
use crate::sim::listing::Listing;
use crate::sim::tape::{MINUTE_MS, Sums, Trade, minute_of};
use crate::sim::wire::{put, put_fixed, put_whole};

/// Which part of a series is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from_id: Option<u64>,
    pub(super) from_ms: Option<i64>,
    pub(super) to_ms: Option<i64>,
}

impl Span {
    fn holds(&self, time_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| time_ms >= from) && self.to_ms.is_none_or(|to| time_ms <= to)
    }

    /// Of more than `limit`, the first ones when a beginning was named, else the last ones.
    fn cut<T>(&self, mut all: Vec<T>, limit: usize) -> Vec<T> {
        if self.from_id.is_some() || self.from_ms.is_some() {
            all.truncate(limit);
        } else {
            all.drain(..all.len().saturating_sub(limit));
        }
        all
    }
}

fn put_sum(out: &mut Vec<u8>, key: &str, value: u128, scale: u8) {
    put(out, key);
    out.push(b'"');
    fixed_wide(out, value, scale);
    out.push(b'"');
}

fn put_flag(out: &mut Vec<u8>, key: &str, value: bool) {
    put(out, key);
    put(out, if value { "true" } else { "false" });
}

fn array<T>(out: &mut Vec<u8>, rows: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, row);
    }
    out.push(b']');
}

/// Ticks times lots carry the decimals of both.
fn turnover_scale(listing: &Listing) -> u8 {
    listing.spec.price_scale + listing.spec.quantity_scale
}

/// `/api/v3/trades`, and `/api/v3/historicalTrades`, which may begin at an id.
pub(super) fn trades(out: &mut Vec<u8>, listing: &Listing, from_id: Option<u64>, limit: usize) {
    let span = Span { from_id, ..Span::default() };
    let found = listing.tape.recent().filter(|trade| from_id.is_none_or(|from| trade.id >= from)).collect();
    let spec = &listing.spec;
    array(out, span.cut(found, limit), |out, trade: &Trade| {
        put_whole(out, "{\"id\":", trade.id);
        put_fixed(out, ",\"price\":", trade.price, spec.price_scale);
        put_fixed(out, ",\"qty\":", trade.lots, spec.quantity_scale);
        let turnover = u128::from(trade.price.unsigned_abs()) * u128::from(trade.lots.unsigned_abs());
        put_sum(out, ",\"quoteQty\":", turnover, turnover_scale(listing));
        put_whole(out, ",\"time\":", trade.time_ms.unsigned_abs());
        put_flag(out, ",\"isBuyerMaker\":", trade.buyer_is_maker);
        put(out, ",\"isBestMatch\":true}");
    });
}

/// `/api/v3/aggTrades`.
pub(super) fn aggregates(out: &mut Vec<u8>, listing: &Listing, span: &Span, limit: usize) {
    let of_span = |id: u64, time_ms| span.from_id.is_none_or(|from| id >= from) && span.holds(time_ms);
    let found = listing.tape.aggregates().filter(|a| of_span(a.id, a.total.time_ms)).collect();
    let spec = &listing.spec;
    array(out, span.cut(found, limit), |out, aggregate| {
        put_whole(out, "{\"a\":", aggregate.id);
        put_fixed(out, ",\"p\":", aggregate.total.price, spec.price_scale);
        put_fixed(out, ",\"q\":", aggregate.total.lots, spec.quantity_scale);
        put_whole(out, ",\"f\":", aggregate.first_id);
        put_whole(out, ",\"l\":", aggregate.total.id);
        put_whole(out, ",\"T\":", aggregate.total.time_ms.unsigned_abs());
        put_flag(out, ",\"m\":", aggregate.total.buyer_is_maker);
        put(out, ",\"M\":true}");
    });
}

/// How far clocks are ahead of UTC in a zone such as `8`, `-1:00` or `05:45`, in milliseconds; `None` for what is none, or
/// lies outside -12:00 to +14:00.
pub(super) fn zone_ms(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let number = |digits: &str, lengths: core::ops::RangeInclusive<usize>| {
        let sound = lengths.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|_| sound)
    };
    let minutes = number(minutes, 2..=2).filter(|minutes| *minutes < 60)?;
    let total = sign * (number(hours, 1..=2)? * 60 + minutes);
    (-12 * 60..=14 * 60).contains(&total).then_some(total * MINUTE_MS)
}

/// `/api/v3/klines`: from the oldest trade that the tape has in the interval's resolution on, without holes.
pub(super) fn klines(
    out: &mut Vec<u8>,
    listing: &Listing,
    (interval, zone_ms): (Interval, i64),
    span: &Span,
    limit: usize,
    now_ms: i64,
) {
    let current = interval.start(now_ms, zone_ms);
    let oldest = listing.tape.first(current, interval.next(current, zone_ms) - current).unwrap_or(now_ms);
    let first = interval.start(oldest.min(now_ms), zone_ms);
    let starts: Vec<i64> = core::iter::successors(Some(first), |start| Some(interval.next(*start, zone_ms)))
        .take_while(|start| *start <= now_ms)
        .filter(|start| span.holds(*start))
        .collect();
    let spec = &listing.spec;
    array(out, span.cut(starts, limit), |out, start| {
        let next = interval.next(start, zone_ms);
        let (sums, before) = listing.tape.between(start, next);
        let price = |pick: fn(&Sums) -> i64| sums.as_ref().map_or(before, pick);
        let sum = |pick: fn(&Sums) -> u128| sums.as_ref().map_or(0, pick);
        put_whole(out, "[", start.unsigned_abs());
        for pick in [|s: &Sums| s.open, |s: &Sums| s.high, |s: &Sums| s.low, |s: &Sums| s.close] {
            put_fixed(out, ",", price(pick), spec.price_scale);
        }
        put_sum(out, ",", sum(|s| s.volume), spec.quantity_scale);
        put_whole(out, ",", (next - 1).unsigned_abs());
        put_sum(out, ",", sum(|s| s.turnover), turnover_scale(listing));
        put_whole(out, ",", sums.map_or(0, |s| s.count()));
        put_sum(out, ",", sum(|s| s.bought_volume), spec.quantity_scale);
        put_sum(out, ",", sum(|s| s.bought_turnover), turnover_scale(listing));
        put(out, ",\"0\"]");
    });
}

/// Quote volume by base volume, in eight decimals.
fn average_of(listing: &Listing, sums: &Sums) -> u128 {
    let digits = 10u128.pow(u32::from(8 - listing.spec.price_scale.min(8)));
    sums.turnover * digits / sums.volume.max(1)
}

/// `/api/v3/avgPrice`.
pub(super) fn average(out: &mut Vec<u8>, listing: &Listing, now_ms: i64) {
    put(out, "{\"mins\":5");
    match listing.tape.since(minute_of(now_ms) - 4 * MINUTE_MS) {
        Some(sums) => put_sum(out, ",\"price\":", average_of(listing, &sums), 8),
        None => put_fixed(out, ",\"price\":", listing.tape.last().price, listing.spec.price_scale),
    }
    put_whole(out, ",\"closeTime\":", listing.tape.last().time_ms.unsigned_abs());
    out.push(b'}');
}

/// Which statistics of a stretch of time are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    /// `/api/v3/ticker/24hr`.
    Day,
    /// `/api/v3/ticker`: the last so many minutes.
    Minutes(i64),
    /// `/api/v3/ticker/tradingDay`: since midnight, where clocks are so many milliseconds ahead of UTC.
    TradingDay(i64),
}

/// The statistics of a stretch; `mini` leaves out what is reckoned from the others, or changes with each order.
pub(super) fn statistics(out: &mut Vec<u8>, listing: &Listing, now_ms: i64, stretch: Stretch, mini: bool) {
    const DAY_MS: i64 = 1_440 * MINUTE_MS;
    let (from_ms, open_ms, close_ms) = match stretch {
        Stretch::Day => (minute_of(now_ms) - DAY_MS + MINUTE_MS, now_ms - DAY_MS, now_ms),
        Stretch::Minutes(minutes) => {
            let window = listing.window(now_ms, minutes);
            (window.open_ms, window.open_ms, window.close_ms)
        }
        Stretch::TradingDay(zone_ms) => {
            let start = (now_ms + zone_ms).div_euclid(DAY_MS) * DAY_MS - zone_ms;
            (start, start, start + DAY_MS - 1)
        }
    };
    let (sums, before) = listing.tape.between(from_ms, minute_of(now_ms) + MINUTE_MS);
    let spec = &listing.spec;
    let price = |pick: fn(&Sums) -> i64| sums.as_ref().map_or(0, pick);
    let last = listing.tape.last();
    put(out, "{\"symbol\":\"");
    put(out, &spec.symbol);
    out.push(b'"');
    if !mini {
        let (open, close) = (price(|s| s.open), price(|s| s.close));
        put(out, ",\"priceChange\":\"");
        fixed_signed(out, close - open, spec.price_scale);
        put(out, "\",\"priceChangePercent\":\"");
        let scaled = i128::from(close - open) * 200_000 / i128::from(open.max(1));
        thousandths(out, ((scaled + scaled.signum()) / 2) as i64);
        out.push(b'"');
        put_sum(out, ",\"weightedAvgPrice\":", sums.as_ref().map_or(0, |s| average_of(listing, s)), 8);
    }
    if !mini && stretch == Stretch::Day {
        put_fixed(out, ",\"prevClosePrice\":", before, spec.price_scale);
        put_fixed(out, ",\"lastPrice\":", last.price, spec.price_scale);
        put_fixed(out, ",\"lastQty\":", last.lots, spec.quantity_scale);
        let none = Level { price: 0, quantity: 0 };
        let (bid, ask) = (listing.top.0.unwrap_or(none), listing.top.1.unwrap_or(none));
        put_fixed(out, ",\"bidPrice\":", bid.price, spec.price_scale);
        put_fixed(out, ",\"bidQty\":", bid.quantity, spec.quantity_scale);
        put_fixed(out, ",\"askPrice\":", ask.price, spec.price_scale);
        put_fixed(out, ",\"askQty\":", ask.quantity, spec.quantity_scale);
    }
    put_fixed(out, ",\"openPrice\":", price(|s| s.open), spec.price_scale);
    put_fixed(out, ",\"highPrice\":", price(|s| s.high), spec.price_scale);
    put_fixed(out, ",\"lowPrice\":", price(|s| s.low), spec.price_scale);
    if mini || stretch != Stretch::Day {
        put_fixed(out, ",\"lastPrice\":", last.price, spec.price_scale);
    }
    put_sum(out, ",\"volume\":", sums.map_or(0, |s| s.volume), spec.quantity_scale);
    put_sum(out, ",\"quoteVolume\":", sums.map_or(0, |s| s.turnover), turnover_scale(listing));
    put_whole(out, ",\"openTime\":", open_ms.unsigned_abs());
    put_whole(out, ",\"closeTime\":", close_ms.unsigned_abs());
    let (first, last) = sums.map_or((-1, -1), |s| (s.first_id as i64, s.last_id as i64));
    put(out, ",\"firstId\":");
    signed(out, first);
    put(out, ",\"lastId\":");
    signed(out, last);
    put(out, ",\"count\":");
    whole(out, sums.map_or(0, |s| s.count()));
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_hours_with_or_without_minutes_within_their_range() {
        let minutes = |text| zone_ms(text).map(|ms| ms / MINUTE_MS);
        for (text, expected) in
            [("0", 0), ("8", 480), ("+08:00", 480), ("-1:00", -60), ("05:45", 345), ("-12:00", -720), ("14:00", 840)]
        {
            assert_eq!(minutes(text), Some(expected), "{text}");
        }
        for none in ["", "x", "15", "14:01", "-12:30", "5:60", "5:4", "05:450", "-", "1:-5", "+ 1", "\u{663}"] {
            assert_eq!(zone_ms(none), None, "{none}");
        }
    }
}
