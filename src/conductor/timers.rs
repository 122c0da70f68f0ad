//! Purpose: what happens to an instrument when a moment comes, or when somebody speaks about it.
//! Owns: nothing of its own. Thread: the conductor's. Takes and gives: moments and words in, requests and statuses out.
//! Never: fires early.

use super::ask::NEVER;
use super::fusion::Instrument;
use super::outlet::{Outlet, REFERENCE_WORDS, STATUS_WORDS};
use super::status::publish_spare;
use crate::schema::event::EventHeader;
use crate::schema::id::Source;
use crate::schema::quality::BookCause;
use crate::schema::stage::{Publish, SnapshotRequests};

impl Instrument {
    /// The next moment at which something must happen.
    pub(super) fn next_moment(&self) -> i64 {
        let timers = &self.timers;
        let own = timers.fill.min(timers.crossed).min(timers.first).min(timers.confirm).min(timers.book);
        let own = own.min(timers.audit);
        own.min(self.ask.next()).min(self.throttle.next())
    }

    /// The most that [`Instrument::fire`] publishes: events, words.
    pub(super) fn room_to_fire(&self) -> (usize, usize) {
        let (states, words) = self.throttle.held();
        (states + 3, words + 2 * STATUS_WORDS + REFERENCE_WORDS)
    }

    /// Does all that is due.
    pub(super) fn fire<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        let now = outlet.now;
        let due = |timer: &mut i64| *timer <= now && core::mem::replace(timer, NEVER) != NEVER;
        let given_up = due(&mut self.timers.fill) && self.sync.is_missing();
        let silent = due(&mut self.timers.first) && (self.sync.is_watching() || self.stale);
        let unconfirmed = due(&mut self.timers.confirm) && self.sync.is_unproven();
        let crossed = due(&mut self.timers.crossed) && self.book.is_crossed();
        let cadence = due(&mut self.timers.book);
        let audit = due(&mut self.timers.audit);
        if self.ask.is_overdue(now) {
            let _ = self.ask.failed(now, None, &outlet.options);
        }
        if given_up || silent || unconfirmed {
            self.ask.want(now);
        }
        if crossed {
            let head = outlet.own_head(self.id, self.market);
            self.give_up_crossed(&head, outlet);
        }
        self.send_request(outlet);
        if audit {
            self.audit_due(outlet);
        }
        if cadence {
            self.timers.book = now.saturating_add(outlet.options.book_interval_ns.max(1));
            self.publish_requested(outlet);
        }
        self.flush_throttle(now, outlet);
    }

    /// Publishes the states that the throttle holds and that are due by `until`.
    pub(super) fn flush_throttle<P: Publish, R: SnapshotRequests>(&mut self, until: i64, outlet: &mut Outlet<P, R>) {
        while let Some(stands_for) = self.throttle.take_due(until, &mut outlet.spare) {
            publish_spare(stands_for, outlet);
        }
    }

    /// Publishes the book as it stands, if there is one.
    pub(super) fn publish_requested<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        let head = outlet.own_head(self.id, self.market);
        self.publish_book(&head, Source::ConductorBook, outlet);
    }

    /// The venue has acknowledged the book's stream on this connection.
    pub(super) fn fed_by<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        self.connection = Some(head.connection);
        if head.dispatch_version >= self.wanted_from {
            self.watch(outlet);
        }
    }

    /// A stream is expected, or is back after its connection was gone: a snapshot is asked for even when it stays silent.
    pub(super) fn watch<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        self.sync.watch();
        self.stale |= core::mem::take(&mut self.severed);
        if (self.sync.is_watching() || self.stale) && self.timers.first == NEVER {
            self.timers.first = outlet.now.saturating_add(outlet.options.first_diff_timeout_ns);
        }
    }

    /// No sign of life, or the connection is gone. What follows the stream again is no longer stale.
    pub(super) fn mark_stale<P: Publish, R: SnapshotRequests>(&mut self, cause: BookCause, outlet: &mut Outlet<P, R>) {
        if self.sync.is_retired() {
            return;
        }
        // Also of a book that is still to come: the snapshot that was asked for proves nothing without a stream.
        self.severed |= matches!(cause, BookCause::ConnectionDown | BookCause::NotWanted);
        if self.sync.local().is_some() || !self.held.is_empty() {
            self.stale = true;
            self.lower.clear();
            let head = outlet.own_head(self.id, self.market);
            self.settle(&head, cause, outlet);
        }
    }

    /// Nobody wants its book stream from this version on: the book ages, and asks for nothing until the stream is back.
    pub(super) fn unwanted<P: Publish, R: SnapshotRequests>(&mut self, version: u32, outlet: &mut Outlet<P, R>) {
        self.wanted_from = version;
        self.ask.close();
        let timers = &mut self.timers;
        (timers.fill, timers.first, timers.confirm, timers.crossed) = (NEVER, NEVER, NEVER, NEVER);
        self.mark_stale(BookCause::NotWanted, outlet);
    }
}
