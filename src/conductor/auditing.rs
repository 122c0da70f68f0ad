//! Purpose: when an instrument's book is held against a fresh snapshot, and what comes of it: a deeper range without ghosts,
//! or a book that is given up (faults.md F17).
//! Owns: nothing of its own. Thread: the conductor's. Takes and gives: moments, diffs and snapshots in; requests, counts and
//! whole books out. Never: stops the stream; gives a book up for one mismatch.

use super::ask::NEVER;
use super::audit::Audit;
use super::diffs::levels_of;
use super::fusion::Instrument;
use super::outlet::Outlet;
use crate::schema::event::{EventHeader, EventRef};
use crate::schema::id::{Market, Source};
use crate::schema::payload::Depth;
use crate::schema::quality::{BookCause, Quality};
use crate::schema::stage::{Publish, SnapshotRequests, Urgency};
use crate::telemetry::Counter;

/// Mismatches in a row after which a book is given up.
const STRIKES_MAX: u8 = 2;

impl Instrument {
    /// A snapshot with this `limit` and these many levels a side was adopted, or used to deepen: whether there is more to know.
    pub(super) fn note_depth<P: Publish, R: SnapshotRequests>(&mut self, depth: &Depth, outlet: &Outlet<P, R>) {
        let limit = depth.limit;
        let cut = depth.bids >= limit || depth.asks >= limit;
        self.shallow = limit > 0 && limit < outlet.options.snapshot_levels && cut;
    }

    /// Plans the next audit: soon for a shallow book, else in the market's interval, if it has one. No two instruments keep
    /// time, so that requests come spread.
    pub(super) fn plan_audit<P: Publish, R: SnapshotRequests>(&mut self, outlet: &Outlet<P, R>) {
        let options = &outlet.options;
        let interval = Market::from_byte(self.market).map_or(0, |market| options.refresh_ns[market as usize - 1]);
        let wait = if self.shallow { options.deepen_after_ns } else { interval };
        self.timers.audit = if wait > 0 { outlet.now.saturating_add(self.spread(wait)) } else { NEVER };
    }

    /// Three quarters to five quarters of a wait, by instrument and epoch: the same in every run.
    fn spread(&self, wait: i64) -> i64 {
        let mut mixed = (u64::from(self.id.0) << 32 | u64::from(self.epoch)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^= mixed >> 32;
        wait - wait / 4 + (mixed % (wait as u64 / 2 + 1)) as i64
    }

    /// The moment of [`Instrument::plan_audit`] has come, or that at which an audit under way is given up.
    pub(super) fn audit_due<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        if self.audit.is_some() {
            outlet.count(Counter::AuditsUndecided);
            self.end_audit(outlet);
            return self.plan_audit(outlet);
        }
        let fit = self.quality == Quality::Good && !self.has_backlog() && !self.ask.is_asked();
        let Some(local) = self.sync.local().filter(|_| fit) else { return self.plan_audit(outlet) };
        let Some(mut audit) = outlet.audits.pop() else { return self.audit_later(outlet) };
        if !outlet.requests.request_snapshot(self.id, self.epoch, Urgency::Background) {
            outlet.audits.push(audit);
            return self.audit_later(outlet);
        }
        outlet.count(Counter::AuditsBegun);
        audit.begin(self.epoch, local);
        self.audit = Some(audit);
        self.timers.audit = outlet.now.saturating_add(outlet.options.audit_deadline_ns);
    }

    fn audit_later<P: Publish, R: SnapshotRequests>(&mut self, outlet: &Outlet<P, R>) {
        self.timers.audit = outlet.now.saturating_add(self.spread(outlet.options.deepen_after_ns.max(1)));
    }

    /// Ends an audit, decided or not.
    pub(super) fn end_audit<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        outlet.audits.extend(self.audit.take());
    }

    /// The audit under way, if it is one of the book as it is.
    fn audit_in_force(&mut self) -> Option<&mut Audit> {
        let epoch = self.epoch;
        self.audit.as_deref_mut().filter(|audit| audit.epoch == epoch)
    }

    /// The book has applied a diff while an audit is under way.
    #[cold]
    pub(super) fn audit_applied<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        depth: &Depth,
        outlet: &mut Outlet<P, R>,
    ) {
        let words_max = outlet.options.held_words_max;
        match self.audit_in_force().map(|audit| audit.applied(event, depth, words_max)) {
            Some(Ok(())) => self.conclude_audit(event.header(), outlet),
            _ => {
                outlet.count(Counter::AuditsUndecided);
                self.end_audit(outlet);
                self.plan_audit(outlet);
            }
        }
    }

    /// A snapshot has come: whether the audit under way takes it.
    pub(super) fn audit_takes<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        depth: &Depth,
        outlet: &mut Outlet<P, R>,
    ) -> bool {
        let proven = self.sync.is_proven();
        let whole_below = if outlet.options.short_side_is_whole { depth.limit as usize } else { 0 };
        let waiting = self.audit_in_force().filter(|audit| proven && audit.awaits_snapshot());
        let Some(audit) = waiting else { return false };
        audit.limit = depth.limit;
        match audit.take(levels_of(depth, event), depth.last_id, whole_below) {
            Ok(()) => self.conclude_audit(event.header(), outlet),
            Err(_) => {
                // Older than the question: a cache answered.
                outlet.count(Counter::SnapshotsUnused);
                outlet.count(Counter::AuditsUndecided);
                self.end_audit(outlet);
                self.plan_audit(outlet);
            }
        }
        true
    }

    /// Compares, once the shadow has come to the book's id.
    fn conclude_audit<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        let local = self.sync.local();
        let Some(mut audit) = self.audit.take_if(|audit| audit.shadow_id().is_some_and(|id| Some(id) == local)) else {
            return;
        };
        let before = (self.book.known_bid, self.book.known_ask);
        let agrees = audit.levels().map(|(levels, whole)| {
            let agrees = self.book.agrees_with(levels);
            if agrees && self.book.deepen(levels) {
                self.book.know_whole(whole);
            }
            (agrees, levels.bids.len(), levels.asks.len())
        });
        let limit = audit.limit;
        outlet.audits.push(audit);
        let Some((agrees, bids, asks)) = agrees else {
            outlet.count(Counter::AuditsUndecided);
            return self.plan_audit(outlet);
        };
        self.integrity.compared_snapshot(agrees);
        if !agrees {
            return self.disagreed(head, outlet);
        }
        outlet.count(Counter::AuditsAgreed);
        self.audit_strikes = 0;
        self.note_depth(&Depth { limit, bids: bids as u32, asks: asks as u32, ..bytemuck::Zeroable::zeroed() }, outlet);
        self.plan_audit(outlet);
        if (self.book.known_bid, self.book.known_ask) != before {
            self.publish_book(head, Source::RestDepth, outlet);
        }
    }

    /// One mismatch is counted and looked into soon; two in a row cost the book its trust.
    fn disagreed<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        outlet.count(Counter::AuditsDisagreed);
        self.audit_strikes += 1;
        if self.audit_strikes < STRIKES_MAX {
            return self.audit_later(outlet);
        }
        self.audit_strikes = 0;
        self.timers.audit = NEVER;
        self.start_over(false, outlet);
        self.settle(head, BookCause::AuditFailed, outlet);
    }
}
