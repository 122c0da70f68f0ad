//! Publishing and polling allocate nothing once every key has been met: counted on the calling thread by the allocator
//! itself (invariant 29).

#[path = "support/allocations.rs"]
mod allocations;

use std::sync::Arc;

use bytemuck::Zeroable;
use meltica::bus::data::{
    BookJoin, BookRequests, BookUpdate, Bus, DataBus, Delivery, Filter, Guarantee, Sequencer, SequencerOptions,
    SubscribeOptions,
};
use meltica::config::route::FilterOp;
use meltica::directory::Directory;
use meltica::ring::broadcast::channel;
use meltica::schema::canonical_type::builtin;
use meltica::schema::event::{EventBuf, EventHeader};
use meltica::schema::id::{InstrumentId, Market, Source, TypeId};
use meltica::schema::instrument::Instrument;
use meltica::schema::latency::Hop;
use meltica::schema::payload::{Book, BookReference, Depth, Fused, Trade};
use meltica::schema::raw::Level;
use meltica::schema::stage::Publish;
use meltica::schema::time::UnixNanos;
use meltica::snapshot::{MemoryStore, StoreOptions};
use meltica::telemetry::{CYCLE_OVER, Clock, Latencies, Ledger};

fn allocations_of(work: impl FnOnce()) -> u64 {
    let before = allocations::made();
    work();
    allocations::made() - before
}

const INSTRUMENTS: u32 = 5;
/// The largest diff of the captures has 1,226 levels.
const LEVELS: usize = 1_226;

/// A conductor's output for a number of diffs, written into the same buffers again and again.
struct Conductor {
    sequencer: Sequencer<MemoryStore>,
    event: EventBuf,
    book: EventBuf,
    levels: Vec<Level>,
}

impl Conductor {
    fn head(instrument: u32, type_id: TypeId) -> EventHeader {
        let mut header = EventHeader::internal(type_id, Source::ConductorBook, UnixNanos(0), 0);
        (header.instrument, header.market) = (instrument, 1);
        header
    }

    fn round(&mut self) {
        for instrument in 0..INSTRUMENTS {
            assert!(self.sequencer.room_for(5, 4 * LEVELS));
            let head = |type_id| Conductor::head(instrument, type_id);
            self.event.begin(&head(builtin::ORDERBOOK_DELTA), &Depth { bids: LEVELS as u32, ..Depth::zeroed() });
            self.event.push_levels(&self.levels);
            let delta_seq = self.sequencer.publish(&mut self.event);
            self.event.begin(&head(builtin::ANALYTICS_FUSED), &Fused::zeroed());
            self.sequencer.publish_stored(&mut self.event);
            self.event.begin(&head(builtin::TRADE), &Trade::zeroed());
            self.sequencer.publish(&mut self.event);
            let book = Book { delta_seq, bids: LEVELS as u32, ..Book::zeroed() };
            self.book.begin(&head(builtin::ORDERBOOK_SNAPSHOT), &book);
            self.book.push_levels(&self.levels);
            self.event.begin(&head(builtin::ORDERBOOK_SNAPSHOT), &BookReference::zeroed());
            self.sequencer.publish_book(&mut self.event, &mut self.book);
        }
        let head = EventHeader::internal(builtin::STATUS_CONNECTION, Source::Connection, UnixNanos(0), 0);
        self.event.begin(&head, &Trade::zeroed());
        self.sequencer.publish(&mut self.event);
    }
}

#[test]
fn publishing_and_polling_allocate_nothing_after_warm_up() {
    let directory = Directory::default();
    for base in ["BTC", "ETH", "BNB", "XRP", "ADA"] {
        directory.admit(Instrument::from_symbol(Market::BinanceSpot, &format!("{base}USDT"))).unwrap();
    }
    let (ring, tap) = channel(1 << 16).unwrap();
    let store = MemoryStore::new(StoreOptions::default());
    let ledger = Ledger::default();
    let options = SequencerOptions { event_words_max: 1 << 13, ..SequencerOptions::default() };
    let clock = Clock::default();
    let latencies = Latencies::new(clock.clone(), CYCLE_OVER);
    let sequencer = Sequencer::new(ring, store.clone(), clock.clone(), ledger.sheet("sequencer"), options).unwrap();
    let sequencer = sequencer.measured(&latencies);
    let bus = DataBus::new(vec![tap], Arc::new(directory));
    let requests = BookRequests::new(4);
    let (event, book, levels) =
        (EventBuf::default(), EventBuf::default(), vec![Level { price: 1, quantity: 2 }; LEVELS]);
    let mut conductor = Conductor { sequencer, event, book, levels };

    let filter = Filter::all().and("instrument", FilterOp::In, &serde_json::json!(["BTC-USDT", "XRP-USDT"])).unwrap();
    let filter = filter.and("price", FilterOp::Neq, &serde_json::json!("1.5")).unwrap();
    let mut filtered = bus.subscribe(&[builtin::TRADE, builtin::ORDERBOOK_DELTA], filter, Default::default()).unwrap();
    let mut lossless = bus.subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    let mut lapped = bus.subscribe(&[], Filter::all(), SubscribeOptions::default()).unwrap();
    let mut join = BookJoin::new(&bus, store, requests.clone(), InstrumentId(3), Guarantee::Lossy).unwrap();

    let (mut events, mut lags, mut deltas, mut snapshots, mut words) = (0, 0, 0, 0, 0);
    let mut round = |lap: bool| {
        conductor.round();
        while requests.take().is_some() {}
        for subscription in [&mut filtered, &mut lossless] {
            subscription.poll(usize::MAX, |delivery| {
                let Delivery::Event(event) = delivery else { panic!("{delivery:?}") };
                (events, words) = (events + 1, words + event.words().len());
            });
        }
        join.poll(usize::MAX, |update| match update {
            BookUpdate::Delta(_) => deltas += 1,
            BookUpdate::Snapshot(_) => snapshots += 1,
            other => panic!("{other:?}"),
        });
        if lap {
            lapped.poll(usize::MAX, |delivery| lags += usize::from(matches!(delivery, Delivery::Lag(_))));
        }
    };
    (0..20).for_each(|n| round(n % 10 == 9));
    // The sequencer swaps its histograms within what is counted.
    latencies.collect();
    let allocations = allocations_of(|| (0..200).for_each(|n| round(n % 10 == 9)));
    assert_eq!(allocations, 0);
    assert!((events, snapshots, deltas) == (220 * 25, 1, 219), "{events} {snapshots} {deltas}");
    assert!(lags >= 20, "{lags}");
    assert_eq!(allocations_of(|| drop(std::hint::black_box(Box::new(1_u64)))), 1, "the count sees an allocation");
    let recorded = latencies.summaries(Hop::ReadToPublished)[0].count;
    assert!(recorded > 0, "the swap was made");
}
