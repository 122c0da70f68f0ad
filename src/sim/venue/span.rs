//! Purpose: spans of time as a script writes them. Owns: nothing. Thread: any (cold). Takes and gives: text in, a span out.
//! Never: guesses a unit.

use std::time::Duration;

use serde::Deserialize;

/// A span such as `500ms`, `2s`, `1m`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => 0,
        };
        let ms = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_ms)).filter(|_| unit_ms > 0);
        let wrong = || serde::de::Error::custom(format!("{text}: expected a span such as 500ms, 2s, 1m"));
        ms.map(|ms| Span(Duration::from_millis(ms))).ok_or_else(wrong)
    }
}
