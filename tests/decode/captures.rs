//! Purpose: the shared captures as frames, and frames made by hand for the kinds that no capture has.
//! Owns: where captures lie. Thread: any. Takes and gives: files, frames. Never: changes a byte of a frame.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use meltica::schema::id::Market;

/// How a frame was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Combined,
    Raw(String),
    RestDepth(String, u32),
    RestOther,
}

/// One frame.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) place: String,
    pub(crate) market: Market,
    pub(crate) sent: Sent,
    pub(crate) bytes: Vec<u8>,
}

/// Where the captures lie; `None`, said aloud, when they are not here.
pub(crate) fn directory() -> Option<PathBuf> {
    let dir = std::env::var_os("MELTICA_CAPTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("SKIPPED: no captures at {} (set MELTICA_CAPTURES)", dir.display());
    None
}

/// The text of a file, unpacked where it is packed.
pub(crate) fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    if path.extension().is_some_and(|e| e == "gz") {
        let mut out = String::new();
        GzDecoder::new(&*bytes).read_to_string(&mut out).expect("a packed text");
        return out;
    }
    String::from_utf8(bytes).expect("a text")
}

/// The files of raw frames with their markets and how many messages each holds (the captures' own README).
pub(crate) const FILES: [(&str, Market, usize); 9] = [
    ("hftbacktest/spot_btcusdt_20240808_first120s.gz", Market::BinanceSpot, 13_753),
    ("hftbacktest/usdm_btcusdt_20240808_first60s.gz", Market::BinanceUsdm, 15_738),
    ("hftbacktest/usdm_ethusdt_20240808_first30s.gz", Market::BinanceUsdm, 6_665),
    ("cryptofeed/BINANCE.ws.1.0", Market::BinanceSpot, 265),
    ("cryptofeed/BINANCE.http.0.0", Market::BinanceSpot, 4),
    ("cryptofeed/BINANCE_FUTURES.ws.1.0", Market::BinanceUsdm, 1_535),
    ("cryptofeed/BINANCE_FUTURES.http.0.0", Market::BinanceUsdm, 4),
    ("cryptofeed/usdm_frames_2026-08-08.jsonl", Market::BinanceUsdm, 4),
    ("crypto-msg-parser/frames.jsonl", Market::BinanceSpot, 50),
];

/// The frames of one file.
pub(crate) fn frames(dir: &Path, file: &str, market: Market) -> Vec<Sample> {
    let all = text(&dir.join(file));
    let markets: Vec<Market> = match file.strip_suffix("frames.jsonl") {
        Some(stem) => text(&dir.join(stem).join("frames.index.tsv")).lines().map(market_of_row).collect(),
        None => Vec::new(),
    };
    let mut out = Vec::new();
    // A recording of sockets begins with where it was connected to, and ends with an empty line.
    for (at, line) in all.lines().enumerate().filter(|(_, l)| !l.starts_with("wss://") && !l.is_empty()) {
        let market = markets.get(at).copied().unwrap_or(market);
        let (head, body) = line.split_at(line.find('{').unwrap_or_else(|| panic!("{file}:{} holds no JSON", at + 1)));
        let sent = sent(file, head, body);
        out.push(Sample { place: format!("{file}:{}", at + 1), market, sent, bytes: body.as_bytes().to_vec() });
    }
    out
}

fn market_of_row(row: &str) -> Market {
    if row.split('\t').any(|cell| cell == "spot") { Market::BinanceSpot } else { Market::BinanceUsdm }
}

fn sent(file: &str, head: &str, body: &str) -> Sent {
    let field = |text: &str, name: &str, end: &[char]| {
        let at = text.find(name)? + name.len();
        Some(text[at..].split(end).next().unwrap_or_default().to_owned())
    };
    if body.starts_with("{\"stream\"") {
        return Sent::Combined;
    }
    if !body.starts_with("{\"lastUpdateId\"") {
        return Sent::RestOther;
    }
    let asked = field(head, "symbol=", &['&', ' ']);
    let said = field(body, "\"symbol\":\"", &['"']);
    let named = if file.contains("ethusdt") { "ETHUSDT" } else { "BTCUSDT" };
    let limit = field(head, "limit=", &['&', ' ']).and_then(|l| l.parse().ok()).unwrap_or(0);
    Sent::RestDepth(asked.or(said).unwrap_or_else(|| named.to_owned()), limit)
}

/// One frame by hand of each kind that the captures lack, and a few odd ones (binance.md, sections 2 and 4).
pub(crate) fn by_hand() -> Vec<Sample> {
    let spot = Market::BinanceSpot;
    let usdm = Market::BinanceUsdm;
    let rows = [
        (
            spot,
            r#"{"stream":"btcusdt@blockTrade","data":{"e":"blockTrade","E":1,"s":"BTCUSDT","t":5,"p":"1.10","q":"2","T":1,"m":true}}"#,
        ),
        (
            spot,
            r#"{"stream":"btcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"1","o":"1","h":"2","l":"1","v":"0","q":"0.00000000"}}"#,
        ),
        (
            spot,
            r#"{"stream":"btcusdt@ticker_1h","data":{"e":"1hTicker","E":1,"s":"BTCUSDT","p":"-0.5","P":"-1","o":"1","h":"1","l":"1","c":"1","w":"1","v":"1","q":"1","O":1,"C":2,"F":-1,"L":-1,"n":0}}"#,
        ),
        (
            spot,
            r#"{"stream":"btcusdt@avgPrice","data":{"e":"avgPrice","E":1,"s":"BTCUSDT","i":"5m","w":"25776.86","T":1}}"#,
        ),
        (spot, r#"{"stream":"btcusdt@referencePrice","data":{"e":"referencePrice","s":"BTCUSDT","r":null,"t":1}}"#),
        (
            spot,
            r#"{"data":{"E":1,"s":"币安人生USDT","t":1,"p":"1","q":"1","T":1,"m":false},"stream":"币安人生usdt@trade","x":[{}]}"#,
        ),
        (
            usdm,
            r#"{"stream":"!forceOrder@arr","data":{"e":"forceOrder","E":1,"o":{"s":"ABUSDT","S":"sell","o":"LIMIT","f":"IOC","q":"5","p":"0.1","ap":"0.1","X":"FILLED","l":"5","z":"5","T":1,"new":{"a":[1]}}}}"#,
        ),
        (
            usdm,
            r#"{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":1,"s":"BTCUSD_PERP","c":"1","o":"1","h":"2","l":"1","v":"0","q":"0","st":2},{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"1","o":"1","h":"2","l":"1","v":"0","q":"0","st":1},{"s":"X"}]}"#,
        ),
        (
            usdm,
            r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1,"s":"BTCUSDT","ct":"PERPETUAL","bks":[{"bs":1,"mmr":0.004}],"st":1}}"#,
        ),
        (
            spot,
            r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["1.10","2",[]]],"a":[]}}"#,
        ),
        (spot, r#"{"result":null,"id":1}"#),
        (spot, r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#),
    ];
    let mut out: Vec<Sample> = rows
        .into_iter()
        .enumerate()
        .map(|(at, (market, json))| Sample {
            place: format!("by hand {at}"),
            market,
            sent: Sent::Combined,
            bytes: json.as_bytes().to_vec(),
        })
        .collect();
    let raw = r#"{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":false}"#;
    out.push(Sample {
        place: "by hand, raw".to_owned(),
        market: spot,
        sent: Sent::Raw("btcusdt@trade".to_owned()),
        bytes: raw.as_bytes().to_vec(),
    });
    out
}
