//! Purpose: the simulated exchange: all symbols on one virtual time line, every frame that their streams send.
//! Owns: the listings, the agenda of what happens when, the oracle. Thread: its owner's.
//! Takes and gives: options in; one event at a time, its frames into a [`Batch`]. Never: reads a clock, sleeps, or lies:
//! faults are put in behind it, at the venue's door ([`super::faults`]).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::batch::Batch;
use super::book::{Book, Level, Side};
use super::channel::{Channel, Channels};
use super::listing::Listing;
use super::options::{ExchangeError, ExchangeOptions};
use super::oracle::{Oracle, TruthError};
use super::rest;
use super::rng::Rng;
use super::spec::{Status, SymbolSpec};
use super::tape::{MINUTE_MS, minute_of};
use super::wire;
use crate::schema::time::UnixNanos;

const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MS;

/// What can be due, in the order in which it happens at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    MinuteEnd,
    Diff,
    Partial,
    Second,
    Candle,
    Orders,
}

/// The exchange.
#[derive(Debug)]
pub struct Exchange {
    listings: Vec<Listing>,
    agenda: BinaryHeap<Reverse<(i64, u32, Due)>>,
    seed: u64,
    now: i64,
    events_per_second: f64,
    depth_interval_ns: i64,
    oracle: Arc<Oracle>,
}

impl Exchange {
    /// Opens it.
    ///
    /// # Errors
    /// [`ExchangeError`] says which option is wrong.
    pub fn new(options: ExchangeOptions) -> Result<Exchange, ExchangeError> {
        options.check()?;
        let ExchangeOptions { seed, start, symbols, channels, channels_of, .. } = options;
        let channels_for = |symbol: &str| {
            channels_of.iter().find(|(name, _)| name == symbol).map_or(channels, |(_, channels)| *channels)
        };
        let mut listings = Vec::with_capacity(symbols.len());
        for (place, spec) in symbols.into_iter().enumerate() {
            let channels = channels_for(&spec.symbol);
            listings.push(Listing::new(seed, place as u32, spec, channels, options.depth_interval_ms, start.0));
        }
        let oracle = Oracle::new(listings.iter().map(|l| (&l.spec, l.update_id, &l.book)), options.retain);
        let mut exchange = Exchange {
            agenda: BinaryHeap::with_capacity(listings.len() * 6),
            listings,
            seed,
            now: start.0,
            events_per_second: options.events_per_second,
            depth_interval_ns: i64::from(options.depth_interval_ms) * MS,
            oracle: Arc::new(oracle),
        };
        for place in 0..exchange.listings.len() {
            exchange.schedule(place);
        }
        Ok(exchange)
    }

    /// Puts a symbol's first events on the agenda. Each symbol's timers have a phase of their own, as on the venue.
    fn schedule(&mut self, place: usize) {
        let (start, interval) = (self.now, self.depth_interval_ns);
        let listing = &mut self.listings[place];
        if !listing.trades() || core::mem::replace(&mut listing.scheduled, true) {
            return;
        }
        let mut phase = Rng::for_part(self.seed, &listing.spec.symbol, 2);
        let minute_end = (minute_of(start.div_euclid(MS)) + MINUTE_MS) * MS;
        let first = [
            (minute_end, Due::MinuteEnd),
            (start + phase.between(1, interval), Due::Diff),
            (start + phase.between(1, interval), Due::Partial),
            (start + phase.between(1, SECOND), Due::Second),
            (start + phase.between(1, 2 * SECOND), Due::Candle),
        ];
        let place = place as u32;
        self.agenda.extend(first.map(|(time, due)| Reverse((time, place, due))));
        if let Some(pause) = self.pause_ns(place) {
            self.agenda.push(Reverse((start + pause, place, Due::Orders)));
        }
    }

    /// Nanoseconds to a symbol's next orders; `None` when it never has any.
    fn pause_ns(&mut self, place: u32) -> Option<i64> {
        let listing = &mut self.listings[place as usize];
        let thousandths = f64::from(listing.spec.activity_permille) * self.events_per_second;
        let mean = (thousandths > 0.0).then(|| 1e12 / thousandths)?;
        Some(listing.flow.pause_ns((mean as i64).max(1)))
    }

    /// When the next event is due; `None` when no symbol trades.
    pub fn next_due(&self) -> Option<UnixNanos> {
        self.agenda.peek().map(|Reverse((time, ..))| UnixNanos(*time))
    }

    /// The time of the last event.
    pub fn now(&self) -> UnixNanos {
        UnixNanos(self.now)
    }

    /// Lets the next event happen and appends its frames, if it has any; false when there is none.
    pub fn advance(&mut self, out: &mut Batch) -> bool {
        let Some(Reverse((time, place, due))) = self.agenda.pop() else { return false };
        self.now = time;
        let listing = &mut self.listings[place as usize];
        // A symbol that does not trade keeps its timers, and nothing comes of them.
        match due {
            _ if !listing.trades() => {}
            Due::MinuteEnd => listing.close_candle(time, out),
            Due::Diff => listing.diff(time, out),
            Due::Partial => listing.partial(time, out),
            Due::Second => listing.second(time, out),
            Due::Candle => listing.candle(time, out),
            Due::Orders => {
                listing.trade_on(time, out);
                self.oracle.extend(place as usize, &listing.changes, &listing.book);
                listing.changes.clear();
            }
        }
        let pause = match due {
            Due::MinuteEnd => MINUTE_MS * MS,
            Due::Diff | Due::Partial => self.depth_interval_ns,
            Due::Second => SECOND,
            Due::Candle => 2 * SECOND,
            Due::Orders => self.pause_ns(place).unwrap_or(SECOND),
        };
        self.agenda.push(Reverse((time + pause, place, due)));
        true
    }

    /// The symbols; a frame's `place` is an index into them.
    pub fn symbols(&self) -> impl ExactSizeIterator<Item = &SymbolSpec> {
        self.listings.iter().map(|l| &l.spec)
    }

    /// A symbol's place.
    pub fn place(&self, symbol: &str) -> Option<u32> {
        self.listings.iter().position(|l| l.spec.symbol == symbol).map(|p| p as u32)
    }

    /// The symbol at a place.
    pub fn symbol(&self, place: u32) -> Option<&str> {
        self.listings.get(place as usize).map(|l| l.spec.symbol.as_str())
    }

    /// A symbol's stream name on a channel.
    pub fn stream(&self, place: u32, channel: Channel) -> Option<&str> {
        self.listings.get(place as usize).map(|l| l.stream(channel))
    }

    /// Chooses which streams of a symbol are written from now on. What happens in the market does not depend on it.
    pub fn set_channels(&mut self, place: u32, channels: Channels) {
        if let Some(listing) = self.listings.get_mut(place as usize) {
            listing.channels = channels;
        }
    }

    /// A symbol trades or stands still from now on, which is `now`. Its book stays as it is.
    pub fn set_status(&mut self, place: u32, status: Status, now: UnixNanos) {
        if let Some(listing) = self.listings.get_mut(place as usize) {
            listing.spec.status = status;
            self.begin(place, now);
        }
    }

    /// A symbol leaves the venue, or comes back to it: what is not listed stands still, and nobody is told of it.
    pub fn set_listed(&mut self, place: u32, listed: bool, now: UnixNanos) {
        if let Some(listing) = self.listings.get_mut(place as usize) {
            listing.listed = listed;
            self.begin(place, now);
        }
    }

    /// Starts the timers of a symbol that trades for the first time.
    fn begin(&mut self, place: u32, now: UnixNanos) {
        self.now = self.now.max(now.0);
        self.schedule(place as usize);
    }

    /// A symbol's prices get so many digits more (a smaller tick); false, and nothing happens, when its scales or prices
    /// would leave their bounds. What its streams told and the oracle knows stays true: the same values, finer from now on.
    pub fn refine_ticks(&mut self, place: u32, digits: u8) -> bool {
        let fits = self.listings.get_mut(place as usize).is_some_and(|listing| listing.refine(digits));
        if fits {
            self.oracle.refine(place as usize, digits);
        }
        fits
    }

    /// The symbol at a place with all that it is.
    pub(super) fn listing(&self, place: u32) -> Option<&Listing> {
        self.listings.get(place as usize)
    }

    /// The truth, for checkers on any thread.
    pub fn oracle(&self) -> Arc<Oracle> {
        Arc::clone(&self.oracle)
    }

    /// Appends the body of `GET /api/v3/depth?symbol&limit` as of now, and gives its `lastUpdateId`; `None` for no such
    /// symbol. `limit` goes by [`rest::depth_limit`].
    pub fn write_depth(&self, place: u32, limit: u32, out: &mut Vec<u8>) -> Option<u64> {
        let listing = self.listings.get(place as usize)?;
        write_book(out, &listing.spec, listing.update_id, &listing.book, limit);
        Some(listing.update_id)
    }

    /// The same as it was `ids_back` update ids ago, or as long ago as the oracle remembers.
    ///
    /// # Errors
    /// [`TruthError`] when there is no such symbol.
    pub fn write_past_depth(
        &self,
        place: u32,
        ids_back: u64,
        limit: u32,
        out: &mut Vec<u8>,
    ) -> Result<u64, TruthError> {
        let listing = self.listings.get(place as usize).ok_or(TruthError::UnknownSymbol)?;
        let id = listing.update_id.saturating_sub(ids_back).max(self.oracle.oldest(place as usize));
        let book = self.oracle.book_at(place as usize, id)?;
        write_book(out, &listing.spec, id, &book, limit);
        Ok(id)
    }

    /// Appends the body of exchangeInfo.
    pub fn write_exchange_info(&self, out: &mut Vec<u8>) {
        rest::exchange_info(out, self.now.div_euclid(MS), self.symbols());
    }

    /// Appends a combined diff frame that covers ids `ids.0..=ids.1`, the last being the newest; false when they are not
    /// all remembered. `crossing` adds a bid that many ticks above the best ask.
    pub fn write_diff(&self, place: u32, ids: (u64, u64), crossing: Option<i64>, out: &mut Vec<u8>) -> bool {
        let Some(listing) = self.listings.get(place as usize).filter(|l| l.update_id == ids.1) else { return false };
        let Some(prices) = self.oracle.touched(place as usize, ids.0, ids.1) else { return false };
        let of = |side| prices.iter().filter(|(s, _)| *s == side).map(|(_, price)| *price).collect();
        let extra = crossing
            .zip(listing.book.side(Side::Ask).best())
            .map(|(ticks, ask)| (Side::Bid, Level { price: ask.price + ticks, quantity: listing.spec.order_lots }));
        listing.diff_frame(self.now, ids, [of(Side::Bid), of(Side::Ask)], extra, out);
        true
    }

    /// Restarts a symbol's update ids at `id`, as after a crash of the venue's engine: the book stands, the next change
    /// is `id + 1`. Call it right after the symbol's diff; changes not yet in a diff are in none.
    pub fn restart_ids(&mut self, place: u32, id: u64) {
        if let Some(listing) = self.listings.get_mut(place as usize) {
            listing.restart_ids(id);
            self.oracle.restart(place as usize, id, &listing.book);
        }
    }
}

fn write_book(out: &mut Vec<u8>, spec: &SymbolSpec, id: u64, book: &Book, limit: u32) {
    let side = |side| book.side(side).best_first().take(rest::depth_limit(limit) as usize);
    wire::depth_levels(out, spec, id, side(Side::Bid), side(Side::Ask));
}
