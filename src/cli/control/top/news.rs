//! Purpose: what the feed says, as plain data. Owns: how events are read. Thread: any (cold). Takes and gives: JSON in, figures
//! out. Never: keeps a text that could move the cursor.

use std::time::Duration;

use serde_json::Value;

use super::super::grid::plain;
use crate::schema::latency::LatencyReport;
use crate::schema::report::StatusReport;

/// Something the feed said, or did not say.
#[derive(Debug)]
pub(super) enum News {
    /// How it does.
    Status(Box<StatusReport>),
    /// Its latency; `None`: it does not tell of it.
    Latency(Option<Box<LatencyReport>>),
    /// The newest best prices, one of an instrument.
    Tops(Vec<Top>),
    /// What became of a book.
    Quality(Quality),
    /// It does not answer.
    Lost(String),
}

/// Which book.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BookName {
    pub(super) instrument: String,
    pub(super) market: String,
}

impl BookName {
    fn of_event(event: &Value) -> Option<BookName> {
        let instrument = plain(event["instrument"].as_str()?);
        Some(BookName { instrument, market: plain(event["market"].as_str().unwrap_or_default()) })
    }
}

/// The best of a book. Prices and quantities are as the feed wrote them: exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Top {
    pub(super) book: BookName,
    /// When its line was read, since the start of `top`: it may wait before it is handed on.
    pub(super) heard: Duration,
    /// How many of its kind there were.
    pub(super) seq: u64,
    /// When what caused it was received, UTC ns.
    pub(super) receive_ns: i64,
    pub(super) quality: String,
    pub(super) bid: String,
    pub(super) bid_quantity: String,
    pub(super) ask: String,
    pub(super) ask_quantity: String,
    pub(super) spread: String,
}

impl Top {
    /// Of an `ANALYTICS.FUSED` that was read at `heard`; `None` for anything else.
    pub(super) fn of_event(event: &Value, heard: Duration) -> Option<Top> {
        if event["type"] != "ANALYTICS.FUSED" {
            return None;
        }
        let field = |name: &str| event["payload"][name].as_str().map_or_else(|| "-".to_owned(), plain);
        Some(Top {
            book: BookName::of_event(event)?,
            heard,
            seq: event["seq"].as_u64()?,
            receive_ns: event["receiveTs"].as_i64().unwrap_or_default(),
            quality: event["quality"].as_str().map(plain).unwrap_or_default(),
            bid: field("bid"),
            bid_quantity: field("bidQuantity"),
            ask: field("ask"),
            ask_quantity: field("askQuantity"),
            spread: field("spread"),
        })
    }
}

/// What a book is worth from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quality {
    pub(super) book: BookName,
    pub(super) quality: String,
    /// When what caused it was received, UTC ns.
    pub(super) receive_ns: i64,
}

impl Quality {
    /// Of a `STATUS.BOOK`; `None` for anything else.
    pub(super) fn of_event(event: &Value) -> Option<Quality> {
        if event["type"] != "STATUS.BOOK" {
            return None;
        }
        Some(Quality {
            book: BookName::of_event(event)?,
            quality: plain(event["quality"].as_str()?),
            receive_ns: event["receiveTs"].as_i64().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_read_by_their_types_and_nothing_else_is() {
        let fused = json!({"type": "ANALYTICS.FUSED", "instrument": "BTC-USDT", "market": "BINANCE-SPOT", "seq": 7,
            "quality": "Good", "payload": {"bid": "1.5", "bidQuantity": "2", "ask": null, "spread": "0.1"}});
        let heard = Duration::from_millis(7);
        let top = Top::of_event(&fused, heard).unwrap();
        assert_eq!((top.bid.as_str(), top.ask.as_str(), top.seq, top.heard), ("1.5", "-", 7, heard));
        assert_eq!(Quality::of_event(&fused), None);
        let status = json!({"type": "STATUS.BOOK", "instrument": "A\u{1b}", "market": "M", "quality": "Gap"});
        let quality = Quality::of_event(&status).unwrap();
        assert_eq!((quality.book.instrument.as_str(), quality.quality.as_str()), ("A\\u{1b}", "Gap"));
        assert_eq!(Top::of_event(&status, heard), None);
        for strange in [json!({}), json!([]), json!({"stream": "lag"}), json!({"type": "ANALYTICS.FUSED"})] {
            assert_eq!((Top::of_event(&strange, heard), Quality::of_event(&strange)), (None, None), "{strange}");
        }
    }
}
