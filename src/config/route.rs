//! Purpose: routes as configuration states them; dispatch compiles them.
//! Owns: the shape of a route in YAML. Thread: any (cold). Takes and gives: plain data. Never: interprets a field.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which native topics and REST polls feed a canonical type, and what of them is let through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct RouteConfig {
    /// Native topic templates such as `{symbol}@depth@100ms`. A route takes every stream of the same kind and parameters, whatever its speed.
    #[serde(default)]
    pub topics: Vec<String>,
    /// REST polls.
    #[serde(default)]
    pub rest: Vec<RestFnConfig>,
    /// All must hold.
    #[serde(default)]
    pub filters: Vec<FilterConfig>,
    /// Version of the payload's schema that the route publishes.
    #[serde(default = "version_one")]
    pub payload_version: u16,
    /// What to do with a field that is neither mapped nor ignored. On book kinds it is always `drop`.
    #[serde(default)]
    pub unknown_fields: UnknownFields,
    /// Native fields (dot paths) that are left out on purpose.
    #[serde(default)]
    pub ignore: Vec<String>,
}

fn version_one() -> u16 {
    1
}

/// What happens to an event with an unknown field; the field is counted by name in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownFields {
    /// The event is refused.
    #[default]
    Reject,
    /// The field is left out.
    Drop,
}

/// A REST poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestFnConfig {
    /// Its name, unique in the configuration.
    pub name: String,
    /// Path and query with `{symbol}` where the symbol goes, or a full URL.
    pub endpoint: String,
    /// How often. Of `depth`, how often a good book is held against a fresh snapshot; `0s`: only when a book needs one.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "super::units::DurationText", extend("x-minimum" = "0s", "x-maximum" = "7d"))]
    pub interval: Duration,
    /// How the body is read: `depth`, `exchange_info`, or a stream kind's name whose fields it shares.
    pub parser: String,
}

/// A predicate on a raw instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// Native field as a dot path (`k.x`); no array indices.
    pub field: String,
    /// How to compare.
    pub op: FilterOp,
    /// With what: a text, number or truth value; a list for `in`.
    #[schemars(with = "serde_json::Value")]
    pub value: serde_json::Value,
}

/// How a filter compares. An absent field matches `neq` and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FilterOp {
    /// Equal; numbers as numbers.
    Eq,
    /// Not equal, or absent.
    Neq,
    /// Equal to one of a list.
    In,
    /// A text that begins with it.
    Prefix,
}
