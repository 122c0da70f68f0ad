//! Purpose: what a simulated exchange is made of, and how it is run as a source: pace, length, latencies, faults.
//! Owns: nothing. Thread: any (cold). Takes and gives: plain data. Never: reads a clock; it only carries one.

use std::collections::HashSet;

use super::channel::{Channel, Channels};
use super::faults::FaultPlan;
use super::oracle::Retain;
use super::spec::{Status, SymbolSpec, default_symbols};
use crate::schema::time::UnixNanos;
use crate::telemetry::Clock;

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
    /// Mean events (orders) a second for a symbol of full activity, 1 to 1,000,000.
    pub events_per_second: u32,
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
            events_per_second: 100,
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
        if !(1..=1_000_000).contains(&self.events_per_second) {
            return refuse("events_per_second is not 1 to 1,000,000".to_owned());
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

/// Frames that a thousand events bring on a channel; counted on the default symbols.
const PER_THOUSAND_EVENTS: [(Channel, u64); 3] =
    [(Channel::BookTicker, 700), (Channel::Trade, 250), (Channel::AggTrade, 190)];

/// Frames that a channel sends in ten seconds whatever happens.
const PER_TEN_SECONDS: [(Channel, u64); 6] = [
    (Channel::Kline, 5),
    (Channel::MiniTicker, 10),
    (Channel::Ticker, 10),
    (Channel::HourTicker, 10),
    (Channel::AvgPrice, 10),
    (Channel::ReferencePrice, 10),
];

/// The events a second of a symbol that bring about `frames_per_second` from all of them, at least 1. An estimate:
/// diffs are capped by their interval, and with none but capped streams no rate of events brings more.
pub fn events_for(frames_per_second: u32, exchange: &ExchangeOptions) -> u32 {
    let mut steady_per_ten = 0;
    let mut frames_per_million = 0;
    for spec in exchange.symbols.iter().filter(|s| s.status == Status::Trading) {
        let of = exchange.channels_of.iter().find(|(name, _)| *name == spec.symbol);
        let channels = of.map_or(exchange.channels, |(_, channels)| *channels);
        let sum = |table: &[(Channel, u64)]| -> u64 {
            table.iter().filter(|(c, _)| channels.has(*c)).map(|(_, frames)| frames).sum()
        };
        steady_per_ten += sum(&PER_TEN_SECONDS);
        for channel in [Channel::Depth, Channel::PartialDepth] {
            let capped = 10_000 / u64::from(exchange.depth_interval_ms.max(1));
            steady_per_ten += if channels.has(channel) { capped } else { 0 };
        }
        frames_per_million += sum(&PER_THOUSAND_EVENTS) * u64::from(spec.activity_permille);
    }
    let wanted = u64::from(frames_per_second).saturating_sub(steady_per_ten / 10);
    let events = (wanted * 1_000_000).checked_div(frames_per_million).unwrap_or(1);
    events.clamp(1, 1_000_000) as u32
}
