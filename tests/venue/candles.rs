//! Candles of every interval, windows, and arrays of the whole market.

use std::collections::{BTreeMap, BTreeSet};

use meltica::sim::interval::Interval;
use meltica::sim::spec::default_symbols;
use serde_json::{Value, json};

use crate::client::{ask, connect, get, json, venue};

const HOUR_MS: i64 = 3_600_000;

#[test]
fn candles_stream_in_every_interval_and_both_zones_and_agree_with_the_trades() {
    let venue = venue(|options| options.exchange.events_per_second = 2_000.0);
    let mut socket = connect(venue.address(), "/stream");
    let mut names = BTreeMap::new();
    for interval in Interval::ALL {
        for (zone, zone_ms) in [("", 0), ("@+08:00", 8 * HOUR_MS)] {
            names.insert(format!("btcusdt@kline_{}{zone}", interval.name()), (interval, zone_ms));
        }
    }
    let mut list: Vec<String> = names.keys().cloned().collect();
    list.extend(["btcusdt@trade".to_owned(), "btcusdt@kline_7m".to_owned()]);
    ask(&mut socket, &json!({"method": "SUBSCRIBE", "params": list, "id": 1}).to_string());
    let (mut seen, mut trades, mut seconds) = (BTreeSet::new(), Vec::new(), 0);
    while seen.len() < names.len() || seconds < 3 {
        let frame = json(&mut socket);
        let (name, data) = (frame["stream"].as_str().unwrap(), &frame["data"]);
        if name == "btcusdt@trade" {
            trades.push((data["T"].as_i64().unwrap(), data["t"].as_i64().unwrap()));
            continue;
        }
        let (interval, zone_ms) = names[name];
        let (event, candle) = (data["E"].as_i64().unwrap(), &data["k"]);
        let (start, end) = (candle["t"].as_i64().unwrap(), candle["T"].as_i64().unwrap());
        assert_eq!(candle["i"], interval.name());
        // A closed candle is told at its end.
        assert_eq!(interval.start(event - i64::from(candle["x"] == true), zone_ms), start, "{frame}");
        assert_eq!(interval.next(start, zone_ms) - 1, end, "{frame}");
        assert_eq!(
            candle["n"],
            candle["L"].as_i64().unwrap() - candle["f"].as_i64().unwrap() + i64::from(candle["f"] != -1)
        );
        if name == "btcusdt@kline_1s" {
            assert_eq!(candle["x"], true, "one a second, of the second that is over");
            let of: Vec<i64> = trades.iter().filter(|(at, _)| (start..=end).contains(at)).map(|(_, id)| *id).collect();
            // The first second is seen in part.
            if seconds > 0 {
                assert_eq!(candle["n"].as_u64().unwrap(), of.len() as u64, "{frame}");
            }
            seconds += 1;
        }
        seen.insert(name.to_owned());
    }
}

#[test]
fn rest_has_candles_of_every_interval_in_every_zone() {
    let venue = venue(|options| options.exchange.events_per_second = 2_000.0);
    let mut socket = connect(venue.address(), "/ws/btcusdt@trade");
    for _ in 0..200 {
        json(&mut socket);
    }
    for interval in Interval::ALL {
        for (zone, zone_ms) in [("0", 0), ("8", 8 * HOUR_MS), ("-3:30", -7 * HOUR_MS / 2), ("05:45", 23 * HOUR_MS / 4)]
        {
            let target = format!("/api/v3/klines?symbol=BTCUSDT&interval={}&timeZone={zone}", interval.name());
            let candles = get(venue.address(), &target).json();
            let candles = candles.as_array().unwrap();
            assert!(!candles.is_empty(), "{target}");
            for candle in candles {
                let start = candle[0].as_i64().unwrap();
                assert_eq!(interval.start(start, zone_ms), start, "{target}: {candle}");
                assert_eq!(interval.next(start, zone_ms) - 1, candle[6].as_i64().unwrap(), "{target}: {candle}");
            }
            let counted: u64 = candles.iter().map(|c| c[8].as_u64().unwrap()).sum();
            assert!(counted >= 200, "{target}: {counted}");
        }
    }
    for bad in ["interval=7m", "interval=1m&timeZone=15:00"] {
        assert_eq!(get(venue.address(), &format!("/api/v3/klines?symbol=BTCUSDT&{bad}")).status, 400, "{bad}");
    }
}

#[test]
fn windows_and_arrays_come_and_name_each_symbol_that_traded() {
    let venue = venue(|options| {
        options.exchange.events_per_second = 500.0;
        options.exchange.symbols.truncate(3);
        // Never trades: it stands in no array.
        options.exchange.symbols[2].activity_permille = 0;
    });
    let mut socket = connect(venue.address(), "/stream");
    let windows = [("1h", 60), ("4h", 240), ("1d", 1_440)];
    let mut names: Vec<String> = vec!["!miniTicker@arr".to_owned()];
    for (window, _) in windows {
        names.extend([format!("btcusdt@ticker_{window}"), format!("!ticker_{window}@arr")]);
    }
    ask(&mut socket, &json!({"method": "SUBSCRIBE", "params": names, "id": 1}).to_string());
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    let whole = |seen: &BTreeMap<String, Value>| {
        names
            .iter()
            .all(|name| seen.get(name).is_some_and(|d| !name.starts_with('!') || d.as_array().unwrap().len() == 2))
    };
    while !whole(&seen) {
        let frame = json(&mut socket);
        seen.insert(frame["stream"].as_str().unwrap().to_owned(), frame["data"].clone());
    }
    for (window, minutes) in windows {
        let array = &seen[&format!("!ticker_{window}@arr")];
        for ticker in array.as_array().unwrap().iter().chain([&seen[&format!("btcusdt@ticker_{window}")]]) {
            assert_eq!(ticker["e"], format!("{window}Ticker"));
            let (open, close) = (ticker["O"].as_i64().unwrap(), ticker["C"].as_i64().unwrap());
            assert_eq!(open % 60_000, 0, "it opens on a minute");
            assert!((0..60_000).contains(&(close - open - minutes * 60_000)), "{ticker}");
            assert_ne!(ticker["s"], "BNBUSDT");
        }
    }
}

#[test]
fn block_trades_come_now_and_then() {
    let venue = venue(|options| options.exchange.symbols = default_symbols(300));
    let names: Vec<String> =
        default_symbols(300).iter().map(|s| format!("{}@blockTrade", s.symbol.to_lowercase())).collect();
    let mut socket = connect(venue.address(), "/ws");
    ask(&mut socket, &json!({"method": "SUBSCRIBE", "params": names, "id": 1}).to_string());
    let trade = json(&mut socket);
    assert_eq!(trade["e"], "blockTrade");
    assert!(trade["t"].is_u64() && trade.get("M").is_none(), "{trade}");
}
