//! The five recordings with expected books: how to come by each, and holding a book against what is expected.

use std::fs;
use std::path::{Path, PathBuf};

use meltica::schema::id::Market;
use meltica::schema::instrument::Instrument;
use serde_json::Value;

use super::{convert_cryptofeed, decimal, read_gz};

/// One recording.
#[derive(Clone, Copy)]
pub struct Recording {
    /// Of the expected files.
    pub name: &'static str,
    pub market: &'static str,
    from: From,
}

#[derive(Clone, Copy)]
enum From {
    Lines(&'static str),
    Cryptofeed(&'static str),
}

const SPOT: &str = "BINANCE-SPOT";
const USDM: &str = "BINANCE-USDM";

pub const RECORDINGS: [Recording; 5] = [
    lines("spot_btcusdt_first120s", SPOT, "hftbacktest/spot_btcusdt_20240808_first120s.gz"),
    lines("usdm_btcusdt_first60s", USDM, "hftbacktest/usdm_btcusdt_20240808_first60s.gz"),
    lines("usdm_ethusdt_first30s", USDM, "hftbacktest/usdm_ethusdt_20240808_first30s.gz"),
    Recording { name: "cryptofeed_spot_202110", market: SPOT, from: From::Cryptofeed("BINANCE") },
    Recording { name: "cryptofeed_usdm_202107", market: USDM, from: From::Cryptofeed("BINANCE_FUTURES") },
];

const fn lines(name: &'static str, market: &'static str, path: &'static str) -> Recording {
    Recording { name, market, from: From::Lines(path) }
}

impl Recording {
    /// Its capture, made in `scratch` where it is of another format.
    pub fn capture(&self, folder: &Path, scratch: &Path) -> PathBuf {
        match self.from {
            From::Lines(path) => folder.join(path),
            From::Cryptofeed(name) => {
                let from = folder.join("cryptofeed");
                let out = scratch.join(format!("{name}.capture"));
                convert_cryptofeed(&from.join(format!("{name}.ws.1.0")), &from.join(format!("{name}.http.0.0")), &out);
                out
            }
        }
    }

    /// What is expected of each symbol.
    pub fn expected(&self, folder: &Path) -> serde_json::Map<String, Value> {
        let summary = fs::read(folder.join(format!("expected/{}.summary.json", self.name))).unwrap();
        serde_json::from_slice(&summary).unwrap()
    }

    /// Holds the books that the program wrote against the expected ones: counts, quality, every level.
    pub fn assert_books(&self, folder: &Path, books: &Value) {
        let expected = self.expected(folder);
        assert_eq!(books.as_object().unwrap().len(), expected.len(), "{}: one book a symbol", self.name);
        for (symbol, expected) in &expected {
            self.assert_book(folder, books, symbol, expected);
        }
    }

    fn assert_book(&self, folder: &Path, books: &Value, symbol: &str, expected: &Value) {
        let (name, instrument) = (self.name, instrument_of(symbol));
        let book = &books[format!("{}/{instrument}", self.market)];
        assert!(book.is_object(), "{name}: no book of {instrument}");
        for (ours, theirs) in [
            ("updateId", "last_u"),
            ("applied", "applied"),
            ("dropped", "dropped"),
            ("agree", "agree"),
            ("disagree", "disagree"),
        ] {
            assert_eq!(book[ours], expected[theirs], "{name} {symbol}: {ours}");
        }
        assert_eq!(book["quality"], "Good", "{name} {symbol}");
        let last = read_gz(&folder.join(format!("expected/{name}.{symbol}.final_book.json.gz")));
        let last: Value = serde_json::from_str(&last).unwrap();
        for side in ["bids", "asks"] {
            let pairs = |levels: &Value| -> Vec<_> {
                levels.as_array().unwrap().iter().map(|l| (decimal(&l[0]), decimal(&l[1]))).collect()
            };
            assert_eq!(pairs(&book[side]), pairs(&last[side]), "{name} {symbol}: {side}");
        }
    }
}

/// The name of a symbol's instrument.
pub fn instrument_of(symbol: &str) -> Box<str> {
    Instrument::from_symbol(Market::BinanceSpot, symbol).name
}
