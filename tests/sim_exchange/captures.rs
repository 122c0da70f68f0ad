//! Purpose: proves the writers exact: real frames, read and written again, come out byte for byte as the venue sent them.
//! Owns: nothing. Thread: the test's. Takes and gives: the captures beside the project. Never: copies a frame into it.

use std::io::Read;
use std::path::PathBuf;

use meltica::schema::decimal::Decimal;
use meltica::sim::book::Level;
use meltica::sim::spec::{SymbolSpec, default_symbols};
use meltica::sim::tape::{Sums, Trade};
use meltica::sim::wire_stats::{Quote, Window};
use meltica::sim::{wire, wire_stats};
use serde_json::Value;

fn captures() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures");
    let folder = std::env::var_os("MELTICA_CAPTURES").map_or_else(beside, PathBuf::from);
    if !folder.is_dir() {
        println!("SKIPPED: no captures at {}; set MELTICA_CAPTURES", folder.display());
        return None;
    }
    Some(folder)
}

fn text_of(path: PathBuf) -> String {
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("UTF-8 in gzip");
    } else {
        text = String::from_utf8(bytes).expect("UTF-8");
    }
    text
}

/// Symbols whose grid holds every real number: books keep old levels finer than today's tick and step.
fn finest() -> Vec<SymbolSpec> {
    let finest = |spec| SymbolSpec { price_scale: 8, quantity_scale: 8, ..spec };
    default_symbols(12).into_iter().map(finest).collect()
}

/// Counts in units of `10^-scale`.
fn count(value: &Value, scale: u8) -> i64 {
    let text = value.as_str().expect("numbers are strings");
    text.parse::<Decimal>().expect("a decimal").mantissa_at(scale).expect("on the symbol's grid")
}

fn whole(value: &Value) -> u64 {
    value.as_u64().expect("a whole number")
}

fn levels<'a>(spec: &'a SymbolSpec, list: &'a Value) -> impl Iterator<Item = Level> + 'a {
    let level =
        |l: &Value| Level { price: count(&l[0], spec.price_scale), quantity: count(&l[1], spec.quantity_scale) };
    list.as_array().expect("levels").iter().map(level)
}

fn trade(spec: &SymbolSpec, data: &Value, id: &str) -> Trade {
    Trade {
        id: whole(&data[id]),
        price: count(&data["p"], spec.price_scale),
        lots: count(&data["q"], spec.quantity_scale),
        time_ms: whole(&data["T"]) as i64,
        buyer_is_maker: data["m"] == Value::Bool(true),
    }
}

/// Sums as a payload tells them; what `keys` leaves out is zero.
fn sums(spec: &SymbolSpec, data: &Value, first: &str, bought: Option<(&str, &str)>) -> Sums {
    let turnover = spec.price_scale + spec.quantity_scale;
    let sum = |key: &str, scale| count(&data[key], scale) as u128;
    Sums {
        open: count(&data["o"], spec.price_scale),
        high: count(&data["h"], spec.price_scale),
        low: count(&data["l"], spec.price_scale),
        close: count(&data["c"], spec.price_scale),
        volume: sum("v", spec.quantity_scale),
        turnover: sum("q", turnover),
        bought_volume: bought.map_or(0, |(volume, _)| sum(volume, spec.quantity_scale)),
        bought_turnover: bought.map_or(0, |(_, key)| sum(key, turnover)),
        first_id: whole(&data[first]),
        last_id: whole(&data["L"]),
    }
}

fn write_ticker(out: &mut Vec<u8>, spec: &SymbolSpec, data: &Value) {
    let level = |price: &str, quantity: &str| {
        let (price, quantity) = (count(&data[price], spec.price_scale), count(&data[quantity], spec.quantity_scale));
        Some(Level { price, quantity })
    };
    let quote =
        Quote { previous_close: count(&data["x"], spec.price_scale), bid: level("b", "B"), ask: level("a", "A") };
    let last = Trade {
        id: whole(&data["L"]),
        price: count(&data["c"], spec.price_scale),
        lots: count(&data["Q"], spec.quantity_scale),
        time_ms: 0,
        buyer_is_maker: false,
    };
    let sums = Some(sums(spec, data, "F", None));
    let window = Window { open_ms: whole(&data["O"]) as i64, close_ms: whole(&data["C"]) as i64, sums };
    wire_stats::ticker(out, spec, whole(&data["E"]) as i64, &last, &quote, &window);
}

/// Writes again what a frame says; `None` for a kind or symbol that is not tried.
fn rewritten(specs: &[SymbolSpec], frame: &Value) -> Option<Vec<u8>> {
    let name = frame["stream"].as_str()?;
    let (symbol, stream) = name.split_once('@')?;
    let spec = specs.iter().find(|s| s.symbol.to_lowercase() == symbol)?;
    // Turnovers need the true grid, for ticks times lots carry the decimals of both.
    let traded = default_symbols(12).into_iter().find(|s| s.symbol == spec.symbol)?;
    let data = &frame["data"];
    let event_ms = data["E"].as_u64().unwrap_or_default() as i64;
    let mut out = Vec::new();
    wire::open_combined(&mut out, name);
    match stream {
        "depth@100ms" => {
            let ids = (whole(&data["U"]), whole(&data["u"]));
            wire::depth_update(&mut out, spec, event_ms, ids, levels(spec, &data["b"]), levels(spec, &data["a"]));
        }
        "depth20" => {
            let (bids, asks) = (levels(spec, &data["bids"]), levels(spec, &data["asks"]));
            wire::depth_levels(&mut out, spec, whole(&data["lastUpdateId"]), bids, asks);
        }
        "bookTicker" => {
            let level = |price: &str, quantity: &str| Level {
                price: count(&data[price], spec.price_scale),
                quantity: count(&data[quantity], spec.quantity_scale),
            };
            wire::book_ticker(&mut out, spec, whole(&data["u"]), Some(level("b", "B")), Some(level("a", "A")));
        }
        "trade" => wire::trade(&mut out, spec, event_ms, &trade(spec, data, "t")),
        "aggTrade" => {
            let (id, first) = (whole(&data["a"]), whole(&data["f"]));
            wire::agg_trade(&mut out, spec, event_ms, id, first, &trade(spec, data, "l"));
        }
        "kline_1m" => {
            let k = &data["k"];
            let (start_ms, closed) = (whole(&k["t"]) as i64, k["x"] == Value::Bool(true));
            // A candle without trades names ids of -1.
            let has_trades = k["f"].as_i64()? >= 0;
            let candle = wire_stats::Candle {
                interval: "1m",
                start_ms,
                next_ms: start_ms + 60_000,
                sums: has_trades.then(|| sums(&traded, k, "f", Some(("V", "Q")))),
                before: count(&k["c"], traded.price_scale),
                closed,
            };
            wire_stats::kline(&mut out, &traded, event_ms, &candle);
        }
        "ticker" => write_ticker(&mut out, &traded, data),
        _ => return None,
    }
    wire::close_combined(&mut out);
    Some(out)
}

#[test]
fn real_frames_are_written_again_byte_for_byte() {
    let Some(folder) = captures() else { return };
    let specs = finest();
    let mut tried = std::collections::BTreeMap::<String, u64>::new();
    for file in [
        "hftbacktest/spot_btcusdt_20240808_first120s.gz",
        "cryptofeed/BINANCE.ws.1.0",
        "crypto-msg-parser/frames.jsonl",
    ] {
        for line in text_of(folder.join(file)).lines() {
            let Some(json) = line.find("{\"stream\"").map(|at| &line[at..]) else { continue };
            let frame: Value = serde_json::from_str(json).expect("JSON");
            let spot = ["\"pu\"", "\"X\"", "\"e\":\"bookTicker\"", "\"st\""].iter().all(|key| !json.contains(key));
            // Spot writes eight decimals everywhere; derivatives that share a symbol do not.
            let eight = json.contains(".00000000\"") || json.contains("000\"");
            let Some(out) = (spot && eight).then(|| rewritten(&specs, &frame)).flatten() else { continue };
            assert_eq!(String::from_utf8_lossy(&out), json, "{file}");
            let stream = frame["stream"].as_str().unwrap_or_default();
            *tried.entry(stream.split_once('@').map_or(stream, |(_, s)| s).to_owned()).or_default() += 1;
        }
    }
    println!("{tried:?}");
    for stream in ["depth@100ms", "depth20", "bookTicker", "trade", "aggTrade", "kline_1m", "ticker"] {
        assert!(tried.get(stream).is_some_and(|n| *n > 0), "{stream}: {tried:?}");
    }
}

#[test]
fn real_snapshots_are_written_again_byte_for_byte() {
    let Some(folder) = captures() else { return };
    let specs = finest();
    let mut tried = 0;
    let text = text_of(folder.join("cryptofeed/BINANCE.http.0.0"));
    for line in text.lines() {
        let Some((head, body)) = line.find('{').map(|at| line.split_at(at)) else { continue };
        let Some(spec) = specs.iter().find(|s| head.contains(&format!("symbol={}&", s.symbol))) else { continue };
        let value: Value = serde_json::from_str(body).expect("JSON");
        let mut out = Vec::new();
        let (bids, asks) = (levels(spec, &value["bids"]), levels(spec, &value["asks"]));
        wire::depth_levels(&mut out, spec, whole(&value["lastUpdateId"]), bids, asks);
        assert!(out == body.as_bytes(), "{}", spec.symbol);
        tried += 1;
    }
    assert_eq!(tried, 4);
}
