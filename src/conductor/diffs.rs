//! Purpose: what happens to an instrument when a diff comes, is released, or is lost.
//! Owns: nothing of its own. Thread: the conductor's. Takes and gives: diffs in, deltas and analytics out.
//! Never: applies a diff that the span rule does not allow; repairs a crossed book.

use super::ask::NEVER;
use super::book::{Levels, Refusal};
use super::fusion::Instrument;
use super::outlet::Outlet;
use super::span::{Span, Verdict};
use super::status::Change;
use super::sync::DiffStep;
use crate::schema::event::{EventHeader, EventRef, flag, set_flags};
use crate::schema::payload::Depth;
use crate::schema::quality::{BookCause, BookChange, Quality};
use crate::schema::stage::{Publish, SnapshotRequests};
use crate::telemetry::Counter;

/// The span that a diff covers.
pub(super) fn span_of(depth: &Depth) -> Span {
    Span { previous: depth.previous_id, last: depth.last_id }
}

/// The levels of a depth event with their scales.
pub(super) fn levels_of<'a>(depth: &Depth, event: EventRef<'a>) -> Levels<'a> {
    let (bids, asks) = event.levels();
    Levels { bids, asks, price_scale: depth.price_scale, quantity_scale: depth.quantity_scale }
}

impl Instrument {
    /// A diff came.
    pub(super) fn take_diff<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        outlet: &mut Outlet<P, R>,
    ) {
        let Some(depth) = event.payload::<Depth>() else { return };
        let (head, span) = (event.header(), span_of(depth));
        (self.connection, self.dispatch_version) = (Some(head.connection), head.dispatch_version);
        if self.severed && head.dispatch_version >= self.wanted_from {
            // The stream is back; what this diff says decides whether the book can follow it.
            (self.severed, self.stale) = (false, true);
            if self.sync.local().is_none() && !self.held.is_empty() {
                self.want_snapshot(outlet);
            }
        }
        match self.sync.on_diff(span, self.has_backlog(), self.held.high(), &outlet.options) {
            DiffStep::Drop => self.drop_diff(outlet),
            DiffStep::DropAndAsk => {
                self.drop_diff(outlet);
                self.want_snapshot(outlet);
            }
            DiffStep::Hold { first } => {
                self.revive(head, outlet);
                self.hold(span, event, outlet);
                if first {
                    self.timers.first = NEVER;
                }
                // Nothing else brings a book about that waits for no diff: whoever asked for it may have left in between.
                if first || (!self.has_backlog() && self.timers.fill == NEVER) {
                    self.want_snapshot(outlet);
                }
            }
            DiffStep::OpenGap { expected } => {
                let got = span.previous.saturating_add(1);
                self.open_gap(head, BookCause::MissingDiff, expected, got, outlet);
                self.hold(span, event, outlet);
            }
            DiffStep::Apply => self.apply(event, depth, outlet),
            DiffStep::WentBack => {
                self.went_back(head, outlet);
                self.hold(span, event, outlet);
            }
        }
    }

    /// The stream of a stale instrument speaks again, though not yet so that the book can follow.
    fn revive<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        if self.stale {
            self.stale = false;
            self.settle(head, BookCause::MissingDiff, outlet);
        }
    }

    fn drop_diff<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        self.dropped += 1;
        outlet.count(Counter::DiffsDropped);
    }

    fn hold<P: Publish, R: SnapshotRequests>(&mut self, span: Span, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let (words_max, diffs_max) = (outlet.options.held_words_max, outlet.options.held_diffs_max);
        outlet.count(Counter::DiffsHeld);
        if self.held.push(span, event, words_max, diffs_max).is_ok() {
            return;
        }
        self.discard_held(outlet);
        if self.ask.is_asked() {
            // What is on its way answers an older epoch.
            let _ = self.ask.failed(outlet.now, None, &outlet.options);
        }
        self.epoch += u32::from(self.epoch > 0);
        self.start_over(false, outlet);
        if self.epoch > 0 {
            let change = Change::plain(BookChange::Reset, BookCause::BufferFull, self.assess());
            self.announce(event.header(), change, outlet);
        }
        if self.held.push(span, event, words_max, diffs_max).is_err() {
            // Larger than the whole buffer: its ids will be missing, and the next diff will show it.
            outlet.count(Counter::HeldDiscarded);
        }
    }

    /// The venue's ids start over: everything known under the old ones is forgotten.
    pub(super) fn went_back<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        self.discard_held(outlet);
        self.integrity.forget();
        self.streamed.forget_ids();
        self.epoch += 1;
        // An answer on its way belongs to the old ids: ask anew.
        self.ask.close();
        self.start_over(false, outlet);
        self.stale = false;
        let change = Change::plain(BookChange::Reset, BookCause::IdsWentBack, self.assess());
        self.announce(head, change, outlet);
    }

    /// Content of the book's stream was lost.
    pub(super) fn take_lost<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        if self.has_backlog() {
            self.lost_behind = true;
        } else if let Some(expected) = self.sync.miss(i64::MIN) {
            self.open_gap(head, BookCause::LostFrame, expected, i64::MIN, outlet);
        }
    }

    /// Releases the first held diff, or announces the hole before it. Called while there is a backlog.
    pub(super) fn release_one<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        let (Some(front), Some(local)) = (self.held.front(), self.sync.local()) else {
            return self.release_lost(outlet);
        };
        let mut record = core::mem::take(&mut outlet.released);
        match front.verdict(local) {
            Verdict::Old => {
                self.held.pop_into(&mut record);
                self.drop_diff(outlet);
            }
            Verdict::Apply => {
                self.held.pop_into(&mut record);
                set_flags(&mut record, flag::HELD);
                let event = EventRef::from_words(&record);
                if let Some((event, depth)) = event.and_then(|e| Some((e, e.payload::<Depth>()?))) {
                    outlet.publish.taking(event.header());
                    self.apply(event, depth, outlet);
                    outlet.publish.taken();
                }
            }
            Verdict::Missing => {
                if let Some(expected) = self.sync.miss(front.previous) {
                    let head = outlet.own_head(self.id, self.market);
                    let got = front.previous.saturating_add(1);
                    self.open_gap(&head, BookCause::MissingDiff, expected, got, outlet);
                }
            }
        }
        outlet.released = record;
    }

    fn release_lost<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        self.lost_behind = false;
        if let Some(expected) = self.sync.miss(i64::MIN) {
            let head = outlet.own_head(self.id, self.market);
            self.open_gap(&head, BookCause::LostFrame, expected, i64::MIN, outlet);
        }
    }

    fn apply<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        depth: &Depth,
        outlet: &mut Outlet<P, R>,
    ) {
        let head = event.header();
        match self.book.apply(levels_of(depth, event), &mut outlet.levels) {
            Ok(widened) => outlet.counts.add(Counter::ScaleWidened, u64::from(widened)),
            Err(refusal) => return self.refuse_diff(refusal, depth, head, outlet),
        }
        if !self.sync.is_proven() {
            self.ask.close();
        }
        self.sync.applied(depth.last_id);
        self.ask.proven();
        self.stale = outlet.is_old(head);
        (self.timers.fill, self.timers.confirm) = (NEVER, NEVER);
        if !self.stale {
            self.timers.first = NEVER;
        }
        self.applied += 1;
        self.lower.clear();
        outlet.count(Counter::DiffsApplied);
        if outlet.options.prune_outside {
            let pruned = self.book.prune(outlet.options.prune_keep);
            outlet.counts.add(Counter::LevelsPruned, pruned);
        }
        self.settle(head, self.cause_after_apply(), outlet);
        self.publish_delta(event, outlet);
        self.publish_fused(head, depth.last_id, outlet);
        self.integrity_after_apply(depth.last_id, outlet);
        self.watch_quality(head, outlet);
        if self.audit.is_some() {
            self.audit_applied(event, depth, outlet);
        }
    }

    /// Why the quality is what it is after a diff.
    fn cause_after_apply(&self) -> BookCause {
        match (self.quality, self.assess()) {
            (_, Quality::Stale) => BookCause::TimedOut,
            (_, Quality::Crossed) => BookCause::Crossed,
            (Quality::Crossed, _) => BookCause::Uncrossed,
            (_, Quality::Syncing) => BookCause::RangeLeft,
            _ => BookCause::CoveringDiff,
        }
    }

    fn publish_delta<P: Publish, R: SnapshotRequests>(&self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        outlet.event.copy_from(event);
        let header = outlet.event.header_mut();
        header.epoch = self.epoch;
        header.quality = self.quality as u8;
        if self.quality != Quality::Good {
            header.flags |= flag::MAYBE_BAD_BOOK;
        }
        outlet.publish.publish(&mut outlet.event);
    }

    /// A top outside the known range is no claim, and so nothing to check.
    fn integrity_after_apply<P: Publish, R: SnapshotRequests>(&mut self, id: i64, outlet: &mut Outlet<P, R>) {
        if !self.book.top_is_known() {
            return;
        }
        let top = self.top();
        let before = self.integrity.checks;
        self.integrity.applied(id, top, outlet.options.checks_pending_max);
        self.count_checks(before, outlet);
    }

    /// A crossed book that stays so, or whose top looks right again, is given up: nobody can tell whether what crossed it is
    /// gone or lies behind the top. One whose best prices left the known range wants a fresh snapshot.
    fn watch_quality<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        if !self.book.is_crossed() {
            self.crossed_updates = 0;
            self.timers.crossed = NEVER;
            if self.mistrusted {
                return self.give_up_crossed(head, outlet);
            }
            if !self.book.top_is_known() {
                self.want_snapshot(outlet);
            }
            return;
        }
        outlet.count(Counter::Crossed);
        self.mistrusted = true;
        self.crossed_updates += 1;
        if self.crossed_updates == 1 {
            self.timers.crossed = outlet.now.saturating_add(outlet.options.crossed_ns_max);
        }
        if self.crossed_updates >= outlet.options.crossed_updates_max {
            self.give_up_crossed(head, outlet);
        }
    }

    /// The book has been crossed for too long.
    pub(super) fn give_up_crossed<P: Publish, R: SnapshotRequests>(
        &mut self,
        head: &EventHeader,
        outlet: &mut Outlet<P, R>,
    ) {
        self.start_over(false, outlet);
        self.settle(head, BookCause::Crossed, outlet);
    }

    /// A diff cannot be applied: what it said is missing from here on, and only a snapshot can bring it.
    fn refuse_diff<P: Publish, R: SnapshotRequests>(
        &mut self,
        refusal: Refusal,
        depth: &Depth,
        head: &EventHeader,
        outlet: &mut Outlet<P, R>,
    ) {
        let (counter, cause) = match refusal {
            Refusal::Overflow => (Counter::DecimalOverflow, BookCause::Overflow),
            Refusal::Malformed => (Counter::RefusedCanonical, BookCause::LostFrame),
        };
        outlet.count(counter);
        let expected = self.sync.local().map_or(i64::MIN, |local| local.saturating_add(1));
        self.start_over(true, outlet);
        self.open_gap(head, cause, expected, depth.previous_id.saturating_add(1), outlet);
    }
}
