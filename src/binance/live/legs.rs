//! Purpose: the connections of a live source: opened, renewed, replaced; their streams asked for; their ends told.
//! Owns: the legs, the sockets, the plan, the limits. Thread: the io thread. Takes and gives: frames and notices.
//! Never: blocks; ends a connection that works before its successor does.

use std::collections::VecDeque;

use super::answer::{self, Answer};
use super::board::Board;
use super::cause::Cause;
use super::connection::{Connection, ConnectionPlan, Opening};
use super::leg::{Leg, Want};
use super::limits::{AttemptBudget, MessageBudget};
use super::note::Note;
use super::plan::Plan;
use super::resolve::{Resolved, Resolver};
use super::session::{Phase, Session, SessionLimits, Verdict};
use super::slots::{Slots, Turn};
use super::subscription::Subscriptions;
use crate::schema::id::ConnectionId;
use crate::schema::instrument::uppercase_symbol;
use crate::schema::topic::StreamName;
use crate::telemetry::{Counter, Counts};

/// How soon a look-up that is under way is asked about again.
const RESOLVE_NS: u64 = 5_000_000;

/// Bounds of every leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct LegLimits {
    pub(super) session: SessionLimits,
    pub(super) messages_per_second: usize,
    pub(super) first_frame_ns: u64,
    pub(super) backoff_ns: (u64, u64),
    pub(super) seed: u64,
}

/// What is told of a connection.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// It came; whether it is the first of its leg.
    Up { first: bool },
    /// It went.
    Down(Cause),
    /// It feeds the book of this symbol from here on.
    Feeds(String),
}

/// Word of a connection, to be told in its place among the frames.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) connection: ConnectionId,
    pub(super) number: u64,
    pub(super) told: Told,
}

/// The symbol whose book a stream feeds, uppercase.
fn book_symbol(name: &str) -> Option<String> {
    let name = StreamName::parse(name).filter(|name| name.topic.kind.is_book())?;
    name.symbol.map(uppercase_symbol)
}

/// The connections.
#[derive(Debug)]
pub(super) struct Legs {
    limits: LegLimits,
    legs: Vec<Leg>,
    slots: Slots,
    plan: Plan,
    attempts: AttemptBudget,
    resolver: Resolver,
    opening: Opening,
    /// Slots of replaced connections that say farewell.
    leaving: Vec<usize>,
    pub(super) notices: VecDeque<Notice>,
    board: Board,
    counts: Counts,
}

impl Legs {
    /// Without streams, and so without connections.
    pub(super) fn new(
        limits: LegLimits,
        slots: Slots,
        plan: Plan,
        resolver: Resolver,
        opening: Opening,
        board: Board,
        counts: Counts,
    ) -> Legs {
        Legs {
            limits,
            legs: Vec::new(),
            slots,
            plan,
            attempts: AttemptBudget::default(),
            resolver,
            opening,
            leaving: Vec::new(),
            notices: VecDeque::new(),
            board,
            counts,
        }
    }

    /// Counters of the source.
    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Wants streams that belong together.
    pub(super) fn want(&mut self, names: &[String], now: u64) {
        let Legs { plan, legs, slots, limits, .. } = self;
        plan.want(names, |place, name| {
            while legs.len() <= place {
                let seed = limits.seed.wrapping_mul(1_000).wrapping_add(legs.len() as u64);
                legs.push(Leg::new(limits.backoff_ns, seed));
            }
            legs[place].names.insert(name.into());
            for slot in [legs[place].active, legs[place].successor].into_iter().flatten() {
                if let Some(connection) = slots.get(slot).filter(|c| c.session.phase() == Phase::Open) {
                    connection.subscriptions.want(name, now);
                }
            }
        });
    }

    /// Wants a stream no longer.
    pub(super) fn unwant(&mut self, name: &str, now: u64) {
        let Some(place) = self.plan.unwant(name) else { return };
        let leg = &mut self.legs[place];
        leg.names.remove(name);
        for slot in [leg.active, leg.successor].into_iter().flatten() {
            if let Some(connection) = self.slots.get(slot) {
                connection.subscriptions.unwant(name, now);
            }
        }
    }

    /// What is due: deadlines, control messages, connections to open, successors that can take over.
    pub(super) fn tick(&mut self, now: u64) {
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
            let over = slots.get(*slot).is_none_or(|c| matches!(c.session.check(now, false), Verdict::End(_)));
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
        match connection.session.check(now, expects) {
            Verdict::End(cause) => return Err(cause),
            Verdict::Replace => self.legs[at].replace |= self.legs[at].active == Some(slot),
            Verdict::Fine => {}
        }
        if connection.session.phase() == Phase::Open {
            if !connection.subscriptions.tick(now) {
                return Err(Cause::NoAnswer);
            }
            connection.send_control(now)?;
            self.feed(at);
        }
        Ok(())
    }

    /// Tells the books that the serving connection feeds, as far as they were not told: a stream that the venue has not
    /// acknowledged proves nothing, and whose connection goes is known only of a book that was told.
    fn feed(&mut self, at: usize) {
        let Legs { legs, slots, notices, .. } = self;
        let Some(connection) = legs[at].active.and_then(|slot| slots.get(slot)) else { return };
        let mut symbols = Vec::new();
        connection.subscriptions.take_answered(|name| symbols.extend(book_symbol(name)));
        for symbol in symbols {
            let (connection, number) = (connection.id, connection.take_number());
            notices.push_back(Notice { connection, number, told: Told::Feeds(symbol) });
        }
    }

    fn take_over(&mut self, at: usize, now: u64) {
        let Some(new) = self.legs[at].successor else { return };
        let ready =
            self.slots.get(new).is_some_and(|c| c.session.phase() == Phase::Open && c.subscriptions.is_settled());
        if !ready {
            return;
        }
        let Some(old) = self.legs[at].hand_over() else { return };
        if let Some(connection) = self.slots.get(old) {
            let number = connection.take_number();
            let opened = connection.session.phase() == Phase::Open;
            let connection_id = connection.id;
            connection.close(now);
            self.leaving.push(old);
            if opened {
                self.tell(connection_id, number, Told::Down(Cause::Replaced));
            }
        }
        self.feed(at);
        self.show(at, true, "open (replaced)".to_owned());
    }

    fn open(&mut self, at: usize, now: u64) {
        let free = self.attempts.next(now);
        if free > now {
            self.legs[at].retry_at = free;
            let seconds = (free - now) / 1_000_000_000;
            return self.show(at, false, format!("waits {seconds} s: as many attempts as five minutes allow"));
        }
        let to = match self.resolver.next() {
            Resolved::To(address) => address,
            Resolved::Unknown => return self.failed(at, Cause::Unresolved, now),
            Resolved::Asking => {
                let since = *self.legs[at].resolving.get_or_insert(now);
                if now - since >= self.limits.session.connect_ns {
                    return self.failed(at, Cause::Unresolved, now);
                }
                self.legs[at].retry_at = now + RESOLVE_NS;
                return;
            }
        };
        self.attempts.attempt(now);
        self.counts.add(Counter::ConnectAttempts, 1);
        let mut limits = self.limits.session;
        limits.stall_ns = self.legs[at].stall_ns(limits.stall_ns);
        let plan = ConnectionPlan {
            door: self.plan.door(at),
            session: Session::new(limits, now),
            subscriptions: Subscriptions::new(self.limits.first_frame_ns),
            messages: MessageBudget::new(self.limits.messages_per_second),
        };
        match self.slots.open(to, plan) {
            Ok(slot) => {
                let first = self.legs[at].active.is_none();
                self.legs[at].opens(slot);
                if first {
                    self.show(at, false, format!("connects to {to}"));
                }
            }
            Err(cause) => self.failed(at, cause, now),
        }
    }

    fn failed(&mut self, at: usize, cause: Cause, now: u64) {
        self.counts.add(Counter::ConnectFailures, 1);
        let wait = self.legs[at].failed(now);
        self.resolver.refresh();
        self.told_failure(at, cause, wait, false);
    }

    fn told_failure(&self, at: usize, cause: Cause, wait: u64, had_opened: bool) {
        let (connection, retry_ms) = (at, wait / 1_000_000);
        self.board.note(match had_opened {
            true => Note::Down { connection, cause, retry_ms },
            false => Note::Failed { connection, cause, retry_ms },
        });
        if self.legs[at].active.is_none() {
            self.show(at, false, format!("{cause}; again in {retry_ms} ms"));
        }
    }

    fn show(&self, at: usize, open: bool, state: String) {
        self.board.connection(at, |view| (view.open, view.state) = (open, state));
    }

    /// Shows how many streams are in which state.
    pub(super) fn show_streams(&mut self) {
        for (at, leg) in self.legs.iter().enumerate() {
            let counts = leg.active.and_then(|slot| self.slots.get(slot)).map(|c| c.subscriptions.counts());
            self.board.connection(at, |view| view.streams = counts.unwrap_or_default());
        }
    }

    fn tell(&mut self, connection: ConnectionId, number: u64, told: Told) {
        let counter = if matches!(told, Told::Down(_)) { Counter::ConnectionsDown } else { Counter::ConnectionsUp };
        self.counts.add(counter, 1);
        self.notices.push_back(Notice { connection, number, told });
    }

    fn leg_of(&self, slot: usize) -> Option<usize> {
        self.legs.iter().position(|leg| leg.active == Some(slot) || leg.successor == Some(slot))
    }

    /// One turn over the sockets: the connection whose frame lies in the buffer now. `None` when there is none, or
    /// something else happened ([`Legs::notices`]).
    #[inline]
    pub(super) fn turn(&mut self, now: u64, frame: &mut Vec<u8>) -> (bool, Option<&mut Connection>) {
        match self.slots.turn(&self.opening, now, frame) {
            Turn::Frame(slot) => {
                let wanted = self.heard(slot, now, frame);
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
    fn heard(&mut self, slot: usize, now: u64, frame: &[u8]) -> bool {
        if !self.leaving.is_empty() && self.leaving.contains(&slot) {
            return false;
        }
        let Some(connection) = self.slots.get(slot) else { return false };
        if connection.subscriptions.listens()
            && let Some(name) = answer::stream_name(frame)
        {
            connection.subscriptions.seen(name, now);
        }
        if let Some(answer) = answer::read(frame) {
            self.answered(slot, answer, now);
        }
        true
    }

    #[cold]
    fn answered(&mut self, slot: usize, answer: Answer, now: u64) {
        let leg = self.leg_of(slot).unwrap_or_default();
        let Some(connection) = self.slots.get(slot) else { return };
        match answer {
            Answer::Done { id, streams } => connection.subscriptions.done(id, streams.as_deref(), now),
            Answer::Refused { id, why } => {
                let refused = connection.subscriptions.refused(id, now).map(str::to_owned);
                let what = refused.unwrap_or_else(|| "a control message".to_owned());
                self.counts.add(Counter::StreamsRefused, 1);
                self.board.note(Note::Refused { connection: leg, what, why });
            }
            Answer::Shutdown => {
                connection.session.shutdown_announced();
                self.board.note(Note::ServerCloses { connection: leg });
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
            connection.subscriptions.want(name, now);
        }
        let (id, number) = (connection.id, connection.take_number());
        self.legs[at].opened += 1;
        let first = self.legs[at].opened == 1;
        if self.legs[at].active == Some(slot) {
            self.show(at, true, "open".to_owned());
        }
        let streams = self.legs[at].names.len();
        self.board.note(Note::Opened { connection: at, streams });
        self.tell(id, number, Told::Up { first });
    }

    #[cold]
    fn gone(&mut self, slot: usize, cause: Cause, now: u64) {
        let at = self.leg_of(slot);
        let Some(mut connection) = self.slots.remove(slot) else { return };
        let Some(at) = at else { return self.leaving.retain(|other| *other != slot) };
        let had_opened = connection.session.phase() == Phase::Open;
        let lived = if had_opened { now.saturating_sub(connection.session.since()) } else { 0 };
        self.legs[at].lost(slot, cause, lived, now);
        if had_opened {
            self.tell(connection.id, connection.take_number(), Told::Down(cause));
        } else {
            self.counts.add(Counter::ConnectFailures, 1);
        }
        self.resolver.refresh();
        self.told_failure(at, cause, self.legs[at].retry_at.saturating_sub(now), had_opened);
        if let Some(serving) = self.legs[at].active.and_then(|slot| self.slots.get(slot)) {
            // Books that heard the lost one last went stale with it.
            serving.subscriptions.tell_again();
            self.feed(at);
            self.show(at, true, "open (took over)".to_owned());
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

    /// How many connections the plan needs, and for how many streams.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.plan.connections(), self.plan.streams())
    }
}
