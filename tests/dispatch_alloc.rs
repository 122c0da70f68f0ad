//! Purpose: after warm-up the dispatch stage allocates and frees nothing, whatever kind comes, also across a new table
//! and with unknown fields (faults.md, invariant 29).
//! Owns: a counting allocator. Thread: one. Takes and gives: raw instances in, counts out. Never: shares a process with other tests.

mod dispatch_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use meltica::directory::Directory;
use meltica::dispatch::{DispatchStage, DispatchTable, TablePublisher, default_routes};
use meltica::schema::event::EventRef;
use meltica::schema::id::Market;
use meltica::schema::instrument::Instrument;
use meltica::schema::raw::{RawBuf, RawRef, Side};
use meltica::schema::stage::{EventSink, RawSink, Stage};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::{Counter, Ledger};
use serde_json::json;

struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator unchanged; counting touches a thread-local that needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.with(|c| c.set(c.get() + 1));
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.with(|c| c.set(c.get() + 1));
        // SAFETY: the pointer came from `alloc` above, hence from the system allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts what it takes.
#[derive(Default)]
struct Tally {
    events: u64,
    words: usize,
}

impl Stage for Tally {
    fn ready(&mut self, _: usize, _: usize) -> bool {
        true
    }

    fn work(&mut self) -> usize {
        0
    }

    fn advance(&mut self, _: UnixNanos) {}

    fn finish(&mut self) {}
}

impl EventSink for Tally {
    fn take_event(&mut self, event: EventRef<'_>) {
        self.events += 1;
        self.words += event.words().len();
    }
}

#[test]
fn the_data_path_neither_allocates_nor_frees_after_warm_up() {
    let directory = Arc::new(Directory::default());
    let id = directory.admit(Instrument::from_symbol(Market::BinanceSpot, "BTCUSDT")).unwrap();
    let mut routes = default_routes();
    routes.extend(dispatch_support::routes(
        "{ MY.BTC: { topics: ['btcusdt@trade'], filters: [{ field: p, op: in, value: [1, 2.5] },
            { field: s, op: prefix, value: BTC }], unknown_fields: drop }, STRICT: { topics: ['{symbol}@trade'] } }",
    ));
    let compile = |version| DispatchTable::compile(version, &routes, &directory).unwrap();
    let mut publisher = TablePublisher::new(compile(1));
    let ledger = Ledger::default();
    let counts = ledger.sheet("dispatch");
    let mut stage = DispatchStage::new(publisher.shared(), Arc::clone(&directory), counts, Tally::default());

    let payloads = [
        (
            "btcusdt@trade",
            json!({"E":1,"s":"BTCUSDT","t":10,"p":"2.50","q":"0.002","T":1,"m":true,"new":1,"e":"trade"}),
        ),
        ("btcusdt@bookTicker", json!({"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"})),
        ("btcusdt@depth20", json!({"lastUpdateId":1,"bids":[["1","2"]],"asks":[]})),
        ("btcusdt@depth", json!({"E":1,"s":"BTCUSDT","U":9,"u":6,"b":[],"a":[]})),
        ("btcusdt@avgPrice", json!({"e":"avgPrice","E":1,"s":"BTCUSDT","i":"5m","w":"2","T":1})),
        ("btcusdt@kline_5m", json!({"e":"kline"})),
    ];
    let mut records: Vec<Vec<u64>> = Vec::new();
    let mut buf = RawBuf::default();
    let mut keep = |raw: RawRef<'_>| {
        let mut words = vec![0; raw.words()];
        raw.copy_to(&mut words);
        records.push(words);
    };
    for (stream, payload) in &payloads {
        let topic = dispatch_support::topic(stream);
        keep(dispatch_support::raw(&mut buf, Market::BinanceSpot, topic, id, payload));
    }
    // A diff as large as the largest of the captures.
    let diff = json!({"E":1,"s":"BTCUSDT","U":5,"u":6});
    dispatch_support::fill(&mut buf, Market::BinanceSpot, dispatch_support::topic("btcusdt@depth"), id, &diff);
    for n in 0..1_226 {
        buf.push_level(Side::Bid, meltica::schema::decimal::Decimal::whole(n), "0.5".parse().unwrap()).unwrap();
    }
    keep(buf.finish().unwrap());

    let run = |stage: &mut DispatchStage<Tally>| {
        for words in &records {
            let raw = RawRef::from_words(words).unwrap();
            assert!(stage.ready(1, raw.words()));
            stage.advance(UnixNanos(1));
            stage.take_raw(raw);
            stage.work();
        }
    };
    run(&mut stage);
    let (events, unknown) = (stage.next().events, ledger.total(Counter::UnknownFields));
    assert_eq!(events, 7, "TRADE, MY.BTC, a ticker, levels, a loss, an average and the large diff");
    publisher.publish(compile(2));

    let before = CALLS.with(Cell::get);
    for _ in 0..100 {
        run(&mut stage);
    }
    assert_eq!(CALLS.with(Cell::get) - before, 0, "calls of the allocator in the data path");

    assert_eq!(stage.table_version(), 2);
    assert_eq!(stage.next().events, 101 * events);
    assert_eq!(ledger.total(Counter::UnknownFields), 101 * unknown);
    assert!(unknown > 0 && ledger.total(Counter::RefusedUnknownField) > 0, "refusals are part of the path");
    assert!(stage.next().words > 101 * 2_452);
}
