//! Subscribing, frames, books.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{NaiveBook, ask, connect, get, json, text, until, venue};

#[test]
fn every_stream_speaks_raw_and_combined_and_unknown_names_are_acknowledged_and_silent() {
    let mut venue = venue(|options| options.exchange.events_per_second = 1_000.0);
    let names = [
        "btcusdt@depth@100ms",
        "btcusdt@depth",
        "btcusdt@depth5",
        "btcusdt@depth10@100ms",
        "btcusdt@depth20@100ms",
        "btcusdt@depth20",
        "btcusdt@trade",
        "btcusdt@aggTrade",
        "btcusdt@bookTicker",
        "btcusdt@kline_1m",
        "btcusdt@miniTicker",
        "btcusdt@ticker",
        "btcusdt@ticker_1h",
        "btcusdt@avgPrice",
        "btcusdt@referencePrice",
        "!miniTicker@arr",
        "!miniTicker@arr@1000ms",
        "!ticker_1h@arr",
    ];
    let mut socket = connect(venue.address(), "/stream");
    let mut list: Vec<&str> = names.to_vec();
    list.extend(["nosuch@trade", "BTCUSDT@trade", "btcusdt@nothing", "x"]);
    let message = json!({"method": "SUBSCRIBE", "params": list, "id": "first-1"}).to_string();
    assert_eq!(ask(&mut socket, &message), json!({"result": null, "id": "first-1"}));
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    while seen.len() < names.len() {
        let frame = json(&mut socket);
        let name = frame["stream"].as_str().unwrap().to_owned();
        assert!(names.contains(&name.as_str()), "{name} was never a stream");
        seen.entry(name).or_insert_with(|| frame["data"].clone());
    }
    assert_eq!(seen["btcusdt@depth5"]["bids"].as_array().unwrap().len(), 5);
    assert_eq!(seen["btcusdt@depth10@100ms"]["asks"].as_array().unwrap().len(), 10);
    assert_eq!(seen["btcusdt@depth"]["e"], "depthUpdate");
    assert_eq!(seen["!miniTicker@arr"][0]["e"], "24hrMiniTicker");
    let sessions = venue.stats().sessions;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].streams.len(), list.len());

    let mut raw = connect(venue.address(), "/ws/btcusdt@trade");
    assert_eq!(json(&mut raw)["e"], "trade");
    let property = r#"{"method":"GET_PROPERTY","params":["combined"],"id":1}"#;
    assert_eq!(ask(&mut raw, property), json!({"result": false, "id": 1}));
    let set = r#"{"method":"SET_PROPERTY","params":["combined",true],"id":2}"#;
    assert_eq!(ask(&mut raw, set), json!({"result": null, "id": 2}));
    while json(&mut raw).get("stream").is_none() {}
    let listing = r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#;
    assert_eq!(ask(&mut raw, listing), json!({"result": ["btcusdt@trade"], "id": 3}));
    let off = r#"{"method":"UNSUBSCRIBE","params":["btcusdt@trade"],"id":null}"#;
    assert_eq!(ask(&mut raw, off), json!({"result": null, "id": null}));
    until("nobody has the trades", || venue.stats().sessions.iter().any(|s| s.streams.is_empty()));
    assert!(!venue.stats().exceeded.any());
    venue.stop();
}

#[test]
fn answers_to_bad_control_messages_have_the_venues_codes_and_the_session_goes_on() {
    let venue = venue(|options| options.limits.messages_per_second = 100);
    let mut socket = connect(venue.address(), "/ws");
    for (message, code) in [
        (r#"{"method":"SET_PROPERTY","params":["speed",true],"id":1}"#, 0),
        (r#"{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}"#, 1),
        (r#"{"method":"SUBSCRIBE","params":["a"],"id":{}}"#, 2),
        (r#"{"method":"FOO","params":["a"],"id":1}"#, 2),
        ("{", 3),
    ] {
        assert_eq!(ask(&mut socket, message)["code"], code, "{message}");
    }
    let fine = r#"{"method":"LIST_SUBSCRIPTIONS","id":-5}"#;
    assert_eq!(ask(&mut socket, fine), json!({"result": [], "id": -5}));
}

#[test]
fn books_built_by_the_official_rule_equal_the_truth() {
    for (path, suffix, diffs) in [("/stream", "@depth@100ms", 60), ("/ws", "@depth", 4)] {
        let venue = venue(|options| {
            options.exchange.events_per_second = 2_000.0;
            // A snapshot shows 5,000 levels: of these books, all.
            options.exchange.symbols.iter_mut().for_each(|spec| spec.levels = spec.levels.min(1_500));
        });
        let oracle = venue.oracle();
        let symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"];
        let mut socket = connect(venue.address(), path);
        let names: Vec<String> = symbols.iter().map(|s| format!("{}{suffix}", s.to_lowercase())).collect();
        ask(&mut socket, &json!({"method": "SUBSCRIBE", "params": names, "id": 1}).to_string());
        let mut books: BTreeMap<String, (Option<NaiveBook>, Vec<Value>, u32)> = BTreeMap::new();
        while books.len() < symbols.len() || books.values().any(|(_, _, applied)| *applied < diffs) {
            let frame = json(&mut socket);
            let diff = frame.get("data").unwrap_or(&frame).clone();
            let symbol = diff["s"].as_str().unwrap().to_owned();
            let (book, buffered, applied) = books.entry(symbol.clone()).or_default();
            buffered.push(diff);
            let book = match book {
                Some(book) => book,
                None => {
                    let body = get(venue.address(), &format!("/api/v3/depth?symbol={symbol}&limit=5000")).json();
                    if body["lastUpdateId"].as_u64().unwrap() < buffered[0]["U"].as_u64().unwrap() {
                        continue;
                    }
                    book.insert(NaiveBook::from_snapshot(&body))
                }
            };
            for diff in buffered.drain(..) {
                assert!(book.apply(&diff), "{symbol}: a gap before {}", diff["U"]);
                *applied += 1;
            }
            if *applied % 20 == 0 || *applied == diffs {
                book.must_be_true(&oracle, &symbol);
            }
        }
    }
}

#[test]
fn microseconds_come_when_asked_for_and_only_then() {
    let venue = venue(|options| options.exchange.events_per_second = 1_000.0);
    let mut micros = connect(venue.address(), "/stream?streams=btcusdt@trade&timeUnit=MICROSECOND");
    let mut millis = connect(venue.address(), "/stream?streams=btcusdt@trade");
    for (socket, digits) in [(&mut micros, 16), (&mut millis, 13)] {
        let frame = json(socket);
        for key in ["E", "T"] {
            assert_eq!(frame["data"][key].as_u64().unwrap().to_string().len(), digits, "{frame}");
        }
    }
}

#[test]
fn names_may_stand_in_the_path_and_need_not_be_ascii() {
    let venue = venue(|options| {
        options.exchange.symbols = meltica::sim::spec::default_symbols(12);
        options.exchange.events_per_second = 500.0;
    });
    let mut socket = connect(venue.address(), "/ws/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@trade/xrpusdt@bookTicker");
    let (mut trade, mut ticker) = (false, false);
    while !(trade && ticker) {
        let frame = text(&mut socket);
        trade |= frame.contains("\"s\":\"币安人生USDT\"");
        ticker |= frame.contains("\"s\":\"XRPUSDT\"");
    }
}
