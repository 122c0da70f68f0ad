//! Purpose: the payloads of streams asked for with `timeUnit=MICROSECOND` (web-socket-streams.md of 2026-07-21).
//! Owns: which keys of which stream are times. Thread: the market's. Takes and gives: a payload with milliseconds in, one
//! with microseconds out. Never: parses; the keys stand where the wire writers put them.

use crate::sim::channel::Channel;

/// What the digits behind a time's milliseconds are.
#[derive(Clone, Copy)]
enum Behind {
    /// When the venue stamped the event.
    Stamp,
    /// When the thing happened.
    Moment,
    /// The start of a stretch of time.
    Start,
    /// The last microsecond of one.
    End,
}

/// The venue stamps an event half a millisecond after it happened (see `listing`).
const STAMP_DELAY_NS: i64 = 500_000;

const fn keys(channel: Option<Channel>) -> &'static [(&'static str, Behind)] {
    match channel {
        Some(Channel::Trade | Channel::AggTrade) => &[(",\"E\":", Behind::Stamp), (",\"T\":", Behind::Moment)],
        Some(Channel::BlockTrade) => &[(",\"E\":", Behind::Stamp), (",\"T\":", Behind::Start)],
        Some(Channel::AvgPrice) => &[(",\"E\":", Behind::Stamp), (",\"T\":", Behind::Start)],
        Some(Channel::Kline) => &[(",\"E\":", Behind::Stamp), ("{\"t\":", Behind::Start), (",\"T\":", Behind::End)],
        Some(Channel::Ticker | Channel::HourTicker) => {
            &[(",\"E\":", Behind::Stamp), (",\"O\":", Behind::Start), (",\"C\":", Behind::Moment)]
        }
        Some(Channel::ReferencePrice) => &[(",\"t\":", Behind::Moment)],
        Some(Channel::BookTicker | Channel::PartialDepth) => &[],
        Some(Channel::Depth | Channel::MiniTicker) | None => &[(",\"E\":", Behind::Stamp)],
    }
}

/// The payload with its times in microseconds; `venue_ns` is when the event happened. A channel of `None` stands for a
/// payload with no time but `E`.
pub(super) fn with_micros(payload: &[u8], channel: Option<Channel>, venue_ns: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 16);
    let mut at = 0;
    for (key, behind) in keys(channel) {
        let Some(found) = find(&payload[at..], key.as_bytes()) else { continue };
        let digits_from = at + found + key.len();
        let digits = payload[digits_from..].iter().take_while(|b| b.is_ascii_digit()).count();
        out.extend_from_slice(&payload[at..digits_from + digits]);
        let micros = match behind {
            Behind::Stamp => (venue_ns + STAMP_DELAY_NS).div_euclid(1_000).rem_euclid(1_000),
            Behind::Moment => venue_ns.div_euclid(1_000).rem_euclid(1_000),
            Behind::Start => 0,
            Behind::End => 999,
        };
        if digits > 0 {
            out.extend([micros / 100, micros / 10 % 10, micros % 10].map(|d| b'0' + d as u8));
        }
        at = digits_from + digits;
    }
    out.extend_from_slice(&payload[at..]);
    out
}

fn find(bytes: &[u8], key: &[u8]) -> Option<usize> {
    bytes.windows(key.len()).position(|w| w == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_gain_digits() {
        let table = [
            (
                Channel::Trade,
                r#"{"e":"trade","E":1700000000002,"s":"B","t":7,"p":"1","q":"1","T":1700000000001,"m":true}"#,
                r#"{"e":"trade","E":1700000000002234,"s":"B","t":7,"p":"1","q":"1","T":1700000000001734,"m":true}"#,
            ),
            (
                Channel::Kline,
                r#"{"e":"kline","E":1700000000002,"s":"B","k":{"t":1700000000000,"T":1700000059999,"s":"B"}}"#,
                r#"{"e":"kline","E":1700000000002234,"s":"B","k":{"t":1700000000000000,"T":1700000059999999,"s":"B"}}"#,
            ),
            (Channel::BookTicker, r#"{"u":1,"s":"B"}"#, r#"{"u":1,"s":"B"}"#),
            (Channel::ReferencePrice, r#"{"s":"B","r":null,"t":5}"#, r#"{"s":"B","r":null,"t":5734}"#),
        ];
        for (channel, millis, micros) in table {
            let out = with_micros(millis.as_bytes(), Some(channel), 1_700_000_000_001_734_000);
            assert_eq!(String::from_utf8_lossy(&out), micros);
        }
    }
}
