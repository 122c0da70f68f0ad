//! Purpose: the payloads that carry statistics: candles, tickers, average prices (binance.md section 2).
//! Owns: nothing. Thread: any. Takes and gives: sums in, bytes appended to a reused buffer. Never: keeps a statistic.

use super::book::Level;
use super::digits::{fixed_signed, fixed_wide, signed, thousandths};
use super::spec::SymbolSpec;
use super::tape::{MINUTE_MS, Sums, Trade};
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

/// `@kline_1m`. A minute without trades is flat at the price before it, its trade ids -1.
pub fn kline(
    out: &mut Vec<u8>,
    spec: &SymbolSpec,
    event_ms: i64,
    start_ms: i64,
    of: (Option<Sums>, i64),
    closed: bool,
) {
    let (sums, before) = of;
    let price = |pick: fn(&Sums) -> i64| sums.as_ref().map_or(before, pick);
    put_head(out, "kline", event_ms, &spec.symbol);
    put_whole(out, ",\"k\":{\"t\":", start_ms.unsigned_abs());
    put_whole(out, ",\"T\":", (start_ms + MINUTE_MS - 1).unsigned_abs());
    put(out, ",\"s\":\"");
    put(out, &spec.symbol);
    put(out, "\",\"i\":\"1m\"");
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

/// `@ticker_1h`: its window opens on a minute.
pub fn hour_ticker(out: &mut Vec<u8>, spec: &SymbolSpec, event_ms: i64, last: &Trade, hour: &Window) {
    put_head(out, "1hTicker", event_ms, &spec.symbol);
    put_change(out, spec, hour);
    put_range(out, spec, hour);
    put_fixed(out, ",\"c\":", last.price, spec.price_scale);
    put_average(out, spec, hour.sums.as_ref());
    put_volume(out, spec, hour);
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
