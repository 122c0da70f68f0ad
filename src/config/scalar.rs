//! Purpose: single values held against the schema: type, unit, limits, form.
//! Owns: the words in which a wrong value is told. Thread: any (cold). Takes and gives: a value in, plain data or a
//! message out. Never: changes what a value means.

use serde_json::Value;

use super::fault::quoted;
use super::node::Content;
use super::schema::limits;
use super::suggest::nearest;
use super::units::{Bytes, DURATION, SIZE, duration};
use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::instrument::{SYMBOL_LEN_MAX, uppercase_symbol};

/// Built-in types that are one state an instrument, so that the latest stands for those before it.
const STATES: [&str; 8] = [
    "ANALYTICS.FUSED",
    "ORDERBOOK.SNAPSHOT",
    "TICKER",
    "TICKER.MINI",
    "TICKER.BOOK",
    "PRICE.AVERAGE",
    "PRICE.REFERENCE",
    "PRICE.MARK",
];

/// What was found, for a person.
pub(super) fn found(content: &Content) -> String {
    match content {
        Content::Null => "nothing".to_owned(),
        Content::Truth(truth) => truth.to_string(),
        Content::Whole(whole) => whole.to_string(),
        Content::Real(real) => real.to_string(),
        Content::Text(text) => quoted(text),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "keys with values".to_owned(),
    }
}

/// One of some words, in any case; given in the spelling of the schema.
pub(super) fn choice(content: &Content, words: &[&str]) -> Result<Value, String> {
    let Content::Text(text) = content else {
        return Err(format!("expected one of {}, found {}", words.join(", "), found(content)));
    };
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(Value::String((*word).to_owned()));
    }
    let hint = nearest(text, words.iter().copied()).map_or(String::new(), |w| format!("; did you mean {w}?"));
    Err(format!("{} is not one of {}{hint}", quoted(text), words.join(", ")))
}

/// `true` or `false`.
pub(super) fn truth(content: &Content) -> Result<Value, String> {
    match content {
        Content::Truth(truth) => Ok(Value::Bool(*truth)),
        other => Err(format!("expected true or false, found {}", found(other))),
    }
}

/// A whole number within its limits.
pub(super) fn whole(content: &Content, schema: &Value) -> Result<Value, String> {
    let allowed = limits(schema).map_or(String::new(), |limits| format!(", {limits}"));
    let Content::Whole(value) = *content else {
        return Err(format!("expected a whole number{allowed}, found {}", found(content)));
    };
    let edge = |key: &str| schema[key].as_number().and_then(serde_json::Number::as_i128);
    let within = edge("minimum").is_none_or(|least| value >= least) && edge("maximum").is_none_or(|most| value <= most);
    match serde_json::Number::from_i128(value).filter(|_| within && u64::try_from(value).is_ok()) {
        Some(number) => Ok(Value::Number(number)),
        None => Err(format!("{value} is out of range: expected a whole number{allowed}")),
    }
}

/// Text of a form.
pub(super) fn text(content: &Content, form: &str, schema: &Value) -> Result<Value, String> {
    match form {
        DURATION => with_unit(content, schema, duration, &DURATION_WORDS),
        SIZE => with_unit(content, schema, Bytes::parse, &SIZE_WORDS),
        _ => match content {
            Content::Text(text) => of_form(text, form).map(Value::String),
            other => Err(format!("expected text, found {} (quote it if it is meant as text)", found(other))),
        },
    }
}

struct UnitWords {
    what: &'static str,
    units: &'static str,
}

const DURATION_WORDS: UnitWords = UnitWords { what: "a duration such as 200ms", units: "ns, us, ms, s, m, h, d" };
const SIZE_WORDS: UnitWords = UnitWords { what: "a size such as 1 MiB", units: "B, KiB, MiB, GiB" };

fn with_unit<T: PartialOrd>(
    content: &Content,
    schema: &Value,
    parse: fn(&str) -> Option<T>,
    words: &UnitWords,
) -> Result<Value, String> {
    let allowed = limits(schema).map_or(String::new(), |limits| format!(", {limits}"));
    let expected = format!("expected {}{allowed} (units: {})", words.what, words.units);
    let bare = match content {
        Content::Text(text) => match parse(text) {
            Some(value) => {
                let bound = |key: &str| schema[key].as_str().and_then(parse);
                let within = bound("x-minimum").is_none_or(|least| value >= least)
                    && bound("x-maximum").is_none_or(|most| value <= most);
                let told = || format!("{} is out of range: {expected}", quoted(text));
                return if within { Ok(Value::String(text.clone())) } else { Err(told()) };
            }
            None => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.'),
        },
        other => matches!(other, Content::Whole(_) | Content::Real(_)),
    };
    let found = found(content);
    Err(if bare { format!("{found} has no unit: {expected}") } else { format!("{found}: {expected}") })
}

/// Checks the form of a text and gives it in the spelling that is kept.
pub(super) fn of_form(text: &str, form: &str) -> Result<String, String> {
    match form {
        "instrument" => {
            let fine = !text.is_empty()
                && text.len() <= SYMBOL_LEN_MAX + 1
                && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '@' | '/' | ','));
            let expected = "expected an instrument such as BTC-USDT, or the venue's symbol such as BTCUSDT";
            if fine { Ok(uppercase_symbol(text)) } else { Err(format!("{}: {expected}", quoted(text))) }
        }
        "canonical-type" | "state-type" => {
            let name = CanonicalType::parse(text).map_err(|err| err.to_string())?;
            let name = name.as_str();
            if form == "state-type" && builtin::find(name).is_some() && !STATES.contains(&name) {
                return Err(format!(
                    "{name} is never conflated: expected {}, or a type of your own",
                    STATES.join(", ")
                ));
            }
            Ok(name.to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}
