//! Purpose: the configuration's root, and what shapes the process: market, topology, cores, rings, limits.
//! Owns: their defaults and limits. Thread: any (cold). Takes and gives: plain data. Never: acts on it.
//!
//! The documentation of a key is what a user reads in `config/meltica.yaml`.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::control::Control;
use super::feed::Feed;
use super::route::RouteConfig;
use super::stages::{Books, Sim, Store, throttle_default, throttle_schema};
use super::telemetry::Telemetry;
use super::units::Bytes;
use crate::schema::id::Market;

/// Everything that can be configured. A key that is not given has its default; variables override the file:
/// `MELTICA_SIM__SEED=7` is `sim.seed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Config {
    /// The market. `auto`: a capture file tells by its frames, the simulated venue and the live feed are spot.
    pub market: MarketChoice,
    /// The instruments wanted, as `BASE-QUOTE` or by the venue's symbol, in any case. Empty: all that the source has.
    #[schemars(extend("items" = { "type": "string", "format": "instrument" }))]
    pub instruments: Vec<String>,
    /// Which stages share a thread. `auto`: `fused` where the process may use one core (`lean` with several io threads),
    /// `lean` on two to five, `dedicated` from six on.
    #[garde(custom(topology_suits(self.feed.io_threads)))]
    pub topology: Topology,
    /// Shards: an instrument always goes to the same one, and each has its own threads (topology) and broadcast ring.
    #[garde(range(min = 1, max = 64))]
    pub shards: u16,
    /// What a thread does when it finds no work. `auto`: `busy_spin` when every thread has a core of its own and one
    /// is left for the consumer, else `spin_then_yield` or `backoff`, which starve nobody.
    pub idle: Idle,
    /// Which cores the threads are pinned to.
    #[garde(custom(cores_suit(self.feed.io_threads, self.shards, self.topology)))]
    pub cores: Cores,
    /// Sizes of the rings between stages. Each is rounded up to a power of two. A record is at most an eighth of its ring.
    pub rings: Rings,
    /// Bounds on memory: what passes them is refused, counted and told.
    #[garde(dive)]
    pub limits: Limits,
    /// Order books: how long they wait, what they fetch, what they keep.
    #[garde(dive)]
    pub books: Books,
    /// The shortest time between two events of a type and instrument; what comes sooner is conflated to the latest. For
    /// types that are one state an instrument: `ANALYTICS.FUSED`, `ORDERBOOK.SNAPSHOT`, `TICKER`, `TICKER.MINI`,
    /// `TICKER.BOOK`, `PRICE.AVERAGE`, `PRICE.REFERENCE`, `PRICE.MARK` and types of your own. Deltas and trades are never
    /// conflated. A `throttle` that is given replaces the default; `{}` conflates nothing. `0s` is no throttle.
    #[serde(with = "throttle_text")]
    #[schemars(schema_with = "throttle_schema")]
    pub throttle: BTreeMap<String, Duration>,
    /// The snapshot store: the latest state of each market, instrument and type.
    #[garde(dive)]
    pub store: Store,
    /// The feed: where its frames come from, and how it connects.
    #[garde(dive)]
    pub feed: Feed,
    /// The simulated exchange behind `feed.source` `venue` and `sim`: what it trades and how fast.
    #[garde(dive, custom(symbols_fit(self.limits.instruments)))]
    pub sim: Sim,
    /// Control from outside: commands, questions and events over HTTP, for `meltica subscribe`, `tail` and their like, and
    /// for any HTTP client.
    #[garde(dive)]
    pub control: Control,
    /// What the feed records of itself.
    #[garde(dive)]
    pub telemetry: Telemetry,
    /// Routes by canonical type. Empty: the routes that Meltica ships with. `routes` that are given replace all of them.
    #[schemars(extend("propertyNames" = { "format": "canonical-type" }))]
    pub routes: Option<BTreeMap<String, RouteConfig>>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            market: MarketChoice::Auto,
            instruments: Vec::new(),
            topology: Topology::Auto,
            shards: 1,
            idle: Idle::Auto,
            cores: Cores::default(),
            rings: Rings::default(),
            limits: Limits::default(),
            books: Books::default(),
            throttle: throttle_default(),
            store: Store::default(),
            feed: Feed::default(),
            sim: Sim::default(),
            control: Control::default(),
            telemetry: Telemetry::default(),
            routes: None,
        }
    }
}

/// A market, or whatever the source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MarketChoice {
    /// As the source says.
    #[serde(rename = "auto")]
    Auto,
    /// Binance spot.
    #[serde(rename = "BINANCE-SPOT")]
    BinanceSpot,
    /// Binance USD-M futures.
    #[serde(rename = "BINANCE-USDM")]
    BinanceUsdm,
}

impl MarketChoice {
    /// The market chosen; `None` for `auto`.
    pub const fn market(self) -> Option<Market> {
        match self {
            MarketChoice::Auto => None,
            MarketChoice::BinanceSpot => Some(Market::BinanceSpot),
            MarketChoice::BinanceUsdm => Some(Market::BinanceUsdm),
        }
    }
}

/// Which stages share a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// By the cores that the process may use.
    Auto,
    /// All stages on one thread.
    Fused,
    /// The io thread, and one thread a shard for the rest.
    Lean,
    /// The io thread, and two threads a shard: dispatch; conductor and sequencer.
    Dedicated,
    /// No thread: the caller steps the stages.
    Stepped,
}

/// What a thread does when it finds no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Idle {
    /// By the cores that the process may use.
    Auto,
    /// Spins: shortest reaction, takes a core whole.
    BusySpin,
    /// Spins a while, then yields to other threads.
    SpinThenYield,
    /// Spins, yields, then sleeps ever longer, to a bound.
    Backoff,
}

/// Which cores the threads are pinned to, by the system's number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cores {
    /// The io threads' cores, one each (`feed.io_threads`). Empty: not pinned.
    pub io: Vec<u16>,
    /// The shards' cores, in order of the shards: one a shard in `lean`; two in `dedicated` (dispatch, conductor). Empty:
    /// not pinned.
    pub shards: Vec<u16>,
}

/// Sizes of the rings between stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rings {
    /// Parsed frames, io thread to shard; one ring a shard.
    #[schemars(extend("x-minimum" = "64 KiB", "x-maximum" = "1 GiB"))]
    pub raw: Bytes,
    /// REST bodies, io thread to shard; one ring a shard. A depth body of 5,000 levels a side takes about 160 KiB.
    #[schemars(extend("x-minimum" = "2 MiB", "x-maximum" = "1 GiB"))]
    pub bodies: Bytes,
    /// Canonical events, dispatch to conductor; used by `dedicated` and `stepped` only.
    #[schemars(extend("x-minimum" = "2 MiB", "x-maximum" = "1 GiB"))]
    pub canonical: Bytes,
    /// Published events, broadcast to all consumers; one ring a shard. A reader that falls behind by more is told what
    /// it missed.
    #[schemars(extend("x-minimum" = "2 MiB", "x-maximum" = "1 GiB"))]
    pub events: Bytes,
}

impl Default for Rings {
    fn default() -> Rings {
        Rings { raw: Bytes(1 << 20), bodies: Bytes(4 << 20), canonical: Bytes(4 << 20), events: Bytes(16 << 20) }
    }
}

/// Bounds on memory: what passes them is refused, counted and told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Limits {
    /// Instruments of all markets; further ones are refused and counted.
    #[garde(range(min = 1, max = 100_000))]
    pub instruments: u32,
    /// Diffs held for one book until a snapshot or a missing diff comes; one more and the book starts over.
    #[garde(range(min = 8, max = 65_536))]
    pub held_diffs: u32,
    /// Bytes of one line of a capture file.
    #[schemars(extend("x-minimum" = "4 KiB", "x-maximum" = "1 GiB"))]
    pub line_bytes: Bytes,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { instruments: 4_096, held_diffs: 1_024, line_bytes: Bytes(64 << 20) }
    }
}

fn topology_suits(io_threads: u16) -> impl FnOnce(&Topology, &()) -> garde::Result {
    move |topology, ()| {
        if *topology == Topology::Fused && io_threads > 1 {
            let message = format!("fused is one thread, but feed.io_threads is {io_threads}: take lean or dedicated");
            return Err(garde::Error::new(message));
        }
        Ok(())
    }
}

fn cores_suit(io_threads: u16, shards: u16, topology: Topology) -> impl FnOnce(&Cores, &()) -> garde::Result {
    move |cores, ()| {
        if !cores.io.is_empty() && cores.io.len() != usize::from(io_threads) {
            let found = cores.io.len();
            let message = format!("io names {found} cores, but feed.io_threads is {io_threads}: name as many, or none");
            return Err(garde::Error::new(message));
        }
        let (one, two) = (usize::from(shards), 2 * usize::from(shards));
        let fits = match (cores.shards.len(), topology) {
            (0, _) => true,
            (count, Topology::Dedicated) => count == two,
            (count, Topology::Auto) => count == one || count == two,
            (count, _) => count == one,
        };
        if !fits {
            let found = cores.shards.len();
            let message = format!(
                "shards names {found} cores, but {shards} shards need {one} ({two} with topology dedicated), or none"
            );
            return Err(garde::Error::new(message));
        }
        let all: Vec<_> = cores.io.iter().chain(&cores.shards).collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        if distinct.len() < all.len() {
            return Err(garde::Error::new("a core is named twice: two threads on one core starve each other"));
        }
        Ok(())
    }
}

fn symbols_fit(instruments: u32) -> impl FnOnce(&Sim, &()) -> garde::Result {
    move |sim, ()| {
        if sim.symbols <= instruments {
            return Ok(());
        }
        let symbols = sim.symbols;
        Err(garde::Error::new(format!("{symbols} symbols do not fit limits.instruments, which is {instruments}")))
    }
}

/// A map of durations as text with units.
mod throttle_text {
    use super::{BTreeMap, Duration};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Text(#[serde(with = "humantime_serde")] Duration);

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<String, Duration>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(map.iter().map(|(name, every)| (name, Text(*every))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Duration>, D::Error> {
        let map = BTreeMap::<String, Text>::deserialize(from)?;
        Ok(map.into_iter().map(|(name, every)| (name, every.0)).collect())
    }
}
