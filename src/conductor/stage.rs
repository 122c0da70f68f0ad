//! Purpose: the conductor's coordinator: hands each input to its instrument, and work that is left over back to it.
//! Owns: the instruments, by id; who has held diffs to release, and who waits for which moment.
//! Thread: the conductor's; no locks, no clock. Takes and gives: events in, events out by way of [`Publish`].
//! Never: lets one input cause more than a bounded number of events; decides anything about a book itself.

use std::collections::VecDeque;

use super::ask::NEVER;
use super::errands::Errand;
use super::fusion::Instrument;
use super::inputs::{Stirred, is_connection_lost};
use super::instruments::Instruments;
use super::moments::Moments;
use super::options::ConductorOptions;
use super::outlet::{Outlet, RECORDS_PER_INPUT, WORDS_PER_INPUT};
use super::tally::BookTally;
use crate::schema::event::{EventHeader, EventRef};
use crate::schema::id::{InstrumentId, Market};
use crate::schema::instrument::VenueState;
use crate::schema::payload::{PayloadKind, VenueStatus};
use crate::schema::stage::{EventSink, Publish, SnapshotRequests, Stage};
use crate::schema::time::UnixNanos;
use crate::telemetry::Counts;

/// The conductor: canonical events in; books, deltas, statuses and analytics out.
///
/// Its protocol is that of [`Stage`]: `advance` to the input's time, `work` until it does nothing more, then the input.
/// Taken against that order an input is still handled right, only later than it could be.
#[derive(Debug)]
pub struct ConductorStage<P, R> {
    pub(super) instruments: Instruments,
    pub(super) outlet: Outlet<P, R>,
    /// Instruments with held diffs to release, in order of asking.
    backlog: VecDeque<InstrumentId>,
    pub(super) errands: VecDeque<Errand>,
    moments: Moments,
    /// What the venue said of instruments, by id, also of those that were not seen yet.
    venue: Vec<VenueState>,
}

impl<P: Publish, R: SnapshotRequests> ConductorStage<P, R> {
    /// A conductor that has seen nothing.
    pub fn new(options: ConductorOptions, publish: P, requests: R, counts: Counts) -> ConductorStage<P, R> {
        ConductorStage {
            instruments: Instruments::default(),
            outlet: Outlet::new(options, publish, requests, counts),
            backlog: VecDeque::new(),
            errands: VecDeque::new(),
            moments: Moments::default(),
            venue: Vec::new(),
        }
    }

    /// Also counts its books into a tally that others share.
    pub fn tallied(mut self, tally: BookTally) -> ConductorStage<P, R> {
        self.outlet.tally = tally;
        self
    }

    /// Expects a book stream: if it stays silent, a snapshot is asked for all the same after `first_diff_timeout_ns`.
    pub fn watch(&mut self, instrument: InstrumentId, market: Market) {
        if self.find(instrument).is_none() && self.venue_state(instrument) != VenueState::Open {
            // What the venue says of it is told first, and that takes room.
            self.errands.push_back(Errand::Watch(instrument, market as u8));
            return;
        }
        self.with(instrument, market as u8, |i, outlet| i.watch(outlet));
    }

    fn venue_state(&self, instrument: InstrumentId) -> VenueState {
        self.venue.get(instrument.index()).copied().unwrap_or_default()
    }

    /// The venue says something of an instrument. One that was not seen yet hears it when it is: thousands are halted for
    /// ever, and nobody asks for them.
    pub(super) fn venue_says(&mut self, id: InstrumentId, state: VenueState, head: Option<&EventHeader>) {
        if id.index() >= self.outlet.options.instruments_max {
            return;
        }
        if id.index() >= self.venue.len() {
            self.venue.resize(id.index() + 1, VenueState::Open);
        }
        self.venue[id.index()] = state;
        self.with_known(id, |i, outlet| i.venue_says(state, head, outlet));
    }

    /// What publishes, to be asked or handed on.
    pub fn publisher(&mut self) -> &mut P {
        &mut self.outlet.publish
    }

    /// What the stage counted.
    pub fn counts(&self) -> &Counts {
        &self.outlet.counts
    }

    pub(super) fn find(&self, instrument: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(instrument.index())
    }

    /// Does something with an instrument, made on first sight, and notes what it wants next. `None` for an id without state.
    pub(super) fn with<T>(
        &mut self,
        id: InstrumentId,
        market: u8,
        act: impl FnOnce(&mut Instrument, &mut Outlet<P, R>) -> T,
    ) -> Option<T> {
        if self.find(id).is_none() {
            self.meet(id, market);
        }
        let instrument = self.instruments.get_mut(id.index())?;
        let done = act(instrument, &mut self.outlet);
        self.note_wishes(id);
        Some(done)
    }

    /// Makes an instrument; not where its id has no state.
    #[cold]
    fn meet(&mut self, id: InstrumentId, market: u8) {
        if id.index() >= self.outlet.options.instruments_max {
            return;
        }
        let state = self.venue_state(id);
        let mut instrument = Instrument::new(id, market, self.outlet.options.window_ticks);
        if state != VenueState::Open {
            instrument.venue_says(state, None, &mut self.outlet);
        }
        self.instruments.put(instrument);
    }

    /// Notes what an instrument wants next, after something that may have changed it.
    fn note_wishes(&mut self, id: InstrumentId) {
        let Some(instrument) = self.instruments.get_mut(id.index()) else { return };
        if !instrument.listed && instrument.has_backlog() {
            instrument.listed = true;
            self.backlog.push_back(id);
        }
        let next = instrument.next_moment();
        if next < instrument.scheduled {
            instrument.scheduled = next;
            self.moments.bring_forward(id, next);
        }
    }

    /// Hands an input to its instrument.
    #[inline]
    fn take_of(&mut self, id: InstrumentId, event: EventRef<'_>) {
        let Some(instrument) = self.instruments.get_mut(id.index()) else {
            self.with(id, event.header().market, |i, outlet| _ = i.take(event, outlet));
            return;
        };
        if instrument.take(event, &mut self.outlet) == Stirred::Maybe {
            self.note_wishes(id);
        }
    }

    /// As [`Self::with`], for one that was seen before.
    pub(super) fn with_known(&mut self, id: InstrumentId, act: impl FnOnce(&mut Instrument, &mut Outlet<P, R>)) {
        if let Some(market) = self.find(id).map(|i| i.market) {
            self.with(id, market, act);
        }
    }

    /// Whether an input that concerns no known instrument is published.
    fn publishes(&self, kind: Option<PayloadKind>) -> bool {
        match kind {
            Some(PayloadKind::Lost | PayloadKind::VenueStatus) => false,
            Some(PayloadKind::ConnectionStatus) => self.outlet.options.publishes_connections,
            _ => true,
        }
    }

    pub(super) fn has_room(&mut self, records: usize, words: usize) -> bool {
        self.outlet.publish.room_for(records, words)
    }

    /// Fires the moments that are due. Gives how many instruments had something to do.
    fn fire_moments(&mut self) -> usize {
        let mut done = 0;
        while let Some((moment, id)) = self.moments.first() {
            if moment > self.outlet.now {
                break;
            }
            let room = self.find(id).map_or((0, 0), Instrument::room_to_fire);
            if !self.has_room(room.0, room.1) {
                break;
            }
            self.moments.pop();
            let now = self.outlet.now;
            if self.outlet.options.fire_as_due {
                self.outlet.now = moment;
            }
            self.with_known(id, |i, outlet| {
                // A moment that was put off meanwhile is scheduled anew by `with`.
                i.scheduled = NEVER;
                if i.next_moment() <= outlet.now {
                    i.fire(outlet);
                }
            });
            self.outlet.now = now;
            done += 1;
        }
        done
    }

    /// Releases held diffs, one at a time, as long as there is room.
    fn release(&mut self) -> usize {
        let mut done = 0;
        while let Some(&id) = self.backlog.front() {
            let waiting = self.find(id).is_some_and(Instrument::has_backlog);
            if !waiting {
                self.backlog.pop_front();
                if let Some(instrument) = self.instruments.get_mut(id.index()) {
                    instrument.listed = false;
                }
                continue;
            }
            let words = self.find(id).map_or(0, |i| i.held.front_words());
            if !self.outlet.room_for_input(words) {
                break;
            }
            self.with_known(id, |i, outlet| i.release_one(outlet));
            done += 1;
        }
        done
    }
}

impl<P: Publish, R: SnapshotRequests> Stage for ConductorStage<P, R> {
    fn ready(&mut self, records: usize, words: usize) -> bool {
        let moment_due = self.moments.first().is_some_and(|(moment, _)| moment <= self.outlet.now);
        self.backlog.is_empty()
            && self.errands.is_empty()
            && !moment_due
            && self.has_room(records * RECORDS_PER_INPUT, words + records * WORDS_PER_INPUT)
    }

    fn work(&mut self) -> usize {
        // In this order whatever the room: what waits for it holds up the rest, so every topology tells the same story.
        let mut done = self.release();
        if self.backlog.is_empty() {
            done += self.run_errands();
        }
        if self.backlog.is_empty() && self.errands.is_empty() {
            done += self.fire_moments();
        }
        done
    }

    fn advance(&mut self, now: UnixNanos) {
        let slept = now.0.saturating_sub(self.outlet.now);
        self.outlet.now = self.outlet.now.max(now.0);
        if self.outlet.options.fresh.as_ref().is_some_and(|fresh| slept > fresh.age_max_ns) {
            self.errands.push_back(Errand::Overslept(0));
        }
    }

    fn finish(&mut self) {
        for id in 0..self.instruments.end() {
            let Some(instrument) = self.instruments.get_mut(id) else { continue };
            let before = instrument.integrity.checks;
            instrument.integrity.finish();
            instrument.count_checks(before, &mut self.outlet);
        }
        self.errands.push_back(Errand::Flush(0));
        self.work();
    }
}

impl<P: Publish, R: SnapshotRequests> EventSink for ConductorStage<P, R> {
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        if let Some(instrument) = self.find(instrument) {
            instrument.prefetch(of_book);
        }
    }

    #[inline]
    fn expect_diff(&mut self, instrument: InstrumentId) {
        if let Some(instrument) = self.find(instrument) {
            instrument.prefetch_book();
        }
    }

    fn take_event(&mut self, event: EventRef<'_>) {
        let header = event.header();
        self.outlet.publish.taking(header);
        self.outlet.ingress = header.latency_ns;
        let (kind, id) = (header.kind(), header.instrument());
        if kind == Some(PayloadKind::VenueStatus) {
            let state = event.payload::<VenueStatus>().and_then(|status| VenueState::from_number(status.state));
            if let Some(state) = state {
                self.venue_says(id, state, Some(header));
            }
        } else if id.is_some() && id.index() < self.outlet.options.instruments_max {
            self.take_of(id, event);
        } else if self.publishes(kind) {
            self.outlet.pass(event, 0);
        }
        if kind == Some(PayloadKind::ConnectionStatus) && is_connection_lost(event) {
            self.connection_down(header.connection());
        }
        self.outlet.publish.taken();
    }
}
