//! Purpose: the payloads that carry statistics: candles, tickers, average prices (binance.md section 2).
//! Owns: nothing. Thread: any. Takes and gives: sums in, bytes appended to a reused buffer. Never: keeps a statistic.

use super::book::Level;
use super::digits::{fixed_signed, fixed_wide, signed, thousandths};
use super::spec::SymbolSpec;
use super::tape::{Sums, Trade};
use super::wire::{put, put_fixed, put_head, put_whole};

/// A rolling window: when it opened, and its sums; `None` when nobody traded in it.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// UTC milliseconds.
    pub open_ms: i64,
    /// UTC milliseconds.
    pub close_ms: i64,
    /// Over the trades inside.
    pub sums: Option<Sums>,
}

/// A candle: the sums of its trades, and the price that stood before it.
#[derive(Clone, Copy, Debug)]
pub struct Candle {
    /// The interval's name.
    pub interval: &'static str,
    /// UTC milliseconds.
    pub start_ms: i64,
    /// When the next one begins, UTC milliseconds.
    pub next_ms: i64,
    /// `None` when nobody traded in it.
    pub sums: Option<Sums>,
    /// In ticks.
    pub before: i64,
    /// Whether it is over.
    pub closed: bool,
}

/// `@kline_<interval>`. One without trades is flat at the price before it, its trade ids -1.
pub fn kline(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, candle: &Candle) {
    let Candle { sums, before, closed, .. } = *candle;
    let price = |pick: fn(&Sums) -> i64| sums.as_ref().map_or(before, pick);
    put_head(out, "kline", event_ms, &spec.symbol);
    put_whole(out, ",\"k\":{\"t\":", candle.start_ms.unsigned_abs());
    put_whole(out, ",\"T\":", (candle.next_ms - 1).unsigned_abs());
    put(out, ",\"s\":\"");
    put(out, &spec.symbol);
    put(out, "\",\"i\":\"");
    put(out, candle.interval);
    out.push(b'"');
    put_ids(out, ",\"f\":", ",\"L\":", sums.as_ref());
    put_fixed(out, ",\"o\":", price(|s| s.open), spec.price_scale);
    put_fixed(out, ",\"c\":", price(|s| s.close), spec.price_scale);
    put_fixed(out, ",\"h\":", price(|s| s.high), spec.price_scale);
    put_fixed(out, ",\"l\":", price(|s| s.low), spec.price_scale);
    put_sum(out, ",\"v\":", sums.map_or(0, |s| s.volume), spec.quantity_scale);
    put_whole(out, ",\"n\":", sums.map_or(0, |s| s.count()));
    put(out, if closed { ",\"x\":true" } else { ",\"x\":false" });
    put_sum(out, ",\"q\":", sums.map_or(0, |s| s.turnover), turnover_scale(spec));
    put_sum(out, ",\"V\":", sums.map_or(0, |s| s.bought_volume), spec.quantity_scale);
    put_sum(out, ",\"Q\":", sums.map_or(0, |s| s.bought_turnover), turnover_scale(spec));
    put(out, ",\"B\":\"0\"}}");
}

/// `@miniTicker`: of a window without trades, all but the last price is zero.
pub fn mini_ticker(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, last: &Trade, day: &Window) {
    let price = |pick: fn(&Sums) -> i64| day.sums.as_ref().map_or(0, pick);
    put_head(out, "24hrMiniTicker", event_ms, &spec.symbol);
    put_fixed(out, ",\"c\":", last.price, spec.price_scale);
    put_fixed(out, ",\"o\":", price(|s| s.open), spec.price_scale);
    put_fixed(out, ",\"h\":", price(|s| s.high), spec.price_scale);
    put_fixed(out, ",\"l\":", price(|s| s.low), spec.price_scale);
    put_sum(out, ",\"v\":", day.sums.map_or(0, |s| s.volume), spec.quantity_scale);
    put_sum(out, ",\"q\":", day.sums.map_or(0, |s| s.turnover), turnover_scale(spec));
    out.push(b'}');
}

/// What `@ticker` says beside its window.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
    /// The last price before the window.
    pub previous_close: i64,
    /// The best bid.
    pub bid: Option<Level>,
    /// The best ask.
    pub ask: Option<Level>,
}

/// `@ticker`.
pub fn ticker(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, last: &Trade, quote: &Quote, day: &Window) {
    let none = Level { price: 0, quantity: 0 };
    let (bid, ask) = (quote.bid.unwrap_or(none), quote.ask.unwrap_or(none));
    put_head(out, "24hrTicker", event_ms, &spec.symbol);
    put_change(out, spec, day);
    put_average(out, spec, day.sums.as_ref());
    put_fixed(out, ",\"x\":", quote.previous_close, spec.price_scale);
    put_fixed(out, ",\"c\":", last.price, spec.price_scale);
    put_fixed(out, ",\"Q\":", last.lots, spec.quantity_scale);
    put_fixed(out, ",\"b\":", bid.price, spec.price_scale);
    put_fixed(out, ",\"B\":", bid.quantity, spec.quantity_scale);
    put_fixed(out, ",\"a\":", ask.price, spec.price_scale);
    put_fixed(out, ",\"A\":", ask.quantity, spec.quantity_scale);
    put_range(out, spec, day);
    put_volume(out, spec, day);
}

/// `@ticker_1h` and its kin, whose event is `name`: the window opens on a minute.
pub fn window_ticker(out: &mut Vec<u8>, spec: &SymbolSpec, name: &str, event_ms: i64, last: &Trade, window: &Window) {
    put_head(out, name, event_ms, &spec.symbol);
    put_change(out, spec, window);
    put_range(out, spec, window);
    put_fixed(out, ",\"c\":", last.price, spec.price_scale);
    put_average(out, spec, window.sums.as_ref());
    put_volume(out, spec, window);
}

/// `@avgPrice` over the last five minutes; without trades, the last price.
pub fn avg_price(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, last: &Trade, sums: Option<&Sums>) {
    put_head(out, "avgPrice", event_ms, &spec.symbol);
    put(out, ",\"i\":\"5m\"");
    match sums {
        Some(_) => put_average(out, spec, sums),
        None => put_fixed(out, ",\"w\":", last.price, spec.price_scale),
    }
    put_whole(out, ",\"T\":", last.time_ms.unsigned_abs());
    out.push(b'}');
}

/// Ticks times lots carry the decimals of both.
fn turnover_scale(spec: &SymbolSpec) -> u8 {
    spec.price_scale + spec.quantity_scale
}

fn put_sum(out: &mut Vec<u8>, key: &str, value: u128, scale: u8) {
    put(out, key);
    out.push(b'"');
    fixed_wide(out, value, scale);
    out.push(b'"');
}

fn put_ids(out: &mut Vec<u8>, first_key: &str, last_key: &str, sums: Option<&Sums>) {
    let (first, last) = sums.map_or((-1, -1), |s| (s.first_id as i64, s.last_id as i64));
    put(out, first_key);
    signed(out, first);
    put(out, last_key);
    signed(out, last);
}

/// `p` and `P`: the change over the window, and its percentage to the nearest thousandth.
fn put_change(out: &mut Vec<u8>, spec: &SymbolSpec, window: &Window) {
    let (open, close) = window.sums.map_or((0, 0), |s| (s.open, s.close));
    put(out, ",\"p\":\"");
    fixed_signed(out, close - open, spec.price_scale);
    put(out, "\",\"P\":\"");
    let scaled = i128::from(close - open) * 200_000 / i128::from(open.max(1));
    thousandths(out, ((scaled + scaled.signum()) / 2) as i64);
    out.push(b'"');
}

/// `w`: quote volume by base volume, eight decimals, the rest cut off.
fn put_average(out: &mut Vec<u8>, spec: &SymbolSpec, sums: Option<&Sums>) {
    let digits = 10u128.pow(u32::from(8 - spec.price_scale.min(8)));
    let average = sums.map_or(0, |s| s.turnover * digits / s.volume.max(1));
    put_sum(out, ",\"w\":", average, 8);
}

fn put_range(out: &mut Vec<u8>, spec: &SymbolSpec, window: &Window) {
    let price = |pick: fn(&Sums) -> i64| window.sums.as_ref().map_or(0, pick);
    put_fixed(out, ",\"o\":", price(|s| s.open), spec.price_scale);
    put_fixed(out, ",\"h\":", price(|s| s.high), spec.price_scale);
    put_fixed(out, ",\"l\":", price(|s| s.low), spec.price_scale);
}

/// `v` to `n`, and the end of the payload.
fn put_volume(out: &mut Vec<u8>, spec: &SymbolSpec, window: &Window) {
    put_sum(out, ",\"v\":", window.sums.map_or(0, |s| s.volume), spec.quantity_scale);
    put_sum(out, ",\"q\":", window.sums.map_or(0, |s| s.turnover), turnover_scale(spec));
    put_whole(out, ",\"O\":", window.open_ms.unsigned_abs());
    put_whole(out, ",\"C\":", window.close_ms.unsigned_abs());
    put_ids(out, ",\"F\":", ",\"L\":", window.sums.as_ref());
    put_whole(out, ",\"n\":", window.sums.map_or(0, |s| s.count()));
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::spec::default_symbols;
    use crate::sim::tape::Tape;

    fn tape() -> Tape {
        let mut tape = Tape::new(6_000_000, 7, 0);
        for (price, lots, buyer_is_maker) in [(6_000_000, 3, false), (5_990_000, 4, true)] {
            tape.record(Trade { id: tape.next_id(), price, lots, time_ms: 61_000, buyer_is_maker });
        }
        tape
    }

    fn written(write: impl FnOnce(&mut Vec<u8>, &SymbolSpec)) -> String {
        let mut out = Vec::new();
        write(&mut out, &default_symbols(1)[0]);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn statistics_are_exact_and_in_the_venues_order() {
        let (tape, none) = (tape(), Window { open_ms: 1, close_ms: 2, sums: None });
        let full = Window { sums: tape.since(0), ..none };
        let candle = |start_ms: i64, closed| {
            let (sums, before) = tape.minute(start_ms);
            Candle { interval: "1m", start_ms, next_ms: start_ms + 60_000, sums, before, closed }
        };
        let quote = Quote { previous_close: 1, bid: Some(Level { price: 2, quantity: 3 }), ask: None };
        let table = [
            (
                written(|o, s| kline(o, s, 5, &candle(60_000, false))),
                r#"{"e":"kline","E":5,"s":"BTCUSDT","k":{"t":60000,"T":119999,"s":"BTCUSDT","i":"1m","f":7,"L":8,"o":"60000.00000000","c":"59900.00000000","h":"60000.00000000","l":"59900.00000000","v":"0.00007000","n":2,"x":false,"q":"4.19600000","V":"0.00003000","Q":"1.80000000","B":"0"}}"#,
            ),
            (
                written(|o, s| kline(o, s, 5, &candle(120_000, true))),
                r#"{"e":"kline","E":5,"s":"BTCUSDT","k":{"t":120000,"T":179999,"s":"BTCUSDT","i":"1m","f":-1,"L":-1,"o":"59900.00000000","c":"59900.00000000","h":"59900.00000000","l":"59900.00000000","v":"0.00000000","n":0,"x":true,"q":"0.00000000","V":"0.00000000","Q":"0.00000000","B":"0"}}"#,
            ),
            (
                written(|o, s| mini_ticker(o, s, 5, tape.last(), &full)),
                r#"{"e":"24hrMiniTicker","E":5,"s":"BTCUSDT","c":"59900.00000000","o":"60000.00000000","h":"60000.00000000","l":"59900.00000000","v":"0.00007000","q":"4.19600000"}"#,
            ),
            (
                written(|o, s| ticker(o, s, 5, tape.last(), &quote, &full)),
                r#"{"e":"24hrTicker","E":5,"s":"BTCUSDT","p":"-100.00000000","P":"-0.167","w":"59942.85714285","x":"0.01000000","c":"59900.00000000","Q":"0.00004000","b":"0.02000000","B":"0.00003000","a":"0.00000000","A":"0.00000000","o":"60000.00000000","h":"60000.00000000","l":"59900.00000000","v":"0.00007000","q":"4.19600000","O":1,"C":2,"F":7,"L":8,"n":2}"#,
            ),
            (
                written(|o, s| window_ticker(o, s, "1hTicker", 5, tape.last(), &none)),
                r#"{"e":"1hTicker","E":5,"s":"BTCUSDT","p":"0.00000000","P":"0.000","o":"0.00000000","h":"0.00000000","l":"0.00000000","c":"59900.00000000","w":"0.00000000","v":"0.00000000","q":"0.00000000","O":1,"C":2,"F":-1,"L":-1,"n":0}"#,
            ),
            (
                written(|o, s| avg_price(o, s, 5, tape.last(), full.sums.as_ref())),
                r#"{"e":"avgPrice","E":5,"s":"BTCUSDT","i":"5m","w":"59942.85714285","T":61000}"#,
            ),
            (
                written(|o, s| avg_price(o, s, 5, tape.last(), None)),
                r#"{"e":"avgPrice","E":5,"s":"BTCUSDT","i":"5m","w":"59900.00000000","T":61000}"#,
            ),
        ];
        for (ours, venues) in table {
            assert_eq!(ours, venues);
        }
    }
}
