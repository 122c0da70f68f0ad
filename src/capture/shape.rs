//! Purpose: tells what a capture line's JSON is: a stream frame, a bare depth body, a recorded REST call.
//! Owns: the shapes that a capture may hold. Thread: the io thread. Takes and gives: bytes in, ranges out.
//! Never: parses a payload; calls a line broken (the parser does, and counts).

use core::ops::Range;

use super::members::Members;
use crate::schema::bodies::{parameter, path_of, percent_decoded};

/// What a line's JSON is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A combined stream frame; where its stream's name is.
    Stream {
        /// The name, without quotes.
        name: Range<usize>,
    },
    /// A depth body without a word on its symbol.
    BareDepth,
    /// A REST call and its body.
    Rest {
        /// Path and query, without quotes, escapes untouched.
        path: Range<usize>,
        /// The body.
        data: Range<usize>,
    },
    /// Anything else.
    Other,
}

const STREAM: &[u8] = br#"{"stream":""#;

/// Tells the shape. Nearly every line begins with `{"stream":"` and costs a comparison and the name's length.
#[inline]
pub(super) fn shape(json: &[u8]) -> Shape {
    if json.starts_with(STREAM) {
        let name = &json[STREAM.len()..];
        if let Some(end) = name.iter().position(|b| *b == b'"') {
            return Shape::Stream { name: STREAM.len()..STREAM.len() + end };
        }
    }
    by_members(json)
}

fn by_members(json: &[u8]) -> Shape {
    let (mut path, mut data, mut update_id, mut levels) = (None, None, false, false);
    for member in Members::of(json) {
        match &json[member.key] {
            b"stream" => return text(json, member.value).map_or(Shape::Other, |name| Shape::Stream { name }),
            b"rest" => path = text(json, member.value),
            b"data" => data = Some(member.value),
            b"lastUpdateId" => update_id = true,
            b"bids" | b"asks" => levels = true,
            _ => {}
        }
    }
    match (path, data) {
        (Some(path), Some(data)) => Shape::Rest { path, data },
        (None, _) if update_id && levels => Shape::BareDepth,
        _ => Shape::Other,
    }
}

/// The inside of a string value.
fn text(json: &[u8], value: Range<usize>) -> Option<Range<usize>> {
    (json.get(value.start) == Some(&b'"')).then(|| value.start + 1..value.end - 1)
}

/// A recorded REST call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RestCall {
    /// A depth snapshot, of this symbol (uppercase) and limit (0: not said).
    Depth {
        /// The symbol.
        symbol: String,
        /// The limit.
        limit: u32,
    },
    /// exchangeInfo.
    ExchangeInfo {
        /// Of all instruments: no parameter named or chose some.
        whole: bool,
    },
    /// Another.
    Other,
}

impl RestCall {
    /// Reads path and query; a scheme and host before them are skipped.
    pub(super) fn parse(call: &str) -> RestCall {
        let query = call.split_once('?').map_or("", |(_, query)| query);
        match path_of(call) {
            "/api/v3/exchangeInfo" | "/fapi/v1/exchangeInfo" => {
                // `showPermissionSets` chooses what is said, not of whom.
                let of_whom = |parameter: &str| !parameter.is_empty() && !parameter.starts_with("showPermissionSets");
                RestCall::ExchangeInfo { whole: !query.split('&').any(of_whom) }
            }
            "/api/v3/depth" | "/fapi/v1/depth" => {
                let limit = parameter(call, "limit").and_then(|v| v.parse().ok()).unwrap_or(0);
                match parameter(call, "symbol").map(percent_decoded) {
                    Some(symbol) if !symbol.is_empty() => {
                        RestCall::Depth { symbol: crate::schema::instrument::uppercase_symbol(&symbol), limit }
                    }
                    _ => RestCall::Other,
                }
            }
            _ => RestCall::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_its_top_level_keys_say() {
        let table = [
            (r#"{"stream":"btcusdt@trade","data":{}}"#, "stream btcusdt@trade"),
            (r#"{"data":{"stream":"no"},"stream":"a@trade"}"#, "stream a@trade"),
            (r#" { "stream" : "a@depth" }"#, "stream a@depth"),
            (r#"{"lastUpdateId":7,"bids":[],"asks":[]}"#, "depth"),
            (r#"{"bids":[],"asks":[],"E":1,"lastUpdateId":7}"#, "depth"),
            (r#"{"lastUpdateId":7}"#, "other"),
            (r#"{"rest":"/api/v3/time","data":{"serverTime":1}}"#, r#"rest /api/v3/time {"serverTime":1}"#),
            (r#"{"data":[ 1 ],"rest":"/x"}"#, "rest /x [ 1 ]"),
            (r#"{"rest":"/x"}"#, "other"),
            (r#"{"rest":7,"data":{}}"#, "other"),
            (r#"{"result":null,"id":1}"#, "other"),
            (r#"{"stream":7}"#, "other"),
            (r#"{"stream":"a"#, "other"),
            ("[]", "other"),
            ("", "other"),
        ];
        for (json, expected) in table {
            let shown = match shape(json.as_bytes()) {
                Shape::Stream { name } => format!("stream {}", &json[name]),
                Shape::BareDepth => "depth".to_owned(),
                Shape::Rest { path, data } => format!("rest {} {}", &json[path], &json[data]),
                Shape::Other => "other".to_owned(),
            };
            assert_eq!(shown, expected, "{json}");
        }
    }

    #[test]
    fn rest_calls_are_told_by_path_and_query() {
        let depth = |symbol: &str, limit| RestCall::Depth { symbol: symbol.to_owned(), limit };
        let table = [
            ("/api/v3/depth?symbol=BTCUSDT&limit=5000", depth("BTCUSDT", 5000)),
            ("https://fapi.binance.com/fapi/v1/depth?limit=1000&symbol=ethusdt", depth("ETHUSDT", 1000)),
            ("/api/v3/depth?symbol=%E5%B8%81USDT", depth("币USDT", 0)),
            ("/api/v3/depth?symbol=%zz%4&limit=x", depth("%ZZ%4", 0)),
            ("/api/v3/depth?limit=5", RestCall::Other),
            ("/api/v3/depth?symbol=", RestCall::Other),
            ("/api/v3/exchangeInfo?symbol=X", RestCall::ExchangeInfo { whole: false }),
            ("/api/v3/exchangeInfo?showPermissionSets=false", RestCall::ExchangeInfo { whole: true }),
            ("/fapi/v1/exchangeInfo", RestCall::ExchangeInfo { whole: true }),
            ("/fapi/v1/premiumIndex", RestCall::Other),
            ("https://host", RestCall::Other),
            ("", RestCall::Other),
        ];
        for (call, expected) in table {
            assert_eq!(RestCall::parse(call), expected, "{call}");
        }
    }
}
