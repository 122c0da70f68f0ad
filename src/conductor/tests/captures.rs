//! Purpose: real captures through the stage, against the books and checks that the span rule gives for them.
//! Owns: a reader of the capture files, for tests only. Thread: a test's. Takes and gives: files in, verdicts out.
//! Never: passes silently when the captures are absent: it says that it skips.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use bytemuck::Zeroable;
use serde_json::Value;

use super::rig::{Rig, tell};
use crate::conductor::BookReport;
use crate::schema::canonical_type::builtin;
use crate::schema::decimal::Decimal;
use crate::schema::event::EventRef;
use crate::schema::id::{InstrumentId, Source};
use crate::schema::payload::{BookTicker, Depth, DepthLevels, Fused};
use crate::schema::quality::Quality;
use crate::schema::raw::Level;
use crate::telemetry::Counter;

fn captures() -> Option<PathBuf> {
    let given = std::env::var_os("MELTICA_CAPTURES").map(PathBuf::from);
    let path = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"));
    let there = path.join("expected").is_dir();
    if !there {
        eprintln!("SKIPPED: no captures at {} (set MELTICA_CAPTURES)", path.display());
    }
    there.then_some(path)
}

fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    if path.extension().is_some_and(|e| e == "gz") {
        let mut out = String::new();
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut out).expect("gzip text");
        return out;
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// One message with its receive time, ns, and for a REST body its symbol.
struct Message {
    at: i64,
    symbol: Option<String>,
    body: Value,
}

fn hftbacktest(path: &Path, symbol: &str) -> Vec<Message> {
    let parse = |line: &str| {
        let (at, body) = line.split_once(' ').expect("time and body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        let symbol = body.get("stream").is_none().then(|| symbol.to_owned());
        Message { at: at.parse().expect("ns"), symbol, body }
    };
    text(path).lines().map(parse).collect()
}

fn seconds(text: &str) -> i64 {
    (text.parse::<f64>().expect("seconds") * 1e9) as i64
}

fn cryptofeed(folder: &Path, name: &str) -> Vec<Message> {
    let mut messages = Vec::new();
    for line in text(&folder.join(format!("{name}.ws.1.0"))).lines().skip(1).filter(|l| !l.is_empty()) {
        let (at, body) = line.split_once(": ").expect("time and body");
        messages.push(Message { at: seconds(at), symbol: None, body: serde_json::from_str(body).expect("JSON") });
    }
    for line in text(&folder.join(format!("{name}.http.0.0"))).lines().filter(|l| l.contains("/depth?symbol=")) {
        let (url, rest) = line.split_once(" -> ").expect("url and rest");
        let (at, body) = rest.split_once(": ").expect("time and body");
        let symbol = url.split_once("symbol=").and_then(|(_, s)| s.split('&').next()).expect("symbol").to_owned();
        let body = serde_json::from_str(body).expect("JSON");
        messages.push(Message { at: seconds(at), symbol: Some(symbol), body });
    }
    messages.sort_by_key(|m| m.at);
    messages
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().expect("a decimal as text").parse().expect("a decimal")
}

/// Levels at their finest scales: bids, then asks, with a head that counts them.
fn depth(bids: &Value, asks: &Value) -> (Depth, Vec<Level>) {
    let pairs = |side: &Value| -> Vec<(Decimal, Decimal)> {
        side.as_array().expect("levels").iter().map(|l| (decimal(&l[0]), decimal(&l[1]))).collect()
    };
    let (bids, asks) = (pairs(bids), pairs(asks));
    let all = || bids.iter().chain(&asks);
    let price_scale = all().map(|l| l.0.normalised().scale()).max().unwrap_or(0);
    let quantity_scale = all().map(|l| l.1.normalised().scale()).max().unwrap_or(0);
    let at = |d: Decimal, scale| d.mantissa_at(scale).expect("fits");
    let levels = all().map(|l| Level { price: at(l.0, price_scale), quantity: at(l.1, quantity_scale) }).collect();
    let (bids, asks) = (bids.len() as u32, asks.len() as u32);
    (Depth { bids, asks, price_scale, quantity_scale, ..Depth::zeroed() }, levels)
}

/// Feeds a capture and gives the reports by symbol, and the tops of every applied diff.
struct Played {
    rig: Rig,
    symbols: HashMap<String, InstrumentId>,
}

fn play(messages: &[Message]) -> Played {
    let mut rig = Rig::plain();
    let mut symbols: HashMap<String, InstrumentId> = HashMap::new();
    for message in messages {
        rig.at(message.at.max(rig.now));
        let data = message.body.get("data").unwrap_or(&message.body);
        let symbol = message.symbol.clone().unwrap_or_else(|| data["s"].as_str().expect("symbol").to_owned());
        let next = InstrumentId(symbols.len() as u32);
        let id = *symbols.entry(symbol).or_insert(next);
        let int = |key: &str| data[key].as_i64().expect("an id");
        if message.symbol.is_some() {
            let (mut head, levels) = depth(&data["bids"], &data["asks"]);
            (head.first_id, head.last_id, head.previous_id) =
                (int("lastUpdateId"), int("lastUpdateId"), int("lastUpdateId"));
            let mut header = rig.head(builtin::ORDERBOOK_SNAPSHOT, Source::RestDepth, id);
            header.venue_id = head.last_id;
            rig.made(header, &DepthLevels(head), &levels);
            continue;
        }
        match data["e"].as_str() {
            Some("depthUpdate") => {
                let (mut head, levels) = depth(&data["b"], &data["a"]);
                (head.first_id, head.last_id) = (int("U"), int("u"));
                head.previous_id = data["pu"].as_i64().unwrap_or(head.first_id - 1);
                let mut header = rig.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, id);
                header.venue_id = head.last_id;
                rig.made(header, &head, &levels);
            }
            None | Some("bookTicker") => {
                let mut ticker = BookTicker::zeroed();
                ticker.set_bid(Some(decimal(&data["b"])));
                ticker.set_bid_quantity(Some(decimal(&data["B"])));
                ticker.set_ask(Some(decimal(&data["a"])));
                ticker.set_ask_quantity(Some(decimal(&data["A"])));
                let mut header = rig.head(builtin::TICKER_BOOK, Source::WsBookTicker, id);
                header.venue_id = int("u");
                rig.made(header, &ticker, &[]);
            }
            _ => {}
        }
    }
    use crate::schema::stage::Stage;
    rig.stage.finish();
    Played { rig, symbols }
}

fn check(expected: &Path, prefix: &str, messages: &[Message]) {
    let mut played = play(messages);
    let summary: Value = serde_json::from_str(&text(&expected.join(format!("{prefix}.summary.json")))).expect("JSON");
    let mut dropped = 0;
    for (symbol, want) in summary.as_object().expect("by symbol") {
        let id = played.symbols[symbol];
        let report = played.rig.stage.report(id).expect("seen");
        let number = |key: &str| want[key].as_u64().expect("a count");
        let name = format!("{prefix} {symbol}");
        assert_eq!(report.update_id, want["last_u"].as_i64(), "{name}");
        assert_eq!((report.applied, report.dropped), (number("applied"), number("dropped")), "{name}");
        let checks = (report.agree, report.disagree, report.no_reference);
        assert_eq!(checks, (number("agree"), number("disagree"), number("no_reference")), "{name}");
        assert_eq!((report.quality, report.epoch), (Quality::Good, 1), "{name}");
        dropped += report.dropped;
        check_final_book(&expected.join(format!("{prefix}.{symbol}.final_book.json.gz")), &report);
        check_tops(&expected.join(format!("{prefix}.{symbol}.top.csv.gz")), &played.rig.stage.publisher().events, id);
    }
    assert_eq!(played.rig.count(Counter::DiffsDropped), dropped);
    assert_eq!(played.rig.count(Counter::GapsOpened), 0);
    assert_eq!(played.rig.count(Counter::Crossed), 0);
}

fn check_final_book(path: &Path, report: &BookReport) {
    let book: Value = serde_json::from_str(&text(path)).expect("JSON");
    let side = |key: &str| -> Vec<(Decimal, Decimal)> {
        book[key].as_array().expect("levels").iter().map(|l| (decimal(&l[0]), decimal(&l[1]))).collect()
    };
    assert_eq!(report.bids, side("bids"), "{}", path.display());
    assert_eq!(report.asks, side("asks"), "{}", path.display());
}

/// After every applied diff: the top as the fused event has it.
fn check_tops(path: &Path, events: &[Vec<u64>], id: InstrumentId) {
    let events = events.iter().filter_map(|words| EventRef::from_words(words));
    let mut fused = events.filter(|e| e.header().instrument() == id).filter_map(|e| {
        let fused = e.payload::<Fused>()?;
        Some((e.header().venue_id, tell(e.words()), *fused))
    });
    for line in text(path).lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (venue_id, told, got) = fused.next().unwrap_or_else(|| panic!("{line}: nothing more was published"));
        let want: Vec<Decimal> = fields[1..5].iter().map(|f| f.parse().expect("a decimal")).collect();
        let top = [got.bid(), got.bid_quantity(), got.ask(), got.ask_quantity()];
        assert_eq!(venue_id.to_string(), fields[0]);
        assert_eq!(top.map(|d| d.expect("both sides")).to_vec(), want, "{line}");
        assert!(told.ends_with("Good"), "{told}");
    }
    assert!(fused.next().is_none(), "nothing beyond what is expected");
}

#[test]
fn hftbacktest_captures_give_the_expected_books_and_every_check_agrees() {
    let Some(root) = captures() else { return };
    let table = BTreeMap::from([
        ("spot_btcusdt_20240808_first120s", ("spot_btcusdt_first120s", "BTCUSDT")),
        ("usdm_btcusdt_20240808_first60s", ("usdm_btcusdt_first60s", "BTCUSDT")),
        ("usdm_ethusdt_20240808_first30s", ("usdm_ethusdt_first30s", "ETHUSDT")),
    ]);
    for (file, (prefix, symbol)) in table {
        let messages = hftbacktest(&root.join("hftbacktest").join(format!("{file}.gz")), symbol);
        check(&root.join("expected"), prefix, &messages);
    }
}

#[test]
fn cryptofeed_captures_give_the_expected_books() {
    let Some(root) = captures() else { return };
    for (name, prefix) in [("BINANCE", "cryptofeed_spot_202110"), ("BINANCE_FUTURES", "cryptofeed_usdm_202107")] {
        check(&root.join("expected"), prefix, &cryptofeed(&root.join("cryptofeed"), name));
    }
}
