//! Purpose: bodies of JSON, read so that nothing in them can mean two things or cost more than their bytes.
//! Owns: nothing. Thread: the connection's. Takes and gives: bytes in, a value of the asked type or a refusal out.
//! Never: recurses deeper than [`DEPTH_MAX`]; takes the second of two equal keys; rounds a number (faults.md, S07).

use core::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::schema::command::ControlCode;

/// How deep lists and objects may nest.
pub(super) const DEPTH_MAX: usize = 32;
/// Decimal digits that every binary fraction of 64 bits keeps.
const EXACT_DIGITS: usize = 15;
/// 2^53: below it a float of 64 bits holds every whole number.
const WHOLE_BOUND: f64 = 9_007_199_254_740_992.0;
const NUMBER_BYTES_MAX: usize = 32;

/// Reads a body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let bad = |message: String| Refusal::new(400, ControlCode::BadCommand.as_str(), message);
    check(body).map_err(|message| bad(message.to_owned()))?;
    let Strict(value) = serde_json::from_slice(body).map_err(|error| bad(format!("the body is no JSON: {error}")))?;
    serde_json::from_value(value).map_err(|error| bad(format!("the body is not as expected: {error}")))
}

/// Looks at depth and numbers, before anything is built. One pass, no recursion.
fn check(body: &[u8]) -> Result<(), &'static str> {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => at += string_end(&body[at + 1..]),
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err("the body nests deeper than 32");
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let length = body[at..].iter().take_while(|byte| b"+-.eE0123456789".contains(byte)).count();
                if !is_exact(&body[at..at + length]) {
                    return Err("the body has a number that cannot be held exactly: write it as a text");
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Bytes to the closing quote of a string whose opening one is before `bytes`.
fn string_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_exact(number: &[u8]) -> bool {
    let Some(text) = core::str::from_utf8(number).ok().filter(|text| text.len() <= NUMBER_BYTES_MAX) else {
        return false;
    };
    if text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        return text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|byte| *byte == b'0').count();
    digits <= EXACT_DIGITS && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A value in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Strict, D::Error> {
        from.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// A whole number is one however it is written (`60.0`, `6e1`): JSON knows but numbers.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        let whole = value.fract() == 0.0 && value.abs() < WHOLE_BOUND;
        // Exact: the bound is within both types.
        Ok(if whole { (value as i64).into() } else { value.into() })
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some((key, Strict(value))) = object.next_entry::<String, Strict>()? {
            if entries.contains_key(&key) {
                return Err(A::Error::custom("a key stands twice"));
            }
            entries.insert(key, value);
        }
        Ok(Value::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Option<String> {
        read::<Value>(body.as_bytes()).err().map(|refusal| refusal.message)
    }

    #[test]
    fn plain_json_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,0.5,18446744073709551615,-9223372036854775808],"b":"\"]}\\","c":{"d":null,"e":true}}"#;
        let value: Value = read(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
        let whole: Value = read(b"[60.0,6e1,-1E2,0.5]").unwrap();
        assert_eq!(whole.to_string(), "[60,60,-100,0.5]");
    }

    #[test]
    fn bombs_and_ambiguities_are_refused() {
        let deepest = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        assert_eq!(refused(&deepest), None);
        let table = [
            (format!("[{deepest}]"), "deeper than 32"),
            ("[".repeat(60_000), "deeper than 32"),
            (r#"{"a":"#.repeat(10_000), "deeper than 32"),
            ("9".repeat(60_000), "exactly"),
            ("1.0000000000000001".to_owned(), "exactly"),
            ("1e400".to_owned(), "exactly"),
            ("18446744073709551616".to_owned(), "exactly"),
            (format!("0.{}1", "0".repeat(60_000)), "exactly"),
            (r#"{"a":1,"a":2}"#.to_owned(), "twice"),
            (r#"{"b":{"a":1,"\u0061":2}}"#.to_owned(), "twice"),
            ("{} {}".to_owned(), "no JSON"),
            (String::new(), "no JSON"),
            ("\"open".to_owned(), "no JSON"),
            ("\"\\".to_owned(), "no JSON"),
            ("NaN".to_owned(), "no JSON"),
            ("01".to_owned(), "no JSON"),
            ("\u{feff}{}".to_owned(), "no JSON"),
        ];
        for (body, expected) in table {
            let shown: String = body.chars().take(40).collect();
            let told = refused(&body).unwrap_or_else(|| panic!("{shown} was taken"));
            assert!(told.contains(expected), "{shown}: {told}");
            assert!(told.len() < 200, "{shown}: the answer is short");
        }
        assert!(read::<Value>(b"\"\xff\"").is_err(), "no UTF-8");
    }
}
