//! Purpose: one round of each room: a frame, or what the room before made of it, through that room alone; then all of them.
//! Owns: the rooms. Thread: one. Takes and gives: a sample in, a closure that does one round out.
//! Never: leaves setup inside a round; hands out a round that does not do what it says (each is tried first).

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use meltica::agent::{Agent, CycleMeter, DutyCounts};
use meltica::binance::io::{IoAgent, IoOptions, NoRequests, OnFull, TimeSource};
use meltica::binance::parse::{ParsedFrame, Parser, ParserOptions};
use meltica::bus::data::{Bus, DataBus, Delivery, Filter, Sequencer, SequencerOptions, SubscribeOptions};
use meltica::conductor::{ConductorOptions, ConductorStage};
use meltica::directory::Directory;
use meltica::dispatch::{DispatchStage, DispatchTable, SharedTable, TablePublisher, default_routes};
use meltica::ring::broadcast;
use meltica::schema::event::{EventBuf, EventRef};
use meltica::schema::frame::{FrameSource, Origin};
use meltica::schema::payload::{Depth, PayloadKind};
use meltica::schema::raw::RawRef;
use meltica::schema::stage::{EventSink, Publish, RawSink, Stage};
use meltica::schema::time::UnixNanos;
use meltica::snapshot::{MemoryStore, StoreOptions};
use meltica::telemetry::{CYCLE_OVER, Clock, Counter, Headers, Latencies, Ledger, TraceOptions, Traces};
use simd_json::{Buffers, Tape};

use super::ends::{AsksNobody, Kept, Nothing};
use super::feed::{Feed, Memory, SNAPSHOT, Stamped, frame};
use super::frames::{Kind, SNAPSHOT_ID, Sample};
use super::turns;

/// Words of the ring of published events: the engine's default, 16 MiB.
const EVENTS_WORDS: usize = 1 << 21;

/// One round of something.
pub(crate) type Round = Box<dyn FnMut()>;

/// What is measured, by name.
pub(crate) struct Room {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&Sample) -> Round,
}

/// In the order of the walk. `nothing` and `copy` are what the rounds of the others cost by themselves: `nothing` those of
/// dispatch, conduct and publish, `copy` those of tape, parse, validate and walk.
pub(crate) const ROOMS: [Room; 15] = [
    Room { name: "nothing", make: nothing },
    Room { name: "copy", make: copy },
    Room { name: "tape", make: tape },
    Room { name: "parse", make: parse },
    Room { name: "validate", make: validate },
    Room { name: "dispatch", make: dispatch },
    Room { name: "conduct", make: conduct },
    Room { name: "publish", make: publish },
    Room { name: "store+publish", make: publish_fused },
    Room { name: "walk", make: walk },
    Room { name: "walk-2500", make: walk_of_many },
    Room { name: "walk+ledger", make: walk_measured },
    Room { name: "walk+consumer", make: walk_consumed },
    Room { name: "walk+traces", make: walk_traced },
    Room { name: "walk+spans", make: walk_all_traced },
];

/// Whether a room has something to do for a kind: only diffs bring a state for the store, and thousands of books take a diff each.
pub(crate) fn applies(room: &Room, sample: &Sample) -> bool {
    match room.name {
        "store+publish" => sample.kind == Kind::Diff20,
        "walk-2500" => matches!(sample.kind, Kind::BookTicker | Kind::Diff20),
        _ => true,
    }
}

fn nothing(_: &Sample) -> Round {
    Box::new(|| _ = black_box(0))
}

fn copy(sample: &Sample) -> Round {
    let mut feed = Feed::of(sample);
    Box::new(move || _ = black_box(feed.next()))
}

/// simd-json's first two stages alone, in reused buffers.
fn tape(sample: &Sample) -> Round {
    let (mut feed, mut buffers) = (Feed::of(sample), Buffers::with_max_depth(64 << 10, 32));
    let mut kept = Tape(Vec::with_capacity(8 << 10));
    Box::new(move || {
        let mut tape = core::mem::replace(&mut kept, Tape(Vec::new())).reset();
        simd_json::fill_tape(feed.next(), &mut buffers, &mut tape).unwrap();
        black_box(tape.0.len());
        kept = tape.reset();
    })
}

fn parse(sample: &Sample) -> Round {
    parse_by(sample, parser(&Arc::new(Directory::default())))
}

/// The same by the tape alone: what a frame costs that the scanner leaves.
fn validate(sample: &Sample) -> Round {
    parse_by(sample, parser(&Arc::new(Directory::default())).without_scanner())
}

fn parse_by(sample: &Sample, mut parser: Parser) -> Round {
    let (mut feed, mut number) = (Feed::of(sample), 0);
    Box::new(move || {
        number += 1;
        let parsed = parser.parse(frame(feed.next(), number, Origin::Combined), 0, |raw| _ = black_box(raw.words()));
        assert!(matches!(parsed, Ok(ParsedFrame::Data { raws: 1, malformed: 0 })));
    })
}

fn dispatch(sample: &Sample) -> Round {
    let directory = Arc::new(Directory::default());
    let raws = raws(sample, &directory);
    let mut stage = dispatcher(&directory, Nothing::default());
    let mut turn = turns(raws.len());
    Box::new(move || {
        let raw = RawRef::from_words(&raws[turn()]).unwrap();
        assert!(stage.ready(1, raw.words()));
        stage.take_raw(raw);
    })
}

/// As the io agent has it done for each frame when there is one a cycle: time, left-over work, the question, the event.
fn conduct(sample: &Sample) -> Round {
    let ledger = Ledger::default();
    let options = ConductorOptions::default();
    let mut stage = ConductorStage::new(options, Nothing::default(), AsksNobody, ledger.sheet("conductor"));
    let (mut events, snapshot) = events(sample);
    let (mut id, mut now, mut turn) = (SNAPSHOT_ID as i64, 0, turns(events.len()));
    let mut snapshot = snapshot.filter(|_| sample.kind.is_diff());
    let mut round = move || {
        id += 1;
        now += 100_000_000;
        stage.advance(UnixNanos(now));
        stage.work();
        let event = &mut events[turn()];
        renumber(event, id);
        let event = event.read();
        assert!(stage.ready(1, event.words().len()));
        stage.take_event(event);
        if let Some(snapshot) = snapshot.take() {
            stage.take_event(snapshot.read());
        }
    };
    tried(&mut round, sample, &ledger);
    Box::new(round)
}

fn publish(sample: &Sample) -> Round {
    let (events, _) = events(sample);
    let mut events = events;
    let (mut sequencer, _) = sequencer(&Ledger::default(), Clock::default());
    let (clock, mut turn) = (Clock::default(), turns(events.len()));
    let ingress_ns = clock.now_ns();
    Box::new(move || {
        let event = &mut events[turn()];
        // `publish` has put the latency where the stage before puts the ingress.
        event.header_mut().latency_ns = ingress_ns;
        black_box(sequencer.publish(event));
    })
}

fn publish_fused(sample: &Sample) -> Round {
    let mut stage =
        ConductorStage::new(ConductorOptions::default(), Kept::default(), AsksNobody, Ledger::default().sheet("c"));
    let (mut events, snapshot) = events(sample);
    for (at, event) in events.iter_mut().enumerate() {
        renumber(event, SNAPSHOT_ID as i64 + 1 + at as i64);
        stage.take_event(event.read());
        if at == 0 {
            stage.take_event(snapshot.as_ref().unwrap().read());
            stage.work();
        }
    }
    let published = core::mem::take(stage.publisher()).0;
    let is_fused = |e: &EventBuf| e.read().header().kind() == Some(PayloadKind::Fused);
    let mut fused: Vec<EventBuf> = published.iter().map(|w| owned(w)).filter(is_fused).collect();
    let (mut sequencer, _) = sequencer(&Ledger::default(), Clock::default());
    let mut turn = turns(fused.len());
    Box::new(move || {
        let event = &mut fused[turn()];
        event.header_mut().latency_ns = 0;
        black_box(sequencer.publish_stored(event));
        assert_eq!(event.header_mut().flags & meltica::schema::event::flag::NOT_STORED, 0);
    })
}

/// What of the latency ledger is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recorded {
    Nothing,
    /// What an engine records: the exchange's time, the kernel's stamp, publication, the duty cycle.
    Engine,
    /// And a consumer that asked to be measured.
    Consumer,
    /// Nothing of the ledger, but spans of one frame in so many.
    Spans(u64),
}

/// From a frame in memory to a subscription's closure, all on this thread.
fn walk(sample: &Sample) -> Round {
    walked(sample, Recorded::Nothing)
}

/// The same, with the ledger, where thousands of instruments take turns.
fn walk_of_many(sample: &Sample) -> Round {
    turns::walk_of(sample, turns::MANY)
}

fn walk_measured(sample: &Sample) -> Round {
    walked(sample, Recorded::Engine)
}

fn walk_consumed(sample: &Sample) -> Round {
    walked(sample, Recorded::Consumer)
}

/// Traces are on, and this frame is hardly ever kept.
fn walk_traced(sample: &Sample) -> Round {
    walked(sample, Recorded::Spans(1_000_000))
}

/// Each frame is kept. Nobody takes the spans: beyond some thousand rounds they are dropped.
fn walk_all_traced(sample: &Sample) -> Round {
    walked(sample, Recorded::Spans(1))
}

fn walked(sample: &Sample, recorded: Recorded) -> Round {
    let (ledger, clock) = (Ledger::default(), Clock::default());
    let stamped = match recorded {
        Recorded::Nothing | Recorded::Spans(_) => Stamped::No,
        Recorded::Engine => Stamped::Kernel,
        Recorded::Consumer => Stamped::Clock(clock.clone()),
    };
    let mut round = walk_recorded(Memory::of(sample, stamped), &ledger, clock, recorded);
    tried(&mut round, sample, &ledger);
    round
}

/// The walk over any source, with the ledger of latencies as an engine has it.
pub(crate) fn walk_over(source: impl FrameSource + 'static, ledger: &Ledger) -> Round {
    walk_recorded(source, ledger, Clock::default(), Recorded::Engine)
}

/// Makes the round of a room by its name.
///
/// # Panics
/// When there is no such room.
#[allow(dead_code, reason = "for programs that measure some rooms only")]
pub(crate) fn round_of(room: &str, sample: &Sample) -> Round {
    (ROOMS.iter().find(|known| known.name == room).unwrap().make)(sample)
}

/// The walk as the engine's `fused` topology is wired: an io agent over dispatch over conductor over sequencer; one frame a duty
/// cycle, then a poll.
fn walk_recorded(source: impl FrameSource + 'static, ledger: &Ledger, clock: Clock, recorded: Recorded) -> Round {
    let directory = Arc::new(Directory::default());
    let (sequencer, bus) = sequencer(ledger, clock.clone());
    let latencies = match recorded {
        Recorded::Nothing | Recorded::Spans(_) => Latencies::off(),
        Recorded::Engine | Recorded::Consumer => Latencies::new(clock.clone(), CYCLE_OVER),
    };
    let traces = match recorded {
        Recorded::Spans(sample_one_in) => Traces::new(nowhere(sample_one_in), clock.clone(), 1, ledger.clone()),
        _ => Traces::off(),
    };
    let sequencer = sequencer.measured(&latencies).traced(traces.publish_tracer("publish").unwrap());
    let options = ConductorOptions::default();
    let conductor = ConductorStage::new(options, sequencer, AsksNobody, ledger.sheet("conductor"));
    let stage = dispatcher(&directory, conductor).traced(traces.tracer("dispatch").unwrap());
    let io = IoOptions { batch: 1, time: TimeSource::Frames, on_full: OnFull::Wait, words_max: 1 << 16 };
    let agent = IoAgent::new("walk", io, source, parser(&directory), stage, Box::new(NoRequests), clock.clone());
    let mut agent = agent.measured(&latencies).traced(traces.tracer("io").unwrap());
    let mut events = bus.subscribe(&[], Filter::all(), SubscribeOptions::default()).unwrap();
    if recorded == Recorded::Consumer {
        events = events.measured(&clock, &latencies);
    }
    // As a runner has it: a thread's cycle is this one's.
    let (mut cycles, mut duty) = (latencies.cycles("walk"), DutyCounts::default());
    Box::new(move || {
        let work = agent.do_work();
        duty.busy += u64::from(work > 0);
        duty.idle += u64::from(work == 0);
        if let Some(cycles) = &mut cycles {
            cycles.cycle(&duty);
        }
        let seen = events.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => _ = black_box(event.header().seq),
            Delivery::Lag(lag) => panic!("{lag:?}"),
        });
        black_box(seen);
    })
}

/// Spans that nobody takes.
fn nowhere(sample_one_in: u64) -> TraceOptions {
    TraceOptions { endpoint: String::new(), headers: Headers::default(), sample_one_in, timeout: Duration::ZERO }
}

fn parser(directory: &Arc<Directory>) -> Parser {
    Parser::new(ParserOptions { trace_seed: 1 }, Arc::clone(directory), Ledger::default().sheet("parse"))
}

/// Dispatch by the shipped routes.
fn dispatcher<K: EventSink>(directory: &Arc<Directory>, next: K) -> DispatchStage<K> {
    let table = DispatchTable::compile(1, &default_routes(), directory).unwrap();
    let table: SharedTable = TablePublisher::new(table).shared();
    DispatchStage::new(table, Arc::clone(directory), Ledger::default().sheet("dispatch"), next)
}

fn sequencer(ledger: &Ledger, clock: Clock) -> (Sequencer<MemoryStore>, DataBus) {
    let (publisher, tap) = broadcast::channel(EVENTS_WORDS).unwrap();
    let (store, counts) = (MemoryStore::new(StoreOptions::default()), ledger.sheet("sequencer"));
    let sequencer = Sequencer::new(publisher, store, clock, counts, SequencerOptions::default()).unwrap();
    (sequencer, DataBus::new(vec![tap], Arc::new(Directory::default())))
}

/// What the parser makes of each frame.
fn raws(sample: &Sample, directory: &Arc<Directory>) -> Vec<Vec<u64>> {
    let (mut feed, mut parser) = (Feed::of(sample), parser(directory));
    let mut out = Vec::new();
    for number in 0..sample.templates.len() as u64 {
        let parsed = parser.parse(frame(feed.next(), number, Origin::Combined), 0, |raw| out.push(words_of(raw)));
        assert!(parsed.is_ok());
    }
    out
}

/// What dispatch makes of each frame, and of the snapshot.
fn events(sample: &Sample) -> (Vec<EventBuf>, Option<EventBuf>) {
    let directory = Arc::new(Directory::default());
    let mut stage = dispatcher(&directory, Kept::default());
    for raw in raws(sample, &directory) {
        stage.take_raw(RawRef::from_words(&raw).unwrap());
    }
    let frames = core::mem::take(stage.next_mut()).0;
    assert_eq!(frames.len(), sample.templates.len());
    let mut body = sample.snapshot.clone();
    parser(&directory).parse(frame(&mut body, 0, SNAPSHOT), 0, |raw| stage.take_raw(raw)).unwrap();
    let snapshot = core::mem::take(stage.next_mut()).0;
    (frames.iter().map(|w| owned(w)).collect(), snapshot.first().map(|w| owned(w)))
}

fn words_of(raw: RawRef<'_>) -> Vec<u64> {
    let mut words = vec![0; raw.words()];
    raw.copy_to(&mut words);
    words
}

fn owned(words: &[u64]) -> EventBuf {
    let mut event = EventBuf::default();
    event.copy_from(EventRef::from_words(words).unwrap());
    event
}

/// Gives an event of a frame with an update id the next one.
#[inline]
fn renumber(event: &mut EventBuf, id: i64) {
    event.header_mut().venue_id = id;
    if let Some(depth) = event.payload_mut::<Depth>() {
        (depth.first_id, depth.last_id, depth.previous_id) = (id, id, id - 1);
    }
}

/// 0 to `count - 1`, again and again.
fn turns(count: usize) -> impl FnMut() -> usize {
    let mut next = 0;
    move || {
        let at = next;
        next = if at + 1 == count { 0 } else { at + 1 };
        at
    }
}

/// Tries a round many times: a book must follow all of its diffs, and stay whole.
fn tried(round: &mut impl FnMut(), sample: &Sample, ledger: &Ledger) {
    let rounds = 4 * sample.templates.len() as u64;
    for _ in 0..rounds {
        round();
    }
    if sample.kind.is_diff() {
        assert!(ledger.total(Counter::DiffsApplied) >= rounds - 2, "diffs were not applied");
        assert_eq!(ledger.total(Counter::GapsOpened) + ledger.total(Counter::Crossed), 0);
    }
}
