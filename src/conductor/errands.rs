//! Purpose: what others ask of the conductor: whole books, venue states, connections gone, the last of the throttle.
//! Owns: the kinds of errand. Thread: the conductor's. Takes and gives: wishes in, done one step at a time by `work`.
//! Never: does more at once than there is room for.

use super::ask::NEVER;
use super::fusion::Instrument;
use super::outlet::{FUSED_WORDS, REFERENCE_WORDS, STATUS_WORDS};
use super::stage::ConductorStage;
use crate::schema::id::{ConnectionId, InstrumentId};
use crate::schema::instrument::VenueState;
use crate::schema::quality::BookCause;
use crate::schema::stage::{Publish, SnapshotRequests};

/// Work that somebody asked for, done by [`Stage::work`](crate::schema::stage::Stage::work) one step at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    Book(InstrumentId),
    Venue(InstrumentId, VenueState),
    Watch(InstrumentId, u8),
    Stale(InstrumentId, BookCause),
    Unwanted(InstrumentId, u32),
    /// Every instrument from this index on that the connection feeds goes stale.
    ConnectionDown(ConnectionId, usize),
    /// Every instrument from this index on goes stale until something fresh comes of it.
    Overslept(usize),
    /// Every instrument from this index on gives out what the throttle holds.
    Flush(usize),
}

impl<P: Publish, R: SnapshotRequests> ConductorStage<P, R> {
    /// Has the whole book put into the store and announced by the next [`Stage::work`](crate::schema::stage::Stage::work); nothing happens without a book.
    pub fn request_book(&mut self, instrument: InstrumentId) {
        self.errands.push_back(Errand::Book(instrument));
    }

    /// Says what the venue says of the instrument: that it does not trade (faults.md F36; an unknown status counts as that),
    /// that it is gone (F37), or that it trades, which lists one anew that was gone. Sources say it in their frames
    /// ([`VenueStatus`](crate::schema::payload::VenueStatus)); this is for who embeds a conductor without them.
    pub fn set_venue_state(&mut self, instrument: InstrumentId, state: VenueState) {
        self.errands.push_back(Errand::Venue(instrument, state));
    }

    /// Says that the instrument's stream shows no sign of life.
    pub fn mark_stale(&mut self, instrument: InstrumentId) {
        self.errands.push_back(Errand::Stale(instrument, BookCause::TimedOut));
    }

    /// Says that from this control version on nobody wants the instrument's book stream: its book goes stale, and asks for
    /// nothing until a diff that was routed by this version or a later one comes, or it is watched again.
    pub fn unwant(&mut self, instrument: InstrumentId, version: u32) {
        self.errands.push_back(Errand::Unwanted(instrument, version));
    }

    /// Says that a connection is gone: the books that it feeds go stale (faults.md F20, F26).
    pub fn connection_down(&mut self, connection: ConnectionId) {
        self.errands.push_back(Errand::ConnectionDown(connection, 0));
    }

    /// Does what was asked for, as far as there is room; how much.
    pub(super) fn run_errands(&mut self) -> usize {
        let mut done = 0;
        while let Some(&errand) = self.errands.front() {
            if !self.has_room(2, STATUS_WORDS + FUSED_WORDS + REFERENCE_WORDS) || !self.run(errand) {
                break;
            }
            done += 1;
        }
        done
    }

    /// Does one step of the first errand; `false` when there was no room for it.
    fn run(&mut self, errand: Errand) -> bool {
        self.errands.pop_front();
        match errand {
            Errand::Book(id) => self.with_known(id, |i, outlet| i.publish_requested(outlet)),
            Errand::Venue(id, state) => self.venue_says(id, state, None),
            Errand::Watch(id, market) => {
                self.with(id, market, |i, outlet| i.watch(outlet));
            }
            Errand::Stale(id, cause) => self.with_known(id, |i, outlet| i.mark_stale(cause, outlet)),
            Errand::Unwanted(id, version) => self.with_known(id, |i, outlet| i.unwanted(version, outlet)),
            Errand::ConnectionDown(connection, from) => {
                let fed = |i: &Instrument| i.connection == Some(connection.0);
                let next = self.instruments.next(from, fed);
                if let Some(at) = next {
                    self.errands.push_front(Errand::ConnectionDown(connection, at + 1));
                    let cause = BookCause::ConnectionDown;
                    self.with_known(InstrumentId(at as u32), |i, outlet| i.mark_stale(cause, outlet));
                }
            }
            Errand::Overslept(from) => {
                let next = self.instruments.next(from, |_| true);
                if let Some(at) = next {
                    self.errands.push_front(Errand::Overslept(at + 1));
                    self.with_known(InstrumentId(at as u32), |i, outlet| i.overslept(outlet));
                }
            }
            Errand::Flush(from) => return self.flush_next(from),
        }
        true
    }

    /// Gives out what the throttle holds of the next instrument that has some.
    fn flush_next(&mut self, from: usize) -> bool {
        let holds = |i: &Instrument| i.throttle.held().0 > 0;
        let next = self.instruments.next(from, holds);
        let Some(at) = next else { return true };
        let id = InstrumentId(at as u32);
        let (states, words) = self.find(id).map_or((0, 0), |i| i.throttle.held());
        if !self.has_room(states, words) {
            self.errands.push_front(Errand::Flush(at));
            return false;
        }
        self.errands.push_front(Errand::Flush(at + 1));
        self.with_known(id, |i, outlet| i.flush_throttle(NEVER, outlet));
        true
    }
}
