//! Purpose: what is configured of books, throttle, snapshot store, and simulated venue.
//! Owns: their defaults and limits. Thread: any (cold). Takes and gives: plain data. Never: acts on it.
//!
//! The documentation of a key is what a user reads in `config/meltica.yaml`.

use core::time::Duration;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::units::{DURATION, DurationText};

/// Order books: how long they wait, what they fetch, what they keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Books {
    /// How long a gap may wait for a redundant connection to fill it, before the book fetches a new snapshot.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "1ms", "x-maximum" = "1m"))]
    pub fill_deadline: Duration,
    /// How long a snapshot that was asked for may take, before it is asked for again.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "10ms", "x-maximum" = "10m"))]
    pub snapshot_deadline: Duration,
    /// How long a new book waits for its first diff, before it fetches a snapshot all the same (a silent symbol).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "10ms", "x-maximum" = "10m"))]
    pub first_diff_timeout: Duration,
    /// Levels a side of a snapshot. The venues' steps (spot: 100, 500, 1000, 5000; USD-M: 5, 10, 20, 50, 100, 500, 1000)
    /// cost ever more weight; spot gives at most 5000, USD-M 1000.
    #[garde(range(min = 5, max = 5_000))]
    pub snapshot_limit: u32,
    /// Whether levels outside the range that the snapshot made known are pruned. Without it they stay, and after hours
    /// many of them are ghosts.
    pub prune_outside: bool,
    /// How often a whole book that changed goes into the snapshot store, and `ORDERBOOK.SNAPSHOT` is published.
    /// `0s`: only after a resynchronisation and when asked for.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "0s", "x-maximum" = "1h"))]
    pub book_interval: Duration,
    /// How long a book may stay crossed, before it starts over. Until then its events carry the flag for it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "0s", "x-maximum" = "1m"))]
    pub crossed_resync_after: Duration,
}

impl Default for Books {
    fn default() -> Books {
        Books {
            fill_deadline: Duration::from_millis(200),
            snapshot_deadline: Duration::from_secs(3),
            first_diff_timeout: Duration::from_secs(5),
            snapshot_limit: 1_000,
            prune_outside: true,
            book_interval: Duration::from_secs(1),
            crossed_resync_after: Duration::from_millis(50),
        }
    }
}

pub(super) fn throttle_default() -> BTreeMap<String, Duration> {
    BTreeMap::from([("ANALYTICS.FUSED".to_owned(), Duration::from_millis(100))])
}

pub(super) fn throttle_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "format": "state-type" },
        "additionalProperties": { "type": "string", "format": DURATION, "x-minimum": "0s", "x-maximum": "1h" },
    })
}

/// The snapshot store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Store {
    /// How long a record that is not renewed is kept; one whose instrument is wanted is kept on. Not in a replay. `0s`: for ever.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "0s", "x-maximum" = "7d"))]
    pub ttl: Duration,
    /// How often expired records are looked for.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "10ms", "x-maximum" = "1h"))]
    pub sweep_interval: Duration,
    /// Records, one a market, instrument and type. A further one is refused and its event flagged.
    #[garde(range(min = 1, max = 1_000_000))]
    pub entries: u32,
}

impl Default for Store {
    fn default() -> Store {
        Store { ttl: Duration::from_secs(3_600), sweep_interval: Duration::from_secs(10), entries: 8_192 }
    }
}

/// The simulated venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Sim {
    /// Symbols that it trades, when `instruments` names none.
    #[garde(range(min = 1, max = 10_000))]
    pub symbols: u32,
    /// The seed: the same seed gives the same market.
    pub seed: u64,
    /// Frames a second and symbol, on average: diffs, best prices and trades.
    #[garde(range(min = 1, max = 100_000))]
    pub rate: u32,
    /// How long a REST call takes.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "0s", "x-maximum" = "1m"))]
    pub rest_latency: Duration,
}

impl Default for Sim {
    fn default() -> Sim {
        Sim { symbols: 20, seed: 1, rate: 50, rest_latency: Duration::from_millis(50) }
    }
}
