//! Purpose: diffs written otherwise than the venue writes them: the same said in other words, or numbers that are none
//! (faults.md, F07, F39–F41). Owns: the ways. Thread: the source's. Takes and gives: a true combined frame in, bytes out.
//! Never: parses; the frame is one that the wire writers made.

use super::rng::Rng;
use super::ways::ways;

ways! {
    /// How a diff says the same in other words: whoever reads JSON reads the same book.
    pub enum Dress {
        /// Fields that nobody knows, of every kind of value, before and behind the others.
        ExtraFields = "extra_fields",
        /// The keys from the last to the first, of the wrapper too.
        ReorderedKeys = "reordered_keys",
        /// Spaces, tabs and line ends wherever JSON allows them.
        WhiteSpace = "white_space",
        /// The characters of names and numbers as `\u0030`.
        Escapes = "escapes",
        /// Six more digits behind every price and quantity, all zero.
        MoreDecimals = "more_decimals",
    }
}

ways! {
    /// What stands in a diff in place of one of its numbers.
    pub enum BadNumber {
        /// Its last update id is text.
        TextId = "text_id",
        /// Its last update id is 2^64.
        HugeId = "huge_id",
        /// Its last update id is negative.
        NegativeId = "negative_id",
        /// Its last update id has a fraction.
        FractionId = "fraction_id",
        /// A price is `1e5`.
        Exponent = "exponent",
        /// A price is `NaN`.
        NotANumber = "nan",
        /// A price is `Infinity`.
        Infinity = "infinity",
        /// A price is negative.
        NegativePrice = "negative_price",
        /// A price is `-0`.
        MinusZero = "minus_zero",
        /// A price is empty.
        Empty = "empty",
        /// A price has 400 digits.
        Long = "long",
        /// A price is a bare JSON number.
        Bare = "bare",
        /// A price has two points.
        TwoPoints = "two_points",
    }
}

const DATA: &[u8] = b"\"data\":{";

fn find(bytes: &[u8], key: &[u8]) -> Option<usize> {
    bytes.windows(key.len()).position(|w| w == key)
}

/// The frame in another dress.
pub(super) fn dressed(dress: Dress, frame: &[u8]) -> Vec<u8> {
    match dress {
        Dress::ExtraFields => with_fields(frame),
        Dress::ReorderedKeys => reordered(frame),
        Dress::WhiteSpace => through(frame, |out, byte, in_text| {
            let structural = !in_text && matches!(byte, b'{' | b'}' | b'[' | b']' | b':' | b',');
            out.extend_from_slice(if structural { b" \t" } else { b"" });
            out.push(byte);
            out.extend_from_slice(if structural { b"\r\n " } else { b"" });
        }),
        Dress::Escapes => {
            // Keys too: a reader that compares bytes finds none of them.
            through(frame, |out, byte, in_text| match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'u' if in_text => {
                    out.extend_from_slice(format!("\\u{byte:04X}").as_bytes())
                }
                b'/' if in_text => out.extend_from_slice(b"\\/"),
                _ => out.push(byte),
            })
        }
        Dress::MoreDecimals => {
            let mut out = Vec::with_capacity(frame.len() * 2);
            // Only prices and quantities end with a digit behind a point.
            let mut point = false;
            for &byte in frame {
                if byte == b'"' && core::mem::take(&mut point) {
                    out.extend_from_slice(b"000000");
                }
                point = byte == b'.' || (point && byte.is_ascii_digit());
                out.push(byte);
            }
            out
        }
    }
}

/// Rewrites byte by byte, told whether it stands inside a string; quotes do not.
fn through(frame: &[u8], mut write: impl FnMut(&mut Vec<u8>, u8, bool)) -> Vec<u8> {
    let (mut out, mut in_text) = (Vec::with_capacity(frame.len() * 3), false);
    for &byte in frame {
        if byte == b'"' {
            in_text = !in_text;
            out.push(byte);
        } else {
            write(&mut out, byte, in_text);
        }
    }
    out
}

fn with_fields(frame: &[u8]) -> Vec<u8> {
    let Some(at) = find(frame, DATA).map(|at| at + DATA.len()) else { return frame.to_vec() };
    let tail = frame.len() - b"}}".len().min(frame.len());
    let mut out = frame[..at].to_vec();
    out.extend_from_slice(b"\"zz\":{\"U\":1,\"b\":[[\"1\",\"2\"]]},\"flag\":true,\"ratio\":-1.5e3,");
    out.extend_from_slice(&frame[at..tail]);
    out.extend_from_slice(b",\"none\":null,\"list\":[[],[1,\"x\"]],\"text\":\"\\\"}\"}}");
    out
}

fn reordered(frame: &[u8]) -> Vec<u8> {
    let Some(at) = find(frame, DATA).map(|at| at + DATA.len()) else { return frame.to_vec() };
    let fields = &frame[at..frame.len() - b"}}".len().min(frame.len())];
    // A comma that stands in no list and in no string ends a field.
    let (mut depth, mut in_text, mut starts) = (0, false, vec![0]);
    for (index, byte) in fields.iter().enumerate() {
        match byte {
            b'"' => in_text = !in_text,
            b'[' if !in_text => depth += 1,
            b']' if !in_text => depth -= 1,
            b',' if !in_text && depth == 0 => starts.push(index + 1),
            _ => {}
        }
    }
    let mut out = b"{\"data\":{".to_vec();
    let mut end = fields.len();
    for start in starts.into_iter().rev() {
        out.extend_from_slice(&fields[start..end]);
        out.push(b',');
        end = start.saturating_sub(1);
    }
    out.pop();
    out.extend_from_slice(b"},");
    // `"stream":"…"` stands between the first brace and the comma before `"data"`.
    out.extend_from_slice(&frame[1..at - DATA.len() - 1]);
    out.push(b'}');
    out
}

/// The frame with a number that is none; the true one where it has no such number.
pub(super) fn misnumbered(bad: BadNumber, frame: &[u8]) -> Vec<u8> {
    let in_id = |value: &str| replaced(frame, b"\"u\":", |byte| byte.is_ascii_digit(), value);
    let in_price = |value: &str| replaced(frame, b"[[\"", |byte| *byte != b'"', value);
    match bad {
        BadNumber::TextId => in_id("\"50093239224\""),
        BadNumber::HugeId => in_id("18446744073709551616"),
        BadNumber::NegativeId => in_id("-5"),
        BadNumber::FractionId => in_id("50093239224.5"),
        BadNumber::Exponent => in_price("1e5"),
        BadNumber::NotANumber => in_price("NaN"),
        BadNumber::Infinity => in_price("Infinity"),
        BadNumber::NegativePrice => in_price("-1.00000000"),
        BadNumber::MinusZero => in_price("-0"),
        BadNumber::Empty => in_price(""),
        BadNumber::Long => in_price(&"7".repeat(400)),
        BadNumber::TwoPoints => in_price("1.0.0"),
        BadNumber::Bare => {
            let (from, to) = (b"[[\"".len(), in_price("1.5"));
            match find(&to, b"[[\"1.5\"") {
                Some(at) => [&to[..at + from - 1], b"1.5", &to[at + from + b"1.5\"".len()..]].concat(),
                None => to,
            }
        }
    }
}

/// The frame with what follows a key, as far as it is of the value, replaced.
fn replaced(frame: &[u8], key: &[u8], of_value: impl Fn(&u8) -> bool, value: &str) -> Vec<u8> {
    let Some(from) = find(frame, key).map(|at| at + key.len()) else { return frame.to_vec() };
    let length = frame[from..].iter().take_while(|byte| of_value(byte)).count();
    [&frame[..from], value.as_bytes(), &frame[from + length..]].concat()
}

/// A frame spoilt in one of four ways.
pub(super) fn garbage(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let payload = bytes.windows(8).position(|w| w == DATA).map_or(0, |at| at + 8);
    let mut out = bytes.to_vec();
    match rng.below(4) {
        0 => out.truncate(payload + rng.below((bytes.len() - payload) as u64) as usize),
        1 => {
            // Inside the symbol's value, or wherever that is; 0xff is in no UTF-8 text.
            let at = bytes.windows(5).position(|w| w == b"\"s\":\"").map_or(0, |at| at + 5);
            out[at] = 0xff;
        }
        2 => {
            out.truncate(payload);
            out.extend_from_slice(
                b"\"e\":\"depthUpdate\",\"E\":1,\"s\":1,\"U\":-5,\"u\":\"NaN\",\"b\":[[\"NaN\",1e5]],\"a\":7}}",
            );
        }
        _ => out = b"<html><body>502 Bad Gateway</body></html>".to_vec(),
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FRAME: &str = r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":8,"u":9,"b":[["60000.00000000","0.10000000"],["1.00000000","2.00000000"]],"a":[]}}"#;

    fn read(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(bytes)))
    }

    #[test]
    fn every_dress_reads_as_the_same_diff() {
        let plain = read(FRAME.as_bytes());
        for dress in Dress::ALL {
            let bytes = dressed(*dress, FRAME.as_bytes());
            assert_ne!(bytes, FRAME.as_bytes(), "{dress:?}");
            let read = read(&bytes);
            assert_eq!(read["stream"], plain["stream"], "{dress:?}");
            for key in ["e", "E", "s", "U", "u", "a"] {
                assert_eq!(read["data"][key], plain["data"][key], "{dress:?}: {key}");
            }
            let price: f64 = read["data"]["b"][0][0].as_str().expect("text").parse().expect("a number");
            assert_eq!(price, 60_000.0, "{dress:?}");
        }
        assert!(dressed(Dress::ReorderedKeys, FRAME.as_bytes()).starts_with(b"{\"data\":{\"a\":[],\"b\":[["));
        assert_eq!(
            read(&dressed(Dress::MoreDecimals, FRAME.as_bytes()))["data"]["b"][1],
            json!(["1.00000000000000", "2.00000000000000"])
        );
    }

    #[test]
    fn every_bad_number_stands_in_sound_json() {
        for bad in BadNumber::ALL {
            let read = read(&misnumbered(*bad, FRAME.as_bytes()));
            let (id, price) = (&read["data"]["u"], &read["data"]["b"][0][0]);
            assert!(*id != json!(9) || *price != json!("60000.00000000"), "{bad:?}: {read}");
            assert_eq!(read["data"]["b"][1], json!(["1.00000000", "2.00000000"]), "{bad:?}");
        }
    }
}
