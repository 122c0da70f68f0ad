//! Purpose: what a symbol tells beside its book and trades: tickers, windows, candles, reference prices, block trades; and
//! finer ticks for all that it has. Owns: nothing of its own. Thread: the exchange's. Takes and gives: a time in, frames
//! out. Never: looks at what another stream told.

use super::{DAY_MS, HOUR, Listing, stamp_ms};
use crate::sim::batch::Batch;
use crate::sim::book::{Level, Side};
use crate::sim::channel::Channel;
use crate::sim::interval::Interval;
use crate::sim::tape::{MINUTE_MS, Trade, minute_of};
use crate::sim::wire_stats::{Candle, Quote, Window};
use crate::sim::{wire, wire_stats};

impl Listing {
    /// What comes once a second: tickers and prices, and now and then a block trade.
    pub(in crate::sim) fn second(&mut self, now_ns: i64, out: &mut Batch) {
        let (now_ms, event_ms) = (now_ns.div_euclid(1_000_000), stamp_ms(now_ns));
        let last = *self.tape.last();
        let sums = self.tape.since(minute_of(now_ms) - DAY_MS + MINUTE_MS);
        let day = Window { open_ms: now_ms - DAY_MS, close_ms: now_ms, sums };
        self.emit(now_ns, Channel::MiniTicker, (0, 0), out, |bytes, this| {
            wire_stats::mini_ticker(bytes, &this.spec, event_ms, &last, &day);
        });
        self.emit(now_ns, Channel::Ticker, (0, 0), out, |bytes, this| {
            let previous_close = this.tape.minute(minute_of(now_ms) - DAY_MS + MINUTE_MS).1;
            let quote = Quote { previous_close, bid: this.top.0, ask: this.top.1 };
            wire_stats::ticker(bytes, &this.spec, event_ms, &last, &quote, &day);
        });
        self.emit(now_ns, Channel::HourTicker, (0, 0), out, |bytes, this| {
            this.write_window(now_ns, HOUR, bytes);
        });
        self.emit(now_ns, Channel::AvgPrice, (0, 0), out, |bytes, this| {
            let sums = this.tape.since(minute_of(now_ms) - 4 * MINUTE_MS);
            wire_stats::avg_price(bytes, &this.spec, event_ms, &last, sums.as_ref());
        });
        self.beside_the_book(now_ns, out);
    }

    /// The statistics over the last so many minutes: they open on a minute and reach to this moment.
    pub(in crate::sim) fn window(&self, now_ms: i64, minutes: i64) -> Window {
        let open_ms = minute_of(now_ms) - minutes * MINUTE_MS;
        Window { open_ms, close_ms: now_ms, sums: self.tape.since(open_ms) }
    }

    /// `@ticker_<window>`, given the window's minutes and the event's name.
    pub(in crate::sim) fn write_window(&self, now_ns: i64, (minutes, name): (i64, &str), out: &mut Vec<u8>) {
        let window = self.window(now_ns.div_euclid(1_000_000), minutes);
        wire_stats::window_ticker(out, &self.spec, name, stamp_ms(now_ns), self.tape.last(), &window);
    }

    fn beside_the_book(&mut self, now_ns: i64, out: &mut Batch) {
        let now_ms = now_ns.div_euclid(1_000_000);
        let middle = self.top.0.zip(self.top.1).map(|(bid, ask)| (bid.price + ask.price) / 2);
        let reference = middle.filter(|_| !self.aside.chance(50_000));
        self.reference = reference;
        self.emit(now_ns, Channel::ReferencePrice, (0, 0), out, |bytes, this| {
            wire::reference_price(bytes, &this.spec, reference, now_ms);
        });
        let lots = self.spec.order_lots.saturating_mul(20 + self.aside.below(400) as i64);
        let buyer_is_maker = self.aside.chance(500_000);
        if let Some(price) = middle.filter(|_| self.aside.chance(5_000)) {
            self.block_id += 1;
            let trade = Trade { id: self.block_id, price, lots, time_ms: now_ms, buyer_is_maker };
            self.emit(now_ns, Channel::BlockTrade, (trade.id, trade.id), out, |bytes, this| {
                wire::block_trade(bytes, &this.spec, stamp_ms(now_ns), &trade);
            });
        }
    }

    /// `@kline_1m` of the open minute, when it had trades since the last one.
    pub(in crate::sim) fn candle(&mut self, now_ns: i64, out: &mut Batch) {
        if self.kline_trade_id != self.tape.last().id {
            self.kline(now_ns, minute_of(now_ns.div_euclid(1_000_000)), false, out);
        }
    }

    /// `@kline_1m` of the minute that just ended.
    pub(in crate::sim) fn close_candle(&mut self, now_ns: i64, out: &mut Batch) {
        self.kline(now_ns, minute_of(now_ns.div_euclid(1_000_000)) - MINUTE_MS, true, out);
    }

    fn kline(&mut self, now_ns: i64, start_ms: i64, closed: bool, out: &mut Batch) {
        self.kline_trade_id = self.tape.last().id;
        self.emit(now_ns, Channel::Kline, (0, 0), out, |bytes, this| {
            this.write_candle(now_ns, Interval::MINUTE, start_ms, 0, closed, bytes);
        });
    }

    /// `@kline_<interval>` of the candle that begins at `start_ms`, in a zone `zone_ms` ahead of UTC.
    pub(in crate::sim) fn write_candle(
        &self,
        now_ns: i64,
        interval: Interval,
        start_ms: i64,
        zone_ms: i64,
        closed: bool,
        out: &mut Vec<u8>,
    ) {
        let next_ms = interval.next(start_ms, zone_ms);
        let (sums, before) = self.tape.between(start_ms, next_ms);
        let candle = Candle { interval: interval.name(), start_ms, next_ms, sums, before, closed };
        wire_stats::kline(out, &self.spec, stamp_ms(now_ns), &candle);
    }

    /// Counts prices in ticks with so many digits more, as after a change of the tick size; false when they do not fit.
    pub(in crate::sim) fn refine(&mut self, digits: u8) -> bool {
        let Some(factor) = 10i64.checked_pow(digits.into()) else { return false };
        let mut finer = self.spec.clone();
        finer.price_scale = finer.price_scale.saturating_add(digits);
        finer.start_ticks = finer.start_ticks.saturating_mul(factor);
        finer.near_ticks = finer.near_ticks.saturating_mul(factor);
        if finer.fault().is_some() {
            return false;
        }
        self.spec = finer;
        self.flow.refine(factor);
        self.tape.refine(factor);
        let coarse = core::mem::take(&mut self.book);
        for side in [Side::Bid, Side::Ask] {
            // The worst first: each next one is appended.
            let levels: Vec<Level> = coarse.side(side).best_first().collect();
            levels.iter().rev().for_each(|level| self.book.set(side, level.price * factor, level.quantity));
        }
        self.top = self.book.top();
        self.reference = self.reference.map(|price| price * factor);
        self.touched.iter_mut().flatten().for_each(|price| *price *= factor);
        true
    }
}
