//! Purpose: a small bus for this room's tests: a directory, a ring, a store, a sequencer. Thread: one.
//! Owns: all of it. Takes and gives: ids and levels in, events out. Never: part of a build that ships.

use std::sync::Arc;

use bytemuck::Zeroable;

use crate::directory::Directory;
use crate::ring::broadcast::channel;
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventBuf, EventHeader};
use crate::schema::id::{InstrumentId, Market, Source, TypeId};
use crate::schema::instrument::Instrument;
use crate::schema::payload::{Book, BookReference, BookStatus, Depth, Trade};
use crate::schema::quality::BookChange;
use crate::schema::raw::Level;
use crate::schema::time::UnixNanos;
use crate::snapshot::MemoryStore;
use crate::telemetry::{CYCLE_OVER, Clock, Latencies, Ledger};

use super::fan_out::{Bus, DataBus, SubscribeOptions};
use super::filter::Filter;
use super::sequencer::{Sequencer, SequencerOptions};
use super::shelf::Shelves;
use super::subscription::{Delivery, Subscription};

/// Symbols of the directory, their ids in this order: the first three spot, the last one futures.
pub(super) const SYMBOLS: [&str; 4] = ["BTCUSDT", "ETHUSDT", "ETHBTC", "BTCUSDT"];

pub(super) const BTC: InstrumentId = InstrumentId(0);
pub(super) const ETH: InstrumentId = InstrumentId(1);
pub(super) const PERPETUAL: InstrumentId = InstrumentId(3);

pub(super) fn directory() -> Arc<Directory> {
    let directory = Directory::with_capacity(8);
    for (at, symbol) in SYMBOLS.iter().enumerate() {
        directory.admit(Instrument::from_symbol(market(InstrumentId(at as u32)), symbol)).unwrap();
    }
    Arc::new(directory)
}

pub(super) fn market(instrument: InstrumentId) -> Market {
    if instrument == PERPETUAL { Market::BinanceUsdm } else { Market::BinanceSpot }
}

/// A sequencer over a ring of `words` words, the bus over it, and what it counts.
pub(super) fn sequencer<S: Shelves>(store: S, words: usize) -> (Sequencer<S>, DataBus, Ledger, Latencies) {
    let (ring, tap) = channel(words).unwrap();
    let ledger = Ledger::default();
    let options = SequencerOptions { event_words_max: words / 8, ..SequencerOptions::default() };
    let clock = Clock::default();
    let latencies = Latencies::new(clock.clone(), CYCLE_OVER);
    let sequencer = Sequencer::new(ring, store, clock, ledger.sheet("sequencer"), options).unwrap();
    (sequencer.measured(&latencies), DataBus::new(vec![tap], directory()), ledger, latencies)
}

pub(super) fn memory() -> MemoryStore {
    MemoryStore::new(Default::default())
}

/// A head as the conductor makes it.
pub(super) fn head(instrument: InstrumentId, type_id: TypeId, epoch: u32) -> EventHeader {
    let mut header = EventHeader::internal(type_id, Source::ConductorBook, UnixNanos(1_000), 0);
    (header.instrument, header.epoch) = (instrument.0, epoch);
    if instrument.is_some() {
        header.market = market(instrument) as u8;
    }
    header
}

pub(super) fn trade(instrument: InstrumentId, type_id: TypeId) -> EventBuf {
    let mut buf = EventBuf::default();
    buf.begin(&head(instrument, type_id, 0), &Trade::zeroed());
    buf
}

/// A change of the book with so many bids.
pub(super) fn delta(instrument: InstrumentId, epoch: u32, levels: usize) -> EventBuf {
    let mut buf = EventBuf::default();
    let payload = Depth { bids: levels as u32, ..Depth::zeroed() };
    buf.begin(&head(instrument, builtin::ORDERBOOK_DELTA, epoch), &payload);
    buf.push_levels(&vec![Level { price: 1, quantity: 1 }; levels]);
    buf
}

/// A reference and the book that it refers to, with every change up to `delta_seq`.
pub(super) fn book(instrument: InstrumentId, epoch: u32, delta_seq: u64) -> (EventBuf, EventBuf) {
    let (mut reference, mut book) = (EventBuf::default(), EventBuf::default());
    let head = head(instrument, builtin::ORDERBOOK_SNAPSHOT, epoch);
    reference.begin(&head, &BookReference { delta_seq: delta_seq as i64, ..BookReference::zeroed() });
    book.begin(&head, &Book { delta_seq, bids: 1, ..Book::zeroed() });
    book.push_levels(&[Level { price: 5, quantity: 6 }]);
    (reference, book)
}

pub(super) fn status(instrument: InstrumentId, epoch: u32, change: BookChange) -> EventBuf {
    let mut buf = EventBuf::default();
    buf.begin(
        &head(instrument, builtin::STATUS_BOOK, epoch),
        &BookStatus { change: change as i64, ..BookStatus::zeroed() },
    );
    buf
}

/// A subscription to everything from now on.
pub(super) fn everything(bus: &DataBus) -> Subscription {
    bus.subscribe(&[], Filter::all(), SubscribeOptions::default()).unwrap()
}

/// Copies of all events that there are; no lag is expected.
pub(super) fn events(subscription: &mut Subscription) -> Vec<EventBuf> {
    let mut all = Vec::new();
    subscription.poll(usize::MAX, |delivery| {
        let Delivery::Event(event) = delivery else { panic!("{delivery:?}") };
        let mut copy = EventBuf::default();
        copy.copy_from(event);
        all.push(copy);
    });
    all
}
