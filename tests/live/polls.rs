//! Route polls and the background: what streams do not bring, and what keeps good books good, within the weight to spare.

use std::collections::BTreeMap;
use std::sync::Arc;

use meltica::binance::live::{LiveOptions, PollSpec};
use meltica::conductor::ConductorOptions;
use meltica::config::route::RouteConfig;
use meltica::directory::Directory;
use meltica::dispatch::{DispatchTable, Parser, default_routes};
use meltica::engine::{EngineOptions, Topology};
use meltica::schema::id::Market;
use meltica::sim::spec::default_symbols;
use meltica::sim::venue::Venue;
use meltica::telemetry::Counter;

use crate::rig::{Rig, options_for, venue};

/// The shipped routes, and these.
pub(crate) fn own_routes(yaml: &str) -> BTreeMap<String, RouteConfig> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("routes: {yaml}")).unwrap();
    let own = meltica::config::load(Some(file.path()), std::iter::empty()).unwrap().config.routes.unwrap();
    default_routes().into_iter().chain(own).collect()
}

/// Options and engine for these routes, as `meltica run` makes them.
fn rig(venue: &Venue, yaml: &str) -> Rig {
    let routes = own_routes(yaml);
    let table = DispatchTable::compile(1, &routes, &Directory::default()).unwrap();
    let polls = poll_specs(&routes);
    let streams = Arc::new(move |symbol: &str| table.topics_for(Market::BinanceSpot, symbol));
    let options = LiveOptions { polls, streams, ..options_for(venue) };
    let engine = EngineOptions { topology: Some(Topology::Stepped), live: true, ..EngineOptions::default() };
    Rig::made(&options, engine, &routes, Some(venue.oracle()))
}

/// The polls of these routes that the REST thread times.
pub(crate) fn poll_specs(routes: &BTreeMap<String, RouteConfig>) -> Vec<PollSpec> {
    let table = DispatchTable::compile(1, routes, &Directory::default()).unwrap();
    let spec = |fun: &meltica::dispatch::RestFn| match fun.parser {
        Parser::Stream(kind) => {
            let (name, endpoint, interval) = (fun.name.clone(), fun.endpoint.clone(), fun.interval);
            Some(PollSpec { name, endpoint, interval, kind })
        }
        _ => None,
    };
    table.rest_fns().filter_map(|(_, fun)| spec(fun)).collect()
}

#[test]
fn every_kind_of_poll_feeds_its_route_and_what_a_stream_delivered_comes_once() {
    let venue = venue(|_| {});
    let yaml = r#"{
        TRADE: { topics: ["{symbol}@trade"], unknown_fields: drop,
            rest: [{ name: trades, endpoint: "/api/v3/trades?symbol={symbol}&limit=20", interval: 5s, parser: trade }] },
        OWN.AGGREGATE: { unknown_fields: drop,
            rest: [{ name: agg, endpoint: "/api/v3/aggTrades?symbol={symbol}&limit=5", interval: 2s, parser: agg_trade }] },
        OWN.CANDLE: { unknown_fields: drop,
            rest: [{ name: candles, endpoint: "/api/v3/klines?symbol={symbol}&interval=1m&limit=2", interval: 2s, parser: kline }] },
        OWN.AVERAGE: { unknown_fields: drop,
            rest: [{ name: average, endpoint: "/api/v3/avgPrice?symbol={symbol}", interval: 2s, parser: avg_price }] },
        OWN.DAY: { unknown_fields: drop,
            rest: [{ name: day, endpoint: /api/v3/ticker/24hr, interval: 5s, parser: ticker }] },
        OWN.MINI: { unknown_fields: drop,
            rest: [{ name: mini, endpoint: "/api/v3/ticker/24hr?type=MINI", interval: 5s, parser: mini_ticker }] },
        OWN.TOP: { unknown_fields: drop,
            rest: [{ name: top, endpoint: /api/v3/ticker/bookTicker, interval: 1s, parser: book_ticker }] },
        OWN.LAST: { unknown_fields: drop,
            rest: [{ name: last, endpoint: /api/v3/ticker/price, interval: 1s, parser: reference_price }] } }"#;
    let mut rig = rig(&venue, yaml);
    rig.until_good(4);
    let own = ["OWN.AGGREGATE", "OWN.CANDLE", "OWN.AVERAGE", "OWN.DAY", "OWN.MINI", "OWN.TOP", "OWN.LAST"];
    rig.until("every poll has brought something of every symbol", |rig| {
        let ids: Vec<_> = rig.quality.keys().copied().collect();
        own.iter().all(|name| ids.iter().all(|id| rig.polled.contains_key(&((*name).to_owned(), *id))))
    });
    rig.until("a poll repeats what a stream brought", |rig| rig.count(Counter::PollDuplicate) > 100);
    for (id, ids) in &rig.trades {
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), ids.len(), "{id:?}: a trade comes once, whoever brings it: {ids:?}");
    }
    rig.until_good(4);
    assert_eq!(rig.count(Counter::FramesMalformed), 0);
    assert_eq!((rig.checker.gaps, rig.count(Counter::RestFailed)), (0, 0), "{:?}", rig.notes);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn polls_that_weigh_too_much_are_missed_counted_and_told_and_books_do_not_wait_for_them() {
    // 600 a minute, of which 480 are ours and 360 can be spared: less than an eighth of what is asked for.
    let venue = venue(|options| options.limits.weight_max = 600);
    let yaml = r#"{ OWN.TRADE: { unknown_fields: drop,
        rest: [{ name: trades, endpoint: "/api/v3/trades?symbol={symbol}&limit=5", interval: 2s, parser: trade }] } }"#;
    let mut rig = rig(&venue, yaml);
    rig.until_good(4);
    rig.until("some are missed", |rig| rig.count(Counter::PollsMissed) > 0);
    assert!(rig.notes.iter().any(|n| n.contains("lengthen their intervals")), "{:?}", rig.notes);
    let view = rig.board.view().rest.unwrap();
    assert!(view.weight_used <= view.weight_max, "{view:?}");
    rig.until_good(4);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn good_books_are_held_against_fresh_snapshots_while_they_go_on() {
    let venue = venue(|_| {});
    let conductor = ConductorOptions { refresh_ns: [300_000_000; 2], ..ConductorOptions::default() };
    let mut rig = Rig::conducted(&options_for(&venue), conductor, &venue);
    rig.until_good(4);
    rig.until("audits agree", |rig| rig.count(Counter::AuditsAgreed) >= 12);
    assert_eq!((rig.count(Counter::AuditsDisagreed), rig.checker.gaps), (0, 0));
    assert_eq!(rig.count(Counter::Resets), 0, "no book is replaced");
    rig.until_good(4);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn books_seeded_shallow_are_deepened_when_weight_is_to_spare() {
    let venue = venue(|options| {
        options.exchange.symbols = default_symbols(12);
        options.frames_per_second = Some(300);
        options.limits.weight_max = 400;
    });
    let conductor = ConductorOptions {
        snapshot_levels: 1_000,
        deepen_after_ns: 300_000_000,
        refresh_ns: [0; 2],
        ..ConductorOptions::default()
    };
    let mut rig = Rig::conducted(&options_for(&venue), conductor, &venue);
    rig.until_good(12);
    rig.until("one is deepened", |rig| rig.count(Counter::AuditsAgreed) >= 1);
    assert_eq!((rig.count(Counter::AuditsDisagreed), rig.count(Counter::Resets)), (0, 0));
    rig.until_good(12);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}
