//! REST bodies, weights, errors.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::client::{PATIENCE, answer_of, get, http, until, venue};

/// The keys of an object, sorted.
fn keys(value: &serde_json::Value) -> String {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}

#[test]
fn each_route_has_its_body_and_its_weight() {
    let venue = venue(|options| {
        options.exchange.events_per_second = 2_000.0;
        options.limits.weight_window = std::time::Duration::from_secs(86_400 * 365 * 100);
    });
    let address = venue.address();
    until("some were traded", || {
        get(address, "/api/v3/klines?symbol=BTCUSDT&interval=1m").json()[0][8].as_u64() > Some(50)
    });
    let day = "askPrice askQty bidPrice bidQty closeTime count firstId highPrice lastId lastPrice lastQty lowPrice \
               openPrice openTime prevClosePrice priceChange priceChangePercent quoteVolume symbol volume weightedAvgPrice";
    let table = [
        ("ping", 1, "", ""),
        ("time", 1, "", "serverTime"),
        ("exchangeInfo", 20, "", "exchangeFilters rateLimits serverTime symbols timezone"),
        ("depth?symbol=BTCUSDT", 5, "", "asks bids lastUpdateId"),
        ("depth?symbol=BTCUSDT&limit=5000", 250, "", "asks bids lastUpdateId"),
        ("trades?symbol=BTCUSDT&limit=7", 25, "/0", "id isBestMatch isBuyerMaker price qty quoteQty time"),
        ("aggTrades?symbol=BTCUSDT", 4, "/0", "M T a f l m p q"),
        ("avgPrice?symbol=BTCUSDT", 2, "", "closeTime mins price"),
        ("ticker/24hr?symbol=BTCUSDT", 2, "", day),
        ("ticker/24hr", 80, "/3", day),
        ("ticker/24hr?symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D", 2, "/1", day),
        ("ticker/bookTicker?symbol=BTCUSDT", 2, "", "askPrice askQty bidPrice bidQty symbol"),
        ("ticker/bookTicker", 4, "/0", "askPrice askQty bidPrice bidQty symbol"),
        ("ticker/price?symbol=BTCUSDT", 2, "", "price symbol"),
        ("ticker/price", 4, "/3", "price symbol"),
    ];
    for (target, weight, at, expected) in table {
        let used = || get(address, "/api/v3/ping").header("x-mbx-used-weight-1m").unwrap().parse::<u64>().unwrap();
        let before = used();
        let answer = get(address, &format!("/api/v3/{target}"));
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        assert_eq!(used() - before, weight + 1, "{target}");
        let body = answer.json();
        let object = body.pointer(at).unwrap_or_else(|| panic!("{target}: no {at}"));
        assert_eq!(keys(object), expected, "{target}");
    }
    assert_eq!(get(address, "/api/v3/trades?symbol=BTCUSDT&limit=7").json().as_array().unwrap().len(), 7);
    let candles = get(address, "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1").json();
    assert_eq!(candles[0].as_array().unwrap().len(), 12);
    let from = get(address, "/api/v3/aggTrades?symbol=BTCUSDT&limit=3").json()[1]["a"].as_u64().unwrap();
    let part = get(address, &format!("/api/v3/aggTrades?symbol=BTCUSDT&fromId={from}&limit=1")).json();
    assert_eq!(part[0]["a"], from);
    assert!(!venue.stats().exceeded.any());
}

#[test]
fn wrong_parameters_are_refused_with_the_venues_codes() {
    let venue = venue(|_| {});
    for (target, code) in [
        ("depth", -1102),
        ("depth?symbol=NOSUCH", -1121),
        ("depth?symbol=btcusdt", -1100),
        ("depth?symbol=BTCUSDT&limit=x", -1100),
        ("depth?symbol=BTCUSDT&limit=0", -1130),
        ("depth?symbol=BTCUSDT&depth=7", -1104),
        ("depth?symbol=%zz", -1100),
        ("klines?symbol=BTCUSDT", -1102),
        ("klines?symbol=BTCUSDT&interval=7m", -1120),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128),
        ("ticker/price?symbols=BTCUSDT", -1100),
        ("exchangeInfo?symbol=NOSUCH", -1121),
    ] {
        let answer = get(venue.address(), &format!("/api/v3/{target}"));
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (400, Some(code)), "{target}");
    }
    assert_eq!(get(venue.address(), "/api/v3/depth?symbol=NOSUCH").body, r#"{"code":-1121,"msg":"Invalid symbol."}"#);
    assert_eq!(get(venue.address(), "/api/v1/depth?symbol=BTCUSDT").status, 404);
    let post = "POST /api/v3/ping HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(http(venue.address(), post).status, 405);
    let head = http(venue.address(), "HEAD /api/v3/time HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_ne!(head.header("content-length"), Some("0"));
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    let venue = venue(|_| {});
    let mut stream = TcpStream::connect(venue.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n{}") {
            let mut chunk = [0; 512];
            let count = stream.read(&mut chunk).unwrap();
            assert!(count > 0, "closed");
            bytes.extend_from_slice(&chunk[..count]);
        }
        assert_eq!(answer_of(&bytes).status, 200);
    }
    assert_eq!((venue.stats().connections, venue.stats().requests), (1, 3));
}
