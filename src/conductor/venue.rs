//! Purpose: what happens to an instrument when the venue says that it trades, does not, or is gone (faults.md F36, F37).
//! Owns: nothing of its own. Thread: the conductor's. Takes and gives: the venue's word in, statuses and requests out.
//! Never: takes silence for a halt; brings a book back from the dead under its old epoch.

use super::ask::NEVER;
use super::fusion::Instrument;
use super::outlet::Outlet;
use super::status::Change;
use crate::schema::event::EventHeader;
use crate::schema::instrument::VenueState;
use crate::schema::quality::{BookCause, BookChange};
use crate::schema::stage::{Publish, SnapshotRequests};

impl Instrument {
    /// The venue says something; `head` is that of the event that says it, if one does.
    pub(super) fn venue_says<P: Publish, R: SnapshotRequests>(
        &mut self,
        state: VenueState,
        head: Option<&EventHeader>,
        outlet: &mut Outlet<P, R>,
    ) {
        let own = outlet.own_head(self.id, self.market);
        let head = head.unwrap_or(&own);
        if state == VenueState::Gone {
            return self.retire(head, outlet);
        }
        if self.sync.is_retired() {
            self.relist(head, outlet);
        }
        self.set_halted(state == VenueState::Halted, head, outlet);
    }

    /// Halted, its book asks for nothing. Its diffs are applied all the same: orders are cancelled while nothing trades.
    fn set_halted<P: Publish, R: SnapshotRequests>(
        &mut self,
        halted: bool,
        head: &EventHeader,
        outlet: &mut Outlet<P, R>,
    ) {
        if self.halted == halted {
            return;
        }
        self.halted = halted;
        self.settle(head, BookCause::VenueStatus, outlet);
        let unsynced = self.sync.is_missing() || (!self.held.is_empty() && self.sync.local().is_none());
        let silent = (self.stale && !self.severed) || self.sync.is_watching();
        if !halted && (unsynced || silent || self.sync.is_unproven()) {
            self.want_snapshot(outlet);
        }
    }

    /// Its book ends. A gap that is open stays so: should the instrument be listed again, the new book closes it.
    fn retire<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        if self.sync.is_retired() {
            return;
        }
        self.discard_held(outlet);
        self.book.clear();
        self.sync.retire();
        self.ask.close();
        self.lost_behind = false;
        self.end_audit(outlet);
        let own = &mut self.timers;
        (own.fill, own.crossed, own.first, own.confirm, own.book, own.audit) =
            (NEVER, NEVER, NEVER, NEVER, NEVER, NEVER);
        let change = Change::plain(BookChange::Quality, BookCause::VenueStatus, self.assess());
        self.announce(head, change, outlet);
    }

    /// Listed again: a new epoch, of which nothing is known yet.
    fn relist<P: Publish, R: SnapshotRequests>(&mut self, head: &EventHeader, outlet: &mut Outlet<P, R>) {
        self.sync = Default::default();
        // Its stream has yet to be asked for, and no snapshot makes up for that.
        (self.stale, self.severed, self.halted) = (false, true, false);
        self.crossed_updates = 0;
        self.ask = Default::default();
        self.integrity.forget();
        self.streamed.forget_ids();
        self.last_trade = None;
        self.epoch += 1;
        let change = Change::plain(BookChange::Reset, BookCause::VenueStatus, self.assess());
        self.announce(head, change, outlet);
    }
}
