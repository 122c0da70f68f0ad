//! Purpose: configuration to the small options that rooms get. Owns: nothing. Thread: main.
//! Takes and gives: a loaded configuration in, options out. Never: hands a whole configuration to a room.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::{Cause, Failed};
use crate::agent::IdleStrategy;
use crate::binance::live::{BadEndpoint, Endpoint};
use crate::conductor::ConductorOptions;
use crate::config::route::RouteConfig;
use crate::config::{Config, ConfigFaults, Fault, FeedSource, Idle, Initial, Loaded, Topology as TopologyChoice};
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, default_routes};
use crate::engine::control::{Boot, ControlOptions};
use crate::engine::{EngineOptions, LatencyOptions, RingWords, Topology};
use crate::http::read_private;
use crate::schema::canonical_type::CanonicalType;
use crate::schema::id::{Market, TypeId};
use crate::snapshot::StoreOptions;
use crate::telemetry::{Headers, TraceOptions};

/// Bytes of a file of headers.
const HEADERS_BYTES_MAX: usize = 16 << 10;

/// Loads the file named on the command line or by `MELTICA_CONFIG`, with the overrides of the environment, and holds its
/// addresses and routes against what the adapter and dispatch make of them. Shows every fault at once.
pub(super) fn load(named: Option<&Path>) -> Result<Loaded, Failed> {
    let from_variable = std::env::var_os("MELTICA_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from);
    let path = named.map(Path::to_path_buf).or(from_variable);
    // A variable that is no Unicode cannot be one of ours: our names are ASCII, and a value that is not Unicode fails by name.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    let loaded = crate::config::load(path.as_deref(), variables)
        .map_err(|faults| Failed::new(Cause::Config, faults.to_string()))?;
    let faults = [address_faults(&loaded), route_faults(&loaded)].concat();
    if faults.is_empty() {
        return Ok(loaded);
    }
    Err(Failed::new(Cause::Config, ConfigFaults(faults).to_string()))
}

/// What is wrong with the value of that path, with its place.
pub(super) fn fault(loaded: &Loaded, path: &[&str], message: impl Into<String>) -> Failed {
    Failed::new(Cause::Config, loaded.places.fault(path, message).to_string())
}

fn address_faults(loaded: &Loaded) -> Vec<Fault> {
    let (ws, rest) = (&loaded.config.feed.ws, &loaded.config.feed.rest);
    // Without one it is the market's own.
    let wrong = |text: &str, judged: Result<Endpoint, BadEndpoint>| judged.err().filter(|_| !text.is_empty());
    let faults = [("ws", wrong(ws, Endpoint::websocket(ws))), ("rest", wrong(rest, Endpoint::rest(rest)))];
    let told =
        |(key, fault): (&str, Option<BadEndpoint>)| Some(loaded.places.fault(&["feed", key], fault?.to_string()));
    faults.into_iter().filter_map(told).collect()
}

fn route_faults(loaded: &Loaded) -> Vec<Fault> {
    let Some(routes) = &loaded.config.routes else { return Vec::new() };
    match DispatchTable::compile(1, routes, &Directory::with_capacity(0)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|f| loaded.places.fault(&f.path, f.message)).collect(),
    }
}

/// The routes in force.
pub(super) fn routes(config: &Config) -> BTreeMap<String, RouteConfig> {
    config.routes.clone().unwrap_or_else(default_routes)
}

/// What is different in a replay: a capture is shown as it is, unless the configuration says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A live feed.
    Feed,
    /// A capture.
    Replay,
}

/// Options of the engine.
///
/// # Errors
/// When the headers of traces cannot be read.
pub(super) fn engine_options(
    loaded: &Loaded,
    directory: &Directory,
    purpose: Purpose,
) -> Result<EngineOptions, Failed> {
    let config = &loaded.config;
    Ok(EngineOptions {
        topology: topology(config.topology),
        shards: usize::from(config.shards),
        idle: idle(config.idle),
        cores: cores(config, io_threads(config, purpose)),
        rings: RingWords {
            frames: words(config.rings.raw.0),
            bodies: words(config.rings.bodies.0),
            canonical: words(config.rings.canonical.0),
            events: words(config.rings.events.0),
        },
        live: purpose == Purpose::Feed,
        trace_seed: trace_seed(purpose),
        traces: trace_options(loaded)?,
        instruments: config.instruments.iter().map(|name| name.to_uppercase()).collect(),
        conductor: conductor_options(loaded, directory, purpose),
        store: StoreOptions { keys_max: config.store.entries as usize, ..StoreOptions::default() },
        store_ttl: (!config.store.ttl.is_zero()).then_some(config.store.ttl),
        sweep_interval: config.store.sweep_interval,
        latency: LatencyOptions { recorded: config.telemetry.latency, cycle_over: config.telemetry.cycle_over },
        ..EngineOptions::default()
    })
}

/// A replay's ids are the same each time; those of two runs of a feed are not, or a receiver of traces would take them for one.
fn trace_seed(purpose: Purpose) -> u64 {
    match purpose {
        Purpose::Replay => 1,
        // The keys of a map's hasher come from the system's source of chance.
        Purpose::Feed => RandomState::new().hash_one(std::process::id()).max(1),
    }
}

/// Where spans go, if anywhere.
pub(super) fn trace_options(loaded: &Loaded) -> Result<Option<TraceOptions>, Failed> {
    let traces = &loaded.config.telemetry.traces;
    if traces.endpoint.is_empty() {
        return Ok(None);
    }
    let headers = (!traces.headers_file.is_empty()).then(|| headers(Path::new(&traces.headers_file))).transpose();
    let headers = headers.map_err(|message| fault(loaded, &["telemetry", "traces", "headers_file"], message))?;
    Ok(Some(TraceOptions {
        endpoint: traces.endpoint.clone(),
        headers: Headers(headers.unwrap_or_default()),
        sample_one_in: traces.sample_one_in,
        timeout: traces.timeout,
    }))
}

/// Headers, one a line. What is wrong is told without the line, for it may be a secret.
fn headers(path: &Path) -> Result<Vec<(String, String)>, String> {
    let bytes = read_private(path, HEADERS_BYTES_MAX).map_err(|fault| fault.to_string())?;
    let text = core::str::from_utf8(&bytes).map_err(|_| format!("{}: is not UTF-8", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let read = lines.map(|(at, line)| {
        let header = line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let is_token = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let fine = header.filter(|(name, value)| is_token(name) && value.bytes().all(|b| (b' '..=b'~').contains(&b)));
        fine.ok_or_else(|| format!("{}: line {} is no header: expected `name: value`", path.display(), at + 1))
    });
    read.collect()
}

/// What the control plane of a feed is told.
pub(super) fn control_options(config: &Config, market: Market) -> ControlOptions {
    let control = &config.control;
    let quote = (!config.feed.quote.is_empty() && config.feed.source == FeedSource::Live)
        .then(|| config.feed.quote.to_uppercase());
    let boot = Boot { instruments: config.instruments.iter().map(|name| name.to_uppercase()).collect(), quote };
    ControlOptions {
        markets: vec![market],
        boot: (control.initial == Initial::All).then_some(boot),
        journal: (!control.journal.is_empty()).then(|| PathBuf::from(&control.journal)),
        ..ControlOptions::default()
    }
}

fn conductor_options(loaded: &Loaded, directory: &Directory, purpose: Purpose) -> ConductorOptions {
    let books = &loaded.config.books;
    // In a replay, only what the user wrote down conflates or prunes.
    let in_force = |path: &[&str]| purpose == Purpose::Feed || loaded.places.says(path);
    let throttle = if in_force(&["throttle"]) { throttle(&loaded.config, directory) } else { Vec::new() };
    ConductorOptions {
        held_diffs_max: loaded.config.limits.held_diffs as usize,
        fill_deadline_ns: nanos(books.fill_deadline),
        snapshot_deadline_ns: nanos(books.snapshot_deadline),
        first_diff_timeout_ns: nanos(books.first_diff_timeout),
        crossed_ns_max: nanos(books.crossed_resync_after),
        prune_outside: books.prune_outside && in_force(&["books", "prune_outside"]),
        book_interval_ns: if in_force(&["books", "book_interval"]) { nanos(books.book_interval) } else { 0 },
        throttle,
        instruments_max: loaded.config.limits.instruments as usize,
        ..ConductorOptions::default()
    }
}

fn throttle(config: &Config, directory: &Directory) -> Vec<(TypeId, i64)> {
    let named = config.throttle.iter().filter(|(_, interval)| !interval.is_zero());
    named
        .filter_map(|(name, interval)| {
            let id = directory.intern_type(&CanonicalType::parse(name).ok()?).ok()?;
            Some((id, nanos(*interval)))
        })
        .collect()
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

fn words(bytes: u64) -> usize {
    (bytes as usize / 8).next_power_of_two()
}

pub(super) const fn topology(choice: TopologyChoice) -> Option<Topology> {
    match choice {
        TopologyChoice::Auto => None,
        TopologyChoice::Fused => Some(Topology::Fused),
        TopologyChoice::Lean => Some(Topology::Lean),
        TopologyChoice::Dedicated => Some(Topology::Dedicated),
        TopologyChoice::Stepped => Some(Topology::Stepped),
    }
}

const fn idle(choice: Idle) -> Option<IdleStrategy> {
    match choice {
        Idle::Auto => None,
        Idle::BusySpin => Some(IdleStrategy::BusySpin),
        Idle::SpinThenYield => Some(IdleStrategy::SPIN_THEN_YIELD),
        Idle::Backoff => Some(IdleStrategy::BACK_OFF),
    }
}

/// How many io threads there are: sockets are spread over several, a capture or a simulation in this process is read by one.
pub(super) fn io_threads(config: &Config, purpose: Purpose) -> u16 {
    match (purpose, config.feed.source) {
        (Purpose::Feed, FeedSource::Live | FeedSource::Venue) => config.feed.io_threads,
        (Purpose::Feed, FeedSource::Sim) | (Purpose::Replay, _) => 1,
    }
}

/// A core a thread in the order of the walk.
fn cores(config: &Config, io_threads: u16) -> Vec<Option<usize>> {
    let io = (0..usize::from(io_threads)).map(|at| config.cores.io.get(at).copied().map(usize::from));
    let shards = config.cores.shards.iter().map(|core| Some(usize::from(*core)));
    io.chain(shards).collect()
}
