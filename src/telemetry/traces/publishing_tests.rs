//! The conductor's end of the traces, driven as a conductor and its sequencer drive it.

use bytemuck::Zeroable;

use super::publishing::PublishTracer;
use super::record::{SpanKind, SpanRecord, Why, mark};
use super::sampling::{Sampling, dispatch_of, root_of};
use super::tracer::Tracer;
use crate::ring::spsc::{Consumer, channel};
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventBuf, EventHeader};
use crate::schema::id::{ConnectionId, InstrumentId, Source, TraceId, TypeId};
use crate::schema::payload::{BookStatus, Lost};
use crate::schema::quality::{BookCause, BookChange, Quality};
use crate::schema::time::UnixNanos;
use crate::telemetry::clock::Clock;
use crate::telemetry::counter::Ledger;

/// A tracer that keeps what is asked for by `one_in`, and what comes out of it.
struct Rig {
    tracer: PublishTracer,
    out: Consumer,
    seq: u64,
}

const BTC: InstrumentId = InstrumentId(4);
const INGRESS: u64 = 1;

fn rig(one_in: u64) -> Rig {
    let (ring, out) = channel(1 << 14).unwrap();
    let parts = (Clock::default(), Sampling::one_in(one_in), 9);
    let tracer = Tracer::new(ring, parts, Ledger::default().sheet("t"), 2);
    Rig { tracer: PublishTracer::new(tracer), out, seq: 0 }
}

fn frame(number: u64) -> TraceId {
    TraceId::of_frame(9, ConnectionId(0), number)
}

fn head(type_id: TypeId, source: Source, trace: TraceId) -> EventHeader {
    let head = EventHeader::internal(type_id, source, UnixNanos(0), INGRESS);
    EventHeader { instrument: BTC.0, trace: trace.0, ..head }
}

fn diff(trace: TraceId) -> EventHeader {
    head(builtin::ORDERBOOK_DELTA, Source::WsDepth, trace)
}

impl Rig {
    fn publish(&mut self, event: &mut EventBuf) {
        let is_kept = self.tracer.publishing(event.read());
        self.seq += 1;
        event.header_mut().seq = self.seq;
        event.header_mut().latency_ns = Clock::default().now_ns() + 1_000_000_000;
        if is_kept {
            self.tracer.published(event.read().header());
        }
    }

    fn event(&mut self, head: EventHeader) {
        let mut event = EventBuf::default();
        event.begin(&head, &Lost::zeroed());
        self.publish(&mut event);
    }

    fn status(&mut self, trace: TraceId, change: BookChange, cause: BookCause, [from, to]: [Quality; 2]) {
        let (change, cause, from, to) = (change as i64, cause as i64, from as i64, to as i64);
        let status = BookStatus { change, cause, from, to, ..BookStatus::zeroed() };
        let mut event = EventBuf::default();
        event.begin(&head(builtin::STATUS_BOOK, Source::ConductorBook, trace), &status);
        self.publish(&mut event);
    }

    fn gap(&mut self, trace: TraceId) {
        self.status(trace, BookChange::GapOpen, BookCause::MissingDiff, [Quality::Good, Quality::Gap]);
    }

    fn mend(&mut self, trace: TraceId) {
        self.status(trace, BookChange::GapClose, BookCause::Resynchronised, [Quality::Gap, Quality::Good]);
    }

    /// What came out, in the order of the walk.
    fn spans(&mut self) -> Vec<SpanRecord> {
        let mut spans = Vec::new();
        self.out.poll(usize::MAX, |words| spans.extend(SpanRecord::from_words(words)));
        spans.sort_by_key(|span| span.kind);
        spans
    }
}

fn kinds(spans: &[SpanRecord]) -> Vec<SpanKind> {
    spans.iter().map(SpanRecord::kind).collect()
}

#[test]
fn what_is_published_of_a_kept_input_is_its_child_and_it_is_dispatch_s() {
    let mut rig = rig(1);
    rig.tracer.taking(&diff(frame(1)));
    rig.event(diff(frame(1)));
    rig.event(head(builtin::ANALYTICS_FUSED, Source::ConductorAnalytics, frame(1)));
    rig.tracer.taken();
    let spans = rig.spans();
    assert_eq!(kinds(&spans), [SpanKind::Conduct, SpanKind::Publish, SpanKind::Publish]);
    assert_eq!(spans[0].parent, dispatch_of(frame(1), BTC));
    assert!(spans[1..].iter().all(|span| span.parent == spans[0].span && span.why() == Why::Sampled));
    assert!(spans.iter().all(|span| span.trace == frame(1).0 && span.end_ns >= span.start_ns));
    assert_eq!([spans[1].type_id, spans[2].type_id], [builtin::ORDERBOOK_DELTA.0, builtin::ANALYTICS_FUSED.0]);
    assert_ne!(spans[1].span, spans[2].span);
}

#[test]
fn what_is_published_later_than_its_input_hangs_below_the_frame() {
    let mut rig = rig(1);
    rig.tracer.taking(&diff(frame(1)));
    rig.tracer.taken();
    rig.spans();
    rig.event(diff(frame(1)));
    // While another input is at work, too.
    rig.tracer.taking(&diff(frame(2)));
    rig.event(diff(frame(1)));
    rig.tracer.taken();
    let spans = rig.spans();
    assert_eq!(kinds(&spans), [SpanKind::Conduct, SpanKind::Publish, SpanKind::Publish]);
    assert!(spans[1..].iter().all(|span| span.parent == root_of(frame(1))));
}

#[test]
fn what_is_not_kept_and_what_belongs_to_commands_has_no_span() {
    let mut sparse = rig(u64::MAX);
    sparse.tracer.taking(&diff(frame(1)));
    sparse.event(diff(frame(1)));
    sparse.status(frame(1), BookChange::Quality, BookCause::CoveringDiff, [Quality::Syncing, Quality::Good]);
    sparse.status(frame(1), BookChange::Quality, BookCause::NotWanted, [Quality::Good, Quality::Stale]);
    sparse.tracer.taken();
    assert_eq!(sparse.spans(), []);
    let mut all = rig(1);
    let control = head(builtin::CONTROL_UPDATE, Source::Control, frame(7));
    all.tracer.taking(&control);
    all.event(control);
    all.tracer.taken();
    all.event(diff(TraceId::NONE));
    assert_eq!(all.spans(), []);
}

#[test]
fn a_gap_and_its_end_are_kept_whatever_the_sampling_says() {
    let mut rig = rig(u64::MAX);
    rig.tracer.taking(&diff(frame(1)));
    rig.gap(frame(1));
    rig.tracer.taken();
    let opened = rig.spans();
    assert_eq!(kinds(&opened), [SpanKind::Adapter, SpanKind::Conduct, SpanKind::Publish]);
    assert!(opened.iter().all(|span| span.why() == Why::Gap && span.trace == frame(1).0));
    let [root, conduct, publish] = &opened[..] else { unreachable!() };
    assert!(root.has(mark::RECONSTRUCTED) && root.parent == 0 && root.start_ns == INGRESS);
    assert_eq!((conduct.parent, publish.parent, root.end_ns), (root.span, conduct.span, conduct.start_ns));
    // An ordinary diff in between is none of it.
    rig.tracer.taking(&diff(frame(2)));
    rig.event(diff(frame(2)));
    rig.tracer.taken();
    assert_eq!(rig.spans(), []);
    rig.tracer.taking(&diff(frame(3)));
    rig.mend(frame(3));
    rig.event(diff(frame(3)));
    rig.tracer.taken();
    let mended = rig.spans();
    assert_eq!(
        kinds(&mended),
        [SpanKind::Adapter, SpanKind::Conduct, SpanKind::Publish, SpanKind::Publish, SpanKind::Resync]
    );
    let (frames, resync) = (&mended[..4], &mended[4]);
    assert!(frames.iter().all(|span| span.why() == Why::Resync && span.trace == frame(3).0));
    assert_eq!((resync.trace, resync.parent), (frame(1).0, publish.span), "in the trace of the loss");
    assert_eq!((resync.link_trace, resync.link_span), (frame(3).0, mended[2].span), "linked with what ended it");
    assert_eq!(resync.details, [BookCause::MissingDiff as u8, BookCause::Resynchronised as u8]);
    assert!(resync.start_ns == publish.start_ns && resync.end_ns == mended[2].start_ns);
    // It is good: the same news again ends nothing.
    rig.mend(frame(4));
    assert_eq!(rig.spans(), []);
}

#[test]
fn a_frame_that_is_sampled_needs_no_reconstruction() {
    let mut rig = rig(1);
    rig.tracer.taking(&diff(frame(1)));
    rig.gap(frame(1));
    rig.tracer.taken();
    let spans = rig.spans();
    assert_eq!(kinds(&spans), [SpanKind::Conduct, SpanKind::Publish]);
    assert_eq!((spans[0].parent, spans[0].why()), (dispatch_of(frame(1), BTC), Why::Gap));
}

#[test]
fn a_frame_that_opens_a_gap_is_held_and_closes_it_has_one_root() {
    let mut rig = rig(u64::MAX);
    rig.tracer.taking(&diff(frame(1)));
    rig.gap(frame(1));
    rig.tracer.taken();
    rig.tracer.taking(&diff(frame(2)));
    rig.gap(frame(2));
    rig.tracer.taken();
    rig.tracer.taking(&diff(frame(1)));
    rig.mend(frame(1));
    rig.tracer.taken();
    let spans = rig.spans();
    let roots: Vec<_> = spans.iter().filter(|span| span.kind() == SpanKind::Adapter).collect();
    assert_eq!(roots.iter().map(|root| root.trace).collect::<Vec<_>>(), [frame(1).0, frame(2).0]);
    for conduct in spans.iter().filter(|span| span.kind() == SpanKind::Conduct) {
        assert!(roots.iter().any(|root| root.span == conduct.parent && root.trace == conduct.trace), "{conduct:?}");
    }
}

#[test]
fn a_loss_that_no_frame_caused_has_a_trace_of_its_own() {
    let mut rig = rig(u64::MAX);
    rig.status(TraceId::NONE, BookChange::Quality, BookCause::TimedOut, [Quality::Good, Quality::Stale]);
    let lost = rig.spans();
    assert_eq!(kinds(&lost), [SpanKind::Publish]);
    assert!(lost[0].trace != TraceId::NONE.0 && lost[0].parent == 0);
    rig.mend(TraceId::NONE);
    let mended = rig.spans();
    assert_eq!(kinds(&mended), [SpanKind::Publish, SpanKind::Resync]);
    assert!(mended.iter().all(|span| span.trace == lost[0].trace));
    assert_eq!((mended[1].parent, mended[0].parent), (lost[0].span, mended[1].span));
}

#[test]
fn a_full_ring_costs_spans_and_they_are_counted() {
    let (ring, mut out) = channel(1 << 10).unwrap();
    let ledger = Ledger::default();
    let parts = (Clock::default(), Sampling::one_in(1), 9);
    let mut tracer = PublishTracer::new(Tracer::new(ring, parts, ledger.sheet("t"), 1));
    for number in 0..1_000 {
        tracer.taking(&diff(frame(number)));
        tracer.taken();
    }
    let kept = out.poll(usize::MAX, |_| {}) as u64;
    let dropped = ledger.total(crate::telemetry::counter::Counter::TraceSpansDropped);
    assert!(kept > 0 && dropped > 0 && kept + dropped == 1_000, "{kept} {dropped}");
}
