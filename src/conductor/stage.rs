//! Purpose: the conductor's coordinator: hands each input to its instrument, and work that is left over back to it.
//! Owns: the instruments, by id; who has held diffs to release, and who waits for which moment.
//! Thread: the conductor's; no locks, no clock. Takes and gives: events in, events out by way of [`Publish`].
//! Never: lets one input cause more than a bounded number of events; decides anything about a book itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::analytics::LastTrade;
use super::ask::NEVER;
use super::fusion::Instrument;
use super::options::ConductorOptions;
use super::outlet::{FUSED_WORDS, Outlet, RECORDS_PER_INPUT, REFERENCE_WORDS, STATUS_WORDS, WORDS_PER_INPUT};
use super::polls::Repeat;
use super::report::{BookReport, QualityCounts};
use super::sync::SyncState;
use super::throttle::{Offer, is_state};
use crate::schema::canonical_type::builtin;
use crate::schema::event::EventRef;
use crate::schema::id::{ConnectionId, InstrumentId, Market, Source};
use crate::schema::payload::{CONNECTION_CHANGES, ConnectionStatus, PayloadKind};
use crate::schema::quality::{BookCause, Quality};
use crate::schema::stage::{EventSink, Publish, SnapshotRequests, Stage};
use crate::schema::time::UnixNanos;
use crate::telemetry::{Counter, Counts};

/// Work that somebody asked for, done by [`Stage::work`] one step at a time.
#[derive(Clone, Copy, Debug)]
enum Errand {
    Book(InstrumentId),
    Halted(InstrumentId, bool),
    Retire(InstrumentId),
    Stale(InstrumentId, BookCause),
    /// Every instrument from this index on that the connection feeds goes stale.
    ConnectionDown(ConnectionId, usize),
    /// Every instrument from this index on gives out what the throttle holds.
    Flush(usize),
}

/// The conductor: canonical events in; books, deltas, statuses and analytics out.
///
/// Its protocol is that of [`Stage`]: `advance` to the input's time, `work` until it does nothing more, then the input.
/// Taken against that order an input is still handled right, only later than it could be.
#[derive(Debug)]
pub struct ConductorStage<P, R> {
    instruments: Vec<Option<Box<Instrument>>>,
    outlet: Outlet<P, R>,
    /// Instruments with held diffs to release, in order of asking.
    backlog: VecDeque<InstrumentId>,
    errands: VecDeque<Errand>,
    moments: BinaryHeap<Reverse<(i64, u32)>>,
}

impl<P: Publish, R: SnapshotRequests> ConductorStage<P, R> {
    /// A conductor that has seen nothing.
    pub fn new(options: ConductorOptions, publish: P, requests: R, counts: Counts) -> ConductorStage<P, R> {
        ConductorStage {
            instruments: Vec::new(),
            outlet: Outlet::new(options, publish, requests, counts),
            backlog: VecDeque::new(),
            errands: VecDeque::new(),
            moments: BinaryHeap::new(),
        }
    }

    /// Expects a book stream: if it stays silent, a snapshot is asked for all the same after `first_diff_timeout_ns`.
    pub fn watch(&mut self, instrument: InstrumentId, market: Market) {
        self.with(instrument, market as u8, |i, outlet| i.watch(outlet));
    }

    /// Has the whole book put into the store and announced by the next [`Stage::work`]; nothing happens without a book.
    pub fn request_book(&mut self, instrument: InstrumentId) {
        self.errands.push_back(Errand::Book(instrument));
    }

    /// Says whether the venue halted the instrument (faults.md F36); an unknown status counts as halted.
    pub fn set_halted(&mut self, instrument: InstrumentId, halted: bool) {
        self.errands.push_back(Errand::Halted(instrument, halted));
    }

    /// Says that the venue dropped the instrument (faults.md F37). For good: a relisting gets a new id.
    pub fn retire(&mut self, instrument: InstrumentId) {
        self.errands.push_back(Errand::Retire(instrument));
    }

    /// Says that the instrument's stream shows no sign of life.
    pub fn mark_stale(&mut self, instrument: InstrumentId) {
        self.errands.push_back(Errand::Stale(instrument, BookCause::TimedOut));
    }

    /// Says that a connection is gone: the books whose latest diff came by it go stale (faults.md F20, F26).
    pub fn connection_down(&mut self, connection: ConnectionId) {
        self.errands.push_back(Errand::ConnectionDown(connection, 0));
    }

    /// The quality of an instrument's book, as announced last; `None` for one that was never seen.
    pub fn quality(&self, instrument: InstrumentId) -> Option<Quality> {
        self.find(instrument).map(|i| i.quality)
    }

    /// Where an instrument's book stands; `None` for one that was never seen.
    pub fn state(&self, instrument: InstrumentId) -> Option<SyncState> {
        self.find(instrument).map(|i| i.state())
    }

    /// The book of one instrument; `None` for one that was never seen. Cold: copies the book.
    pub fn report(&self, instrument: InstrumentId) -> Option<BookReport> {
        self.find(instrument).map(BookReport::of)
    }

    /// Every book that was seen, by instrument id. Cold: copies the books.
    pub fn reports(&self) -> Vec<BookReport> {
        self.instruments.iter().flatten().filter(|i| i.has_book_stream()).map(|i| BookReport::of(i)).collect()
    }

    /// How many books have which quality.
    pub fn qualities(&self) -> QualityCounts {
        let mut counts = QualityCounts::default();
        for instrument in self.instruments.iter().flatten().filter(|i| i.has_book_stream()) {
            counts.count(instrument.quality);
        }
        counts
    }

    /// What publishes, to be asked or handed on.
    pub fn publisher(&mut self) -> &mut P {
        &mut self.outlet.publish
    }

    /// What the stage counted.
    pub fn counts(&self) -> &Counts {
        &self.outlet.counts
    }

    fn find(&self, instrument: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(instrument.index())?.as_deref()
    }

    /// Does something with an instrument, made on first sight, and notes what it wants next. `None` for an id without state.
    fn with<T>(
        &mut self,
        id: InstrumentId,
        market: u8,
        act: impl FnOnce(&mut Instrument, &mut Outlet<P, R>) -> T,
    ) -> Option<T> {
        if id.index() >= self.outlet.options.instruments_max {
            return None;
        }
        if id.index() >= self.instruments.len() {
            self.instruments.resize_with(id.index() + 1, || None);
        }
        let slot = &mut self.instruments[id.index()];
        let instrument = slot.get_or_insert_with(|| Box::new(Instrument::new(id, market)));
        let done = act(instrument, &mut self.outlet);
        if !instrument.listed && instrument.has_backlog() {
            instrument.listed = true;
            self.backlog.push_back(id);
        }
        let next = instrument.next_moment();
        if next < instrument.scheduled {
            instrument.scheduled = next;
            self.moments.push(Reverse((next, id.0)));
        }
        Some(done)
    }

    /// As [`Self::with`], for one that was seen before.
    fn with_known(&mut self, id: InstrumentId, act: impl FnOnce(&mut Instrument, &mut Outlet<P, R>)) {
        if let Some(market) = self.find(id).map(|i| i.market) {
            self.with(id, market, act);
        }
    }

    /// Whether an input that concerns no known instrument is published.
    fn publishes(&self, kind: Option<PayloadKind>) -> bool {
        match kind {
            Some(PayloadKind::Lost) => false,
            Some(PayloadKind::ConnectionStatus) => self.outlet.options.publishes_connections,
            _ => true,
        }
    }

    fn has_room(&mut self, records: usize, words: usize) -> bool {
        self.outlet.publish.room_for(records, words)
    }

    /// Fires the moments that are due. Gives how many instruments had something to do.
    fn fire_moments(&mut self) -> usize {
        let mut done = 0;
        while let Some(&Reverse((moment, id))) = self.moments.peek() {
            if moment > self.outlet.now {
                break;
            }
            let id = InstrumentId(id);
            let room = self.find(id).map_or((0, 0), Instrument::room_to_fire);
            if !self.has_room(room.0, room.1) {
                break;
            }
            self.moments.pop();
            self.with_known(id, |i, outlet| {
                // A moment that was put off meanwhile is scheduled anew by `with`.
                i.scheduled = NEVER;
                if i.next_moment() <= outlet.now {
                    i.fire(outlet);
                }
            });
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
                if let Some(instrument) = self.instruments[id.index()].as_deref_mut() {
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

    fn run_errands(&mut self) -> usize {
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
            Errand::Halted(id, halted) => self.with_known(id, |i, outlet| i.set_halted(halted, outlet)),
            Errand::Retire(id) => self.with_known(id, |i, outlet| i.retire(outlet)),
            Errand::Stale(id, cause) => self.with_known(id, |i, outlet| i.mark_stale(cause, outlet)),
            Errand::ConnectionDown(connection, from) => {
                let fed = |i: &Instrument| i.connection == connection.0 && i.has_book_stream();
                let next = (from..self.instruments.len()).find(|&at| self.instruments[at].as_deref().is_some_and(fed));
                if let Some(at) = next {
                    self.errands.push_front(Errand::ConnectionDown(connection, at + 1));
                    let cause = BookCause::ConnectionDown;
                    self.with_known(InstrumentId(at as u32), |i, outlet| i.mark_stale(cause, outlet));
                }
            }
            Errand::Flush(from) => return self.flush_next(from),
        }
        true
    }

    /// Gives out what the throttle holds of the next instrument that has some.
    fn flush_next(&mut self, from: usize) -> bool {
        let holds = |i: &Instrument| i.throttle.held().0 > 0;
        let next = (from..self.instruments.len()).find(|&at| self.instruments[at].as_deref().is_some_and(holds));
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

impl<P: Publish, R: SnapshotRequests> Stage for ConductorStage<P, R> {
    fn ready(&mut self, records: usize, words: usize) -> bool {
        let moment_due = self.moments.peek().is_some_and(|Reverse((moment, _))| *moment <= self.outlet.now);
        self.backlog.is_empty()
            && self.errands.is_empty()
            && !moment_due
            && self.has_room(records * RECORDS_PER_INPUT, words + records * WORDS_PER_INPUT)
    }

    fn work(&mut self) -> usize {
        self.release() + self.run_errands() + self.fire_moments()
    }

    fn advance(&mut self, now: UnixNanos) {
        self.outlet.now = self.outlet.now.max(now.0);
    }

    fn finish(&mut self) {
        for instrument in self.instruments.iter_mut().flatten() {
            let before = instrument.integrity.checks;
            instrument.integrity.finish();
            instrument.count_checks(before, &mut self.outlet);
        }
        self.errands.push_back(Errand::Flush(0));
        self.work();
    }
}

impl<P: Publish, R: SnapshotRequests> EventSink for ConductorStage<P, R> {
    fn take_event(&mut self, event: EventRef<'_>) {
        let header = event.header();
        self.outlet.ingress = header.latency_ns;
        let known = header.instrument().is_some() && header.instrument().index() < self.outlet.options.instruments_max;
        if known {
            self.with(header.instrument(), header.market, |i, outlet| i.take(event, outlet));
        } else if self.publishes(header.kind()) {
            self.outlet.pass(event, 0);
        }
        if is_connection_lost(event) {
            self.connection_down(header.connection());
        }
    }
}

/// Whether a connection went down. One that has ended (a capture read to its end) takes no book with it.
fn is_connection_lost(event: EventRef<'_>) -> bool {
    event.payload::<ConnectionStatus>().is_some_and(|status| {
        let down = CONNECTION_CHANGES.get(status.change as usize) == Some(&"ConnectionDown");
        down && !status.cause.starts_with(b"ended")
    })
}

impl Instrument {
    /// Whether anything was seen of its book.
    fn has_book_stream(&self) -> bool {
        self.sync.local().is_some() || !self.held.is_empty() || self.epoch > 0 || self.sync.is_retired()
    }

    /// An input of this instrument.
    fn take<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let header = event.header();
        match header.kind() {
            Some(PayloadKind::DepthDiff) if header.type_id() == builtin::ORDERBOOK_DELTA => {
                self.take_diff(event, outlet);
            }
            Some(PayloadKind::DepthLevels) if header.source == Source::RestDepth as u16 => {
                self.take_snapshot(event, outlet);
            }
            Some(PayloadKind::Lost) => self.take_lost(header, outlet),
            _ => self.take_other(event, outlet),
        }
    }

    /// An input that is published as it is.
    fn take_other<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let header = event.header();
        match self.streamed.repeats(header) {
            Repeat::No => {}
            Repeat::OfPoll => return outlet.count(Counter::PollDuplicate),
            Repeat::OfConnection => return outlet.count(Counter::ConnectionDuplicate),
        }
        if header.type_id() != builtin::TRADE_BLOCK
            && let Some(trade) = LastTrade::read(event)
            && self.last_trade.is_none_or(|last| trade.follows(&last))
        {
            self.last_trade = Some(trade);
        }
        self.pass_on(event, outlet);
        match header.kind() {
            Some(PayloadKind::BookTicker) => self.take_ticker(event, outlet),
            Some(PayloadKind::DepthLevels) => self.compare_partial(event, outlet),
            _ => {}
        }
    }

    /// Publishes an event that stands for itself, or leaves it with the throttle.
    fn pass_on<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let interval = outlet.options.interval_of(event.header().type_id());
        let Some(interval) = interval.filter(|_| is_state(event.header().kind())) else {
            return outlet.pass(event, self.epoch);
        };
        match self.throttle.offer(event, interval, outlet.now) {
            Offer::Publish(stands_for) => {
                outlet.event.copy_from(event);
                outlet.event.header_mut().epoch = self.epoch;
                outlet.publish_made(stands_for, false);
            }
            Offer::Held { replaced } => outlet.counts.add(Counter::Conflated, u64::from(replaced)),
        }
    }
}
