//! Purpose: an engine as its owner sees it: build, subscribe, start, stop, hear how it went.
//! Owns: the agents, on their threads once started. Thread: the owner's. Takes and gives: a source in; a bus, a store and a
//! report out. Never: loses a stage without saying which.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::assembly::{Assembly, Shared, assemble};
use super::caretaker::Caretaker;
use super::control::{Begun, Control, ControlAgent, LatencySide, NativeSide, Parts, Steered, Steering};
use super::error::EngineError;
use super::options::{EngineOptions, LatencyOptions, Topology};
use super::report::RunReport;
use super::stoppable::{SourceFault, Stoppable};
use super::ways_back::{Expect, Watches};
use crate::agent::{
    Agent, CycleMeter, Failure, Handle, IdleStrategy, Runner, RunnerOptions, Shutdown, Stepper, record_panic_sites,
};
use crate::bus::control::ControlBus;
use crate::bus::data::{BookRequests, DataBus, shard_of};
use crate::config::route::RouteConfig;
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, Parser, SharedTable, UnknownTally, default_routes};
use crate::schema::frame::FrameSource;
use crate::schema::id::{InstrumentId, Market};
use crate::schema::latency::Hop;
use crate::snapshot::MemoryStore;
use crate::telemetry::{Clock, Exporting, Latencies, LatencySummary, Ledger, Traces};

/// How often [`Engine::finish`] looks whether the stages have ended.
const END_INTERVAL: Duration = Duration::from_micros(200);

/// The control duty's thread, and what it does without work: nobody waits for it but people.
const CONTROL: &str = "control";
const CONTROL_IDLE: IdleStrategy =
    IdleStrategy::Backoff { spins: 0, yields: 0, park_min_ns: 50_000, park_max_ns: 1_000_000 };

/// An engine over one source of frames or several. One that is dropped without [`Engine::finish`] asks its threads to end.
pub struct Engine {
    options: EngineOptions,
    agents: Agents,
    bus: DataBus,
    store: MemoryStore,
    directory: Arc<Directory>,
    table: SharedTable,
    control: Control,
    notes: Vec<String>,
    ledger: Ledger,
    clock: Clock,
    stop: Shutdown,
    abort: Shutdown,
    failure: Failure,
    fault: SourceFault,
    latencies: Latencies,
    unknown: Vec<UnknownTally>,
    book_requests: Vec<BookRequests>,
    watches: Vec<Watches>,
    reports: super::ways_back::BookReports,
    caretaker: Option<Caretaker>,
    traces: Traces,
    exporting: Option<Exporting>,
}

enum Agents {
    Built(Vec<(String, Box<dyn Agent>)>),
    Stepped(Stepper),
    Running(Vec<Handle>),
}

impl Engine {
    /// Builds the stages around `source`. Nothing runs yet: subscribe first, then [`Engine::start`].
    ///
    /// # Errors
    /// [`EngineError::Routes`] with every fault of the routes; [`EngineError::Ring`], [`EngineError::EventRing`].
    pub fn build(
        options: EngineOptions,
        routes: &BTreeMap<String, RouteConfig>,
        directory: Arc<Directory>,
        source: Box<dyn FrameSource>,
        clock: Clock,
        ledger: Ledger,
    ) -> Result<Engine, EngineError> {
        Engine::build_many(options, routes, directory, vec![source], clock, ledger)
    }

    /// As [`Engine::build_many`], for sources that are steered by `native`: the control duty ([`EngineOptions::control`])
    /// turns their streams on and off through it. Sources without one are taken for such as have every stream at all times.
    ///
    /// # Errors
    /// As [`Engine::build_many`]; [`EngineError::Journal`].
    pub fn build_steered(
        options: EngineOptions,
        routes: &BTreeMap<String, RouteConfig>,
        directory: Arc<Directory>,
        (sources, native): (Vec<Box<dyn FrameSource>>, Box<dyn NativeSide>),
        clock: Clock,
        ledger: Ledger,
    ) -> Result<Engine, EngineError> {
        Engine::made(options, routes, directory, (sources, Some(native)), clock, ledger)
    }

    /// As [`Engine::build`], around several sources, each with an io thread of its own; for live time only. Requests for
    /// snapshots go to the first. What one source hands over keeps its order, and between two there is none. One that ends
    /// leaves the others going; one that breaks ends them all.
    ///
    /// # Errors
    /// As [`Engine::build`]; [`EngineError::Sources`] when there are none, or more than topology and time allow.
    pub fn build_many(
        options: EngineOptions,
        routes: &BTreeMap<String, RouteConfig>,
        directory: Arc<Directory>,
        sources: Vec<Box<dyn FrameSource>>,
        clock: Clock,
        ledger: Ledger,
    ) -> Result<Engine, EngineError> {
        Engine::made(options, routes, directory, (sources, None), clock, ledger)
    }

    fn made(
        options: EngineOptions,
        routes: &BTreeMap<String, RouteConfig>,
        directory: Arc<Directory>,
        (sources, native): Steered,
        clock: Clock,
        ledger: Ledger,
    ) -> Result<Engine, EngineError> {
        let mut options = options.suit(sources.len())?;
        let table = DispatchTable::compile(1, routes, &directory).map_err(EngineError::Routes)?;
        if options.live {
            refresh_by_routes(&table, &mut options.conductor.refresh_ns);
        }
        let steering = Steering::begin(&options, table, (sources, native), &directory, &clock)?;
        let Steering { tables, sources, begun, native } = steering;
        let store = MemoryStore::new(options.store);
        let (stop, fault) = (Shutdown::new(), SourceFault::default());
        let latencies = match options.latency {
            LatencyOptions { recorded: true, cycle_over } => Latencies::new(clock.clone(), cycle_over),
            _ => Latencies::off(),
        };
        let traces = options
            .traces
            .clone()
            .map_or(Traces::off(), |to| Traces::new(to, clock.clone(), options.trace_seed, ledger.clone()));
        let shared = Shared {
            options: &options,
            table: tables.shared(),
            directory: Arc::clone(&directory),
            store: store.clone(),
            ledger: ledger.clone(),
            clock: clock.clone(),
            latencies: latencies.clone(),
            traces: traces.clone(),
        };
        let sources =
            sources.into_iter().map(|source| Stoppable::new(source, stop.clone(), Arc::clone(&fault))).collect();
        let Assembly { mut agents, taps, rings, unknown, book_requests, watches, reports, told, books } =
            assemble(&shared, sources)?;
        let bus = DataBus::new(taps, Arc::clone(&directory));
        let (commands, inbox) = ControlBus::new(options.control.as_ref().map_or(1, |control| control.queue));
        let control = Control::new(commands, bus.clone());
        let (table, mut notes) = (tables.shared(), Vec::new());
        // Without a control duty the inbox is dropped here, and every command is refused as closed.
        if let (Some(Begun { duty, journal, notes: told_at_start }), Some(native), Some(audit)) = (begun, native, told)
        {
            notes = told_at_start;
            let (clock, ledger, watches) = (clock.clone(), ledger.clone(), watches.clone());
            let (trace_seed, live) = (options.trace_seed, options.live);
            let latency = LatencySide { latencies: latencies.clone(), rings, directory: Arc::clone(&directory) };
            let parts = Parts {
                duty,
                inbox,
                tables,
                native,
                journal,
                audit,
                watches,
                books,
                clock,
                ledger,
                latency,
                tracer: traces.tracer("traces-control")?,
                trace_seed,
                live,
            };
            agents.push((CONTROL.to_owned(), Box::new(ControlAgent::new(parts))));
        }
        let (abort, failure) = (Shutdown::new(), Failure::new());
        Ok(Engine {
            options,
            agents: Agents::Built(agents),
            bus,
            store,
            directory,
            table,
            control,
            notes,
            ledger,
            clock,
            stop,
            abort,
            failure,
            fault,
            latencies,
            unknown,
            book_requests,
            watches,
            reports,
            caretaker: None,
            traces,
            exporting: None,
        })
    }

    /// An engine with defaults over a live source: the shipped routes, and only the instruments named (`BASE-QUOTE` or the
    /// venue's symbol; none named: all).
    ///
    /// # Errors
    /// As [`Engine::build`].
    pub fn over(source: Box<dyn FrameSource>, instruments: &[&str]) -> Result<Engine, EngineError> {
        let instruments = instruments.iter().map(|name| name.to_uppercase()).collect();
        let options = EngineOptions { instruments, live: true, ..EngineOptions::default() };
        let directory = Arc::new(Directory::default());
        Engine::build(options, &default_routes(), directory, source, Clock::default(), Ledger::default())
    }

    /// Where to subscribe.
    pub fn bus(&self) -> &DataBus {
        &self.bus
    }

    /// The latest states.
    pub fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// Names of instruments and types.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Counters.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The one clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The dispatch table in force.
    pub fn table(&self) -> Arc<DispatchTable> {
        self.table.load_full()
    }

    /// Where consumers say what they want, and are handed it. Without [`EngineOptions::control`] every command is refused as
    /// closed.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// Where to ask for an instrument's whole book (it is put into the store and announced).
    pub fn book_requests(&self, instrument: InstrumentId) -> &BookRequests {
        &self.book_requests[shard_of(instrument, self.book_requests.len())]
    }

    /// Says that a book of this instrument is expected: should its stream stay silent, a snapshot is asked for all the
    /// same. `false` when more instruments wait than the directory has places.
    pub fn watch(&self, instrument: InstrumentId) -> bool {
        self.watches[shard_of(instrument, self.watches.len())].tell(Expect::Stream(instrument))
    }

    /// Starts the threads, consumers' side last, so that whoever sends has somebody who takes. Stepped engines start with
    /// their first [`Engine::step`].
    ///
    /// Threads inherit the cores that the calling thread may use: call it before you pin that one. From a thread that is pinned to one
    /// core they would all run on it; [`Engine::warnings`] then tells of each that could not go to its own.
    ///
    /// # Errors
    /// [`EngineError::Spawn`]; [`EngineError::Misuse`] when it was started before.
    pub fn start(&mut self) -> Result<(), EngineError> {
        let Agents::Built(built) = &mut self.agents else {
            return Err(EngineError::Misuse("the engine was started before"));
        };
        let agents = std::mem::take(built);
        record_panic_sites();
        self.caretaker = Caretaker::start(&self.store, &self.options, self.clock.clone(), Arc::clone(&self.directory));
        self.exporting = self.traces.start(Arc::clone(&self.directory));
        let topology = self.options.topology_in_force();
        if topology == Topology::Stepped {
            self.agents = Agents::Stepped(Stepper::new(agents.into_iter().map(|(_, agent)| agent).collect()));
            return Ok(());
        }
        let control = agents.iter().filter(|(name, _)| name == CONTROL).count();
        let in_force = self.options.idle_in_force(agents.len() - control);
        let mut handles = Vec::new();
        // In the order of the walk, in which they are reported.
        let measured: Vec<_> =
            agents.into_iter().map(|(name, agent)| (self.latencies.cycles(&name), name, agent)).collect();
        for (at, (meter, name, agent)) in measured.into_iter().enumerate().rev() {
            let meter = meter.map(|meter| Box::new(meter) as Box<dyn CycleMeter>);
            let idle = if name == CONTROL { CONTROL_IDLE } else { in_force };
            let options =
                RunnerOptions { core: self.options.cores.get(at).copied().flatten(), idle, ..RunnerOptions::new(name) };
            match Runner::spawn_measured(agent, options, self.abort.clone(), self.failure.clone(), meter) {
                Ok(handle) => handles.push(handle),
                Err(error) => {
                    // Those that have begun would wait for ever for the one that is missing.
                    self.abort.request();
                    return Err(error.into());
                }
            }
        }
        handles.reverse();
        self.agents = Agents::Running(handles);
        Ok(())
    }

    /// One duty cycle of every agent of a stepped engine, in the order of the walk; the sum of their work. 0 for others.
    ///
    /// # Panics
    /// When a stage panics: there is no thread to catch it on.
    pub fn step(&mut self) -> usize {
        match &mut self.agents {
            Agents::Stepped(stepper) => stepper.step(),
            _ => 0,
        }
    }

    /// Whether every stage has ended: by itself, by [`Engine::stop`], or by a panic.
    pub fn is_done(&self) -> bool {
        match &self.agents {
            Agents::Built(_) => false,
            Agents::Stepped(stepper) => stepper.is_done(),
            Agents::Running(handles) => {
                if self.failure.get().is_some() {
                    // Nothing that goes on without the failed stage can be trusted.
                    self.abort.request();
                }
                handles.iter().all(Handle::is_finished)
            }
        }
    }

    /// Ends the sources. The stages drain in the order of the walk; lossless readers must go on polling meanwhile.
    pub fn stop(&self) {
        self.stop.request();
    }

    /// What [`Engine::stop`] asks, for another thread to ask.
    pub fn stopper(&self) -> Shutdown {
        self.stop.clone()
    }

    /// Whether its stages run on threads of their own, and not by [`Engine::step`].
    pub const fn has_threads(&self) -> bool {
        matches!(self.agents, Agents::Running(_))
    }

    /// Duty cycles of each thread so far, in the order of the walk; none unless it runs on threads. Threads without work
    /// turn too: one whose number stands still is stuck.
    pub fn cycles(&self) -> Vec<u64> {
        let Agents::Running(handles) = &self.agents else { return Vec::new() };
        let turned = |handle: &Handle| {
            let duty = handle.duty();
            duty.busy.wrapping_add(duty.idle)
        };
        handles.iter().map(turned).collect()
    }

    /// What is worth telling once it has started: threads that are not where they were asked to be, commands of a journal
    /// that could not be restored.
    pub fn warnings(&self) -> Vec<String> {
        let Agents::Running(handles) = &self.agents else { return Vec::new() };
        let degraded = handles.iter().filter(|h| h.placement().is_degraded());
        let notes = self.notes.iter().cloned();
        notes.chain(degraded.map(|h| format!("thread {}: {}", h.name(), h.placement()))).collect()
    }

    /// A summary of latency so far, a shard each: ingress to publication. None when latencies are not recorded.
    pub fn latency(&self) -> Vec<LatencySummary> {
        self.latencies.summaries(Hop::ReadToPublished)
    }

    /// The latency ledger, for consumers that want to be measured
    /// ([`crate::bus::data::Subscription::measured`]) and for reports without a control duty.
    pub const fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// What is new of what the receiver of traces complains of, or of why it cannot be reached: told once, for a person.
    pub fn trace_trouble(&self) -> Option<String> {
        self.traces.trouble()
    }

    /// Waits for the stages to end and says how it went.
    ///
    /// # Errors
    /// [`EngineError::Stage`] naming the stage that panicked.
    pub fn finish(mut self) -> Result<RunReport, EngineError> {
        // A stage behind one that panicked may wait for it for ever: looking for the end is what ends the others.
        while matches!(self.agents, Agents::Running(_)) && !self.is_done() {
            std::thread::sleep(END_INTERVAL);
        }
        let mut agents = Vec::new();
        match std::mem::replace(&mut self.agents, Agents::Built(Vec::new())) {
            Agents::Running(handles) => {
                for handle in handles {
                    agents.push(handle.join());
                }
            }
            // Dropping the agents closes their ends, and leaves the books behind.
            Agents::Stepped(stepper) => drop(stepper),
            Agents::Built(built) => drop(built),
        }
        drop(self.caretaker.take());
        // Behind the stages: their last spans go out too.
        drop(self.exporting.take());
        if let Some(panicked) = self.failure.get() {
            return Err(panicked.clone().into());
        }
        let agents = agents.into_iter().collect::<Result<Vec<_>, _>>()?;
        let source_fault = self.fault.get().cloned();
        let mut books = std::mem::take(&mut *self.reports.lock().unwrap_or_else(PoisonError::into_inner));
        books.sort_by_key(|b| b.instrument);
        let latency = self.latency();
        let unknown_fields = self.unknown.iter().flat_map(UnknownTally::rows).collect();
        Ok(RunReport { books, agents, latency, unknown_fields, source_fault })
    }
}

impl Drop for Engine {
    /// Ends the threads of an engine that nobody holds any more; [`Engine::finish`] has waited for them already.
    fn drop(&mut self) {
        self.stop.request();
        self.abort.request();
    }
}

/// How often good books are held against a fresh snapshot: as often as the routes poll depth, where nobody has said it.
fn refresh_by_routes(table: &DispatchTable, refresh_ns: &mut [i64; Market::ALL.len()]) {
    let said = *refresh_ns;
    for (_, fun) in table.rest_fns().filter(|(_, fun)| fun.parser == Parser::Depth && !fun.interval.is_zero()) {
        let interval = i64::try_from(fun.interval.as_nanos()).unwrap_or(i64::MAX);
        for (at, market) in Market::ALL.into_iter().enumerate() {
            if said[at] == 0 && fun.market.is_none_or(|of| of == market) {
                refresh_ns[at] = if refresh_ns[at] == 0 { interval } else { refresh_ns[at].min(interval) };
            }
        }
    }
}
