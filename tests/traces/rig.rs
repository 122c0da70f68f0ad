//! An engine over the simulated exchange with faults, whose traces go somewhere, and what it published.

use std::sync::Arc;
use std::time::{Duration, Instant};

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::{Engine, EngineOptions, Topology};
use meltica::schema::canonical_type::builtin;
use meltica::schema::id::TraceId;
use meltica::schema::payload::BookStatus;
use meltica::schema::quality::{BookChange, Quality};
use meltica::sim::faults::{Fault, FaultPlan, FaultRule, When};
use meltica::sim::options::{ExchangeOptions, SimOptions};
use meltica::sim::source::SimSource;
use meltica::sim::spec::default_symbols;
use meltica::telemetry::{Clock, Counter, Headers, Ledger, TraceOptions};

/// Far beyond what anything here takes, for a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// So few that the rings of all threads hold every span of them: what is lost then is lost by fault.
const FRAMES: u64 = 900;

/// An event, as far as its spans tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) trace: TraceId,
    pub(crate) type_name: String,
    pub(crate) instrument: String,
    pub(crate) seq: u64,
    /// Of a `STATUS.BOOK`.
    pub(crate) book: Option<(i64, Quality, Quality)>,
}

impl Published {
    pub(crate) fn opens_a_gap(&self) -> bool {
        self.book.is_some_and(|(change, ..)| change == BookChange::GapOpen as i64)
    }
}

/// How a run went.
pub(crate) struct Run {
    pub(crate) events: Vec<Published>,
    pub(crate) ledger: Ledger,
}

impl Run {
    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.ledger.total(counter)
    }

    fn is_settled(&self) -> bool {
        self.accounted() == self.count(Counter::TraceSpansRecorded)
    }

    /// Spans that came to one end or another.
    pub(crate) fn accounted(&self) -> u64 {
        let ends = [
            Counter::TraceSpansSent,
            Counter::TraceSpansRejected,
            Counter::TraceSpansDropped,
            Counter::TraceSpansGivenUp,
        ];
        ends.into_iter().map(|counter| self.count(counter)).sum()
    }
}

pub(crate) fn to(endpoint: &str, sample_one_in: u64) -> TraceOptions {
    let headers = Headers(vec![("x-token".to_owned(), "canary".to_owned())]);
    TraceOptions { endpoint: endpoint.to_owned(), headers, sample_one_in, timeout: Duration::from_secs(10) }
}

fn source() -> SimSource {
    let faults = [(Fault::Drop, 60_000), (Fault::Swap, 60_000), (Fault::Garbage, 30_000)];
    let rule = |(fault, rate)| FaultRule { symbols: Vec::new(), fault, when: When::PerMillion(rate) };
    let exchange = ExchangeOptions { symbols: default_symbols(2), seed: 5, ..ExchangeOptions::default() };
    let faults = FaultPlan { seed: 9, rules: faults.into_iter().map(rule).collect() };
    SimSource::new(SimOptions { exchange, frames_max: Some(FRAMES), faults, ..SimOptions::default() }).unwrap()
}

pub(crate) fn engine(options: EngineOptions, ledger: &Ledger) -> Engine {
    let directory = Arc::new(Directory::default());
    // One frame a cycle: a stepped run serves each request for a snapshot at the very next one, whatever the topology.
    let options = EngineOptions { trace_seed: 77, io_batch: 1, ..options };
    Engine::build(options, &default_routes(), directory, Box::new(source()), Clock::default(), ledger.clone()).unwrap()
}

/// Runs to the end. Where `patient`, it is ended only when every span has come to one: what a busy machine delivers late is no loss.
pub(crate) fn run(topology: Topology, shards: usize, traces: Option<TraceOptions>, patient: bool) -> Run {
    let ledger = Ledger::default();
    let options = EngineOptions { topology: Some(topology), shards, traces, ..EngineOptions::default() };
    let mut engine = engine(options, &ledger);
    let mut subscription = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    let directory = Arc::clone(engine.directory());
    engine.start().unwrap();
    let (mut events, since) = (Vec::new(), Instant::now());
    let run = |events| Run { events, ledger: ledger.clone() };
    loop {
        assert!(since.elapsed() < PATIENCE, "it goes on and on");
        let done = engine.is_done();
        engine.step();
        let polled = subscription.poll(usize::MAX, |delivery| {
            let Delivery::Event(event) = delivery else { panic!("lossless") };
            events.push(published(event, &directory));
        });
        if done && polled == 0 && (!patient || run(Vec::new()).is_settled()) {
            break;
        }
        if polled == 0 {
            std::thread::yield_now();
        }
    }
    engine.finish().unwrap();
    run(events)
}

fn published(event: meltica::schema::event::EventRef<'_>, directory: &Directory) -> Published {
    use meltica::schema::json::Names;
    let head = event.header();
    let status = event.payload::<BookStatus>().filter(|_| head.type_id() == builtin::STATUS_BOOK);
    let quality = |number: i64| Quality::from_byte(number as u8).unwrap();
    Published {
        trace: head.trace(),
        type_name: directory.type_name(head.type_id()).unwrap().to_owned(),
        instrument: directory.instrument_name(head.instrument()).unwrap_or("").to_owned(),
        seq: head.seq,
        book: status.map(|status| (status.change, quality(status.from), quality(status.to))),
    }
}
