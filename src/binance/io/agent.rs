//! Purpose: the duty cycle of the io thread: pull frames, parse them, hand raw instances on.
//! Owns: the source, the parser, the outlet. Thread: the io thread; the only reader of the clock on it.
//! Takes and gives: frames and requests in; raw instances out. Never: blocks; pulls a frame while a raw instance waits.

use super::outlet::{Loss, Offering, OnFull, Outlet};
use super::requests::SnapshotRequestSource;
use crate::agent::Agent;
use crate::binance::parse::Parser;
use crate::schema::frame::{Frame, FrameSource, Pulled, SnapshotRequest, SourceError};
use crate::schema::id::InstrumentId;
use crate::schema::latency::Hop;
use crate::schema::raw::RAW_HEADER_WORDS;
use crate::schema::stage::RawSink;
use crate::schema::time::UnixNanos;
use crate::telemetry::{Clock, Counter, Counts, FrameSpan, HopRecorder, Latencies, NO_KIND, Tracer};

/// Whose time the stages behind are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The receive time of the frame at hand: replay and simulation.
    Frames,
    /// The clock's, once a duty cycle.
    Clock,
}

/// What an io agent is told.
#[derive(Clone, Copy, Debug)]
pub struct IoOptions {
    /// The most frames pulled in a duty cycle; at least 1 is.
    pub batch: usize,
    /// Whose time the stages behind are told.
    pub time: TimeSource,
    /// What happens when the sink has no room.
    pub on_full: OnFull,
    /// The longest raw instance, in words, that the sink can ever take; longer ones are dropped and counted.
    pub words_max: usize,
}

/// How far the agent has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Frames may come.
    Pulling,
    /// None will come; some raw instances wait.
    Draining,
    /// The sink has been told; it may have work left.
    Finishing,
    /// All has been handed on.
    Done,
}

/// Pulls frames from a source, parses them, and hands their raw instances to a sink.
#[derive(Debug)]
pub struct IoAgent<S, K> {
    name: String,
    options: IoOptions,
    source: S,
    parser: Parser,
    outlet: Outlet<K>,
    requests: Requests,
    clock: Clock,
    kernel_hop: HopRecorder,
    tracer: Option<Box<Tracer>>,
    now: UnixNanos,
    phase: Phase,
    fault: Option<SourceError>,
}

struct Requests(Box<dyn SnapshotRequestSource>);

impl core::fmt::Debug for Requests {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Requests")
    }
}

impl<S: FrameSource, K: RawSink> IoAgent<S, K> {
    /// An agent. It counts on the parser's sheet.
    pub fn new(
        name: &str,
        options: IoOptions,
        source: S,
        parser: Parser,
        sink: K,
        requests: Box<dyn SnapshotRequestSource>,
        clock: Clock,
    ) -> IoAgent<S, K> {
        IoAgent {
            name: name.to_owned(),
            options,
            source,
            parser,
            outlet: Outlet::new(sink, options.on_full, options.words_max),
            requests: Requests(requests),
            clock,
            kernel_hop: HopRecorder::off(),
            tracer: None,
            now: UnixNanos(i64::MIN),
            phase: Phase::Pulling,
            fault: None,
        }
    }

    /// Records how long frames took from the kernel to the read, where they have its stamp.
    pub fn measured(mut self, latencies: &Latencies) -> IoAgent<S, K> {
        self.kernel_hop = latencies.recorder(Hop::KernelToRead);
        self
    }

    /// Gives kept frames a span, from their read until all of them is handed on: on one thread that takes in what the stages behind
    /// do with it.
    pub fn traced(mut self, tracer: Option<Box<Tracer>>) -> IoAgent<S, K> {
        self.tracer = tracer;
        self
    }

    /// Why the source broke, when it did.
    pub fn fault(&self) -> Option<&SourceError> {
        self.fault.as_ref()
    }

    /// The parser: counters, and what exchangeInfo said.
    pub fn parser(&mut self) -> &mut Parser {
        &mut self.parser
    }

    /// The sink; for those that step the agent themselves.
    pub fn sink(&mut self) -> &mut K {
        &mut self.outlet.sink
    }

    /// The source; for those that step the agent themselves.
    pub fn source(&mut self) -> &mut S {
        &mut self.source
    }

    fn pass_requests(&mut self) -> usize {
        let mut passed = 0;
        while let Some((id, epoch, urgency)) = self.requests.0.next() {
            passed += 1;
            match self.parser.directory().instrument(id) {
                Some(instrument) => {
                    let (market, symbol) = (instrument.market, &*instrument.symbol);
                    self.source.request_snapshot(SnapshotRequest { market, symbol, epoch, urgency });
                }
                None => self.unserved(id),
            }
        }
        passed
    }

    #[cold]
    fn unserved(&mut self, _: InstrumentId) {
        self.parser.counts().add(Counter::SnapshotsUnserved, 1);
    }

    /// Pulls at most one frame; `false` when there is none now.
    fn pull(&mut self) -> bool {
        let IoAgent { source, parser, outlet, clock, now, options, kernel_hop, tracer, .. } = self;
        let mut loss = Loss::default();
        let pulled = source.pull(&mut |frame: Frame<'_>| {
            let ingress_ns = frame.stamps.read_ns.unwrap_or_else(|| clock.now_ns());
            if let Some(kernel) = frame.stamps.kernel {
                measure_kernel(kernel_hop, &frame, kernel, parser.counts());
            }
            if options.time == TimeSource::Frames {
                // Receive clocks step back; a stage's time never does.
                *now = (*now).max(frame.receive);
                outlet.advance(*now);
            }
            let span = match tracer {
                None => None,
                Some(tracer) => span_of(tracer, &frame, ingress_ns),
            };
            // What is malformed is counted, and said by a raw instance where it matters: there is no more to do about it.
            let parsed = parser.parse_into(frame, ingress_ns, &mut Offering { outlet, loss: &mut loss });
            if let Some(tracer) = tracer {
                end_span(tracer, span, parsed.is_err());
            }
        });
        loss.count(self.parser.counts());
        match pulled {
            Ok(Pulled::Frame) => true,
            Ok(Pulled::Nothing) => false,
            Ok(Pulled::Ended) => {
                self.phase = Phase::Draining;
                false
            }
            Err(error) => {
                self.fault = Some(error);
                self.phase = Phase::Draining;
                false
            }
        }
    }

    /// Hands on what waits, as far as it goes. How many were handed on.
    fn hand_on(&mut self) -> usize {
        let moved = self.outlet.flush();
        let mut loss = Loss::default();
        self.outlet.wait(moved, &mut loss);
        loss.count(self.parser.counts());
        moved
    }

    /// Whether the next frame may come: what the one before left to do is done in that one's time, before time moves on. A
    /// source that must not wait comes all the same: behind a full sink its frames are dropped and counted, not left unread.
    fn is_settled(&mut self) -> bool {
        while !self.outlet.is_ready() {
            if self.outlet.sink.work() == 0 {
                return self.options.on_full != OnFull::Wait;
            }
        }
        true
    }

    fn pull_batch(&mut self) -> usize {
        let mut frames = 0;
        while frames < self.options.batch.max(1) && self.phase == Phase::Pulling && self.outlet.is_open() {
            if !self.is_settled() || !self.pull() {
                break;
            }
            frames += 1;
        }
        frames
    }

    /// Goes on towards the end, when no frame will come.
    fn end(&mut self, worked: usize) {
        let drained = self.phase == Phase::Draining && self.outlet.is_idle();
        if drained && self.outlet.sink.ready(1, RAW_HEADER_WORDS) {
            // With room, and with nothing due that the frames' time still has to bring about.
            self.outlet.sink.finish();
            self.phase = Phase::Finishing;
        } else if self.phase == Phase::Finishing && worked == 0 && self.outlet.sink.ready(1, RAW_HEADER_WORDS) {
            // No work and room: nothing is held behind. No work without room is back-pressure.
            self.phase = Phase::Done;
        }
    }
}

/// The beginning of a frame's span, if it is kept. Apart, as its end is, so that a run without traces does no more than test an `Option`.
#[cold]
#[inline(never)]
fn span_of(tracer: &Tracer, frame: &Frame<'_>, ingress_ns: u64) -> Option<FrameSpan> {
    let (market, connection, number) = (frame.market, frame.connection, frame.number);
    let trace = tracer.frame(connection, number)?;
    Some(FrameSpan { trace, ingress_ns, market, connection, number, bytes: frame.bytes.len(), malformed: false })
}

#[cold]
#[inline(never)]
fn end_span(tracer: &mut Tracer, span: Option<FrameSpan>, malformed: bool) {
    if let Some(span) = span {
        tracer.adapted(&FrameSpan { malformed, ..span });
    }
}

/// Writes a frame's first hop into the ledger. A stamp ahead of the read is of a wall clock that was set meanwhile: no figure.
#[inline]
fn measure_kernel(hop: &mut HopRecorder, frame: &Frame<'_>, kernel: UnixNanos, counts: &mut Counts) {
    if frame.receive < kernel {
        return;
    }
    let ns = frame.receive.0.abs_diff(kernel.0);
    if !hop.record(ns, NO_KIND, frame.connection) {
        counts.add(Counter::LatencyClamped, 1);
    }
}

impl<S: FrameSource, K: RawSink + Send> Agent for IoAgent<S, K> {
    fn name(&self) -> &str {
        &self.name
    }

    fn do_work(&mut self) -> usize {
        if self.phase == Phase::Done {
            return 0;
        }
        let passed = self.pass_requests();
        if self.options.time == TimeSource::Clock {
            self.now = self.now.max(self.clock.unix_now());
            self.outlet.advance(self.now);
        }
        let worked = self.outlet.sink.work();
        let moved = if self.outlet.is_quiet() { 0 } else { self.hand_on() };
        let frames = self.pull_batch();
        self.end(worked);
        passed + worked + moved + frames
    }

    fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    fn on_stop(&mut self) {
        if self.phase == Phase::Pulling {
            self.phase = Phase::Draining;
        }
    }
}
