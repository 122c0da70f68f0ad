//! Runs a stepped engine over the simulated exchange and hands over every event.

use std::collections::BTreeMap;
use std::sync::Arc;

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::conductor::BookReport;
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineOptions, Topology};
use meltica::schema::event::EventRef;
use meltica::schema::json::{Names, write_event};
use meltica::sim::channel::{Channel, Channels};
use meltica::sim::faults::FaultPlan;
use meltica::sim::options::{ExchangeOptions, SimOptions};
use meltica::sim::oracle::Oracle;
use meltica::sim::source::SimSource;
use meltica::sim::spec::default_symbols;
use meltica::telemetry::{Clock, Ledger};

pub(crate) struct Run {
    pub(crate) symbols: usize,
    pub(crate) frames: u64,
    pub(crate) seed: u64,
    pub(crate) faults: FaultPlan,
    /// Interval of the depth streams.
    pub(crate) depth_ms: u32,
}

/// What an event is handed to: the engine (for its store and names), the truth, the event.
pub(crate) type Take<'a> = dyn FnMut(&Engine, &Arc<Oracle>, EventRef<'_>) + 'a;

pub(crate) fn run(spec: &Run, take: &mut Take<'_>) -> Vec<BookReport> {
    let channels = Channels::CORE.with(Channel::AggTrade).with(Channel::PartialDepth).with(Channel::Kline);
    let exchange = ExchangeOptions {
        seed: spec.seed,
        symbols: default_symbols(spec.symbols),
        channels,
        events_per_second: 40.0,
        depth_interval_ms: spec.depth_ms,
        ..ExchangeOptions::default()
    };
    let options =
        SimOptions { exchange, frames_max: Some(spec.frames), faults: spec.faults.clone(), ..SimOptions::default() };
    let source = SimSource::new(options).unwrap();
    let oracle = source.oracle();
    let options = EngineOptions { topology: Some(Topology::Stepped), io_batch: 1, ..EngineOptions::default() };
    let mut engine = Engine::build(
        options,
        &default_routes(),
        Arc::new(Directory::default()),
        Box::new(source),
        Clock::default(),
        Ledger::default(),
    )
    .unwrap();
    let mut events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    engine.start().unwrap();
    let mut poll = |engine: &Engine| {
        events.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => take(engine, &oracle, event),
            Delivery::Lag(lag) => panic!("a lossless reader was told {lag:?}"),
        })
    };
    while engine.step() + poll(&engine) > 0 || !engine.is_done() {}
    drop(events);
    engine.finish().unwrap().books
}

/// Keeps an event as text, without what may differ from run to run, unless it is of a faulty symbol.
pub(crate) fn note(engine: &Engine, event: EventRef<'_>, faulty: &[&str], notes: &mut BTreeMap<String, Vec<String>>) {
    let id = event.header().instrument();
    let symbol = engine.directory().instrument(id).map(|i| i.symbol.to_string()).unwrap_or_default();
    if faulty.contains(&symbol.as_str()) {
        return;
    }
    let mut out = Vec::new();
    write_event(event, &**engine.directory(), &mut out);
    let mut value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    // A trace is born of the frame's number on its connection, and faults change how many frames there are.
    for key in ["latencyNs", "traceId"] {
        value.as_object_mut().unwrap().remove(key).unwrap();
    }
    let name = engine.directory().instrument_name(id).unwrap_or("*").to_owned();
    notes.entry(name).or_default().push(value.to_string());
}
