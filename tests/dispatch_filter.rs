//! Purpose: what the filter operators mean, and what routes do with fields that they do not know.
//! Owns: nothing. Thread: a test's. Takes and gives: payloads in, events out. Never: needs a capture.

mod dispatch_support;

use dispatch_support::Bench;
use meltica::dispatch::UNKNOWN_NAMES_MAX;
use meltica::schema::id::Market;
use meltica::telemetry::Counter;
use serde_json::{Value, json};

fn trade(more: Value) -> Value {
    let mut payload = json!({"E":1,"s":"BTCUSDT","t":10,"p":"1.50","q":"0.002","T":1,"m":true});
    let more = more.as_object().expect("an object").clone();
    payload.as_object_mut().expect("an object").extend(more);
    payload
}

/// Whether a trade passes one filter.
fn passes(filter: &str, more: Value) -> bool {
    let yaml = format!("TRADE: {{ topics: ['{{symbol}}@trade'], unknown_fields: drop, filters: [{{ {filter} }}] }}");
    let mut bench = Bench::new(&yaml);
    let passed = bench.send("btcusdt@trade", &trade(more).to_string()).len();
    assert_eq!(bench.count(Counter::Filtered), 1 - passed as u64, "{filter}");
    passed == 1
}

#[test]
fn the_truth_table_of_filters() {
    let none = json!({});
    let market = json!({"X":"market"});
    let null = json!({"X":null});
    let table: [(&str, &Value, bool); 38] = [
        // Texts: the frame's are in uppercase, and so is the operand.
        ("field: X, op: eq, value: MARKET", &market, true),
        ("field: X, op: eq, value: Market", &market, true),
        ("field: X, op: eq, value: MARK", &market, false),
        ("field: X, op: neq, value: MARKET", &market, false),
        ("field: X, op: neq, value: ADL", &market, true),
        ("field: X, op: in, value: [ADL, MARKET]", &market, true),
        ("field: X, op: in, value: [ADL, NA]", &market, false),
        ("field: X, op: prefix, value: mar", &market, true),
        ("field: X, op: prefix, value: ARK", &market, false),
        // Absent and null: `neq` and nothing else.
        ("field: X, op: eq, value: MARKET", &none, false),
        ("field: X, op: neq, value: MARKET", &none, true),
        ("field: X, op: in, value: [MARKET]", &none, false),
        ("field: X, op: prefix, value: M", &none, false),
        ("field: X, op: eq, value: MARKET", &null, false),
        ("field: X, op: neq, value: MARKET", &null, true),
        ("field: X, op: in, value: [MARKET]", &null, false),
        ("field: X, op: prefix, value: M", &null, false),
        // Numbers as numbers, whatever the form.
        ("field: p, op: eq, value: 1.5", &none, true),
        ("field: p, op: eq, value: \"1.50\"", &none, true),
        ("field: p, op: eq, value: \"1.500000000000000000\"", &none, true),
        ("field: p, op: eq, value: \"1.50000001\"", &none, false),
        ("field: p, op: neq, value: 1.5", &none, false),
        ("field: p, op: in, value: [1, 1.5, 2]", &none, true),
        ("field: q, op: eq, value: 0.002", &none, true),
        ("field: t, op: eq, value: 10", &none, true),
        ("field: t, op: eq, value: \"10.0\"", &none, true),
        ("field: t, op: eq, value: 10.5", &none, false),
        ("field: t, op: in, value: [11, 12]", &none, false),
        ("field: st, op: eq, value: 1", &json!({"st":1}), true),
        ("field: st, op: eq, value: 1", &json!({"st":2}), false),
        // Truth values.
        ("field: m, op: eq, value: true", &none, true),
        ("field: m, op: eq, value: false", &none, false),
        ("field: M, op: neq, value: true", &none, true),
        ("field: m, op: in, value: [false, true]", &none, true),
        // The symbol.
        ("field: s, op: eq, value: btcusdt", &none, true),
        ("field: s, op: in, value: [ETHUSDT]", &none, false),
        ("field: s, op: prefix, value: BTC", &none, true),
        ("field: s, op: neq, value: BTCUSDT", &none, false),
    ];
    for (filter, more, expected) in table {
        assert_eq!(passes(filter, more.clone()), expected, "{filter} on {more}");
    }
}

#[test]
fn every_filter_of_a_route_must_hold() {
    let yaml = "TRADE: { topics: ['{symbol}@trade'], filters: [
        { field: m, op: eq, value: true }, { field: p, op: in, value: [1.5, 2] }] }";
    let mut bench = Bench::new(yaml);
    for (more, expected) in [(json!({}), 1), (json!({"m":false}), 0), (json!({"p":"3"}), 0), (json!({"p":"2"}), 1)] {
        assert_eq!(bench.send("btcusdt@trade", &trade(more.clone()).to_string()).len(), expected, "{more}");
    }
}

#[test]
fn texts_that_keep_their_case_are_compared_as_written() {
    let kline = |interval: &str| {
        json!({"E":1,"s":"BTCUSDT","k":{"t":1,"T":2,"s":"BTCUSDT","i":interval,"f":1,"L":1,"o":"1","c":"1","h":"1","l":"1",
            "v":"1","n":1,"x":false,"q":"1","V":"1","Q":"1"}})
    };
    let yaml = "KLINE: { topics: ['{symbol}@kline_1m', '{symbol}@kline_1M'], filters: [
        { field: k.i, op: eq, value: 1m }, { field: k.x, op: eq, value: false }] }";
    let mut bench = Bench::new(yaml);
    assert_eq!(bench.send("btcusdt@kline_1m", &kline("1m").to_string()).len(), 1);
    assert_eq!(bench.send("btcusdt@kline_1M", &kline("1M").to_string()).len(), 0);
}

#[test]
fn a_path_that_only_another_kind_of_the_route_knows_is_looked_up_among_the_unknown_keys() {
    // `X` is a key of `@trade`; should a block trade carry it one day, the rule holds there too.
    let yaml = "MY.TRADES: { topics: ['{symbol}@trade', '{symbol}@blockTrade'], unknown_fields: drop, filters: [
        { field: X, op: neq, value: ADL }] }";
    let mut bench = Bench::new(yaml);
    for (more, expected) in [(json!({}), 1), (json!({"X":"ADL"}), 0), (json!({"X":"MARKET"}), 1), (json!({"X":5}), 1)] {
        assert_eq!(bench.send("btcusdt@blockTrade", &trade(more.clone()).to_string()).len(), expected, "{more}");
    }
}

#[test]
fn the_symbol_filter_holds_where_only_the_streams_name_says_it() {
    let yaml = "ORDERBOOK.SNAPSHOT: { topics: ['{symbol}@depth20'], filters: [{ field: s, op: eq, value: BTCUSDT }],
        rest: [{ name: d, endpoint: '/api/v3/depth?symbol={symbol}', interval: 0s, parser: depth }] }";
    let mut bench = Bench::new(yaml);
    let payload = json!({"lastUpdateId":5,"bids":[],"asks":[]}).to_string();
    for stream in ["btcusdt@depth20", "depth-body"] {
        for (id, expected) in [(bench.btc, 1), (bench.eth, 0)] {
            assert_eq!(bench.send_as(Market::BinanceSpot, stream, id, &payload).len(), expected, "{stream} {id:?}");
        }
    }
}

#[test]
fn a_literal_symbol_takes_that_symbol_only() {
    let yaml = "{ BTC.TRADES: { topics: ['btcusdt@trade'] }, BOTH: { topics: ['BTCUSDT@trade', 'ethusdt@trade'] } }";
    let mut bench = Bench::new(yaml);
    let payload = trade(json!({})).to_string();
    let types = |events: Vec<Value>| events.iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(types(bench.send("btcusdt@trade", &payload)), ["BOTH", "BTC.TRADES"]);
    assert_eq!(types(bench.send_as(Market::BinanceSpot, "ethusdt@trade", bench.eth, &payload)), ["BOTH"]);
}

/// policy, ignore, whether the event passes, fields counted, events refused
#[test]
fn unknown_fields_are_rejected_dropped_or_ignored_and_counted_by_name() {
    let table = [
        ("reject", "[]", false, 3, 1),
        ("drop", "[]", true, 3, 0),
        ("reject", "[e]", false, 2, 1),
        ("reject", "[e, z.y, new]", true, 0, 0),
        ("drop", "[e, z.y, new]", true, 0, 0),
    ];
    for (policy, ignore, passes, counted, refused) in table {
        let yaml = format!("TRADE: {{ topics: ['{{symbol}}@trade'], unknown_fields: {policy}, ignore: {ignore} }}");
        let mut bench = Bench::new(&yaml);
        let payload = trade(json!({"e":"trade","z.y":1,"new":[1]})).to_string();
        for round in 1..=2 {
            let events = bench.send("btcusdt@trade", &payload);
            assert_eq!(events.len() == 1, passes, "{policy} {ignore}");
            assert_eq!(bench.count(Counter::UnknownFields), counted * round, "{policy} {ignore}");
            assert_eq!(bench.count(Counter::RefusedUnknownField), refused * round, "{policy} {ignore}");
        }
        let rows = bench.stage.unknown_fields().rows();
        assert_eq!(rows.len() as u64, counted, "{rows:?}");
        assert!(rows.iter().all(|row| row.count == 2), "{rows:?}");
        assert_eq!(rows.iter().any(|row| row.name == "new"), counted > 0);
        assert_eq!(rows.iter().any(|row| row.name == "e"), counted == 3);
    }
}

#[test]
fn the_default_policy_is_reject_and_on_book_kinds_it_is_drop_whatever_is_configured() {
    let yaml = "{ TRADE: { topics: ['{symbol}@trade'] }, 
        ORDERBOOK.DELTA: { topics: ['{symbol}@depth'], unknown_fields: reject },
        ORDERBOOK.SNAPSHOT: { topics: ['{symbol}@depth5'], unknown_fields: reject } }";
    let mut bench = Bench::new(yaml);
    assert!(bench.send("btcusdt@trade", &trade(json!({"new":1})).to_string()).is_empty());
    let diff = json!({"E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[],"new":1}).to_string();
    assert_eq!(bench.send("btcusdt@depth@100ms", &diff).len(), 1);
    let partial = json!({"lastUpdateId":1,"bids":[],"asks":[],"new":1}).to_string();
    assert_eq!(bench.send("btcusdt@depth5", &partial).len(), 1);
    assert_eq!(bench.count(Counter::UnknownFields), 3);
    assert_eq!(bench.count(Counter::RefusedUnknownField), 1);
}

#[test]
fn names_of_unknown_fields_are_bounded_and_no_count_is_lost() {
    let mut bench = Bench::new("TRADE: { topics: ['{symbol}@trade'], unknown_fields: drop }");
    let names = UNKNOWN_NAMES_MAX + 10;
    for n in 0..names {
        assert_eq!(bench.send("btcusdt@trade", &trade(json!({format!("k{n}"):1})).to_string()).len(), 1);
    }
    let tally = bench.stage.unknown_fields();
    assert_eq!(tally.rows().len(), UNKNOWN_NAMES_MAX);
    assert_eq!(tally.unnamed(), 10);
    assert_eq!(bench.count(Counter::UnknownFields), names as u64);
}
