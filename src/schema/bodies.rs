//! Purpose: REST bodies that say what a stream says: which one a path gives, and which of its keys is which of the stream's.
//! Owns: the tables (rest-api.md of 2026-07-21; USD-M's pages of 2026-07-22). Thread: any. Takes and gives: paths and keys.
//! Never: claims a field that a body does not have.

use super::topic::StreamKind;

/// The keys of a kind's REST body, each with the stream's key whose slot takes it. Candles come as arrays
/// ([`KLINE_ROW`]); kinds without a body have none. (A depth body has a kind of its own.)
pub const fn body_keys(kind: StreamKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        StreamKind::Trade => TRADE,
        StreamKind::AggTrade => AGG_TRADE,
        StreamKind::BookTicker => BOOK_TICKER,
        StreamKind::Ticker => TICKER,
        StreamKind::MiniTicker => MINI_TICKER,
        StreamKind::WindowTicker => WINDOW_TICKER,
        StreamKind::AvgPrice => AVG_PRICE,
        StreamKind::ReferencePrice => REFERENCE_PRICE,
        StreamKind::MarkPrice => MARK_PRICE,
        _ => &[],
    }
}

type Keys = &'static [(&'static str, &'static str)];

const TRADE: Keys =
    &[("id", "t"), ("price", "p"), ("qty", "q"), ("time", "T"), ("isBuyerMaker", "m"), ("isBestMatch", "M")];
const AGG_TRADE: Keys =
    &[("a", "a"), ("p", "p"), ("q", "q"), ("f", "f"), ("l", "l"), ("T", "T"), ("m", "m"), ("M", "M"), ("nq", "nq")];
/// Spot's body has neither an id nor a time.
const BOOK_TICKER: Keys = &[
    ("symbol", "s"),
    ("bidPrice", "b"),
    ("bidQty", "B"),
    ("askPrice", "a"),
    ("askQty", "A"),
    ("lastUpdateId", "u"),
    ("time", "T"),
];
const TICKER: Keys = &[
    ("symbol", "s"),
    ("priceChange", "p"),
    ("priceChangePercent", "P"),
    ("weightedAvgPrice", "w"),
    ("prevClosePrice", "x"),
    ("lastPrice", "c"),
    ("lastQty", "Q"),
    ("bidPrice", "b"),
    ("bidQty", "B"),
    ("askPrice", "a"),
    ("askQty", "A"),
    ("openPrice", "o"),
    ("highPrice", "h"),
    ("lowPrice", "l"),
    ("volume", "v"),
    ("quoteVolume", "q"),
    ("openTime", "O"),
    ("closeTime", "C"),
    ("firstId", "F"),
    ("lastId", "L"),
    ("count", "n"),
];
/// Its closing time is the moment for which it was made.
const MINI_TICKER: Keys = &[
    ("symbol", "s"),
    ("lastPrice", "c"),
    ("openPrice", "o"),
    ("highPrice", "h"),
    ("lowPrice", "l"),
    ("volume", "v"),
    ("quoteVolume", "q"),
    ("closeTime", "E"),
];
const WINDOW_TICKER: Keys = &[
    ("symbol", "s"),
    ("priceChange", "p"),
    ("priceChangePercent", "P"),
    ("weightedAvgPrice", "w"),
    ("openPrice", "o"),
    ("highPrice", "h"),
    ("lowPrice", "l"),
    ("lastPrice", "c"),
    ("volume", "v"),
    ("quoteVolume", "q"),
    ("openTime", "O"),
    ("closeTime", "C"),
    ("firstId", "F"),
    ("lastId", "L"),
    ("count", "n"),
];
/// `mins` is a number of minutes, and becomes an interval as streams write it (`5m`).
const AVG_PRICE: Keys = &[("mins", "i"), ("price", "w"), ("closeTime", "T")];
/// Any body of one price: `/api/v3/ticker/price` too, for a type of one's own.
const REFERENCE_PRICE: Keys = &[("symbol", "s"), ("price", "r"), ("time", "t")];
const MARK_PRICE: Keys = &[
    ("symbol", "s"),
    ("markPrice", "p"),
    ("indexPrice", "i"),
    ("estimatedSettlePrice", "P"),
    ("lastFundingRate", "r"),
    ("nextFundingTime", "T"),
    ("time", "E"),
];

/// The stream's keys of a candle's row, in order; what comes behind is documented as "ignore".
pub const KLINE_ROW: [&str; 11] = ["k.t", "k.o", "k.h", "k.l", "k.c", "k.v", "k.T", "k.q", "k.n", "k.V", "k.Q"];

/// Whether a REST body can be read as a kind.
pub const fn has_body(kind: StreamKind) -> bool {
    matches!(kind, StreamKind::Kline) || !body_keys(kind).is_empty()
}

/// Which stream's fields the body of a path has (a query or a host may stand around it); `None` for bodies that no stream is
/// like.
pub fn body_kind(call: &str) -> Option<StreamKind> {
    let path = path_of(call);
    let name = path.strip_prefix("/api/v3/").or_else(|| path.strip_prefix("/fapi/v1/"))?;
    let mini = parameter(call, "type") == Some("MINI");
    Some(match name {
        "trades" => StreamKind::Trade,
        "aggTrades" => StreamKind::AggTrade,
        "klines" => StreamKind::Kline,
        "avgPrice" => StreamKind::AvgPrice,
        "ticker/24hr" if mini => StreamKind::MiniTicker,
        "ticker/24hr" => StreamKind::Ticker,
        "ticker/bookTicker" => StreamKind::BookTicker,
        "ticker/price" | "referencePrice" => StreamKind::ReferencePrice,
        "ticker" => StreamKind::WindowTicker,
        "premiumIndex" => StreamKind::MarkPrice,
        _ => return None,
    })
}

/// The path of a call, without host and query.
pub fn path_of(call: &str) -> &str {
    let local = call.split_once("://").map_or(call, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    local.split_once('?').map_or(local, |(path, _)| path)
}

/// A parameter of a call's query, as it stands there.
pub fn parameter<'c>(call: &'c str, name: &str) -> Option<&'c str> {
    let (_, query) = call.split_once('?')?;
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Undoes `%XX`; a text that is not well-formed is kept as it stands.
pub fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = (*byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let code = pair.and_then(|p| core::str::from_utf8(p).ok()).and_then(|p| u8::from_str_radix(p, 16).ok());
        out.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::layout::{layout, slot_of};

    #[test]
    fn every_key_of_a_body_has_a_slot_of_its_own() {
        for kind in StreamKind::ALL {
            let slots: Vec<_> = body_keys(kind).iter().map(|(_, key)| slot_of(kind, key)).collect();
            assert!(slots.iter().all(Option::is_some), "{kind:?}");
            let distinct: std::collections::HashSet<_> = slots.iter().collect();
            assert_eq!(distinct.len(), slots.len(), "{kind:?}");
        }
        assert!(KLINE_ROW.iter().all(|key| slot_of(StreamKind::Kline, key).is_some()));
    }

    /// What a body lacks must be something that its canonical form can do without: event times and names, and what only some
    /// streams send.
    #[test]
    fn what_a_body_lacks_is_known() {
        let lacking = |kind: StreamKind| -> Vec<&str> {
            let has = |key: &str| body_keys(kind).iter().any(|(_, to)| *to == key);
            layout(kind).iter().filter(|spec| spec.required && !has(spec.key)).map(|spec| spec.key).collect()
        };
        let table: [(StreamKind, &[&str]); 9] = [
            (StreamKind::Trade, &["E", "s"]),
            (StreamKind::AggTrade, &["E", "s"]),
            (StreamKind::BookTicker, &[]),
            (StreamKind::Ticker, &["E"]),
            (StreamKind::MiniTicker, &[]),
            (StreamKind::WindowTicker, &["e", "E"]),
            (StreamKind::AvgPrice, &["E", "s"]),
            (StreamKind::ReferencePrice, &[]),
            (StreamKind::MarkPrice, &[]),
        ];
        for (kind, expected) in table {
            assert_eq!(lacking(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_path_says_what_its_body_is() {
        let table = [
            ("/api/v3/trades?symbol=BTCUSDT&limit=5", Some(StreamKind::Trade)),
            ("https://fapi.binance.com/fapi/v1/premiumIndex", Some(StreamKind::MarkPrice)),
            ("/fapi/v1/ticker/24hr", Some(StreamKind::Ticker)),
            ("/api/v3/ticker/24hr?type=MINI", Some(StreamKind::MiniTicker)),
            ("/api/v3/ticker/24hr?type=FULL", Some(StreamKind::Ticker)),
            ("/api/v3/ticker?windowSize=1h", Some(StreamKind::WindowTicker)),
            ("/api/v3/ticker/price", Some(StreamKind::ReferencePrice)),
            ("/api/v3/time", None),
            ("/fapi/v1/openInterest?symbol=X", None),
            ("/trades", None),
            ("https://host", None),
            ("", None),
        ];
        for (call, kind) in table {
            assert_eq!(body_kind(call), kind, "{call}");
        }
        assert_eq!(parameter("/a?x=1&symbol=BTC", "symbol"), Some("BTC"));
        assert_eq!((parameter("/a", "x"), parameter("/a?y", "y")), (None, None));
        for (text, decoded) in [("%E5%B8%81USDT", "币USDT"), ("%zz%4", "%zz%4"), ("A", "A"), ("%ff", "%ff")] {
            assert_eq!(percent_decoded(text), decoded);
        }
    }
}
