//! Purpose: the payloads of Binance's spot streams, byte for byte (binance.md section 2; key order of the captures).
//! Owns: nothing. Thread: any. Takes and gives: the model's numbers in, bytes appended to a reused buffer.
//! Never: writes the wrapper of a combined stream but in [`open_combined`] and [`close_combined`].

use super::book::Level;
use super::digits::{fixed, whole};
use super::spec::SymbolSpec;
use super::tape::Trade;

/// Opens the wrapper: `{"stream":"<name>","data":`.
#[inline]
pub fn open_combined(out: &mut Vec<u8>, stream: &str) {
    out.extend_from_slice(b"{\"stream\":\"");
    out.extend_from_slice(stream.as_bytes());
    out.extend_from_slice(b"\",\"data\":");
}

/// Closes the wrapper.
#[inline]
pub fn close_combined(out: &mut Vec<u8>) {
    out.push(b'}');
}

/// Appends a literal.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a key, in its quotes and with what must stand around it, then a whole number.
#[inline]
pub(super) fn put_whole(out: &mut Vec<u8>, key: &str, value: u64) {
    put(out, key);
    whole(out, value);
}

/// Appends a key and a number in quotes.
#[inline]
pub(super) fn put_fixed(out: &mut Vec<u8>, key: &str, value: i64, scale: u8) {
    put(out, key);
    out.push(b'"');
    fixed(out, value.unsigned_abs(), scale);
    out.push(b'"');
}

/// Appends what most payloads begin with: `{"e":"<event>","E":<ms>,"s":"<symbol>"`.
#[inline]
pub(super) fn put_head(out: &mut Vec<u8>, event: &str, event_ms: i64, symbol: &str) {
    put(out, "{\"e\":\"");
    put(out, event);
    put_whole(out, "\",\"E\":", event_ms.unsigned_abs());
    put(out, ",\"s\":\"");
    put(out, symbol);
    out.push(b'"');
}

#[inline]
fn put_flag(out: &mut Vec<u8>, key: &str, value: bool) {
    put(out, key);
    put(out, if value { "true" } else { "false" });
}

/// Appends `[["price","quantity"],…]`.
pub fn levels(out: &mut Vec<u8>, spec: &SymbolSpec, levels: impl Iterator<Item = Level>) {
    out.push(b'[');
    let start = out.len();
    for level in levels {
        put(out, if out.len() > start { ",[\"" } else { "[\"" });
        fixed(out, level.price.unsigned_abs(), spec.price_scale);
        put(out, "\",\"");
        fixed(out, level.quantity.unsigned_abs(), spec.quantity_scale);
        put(out, "\"]");
    }
    out.push(b']');
}

/// `@depth`: the levels changed by ids `first..=last`, with their quantities at `last`; both sides the best first.
pub fn depth_update(
    out: &mut Vec<u8>,
    spec: &SymbolSpec,
    event_ms: i64,
    ids: (u64, u64),
    bids: impl Iterator<Item = Level>,
    asks: impl Iterator<Item = Level>,
) {
    put_head(out, "depthUpdate", event_ms, &spec.symbol);
    put_whole(out, ",\"U\":", ids.0);
    put_whole(out, ",\"u\":", ids.1);
    put(out, ",\"b\":");
    levels(out, spec, bids);
    put(out, ",\"a\":");
    levels(out, spec, asks);
    out.push(b'}');
}

/// `@depth20` and the body of `GET /api/v3/depth`: the best levels at an id.
pub fn depth_levels(
    out: &mut Vec<u8>,
    spec: &SymbolSpec,
    last_update_id: u64,
    bids: impl Iterator<Item = Level>,
    asks: impl Iterator<Item = Level>,
) {
    put_whole(out, "{\"lastUpdateId\":", last_update_id);
    put(out, ",\"bids\":");
    levels(out, spec, bids);
    put(out, ",\"asks\":");
    levels(out, spec, asks);
    out.push(b'}');
}

/// `@bookTicker`: the best level of each side; a side without one is all zeros.
pub fn book_ticker(out: &mut Vec<u8>, spec: &SymbolSpec, update_id: u64, bid: Option<Level>, ask: Option<Level>) {
    let none = Level { price: 0, quantity: 0 };
    let (bid, ask) = (bid.unwrap_or(none), ask.unwrap_or(none));
    put_whole(out, "{\"u\":", update_id);
    put(out, ",\"s\":\"");
    put(out, &spec.symbol);
    put_fixed(out, "\",\"b\":", bid.price, spec.price_scale);
    put_fixed(out, ",\"B\":", bid.quantity, spec.quantity_scale);
    put_fixed(out, ",\"a\":", ask.price, spec.price_scale);
    put_fixed(out, ",\"A\":", ask.quantity, spec.quantity_scale);
    out.push(b'}');
}

/// `@trade`.
pub fn trade(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, trade: &Trade) {
    one_trade(out, "trade", spec, event_ms, trade);
    put(out, ",\"M\":true}");
}

/// `@aggTrade`: `total` has the last of trades `first_id..=total.id` made by one taker at one price, with all their lots.
pub fn agg_trade(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, id: u64, first_id: u64, total: &Trade) {
    put_head(out, "aggTrade", event_ms, &spec.symbol);
    put_whole(out, ",\"a\":", id);
    put_fixed(out, ",\"p\":", total.price, spec.price_scale);
    put_fixed(out, ",\"q\":", total.lots, spec.quantity_scale);
    put_whole(out, ",\"f\":", first_id);
    put_whole(out, ",\"l\":", total.id);
    put_whole(out, ",\"T\":", total.time_ms.unsigned_abs());
    put_flag(out, ",\"m\":", total.buyer_is_maker);
    put(out, ",\"M\":true}");
}

/// `@blockTrade`: its ids are its own, and its lots are in no other statistic.
pub fn block_trade(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, trade: &Trade) {
    one_trade(out, "blockTrade", spec, event_ms, trade);
    out.push(b'}');
}

/// What both have: all but how they end.
fn one_trade(out: &mut Vec<u8>, name: &str, spec: &SymbolSpec, event_ms: i64, trade: &Trade) {
    put_head(out, name, event_ms, &spec.symbol);
    put_whole(out, ",\"t\":", trade.id);
    put_fixed(out, ",\"p\":", trade.price, spec.price_scale);
    put_fixed(out, ",\"q\":", trade.lots, spec.quantity_scale);
    put_whole(out, ",\"T\":", trade.time_ms.unsigned_abs());
    put_flag(out, ",\"m\":", trade.buyer_is_maker);
}

/// `@referencePrice`: a price in ticks, or none at the moment.
pub fn reference_price(out: &mut Vec<u8>, spec: &SymbolSpec, price: Option<i64>, time_ms: i64) {
    put(out, "{\"e\":\"referencePrice\",\"s\":\"");
    put(out, &spec.symbol);
    match price {
        Some(ticks) => put_fixed(out, "\",\"r\":", ticks, spec.price_scale),
        None => put(out, "\",\"r\":null"),
    }
    put_whole(out, ",\"t\":", time_ms.unsigned_abs());
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::spec::default_symbols;

    fn written(write: impl FnOnce(&mut Vec<u8>, &SymbolSpec)) -> String {
        let mut out = Vec::new();
        write(&mut out, &default_symbols(1)[0]);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn payloads_are_the_venues_to_the_byte() {
        let level = |price, quantity| Level { price, quantity };
        let deal = Trade { id: 7, price: 6_000_001, lots: 12_345, time_ms: 1_700_000_000_001, buyer_is_maker: true };
        let table = [
            (
                written(|o, s| depth_update(o, s, 5, (8, 9), [level(6_000_000, 0)].into_iter(), [].into_iter())),
                r#"{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":8,"u":9,"b":[["60000.00000000","0.00000000"]],"a":[]}"#,
            ),
            (
                written(|o, s| depth_levels(o, s, 9, [level(2, 1), level(1, 1)].into_iter(), [].into_iter())),
                r#"{"lastUpdateId":9,"bids":[["0.02000000","0.00001000"],["0.01000000","0.00001000"]],"asks":[]}"#,
            ),
            (
                written(|o, s| book_ticker(o, s, 9, Some(level(2, 1)), None)),
                r#"{"u":9,"s":"BTCUSDT","b":"0.02000000","B":"0.00001000","a":"0.00000000","A":"0.00000000"}"#,
            ),
            (
                written(|o, s| trade(o, s, 1_700_000_000_002, &deal)),
                r#"{"e":"trade","E":1700000000002,"s":"BTCUSDT","t":7,"p":"60000.01000000","q":"0.12345000","T":1700000000001,"m":true,"M":true}"#,
            ),
            (
                written(|o, s| agg_trade(o, s, 1_700_000_000_002, 3, 6, &deal)),
                r#"{"e":"aggTrade","E":1700000000002,"s":"BTCUSDT","a":3,"p":"60000.01000000","q":"0.12345000","f":6,"l":7,"T":1700000000001,"m":true,"M":true}"#,
            ),
            (
                written(|o, s| block_trade(o, s, 1_700_000_000_002, &deal)),
                r#"{"e":"blockTrade","E":1700000000002,"s":"BTCUSDT","t":7,"p":"60000.01000000","q":"0.12345000","T":1700000000001,"m":true}"#,
            ),
            (
                written(|o, s| reference_price(o, s, Some(1), 2)),
                r#"{"e":"referencePrice","s":"BTCUSDT","r":"0.01000000","t":2}"#,
            ),
            (written(|o, s| reference_price(o, s, None, 2)), r#"{"e":"referencePrice","s":"BTCUSDT","r":null,"t":2}"#),
        ];
        for (ours, venues) in table {
            assert_eq!(ours, venues);
        }
    }
}
