//! Purpose: one symbol as it runs: its book, flow and tape, and what its streams owe since they last spoke.
//! Owns: all of that. Thread: the exchange's. Takes and gives: a time in, frames into a batch.
//! Never: reads a clock; lets the set of channels change what happens in the market.

mod stats;

use super::batch::Batch;
use super::book::{Book, Level, Side};
use super::channel::{Channel, Channels};
use super::flow::{Flow, Step};
use super::history::Change;
use super::rng::Rng;
use super::spec::{Status, SymbolSpec};
use super::tape::{Aggregate, MINUTE_MS, Tape, Trade};
use super::wire;

const DAY_MS: i64 = 1_440 * MINUTE_MS;
const PARTIAL_LEVELS: usize = 20;
/// The window of `@ticker_1h`, in minutes, and the name of its event.
pub(super) const HOUR: (i64, &str) = (60, "1hTicker");
/// The venue stamps an event a moment after the match (half a millisecond here).
const STAMP_DELAY_NS: i64 = 500_000;

/// A symbol of a running exchange.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) place: u32,
    pub(super) spec: SymbolSpec,
    pub(super) book: Book,
    pub(super) update_id: u64,
    pub(super) changes: Vec<Change>,
    pub(super) flow: Flow,
    /// Randomness of what lies beside the book: block trades, reference prices.
    aside: Rng,
    pub(super) tape: Tape,
    pub(super) channels: Channels,
    streams: Vec<String>,
    steps: Vec<Step>,
    touched: [Vec<i64>; 2],
    diff_id: u64,
    partial_id: u64,
    kline_trade_id: u64,
    agg_id: u64,
    agg_first: u64,
    agg_lots: i64,
    block_id: u64,
    /// The price that `@referencePrice` told last; `None` when it told that there is none.
    pub(super) reference: Option<i64>,
    /// Whether its timers run: they begin when it trades for the first time.
    pub(super) scheduled: bool,
    /// Whether the venue still knows it.
    pub(super) listed: bool,
    pub(super) top: (Option<Level>, Option<Level>),
}

/// Milliseconds by which the venue stamps a frame of this moment.
fn stamp_ms(now_ns: i64) -> i64 {
    (now_ns + STAMP_DELAY_NS).div_euclid(1_000_000)
}

impl Listing {
    pub(super) fn new(
        seed: u64,
        place: u32,
        spec: SymbolSpec,
        channels: Channels,
        depth_ms: u32,
        now_ns: i64,
    ) -> Listing {
        let mut flow = Flow::new(seed, &spec);
        let mut aside = Rng::for_part(seed, &spec.symbol, 1);
        let mut book = Book::default();
        flow.open_book(&spec, &mut book);
        // Ids as large as the venue's: ten to eleven digits for books, nine to ten for trades.
        let update_id = 1_000_000_000 + aside.below(60_000_000_000);
        let trade_id = 10_000_000 + aside.below(4_000_000_000);
        let agg_id = 10_000_000 + aside.below(trade_id / 2);
        let lower = spec.symbol.to_lowercase();
        let streams = Channel::ALL.iter().map(|c| format!("{lower}{}", c.suffix(depth_ms))).collect();
        let tape = Tape::new(spec.start_ticks, trade_id, now_ns.div_euclid(1_000_000));
        Listing {
            place,
            top: book.top(),
            book,
            update_id,
            changes: Vec::new(),
            flow,
            aside,
            tape,
            channels,
            streams,
            steps: Vec::new(),
            touched: [Vec::new(), Vec::new()],
            diff_id: update_id,
            partial_id: update_id,
            kline_trade_id: trade_id - 1,
            agg_id,
            agg_first: trade_id,
            agg_lots: 0,
            block_id: 0,
            reference: None,
            scheduled: false,
            listed: true,
            spec,
        }
    }

    /// Whether anything happens in it.
    pub(super) fn trades(&self) -> bool {
        self.listed && self.spec.status == Status::Trading
    }

    /// Lets the next orders come; `changes` then holds what they did.
    pub(super) fn trade_on(&mut self, now_ns: i64, out: &mut Batch) {
        let mut steps = core::mem::take(&mut self.steps);
        steps.clear();
        self.flow.plan(&self.spec, &self.book, &mut steps);
        for step in &steps {
            match *step {
                Step::Set { side, level } => self.change(now_ns, side, level, out),
                Step::Fill { side, level, lots, last_at_price } => {
                    self.trade(now_ns, side, level.price, lots, last_at_price, out);
                    self.change(now_ns, side, level, out);
                }
            }
        }
        self.steps = steps;
    }

    fn change(&mut self, now_ns: i64, side: Side, level: Level, out: &mut Batch) {
        self.update_id += 1;
        self.book.set(side, level.price, level.quantity);
        self.changes.push(Change { side, level });
        self.touched[side as usize].push(level.price);
        let top = self.book.top();
        if top != self.top {
            self.top = top;
            self.emit(now_ns, Channel::BookTicker, (0, self.update_id), out, |bytes, this| {
                wire::book_ticker(bytes, &this.spec, this.update_id, top.0, top.1);
            });
        }
    }

    fn trade(&mut self, now_ns: i64, maker: Side, price: i64, lots: i64, last_at_price: bool, out: &mut Batch) {
        let id = self.tape.next_id();
        let trade =
            Trade { id, price, lots, time_ms: now_ns.div_euclid(1_000_000), buyer_is_maker: maker == Side::Bid };
        self.tape.record(trade);
        self.agg_lots += lots;
        self.emit(now_ns, Channel::Trade, (id, id), out, |bytes, this| {
            wire::trade(bytes, &this.spec, stamp_ms(now_ns), &trade);
        });
        if last_at_price {
            let total = Trade { lots: self.agg_lots, ..trade };
            self.emit(now_ns, Channel::AggTrade, (self.agg_first, id), out, |bytes, this| {
                wire::agg_trade(bytes, &this.spec, stamp_ms(now_ns), this.agg_id, this.agg_first, &total);
            });
            self.tape.record_aggregate(Aggregate { id: self.agg_id, first_id: self.agg_first, total });
            self.agg_id += 1;
            self.agg_first = id + 1;
            self.agg_lots = 0;
        }
    }

    /// `@depth`: what changed since the last diff; nothing when nothing did.
    pub(super) fn diff(&mut self, now_ns: i64, out: &mut Batch) {
        if self.diff_id == self.update_id {
            return;
        }
        let ids = (self.diff_id + 1, self.update_id);
        let mut touched = core::mem::take(&mut self.touched);
        sort_best_first(&mut touched);
        self.emit(now_ns, Channel::Depth, ids, out, |bytes, this| {
            let [bids, asks] = &touched;
            let (bids, asks) = (this.levels_of(Side::Bid, bids), this.levels_of(Side::Ask, asks));
            wire::depth_update(bytes, &this.spec, stamp_ms(now_ns), ids, bids, asks);
        });
        touched.iter_mut().for_each(Vec::clear);
        self.touched = touched;
        self.diff_id = self.update_id;
    }

    /// These prices of a side with what rests there now.
    fn levels_of<'a>(&'a self, side: Side, prices: &'a [i64]) -> impl Iterator<Item = Level> + 'a {
        prices.iter().map(move |&price| Level { price, quantity: self.book.side(side).quantity_at(price) })
    }

    /// A diff frame over other ids than the regular one, as faults need it: `touched` are the prices, and `extra` is a
    /// level that the book never had. Quantities are those of now.
    pub(super) fn diff_frame(
        &self,
        now_ns: i64,
        ids: (u64, u64),
        mut touched: [Vec<i64>; 2],
        extra: Option<(Side, Level)>,
        out: &mut Vec<u8>,
    ) {
        sort_best_first(&mut touched);
        let false_level = |side| extra.iter().filter(move |(s, _)| *s == side).map(|(_, level)| *level);
        let bids = false_level(Side::Bid).chain(self.levels_of(Side::Bid, &touched[0]));
        let asks = false_level(Side::Ask).chain(self.levels_of(Side::Ask, &touched[1]));
        wire::open_combined(out, &self.streams[Channel::Depth as usize]);
        wire::depth_update(out, &self.spec, stamp_ms(now_ns), ids, bids, asks);
        wire::close_combined(out);
    }

    /// `@depth20`; nothing when nothing changed.
    pub(super) fn partial(&mut self, now_ns: i64, out: &mut Batch) {
        if self.partial_id == self.update_id {
            return;
        }
        self.partial_id = self.update_id;
        self.emit(now_ns, Channel::PartialDepth, (0, self.update_id), out, |bytes, this| {
            let side = |side| this.book.side(side).best_first().take(PARTIAL_LEVELS);
            wire::depth_levels(bytes, &this.spec, this.update_id, side(Side::Bid), side(Side::Ask));
        });
    }

    /// The venue restarts this symbol's ids at `id`, as after a crash of its engine.
    pub(super) fn restart_ids(&mut self, id: u64) {
        (self.update_id, self.diff_id, self.partial_id) = (id, id, id);
        self.touched.iter_mut().for_each(Vec::clear);
    }

    pub(super) fn stream(&self, channel: Channel) -> &str {
        &self.streams[channel as usize]
    }

    #[inline]
    fn emit(
        &self,
        now_ns: i64,
        channel: Channel,
        ids: (u64, u64),
        out: &mut Batch,
        write: impl FnOnce(&mut Vec<u8>, &Listing),
    ) {
        if self.channels.has(channel) {
            out.frame(self.place, channel, now_ns, ids, self.stream(channel), |bytes| write(bytes, self));
        }
    }
}

/// Bids from the highest price down, asks from the lowest up, each price once: the venue's order.
fn sort_best_first([bids, asks]: &mut [Vec<i64>; 2]) {
    bids.sort_unstable_by(|a, b| b.cmp(a));
    asks.sort_unstable();
    bids.dedup();
    asks.dedup();
}
