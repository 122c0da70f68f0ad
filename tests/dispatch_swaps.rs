//! Purpose: ten thousand tables change under a stage that runs: each frame is routed by one whole table, the running
//! stage allocates and frees nothing for it, and every retired table is freed by who publishes.
//! Owns: a counting allocator. Thread: the stage's, and the publisher's. Takes and gives: raw instances in, counts out.
//! Never: shares a process with other tests.

mod dispatch_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use meltica::directory::Directory;
use meltica::dispatch::{DispatchStage, DispatchTable, InstrumentSet, RouteScope, TablePublisher, default_routes};
use meltica::schema::canonical_type::builtin;
use meltica::schema::event::EventRef;
use meltica::schema::id::{InstrumentId, Market, TypeId};
use meltica::schema::instrument::Instrument;
use meltica::schema::raw::{RawBuf, RawRef};
use meltica::schema::stage::{EventSink, RawSink, Stage};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::Ledger;
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

const SWAPS: u32 = 10_000;
const SYMBOLS: [&str; 6] = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT"];
/// The publisher lets the stage take a batch after so many tables.
const TABLES_A_BATCH: u32 = 7;

/// Whether a version's table lets an instrument's frames through as a type: different in every version.
fn lets_through(version: u32, type_id: TypeId, instrument: u32) -> bool {
    let mix = (version.wrapping_mul(2_654_435_761) ^ (u32::from(type_id.0) * 40_503) ^ (instrument * 9_973))
        .wrapping_mul(0x9e37_79b9);
    mix >> 31 == 1
}

fn scope(version: u32, type_id: TypeId) -> RouteScope {
    let ids = (0..SYMBOLS.len() as u32).filter(|n| lets_through(version, type_id, *n));
    let frames: InstrumentSet = ids.map(InstrumentId).collect();
    RouteScope { bodies: frames.clone(), frames }
}

/// Holds each event to the table of the version that it carries.
#[derive(Default)]
struct Judge {
    events: u64,
}

impl Stage for Judge {
    fn ready(&mut self, _: usize, _: usize) -> bool {
        true
    }

    fn work(&mut self) -> usize {
        0
    }

    fn advance(&mut self, _: UnixNanos) {}

    fn finish(&mut self) {}
}

impl EventSink for Judge {
    fn take_event(&mut self, event: EventRef<'_>) {
        let header = event.header();
        assert!(lets_through(header.dispatch_version, header.type_id(), header.instrument));
        self.events += 1;
    }
}

#[test]
fn ten_thousand_tables_change_under_a_running_stage() {
    let directory = Arc::new(Directory::default());
    let mut records: Vec<(TypeId, u32, Vec<u64>)> = Vec::new();
    let mut buf = RawBuf::default();
    for (symbol, n) in SYMBOLS.iter().zip(0..) {
        let id = directory.admit(Instrument::from_symbol(Market::BinanceSpot, symbol)).unwrap();
        assert_eq!(id, InstrumentId(n));
        let payloads = [
            (builtin::TRADE, "x@trade", json!({"E":1,"s":symbol,"t":10,"p":"2.50","q":"0.002","T":1,"m":true})),
            (builtin::TICKER_BOOK, "x@bookTicker", json!({"u":1,"s":symbol,"b":"1","B":"1","a":"2","A":"1"})),
        ];
        for (type_id, stream, payload) in payloads {
            let topic = dispatch_support::topic(stream);
            let raw = dispatch_support::raw(&mut buf, Market::BinanceSpot, topic, id, &payload);
            let mut words = vec![0; raw.words()];
            raw.copy_to(&mut words);
            records.push((type_id, n, words));
        }
    }
    let all = DispatchTable::compile(0, &default_routes(), &directory).unwrap();
    let mut publisher = TablePublisher::new(all.narrowed(1, |type_id| scope(1, type_id)));
    let counts = Ledger::default().sheet("dispatch");
    let mut stage = DispatchStage::new(publisher.shared(), Arc::clone(&directory), counts, Judge::default());
    let (done, batches) = (AtomicBool::new(false), AtomicU64::new(0));
    let (versions, events, calls) = std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let run = |stage: &mut DispatchStage<Judge>| {
                for (type_id, instrument, words) in &records {
                    let raw = RawRef::from_words(words).unwrap();
                    assert!(stage.ready(1, raw.words()));
                    let (version, before) = (stage.table_version(), stage.next().events);
                    stage.take_raw(raw);
                    let expected = u64::from(lets_through(version, *type_id, *instrument));
                    assert_eq!(stage.next().events - before, expected, "version {version}");
                }
                // Relaxed: a count that carries no data.
                batches.fetch_add(1, Ordering::Relaxed);
            };
            run(&mut stage);
            let before = CALLS.with(Cell::get);
            let (mut versions, mut last) = (0u64, 0);
            // Relaxed: the tables order themselves.
            while !done.load(Ordering::Relaxed) {
                run(&mut stage);
                versions += u64::from(stage.table_version() != last);
                last = stage.table_version();
            }
            run(&mut stage);
            assert_eq!(stage.table_version(), SWAPS + 1, "the last table is in force");
            (versions, stage.next().events, CALLS.with(Cell::get) - before)
        });
        for version in 2..=SWAPS + 1 {
            publisher.publish(all.narrowed(version, |type_id| scope(version, type_id)));
            if version % TABLES_A_BATCH == 0 {
                let seen = batches.load(Ordering::Relaxed);
                while batches.load(Ordering::Relaxed) == seen && !reader.is_finished() {
                    std::thread::yield_now();
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert_eq!(calls, 0, "calls of the allocator on the stage's thread");
    assert!(versions >= u64::from(SWAPS / TABLES_A_BATCH / 2) && events > 0, "{versions} versions, {events} events");
    assert_eq!(publisher.reclaim(), 0, "all retired tables are freed by the publisher");
}
