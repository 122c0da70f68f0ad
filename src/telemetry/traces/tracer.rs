//! Purpose: a thread's end of the traces: spans of kept frames and of commands, into its ring. Owns: the sending half of that ring.
//! Thread: one, that of the stage. Takes and gives: stamps in, records out. Never: waits for room: what finds none is counted.

use super::record::{SPAN_WORDS, SpanKind, SpanRecord, Why, mark};
use super::sampling::{Sampling, dispatch_of, root_of, span_id};
use crate::ring::spsc::Producer;
use crate::schema::id::{ConnectionId, InstrumentId, Market, TraceId, TypeId};
use crate::schema::raw::RawHeader;
use crate::telemetry::clock::Clock;
use crate::telemetry::counter::{Counter, Counts};

/// What a frame's first span says.
#[derive(Clone, Copy, Debug)]
pub struct FrameSpan {
    /// The frame's trace, as [`Tracer::frame`] gave it.
    pub trace: TraceId,
    /// Its ingress stamp, ns.
    pub ingress_ns: u64,
    /// Where it came in.
    pub market: Market,
    /// Where it came in.
    pub connection: ConnectionId,
    /// Its number there.
    pub number: u64,
    /// How long it is.
    pub bytes: usize,
    /// Whether it was malformed.
    pub malformed: bool,
}

/// What a command's span says.
#[derive(Clone, Copy, Debug)]
pub struct CommandSpan {
    /// The caller's trace, or one of our own.
    pub trace: TraceId,
    /// The caller's span; 0 when it named none.
    pub parent: u64,
    /// When it was taken, ns of the clock.
    pub began_ns: u64,
    /// When what it changed came into force, ns; 0 when it changed nothing.
    pub in_force_ns: u64,
    /// The control version behind it.
    pub version: u64,
    /// The type that it names, if it is known.
    pub type_id: Option<TypeId>,
    /// Its verb, by its place in [`crate::schema::payload::CONTROL_VERBS`].
    pub verb: u8,
    /// What it came to, by its place in [`crate::schema::payload::CONTROL_OUTCOMES`].
    pub outcome: u8,
}

/// Writes the spans of one thread.
#[derive(Debug)]
pub struct Tracer {
    ring: Producer,
    pub(super) clock: Clock,
    pub(super) sampling: Sampling,
    seed: u64,
    counts: Counts,
    /// This tracer's number, from 1, in the upper bits, and spans so far: what its own ids are made of.
    salt: u64,
    /// The latest frame and instrument that have a span in dispatch, and when it began, ns.
    dispatched: (TraceId, InstrumentId),
    began_ns: u64,
}

impl Tracer {
    pub(super) fn new(
        ring: Producer,
        (clock, sampling, seed): (Clock, Sampling, u64),
        counts: Counts,
        number: u16,
    ) -> Tracer {
        let dispatched = (TraceId::NONE, InstrumentId::NONE);
        Tracer { ring, clock, sampling, seed, counts, salt: u64::from(number.max(1)) << 48, dispatched, began_ns: 0 }
    }

    /// An id that no other span of the trace has.
    #[inline]
    pub(super) fn own_id(&mut self, trace: TraceId) -> u64 {
        self.salt += 1;
        span_id(trace, self.salt)
    }

    /// A trace of its own, for what no frame has caused.
    pub(super) fn own_trace(&mut self) -> TraceId {
        self.salt += 1;
        // The connection that no source has, and numbers that no command has.
        TraceId::of_frame(self.seed, ConnectionId(u16::MAX), self.salt)
    }

    #[inline]
    pub(super) fn push(&mut self, record: &SpanRecord) {
        debug_assert_eq!(record.words().len(), SPAN_WORDS);
        self.counts.add(Counter::TraceSpansRecorded, 1);
        if self.ring.push(record.words()).is_err() {
            self.counts.add(Counter::TraceSpansDropped, 1);
        }
    }

    /// The frame's trace, if it is kept.
    #[inline]
    pub fn frame(&self, connection: ConnectionId, number: u64) -> Option<TraceId> {
        Some(TraceId::of_frame(self.seed, connection, number)).filter(|trace| self.sampling.keeps(*trace))
    }

    /// Ends the first span of a kept frame: all of it has been handed on.
    pub fn adapted(&mut self, frame: &FrameSpan) {
        let times = [frame.ingress_ns, self.clock.now_ns()];
        let ids = [root_of(frame.trace), 0];
        self.push(&SpanRecord {
            connection: frame.connection.0,
            market: frame.market as u8,
            numbers: [frame.number, frame.bytes as u64],
            marks: if frame.malformed { mark::FAILED } else { 0 },
            ..SpanRecord::of(SpanKind::Adapter, Why::Sampled, frame.trace.0, ids, times)
        });
    }

    /// Dispatch begins with an instance: whether a span has begun, which [`Tracer::dispatched`] ends. Those of kept frames have one;
    /// of several instances of one frame and instrument (a body of rows) the first.
    #[inline]
    pub fn dispatching(&mut self, raw: &RawHeader) -> bool {
        let trace = raw.trace();
        if !self.sampling.keeps(trace) {
            return false;
        }
        let this = (trace, InstrumentId(raw.instrument));
        let begins = core::mem::replace(&mut self.dispatched, this) != this;
        if begins {
            self.began_ns = self.clock.now_ns();
        }
        begins
    }

    /// Ends the span of dispatch that has begun.
    pub fn dispatched(&mut self, raw: &RawHeader) {
        let trace = raw.trace();
        let ids = [dispatch_of(trace, InstrumentId(raw.instrument)), root_of(trace)];
        let times = [self.began_ns, self.clock.now_ns()];
        self.push(&SpanRecord {
            instrument: raw.instrument,
            connection: raw.connection,
            market: raw.market,
            ..SpanRecord::of(SpanKind::Dispatch, Why::Sampled, trace.0, ids, times)
        });
    }

    /// Ends a command's span: its acknowledgement goes out. Every command has one.
    pub fn commanded(&mut self, command: &CommandSpan) {
        let ids = [self.own_id(command.trace), command.parent];
        let times = [command.began_ns, self.clock.now_ns()];
        self.push(&SpanRecord {
            type_id: command.type_id.map_or(super::record::NO_TYPE, |id| id.0),
            numbers: [command.in_force_ns, command.version],
            details: [command.verb, command.outcome],
            ..SpanRecord::of(SpanKind::Command, Why::Command, command.trace.0, ids, times)
        });
    }
}
