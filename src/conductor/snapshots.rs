//! Purpose: what happens to an instrument when a snapshot, a partial depth or a ticker comes.
//! Owns: nothing of its own. Thread: the conductor's. Takes and gives: levels in, whole books out.
//! Never: adopts part of a snapshot; acts on a mismatch.

use super::ask::NEVER;
use super::book::Book;
use super::diffs::levels_of;
use super::fusion::Instrument;
use super::inputs::Stirred;
use super::integrity::{Checks, Top};
use super::outlet::Outlet;
use super::status::Change;
use super::sync::SnapshotVerdict;
use crate::schema::event::EventRef;
use crate::schema::id::Source;
use crate::schema::payload::{BookTicker, DepthLevels};
use crate::schema::quality::{BookCause, BookChange};
use crate::schema::stage::{Publish, SnapshotRequests};
use crate::telemetry::Counter;

/// How many tickers are kept of an instrument whose book nobody follows: enough for the check of its first diff, should it come,
/// which needs the last one before it and comes a tenth of a second behind it; and little enough for thousands of instruments.
const TICKERS_WITHOUT_BOOK: usize = 16;

/// How often the wait for a proof doubles at most.
const CONFIRM_DOUBLINGS_MAX: u32 = 6;

impl Instrument {
    /// A whole book came from REST, asked for or not.
    pub(super) fn take_snapshot<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        outlet: &mut Outlet<P, R>,
    ) {
        let Some(DepthLevels(depth)) = event.payload::<DepthLevels>() else { return };
        let id = depth.last_id;
        // Replies need not say their epoch; one that names an older one is dropped.
        if (1..self.epoch).contains(&event.header().epoch) {
            return outlet.count(Counter::SnapshotsUnused);
        }
        if Book::check_snapshot(levels_of(depth, event)).is_err() {
            outlet.count(Counter::SnapshotsRefused);
            return self.try_again(None, outlet);
        }
        self.snapshot_type = event.header().type_id();
        if self.audit_takes(event, depth, outlet) {
            return;
        }
        let first_after = self.held.first_after(id);
        let refresh = self.sync.is_proven() && (!self.book.top_is_known() || self.stale);
        let (high, waiting) = (self.held.high(), self.has_backlog());
        match self.sync.on_snapshot(id, first_after, high, waiting, refresh, &outlet.options) {
            SnapshotVerdict::Adopt => self.adopt(event, outlet),
            SnapshotVerdict::Equal => self.meet_equal(event, outlet),
            SnapshotVerdict::TooOld if self.speaks_lower(id, outlet) => {
                outlet.count(Counter::SnapshotsUnused);
                self.went_back(event.header(), outlet);
            }
            SnapshotVerdict::TooOld => {
                outlet.count(Counter::SnapshotsUnused);
                self.try_again(Some(id), outlet);
            }
            SnapshotVerdict::WentBack => {
                outlet.count(Counter::SnapshotsUnused);
                self.went_back(event.header(), outlet);
            }
            SnapshotVerdict::Unused => {
                outlet.count(Counter::SnapshotsUnused);
                if self.sync.is_proven() {
                    self.sync.forget_run();
                    self.ask.close();
                } else {
                    self.try_again(Some(id), outlet);
                }
            }
        }
    }

    /// The answer was useless: the next request, if this one was asked for.
    fn try_again<P: Publish, R: SnapshotRequests>(&mut self, id: Option<i64>, outlet: &mut Outlet<P, R>) {
        if self.ask.is_asked() {
            let repeated = self.ask.failed(outlet.now, id, &outlet.options);
            outlet.counts.add(Counter::SnapshotsRepeated, u64::from(repeated));
        }
    }

    /// Whether snapshots say that the ids of an instrument, which is silent since its connection was lost, went back.
    fn speaks_lower<P: Publish, R: SnapshotRequests>(&mut self, id: i64, outlet: &Outlet<P, R>) -> bool {
        let lower = self.sync.local().is_some_and(|local| id < local);
        if !self.stale || !self.held.is_empty() || !lower {
            return false;
        }
        let options = &outlet.options;
        self.lower.see(id, outlet.now, options.back_answers, options.back_answers_ns)
    }

    fn adopt<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let Some(DepthLevels(depth)) = event.payload::<DepthLevels>() else { return };
        let (head, id) = (event.header(), depth.last_id);
        let whole_below = if outlet.options.short_side_is_whole { depth.limit as usize } else { 0 };
        self.book.replace(levels_of(depth, event), whole_below);
        self.unproven = if self.sync.is_unproven() { self.unproven + 1 } else { 0 };
        self.sync.adopted(id);
        self.ask.close();
        self.stale = outlet.is_old(head);
        self.lower.clear();
        self.end_audit(outlet);
        self.note_depth(depth, outlet);
        self.plan_audit(outlet);
        self.crossed_updates = 0;
        (self.timers.fill, self.timers.crossed, self.timers.first) = (NEVER, NEVER, NEVER);
        if let Some(gap) = &mut self.gap {
            gap.resynced = true;
        }
        let cause = if self.epoch == 0 { BookCause::FirstSnapshot } else { BookCause::Resynchronised };
        self.epoch += 1;
        outlet.count(Counter::SnapshotsAdopted);
        let dropped = self.held.drop_old(id);
        self.dropped += dropped;
        outlet.counts.add(Counter::DiffsDropped, dropped);
        self.announce(head, Change::plain(BookChange::Reset, cause, self.assess()), outlet);
        self.publish_book(head, Source::RestDepth, outlet);
        if outlet.options.book_interval_ns > 0 {
            self.timers.book = outlet.now.saturating_add(outlet.options.book_interval_ns);
        }
        if self.held.is_empty() {
            self.await_proof(outlet);
            let proof = self.integrity.ticker_at(id);
            self.prove_by_ticker(event, proof, outlet);
        }
    }

    /// Has a second snapshot asked for should nothing prove this one. One that only replaces an unproven book again proves as
    /// little, so the wait doubles; without a stream no snapshot proves anything.
    fn await_proof<P: Publish, R: SnapshotRequests>(&mut self, outlet: &Outlet<P, R>) {
        let wait = outlet.options.confirm_after_ns.saturating_mul(1 << self.unproven.min(CONFIRM_DOUBLINGS_MAX));
        self.timers.confirm = if self.severed { NEVER } else { outlet.now.saturating_add(wait) };
    }

    /// A snapshot of the book's own id: a check, a proof for a book that has none, and levels beyond the known range.
    fn meet_equal<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let Some(DepthLevels(depth)) = event.payload::<DepthLevels>() else { return };
        let levels = levels_of(depth, event);
        let agrees = self.book.agrees_with(levels);
        self.integrity.compared_snapshot(agrees);
        outlet.count(if agrees { Counter::IntegrityAgree } else { Counter::IntegrityDisagree });
        self.sync.forget_run();
        if !agrees {
            outlet.count(Counter::SnapshotsUnused);
            return if self.sync.is_proven() { self.ask.close() } else { self.try_again(Some(depth.last_id), outlet) };
        }
        if !self.book.deepen(levels) {
            outlet.count(Counter::SnapshotsUnused);
        }
        self.ask.close();
        self.stale = outlet.is_old(event.header());
        self.become_proven(event, BookCause::EqualSnapshot, outlet);
    }

    fn become_proven<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        cause: BookCause,
        outlet: &mut Outlet<P, R>,
    ) {
        self.sync.prove();
        self.ask.proven();
        (self.timers.fill, self.timers.confirm) = (NEVER, NEVER);
        self.settle(event.header(), cause, outlet);
    }

    /// A ticker came: a reference for checks, and a proof when it has the unproven book's id and top.
    pub(super) fn take_ticker<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        outlet: &mut Outlet<P, R>,
    ) -> Stirred {
        let Some((ticker, id)) = event.payload::<BookTicker>().zip(event.header().venue_id()) else {
            return Stirred::No;
        };
        let top = Top::of_ticker(ticker);
        let kept_max = outlet.options.tickers_kept_max;
        let kept_max = if self.has_book_stream() { kept_max } else { kept_max.min(TICKERS_WITHOUT_BOOK) };
        if self.integrity.awaits_ticker() {
            let before = self.integrity.checks;
            self.integrity.ticker(id, top, kept_max);
            self.count_checks(before, outlet);
        } else {
            self.integrity.ticker(id, top, kept_max);
        }
        if self.sync.local() != Some(id) {
            return Stirred::No;
        }
        self.prove_by_ticker(event, Some(top), outlet);
        Stirred::Maybe
    }

    /// `top` is a ticker's of the book's own id.
    fn prove_by_ticker<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        top: Option<Top>,
        outlet: &mut Outlet<P, R>,
    ) {
        if self.sync.is_unproven() && !self.has_backlog() && top == Some(self.top()) {
            self.ask.close();
            self.become_proven(event, BookCause::EqualTicker, outlet);
        }
    }

    /// The best levels came from a stream: compared when they are of the book's own id.
    pub(super) fn compare_partial<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        outlet: &mut Outlet<P, R>,
    ) {
        let Some(DepthLevels(depth)) = event.payload::<DepthLevels>() else { return };
        if self.sync.local() != Some(depth.last_id) {
            return;
        }
        let before = self.integrity.checks;
        let agrees = self.book.agrees_with(levels_of(depth, event));
        self.integrity.compared(agrees);
        self.count_checks(before, outlet);
    }

    /// Takes checks decided since `before` into the counters.
    pub(super) fn count_checks<P: Publish, R: SnapshotRequests>(&mut self, before: Checks, outlet: &mut Outlet<P, R>) {
        let after = self.integrity.checks;
        outlet.counts.add(Counter::IntegrityAgree, after.agree - before.agree);
        outlet.counts.add(Counter::IntegrityDisagree, after.disagree - before.disagree);
        outlet.counts.add(Counter::IntegrityOverflow, after.given_up - before.given_up);
    }
}
