//! Purpose: a conductor with everything it publishes written down, and short words for its inputs.
//! Owns: the record. Thread: a test's. Takes and gives: events. Never: changes what it records.

use std::collections::HashMap;

use bytemuck::Zeroable;

use crate::conductor::{ConductorOptions, ConductorStage};
use crate::schema::canonical_type::builtin;
use crate::schema::decimal::Decimal;
use crate::schema::event::{EventBuf, EventHeader, EventRef};
use crate::schema::id::{InstrumentId, Market, Source, TypeId};
use crate::schema::payload::{BookReference, BookStatus, BookTicker, Depth, DepthLevels, Lost, Payload, PayloadKind};
use crate::schema::quality::{BookCause, BookChange, Quality};
use crate::schema::raw::Level;
use crate::schema::stage::{EventSink, Publish, SnapshotRequests, Stage, Urgency};
use crate::schema::time::UnixNanos;
use crate::telemetry::{Counter, Ledger};

/// Writes down what is published.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) events: Vec<Vec<u64>>,
    pub(super) books: Vec<Vec<u64>>,
    seqs: HashMap<(u32, u16), u64>,
    /// Room left, in records; `None` is endless.
    pub(super) room: Option<usize>,
}

impl Publish for Recorder {
    fn room_for(&mut self, records: usize, _words: usize) -> bool {
        self.room.is_none_or(|room| room >= records)
    }

    fn publish(&mut self, event: &mut EventBuf) -> u64 {
        let header = event.header_mut();
        let seq = self.seqs.entry((header.instrument, header.type_id)).or_default();
        *seq += 1;
        header.seq = *seq;
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1).expect("nothing is published without room");
        }
        self.events.push(event.read().words().to_vec());
        *seq
    }

    fn publish_stored(&mut self, event: &mut EventBuf) -> u64 {
        self.publish(event)
    }

    fn publish_book(&mut self, reference: &mut EventBuf, book: &mut EventBuf) -> u64 {
        self.books.push(book.read().words().to_vec());
        let version = self.books.len() as i64;
        reference.payload_mut::<BookReference>().expect("a reference").store_version = version;
        self.publish(reference)
    }

    fn last_seq(&self, instrument: InstrumentId, type_id: TypeId) -> u64 {
        self.seqs.get(&(instrument.0, type_id.0)).copied().unwrap_or(0)
    }
}

/// Writes down what is asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) epochs: std::rc::Rc<std::cell::RefCell<Vec<u32>>>,
    pub(super) full: std::rc::Rc<std::cell::Cell<bool>>,
    /// Asked for in the background.
    pub(super) background: std::rc::Rc<std::cell::Cell<u32>>,
}

impl SnapshotRequests for Asked {
    fn request_snapshot(&mut self, _instrument: InstrumentId, epoch: u32, urgency: Urgency) -> bool {
        if urgency == Urgency::Background {
            self.background.set(self.background.get() + u32::from(!self.full.get()));
        } else if !self.full.get() {
            self.epochs.borrow_mut().push(epoch);
        }
        !self.full.get()
    }
}

/// A conductor, its record and the time.
pub(super) struct Rig {
    pub(super) stage: ConductorStage<Recorder, Asked>,
    pub(super) asked: std::rc::Rc<std::cell::RefCell<Vec<u32>>>,
    pub(super) way_full: std::rc::Rc<std::cell::Cell<bool>>,
    pub(super) background: std::rc::Rc<std::cell::Cell<u32>>,
    pub(super) now: i64,
    buf: EventBuf,
}

pub(super) const BTC: InstrumentId = InstrumentId(3);
pub(super) const MS: i64 = 1_000_000;

/// `(price, quantity)` in whole units.
pub(super) type Pairs<'a> = &'a [(i64, i64)];
pub(super) type Sided = Vec<(i64, i64)>;

fn levels(pairs: Pairs<'_>) -> Vec<Level> {
    pairs.iter().map(|&(price, quantity)| Level { price, quantity }).collect()
}

impl Rig {
    pub(super) fn new(options: ConductorOptions) -> Rig {
        let asked = Asked::default();
        let (epochs, full, background) = (asked.epochs.clone(), asked.full.clone(), asked.background.clone());
        let counts = Ledger::default().sheet("conductor");
        let mut rig = Rig {
            stage: ConductorStage::new(options, Recorder::default(), asked, counts),
            asked: epochs,
            way_full: full,
            background,
            now: 0,
            buf: EventBuf::default(),
        };
        rig.at(1_000 * MS);
        rig
    }

    pub(super) fn plain() -> Rig {
        Rig::new(ConductorOptions::default())
    }

    /// Lets the time come and everything due happen.
    pub(super) fn at(&mut self, now: i64) {
        self.now = now;
        self.stage.advance(UnixNanos(now));
        self.drain();
    }

    pub(super) fn later(&mut self, by: i64) {
        self.at(self.now + by);
    }

    pub(super) fn drain(&mut self) {
        while self.stage.work() > 0 {}
    }

    /// Hands an event in, as the protocol wants it.
    pub(super) fn feed(&mut self, event: EventRef<'_>) {
        self.drain();
        assert!(self.stage.ready(1, event.words().len()), "ready once all work is done");
        self.stage.take_event(event);
        self.drain();
    }

    pub(super) fn head(&self, type_id: TypeId, source: Source, instrument: InstrumentId) -> EventHeader {
        EventHeader {
            instrument: instrument.0,
            market: Market::BinanceSpot as u8,
            trace: [1, 7],
            ..EventHeader::internal(type_id, source, UnixNanos(self.now), 5)
        }
    }

    pub(super) fn made<T: Payload>(&mut self, header: EventHeader, payload: &T, levels: &[Level]) {
        let mut buf = std::mem::take(&mut self.buf);
        buf.begin(&header, payload);
        buf.push_levels(levels);
        self.feed(buf.read());
        self.buf = buf;
    }

    pub(super) fn diff_of(&mut self, depth: Depth, all: &[Level]) {
        let mut header = self.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, BTC);
        header.venue_id = depth.last_id;
        self.made(header, &depth, all);
    }

    /// A diff over `(previous, last]`.
    pub(super) fn diff(&mut self, previous: i64, last: i64, bids: Pairs<'_>, asks: Pairs<'_>) {
        let depth = Depth {
            first_id: previous + 1,
            last_id: last,
            previous_id: previous,
            bids: bids.len() as u32,
            asks: asks.len() as u32,
            ..Depth::zeroed()
        };
        let all = [levels(bids), levels(asks)].concat();
        self.diff_of(depth, &all);
    }

    pub(super) fn snapshot_of(&mut self, depth: Depth, all: &[Level], epoch: u32) {
        let mut header = self.head(builtin::ORDERBOOK_SNAPSHOT, Source::RestDepth, BTC);
        header.venue_id = depth.last_id;
        header.epoch = epoch;
        self.made(header, &DepthLevels(depth), all);
    }

    /// A REST snapshot.
    pub(super) fn snapshot(&mut self, id: i64, bids: Pairs<'_>, asks: Pairs<'_>) {
        let depth = Depth {
            first_id: id,
            last_id: id,
            previous_id: id,
            bids: bids.len() as u32,
            asks: asks.len() as u32,
            ..Depth::zeroed()
        };
        self.snapshot_of(depth, &[levels(bids), levels(asks)].concat(), 0);
    }

    pub(super) fn ticker(&mut self, id: i64, bid: (i64, i64), ask: (i64, i64)) {
        let mut ticker = BookTicker::zeroed();
        ticker.set_bid(Some(Decimal::whole(bid.0)));
        ticker.set_bid_quantity(Some(Decimal::whole(bid.1)));
        ticker.set_ask(Some(Decimal::whole(ask.0)));
        ticker.set_ask_quantity(Some(Decimal::whole(ask.1)));
        let mut header = self.head(builtin::TICKER_BOOK, Source::WsBookTicker, BTC);
        header.venue_id = id;
        self.made(header, &ticker, &[]);
    }

    pub(super) fn lost(&mut self) {
        let header = self.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, BTC);
        self.made(header, &Lost::zeroed(), &[]);
    }

    /// A proven book at `id`: best bid 99, best ask 101, ten levels a side.
    pub(super) fn live(&mut self, id: i64) {
        let bids: Vec<_> = (90..100).rev().map(|p| (p, 1)).collect();
        let asks: Vec<_> = (101..111).map(|p| (p, 1)).collect();
        self.diff(id - 1, id, &[], &[]);
        self.snapshot(id - 1, &bids, &asks);
        assert_eq!(self.stage.quality(BTC), Some(Quality::Good));
        self.clear();
    }

    pub(super) fn clear(&mut self) {
        self.stage.publisher().events.clear();
        self.asked.borrow_mut().clear();
    }

    pub(super) fn count(&self, counter: Counter) -> u64 {
        self.stage.counts().get(counter)
    }

    pub(super) fn quality(&self) -> Quality {
        self.stage.quality(BTC).expect("seen")
    }

    /// What was published since the last `clear`, a word each: `delta 5 Good`, `GapOpen MissingDiff Gap`, …
    pub(super) fn told(&mut self) -> Vec<String> {
        self.stage.publisher().events.iter().map(|words| tell(words)).collect()
    }

    pub(super) fn asks(&self) -> usize {
        self.asked.borrow().len()
    }

    /// The book's bids and asks as the report has them, in whole units.
    pub(super) fn book(&self) -> (Sided, Sided) {
        let report = self.stage.report(BTC).expect("seen");
        let whole = |side: &[(Decimal, Decimal)]| {
            let unit = |d: Decimal| d.mantissa_at(0).expect("whole");
            side.iter().map(|(p, q)| (unit(*p), unit(*q))).collect()
        };
        (whole(&report.bids), whole(&report.asks))
    }
}

/// One event in short words.
pub(super) fn tell(words: &[u64]) -> String {
    let event = EventRef::from_words(words).expect("a whole record");
    let header = event.header();
    let quality = header.quality().name();
    let id = header.venue_id().unwrap_or(-1);
    match header.kind().expect("a known kind") {
        PayloadKind::DepthDiff => format!("delta {id} {quality}"),
        PayloadKind::Fused => format!("fused {id} {quality}"),
        PayloadKind::BookReference => format!("book {id} {quality}"),
        PayloadKind::BookTicker => format!("ticker {id}"),
        PayloadKind::BookStatus => {
            let status = event.payload::<BookStatus>().expect("a status");
            let change = BookChange::NAMES[status.change as usize];
            let cause = BookCause::NAMES[status.cause as usize];
            format!("{change} {cause} {}>{quality}", Quality::NAMES[status.from as usize])
        }
        kind => format!("{kind:?} {quality}"),
    }
}
