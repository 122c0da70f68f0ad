//! Streams over connections, connections over io threads: every stream once, every book true, nothing dropped; orders while
//! it runs; raw connections.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use meltica::binance::live::{LiveOptions, StreamForm, StreamOrders};
use meltica::engine::Topology;
use meltica::sim::spec::default_symbols;
use meltica::sim::venue::{Venue, VenueFault, Whom};
use meltica::telemetry::Counter;

use crate::rig::{Rig, options_for, venue};

const TOPICS: [&str; 3] = ["depth@100ms", "trade", "bookTicker"];

fn three_streams(symbol: &str) -> Vec<String> {
    TOPICS.iter().map(|topic| format!("{}@{topic}", symbol.to_lowercase())).collect()
}

fn options(venue: &Venue, change: impl FnOnce(&mut LiveOptions)) -> LiveOptions {
    let mut options = options_for(venue);
    options.streams = Arc::new(three_streams);
    change(&mut options);
    options
}

/// Every name that some connection of the venue's has, in order; one that two have stands twice.
fn subscribed(venue: &Venue) -> Vec<String> {
    let mut names: Vec<_> = venue.stats().sessions.into_iter().flat_map(|session| session.streams).collect();
    names.sort();
    names
}

/// The three streams of the venue's first symbols.
fn wanted(symbols: usize) -> Vec<String> {
    let mut names: Vec<_> = default_symbols(symbols).iter().flat_map(|spec| three_streams(&spec.symbol)).collect();
    names.sort();
    names
}

/// The ids of all connections that came.
fn connection_ids(rig: &Rig) -> BTreeSet<u64> {
    rig.connections.iter().map(|event| event["connection"].as_u64().unwrap()).collect()
}

#[test]
fn two_hundred_symbols_over_two_io_threads_are_true_and_nothing_is_dropped() {
    let venue = venue(|options| {
        options.exchange.symbols = default_symbols(200);
        options.exchange.symbols.iter_mut().for_each(|spec| spec.activity_permille = 1_000);
        options.frames_per_second = Some(1_500);
    });
    let options = options(&venue, |options| {
        (options.io_threads, options.connections) = (2, 3);
        // Books of so many symbols within one minute's weight, and time for a machine that does much else.
        (options.depth_limit, options.times.stall) = (100, Duration::from_secs(20));
    });
    let mut rig = Rig::on(Topology::Lean, 2, &options, Some(venue.oracle()));
    rig.until_good(200);
    assert_eq!(subscribed(&venue), wanted(200), "each stream once, over all connections");
    let stats = venue.stats();
    assert_eq!(stats.sessions.len(), 3);
    assert!(stats.sessions.iter().all(|session| session.streams.len() >= 3 * 66), "evenly: {:?}", stats.sessions);
    assert!(!stats.exceeded.any(), "{:?}", stats.exceeded);
    assert_eq!(stats.slow_readers, 0);
    assert_eq!(connection_ids(&rig).len(), 3, "ids are the connections' own: {:?}", rig.connections);
    assert_eq!(rig.checker.gaps, 0);
    for ids in rig.trades.values() {
        assert!(ids.windows(2).all(|w| w[1] == w[0] + 1), "trades are all there, once each: {ids:?}");
    }
    let ledger = rig.engine.ledger().clone();
    let report = rig.finish();
    assert_eq!((report.books.len(), report.agents.len()), (200, Topology::Lean.threads(2, 2)));
    for counter in [Counter::RingFull, Counter::BookFramesLost, Counter::FramesMalformed, Counter::SnapshotsUnserved] {
        assert_eq!(ledger.total(counter), 0, "{counter:?}");
    }
}

#[test]
fn io_threads_lose_their_connections_and_come_back_without_doubling_a_stream() {
    let venue = venue(|_| {});
    let options = options(&venue, |options| (options.io_threads, options.connections) = (2, 4));
    let mut rig = Rig::on(Topology::Stepped, 1, &options, Some(venue.oracle()));
    rig.until_good(4);
    let cut = |whom: Whom| VenueFault::Cut { whom };
    for fault in [cut(Whom { one: true, ..Whom::default() }), cut(Whom::default())] {
        let before = rig.connections.len();
        venue.inject(fault);
        rig.until("a connection ends", |rig| rig.changes()[before..].iter().any(|(up, _)| !up));
        rig.until("all are open", |rig| {
            let up = rig.changes().iter().filter(|(up, _)| *up).count();
            2 * up - rig.connections.len() == 4
        });
        rig.until_good(4);
        assert_eq!(subscribed(&venue), wanted(4));
    }
    let ups = rig.changes().iter().filter(|(up, _)| *up).count();
    assert_eq!(connection_ids(&rig).len(), ups, "no id is given twice: {:?}", rig.connections);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

fn ordered(rig: &mut Rig, give: impl FnOnce(&StreamOrders)) {
    give(&rig.orders.clone());
}

#[test]
fn streams_are_ordered_and_let_go_while_it_runs() {
    let venue = venue(|_| {});
    let options = options(&venue, |options| (options.io_threads, options.connections) = (2, 2));
    let mut rig = Rig::on(Topology::Stepped, 1, &options, Some(venue.oracle()));
    rig.until_good(4);
    let more = ["btcusdt@aggTrade".to_owned(), "ethusdt@aggTrade".to_owned(), "btcusdt@trade".to_owned()];
    let mut token = None;
    ordered(&mut rig, |orders| token = Some(orders.want(&more).unwrap()));
    let token = token.unwrap();
    rig.until("the io threads have heard", |rig| rig.orders.is_heard(token));
    let expected = {
        let mut names = wanted(4);
        names.extend_from_slice(&more[..2]);
        names.sort();
        names
    };
    rig.until("the venue has them", |_| subscribed(&venue) == expected);
    ordered(&mut rig, |orders| {
        orders.unwant(&more[..2]).unwrap();
        orders.unwant(&["nobody@trade".to_owned()]).unwrap();
    });
    rig.until("the venue has them no more", |_| subscribed(&venue) == wanted(4));
    rig.until_good(4);
    assert_eq!((venue.stats().websockets, rig.checker.gaps), (2, 0), "no connection was opened for it");
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn raw_connections_carry_a_stream_each_and_books_are_as_true() {
    let venue = venue(|options| options.exchange.symbols.truncate(2));
    let options = options(&venue, |options| {
        (options.io_threads, options.form, options.microseconds) = (2, StreamForm::Raw, true);
        options.times.age = Duration::from_secs(4);
    });
    let mut rig = Rig::on(Topology::Stepped, 1, &options, Some(venue.oracle()));
    rig.until_good(2);
    let stats = venue.stats();
    assert!(stats.sessions.iter().all(|session| session.streams.len() == 1), "{:?}", stats.sessions);
    assert_eq!(stats.messages, 0, "the URL asks for the stream, no message does");
    // Old age, a shutdown that is announced, and one stream less.
    rig.until("all are renewed", |rig| rig.changes().iter().filter(|(up, _)| !up).count() >= 6);
    rig.until_good(2);
    assert_eq!(rig.checker.gaps, 0, "{:?}", rig.changes());
    for ids in rig.trades.values() {
        assert!(ids.windows(2).all(|w| w[1] == w[0] + 1), "no trade lost or doubled: {ids:?}");
    }
    ordered(&mut rig, |orders| {
        orders.unwant(&["btcusdt@trade".to_owned()]).unwrap();
    });
    rig.until("its connection ends", |rig| rig.changes().iter().any(|(_, cause)| cause == "ended: not wanted"));
    rig.until("the venue has the others, once each", |_| {
        let names = subscribed(&venue);
        names.len() == 5 && names.iter().all(|name| name != "btcusdt@trade")
    });
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}
