//! Purpose: the dispatch stage: raw instances in, canonical events out.
//! Owns: one reused event buffer, the table it works by, its counts. Thread: the shard's (or dispatch's own).
//! Takes and gives: `RawRef` in, `EventRef` out. Never: locks, allocates after warm-up, keeps state between inputs.

use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};
use bytemuck::Zeroable;

use super::canonical::{Canonicaliser, EVENT_WORDS_OVER_RAW, canonicaliser};
use super::publish::SharedTable;
use super::table::{DispatchTable, ROUTES_PER_TOPIC_MAX, Target};
use super::unknown::{UnknownCounts, UnknownTally};
use crate::directory::Directory;
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventBuf, EventHeader, flag};
use crate::schema::id::{InstrumentId, Source, TypeId};
use crate::schema::layout::{CONNECTION_CAUSE, CONNECTION_UP, VENUE_STATE, layout};
use crate::schema::payload::{CONNECTION_CHANGES, ConnectionStatus, Lost, VenueStatus};
use crate::schema::raw::{RawRef, mark};
use crate::schema::stage::{EventSink, RawSink, Stage};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Counter, Counts, Tracer};

/// Dispatch, in front of the stage `K` that takes its events.
///
/// A batch begins with [`Stage::ready`]: there, and only there, a newly published table is taken up, so that the room
/// promised downstream fits the table that the batch is routed by.
#[derive(Debug)]
pub struct DispatchStage<K> {
    published: Cache<Arc<ArcSwap<DispatchTable>>, Arc<DispatchTable>>,
    /// The table of the running batch.
    table: Arc<DispatchTable>,
    directory: Arc<Directory>,
    event: EventBuf,
    /// Counts and names, apart from the rest so that both can be borrowed at once.
    books: Books,
    tracer: Option<Box<Tracer>>,
    next: K,
}

#[derive(Debug)]
struct Books {
    counts: Counts,
    unknown: UnknownCounts,
}

/// The types of the routes that want an event of one raw instance.
struct Accepted {
    types: [TypeId; ROUTES_PER_TOPIC_MAX],
    used: usize,
}

impl<K: EventSink> DispatchStage<K> {
    /// A stage that works by the published table, and hands its events to `next`.
    pub fn new(table: SharedTable, directory: Arc<Directory>, counts: Counts, next: K) -> DispatchStage<K> {
        let current = table.load_full();
        let books = Books { counts, unknown: UnknownCounts::new() };
        DispatchStage {
            published: Cache::new(table),
            table: current,
            directory,
            event: EventBuf::default(),
            books,
            tracer: None,
            next,
        }
    }

    /// Gives instances of kept frames a span, until their events are handed on.
    pub fn traced(mut self, tracer: Option<Box<Tracer>>) -> DispatchStage<K> {
        self.tracer = tracer;
        self
    }

    /// The stage behind.
    pub fn next(&self) -> &K {
        &self.next
    }

    /// The stage behind, to be changed.
    pub fn next_mut(&mut self) -> &mut K {
        &mut self.next
    }

    /// A reader's handle on the names and counts of unknown fields; it may go to any thread.
    pub fn unknown_fields(&self) -> UnknownTally {
        self.books.unknown.tally()
    }

    /// The version of the table that the running batch is routed by.
    pub fn table_version(&self) -> u32 {
        self.table.version()
    }

    /// Tells the conductor that content of the instrument's book stream is gone, whatever the routes say.
    fn pass_lost(&mut self, raw: RawRef<'_>) {
        if !raw.instrument().is_some() {
            self.books.counts.add(Counter::NoInstrument, 1);
            return;
        }
        let mut header = EventHeader::from_raw(raw.header, builtin::ORDERBOOK_DELTA, Source::WsDepth);
        header.dispatch_version = self.table.version();
        self.event.begin(&header, &Lost::zeroed());
        self.next.take_event(self.event.read());
    }

    /// Tells what is behind that a connection came or went, whatever the routes say.
    #[cold]
    fn pass_connection(&mut self, raw: RawRef<'_>) {
        let mut header = EventHeader::from_raw(raw.header, builtin::STATUS_CONNECTION, Source::Connection);
        header.dispatch_version = self.table.version();
        let mut status = ConnectionStatus::zeroed();
        let up = raw.bool(CONNECTION_UP) == Some(true);
        let change = if up { "ConnectionUp" } else { "ConnectionDown" };
        status.change = CONNECTION_CHANGES.iter().position(|c| *c == change).unwrap_or_default() as i64;
        let cause = raw.text(CONNECTION_CAUSE).unwrap_or_default();
        let cut = cause.floor_char_boundary(status.cause.len());
        status.cause[..cut].copy_from_slice(&cause.as_bytes()[..cut]);
        self.event.begin(&header, &status);
        self.next.take_event(self.event.read());
    }

    /// Tells the conductor what the venue says of an instrument, whatever the routes say.
    #[cold]
    fn pass_venue_status(&mut self, raw: RawRef<'_>) {
        let mut header = EventHeader::from_raw(raw.header, builtin::STATUS_BOOK, raw.kind().source());
        header.dispatch_version = self.table.version();
        let status = VenueStatus { state: raw.int(VENUE_STATE).unwrap_or_default(), ..VenueStatus::zeroed() };
        self.event.begin(&header, &status);
        self.next.take_event(self.event.read());
    }

    /// Begins a span, if the instance is kept. Apart, so that a run without traces does no more than test an `Option`.
    #[cold]
    #[inline(never)]
    fn begin_span(&mut self, raw: RawRef<'_>) -> bool {
        self.tracer.as_deref_mut().is_some_and(|tracer| tracer.dispatching(raw.header))
    }

    #[cold]
    #[inline(never)]
    fn end_span(&mut self, raw: RawRef<'_>) {
        if let Some(tracer) = &mut self.tracer {
            tracer.dispatched(raw.header);
        }
    }

    /// Makes of a raw instance what its kind asks for.
    #[inline(always)]
    fn route(&mut self, raw: RawRef<'_>) {
        let kind = raw.kind();
        match kind {
            StreamKind::Lost => return self.pass_lost(raw),
            StreamKind::Connection => return self.pass_connection(raw),
            StreamKind::VenueStatus => return self.pass_venue_status(raw),
            _ => {}
        }
        if kind.is_book() {
            self.next.expect_diff(raw.instrument());
        }
        let maker = canonicaliser(kind);
        // Nearly all topics have one route, which asks for nothing that would have to be counted.
        if let (Some(maker), Some(type_id)) = (maker, self.table.taker_of(kind, raw)) {
            return self.emit(raw, kind, maker, &[type_id]);
        }
        let Some((maker, accepted)) = maker.zip(self.accept(raw, kind)) else {
            return self.books.counts.add(Counter::Unrouted, 1);
        };
        if !raw.instrument().is_some() {
            return self.books.counts.add(Counter::NoInstrument, 1);
        }
        self.emit(raw, kind, maker, &accepted.types[..accepted.used]);
    }

    /// The routes whose feeds, filters and field policy let the raw instance through; `None` when no route lists its topic.
    fn accept(&mut self, raw: RawRef<'_>, kind: StreamKind) -> Option<Accepted> {
        let symbol = || self.directory.instrument(raw.instrument()).map(|i| &*i.symbol);
        let (mut accepted, mut routed) = (Accepted { types: [TypeId(0); ROUTES_PER_TOPIC_MAX], used: 0 }, false);
        for target in self.table.targets(kind, raw.header) {
            if !target.symbols.is_empty() && !symbol().is_some_and(|s| target.symbols.iter().any(|t| **t == *s)) {
                continue;
            }
            routed = true;
            if !target.scope.has(raw.instrument()) {
                self.books.counts.add(Counter::NotWanted, 1);
            } else if !target.plan.filters.iter().all(|rule| rule.holds(raw, symbol)) {
                self.books.counts.add(Counter::Filtered, 1);
            } else if self.books.fields(raw, kind, target) {
                // In bounds: no table has more routes a topic.
                accepted.types[accepted.used] = target.type_id;
                accepted.used += 1;
            }
        }
        routed.then_some(accepted)
    }

    /// Makes the event once and hands it to every accepted route, for they differ in nothing but the type.
    fn emit(&mut self, raw: RawRef<'_>, kind: StreamKind, maker: &Canonicaliser, types: &[TypeId]) {
        let Some((&first, &last)) = types.first().zip(types.last()) else { return };
        let source = if raw.header.marks & mark::POLLED != 0 { Source::RestPoll } else { kind.source() };
        let mut header = EventHeader::from_raw(raw.header, first, source);
        header.dispatch_version = self.table.version();
        if (maker.make)(raw, header, &mut self.event).is_none() {
            self.refuse(raw, types);
            return;
        }
        let alone = raw.header.marks & mark::MORE_FOLLOW == 0;
        for &type_id in types {
            let header = self.event.header_mut();
            header.type_id = type_id.0;
            if alone && type_id == last {
                header.flags |= flag::LAST_OF_BATCH;
            }
            self.next.take_event(self.event.read());
        }
        self.books.counts.add(Counter::Canonical, types.len() as u64);
    }

    fn refuse(&mut self, raw: RawRef<'_>, types: &[TypeId]) {
        self.books.counts.add(Counter::RefusedCanonical, types.len() as u64);
        if types.contains(&builtin::ORDERBOOK_DELTA) {
            self.books.counts.add(Counter::BookFramesLost, 1);
            self.pass_lost(raw);
        }
    }
}

impl Books {
    /// Counts the unknown fields of a raw instance; whether the route's policy lets it pass.
    #[inline]
    fn fields(&mut self, raw: RawRef<'_>, kind: StreamKind, target: &Target) -> bool {
        let unmapped = raw.header.present & !target.plan.known;
        if unmapped == 0 && raw.header.unknown == 0 {
            return true;
        }
        self.count_fields(raw, kind, target, unmapped)
    }

    #[cold]
    fn count_fields(&mut self, raw: RawRef<'_>, kind: StreamKind, target: &Target, unmapped: u64) -> bool {
        let mut found = 0;
        for (slot, spec) in layout(kind).iter().enumerate() {
            if unmapped >> slot & 1 == 1 {
                self.unknown.add(target.type_id, spec.key);
                found += 1;
            }
        }
        for (key, _) in raw.unknown() {
            if !target.plan.ignored.iter().any(|ignored| **ignored == *key) {
                self.unknown.add(target.type_id, key);
                found += 1;
            }
        }
        self.counts.add(Counter::UnknownFields, found);
        let refused = found > 0 && target.plan.reject;
        self.counts.add(Counter::RefusedUnknownField, u64::from(refused));
        !refused
    }
}

impl<K: EventSink> Stage for DispatchStage<K> {
    /// Worst case: every input feeds as many routes as any topic of the table does (at least one event: a loss), and each
    /// event is at most [`EVENT_WORDS_OVER_RAW`] words longer than its raw instance.
    fn ready(&mut self, records: usize, words: usize) -> bool {
        let published = self.published.load();
        if !Arc::ptr_eq(published, &self.table) {
            // The publisher still holds the old one, so nothing is freed here.
            self.table = Arc::clone(published);
        }
        let fanout = self.table.fanout().max(1);
        self.next.ready(records * fanout, (words + records * EVENT_WORDS_OVER_RAW) * fanout)
    }

    fn work(&mut self) -> usize {
        self.next.work()
    }

    fn advance(&mut self, now: UnixNanos) {
        self.next.advance(now);
    }

    fn finish(&mut self) {
        self.next.finish();
    }
}

impl<K: EventSink> RawSink for DispatchStage<K> {
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        self.next.expect(instrument, of_book);
    }

    #[inline]
    fn take_raw(&mut self, raw: RawRef<'_>) {
        let is_kept = self.tracer.is_some() && self.begin_span(raw);
        self.route(raw);
        if is_kept {
            self.end_span(raw);
        }
    }
}
