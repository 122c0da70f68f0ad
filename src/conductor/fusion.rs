//! Purpose: one instrument: its sync, book and held diffs, and what its book is worth.
//! Owns: all state of an instrument. Thread: the conductor's. Takes and gives: see `diffs`, `snapshots`, `timers`.
//! Never: touches another instrument; claims a book good that is not proven.

use core::mem::offset_of;

use super::analytics::LastTrade;
use super::ask::{Ask, NEVER};
use super::audit::Audit;
use super::book::Book;
use super::held::Held;
use super::integrity::{Integrity, Top};
use super::outlet::Outlet;
use super::polls::Streamed;
use super::status::Change;
use super::sync::{Sync, SyncState};
use super::throttle::Throttle;
use super::went_back::LowerRun;
use crate::schema::canonical_type::builtin;
use crate::schema::event::EventHeader;
use crate::schema::id::{InstrumentId, TypeId};
use crate::schema::quality::{BookCause, BookChange, Quality};
use crate::schema::raw::Level;
use crate::schema::stage::{Publish, SnapshotRequests, Urgency};
use crate::sync::prefetch;
use crate::telemetry::Counter;

/// A gap that was announced and not closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenGap {
    pub(super) opened_at: i64,
    /// A snapshot has replaced the book since.
    pub(super) resynced: bool,
}

/// Moments at which something must happen; [`NEVER`] when not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// The missing diff is given up.
    pub(super) fill: i64,
    /// The book has been crossed for too long.
    pub(super) crossed: i64,
    /// The watched stream has been silent for too long.
    pub(super) first: i64,
    /// A second snapshot must prove the first.
    pub(super) confirm: i64,
    /// The whole book goes to the store.
    pub(super) book: i64,
    /// The book is held against a fresh snapshot, or the audit under way is given up.
    pub(super) audit: i64,
}

/// All state of one instrument.
///
/// With thousands of instruments each is cold when its turn comes, and what an input costs is how many cache lines it touches. So
/// the order here is that of use: what every input reads, what tickers and trades read, what diffs read, the rest.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Instrument {
    pub(super) id: InstrumentId,
    pub(super) epoch: u32,
    pub(super) market: u8,
    /// Whether the stage has it in its list of those with held diffs to release.
    pub(super) listed: bool,
    /// Content was lost while held diffs were waiting: to be announced behind them.
    pub(super) lost_behind: bool,
    pub(super) stale: bool,
    /// Its connection is gone, and nobody said that its stream is back: no snapshot makes up for that.
    pub(super) severed: bool,
    pub(super) halted: bool,
    /// It is or was crossed: once the top looks right again, what crossed it may still lie behind.
    pub(super) mistrusted: bool,
    /// The quality announced last.
    pub(super) quality: Quality,
    pub(super) sync: Sync,
    pub(super) integrity: Integrity,
    pub(super) streamed: Streamed,

    /// The moment for which the stage has this instrument in its queue.
    pub(super) scheduled: i64,
    pub(super) book: Book,
    pub(super) held: Held,
    pub(super) timers: Timers,
    pub(super) ask: Ask,
    pub(super) throttle: Throttle,
    /// The audit under way.
    pub(super) audit: Option<Box<Audit>>,
    /// The table version of the latest diff.
    pub(super) dispatch_version: u32,
    /// The connection that feeds it, once that is known: of the latest diff, or the one that was last said to.
    pub(super) connection: Option<u16>,
    pub(super) applied: u64,
    pub(super) crossed_updates: u32,
    pub(super) gap: Option<OpenGap>,
    pub(super) last_trade: Option<LastTrade>,
    /// Snapshots in a row with ids below those of a silent book.
    pub(super) lower: LowerRun,

    /// Whether a quality was announced at all.
    pub(super) announced: bool,
    /// Diffs routed by an older version are of a stream that was turned off since: they bring no book back.
    pub(super) wanted_from: u32,
    /// Adoptions in a row that replaced a book which nothing had proven.
    pub(super) unproven: u32,
    pub(super) snapshot_type: TypeId,
    /// Audits in a row that disagreed.
    pub(super) audit_strikes: u8,
    /// The book came from fewer levels than are wanted, and there are more.
    pub(super) shallow: bool,
    pub(super) dropped: u64,
}

impl Instrument {
    pub(super) fn new(id: InstrumentId, market: u8, window_ticks: usize) -> Instrument {
        Instrument {
            id,
            market,
            connection: None,
            dispatch_version: 0,
            sync: Sync::default(),
            held: Held::default(),
            book: Book::new(window_ticks),
            epoch: 0,
            announced: false,
            quality: Quality::Syncing,
            gap: None,
            stale: false,
            severed: false,
            wanted_from: 0,
            halted: false,
            crossed_updates: 0,
            mistrusted: false,
            unproven: 0,
            lost_behind: false,
            ask: Ask::default(),
            timers: Timers { fill: NEVER, crossed: NEVER, first: NEVER, confirm: NEVER, book: NEVER, audit: NEVER },
            scheduled: NEVER,
            listed: false,
            snapshot_type: builtin::ORDERBOOK_SNAPSHOT,
            last_trade: None,
            integrity: Integrity::default(),
            throttle: Throttle::default(),
            streamed: Streamed::default(),
            audit: None,
            audit_strikes: 0,
            shallow: false,
            lower: LowerRun::default(),
            applied: 0,
            dropped: 0,
        }
    }

    /// Asks for what every input reads, and for what diffs read besides.
    #[inline]
    pub(super) fn prefetch(&self, of_book: bool) {
        let bytes = if of_book { offset_of!(Instrument, announced) } else { offset_of!(Instrument, scheduled) };
        prefetch(self, bytes);
    }

    /// Asks for the best levels, when the instrument itself is there.
    #[inline]
    pub(super) fn prefetch_book(&self) {
        self.book.bids.prefetch();
        self.book.asks.prefetch();
    }

    /// What the book is worth now.
    pub(super) fn assess(&self) -> Quality {
        if self.sync.is_retired() {
            Quality::Delisted
        } else if self.halted {
            Quality::Halted
        } else if self.stale || self.severed {
            Quality::Stale
        } else if self.sync.is_missing() {
            Quality::Gap
        } else if !self.sync.is_proven() {
            Quality::Syncing
        } else if self.book.is_crossed() {
            Quality::Crossed
        } else if self.mistrusted || !self.book.top_is_known() {
            Quality::Syncing
        } else {
            Quality::Good
        }
    }

    /// Where the book stands.
    pub(super) fn state(&self) -> SyncState {
        self.sync.state(self.ask.is_asked(), self.has_backlog(), self.stale || self.severed)
    }

    /// Whether held diffs wait to be released, or a hole among them to be announced.
    #[inline]
    pub(super) fn has_backlog(&self) -> bool {
        if self.held.is_empty() {
            return self.lost_behind;
        }
        let Some(local) = self.sync.local() else { return false };
        self.sync.missing_until().is_none_or(|until| self.held.reaches(local, until))
    }

    /// The book's top.
    pub(super) fn top(&self) -> Top {
        let side =
            |level: Option<Level>| level.and_then(|l| self.book.price(l.price).zip(self.book.quantity(l.quantity)));
        Top::of(side(self.book.best_bid()), side(self.book.best_ask()))
    }

    /// Announces what has changed, if anything: the end of a gap, or another quality.
    pub(super) fn settle<P: Publish, R: SnapshotRequests>(
        &mut self,
        head: &EventHeader,
        cause: BookCause,
        outlet: &mut Outlet<P, R>,
    ) {
        let to = self.assess();
        let Some(gap) = self.gap.filter(|_| self.sync.is_proven()) else {
            if to != self.quality {
                self.announce(head, Change::plain(BookChange::Quality, cause, to), outlet);
            }
            return;
        };
        self.gap = None;
        outlet.count(Counter::GapsClosed);
        let by_late_diff = cause == BookCause::CoveringDiff && !gap.resynced;
        let cause = if by_late_diff { BookCause::LateDiff } else { cause };
        let change = Change {
            resumed_at: self.sync.local().unwrap_or(i64::MIN),
            elapsed_ns: outlet.now.saturating_sub(gap.opened_at),
            ..Change::plain(BookChange::GapClose, cause, to)
        };
        self.announce(head, change, outlet);
    }

    /// Announces that ids are missing; when a gap stands open already, only the change of quality.
    pub(super) fn open_gap<P: Publish, R: SnapshotRequests>(
        &mut self,
        head: &EventHeader,
        cause: BookCause,
        expected: i64,
        got: i64,
        outlet: &mut Outlet<P, R>,
    ) {
        self.stale = false;
        self.timers.confirm = NEVER;
        if self.gap.is_some() {
            self.settle(head, cause, outlet);
        } else {
            self.gap = Some(OpenGap { opened_at: outlet.now, resynced: false });
            outlet.count(Counter::GapsOpened);
            let to = self.assess();
            let change = Change { expected, got, ..Change::plain(BookChange::GapOpen, cause, to) };
            self.announce(head, change, outlet);
        }
        if outlet.options.fill_deadline_ns <= 0 || self.sync.local().is_none() {
            self.want_snapshot(outlet);
        } else {
            self.timers.fill = outlet.now.saturating_add(outlet.options.fill_deadline_ns);
        }
    }

    /// Gives the book up: diffs are held from here on, and a snapshot is asked for.
    pub(super) fn start_over<P: Publish, R: SnapshotRequests>(&mut self, missing: bool, outlet: &mut Outlet<P, R>) {
        self.sync.start_over(missing);
        self.book.clear();
        self.mistrusted = false;
        self.crossed_updates = 0;
        self.lost_behind = false;
        self.timers.crossed = NEVER;
        self.timers.confirm = NEVER;
        self.timers.fill = NEVER;
        self.want_snapshot(outlet);
    }

    /// Drops every held diff.
    pub(super) fn discard_held<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        let discarded = self.held.clear();
        outlet.counts.add(Counter::HeldDiscarded, discarded);
    }

    /// Asks for a snapshot unless one is on its way.
    pub(super) fn want_snapshot<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        self.ask.want(outlet.now);
        self.send_request(outlet);
    }

    /// Sends the request that is due. A halted or retired instrument asks for nothing.
    pub(super) fn send_request<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        if !self.ask.is_due(outlet.now) {
            return;
        }
        if self.halted || self.sync.is_retired() {
            self.ask.close();
        } else if outlet.requests.request_snapshot(self.id, self.epoch, Urgency::Book) {
            self.ask.sent(outlet.now, &outlet.options);
            outlet.count(Counter::SnapshotsRequested);
        } else {
            self.ask.way_full(outlet.now, &outlet.options);
        }
    }
}
