//! Purpose: filter rules, compiled to slots and evaluated on raw instances.
//! Owns: what `eq`, `neq`, `in` and `prefix` mean. Thread: compiled cold, evaluated on the dispatch thread.
//! Takes and gives: configuration in, truth values out. Never: allocates, formats or goes through a float when it evaluates.

use serde_json::Value as Json;

use crate::config::route::{FilterConfig, FilterOp};
use crate::schema::decimal::Decimal;
use crate::schema::instrument::uppercase_symbol;
use crate::schema::layout::{Want, layout, level_keys, slot_of, symbol_slot};
use crate::schema::raw::{RawRef, Value};
use crate::schema::topic::StreamKind;

/// A predicate, compiled for the frames of one stream kind.
///
/// A path that is absent, or `null` (the venue's "no value"), matches `neq` and nothing else. Numbers compare as exact
/// numbers, whatever the form on either side (`1.50` is `1.5`); texts compare with texts, truth values with truth values.
/// Keys that no table knows keep their value as the venue wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRule {
    place: Place,
    test: Test,
}

/// Where the value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Slot(usize),
    /// The symbol: a slot where the frame has it, else what the stream's name said.
    Symbol(Option<usize>),
    /// A key that is unknown to this kind but known to another of the route.
    Tail(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Eq(Operand),
    Neq(Operand),
    In(Box<[Operand]>),
    Prefix(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Number(Decimal),
    Text(Box<str>),
    Bool(bool),
}

/// Whether a path names the symbol of a kind's frames.
pub(super) fn is_symbol_path(kind: StreamKind, path: &str) -> bool {
    symbol_slot(kind).is_some_and(|slot| layout(kind)[slot].key == path)
}

impl FilterRule {
    /// Compiles a rule for one of the stream kinds of its route.
    ///
    /// # Errors
    /// The part of the rule that is wrong (`field` or `value`), and the message for a person.
    pub fn compile(
        config: &FilterConfig,
        kind: StreamKind,
        kinds: &[StreamKind],
    ) -> Result<FilterRule, (&'static str, String)> {
        let place = place(&config.field, kind, kinds).map_err(|message| ("field", message))?;
        let (want, upper) = match &place {
            Place::Slot(slot) => (layout(kind)[*slot].want, !layout(kind)[*slot].verbatim),
            Place::Symbol(_) => (Want::Text, true),
            // What another kind of the route says of the path; its spelling there is the venue's own.
            Place::Tail(path) => {
                let known = kinds.iter().find_map(|&k| Some(layout(k)[slot_of(k, path)?].want));
                (known.unwrap_or(Want::Text), false)
            }
        };
        let test = test(config, want, upper).map_err(|message| ("value", message))?;
        Ok(FilterRule { place, test })
    }

    /// Whether a raw instance of the rule's kind passes. `symbol` is what the stream's name said, uppercase; it is asked
    /// only where the frame itself has none.
    #[inline]
    pub fn holds<'a>(&self, raw: RawRef<'a>, symbol: impl FnOnce() -> Option<&'a str>) -> bool {
        let value = match &self.place {
            Place::Slot(slot) => raw.get(*slot),
            Place::Symbol(slot) => match slot.and_then(|s| raw.text(s)).or_else(symbol) {
                Some(text) => Value::Text(text),
                None => Value::Absent,
            },
            Place::Tail(path) => raw.unknown().find(|(key, _)| *key == &**path).map_or(Value::Absent, |(_, v)| tail(v)),
        };
        match &self.test {
            Test::Eq(operand) => operand.equals(value),
            Test::Neq(operand) => !operand.equals(value),
            Test::In(operands) => operands.iter().any(|o| o.equals(value)),
            Test::Prefix(prefix) => matches!(value, Value::Text(text) if text.starts_with(&**prefix)),
        }
    }
}

impl Operand {
    #[inline]
    fn equals(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Operand::Number(number), Value::Int(value)) => *number == Decimal::whole(value),
            (Operand::Number(number), Value::Decimal(value)) => *number == value,
            (Operand::Text(text), Value::Text(value)) => **text == *value,
            (Operand::Bool(bool), Value::Bool(value)) => *bool == value,
            _ => false,
        }
    }
}

/// A tail value is raw JSON text, cut at 255 bytes. A text with escapes stays as written; a cut one equals nothing whole.
fn tail(json: &str) -> Value<'_> {
    match json.as_bytes() {
        b"true" => Value::Bool(true),
        b"false" => Value::Bool(false),
        b"null" => Value::Null,
        [b'"', .., b'"'] => Value::Text(&json[1..json.len() - 1]),
        bytes => Decimal::parse(bytes).map_or(Value::Absent, Value::Decimal),
    }
}

fn place(path: &str, kind: StreamKind, kinds: &[StreamKind]) -> Result<Place, String> {
    if path.is_empty() || path.split('.').any(str::is_empty) {
        return Err(format!("`{path}` is no path: expected native keys joined by dots, e.g. `k.x`"));
    }
    if path.contains(['[', ']']) || path.split('.').any(|part| part.bytes().all(|b| b.is_ascii_digit())) {
        return Err(format!("`{path}` has an array index; filters cannot look into arrays: name a plain key"));
    }
    if kinds.iter().filter_map(|&k| level_keys(k)).any(|(bids, asks)| path == bids || path == asks)
        && !kinds.iter().any(|&k| slot_of(k, path).is_some())
    {
        return Err(format!("`{path}` holds book levels, which a filter cannot compare: name a plain key"));
    }
    if kinds.iter().any(|&k| is_symbol_path(k, path)) {
        return Ok(Place::Symbol(slot_of(kind, path).or_else(|| symbol_slot(kind))));
    }
    if let Some(slot) = slot_of(kind, path) {
        return Ok(Place::Slot(slot));
    }
    if kinds.iter().any(|&k| slot_of(k, path).is_some()) {
        return Ok(Place::Tail(path.into()));
    }
    let mut keys: Vec<&str> = kinds.iter().flat_map(|&k| layout(k)).map(|spec| spec.key).collect();
    keys.sort_unstable();
    keys.dedup();
    Err(format!(
        "no topic of this route has the key `{path}` (keys are case-sensitive); its topics have {}",
        keys.join(", ")
    ))
}

fn test(config: &FilterConfig, want: Want, upper: bool) -> Result<Test, String> {
    let read = |value: &Json| operand(&config.field, value, want, upper);
    Ok(match config.op {
        FilterOp::Eq => Test::Eq(read(&config.value)?),
        FilterOp::Neq => Test::Neq(read(&config.value)?),
        FilterOp::In => match &config.value {
            Json::Array(list) if !list.is_empty() => Test::In(list.iter().map(read).collect::<Result<_, _>>()?),
            other => return Err(format!("`in` needs a list with at least one value, found {}", shown(other))),
        },
        FilterOp::Prefix => match read(&config.value)? {
            Operand::Text(text) if !text.is_empty() => Test::Prefix(text),
            _ => return Err(format!("`prefix` needs a text to compare with, found {}", shown(&config.value))),
        },
    })
}

fn operand(field: &str, value: &Json, want: Want, upper: bool) -> Result<Operand, String> {
    match (want, value) {
        (Want::Text, Json::String(text)) => {
            Ok(Operand::Text(if upper { uppercase_symbol(text).into() } else { text.as_str().into() }))
        }
        (Want::Bool, Json::Bool(bool)) => Ok(Operand::Bool(*bool)),
        (Want::Int | Want::Decimal, Json::String(text)) => number(text),
        (Want::Int | Want::Decimal, Json::Number(value)) => bare_number(value),
        _ => {
            let wanted = match want {
                Want::Text => "a text: put the value in quotes",
                Want::Bool => "a truth value: write true or false",
                Want::Int | Want::Decimal => "a number: write one, e.g. 1.5 or \"1.50\"",
            };
            Err(format!("`{field}` is {wanted}, found {}", shown(value)))
        }
    }
}

/// A bare number that is no whole one came through binary floating point, which keeps 15 digits for certain.
fn bare_number(value: &serde_json::Number) -> Result<Operand, String> {
    let text = value.to_string();
    if value.as_i64().is_none() && text.bytes().filter(u8::is_ascii_digit).count() > 15 {
        return Err(format!("`{text}` has more digits than a bare number keeps: put it in quotes, then it is exact"));
    }
    number(&text)
}

fn number(text: &str) -> Result<Operand, String> {
    Decimal::parse(text.as_bytes()).map(Operand::Number).map_err(|error| {
        format!(
            "`{text}` is {error}: write a plain decimal of at most 18 digits, in quotes if it is very small or long"
        )
    })
}

fn shown(value: &Json) -> String {
    match value {
        Json::Array(list) if list.is_empty() => "an empty list".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "a mapping".to_owned(),
        Json::Null => "nothing".to_owned(),
        other => format!("`{other}`"),
    }
}
