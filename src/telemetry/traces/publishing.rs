//! Purpose: the conductor's end of the traces: which input is at work, what is published of it, and the gaps and resyncs that show
//! in what is published. Owns: the input at work, the books that are not good. Thread: the conductor's.
//! Takes and gives: heads of events in, records out. Never: decides anything about a book.
//!
//! Only here it comes out that a frame has opened a gap or closed one. The frame is kept then, whatever the sampling says. What the stages
//! before did with it is gone, but for the stamp of its ingress: one span, marked as reconstructed, stands for them.

use super::record::{SpanKind, SpanRecord, Why, mark};
use super::sampling::{dispatch_of, root_of};
use super::tracer::Tracer;
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventHeader, EventRef, flag};
use crate::schema::id::{Source, TraceId};
use crate::schema::payload::BookStatus;
use crate::schema::quality::{BookCause, BookChange, Quality};

/// The input that the conductor is at.
#[derive(Clone, Copy, Debug)]
struct Input {
    head: EventHeader,
    start_ns: u64,
    /// Its span, and that one's parent.
    span: u64,
    parent: u64,
    /// Why it is kept, if it is.
    why: Option<Why>,
}

/// A book that is not good any more.
#[derive(Clone, Copy, Debug)]
struct Broken {
    trace: TraceId,
    /// That published the news.
    span: u64,
    at_ns: u64,
    epoch: u32,
    cause: u8,
    /// The reconstructed span of the frame; 0 without.
    root: u64,
}

/// A span of publication that has begun.
#[derive(Clone, Copy, Debug)]
struct Publication {
    trace: TraceId,
    span: u64,
    parent: u64,
    start_ns: u64,
    ingress_ns: u64,
    why: Why,
}

/// Writes the spans of a conductor and of its sequencer.
#[derive(Debug)]
pub struct PublishTracer {
    tracer: Tracer,
    input: Option<Input>,
    publication: Option<Publication>,
    /// By instrument.
    broken: Vec<Option<Broken>>,
    /// The latest frame with a reconstructed span.
    rooted: (TraceId, u64),
}

impl PublishTracer {
    pub(super) fn new(tracer: Tracer) -> PublishTracer {
        PublishTracer { tracer, input: None, publication: None, broken: Vec::new(), rooted: (TraceId::NONE, 0) }
    }

    /// The conductor takes an input.
    #[cold]
    #[inline(never)]
    pub fn taking(&mut self, head: &EventHeader) {
        let trace = head.trace();
        self.input = None;
        if trace == TraceId::NONE || is_control(head) {
            return;
        }
        let why = self.tracer.sampling.keeps(trace).then_some(Why::Sampled);
        let (start_ns, span) = (self.tracer.clock.now_ns(), self.tracer.own_id(trace));
        self.input = Some(Input { head: *head, start_ns, span, parent: dispatch_of(trace, head.instrument()), why });
    }

    /// It is done with it.
    #[cold]
    #[inline(never)]
    pub fn taken(&mut self) {
        let Some(input) = self.input.take() else { return };
        let Some(why) = input.why else { return };
        let times = [input.start_ns, self.tracer.clock.now_ns()];
        let record = SpanRecord::of(SpanKind::Conduct, why, input.head.trace, [input.span, input.parent], times);
        self.tracer.push(&about(&input.head, record));
    }

    /// An event is about to be published: whether it has a span, which [`PublishTracer::published`] ends. Its head has the ingress
    /// stamp in the latency's place.
    #[inline]
    pub fn publishing(&mut self, event: EventRef<'_>) -> bool {
        let head = event.header();
        let status = event.payload::<BookStatus>().filter(|_| head.type_id == builtin::STATUS_BOOK.0);
        self.publication = match status {
            Some(status) => self.turning(head, status),
            None => self.ordinary(head),
        };
        self.publication.is_some()
    }

    /// What is published of a kept input, or later than a kept frame's.
    #[inline]
    fn ordinary(&mut self, head: &EventHeader) -> Option<Publication> {
        if is_control(head) {
            return None;
        }
        let trace = head.trace();
        match &self.input {
            Some(input) if input.head.trace == head.trace => {
                let (parent, why) = (input.span, input.why?);
                Some(self.begin(trace, parent, why, head))
            }
            // What the throttle or a timer held back.
            _ if self.tracer.sampling.keeps(trace) => Some(self.begin(trace, root_of(trace), Why::Sampled, head)),
            _ => None,
        }
    }

    #[inline]
    fn begin(&mut self, trace: TraceId, parent: u64, why: Why, head: &EventHeader) -> Publication {
        let (start_ns, span) = (self.tracer.clock.now_ns(), self.tracer.own_id(trace));
        Publication { trace, span, parent, start_ns, ingress_ns: head.latency_ns, why }
    }

    /// It is published: its head has `seq` and latency now, and ingress and latency are the moment.
    #[inline]
    pub fn published(&mut self, head: &EventHeader) {
        let Some(begun) = self.publication.take() else { return };
        let times = [begun.start_ns, begun.ingress_ns.saturating_add(head.latency_ns)];
        let record = SpanRecord::of(SpanKind::Publish, begun.why, begun.trace.0, [begun.span, begun.parent], times);
        self.tracer.push(&SpanRecord { numbers: [head.seq, head.latency_ns], ..about(head, record) });
    }

    /// What becomes of a book is told.
    #[cold]
    fn turning(&mut self, head: &EventHeader, status: &BookStatus) -> Option<Publication> {
        let at = head.instrument().index();
        let open = self.broken.get(at).copied().flatten();
        let is_good = status.to == Quality::Good as i64;
        if let Some(broken) = open.filter(|_| is_good) {
            self.broken[at] = None;
            return Some(self.mended(head, status, &broken));
        }
        if !breaks(status) {
            return self.ordinary(head);
        }
        let (trace, parent, root) = self.kept(head, Why::Gap, 0);
        let begun = self.begin(trace, parent, Why::Gap, head);
        if open.is_none() && head.instrument().is_some() {
            if self.broken.len() <= at {
                self.broken.resize(at + 1, None);
            }
            let (span, at_ns) = (begun.span, begun.start_ns);
            self.broken[at] = Some(Broken { trace, span, at_ns, epoch: head.epoch, cause: status.cause as u8, root });
        }
        Some(begun)
    }

    /// The book is good again: one span from the loss to now, in the trace of the loss, linked with what ended it.
    fn mended(&mut self, head: &EventHeader, status: &BookStatus, broken: &Broken) -> Publication {
        let span = self.tracer.own_id(broken.trace);
        let begun = if head.trace() == TraceId::NONE {
            self.begin(broken.trace, span, Why::Resync, head)
        } else {
            let known = if head.trace() == broken.trace { broken.root } else { 0 };
            let (trace, parent, _) = self.kept(head, Why::Resync, known);
            self.begin(trace, parent, Why::Resync, head)
        };
        let ids = [span, broken.span];
        let record = SpanRecord::of(SpanKind::Resync, Why::Resync, broken.trace.0, ids, [broken.at_ns, begun.start_ns]);
        self.tracer.push(&SpanRecord {
            link_trace: begun.trace.0,
            link_span: begun.span,
            details: [broken.cause, status.cause as u8],
            numbers: [u64::from(broken.epoch), u64::from(head.epoch)],
            ..about(head, record)
        });
        begun
    }

    /// Keeps what an event was caused by, whatever the sampling says: gives its trace, the span to publish under, and the
    /// reconstructed span, if there is one. `known` is that one if there is one already.
    fn kept(&mut self, head: &EventHeader, why: Why, known: u64) -> (TraceId, u64, u64) {
        let trace = head.trace();
        if trace == TraceId::NONE {
            return (self.tracer.own_trace(), 0, 0);
        }
        let sampled = self.tracer.sampling.keeps(trace);
        let Some(mut input) = self.input.filter(|input| input.head.trace == head.trace) else {
            let until_ns = self.tracer.clock.now_ns();
            let root = if sampled { 0 } else { self.root(head, head.latency_ns, until_ns, why, known) };
            return (trace, if sampled { root_of(trace) } else { root }, root);
        };
        let mut root = 0;
        if !sampled {
            root = self.root(&input.head, input.head.latency_ns, input.start_ns, why, known);
            input.parent = root;
        }
        input.why = Some(why);
        self.input = Some(input);
        (trace, input.span, root)
    }

    /// The span that stands for the stages before, of a frame that they did not keep.
    fn root(&mut self, head: &EventHeader, ingress_ns: u64, until_ns: u64, why: Why, known: u64) -> u64 {
        let trace = head.trace();
        if known != 0 || self.rooted.0 == trace {
            return if known != 0 { known } else { self.rooted.1 };
        }
        // Not the id of the adapter's own: a frame of several shards may be kept by each.
        let span = self.tracer.own_id(trace);
        self.rooted = (trace, span);
        let record = SpanRecord::of(SpanKind::Adapter, why, trace.0, [span, 0], [ingress_ns, until_ns]);
        self.tracer.push(&SpanRecord {
            connection: head.connection,
            market: head.market,
            marks: mark::RECONSTRUCTED,
            ..record
        });
        span
    }
}

/// Whether a change of a book is news of a gap, or of a good book lost.
fn breaks(status: &BookStatus) -> bool {
    let was_good = [Quality::Good, Quality::Crossed].iter().any(|quality| status.from == *quality as i64);
    let is_lost = [Quality::Gap, Quality::Stale, Quality::Syncing].iter().any(|quality| status.to == *quality as i64);
    status.change == BookChange::GapOpen as i64 || was_good && is_lost && status.cause != BookCause::NotWanted as i64
}

/// What the control duty tells goes through the conductor, and belongs to commands.
fn is_control(head: &EventHeader) -> bool {
    head.source == Source::Control as u16
}

/// A record about what an event is about.
#[inline]
fn about(head: &EventHeader, record: SpanRecord) -> SpanRecord {
    SpanRecord {
        instrument: head.instrument,
        type_id: head.type_id,
        connection: head.connection,
        market: head.market,
        marks: if head.flags & flag::HELD != 0 { mark::HELD } else { 0 },
        ..record
    }
}
