//! Purpose: what a simulated exchange is made of, and how it is run as a source: pace, length, latencies, faults.
//! Owns: nothing. Thread: any (cold). Takes and gives: plain data. Never: reads a clock; it only carries one.

use std::collections::HashSet;

use super::channel::Channels;
use super::faults::FaultPlan;
use super::oracle::Retain;
use super::spec::{SymbolSpec, default_symbols};
use crate::schema::time::UnixNanos;
use crate::telemetry::Clock;

/// The fewest and the most events a second.
pub(super) const EVENTS_PER_SECOND: (f64, f64) = (0.001, 1e6);

/// What an exchange is made of.
#[derive(Clone, Debug)]
pub struct ExchangeOptions {
    /// Decides every event of the run; a symbol's events do not depend on which other symbols there are.
    pub seed: u64,
    /// Where virtual time starts.
    pub start: UnixNanos,
    /// The symbols, at least one, all distinct.
    pub symbols: Vec<SymbolSpec>,
    /// What every symbol's streams are.
    pub channels: Channels,
    /// Symbols whose streams are others than that.
    pub channels_of: Vec<(String, Channels)>,
    /// Mean events (orders) a second for a symbol of full activity, 0.001 to 1,000,000.
    pub events_per_second: f64,
    /// Interval of the depth streams in milliseconds, 10 to 10,000; from 1,000 on they lose `@100ms` from their names.
    pub depth_interval_ms: u32,
    /// How much of the past the oracle keeps.
    pub retain: Retain,
}

impl Default for ExchangeOptions {
    /// Ten known symbols, the core channels, 100 events a second, diffs each 100 ms, 2024-08-09 00:00 UTC, all kept.
    fn default() -> Self {
        ExchangeOptions {
            seed: 1,
            start: UnixNanos(1_723_161_600_000_000_000),
            symbols: default_symbols(10),
            channels: Channels::CORE,
            channels_of: Vec::new(),
            events_per_second: 100.0,
            depth_interval_ms: 100,
            retain: Retain::All,
        }
    }
}

/// Options that make no exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulated exchange cannot open: {0}")]
pub struct ExchangeError(pub String);

impl ExchangeOptions {
    /// Names the first option that is wrong.
    pub(super) fn check(&self) -> Result<(), ExchangeError> {
        let refuse = |why: String| Err(ExchangeError(why));
        if self.symbols.is_empty() {
            return refuse("it has no symbols".to_owned());
        }
        let mut seen = HashSet::new();
        for spec in &self.symbols {
            if let Some(fault) = spec.fault() {
                return refuse(format!("symbol {}: {fault}", spec.symbol));
            }
            if !seen.insert(spec.symbol.as_str()) {
                return refuse(format!("symbol {} is listed twice", spec.symbol));
            }
        }
        if let Some((name, _)) = self.channels_of.iter().find(|(name, _)| !seen.contains(name.as_str())) {
            return refuse(format!("channels are set for {name}, which is not listed"));
        }
        let (least, most) = EVENTS_PER_SECOND;
        if !(least..=most).contains(&self.events_per_second) {
            return refuse(format!("events_per_second is not {least} to {most}"));
        }
        if !(10..=10_000).contains(&self.depth_interval_ms) {
            return refuse("depth_interval_ms is not 10 to 10,000".to_owned());
        }
        if self.start.0 < 0 || self.start.0 > i64::MAX / 2 {
            return refuse("start is before 1970 or past 2116".to_owned());
        }
        Ok(())
    }
}

/// How fast virtual time passes.
#[derive(Clone, Debug)]
pub enum Pace {
    /// As fast as frames are pulled.
    AsFast,
    /// As fast as this clock, from the first pull on.
    RealTime(Clock),
}

/// How a [`super::source::SimSource`] runs.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// The exchange.
    pub exchange: ExchangeOptions,
    /// How fast.
    pub pace: Pace,
    /// When set, takes the place of the exchange's `events_per_second`, so that all symbols together send about so many
    /// frames a virtual second.
    pub frames_per_second: Option<u32>,
    /// Stream frames after which the exchange stops, counted before faults. What is on its way still arrives.
    pub frames_max: Option<u64>,
    /// Virtual nanoseconds after which the exchange stops.
    pub duration_ns: Option<i64>,
    /// From the venue to the receiver, for stream frames, in virtual nanoseconds.
    pub latency_ns: i64,
    /// From the request for a snapshot to the moment as of which the venue answers.
    pub rest_latency_ns: i64,
    /// From that moment to the receiver; at least `latency_ns`.
    pub rest_return_ns: i64,
    /// The `limit` of every snapshot, as [`super::rest::depth_limit`] reads it.
    pub rest_limit: u32,
    /// Whether the first frame is the body of exchangeInfo.
    pub announce_exchange_info: bool,
    /// What goes wrong.
    pub faults: FaultPlan,
}

impl Default for SimOptions {
    /// The default exchange without faults or end, as fast as it goes; snapshots of 1,000 levels within 80 ms.
    fn default() -> Self {
        SimOptions {
            exchange: ExchangeOptions::default(),
            pace: Pace::AsFast,
            frames_per_second: None,
            frames_max: None,
            duration_ns: None,
            latency_ns: 2_000_000,
            rest_latency_ns: 50_000_000,
            rest_return_ns: 30_000_000,
            rest_limit: 1_000,
            announce_exchange_info: true,
            faults: FaultPlan::default(),
        }
    }
}

impl SimOptions {
    /// The default exchange, open now and in real time, with every stream.
    pub fn real_time() -> SimOptions {
        let clock = Clock::default();
        let exchange =
            ExchangeOptions { start: clock.unix_now(), channels: Channels::ALL, ..ExchangeOptions::default() };
        SimOptions { exchange, pace: Pace::RealTime(clock), ..SimOptions::default() }
    }
}
