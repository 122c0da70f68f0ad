//! Purpose: a bounded look into a capture file: which market it is of, which symbols its streams name.
//! Owns: nothing. Thread: any (cold). Takes and gives: a path in, findings out.
//! Never: reads past its bounds; reports a damaged line (the replay does, in its place).

use std::path::Path;
use std::sync::Arc;

use super::line::LineReader;
use super::members::Members;
use super::shape::{Shape, shape};
use crate::schema::frame::SourceError;
use crate::schema::id::Market;
use crate::schema::instrument::uppercase_symbol;
use crate::schema::topic::{StreamKind, StreamName};
use crate::sync::AtomicU64;

/// Most lines that a scan reads.
pub const SCAN_LINES_MAX: u64 = 2_048;
/// A scan ends with the line by which it has read so many bytes.
pub const SCAN_BYTES_MAX: u64 = 16 << 20;

/// Which market a capture file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketGuess {
    /// The market; spot when nothing tells.
    pub market: Market,
    /// What told, for a person.
    pub because: &'static str,
    /// The line that told, from 1; `None` when nothing did.
    pub line: Option<u64>,
    /// The first line that looks like the other market's: one file of two markets cannot be told apart line by line.
    pub against: Option<u64>,
}

/// The symbols that the stream frames of a file name, as far as was looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Symbols {
    /// None.
    #[default]
    None,
    /// One, uppercase.
    One(String),
    /// More than one: two of them, uppercase, and the line, from 1, that named the second.
    Several {
        /// The first.
        first: String,
        /// Another.
        second: String,
        /// Where the other was named.
        line: u64,
    },
}

impl Symbols {
    /// Takes note of a stream's name; tells whether it made one symbol into several. Streams of all symbols name none.
    #[inline]
    pub(super) fn note(&mut self, stream: &str, line: u64) -> bool {
        let Some((symbol, _)) = stream.split_once('@') else { return false };
        match self {
            Symbols::Several { .. } => false,
            // The common case: the same symbol again, in the case in which names are sent.
            Symbols::One(only) if only.len() == symbol.len() && only.eq_ignore_ascii_case(symbol) => false,
            _ => self.note_new(symbol, line),
        }
    }

    #[cold]
    fn note_new(&mut self, symbol: &str, line: u64) -> bool {
        if symbol.is_empty() || symbol.starts_with('!') {
            return false;
        }
        let symbol = uppercase_symbol(symbol);
        match self {
            Symbols::None => *self = Symbols::One(symbol),
            Symbols::One(only) if *only != symbol => {
                *self = Symbols::Several { first: core::mem::take(only), second: symbol, line };
                return true;
            }
            _ => {}
        }
        false
    }
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The market.
    pub guess: MarketGuess,
    /// The symbols.
    pub symbols: Symbols,
    /// Lines looked at.
    pub lines: u64,
}

impl Scan {
    /// Looks at the first [`SCAN_LINES_MAX`] lines, at most [`SCAN_BYTES_MAX`] bytes and one line. A damaged line ends
    /// the scan without a word.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn of(path: &Path, line_bytes_max: usize) -> Result<Scan, SourceError> {
        let (mut reader, _) = LineReader::open(path, line_bytes_max, Arc::new(AtomicU64::new(0)))?;
        let (mut symbols, mut usdm, mut spot, mut bytes) = (Symbols::None, None, None, 0u64);
        while reader.lines() < SCAN_LINES_MAX && bytes < SCAN_BYTES_MAX {
            let Ok(Some(stamped)) = reader.advance() else { break };
            let line = reader.lines();
            let json = &reader.bytes()[stamped.json];
            bytes += json.len() as u64;
            if let Shape::Stream { name } = shape(json) {
                symbols.note(core::str::from_utf8(&json[name]).unwrap_or(""), line);
            }
            match evidence(json) {
                Some((Market::BinanceUsdm, because)) => usdm = usdm.or(Some((line, because))),
                Some((Market::BinanceSpot, because)) => spot = spot.or(Some((line, because))),
                None => {}
            }
        }
        Ok(Scan { guess: MarketGuess::weigh(usdm, spot), symbols, lines: reader.lines() })
    }
}

impl MarketGuess {
    fn weigh(usdm: Option<(u64, &'static str)>, spot: Option<(u64, &'static str)>) -> MarketGuess {
        let against = usdm.and(spot).map(|(line, _)| line);
        match (usdm, spot) {
            (Some((line, because)), _) => {
                MarketGuess { market: Market::BinanceUsdm, because, line: Some(line), against }
            }
            (None, Some((line, because))) => {
                MarketGuess { market: Market::BinanceSpot, because, line: Some(line), against }
            }
            (None, None) => MarketGuess {
                market: Market::BinanceSpot,
                because: "nothing that tells, so spot is taken",
                line: None,
                against,
            },
        }
    }
}

/// Which market a file is of: USD-M if one of its first lines can only be USD-M's, spot otherwise.
///
/// # Errors
/// When the file cannot be opened.
pub fn guess_market(path: &Path) -> Result<MarketGuess, SourceError> {
    Scan::of(path, SCAN_BYTES_MAX as usize).map(|scan| scan.guess)
}

/// What one line says of its market (binance.md, sections 2 and 4, 2026-07-22).
fn evidence(json: &[u8]) -> Option<(Market, &'static str)> {
    const USDM: Market = Market::BinanceUsdm;
    const SPOT: Market = Market::BinanceSpot;
    match shape(json) {
        Shape::Rest { path, .. } => {
            let path = core::str::from_utf8(&json[path]).unwrap_or("");
            if path.contains("/fapi/") {
                return Some((USDM, "a REST call to /fapi/"));
            }
            path.contains("/api/v3/").then_some((SPOT, "a REST call to /api/v3/"))
        }
        Shape::Stream { name } => {
            let kind = StreamName::parse(core::str::from_utf8(&json[name]).ok()?)?.topic.kind;
            let has = |key| Members::get(json, "data").is_some_and(|data| Members::get(data, key).is_some());
            match kind {
                StreamKind::MarkPrice => Some((USDM, "a markPrice stream")),
                StreamKind::ForceOrder => Some((USDM, "a forceOrder stream")),
                StreamKind::DepthDiff if has("pu") => Some((USDM, "a depthUpdate with `pu`")),
                StreamKind::DepthDiff if has("u") => Some((SPOT, "a depthUpdate without `pu`")),
                StreamKind::BookTicker if has("e") => Some((USDM, "a bookTicker with `e`")),
                StreamKind::BookTicker if has("u") => Some((SPOT, "a bookTicker without `e`")),
                _ => None,
            }
        }
        Shape::Other => {
            let event = Members::get(json, "e")?;
            match event {
                br#""depthUpdate""# if Members::get(json, "pu").is_some() => Some((USDM, "a depthUpdate with `pu`")),
                br#""markPriceUpdate""# => Some((USDM, "a markPriceUpdate")),
                br#""forceOrder""# => Some((USDM, "a forceOrder")),
                br#""bookTicker""# => Some((USDM, "a bookTicker with `e`")),
                _ => None,
            }
        }
        Shape::BareDepth => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_its_market_only_where_the_markets_differ() {
        let table = [
            (r#"{"stream":"a@depth","data":{"e":"depthUpdate","U":1,"u":2,"pu":0,"b":[],"a":[]}}"#, "usdm"),
            (r#"{"stream":"a@depth","data":{"e":"depthUpdate","U":1,"u":2,"b":[["pu","1"]],"a":[]}}"#, "spot"),
            (r#"{"stream":"a@bookTicker","data":{"e":"bookTicker","u":2}}"#, "usdm"),
            (r#"{"stream":"a@bookTicker","data":{"u":2}}"#, "spot"),
            (r#"{"stream":"!markPrice@arr","data":[]}"#, "usdm"),
            (r#"{"stream":"a@forceOrder","data":{}}"#, "usdm"),
            (r#"{"stream":"a@trade","data":{"e":"trade"}}"#, "-"),
            (r#"{"rest":"/fapi/v1/time","data":{}}"#, "usdm"),
            (r#"{"rest":"/api/v3/time","data":{}}"#, "spot"),
            (r#"{"rest":"/x","data":{}}"#, "-"),
            (r#"{"e":"depthUpdate","pu":7}"#, "usdm"),
            (r#"{"e":"depthUpdate"}"#, "-"),
            (r#"{"lastUpdateId":1,"bids":[]}"#, "-"),
            ("garbage", "-"),
        ];
        for (json, expected) in table {
            let told = match evidence(json.as_bytes()) {
                Some((Market::BinanceUsdm, _)) => "usdm",
                Some((Market::BinanceSpot, _)) => "spot",
                None => "-",
            };
            assert_eq!(told, expected, "{json}");
        }
    }

    #[test]
    fn symbols_are_told_apart_whatever_their_case() {
        let mut symbols = Symbols::None;
        for (stream, several, shown) in [
            ("!ticker@arr", false, Symbols::None),
            ("nonsense", false, Symbols::None),
            ("btcusdt@trade", false, Symbols::One("BTCUSDT".to_owned())),
            ("BTCusdt@depth@100ms", false, Symbols::One("BTCUSDT".to_owned())),
            (
                "币usdt@trade",
                true,
                Symbols::Several { first: "BTCUSDT".to_owned(), second: "币USDT".to_owned(), line: 5 },
            ),
            (
                "ethusdt@trade",
                false,
                Symbols::Several { first: "BTCUSDT".to_owned(), second: "币USDT".to_owned(), line: 5 },
            ),
        ] {
            assert_eq!(symbols.note(stream, 5), several, "{stream}");
            assert_eq!(symbols, shown, "{stream}");
        }
    }
}
