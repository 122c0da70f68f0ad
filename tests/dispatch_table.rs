//! Purpose: tables: what a bad configuration is told, what a good one asks of the venue, how a new one is taken up.
//! Owns: nothing. Thread: a test's. Takes and gives: YAML in, faults, topics and events out. Never: needs a capture.

mod dispatch_support;

use std::collections::BTreeMap;

use dispatch_support::{Bench, fill, routes, topic};
use meltica::config::route::UnknownFields;
use meltica::directory::Directory;
use meltica::dispatch::{DispatchTable, Parser, default_routes, expected_payload};
use meltica::schema::canonical_type::{CanonicalType, builtin};
use meltica::schema::id::Market;
use meltica::schema::raw::{RawBuf, mark};
use meltica::schema::stage::{RawSink, Stage};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::Counter;
use serde_json::{Value, json};

const TRADE: &str = r#"{"E":1,"s":"BTCUSDT","t":10,"p":"1.50","q":"0.002","T":1,"m":true}"#;

/// The faults of a configuration, as `path: message`.
fn faults(yaml: &str) -> Vec<String> {
    match DispatchTable::compile(1, &routes(yaml), &Directory::default()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// configuration → the path of its one fault, and what the message must say
#[test]
fn each_fault_names_its_place_what_was_found_and_what_is_allowed() {
    let depth = "endpoint: '/api/v3/depth?symbol={symbol}', interval: 0s, parser: depth";
    let polled = |route: &str, endpoint: &str, parser: &str| {
        format!("{route}: {{ rest: [{{ name: a, endpoint: '{endpoint}', interval: 5s, parser: {parser} }}] }}")
    };
    let snapshot = |rest: &str| format!("ORDERBOOK.SNAPSHOT: {{ rest: [{{ {rest} }}] }}");
    let trade = |more: &str| format!("trade: {{ topics: ['{{symbol}}@trade'], {more} }}");
    let filter = |filter: &str| trade(&format!("filters: [{{ {filter} }}]"));
    let delta = |more: &str| format!("ORDERBOOK.DELTA: {{ topics: ['{{symbol}}@depth'], {more} }}");
    let many: String = (0..9).map(|n| format!("T{n}: {{ topics: ['{{symbol}}@trade'] }}, ")).collect();
    let table = [
        ("A-B: { topics: ['{symbol}@trade'] }".to_owned(), "routes.A-B", "ORDERBOOK.DELTA"),
        ("TRADE: {}".to_owned(), "routes.TRADE", "has no topic"),
        ("MINE: {}".to_owned(), "routes.MINE", "has no topic"),
        ("TRADE: { topics: ['{symbol}@trades'] }".to_owned(), "routes.TRADE.topics.0", "{symbol}@trade"),
        ("TRADE: { topics: ['{symbol}@trade@100ms'] }".to_owned(), "routes.TRADE.topics.0", "no stream"),
        ("TRADE: { topics: ['{sym}@trade'] }".to_owned(), "routes.TRADE.topics.0", "{symbol}"),
        ("TRADE: { topics: ['x{symbol}@trade'] }".to_owned(), "routes.TRADE.topics.0", "no symbol"),
        ("MINE: { topics: ['{symbol}@trade', '{symbol}@depth'] }".to_owned(), "routes.MINE.topics.1", "DepthDiff"),
        ("TRADE: { topics: ['{symbol}@aggTrade'] }".to_owned(), "routes.TRADE.topics.0", "carries Trade"),
        (
            "ORDERBOOK.DELTA: { topics: ['{symbol}@depth5'] }".to_owned(),
            "routes.ORDERBOOK.DELTA.topics.0",
            "DepthLevels",
        ),
        ("KLINE: { topics: ['{symbol}@kline_1m', 'btcusdt@kline_1m'] }".to_owned(), "routes.KLINE.topics.1", "twice"),
        (delta("").replace("depth'", "depth', '{symbol}@depth@100ms'"), "routes.ORDERBOOK.DELTA.topics.1", "twice"),
        ("STATUS.BOOK: { topics: ['{symbol}@trade'] }".to_owned(), "routes.STATUS.BOOK", "made by Meltica"),
        (trade("payload_version: 2"), "routes.trade.payload_version", "version 1"),
        (trade("ignore: ['a..b']"), "routes.trade.ignore.0", "joined by dots"),
        (filter("field: k.x, op: eq, value: 1"), "routes.trade.filters.0.field", "its topics have E, M, T"),
        (filter("field: '', op: eq, value: 1"), "routes.trade.filters.0.field", "no path"),
        (filter("field: 'p[0]', op: eq, value: 1"), "routes.trade.filters.0.field", "array"),
        (filter("field: p.0, op: eq, value: 1"), "routes.trade.filters.0.field", "array"),
        (filter("field: p, op: eq, value: x"), "routes.trade.filters.0.value", "plain decimal"),
        (filter("field: p, op: eq, value: true"), "routes.trade.filters.0.value", "a number"),
        (filter("field: p, op: eq, value: 1e-9"), "routes.trade.filters.0.value", "quotes"),
        (filter("field: p, op: eq, value: 0.12345678901234567"), "routes.trade.filters.0.value", "quotes"),
        (filter("field: p, op: eq, value: '99999999999999999999'"), "routes.trade.filters.0.value", "63 bits"),
        (filter("field: p, op: prefix, value: '1'"), "routes.trade.filters.0.value", "needs a text"),
        (filter("field: X, op: prefix, value: ''"), "routes.trade.filters.0.value", "needs a text"),
        (filter("field: X, op: eq, value: 5"), "routes.trade.filters.0.value", "quotes"),
        (filter("field: X, op: eq, value: [A]"), "routes.trade.filters.0.value", "a list"),
        (filter("field: X, op: eq, value: null"), "routes.trade.filters.0.value", "nothing"),
        (filter("field: X, op: in, value: []"), "routes.trade.filters.0.value", "an empty list"),
        (filter("field: X, op: in, value: A"), "routes.trade.filters.0.value", "`\"A\"`"),
        (filter("field: m, op: eq, value: 'true'"), "routes.trade.filters.0.value", "true or false"),
        (delta("filters: [{ field: b, op: eq, value: 1 }]"), "routes.ORDERBOOK.DELTA.filters.0.field", "levels"),
        (delta("filters: [{ field: u, op: eq, value: 1 }]"), "routes.ORDERBOOK.DELTA.filters.0.field", "gap for ever"),
        (
            snapshot(&format!("name: a, {depth}")).replace("rest:", "filters: [{ field: E, op: eq, value: 1 }], rest:"),
            "routes.ORDERBOOK.SNAPSHOT.filters.0.field",
            "gap for ever",
        ),
        (snapshot(&format!("name: '', {depth}")), "routes.ORDERBOOK.SNAPSHOT.rest.0.name", "empty"),
        (
            snapshot(&format!("name: a, {depth}")).replace("/api", "api"),
            "routes.ORDERBOOK.SNAPSHOT.rest.0.endpoint",
            "/",
        ),
        (
            snapshot(&format!("name: a, {depth}")).replace("/api", "http://x/api"),
            "routes.ORDERBOOK.SNAPSHOT.rest.0.endpoint",
            "https://",
        ),
        (
            snapshot(&format!("name: a, {depth}")).replace("{symbol}", "BTCUSDT"),
            "routes.ORDERBOOK.SNAPSHOT.rest.0.endpoint",
            "one symbol",
        ),
        (
            snapshot(&format!("name: a, {depth}")).replace(": depth }", ": deep }"),
            "routes.ORDERBOOK.SNAPSHOT.rest.0.parser",
            "known are depth",
        ),
        (
            snapshot(&format!("name: a, {depth}")).replace("0s", "1ms"),
            "routes.ORDERBOOK.SNAPSHOT.rest.0.interval",
            "100ms",
        ),
        (
            "PRICE.MARK: { rest: [{ name: a, endpoint: '/fapi/v1/premiumIndex', interval: 0s, parser: mark_price }] }"
                .to_owned(),
            "routes.PRICE.MARK.rest.0.interval",
            "interval",
        ),
        (polled("TICKER", "/api/v3/ticker/bookTicker", "ticker"), "routes.TICKER.rest.0.parser", "by `book_ticker`"),
        (
            polled("TICKER", "/api/v3/ticker/day", "ticker"),
            "routes.TICKER.rest.0.endpoint",
            "no body that Meltica knows",
        ),
        (polled("KLINE", "/api/v3/klines?symbol={symbol}", "kline"), "routes.KLINE.rest.0.endpoint", "interval=1m"),
        (polled("TRADE", "/api/v3/trades?limit=5", "trade"), "routes.TRADE.rest.0.endpoint", "symbol={symbol}"),
        (polled("LIQUIDATION", "/fapi/v1/x", "force_order"), "routes.LIQUIDATION.rest.0.parser", "is no parser"),
        (delta(&format!("rest: [{{ name: a, {depth} }}]")), "routes.ORDERBOOK.DELTA.rest.0.parser", "DepthLevels"),
        (
            snapshot(&format!("name: a, {depth}}}, {{ name: a, {depth}")),
            "routes.ORDERBOOK.SNAPSHOT.rest.1.name",
            "unique",
        ),
        (format!("{{ {} {} }}", "TRADE: { topics: ['{symbol}@trade'] },", trade("")), "routes.trade", "any case"),
        (format!("{{ {many} }}"), "routes.T8", "at most 8"),
    ];
    for (yaml, path, says) in table {
        let found = faults(&yaml);
        let hit = found.iter().any(|f| f.starts_with(&format!("{path}: ")) && f.contains(says));
        assert!(hit, "{yaml}\n  expected {path}: …{says}…\n  found {found:#?}");
        let places: std::collections::BTreeSet<_> = found.iter().map(|f| f.split(": ").next()).collect();
        assert_eq!(places.len(), 1, "one thing is wrong in {yaml}\n  found {found:#?}");
    }
}

#[test]
fn all_faults_are_told_at_once_and_nothing_is_interned() {
    let yaml = "{ NEW.TYPE: { topics: ['{symbol}@trade'] }, 'b d': {}, 
        TRADE: { topics: ['{symbol}@nothing', '{symbol}@trade'], payload_version: 9, filters: [
            { field: Y, op: eq, value: 1 }, { field: p, op: in, value: [1, x] }] },
        ORDERBOOK.SNAPSHOT: { rest: [{ name: a, endpoint: x, interval: 1ns, parser: depth }] } }";
    let directory = Directory::default();
    let faults = DispatchTable::compile(1, &routes(yaml), &directory).unwrap_err();
    let places: Vec<String> = faults.iter().map(|f| f.path.join(".")).collect();
    for place in [
        "routes.b d",
        "routes.TRADE.topics.0",
        "routes.TRADE.payload_version",
        "routes.TRADE.filters.0.field",
        "routes.TRADE.filters.1.value",
        "routes.ORDERBOOK.SNAPSHOT.rest.0.endpoint",
        "routes.ORDERBOOK.SNAPSHOT.rest.0.interval",
    ] {
        assert!(places.iter().any(|p| p == place), "{place} in {places:#?}");
    }
    assert_eq!(directory.find_type(&CanonicalType::parse("NEW.TYPE").unwrap()), None);
}

#[test]
fn the_shipped_routes_serve_every_type_that_the_venue_feeds() {
    let table = DispatchTable::compile(1, &default_routes(), &Directory::default()).unwrap();
    for (id, name) in builtin::ALL {
        let route = table.route(&CanonicalType::parse(name).unwrap());
        assert_eq!(route.map(|r| (r.type_id(), r.payload())), expected_payload(*id).map(|p| (*id, p)), "{name}");
        if let Some(route) = route {
            assert_eq!(route.effective_policy(), UnknownFields::Drop, "{name}");
        }
    }
    assert_eq!(table.fanout(), 1);
    let spot = [
        "btcusdt@kline_1m",
        "btcusdt@depth@100ms",
        "btcusdt@depth20@100ms",
        "btcusdt@avgPrice",
        "btcusdt@referencePrice",
        "btcusdt@ticker",
        "btcusdt@bookTicker",
        "btcusdt@miniTicker",
        "btcusdt@ticker_1h",
        "btcusdt@trade",
        "btcusdt@aggTrade",
        "btcusdt@blockTrade",
    ];
    assert_eq!(table.topics_for(Market::BinanceSpot, "BTCUSDT"), spot);
    let usdm = [
        "btcusdt@kline_1m",
        "btcusdt@forceOrder",
        "btcusdt@depth@100ms",
        "btcusdt@depth20@100ms",
        "btcusdt@markPrice@1s",
        "btcusdt@ticker",
        "btcusdt@bookTicker",
        "btcusdt@miniTicker",
        "btcusdt@trade",
        "btcusdt@aggTrade",
    ];
    assert_eq!(table.topics_for(Market::BinanceUsdm, "BTCUSDT"), usdm);
    let polls: Vec<_> = table.rest_fns().map(|(_, f)| (f.parser, f.market, f.endpoint_for("btcusdt"))).collect();
    let endpoint = |base: &str| format!("{base}/depth?symbol=BTCUSDT&limit=1000");
    assert_eq!(
        polls,
        [
            (Parser::Depth, Some(Market::BinanceSpot), endpoint("/api/v3")),
            (Parser::Depth, Some(Market::BinanceUsdm), endpoint("/fapi/v1")),
        ]
    );
}

#[test]
fn topics_expand_for_the_symbols_and_markets_they_fit() {
    let yaml = "{ A: { topics: ['BTCUSDT@trade', 'ethusdt@trade'] }, TICKER.MINI: { topics: ['!miniTicker@arr'] },
        B: { topics: ['{symbol}@trade'] }, PRICE.MARK: { topics: ['!markPrice@arr@1s'] } }";
    let table = DispatchTable::compile(1, &routes(yaml), &Directory::default()).unwrap();
    assert_eq!(table.topics_for(Market::BinanceSpot, "BTCUSDT"), ["btcusdt@trade"]);
    assert_eq!(table.topics_for(Market::BinanceSpot, "币安人生USDT"), ["币安人生usdt@trade"]);
    assert_eq!(table.whole_market_topics(Market::BinanceSpot), ["!miniTicker@arr"]);
    assert_eq!(table.whole_market_topics(Market::BinanceUsdm), ["!markPrice@arr@1s", "!miniTicker@arr"]);
    let a = table.route(&CanonicalType::parse("a").unwrap()).unwrap();
    assert_eq!(a.config().topics.len(), 2);
    assert!(a.topics_for(Market::BinanceSpot, "BNBUSDT").is_empty());
}

#[test]
fn a_kind_without_a_route_is_counted_and_touches_no_other() {
    let mut bench = Bench::new("{ TRADE: { topics: ['{symbol}@trade'] }, KLINE: { topics: ['{symbol}@kline_1m'] } }");
    let ticker = r#"{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}"#;
    assert!(bench.send("btcusdt@bookTicker", ticker).is_empty());
    assert_eq!(bench.count(Counter::Unrouted), 1);
    // The same kind with other parameters is another topic; another speed is not.
    let kline =
        json!({"E":1,"s":"BTCUSDT","k":{"t":1,"T":2,"s":"BTCUSDT","i":"5m","f":1,"L":1,"o":"1","c":"1","h":"1","l":"1",
        "v":"1","n":1,"x":false,"q":"1","V":"1","Q":"1"}})
        .to_string();
    assert!(bench.send("btcusdt@kline_5m", &kline).is_empty());
    assert_eq!(bench.count(Counter::Unrouted), 2);
    let body = r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#;
    assert!(bench.send("depth-body", body).is_empty(), "no route lists a depth poll");
    assert_eq!(bench.count(Counter::Unrouted), 3);
    let mut buf = RawBuf::default();
    buf.begin(
        &dispatch_support::origin(Market::BinanceSpot, 1),
        meltica::schema::topic::Topic::plain(meltica::schema::topic::StreamKind::Other),
        0,
    );
    buf.push_unknown("a", "1");
    assert!(bench.take(buf.finish().unwrap()).is_empty());
    assert_eq!(bench.count(Counter::Unrouted), 4);
    assert_eq!(bench.send("btcusdt@trade", TRADE).len(), 1);
    assert_eq!((bench.count(Counter::Canonical), bench.count(Counter::RefusedCanonical)), (1, 0));
}

#[test]
fn what_a_poll_brings_goes_to_the_routes_that_list_it() {
    let yaml = "{ TRADE: { topics: ['{symbol}@trade'] }, POLLED: { rest: [
        { name: t, endpoint: '/api/v3/trades?symbol={symbol}', interval: 1s, parser: trade }] } }";
    let mut bench = Bench::new(yaml);
    let events = bench.send("btcusdt@trade", TRADE);
    assert_eq!(events.iter().map(|e| &e["type"]).collect::<Vec<_>>(), ["TRADE"]);
    let mut buf = RawBuf::default();
    let payload: Value = serde_json::from_str(TRADE).unwrap();
    fill(&mut buf, Market::BinanceSpot, topic("btcusdt@trade"), bench.btc, &payload);
    buf.add_marks(mark::POLLED);
    let events = bench.take(buf.finish().unwrap());
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["type"], &events[0]["source"]), (&json!("POLLED"), &json!("binance.rest.poll")));
}

#[test]
fn a_new_table_is_taken_up_between_batches_and_the_old_one_is_freed_by_its_publisher() {
    let mut bench = Bench::new("TRADE: { topics: ['{symbol}@trade'] }");
    let mut buf = RawBuf::default();
    let payload: Value = serde_json::from_str(TRADE).unwrap();
    let raw = dispatch_support::raw(&mut buf, Market::BinanceSpot, topic("btcusdt@trade"), bench.btc, &payload);
    assert!(bench.stage.ready(2, 2 * raw.words()));
    bench.stage.take_raw(raw);
    let next = routes("{ TRADE: { topics: ['{symbol}@trade'] }, OTHER: { topics: ['{symbol}@trade'] } }");
    bench.publisher.publish(DispatchTable::compile(2, &next, &bench.directory).unwrap());
    bench.stage.advance(UnixNanos(1));
    bench.stage.take_raw(raw);
    assert_eq!(bench.stage.table_version(), 1, "a batch is routed by one table");
    assert_eq!(bench.publisher.reclaim(), 1, "the stage still holds the old table");
    assert!(bench.stage.ready(1, raw.words()));
    assert_eq!(bench.stage.next().asked, (2, 2 * (raw.words() + 1)), "room is asked for two routes");
    assert_eq!(bench.publisher.reclaim(), 0, "the stage let go of it");
    bench.stage.take_raw(raw);
    let seen: BTreeMap<u32, usize> = bench.stage.next().events.iter().fold(BTreeMap::new(), |mut seen, words| {
        let event = meltica::schema::event::EventRef::from_words(words).unwrap();
        *seen.entry(event.header().dispatch_version).or_default() += 1;
        seen
    });
    assert_eq!(seen, BTreeMap::from([(1, 2), (2, 2)]));
    assert_eq!(bench.publisher.current().version(), 2);
    bench.stage.next_mut().events.clear();
    // An empty table routes nothing.
    bench.publisher.publish(DispatchTable::compile(3, &BTreeMap::new(), &bench.directory).unwrap());
    assert!(bench.send("btcusdt@trade", TRADE).is_empty());
}

#[test]
fn back_pressure_time_and_the_end_pass_through() {
    let mut bench = Bench::new("TRADE: { topics: ['{symbol}@trade'] }");
    bench.stage.next_mut().full = true;
    assert!(!bench.stage.ready(1, 40));
    assert_eq!(bench.stage.next().asked, (1, 41));
    assert_eq!(bench.stage.work(), 5);
    bench.stage.advance(UnixNanos(1));
    bench.stage.finish();
    assert_eq!(bench.stage.next().calls, [1, 1, 1]);
}
