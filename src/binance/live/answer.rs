//! Purpose: frames that speak to the connection's owner, not to consumers: answers to control messages, refusals, the
//! notice of a shutdown. Owns: how they are told from data (binance.md, section 2). Thread: the io thread.
//! Takes and gives: bytes. Never: reads a data frame further than its first bytes.

use serde::Deserialize;

/// What such a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A control message was taken.
    Done {
        /// Its id, when it is a whole number.
        id: Option<u64>,
        /// The streams, when they were asked for.
        streams: Option<Vec<String>>,
    },
    /// A control message was refused.
    Refused {
        /// Its id; the venue does not always tell it.
        id: Option<u64>,
        /// The venue's code and words.
        why: String,
    },
    /// The server will close soon.
    Shutdown,
}

/// How data begins in a combined frame.
const DATA: &[u8] = br#"{"stream":""#;
const SHUTDOWN: &[u8] = br#"{"stream":"!serverShutdown""#;
/// What a raw shutdown notice has among its first bytes: `{"e":"serverShutdown","E":…}`.
const RAW_SHUTDOWN: &[u8] = br#""serverShutdown""#;
const RAW_HEAD: usize = 32;
/// The longest frame that is looked into: 1,024 names of 70 bytes.
const BYTES_MAX: usize = 96 << 10;

#[derive(Deserialize)]
struct Wire {
    e: Option<String>,
    stream: Option<String>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Option<serde_json::Value>>,
    error: Option<Refusal>,
    code: Option<i64>,
    msg: Option<String>,
    id: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Refusal {
    code: Option<i64>,
    msg: Option<String>,
}

/// Keeps "absent" and `null` apart.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<serde_json::Value>>, D::Error> {
    Option::<serde_json::Value>::deserialize(from).map(Some)
}

/// The stream's name in a combined frame as the venue writes it; `None` when it is written otherwise.
#[inline]
pub(super) fn stream_name(frame: &[u8]) -> Option<&str> {
    let rest = frame.strip_prefix(DATA)?;
    let end = rest.iter().position(|b| *b == b'"')?;
    core::str::from_utf8(&rest[..end]).ok()
}

/// What the frame says to its connection's owner; `None` for data.
#[inline]
pub(super) fn read(frame: &[u8]) -> Option<Answer> {
    if frame.starts_with(DATA) {
        return frame.starts_with(SHUTDOWN).then_some(Answer::Shutdown);
    }
    read_other(frame)
}

/// As [`read`], of a raw connection, whose data has no wrapper to be told by. It sends no control message, so that only one
/// thing can be for its owner, and that begins with its name.
#[inline]
pub(super) fn read_raw(frame: &[u8]) -> Option<Answer> {
    let head = &frame[..frame.len().min(RAW_HEAD)];
    head.windows(RAW_SHUTDOWN.len()).any(|w| w == RAW_SHUTDOWN).then_some(Answer::Shutdown)
}

#[cold]
fn read_other(frame: &[u8]) -> Option<Answer> {
    let wire: Wire = (frame.len() <= BYTES_MAX).then(|| serde_json::from_slice(frame).ok())??;
    if wire.e.as_deref() == Some("serverShutdown") || wire.stream.as_deref() == Some("!serverShutdown") {
        return Some(Answer::Shutdown);
    }
    let id = wire.id.as_ref().and_then(serde_json::Value::as_u64);
    let refusal = match (wire.error, wire.code, wire.msg) {
        (Some(error), ..) => Some((error.code, error.msg)),
        (None, code @ Some(_), msg @ Some(_)) => Some((code, msg)),
        _ => None,
    };
    if let Some((code, msg)) = refusal {
        let why = format!("{}: {}", code.unwrap_or_default(), msg.unwrap_or_default());
        return Some(Answer::Refused { id, why });
    }
    let streams = match wire.result? {
        Some(serde_json::Value::Array(names)) => {
            Some(names.iter().filter_map(|n| n.as_str().map(str::to_owned)).collect())
        }
        _ => None,
    };
    Some(Answer::Done { id, streams })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_the_owner_is_told_from_data() {
        let done = |id, streams: Option<&[&str]>| {
            let streams = streams.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
            Some(Answer::Done { id, streams })
        };
        let refused = |id, why: &str| Some(Answer::Refused { id, why: why.to_owned() });
        let table = [
            (r#"{"result":null,"id":7}"#, done(Some(7), None)),
            (r#"{"id":7,"result":["a@trade","b@depth"]}"#, done(Some(7), Some(&["a@trade", "b@depth"]))),
            (r#"{"result":[],"id":1}"#, done(Some(1), Some(&[]))),
            (r#"{"result":null,"id":null}"#, done(None, None)),
            (r#"{"result":null,"id":"x"}"#, done(None, None)),
            (r#"{"code":2,"msg":"Invalid request","id":3}"#, refused(Some(3), "2: Invalid request")),
            (r#"{"code":0,"msg":"x"}"#, refused(None, "0: x")),
            (r#"{"error":{"code":3,"msg":"bad"},"id":4}"#, refused(Some(4), "3: bad")),
            (r#"{"e":"serverShutdown","E":1770123456789}"#, Some(Answer::Shutdown)),
            (r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown"}}"#, Some(Answer::Shutdown)),
            (r#"{"data":{},"stream":"!serverShutdown"}"#, Some(Answer::Shutdown)),
            (r#"{"stream":"a@trade","data":{"result":null,"id":3}}"#, None),
            (r#"{"data":{"e":"trade"},"stream":"a@trade"}"#, None),
            (r#"{"e":"trade","id":5}"#, None),
            (r#"{"u":1,"s":"A","b":"1"}"#, None),
            ("", None),
            ("[]", None),
            ("{", None),
            ("7", None),
        ];
        for (frame, answer) in table {
            assert_eq!(read(frame.as_bytes()), answer, "{frame}");
        }
    }

    #[test]
    fn a_raw_connection_hears_of_a_shutdown_and_of_nothing_else() {
        let table = [
            (r#"{"e":"serverShutdown","E":1770123456789}"#, true),
            (r#"{ "e" : "serverShutdown" }"#, true),
            (r#"{"e":"trade","E":1770123456789,"s":"AUSDT"}"#, false),
            (r#"{"u":1,"s":"A","b":"1","B":"1","a":"2","A":"1"}"#, false),
            (r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#, false),
            ("", false),
            ("{", false),
        ];
        for (frame, shutdown) in table {
            assert_eq!(read_raw(frame.as_bytes()), shutdown.then_some(Answer::Shutdown), "{frame}");
        }
    }

    #[test]
    fn names_are_read_as_the_venue_writes_them() {
        let table = [
            (r#"{"stream":"btcusdt@depth","data":1}"#, Some("btcusdt@depth")),
            (r#"{"stream":"币usdt@trade","data":1}"#, Some("币usdt@trade")),
            (r#"{"stream":"","data":1}"#, Some("")),
            (r#"{ "stream":"a"}"#, None),
            (r#"{"stream":"a"#, None),
            (r#"{"data":1,"stream":"a"}"#, None),
        ];
        for (frame, name) in table {
            assert_eq!(stream_name(frame.as_bytes()), name, "{frame}");
        }
    }
}
