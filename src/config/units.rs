//! Purpose: sizes and durations as text with a unit.
//! Owns: the units that are understood. Thread: any (cold). Takes and gives: text and numbers. Never: takes a bare number.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use humantime_serde::re::humantime;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Schema format of a duration with unit.
pub(super) const DURATION: &str = "duration-with-unit";
/// Schema format of a size with unit.
pub(super) const SIZE: &str = "size-with-unit";

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A size in bytes, written with a unit: `64 KiB`, `1 MiB`, `512 B`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Reads a size with unit; white space around number and unit is allowed, fractions are not.
    /// `None` when there is no unit, an unknown one, or too large a number.
    pub fn parse(text: &str) -> Option<Bytes> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let factor = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?.1;
        count.parse::<u64>().ok()?.checked_mul(factor).map(Bytes)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |factor: u64| self.0 >= factor && self.0.is_multiple_of(factor);
        let (unit, factor) = UNITS.into_iter().find(|(_, factor)| whole(*factor)).unwrap_or(("B", 1));
        write!(f, "{} {unit}", self.0 / factor)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        Bytes::parse(&text).ok_or_else(|| D::Error::custom("expected a size with unit, such as 1 MiB"))
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": SIZE })
    }
}

/// How durations stand in the schema: text with a unit (`200ms`). The settings hold [`Duration`].
#[derive(Clone, Copy, Debug)]
pub struct DurationText;

impl JsonSchema for DurationText {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": DURATION })
    }
}

/// Reads a duration with unit (`200ms`, `1m 30s`).
pub(super) fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_unit_and_come_back_as_written() {
        for (text, bytes) in
            [("512 B", 512), ("64 KiB", 65_536), ("1 MiB", 1 << 20), ("4 GiB", 4 << 30), ("1025 KiB", 1025 << 10)]
        {
            assert_eq!(Bytes::parse(text), Some(Bytes(bytes)), "{text}");
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!((Bytes::parse(" 1MiB "), Bytes(0).to_string()), (Some(Bytes(1 << 20)), "0 B".to_owned()));
        for text in ["", "1", "1 MB", "1 mib", "-1 B", "1.5 MiB", "B", "99999999999999999999 B", "99999999999 GiB"] {
            assert_eq!(Bytes::parse(text), None, "{text}");
        }
    }
}
