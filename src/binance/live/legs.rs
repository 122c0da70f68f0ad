//! Purpose: the connections of one io thread: opened, renewed, replaced; their streams asked for; their ends told.
//! Owns: the legs, the sockets. Thread: the io thread. Takes and gives: orders in; frames and notices out.
//! Never: blocks; ends a connection that works before its successor does.

use super::answer::{self, Answer};
use super::cause::Cause;
use super::connection::{Arrived, Connection};
use super::dial::{Dial, Dialled};
use super::leg::{Leg, Want};
use super::note::Note;
use super::opening::Opening;
use super::orders::{Order, StreamOrders};
use super::session::{Phase, SessionLimits, Verdict};
use super::slots::{Slots, Turn};
use super::subscription::StreamChange;
use super::teller::{Notice, Teller};
use crate::schema::instrument::uppercase_symbol;
use crate::schema::topic::StreamName;
use crate::telemetry::{Counter, Counts};

/// How long a successor that could take over waits for what its predecessor still has to say.
const DRAIN_NS: u64 = 2_000_000_000;

/// Bounds of every leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct LegLimits {
    pub(super) session: SessionLimits,
    pub(super) messages_per_second: usize,
    pub(super) first_frame_ns: u64,
    pub(super) backoff_ns: (u64, u64),
    pub(super) seed: u64,
}

/// The symbol whose book a stream feeds, uppercase.
fn book_symbol(name: &str) -> Option<String> {
    let name = StreamName::parse(name).filter(|name| name.topic.kind.is_book())?;
    name.symbol.map(uppercase_symbol)
}

/// The connections.
#[derive(Debug)]
pub(super) struct Legs {
    thread: usize,
    orders: StreamOrders,
    /// Orders that were taken and are obeyed now; kept for its memory.
    heard: Vec<Order>,
    legs: Vec<Leg>,
    slots: Slots,
    dial: Dial,
    opening: Opening,
    /// Slots of connections that say farewell.
    leaving: Vec<usize>,
    teller: Teller,
}

impl Legs {
    /// Without streams, and so without connections.
    pub(super) fn new(
        thread: usize,
        orders: StreamOrders,
        slots: Slots,
        dial: Dial,
        opening: Opening,
        teller: Teller,
    ) -> Legs {
        let (heard, legs, leaving) = (Vec::new(), Vec::new(), Vec::new());
        Legs { thread, orders, heard, legs, slots, dial, opening, leaving, teller }
    }

    /// Counters of the source.
    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.teller.counts
    }

    /// What is to be told next among the frames.
    #[inline]
    pub(super) fn next_notice(&mut self) -> Option<Notice> {
        self.teller.next_notice()
    }

    /// Obeys what was ordered since the last look.
    fn obey(&mut self, now: u64) {
        let mut orders = core::mem::take(&mut self.heard);
        self.orders.take(self.thread, &mut orders);
        for order in orders.drain(..) {
            if order.wanted { self.want(&order, now) } else { self.unwant(&order, now) }
        }
        self.heard = orders;
    }

    fn want(&mut self, order: &Order, now: u64) {
        let Legs { legs, slots, dial, teller, .. } = self;
        let at = legs.iter().position(|leg| leg.place == order.place).unwrap_or_else(|| {
            let seed = dial.limits.seed.wrapping_mul(1_000).wrapping_add(order.place.number as u64);
            let leg = Leg::new(order.place, dial.limits.backoff_ns, seed);
            teller.show(&leg, false, "to be opened".to_owned());
            legs.push(leg);
            legs.len() - 1
        });
        legs[at].names.insert(order.name.clone());
        for slot in [legs[at].active, legs[at].successor].into_iter().flatten() {
            if let Some(connection) = slots.get(slot).filter(|c| c.session.phase() == Phase::Open) {
                connection.subscriptions.want(&order.name, now);
            }
        }
    }

    fn unwant(&mut self, order: &Order, now: u64) {
        let Some(leg) = self.legs.iter_mut().find(|leg| leg.place == order.place) else { return };
        leg.names.remove(&order.name);
        if self.dial.raw {
            // The stream is the connection.
            for slot in leg.ends() {
                self.farewell(slot, Cause::Unwanted, now);
            }
            return self.teller.all([&*order.name].into_iter(), StreamChange::Gone);
        }
        let mut known = false;
        for slot in [leg.active, leg.successor].into_iter().flatten() {
            if let Some(connection) = self.slots.get(slot) {
                known |= connection.subscriptions.unwant(&order.name, now);
            }
        }
        if !known {
            self.teller.all([&*order.name].into_iter(), StreamChange::Gone);
        }
    }

    /// Ends a connection that nobody waits for.
    fn farewell(&mut self, slot: usize, cause: Cause, now: u64) {
        let Some(connection) = self.slots.get(slot) else { return };
        let opened = connection.session.phase() == Phase::Open;
        let (id, number) = (connection.id, connection.take_number());
        self.teller.streams(&mut connection.subscriptions, false);
        self.teller.all(connection.subscriptions.leaving(), StreamChange::Gone);
        connection.close(now);
        self.leaving.push(slot);
        if opened {
            self.teller.down(id, number, cause);
        }
    }

    /// What is due: deadlines, control messages, connections to open, successors that can take over.
    pub(super) fn tick(&mut self, now: u64) {
        self.obey(now);
        for at in 0..self.legs.len() {
            for slot in [self.legs[at].active, self.legs[at].successor].into_iter().flatten() {
                if let Err(cause) = self.keep(at, slot, now) {
                    self.gone(slot, cause, now);
                }
            }
            self.take_over(at, now);
            if self.legs[at].wants(now) != Want::Nothing {
                self.open(at, now);
            }
        }
        let slots = &mut self.slots;
        self.leaving.retain(|slot| {
            let over = slots.get(*slot).is_none_or(|c| matches!(c.session.check(now, false, false), Verdict::End(_)));
            if over {
                slots.remove(*slot);
            }
            !over
        });
    }

    /// Keeps one connection going.
    fn keep(&mut self, at: usize, slot: usize, now: u64) -> Result<(), Cause> {
        let Some(connection) = self.slots.get(slot) else { return Ok(()) };
        let expects = connection.subscriptions.has_live();
        match connection.session.check(now, expects, self.legs[at].active == Some(slot)) {
            Verdict::End(cause) => return Err(cause),
            Verdict::Replace => self.legs[at].replace |= self.legs[at].active == Some(slot),
            Verdict::Fine => {}
        }
        if connection.session.phase() == Phase::Open {
            if !connection.subscriptions.tick(now) {
                return Err(Cause::NoAnswer);
            }
            connection.send_control(now)?;
            self.teller.streams(&mut connection.subscriptions, self.legs[at].active == Some(slot));
            self.feed(at);
        }
        Ok(())
    }

    /// Tells the books that the serving connection feeds, as far as they were not told: a stream that the venue has not
    /// acknowledged proves nothing, and whose connection goes is known only of a book that was told.
    fn feed(&mut self, at: usize) {
        let Legs { legs, slots, teller, .. } = self;
        let Some(connection) = legs[at].active.and_then(|slot| slots.get(slot)) else { return };
        let mut symbols = Vec::new();
        connection.subscriptions.take_answered(|name| symbols.extend(book_symbol(name)));
        for symbol in symbols {
            let (id, number) = (connection.id, connection.take_number());
            teller.feeds(id, number, symbol);
        }
    }

    fn take_over(&mut self, at: usize, now: u64) {
        let Some(new) = self.legs[at].successor else { return };
        if !self.can_take_over(at, new) || !self.is_drained(at, now) {
            return;
        }
        let Some(old) = self.legs[at].hand_over() else { return };
        self.farewell(old, Cause::Replaced, now);
        self.feed(at);
        self.teller.show(&self.legs[at], true, "open (replaced)".to_owned());
    }

    /// Whether a successor carries all that the serving connection does.
    fn can_take_over(&mut self, at: usize, new: usize) -> bool {
        let Some(successor) = self.slots.get(new) else { return false };
        if successor.session.phase() != Phase::Open || !successor.subscriptions.is_settled() {
            return false;
        }
        let refused: Vec<Box<str>> = successor.subscriptions.refused_names().map(Box::from).collect();
        let serving = self.legs[at].active.and_then(|slot| self.slots.get(slot));
        // What was refused is asked for again: until then the one that has it goes on.
        serving.is_none_or(|serving| !refused.iter().any(|name| serving.subscriptions.has(name)))
    }

    /// Whether what the serving connection had brought by now has been read; one that brings more than can be read is not
    /// waited for for ever.
    fn is_drained(&mut self, at: usize, now: u64) -> bool {
        let Some(old) = self.legs[at].active else { return true };
        let since = *self.legs[at].settled.get_or_insert(now);
        self.slots.ask();
        !self.slots.is_ready(old) || now.saturating_sub(since) >= DRAIN_NS
    }

    fn open(&mut self, at: usize, now: u64) {
        let Legs { legs, slots, dial, teller, .. } = self;
        let leg = &mut legs[at];
        let first = leg.active.is_none();
        match dial.open(leg, slots, &teller.board, &mut teller.counts, now) {
            Dialled::Begun(to) if first => teller.show(leg, false, format!("connects to {to}")),
            Dialled::Begun(_) | Dialled::Asking => {}
            Dialled::Waits(seconds) => {
                teller.show(leg, !first, format!("waits {seconds} s: as many attempts as five minutes allow"));
            }
            Dialled::Failed(cause) => {
                teller.counts.add(Counter::ConnectFailures, 1);
                let wait = leg.failed(now);
                dial.resolver.refresh();
                teller.failure(leg, cause, wait, false);
            }
        }
    }

    /// Nobody looked at the sockets for too long: every open connection is given up with what waits in it.
    #[cold]
    pub(super) fn overslept(&mut self, now: u64) {
        let slots: Vec<usize> = self.legs.iter().flat_map(|leg| [leg.active, leg.successor]).flatten().collect();
        for slot in slots {
            if self.slots.get(slot).is_some_and(|connection| connection.session.phase() == Phase::Open) {
                self.gone(slot, Cause::Overslept, now);
            }
        }
    }

    /// Shows how many streams are in which state.
    pub(super) fn show_streams(&mut self) {
        for leg in &self.legs {
            let counts = leg.active.and_then(|slot| self.slots.get(slot)).map(|c| c.subscriptions.counts());
            self.teller.board.connection(leg.place.number, |view| view.streams = counts.unwrap_or_default());
        }
    }

    fn leg_of(&self, slot: usize) -> Option<usize> {
        self.legs.iter().position(|leg| leg.active == Some(slot) || leg.successor == Some(slot))
    }

    /// One turn over the sockets: the connection whose frame has come. `None` when there is none, or
    /// something else happened ([`Legs::next_notice`]).
    #[inline]
    pub(super) fn turn(&mut self, now: u64) -> (bool, Option<&mut Connection>) {
        match self.slots.turn(&self.opening, now) {
            Turn::Frame(slot) => {
                let wanted = self.heard(slot, now);
                (true, if wanted { self.slots.get(slot) } else { None })
            }
            Turn::Nothing => (false, None),
            Turn::Opened(slot) => {
                self.opened(slot, now);
                (true, None)
            }
            Turn::Gone(slot, cause) => {
                self.gone(slot, cause, now);
                (true, None)
            }
        }
    }

    /// Looks at a frame before it is handed on; whether it is to be.
    #[inline]
    fn heard(&mut self, slot: usize, now: u64) -> bool {
        if !self.leaving.is_empty() && self.leaving.contains(&slot) {
            return false;
        }
        let Some(connection) = self.slots.get(slot) else { return false };
        let Arrived { subscriptions, stream, bytes } = connection.arrived();
        let answer = if stream.is_some() { answer::read_raw(bytes) } else { answer::read(bytes) };
        if subscriptions.listens()
            && answer.is_none()
            && let Some(name) = stream.or_else(|| answer::stream_name(bytes))
        {
            subscriptions.seen(name, now);
        }
        if let Some(answer) = answer {
            self.answered(slot, answer, now);
        }
        true
    }

    #[cold]
    fn answered(&mut self, slot: usize, answer: Answer, now: u64) {
        let number = self.leg_of(slot).map_or(0, |at| self.legs[at].place.number);
        let Some(connection) = self.slots.get(slot) else { return };
        match answer {
            Answer::Done { id, streams } => connection.subscriptions.done(id, streams.as_deref(), now),
            Answer::Refused { id, why } => {
                let refused = connection.subscriptions.refused(id, now).map(str::to_owned);
                let what = refused.unwrap_or_else(|| "a control message".to_owned());
                self.teller.counts.add(Counter::StreamsRefused, 1);
                self.teller.board.note(Note::Refused { connection: number, what, why });
            }
            Answer::Shutdown => {
                connection.session.shutdown_announced();
                self.teller.board.note(Note::ServerCloses { connection: number });
                // At once: the server may leave no time.
                self.tick(now);
            }
        }
    }

    #[cold]
    fn opened(&mut self, slot: usize, now: u64) {
        let Some(at) = self.leg_of(slot) else { return };
        let Some(connection) = self.slots.get(slot) else { return };
        for name in &self.legs[at].names {
            if connection.stream.is_some() {
                connection.subscriptions.given(name, now);
            } else {
                connection.subscriptions.want(name, now);
            }
        }
        let (id, number) = (connection.id, connection.take_number());
        let leg = &mut self.legs[at];
        leg.opened += 1;
        if leg.active == Some(slot) {
            self.teller.show(leg, true, "open".to_owned());
        }
        let (connection, streams) = (leg.place.number, leg.names.len());
        self.teller.board.note(Note::Opened { connection, streams });
        self.teller.up(id, number, leg.opened == 1);
    }

    #[cold]
    fn gone(&mut self, slot: usize, cause: Cause, now: u64) {
        let at = self.leg_of(slot);
        let Some(mut connection) = self.slots.remove(slot) else { return };
        let Some(at) = at else { return self.leaving.retain(|other| *other != slot) };
        let had_opened = connection.session.phase() == Phase::Open;
        let lived = if had_opened { now.saturating_sub(connection.session.since()) } else { 0 };
        let leg = &mut self.legs[at];
        leg.lost(slot, cause, lived, now);
        self.teller.streams(&mut connection.subscriptions, false);
        self.teller.all(connection.subscriptions.leaving(), StreamChange::Gone);
        if leg.active.is_none() {
            self.teller.all(leg.names.iter().map(|name| &**name), StreamChange::Requested);
        }
        if had_opened {
            self.teller.down(connection.id, connection.take_number(), cause);
        } else {
            self.teller.counts.add(Counter::ConnectFailures, 1);
        }
        self.dial.resolver.refresh();
        self.teller.failure(leg, cause, leg.retry_at.saturating_sub(now), had_opened);
        if let Some(serving) = leg.active.and_then(|slot| self.slots.get(slot)) {
            // Books that heard the lost one last went stale with it.
            serving.subscriptions.tell_again();
            self.teller.show(leg, true, "open (took over)".to_owned());
            self.feed(at);
        }
    }

    /// Ends every connection with a farewell.
    pub(super) fn close(&mut self, now: u64) {
        for slot in self.legs.iter().flat_map(|leg| [leg.active, leg.successor]).flatten() {
            if let Some(connection) = self.slots.get(slot) {
                connection.close(now);
            }
        }
    }
}
