//! Purpose: what is configured of telemetry: what is recorded of latency. Owns: its defaults and limits. Thread: any (cold).
//! Takes and gives: plain data. Never: acts on it.
//!
//! The documentation of a key is what a user reads in `config/meltica.yaml`.

use core::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::DurationText;

/// What the feed records of itself: latencies by hop, for `GET /latency`, `GET /metrics` and the summary of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Telemetry {
    /// Whether latencies and duty cycles are recorded. It costs some percent of a frame's instructions; without it no figure of latency
    /// is to be had but `latencyNs` of each event. Counters are always kept.
    pub latency: bool,
    /// Whether sockets of `live` and `venue` are asked for the kernel's receive stamps (`SO_TIMESTAMPNS`), for the time from the
    /// kernel to the read. It costs a reading of the system's clock for each read. Where the kernel gives none it is told, and the figure is absent.
    pub kernel_stamps: bool,
    /// Duty cycles of a thread that take longer are counted.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "1us", "x-maximum" = "1m"))]
    pub cycle_over: Duration,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry { latency: true, kernel_stamps: true, cycle_over: Duration::from_millis(1) }
    }
}
