//! Purpose: whole books, back-pressure, the throttle, and events that pass as they are, each a short story and what is told.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Rig};
use crate::conductor::ConductorOptions;
use crate::schema::canonical_type::builtin;
use crate::schema::event::EventRef;
use crate::schema::id::{InstrumentId, Source, TypeId};
use crate::schema::payload::{Book, BookReference, BookTicker, Depth, DepthLevels, Trade};
use crate::schema::quality::Quality;
use crate::schema::stage::{EventSink, Stage};
use crate::telemetry::Counter;

#[test]
fn whole_books_on_request_and_on_cadence_carry_the_seq_a_late_joiner_goes_on_from() {
    let options = ConductorOptions { book_interval_ns: 1_000 * MS, ..ConductorOptions::default() };
    let mut rig = Rig::new(options);
    rig.stage.request_book(BTC);
    rig.drain();
    assert!(rig.told().is_empty(), "none without a book");
    rig.live(100);
    rig.diff(100, 101, &[], &[(101, 0)]);
    rig.clear();
    rig.stage.request_book(BTC);
    assert!(!rig.stage.ready(1, 10), "asked-for work comes before the next input");
    rig.drain();
    assert_eq!(rig.told(), ["book 101 Good"]);
    rig.later(1_000 * MS);
    rig.later(1_000 * MS);
    assert_eq!(rig.told().len(), 3);
    let publisher = rig.stage.publisher();
    let record = publisher.books.last().unwrap().clone();
    let event = EventRef::from_words(&record).unwrap();
    let book = event.payload::<Book>().unwrap();
    let (bids, asks) = event.levels();
    assert_eq!((book.update_id, book.delta_seq, bids.len(), asks.len()), (101, 2, 10, 9));
    assert_eq!((bids[0].price, bids[9].price, asks[0].price), (99, 90, 102), "best first");
    assert_eq!((book.flags, book.known_bid, book.known_ask), (3, 90, 110));
    let reference = EventRef::from_words(publisher.events.last().unwrap()).unwrap();
    assert_eq!(reference.payload::<BookReference>().unwrap().delta_seq, 2);
}

#[test]
fn held_diffs_are_released_only_as_far_as_there_is_room_and_inputs_wait_behind_them() {
    let mut rig = Rig::plain();
    for last in 11..=40 {
        rig.diff(last - 1, last, &[], &[]);
    }
    rig.stage.publisher().room = Some(16);
    rig.snapshot(10, &[(49, 1)], &[(60, 1)]);
    assert!(!rig.stage.ready(1, 10));
    let mut rounds = 0;
    while !rig.stage.ready(1, 10) {
        // Room for a single released diff at a time.
        rig.stage.publisher().room = Some(7);
        rig.stage.work();
        rounds += 1;
        assert!(rounds < 100, "work goes on whenever there is room");
    }
    let told = rig.told();
    let deltas = told.iter().filter(|t| t.starts_with("delta")).count();
    assert_eq!((deltas, rig.stage.report(BTC).unwrap().update_id), (30, Some(40)));
    assert!(rounds > 10);
}

#[test]
fn an_input_taken_against_the_protocol_still_comes_in_its_turn() {
    let mut rig = Rig::plain();
    for last in 11..=20 {
        rig.diff(last - 1, last, &[], &[]);
    }
    // Enough for the snapshot, too little to release a diff behind it.
    rig.stage.publisher().room = Some(7);
    rig.snapshot(10, &[(49, 1)], &[(60, 1)]);
    rig.stage.publisher().room = None;
    assert!(!rig.stage.ready(1, 10), "held diffs come first, room or not");
    let header = rig.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, BTC);
    let mut buf = crate::schema::event::EventBuf::default();
    buf.begin(&header, &Depth { previous_id: 20, last_id: 21, ..Depth::zeroed() });
    rig.stage.take_event(buf.read());
    buf.begin(&header, &crate::schema::payload::Lost::zeroed());
    rig.stage.take_event(buf.read());
    rig.drain();
    let told = rig.told();
    assert_eq!(told.last().unwrap(), "GapOpen LostFrame Good>Gap", "{told:?}");
    assert_eq!(rig.stage.report(BTC).unwrap().update_id, Some(21));
}

#[test]
fn states_conflate_before_they_get_a_seq_and_go_out_before_a_status() {
    let throttle = vec![(builtin::ANALYTICS_FUSED, 100 * MS), (builtin::ORDERBOOK_DELTA, 100 * MS)];
    let mut rig = Rig::new(ConductorOptions { throttle, ..ConductorOptions::default() });
    rig.live(100);
    for last in 101..=103 {
        rig.diff(last - 1, last, &[], &[]);
    }
    assert_eq!(rig.told(), ["delta 101 Good", "delta 102 Good", "delta 103 Good"], "deltas never conflate");
    rig.diff(105, 106, &[], &[]);
    assert_eq!(rig.told()[3..], ["fused 103 Good", "GapOpen MissingDiff Good>Gap"]);
    let words = rig.stage.publisher().events[3].clone();
    let header = *EventRef::from_words(&words).unwrap().header();
    assert_eq!((header.conflated, header.seq, header.flags & 4), (3, 2, 4));
    assert_eq!(rig.count(Counter::Conflated), 2);
}

#[test]
fn what_the_throttle_holds_goes_out_at_the_end() {
    let mut rig =
        Rig::new(ConductorOptions { throttle: vec![(builtin::TICKER_BOOK, 100 * MS)], ..ConductorOptions::default() });
    for id in 1..=4 {
        rig.ticker(id, (1, 1), (2, 1));
    }
    assert_eq!(rig.told(), ["ticker 1"]);
    rig.stage.finish();
    assert_eq!(rig.told(), ["ticker 1", "ticker 4"]);
}

#[test]
fn other_events_pass_as_they_are_and_trades_reach_the_analytics() {
    let mut rig = Rig::plain();
    rig.live(100);
    let mut trade = Trade::zeroed();
    trade.set_price(crate::schema::decimal::Decimal::new(995, 1));
    trade.set_quantity(crate::schema::decimal::Decimal::new(2, 0));
    let mut header = rig.head(builtin::TRADE, Source::WsTrade, BTC);
    header.venue_id = 77;
    rig.made(header, &trade, &[]);
    let custom = rig.head(TypeId(70), Source::WsDepth, BTC);
    rig.made(custom, &Depth { previous_id: 5, last_id: 900, ..Depth::zeroed() }, &[]);
    rig.diff(100, 101, &[], &[]);
    assert_eq!(rig.told(), ["Trade None", "delta -1 None", "delta 101 Good", "fused 101 Good"]);
    let words = rig.stage.publisher().events[3].clone();
    let event = EventRef::from_words(&words).unwrap();
    let fused = event.payload::<crate::schema::payload::Fused>().unwrap();
    assert_eq!((fused.last_trade_id, fused.last_price().unwrap().to_string()), (77, "99.5".to_owned()));
    let header = event.header();
    assert_eq!((header.latency_ns, header.trace, header.venue_id, header.epoch), (5, [1, 7], 101, 1));
}

#[test]
fn a_polls_repeat_of_a_streamed_event_is_dropped() {
    let mut rig = Rig::plain();
    rig.ticker(10, (1, 1), (2, 1));
    let mut header = rig.head(builtin::TICKER_BOOK, Source::RestPoll, BTC);
    for (id, told) in [(10, 1), (11, 2)] {
        header.venue_id = id;
        rig.made(header, &BookTicker::zeroed(), &[]);
        assert_eq!(rig.told().len(), told);
    }
    assert_eq!(rig.count(Counter::PollDuplicate), 1);
}

#[test]
fn instruments_do_not_touch_each_other() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(105, 106, &[], &[]);
    let mut header = rig.head(builtin::ORDERBOOK_SNAPSHOT, Source::RestDepth, InstrumentId(9));
    header.venue_id = 1;
    rig.made(header, &DepthLevels(Depth { last_id: 1, ..Depth::zeroed() }), &[]);
    assert_eq!(rig.quality(), Quality::Gap);
    assert_eq!(rig.stage.quality(InstrumentId(9)), Some(Quality::Syncing));
    let counts = rig.stage.qualities();
    assert_eq!((counts.total(), counts.of(Quality::Gap), counts.of(Quality::Syncing)), (2, 1, 1));
    assert_eq!(rig.stage.reports().len(), 2);
}
