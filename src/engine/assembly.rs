//! Purpose: introduces the rooms to each other: makes the stages of every shard, joins them by calls or rings as the
//! topology has it, and gives the agents in the order of the walk.
//! Owns: nothing once done. Thread: the engine's (cold). Takes and gives: options in, agents and handles out.
//! Never: starts a thread; names a stage's inner parts.

use std::sync::Arc;

use super::error::EngineError;
use super::options::{EngineOptions, RingWords, Topology};
use super::ring_agent::{ConductorAgent, RawInput, ShardAgent, StageTime};
use super::ring_sink::{EventRing, RawRing, raw_words_max};
use super::rings::RingGauge;
use super::shards::Shards;
use super::stoppable::Stoppable;
use super::wanted::Wanted;
use super::ways_back::{BookReports, Conducting, RequestsIn, RequestsOut, Watches};
use crate::agent::Agent;
use crate::binance::io::{IoAgent, IoOptions, OnFull, TimeSource};
use crate::binance::parse::{Parser, ParserOptions};
use crate::bus::data::{BookRequests, Sequencer, SequencerOptions, ShelvingOptions};
use crate::conductor::{BookTally, ConductorOptions, ConductorStage, Freshness};
use crate::directory::Directory;
use crate::dispatch::{DispatchStage, SharedTable, UnknownTally};
use crate::ring::broadcast::Tap;
use crate::ring::{broadcast, spsc};
use crate::schema::stage::{EventSink, RawSink};
use crate::snapshot::MemoryStore;
use crate::telemetry::{Clock, Latencies, Ledger, Traces};

/// Words of the ring of snapshot requests of a shard: room for some thousand.
const REQUEST_WORDS: usize = 1 << 13;
/// How old what comes in live may be, and how long a shard may sleep: as long as a connection may be silent.
const AGE_MAX_NS: i64 = 3_000_000_000;
/// Requests for books that wait in a shard at most.
const BOOK_REQUESTS_MAX: usize = 1_024;

/// Words of the ring of the control duty's events: room for some hundred.
const TOLD_WORDS: usize = 1 << 13;

/// A conductor with everything behind it.
type Tail = Conducting<Sequencer<MemoryStore>, RequestsOut>;

/// The agents of an engine, and the ends that stay with it.
pub(super) struct Assembly {
    /// In the order of the walk, each with a thread name.
    pub(super) agents: Vec<(String, Box<dyn Agent>)>,
    pub(super) taps: Vec<Tap>,
    /// Every ring, in the order of the walk.
    pub(super) rings: Vec<RingGauge>,
    pub(super) unknown: Vec<UnknownTally>,
    pub(super) book_requests: Vec<BookRequests>,
    pub(super) watches: Vec<Watches>,
    pub(super) reports: BookReports,
    /// The control duty's way to shard 0; without control nobody sends.
    pub(super) told: Option<spsc::Producer>,
    pub(super) books: BookTally,
}

impl Assembly {
    /// The rings of published events stand behind all others.
    fn end_rings(&mut self) {
        let events = self.taps.iter().enumerate();
        self.rings.extend(events.map(|(shard, tap)| RingGauge::many(format!("events-{shard}"), tap.clone())));
    }
}

/// What all shards share.
pub(super) struct Shared<'a> {
    pub(super) options: &'a EngineOptions,
    pub(super) table: SharedTable,
    pub(super) directory: Arc<Directory>,
    pub(super) store: MemoryStore,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
    pub(super) latencies: Latencies,
    pub(super) traces: Traces,
}

/// Makes the agents: an io agent a source, in their order. Snapshot requests go to the first. With all on one thread there is
/// one source.
pub(super) fn assemble(shared: &Shared<'_>, mut sources: Vec<Stoppable>) -> Result<Assembly, EngineError> {
    let mut assembly = Assembly {
        agents: Vec::new(),
        taps: Vec::new(),
        rings: Vec::new(),
        unknown: Vec::new(),
        book_requests: Vec::new(),
        watches: Vec::new(),
        reports: BookReports::default(),
        told: None,
        books: BookTally::default(),
    };
    let shards = shared.options.shards.max(1);
    let mut requests = Vec::new();
    let tails =
        (0..shards).map(|shard| tail(shared, shard, &mut requests, &mut assembly)).collect::<Result<Vec<_>, _>>()?;
    let mut requests = RequestsIn::new(requests);
    if shared.options.topology_in_force() == Topology::Fused {
        let stages = tails.into_iter().enumerate().map(|(at, tail)| dispatch(shared, at, tail, &mut assembly));
        let stages = stages.collect::<Result<Vec<_>, _>>()?;
        if let Some(source) = sources.pop() {
            let io = io_agent(shared, "engine", source, Shards::new(stages), requests)?;
            assembly.agents.push(("engine".to_owned(), io));
        }
        assembly.end_rings();
        return Ok(assembly);
    }
    let mut downstream = Vec::new();
    let mut rings: Vec<Vec<RawRing>> = sources.iter().map(|_| Vec::new()).collect();
    for (shard, tail) in tails.into_iter().enumerate() {
        shard_agents(shared, shard, tail, &mut rings, &mut downstream, &mut assembly)?;
    }
    let alone = sources.len() == 1;
    for (at, (source, rings)) in sources.into_iter().zip(rings).enumerate() {
        let name = if alone { "io".to_owned() } else { format!("io-{at}") };
        let requests = core::mem::replace(&mut requests, RequestsIn::new(Vec::new()));
        let io = io_agent(shared, &name, source, Shards::new(rings), requests)?;
        assembly.agents.push((name, io));
    }
    assembly.agents.extend(downstream);
    assembly.end_rings();
    Ok(assembly)
}

/// The agents of one shard behind its rings; their sending halves go to `rings`, an io thread each.
fn shard_agents(
    shared: &Shared<'_>,
    shard: usize,
    tail: Tail,
    rings: &mut [Vec<RawRing>],
    agents: &mut Vec<(String, Box<dyn Agent>)>,
    assembly: &mut Assembly,
) -> Result<(), EngineError> {
    let RingWords { frames, bodies, canonical, .. } = shared.options.rings;
    let mut inputs = Vec::new();
    let alone = rings.len() == 1;
    for (io, of_io) in rings.iter_mut().enumerate() {
        let (to_frames, frames) = spsc::channel(frames)?;
        let (to_bodies, bodies) = spsc::channel(bodies)?;
        let ends = if alone { shard.to_string() } else { format!("{io}-{shard}") };
        assembly.rings.push(RingGauge::one(format!("frames-{ends}"), to_frames.gauge()));
        assembly.rings.push(RingGauge::one(format!("bodies-{ends}"), to_bodies.gauge()));
        of_io.push(RawRing::new(to_frames, to_bodies, shared.ledger.sheet(&format!("io-{shard}"))));
        inputs.push(RawInput::new(frames, bodies));
    }
    let time = || StageTime::new(shared.options.live.then(|| shared.clock.clone()));
    if shared.options.topology_in_force() == Topology::Lean {
        let name = format!("shard-{shard}");
        let stage = dispatch(shared, shard, tail, assembly)?;
        agents.push((name.clone(), Box::new(ShardAgent::new(name, inputs, stage, time()))));
        return Ok(());
    }
    let (to_events, events) = spsc::channel(canonical)?;
    assembly.rings.push(RingGauge::one(format!("canonical-{shard}"), to_events.gauge()));
    let events_out = EventRing::new(to_events, shared.ledger.sheet(&format!("dispatch-{shard}")));
    let stage = dispatch(shared, shard, events_out, assembly)?;
    let name = format!("dispatch-{shard}");
    agents.push((name.clone(), Box::new(ShardAgent::new(name, inputs, stage, time()))));
    let name = format!("conductor-{shard}");
    agents.push((name.clone(), Box::new(ConductorAgent::new(name, events, tail, time()))));
    Ok(())
}

fn tail(
    shared: &Shared<'_>,
    shard: usize,
    requests: &mut Vec<spsc::Consumer>,
    assembly: &mut Assembly,
) -> Result<Tail, EngineError> {
    let options = shared.options;
    let (publisher, tap) = broadcast::channel(options.rings.events)?;
    let shelving = ShelvingOptions { ttl: options.store_ttl, ..ShelvingOptions::default() };
    let sheet = |part: &str| shared.ledger.sheet(&format!("{part}-{shard}"));
    let sequencer_options = SequencerOptions { shelving, ..SequencerOptions::default() };
    let sequencer =
        Sequencer::new(publisher, shared.store.clone(), shared.clock.clone(), sheet("sequencer"), sequencer_options)?;
    let tracer = shared.traces.publish_tracer(&format!("traces-conductor-{shard}"))?;
    let sequencer = sequencer.measured(&shared.latencies).traced(tracer);
    let (out, incoming) = spsc::channel(REQUEST_WORDS)?;
    requests.push(incoming);
    let conductor = ConductorOptions {
        fire_as_due: !options.live,
        fresh: options.live.then(|| Freshness { age_max_ns: AGE_MAX_NS, stamps: shared.clock.clone() }),
        publishes_connections: shard == 0,
        ..options.conductor.clone()
    };
    let stage = ConductorStage::new(conductor, sequencer, RequestsOut::new(out), sheet("conductor"))
        .tallied(assembly.books.clone());
    let asked = BookRequests::new(BOOK_REQUESTS_MAX);
    assembly.taps.push(tap);
    let watched = Watches::new(2 * shared.directory.capacity());
    assembly.book_requests.push(asked.clone());
    assembly.watches.push(watched.clone());
    let tail = Conducting::new(stage, asked, watched, Arc::clone(&shared.directory), Arc::clone(&assembly.reports));
    if shard > 0 || options.control.is_none() {
        return Ok(tail);
    }
    let (told, telling) = spsc::channel(TOLD_WORDS)?;
    assembly.told = Some(told);
    Ok(tail.telling(telling))
}

fn dispatch<K: EventSink>(
    shared: &Shared<'_>,
    shard: usize,
    next: K,
    assembly: &mut Assembly,
) -> Result<DispatchStage<K>, EngineError> {
    let counts = shared.ledger.sheet(&format!("dispatch-{shard}"));
    let tracer = shared.traces.tracer(&format!("traces-dispatch-{shard}"))?;
    let stage =
        DispatchStage::new(Arc::clone(&shared.table), Arc::clone(&shared.directory), counts, next).traced(tracer);
    assembly.unknown.push(stage.unknown_fields());
    Ok(stage)
}

fn io_agent<K: RawSink + Send + 'static>(
    shared: &Shared<'_>,
    name: &str,
    source: Stoppable,
    sink: K,
    requests: RequestsIn,
) -> Result<Box<dyn Agent>, EngineError> {
    let options = shared.options;
    let parser = Parser::new(
        ParserOptions { trace_seed: options.trace_seed },
        Arc::clone(&shared.directory),
        shared.ledger.sheet("parse"),
    );
    let time = if options.live { TimeSource::Clock } else { TimeSource::Frames };
    let sheet = shared.ledger.sheet("wanted");
    let sink = Wanted::new(sink, options.instruments.clone(), Arc::clone(&shared.directory), sheet);
    let words_max = raw_words_max(&options.rings);
    let io = IoOptions { batch: options.io_batch, time, on_full: OnFull::Wait, words_max };
    let agent = IoAgent::new(name, io, source, parser, sink, Box::new(requests), shared.clock.clone());
    let tracer = shared.traces.tracer(&format!("traces-{name}"))?;
    Ok(Box::new(agent.measured(&shared.latencies).traced(tracer)))
}
