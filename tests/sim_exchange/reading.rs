//! Purpose: reads what the simulated exchange sends as anybody would: serde_json, ordered maps, the official rule.
//! Owns: a naive book. Thread: the test's. Takes and gives: frames as the io agent gets them.
//! Never: uses the simulation's own books.

use std::collections::{BTreeMap, HashMap};

use meltica::schema::decimal::Decimal;
use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, Urgency};
use meltica::schema::id::Market;
use meltica::schema::topic::{StreamKind, StreamName};
use meltica::sim::book::Side;
use meltica::sim::channel::Channels;
use meltica::sim::options::{ExchangeOptions, SimOptions};
use meltica::sim::source::SimSource;
use meltica::sim::spec::default_symbols;
use serde_json::Value;

/// A frame as it came, kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) connection: u16,
    pub(crate) number: u64,
    pub(crate) receive: i64,
    /// The symbol of a depth body; empty for stream frames, `*` for exchangeInfo.
    pub(crate) body_of: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn keep(frame: Frame<'_>) -> Kept {
    let body_of = match frame.origin {
        Origin::RestDepth { symbol, .. } => symbol.to_owned(),
        Origin::ExchangeInfo { .. } => "*".to_owned(),
        _ => String::new(),
    };
    assert_eq!(frame.market, Market::BinanceSpot);
    Kept {
        connection: frame.connection.0,
        number: frame.number,
        receive: frame.receive.0,
        body_of,
        bytes: frame.bytes.to_vec(),
    }
}

/// Pulls to the end; `each` may ask for snapshots, as the conductor does.
pub(crate) fn drain(source: &mut SimSource, mut each: impl FnMut(&Kept) -> Option<String>) -> Vec<Kept> {
    let mut kept: Vec<Kept> = Vec::new();
    loop {
        let before = kept.len();
        let pulled = source.pull(&mut |frame| kept.push(keep(frame))).expect("the simulation never breaks");
        match pulled {
            Pulled::Ended => return kept,
            Pulled::Nothing => assert_eq!(kept.len(), before),
            Pulled::Frame => {
                assert_eq!(kept.len(), before + 1);
                if let Some(symbol) = each(&kept[before]) {
                    let request = SnapshotRequest {
                        market: Market::BinanceSpot,
                        symbol: &symbol,
                        epoch: 1,
                        urgency: Urgency::Book,
                    };
                    source.request_snapshot(request);
                }
            }
        }
    }
}

pub(crate) fn options(seed: u64, symbols: usize, channels: Channels, frames: u64) -> SimOptions {
    let exchange = ExchangeOptions { seed, symbols: default_symbols(symbols), channels, ..ExchangeOptions::default() };
    SimOptions { exchange, frames_max: Some(frames), ..SimOptions::default() }
}

/// Name of the stream and its payload.
pub(crate) fn parse(bytes: &[u8]) -> (String, Value) {
    let mut frame: Value = serde_json::from_slice(bytes).expect("every true frame is JSON");
    let name = frame["stream"].as_str().expect("a combined frame").to_owned();
    (name, frame["data"].take())
}

pub(crate) fn kind(name: &str) -> StreamKind {
    StreamName::parse(name).unwrap_or_else(|| panic!("{name} is a stream that the venue has")).topic.kind
}

pub(crate) fn decimal(value: &Value) -> Decimal {
    let text = value.as_str().expect("numbers are strings");
    let (_, behind) = text.split_once('.').expect("with a point");
    assert_eq!(behind.len(), 8, "eight decimals: {text}");
    text.parse().expect("a plain decimal")
}

pub(crate) fn run(options: SimOptions) -> Vec<Kept> {
    let mut asked = HashMap::new();
    drain(&mut SimSource::new(options).expect("valid options"), |kept| {
        let text = String::from_utf8_lossy(&kept.bytes).into_owned();
        let name = text.strip_prefix("{\"stream\":\"")?.split('"').next()?.to_owned();
        let symbol = name.strip_suffix("@depth@100ms")?.to_uppercase();
        let diffs = asked.entry(symbol.clone()).or_insert(0u64);
        *diffs += 1;
        (*diffs % 40 == 1).then_some(symbol)
    })
}

/// A book by the venue's own description: absolute quantities, zero removes.
#[derive(Default)]
pub(crate) struct NaiveBook {
    pub(crate) id: u64,
    sides: [BTreeMap<Decimal, Decimal>; 2],
}

impl NaiveBook {
    pub(crate) fn apply(&mut self, side: Side, levels: &Value) {
        for level in levels.as_array().expect("a list") {
            let (price, quantity) = (decimal(&level[0]), decimal(&level[1]));
            if quantity.is_zero() {
                self.sides[side as usize].remove(&price);
            } else {
                self.sides[side as usize].insert(price, quantity);
            }
        }
    }

    pub(crate) fn of_snapshot(body: &Value) -> NaiveBook {
        let mut book = NaiveBook { id: body["lastUpdateId"].as_u64().expect("an id"), ..NaiveBook::default() };
        book.apply(Side::Bid, &body["bids"]);
        book.apply(Side::Ask, &body["asks"]);
        book
    }

    pub(crate) fn best_first(&self, side: Side) -> Vec<(Decimal, Decimal)> {
        let levels = self.sides[side as usize].iter().map(|(p, q)| (*p, *q));
        if side == Side::Bid { levels.rev().collect() } else { levels.collect() }
    }
}
