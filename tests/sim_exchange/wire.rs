//! Purpose: proves the frames well formed: the venue's keys in its order, contiguous ids, statistics that add up.
//! Owns: nothing. Thread: the test's. Takes and gives: whole runs. Never: uses the simulation's writers to read.

use std::collections::HashMap;

use meltica::schema::decimal::Decimal;
use meltica::schema::topic::StreamKind;
use meltica::sim::channel::Channels;
use meltica::sim::source::SimSource;
use serde_json::Value;

use crate::reading::{decimal, drain, kind, options, parse};

#[test]
fn ids_of_diffs_and_trades_are_contiguous() {
    let mut source = SimSource::new(options(5, 13, Channels::ALL, 40_000)).expect("valid options");
    let mut next: HashMap<String, u64> = HashMap::new();
    let mut next_agg_first: HashMap<String, u64> = HashMap::new();
    drain(&mut source, |kept| {
        if kept.body_of == "*" {
            return None;
        }
        let (name, data) = parse(&kept.bytes);
        let id = |key: &str| data[key].as_u64().expect("an id");
        let (first, last) = match kind(&name) {
            StreamKind::DepthDiff => (id("U"), id("u")),
            StreamKind::Trade | StreamKind::BlockTrade => (id("t"), id("t")),
            StreamKind::AggTrade => {
                if let Some(expected) = next_agg_first.insert(name.clone(), id("l") + 1) {
                    assert_eq!(id("f"), expected);
                }
                assert!(id("f") <= id("l"));
                (id("a"), id("a"))
            }
            _ => return None,
        };
        assert!(first <= last);
        if let Some(expected) = next.insert(name, last + 1) {
            assert_eq!(first, expected);
        }
        None
    });
    assert!(next.len() >= 13 * 3);
}

/// Keys in the order in which the venue writes them: binance.md section 2, and the captures.
const KEYS: [(&str, &str); 12] = [
    ("@depth@100ms", "e,E,s,U,u,b,a"),
    ("@depth20@100ms", "lastUpdateId,bids,asks"),
    ("@bookTicker", "u,s,b,B,a,A"),
    ("@trade", "e,E,s,t,p,q,T,m,M"),
    ("@aggTrade", "e,E,s,a,p,q,f,l,T,m,M"),
    ("@blockTrade", "e,E,s,t,p,q,T,m"),
    ("@kline_1m", "e,E,s,k"),
    ("@miniTicker", "e,E,s,c,o,h,l,v,q"),
    ("@ticker", "e,E,s,p,P,w,x,c,Q,b,B,a,A,o,h,l,v,q,O,C,F,L,n"),
    ("@ticker_1h", "e,E,s,p,P,o,h,l,c,w,v,q,O,C,F,L,n"),
    ("@avgPrice", "e,E,s,i,w,T"),
    ("@referencePrice", "e,s,r,t"),
];

/// The keys of the first object in `text` as they are written, which `serde_json` does not keep.
fn written_keys(text: &str) -> String {
    let (mut depth, mut keys, mut start) = (0, Vec::new(), None);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => match start.take() {
                None => start = Some(at + 1),
                Some(from) if depth == 1 && text.as_bytes().get(at + 1) == Some(&b':') => keys.push(&text[from..at]),
                Some(_) => {}
            },
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    keys.join(",")
}

#[test]
fn every_payload_has_exactly_the_venues_keys_in_its_order() {
    let mut options = options(3, 16, Channels::ALL, u64::MAX);
    options.frames_max = None;
    options.duration_ns = Some(65_000_000_000);
    options.exchange.events_per_second = 20.0;
    let mut source = SimSource::new(options).expect("valid options");
    let mut seen: HashMap<&str, u64> = HashMap::new();
    let (mut closed, mut nulls) = (0, 0);
    drain(&mut source, |kept| {
        if kept.body_of == "*" {
            return None;
        }
        let text = std::str::from_utf8(&kept.bytes).expect("UTF-8");
        let (name, data) = parse(&kept.bytes);
        let (symbol, _) = name.split_once('@').expect("a symbol");
        let payload = &text[text.find("\"data\":").expect("wrapped") + 7..];
        assert!(text.starts_with(&format!("{{\"stream\":\"{name}\",\"data\":{{")), "{text}");
        let (suffix, keys) = KEYS.iter().find(|(suffix, _)| name[symbol.len()..] == **suffix).expect("a known stream");
        assert_eq!(written_keys(payload), *keys, "{name}");
        *seen.entry(suffix).or_default() += 1;
        if data.get("s").is_some() {
            assert_eq!(data["s"].as_str(), Some(symbol.to_uppercase().as_str()));
        }
        if *suffix == "@kline_1m" {
            let candle = &payload[payload.find("\"k\":").expect("k") + 4..];
            assert_eq!(written_keys(candle), "t,T,s,i,f,L,o,c,h,l,v,n,x,q,V,Q,B");
            closed += u64::from(data["k"]["x"] == Value::Bool(true));
        }
        if *suffix == "@referencePrice" {
            nulls += u64::from(data["r"].is_null());
        }
        for (key, value) in data.as_object().expect("an object") {
            if value.is_string() && !["e", "s", "P", "i", "p"].contains(&key.as_str()) {
                decimal(value);
            }
        }
        None
    });
    assert_eq!(seen.len(), KEYS.len(), "{seen:?}");
    assert_eq!(closed, 16, "each symbol's minute closed once");
    assert!(nulls > 0);
}

#[test]
fn statistics_are_those_of_the_own_trades() {
    let mut options = options(8, 9, Channels::ALL, u64::MAX);
    options.duration_ns = Some(20_000_000_000);
    let mut source = SimSource::new(options).expect("valid options");
    let mut sums: HashMap<String, (Decimal, u64)> = HashMap::new();
    let mut checked = 0;
    drain(&mut source, |kept| {
        if kept.body_of == "*" {
            return None;
        }
        let (name, data) = parse(&kept.bytes);
        let symbol = name.split('@').next().unwrap_or_default().to_owned();
        let sum = sums.entry(symbol).or_insert((Decimal::ZERO, 0));
        match kind(&name) {
            StreamKind::Trade => {
                sum.0 = sum.0.checked_add(decimal(&data["q"])).expect("small");
                sum.1 += 1;
            }
            StreamKind::Ticker | StreamKind::WindowTicker | StreamKind::MiniTicker => {
                assert_eq!(decimal(&data["v"]), sum.0, "{name}");
                if let Some(count) = data["n"].as_u64() {
                    assert_eq!(count, sum.1);
                }
                if sum.1 > 0 {
                    let (low, high) = (decimal(&data["l"]), decimal(&data["h"]));
                    assert!(low <= decimal(&data["o"]) && decimal(&data["o"]) <= high);
                    assert!(low <= decimal(&data["c"]) && decimal(&data["c"]) <= high);
                    checked += 1;
                }
            }
            _ => {}
        }
        None
    });
    assert!(checked > 300, "{checked}");
}
