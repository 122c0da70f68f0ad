//! Purpose: the control duty at work: takes commands from the bus, carries out what the pure duty decides, in order, and
//! answers.
//! Owns: the writing end of the dispatch tables, the journal, the native side, the way to the audit. Thread: its own; cold.
//! Takes and gives: commands and news in; tables, orders, audit events, acknowledgements out.
//! Never: begins a change before the last one is carried out; answers before a change is in force.

use std::collections::{BTreeMap, VecDeque};

use crate::agent::Agent;
use crate::bus::control::{Consumer, ControlInbox, Envelope, Principal};
use crate::bus::data::shard_of;
use crate::conductor::BookTally;
use crate::dispatch::{DispatchTable, TablePublisher};
use crate::ring::spsc::{ClaimError, Producer};
use crate::schema::command::{AckStatus, Command, ControlAck, ControlCode};
use crate::schema::event::EventBuf;
use crate::schema::id::{ConnectionId, InstrumentId, TraceId};
use crate::schema::report::{LatencyView, Report, ShardView, StatusReport};
use crate::schema::topic::StreamName;
use crate::telemetry::{Clock, CommandSpan, Counter, Counts, Digits, LatencyTally, Ledger, Tracer};

use super::super::ways_back::{Expect, Watches};
use super::audit::{self, Deed};
use super::duty::Duty;
use super::journal::{Journal, What};
use super::latency_side::LatencySide;
use super::native::{NativeSide, Order};
use super::planning::Plan;
use super::streams::{Now, Turned};
use super::who::Who;

/// Commands that one cycle takes, and pieces of news.
const COMMANDS_A_CYCLE: usize = 16;
const NEWS_A_CYCLE: usize = 4_096;
/// Changes of streams that may wait to be told; older ones are counted.
const TURNED_MAX: usize = 65_536;

/// How often threads are asked for their histograms, so that a report is not older.
const COLLECT_NS: u64 = 250_000_000;

/// One thing to be carried out.
enum Act {
    Order(Order),
    /// What a handle is handed from this version on.
    Wishes(Consumer, u32),
    Publish(Box<DispatchTable>),
    /// What the conductor is told of an instrument's book stream.
    Expect(Expect, InstrumentId),
    Emit(EventBuf),
    /// And the command's span, where there are traces.
    Answer(Box<(Envelope, ControlAck, Option<CommandSpan>)>),
}

/// What the agent is made of.
pub(in crate::engine) struct Parts {
    pub(in crate::engine) duty: Duty,
    pub(in crate::engine) inbox: ControlInbox,
    pub(in crate::engine) tables: TablePublisher,
    pub(in crate::engine) native: Box<dyn NativeSide>,
    pub(in crate::engine) journal: Option<Journal>,
    /// To shard 0.
    pub(in crate::engine) audit: Producer,
    /// By shard.
    pub(in crate::engine) watches: Vec<Watches>,
    pub(in crate::engine) books: BookTally,
    pub(in crate::engine) clock: Clock,
    pub(in crate::engine) ledger: Ledger,
    pub(in crate::engine) latency: LatencySide,
    pub(in crate::engine) tracer: Option<Box<Tracer>>,
    pub(in crate::engine) trace_seed: u64,
    /// Whether time is the clock's. Else it begins with the first frame, and nothing can be due before.
    pub(in crate::engine) live: bool,
}

/// The agent.
pub(in crate::engine) struct ControlAgent {
    parts: Parts,
    acts: VecDeque<Act>,
    /// Streams whose new state is not told yet. A command and its answer go before them.
    turned: VecDeque<(Turned, Now)>,
    /// Handles with subscriptions.
    handles: BTreeMap<u64, Consumer>,
    answered: LatencyTally,
    counts: Counts,
    started: Now,
    traces: u64,
    collect_at: u64,
    /// When the change at hand came into force; 0 before.
    in_force_ns: u64,
}

impl ControlAgent {
    /// Over its parts. What the duty wants by now is asked for with the first cycle.
    pub(in crate::engine) fn new(parts: Parts) -> ControlAgent {
        let started = now(&parts.clock);
        let answered = LatencyTally::new(Digits::Three);
        let (acts, turned, handles) = (VecDeque::new(), VecDeque::new(), BTreeMap::new());
        let counts = parts.ledger.sheet("control");
        let mut agent = ControlAgent {
            parts,
            acts,
            turned,
            handles,
            answered,
            counts,
            started,
            traces: 0,
            collect_at: 0,
            in_force_ns: 0,
        };
        agent.begin();
        agent
    }

    /// Tells with which version the run begins, and whose subscriptions came out of the journal.
    fn begin(&mut self) {
        let version = self.parts.duty.version();
        let outcome = (AckStatus::Accepted, 0, version);
        let deed = Deed { verb: "start", consumer: Who::Config.name(), ..Deed::default() };
        self.emit(deed, outcome, "", None, self.started);
        for name in self.parts.duty.named() {
            let deed = Deed { verb: "restored", consumer: &name, ..Deed::default() };
            self.emit(deed, (AckStatus::Accepted, 1, version), "", None, self.started);
        }
        self.queue_orders(None);
    }

    fn emit(
        &mut self,
        deed: Deed<'_>,
        (outcome, old, new): (AckStatus, u64, u64),
        code: &str,
        trace: Option<TraceId>,
        now: Now,
    ) {
        let own = self.own_trace();
        let trace = trace.unwrap_or(own);
        let mut event = EventBuf::default();
        audit::write(&audit::Entry { deed, outcome, old, new, code, trace }, now, &mut event);
        self.acts.push_back(Act::Emit(event));
    }

    fn own_trace(&mut self) -> TraceId {
        self.traces += 1;
        // The connection that no source has: so these ids are no frame's.
        TraceId::of_frame(self.parts.trace_seed, ConnectionId(u16::MAX), self.traces)
    }

    /// Tells of streams that have a new state, as far as there is room.
    fn tell_turned(&mut self) -> usize {
        let mut told = 0;
        let mut event = EventBuf::default();
        while let Some((turned, now)) = self.turned.pop_front() {
            let (why, version) = (self.parts.duty.why_silent(turned.instrument), self.parts.duty.version());
            let trace = self.own_trace();
            audit::write_stream(&turned, why, (version, trace), now, &mut event);
            let full = matches!(self.parts.audit.push(event.read().words()), Err(ClaimError::Full));
            if full && !self.parts.audit.is_abandoned() {
                self.turned.push_front((turned, now));
                break;
            }
            told += 1;
        }
        told
    }

    /// Puts the duty's orders in line: off, then the table, then on; books are told after each.
    fn queue_orders(&mut self, table: Option<DispatchTable>) {
        let (off, on): (Vec<_>, Vec<_>) =
            self.parts.duty.take_orders().into_iter().partition(|order| matches!(order, Order::Unwant { .. }));
        let version = u32::try_from(self.parts.duty.version()).unwrap_or(u32::MAX);
        let aged: Vec<_> =
            off.iter().filter_map(book_of).map(|id| Act::Expect(Expect::Nothing(id, version), id)).collect();
        let live = |_: &&Order| self.parts.live;
        let awaited: Vec<_> =
            on.iter().filter(live).filter_map(book_of).map(|id| Act::Expect(Expect::Stream(id), id)).collect();
        self.acts.extend(off.into_iter().map(Act::Order));
        self.acts.extend(table.map(|table| Act::Publish(Box::new(table))));
        self.acts.extend(aged);
        self.acts.extend(on.into_iter().map(Act::Order));
        self.acts.extend(awaited);
    }

    /// Carries out what is in line, as far as there is room.
    fn carry_out(&mut self) -> usize {
        let mut done = 0;
        while let Some(act) = self.acts.pop_front() {
            if let Some(act) = self.carry_out_one(act) {
                self.acts.push_front(act);
                break;
            }
            done += 1;
        }
        done
    }

    /// Gives the act back when there is no room for it now.
    fn carry_out_one(&mut self, act: Act) -> Option<Act> {
        match act {
            Act::Order(order) => {
                if !self.parts.native.order(&order) {
                    return Some(Act::Order(order));
                }
            }
            Act::Expect(expect, id) => {
                if !self.parts.watches[shard_of(id, self.parts.watches.len())].tell(expect) {
                    return Some(Act::Expect(expect, id));
                }
            }
            Act::Wishes(consumer, version) => {
                let who = Who::of(&Principal::Handle(consumer.clone()));
                consumer.wishes().set(version, self.parts.duty.wants_of(&who));
            }
            Act::Publish(table) => {
                self.parts.tables.publish(*table);
                self.in_force_ns = self.parts.clock.now_ns();
            }
            Act::Emit(event) => match self.parts.audit.push(event.read().words()) {
                Err(ClaimError::Full) if !self.parts.audit.is_abandoned() => return Some(Act::Emit(event)),
                _ => {}
            },
            Act::Answer(answer) => {
                let (envelope, ack, span) = *answer;
                envelope.answer(ack);
                if let (Some(span), Some(tracer)) = (span, &mut self.parts.tracer) {
                    tracer.commanded(&CommandSpan { in_force_ns: self.in_force_ns, ..span });
                }
            }
        }
        None
    }

    /// Makes a change that was planned: everything but the answer is in line then.
    fn change(&mut self, plan: Plan, deed: Deed<'_>, trace: Option<TraceId>, now: Now) -> u64 {
        let (who, changes, old) = (plan.who().clone(), plan.changes(), self.parts.duty.version());
        let new = self.parts.duty.apply(plan, now);
        if changes {
            if let Some(consumer) = who.id().and_then(|id| self.handles.get(&id)) {
                self.acts.push_back(Act::Wishes(consumer.clone(), u32::try_from(new).unwrap_or(u32::MAX)));
            }
            let table = self.parts.duty.table();
            self.queue_orders(Some(table));
        }
        let outcome = if changes { AckStatus::Accepted } else { AckStatus::Noop };
        self.emit(Deed { consumer: who.name(), ..deed }, (outcome, old, new), "", trace, now);
        new
    }

    fn command(&mut self, envelope: Envelope, now: Now) {
        let report = match envelope.command() {
            Command::ListRoutes => Report::Routes(self.parts.duty.routes_report()),
            Command::ListSubscriptions => Report::Subscriptions(self.parts.duty.subscriptions_report()),
            Command::Status => Report::Status(Box::new(self.status(now))),
            Command::Latency { detail } => Report::Latency(Box::new(self.parts.latency.report(*detail))),
            _ => return self.change_asked(envelope, now),
        };
        let version = self.parts.duty.version();
        let ack = ControlAck::new(envelope.command().type_name(), AckStatus::Noop, version);
        envelope.answer(ControlAck { report: Some(Box::new(report)), ..ack });
    }

    fn change_asked(&mut self, envelope: Envelope, now: Now) {
        let began_ns = self.parts.clock.now_ns();
        self.in_force_ns = 0;
        let who = Who::of(&envelope.principal());
        let command = envelope.command();
        let (trace, parent) = command.trace_id().and_then(audit::caller).unwrap_or_else(|| (self.own_trace(), 0));
        let (verb, traced) = (command.verb(), Some(trace));
        let (subject, sender) = (command.type_name().to_uppercase(), envelope.consumer().clone());
        let deed = Deed { verb, subject: &subject, consumer: who.name(), by: sender.name() };
        let plan = self.parts.duty.plan(&who, command, now).and_then(|plan| self.keep(plan, command, now));
        let ack = match plan {
            Err((code, message)) => {
                let version = self.parts.duty.version();
                self.emit(deed, (AckStatus::Error, version, version), code.as_str(), traced, now);
                ControlAck::refused(&*subject, version, code, message)
            }
            Ok(plan) => {
                if let Principal::Handle(consumer) = envelope.principal() {
                    self.handles.insert(consumer.id(), consumer);
                }
                let status = if plan.changes() { AckStatus::Accepted } else { AckStatus::Noop };
                let version = self.change(plan, deed, traced, now);
                ControlAck::new(&*subject, status, version)
            }
        };
        let span = self.span(&ack, verb, (trace, parent), began_ns);
        self.acts.push_back(Act::Answer(Box::new((envelope, ack, span))));
    }

    /// The span of a command that has been judged; `None` where there are no traces.
    fn span(
        &self,
        ack: &ControlAck,
        verb: &str,
        (trace, parent): (TraceId, u64),
        began_ns: u64,
    ) -> Option<CommandSpan> {
        self.parts.tracer.as_ref()?;
        let type_id = self.parts.latency.type_named(&ack.type_name);
        let [verb, outcome] = audit::places(verb, ack.status);
        Some(CommandSpan {
            trace,
            parent,
            began_ns,
            in_force_ns: 0,
            version: ack.dispatch_version,
            type_id,
            verb,
            outcome,
        })
    }

    /// Keeps a named consumer's command over a restart, before anything comes of it.
    fn keep(&mut self, plan: Plan, command: &Command, now: Now) -> Result<Plan, (ControlCode, String)> {
        if plan.is_worth_keeping() {
            self.write_down(&plan, What::Command(command.clone()), now)?;
        }
        Ok(plan)
    }

    fn write_down(&mut self, plan: &Plan, what: What, now: Now) -> Result<(), (ControlCode, String)> {
        let (Some(journal), Who::Named(name)) = (&mut self.parts.journal, plan.who()) else { return Ok(()) };
        let version = self.parts.duty.version() + u64::from(plan.changes());
        journal.keep(version, now.unix_ns, name, what).map_err(|e| (ControlCode::Journal, e.to_string()))
    }

    /// Ends one subscription whose lease is over. What the journal cannot keep ends all the same, and ends again after a
    /// restart.
    fn lapse(&mut self, now: Now) -> usize {
        let Some((lapse, plan)) = self.parts.duty.lapsed(now) else { return 0 };
        let what = What::LeaseEnded { type_name: lapse.type_name.clone(), filters: lapse.filters };
        let _ = self.write_down(&plan, what, now);
        let deed = Deed { verb: "leaseEnded", subject: &lapse.type_name, ..Deed::default() };
        self.change(plan, deed, None, now);
        1
    }

    /// Writes a journal anew that has grown long beside what is in force.
    fn shorten(&mut self, now: Now) {
        let ControlAgent { parts, counts, .. } = self;
        let Some(journal) = &mut parts.journal else { return };
        if journal.is_wordy(parts.duty.kept() as u64)
            && journal.rewrite(parts.duty.version(), now.unix_ns, parts.duty.in_force()).is_err()
        {
            counts.add(Counter::JournalRewriteFailed, 1);
        }
    }

    /// Cleans up after a handle that was dropped.
    fn clean_up(&mut self, now: Now) -> usize {
        let Some((id, consumer)) = self.handles.iter().find(|(_, consumer)| !consumer.is_connected()) else { return 0 };
        let (id, who) = (*id, Who::of(&Principal::Handle(consumer.clone())));
        self.handles.remove(&id);
        if let Some(plan) = self.parts.duty.leaving(&who) {
            self.change(plan, Deed { verb: "left", ..Deed::default() }, None, now);
        }
        1
    }

    fn hear(&mut self, now: Now) -> usize {
        let mut heard = 0;
        while heard < NEWS_A_CYCLE
            && let Some(news) = self.parts.native.news()
        {
            self.parts.duty.hear(news, now);
            heard += 1;
        }
        let widened = self.parts.duty.discover(now);
        self.parts.duty.tick(now);
        self.parts.duty.take_answered().into_iter().for_each(|ns| self.answered.record(ns));
        let turned = self.parts.duty.take_turned();
        // Without a venue nothing happens at a time of its own, and a replay must be repeatable.
        if self.parts.live {
            self.turned.extend(turned.into_iter().map(|turned| (turned, now)));
            let beyond = self.turned.len().saturating_sub(TURNED_MAX);
            self.turned.drain(..beyond);
            self.counts.add(Counter::StreamChangesUntold, beyond as u64);
        }
        // The same version: what is wanted has not changed, only what there is of it.
        let table = widened.then(|| self.parts.duty.table());
        self.queue_orders(table);
        heard
    }

    fn status(&self, now: Now) -> StatusReport {
        let mut status = self.parts.duty.status_report();
        status.uptime_ms = now.mono_ns.saturating_sub(self.started.mono_ns) / 1_000_000;
        status.connections = self.parts.native.connections();
        status.books = self.parts.books.counts().into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
        let published = |shard: usize| self.parts.ledger.of(&format!("sequencer-{shard}"), Counter::Published);
        let shards = 0..self.parts.watches.len();
        status.shards = shards.map(|n| ShardView { shard: n as u64, published: published(n) }).collect();
        let counted = Counter::ALL.iter().map(|c| (c.label().to_owned(), self.parts.ledger.total(*c)));
        status.counters = counted.filter(|(_, n)| *n > 0).collect();
        status.acknowledged_in = self.answered_view();
        status.waits_for = self.waits_for(&status);
        status.ready = status.waits_for.is_none();
        status
    }

    fn answered_view(&self) -> LatencyView {
        let summary = self.answered.summary();
        LatencyView {
            count: summary.count,
            p50_ns: summary.p50_ns,
            p95_ns: summary.p95_ns,
            p99_ns: summary.p99_ns,
            max_ns: summary.max_ns,
        }
    }

    fn waits_for(&self, status: &StatusReport) -> Option<String> {
        if !self.parts.duty.is_listed() {
            return Some("the list of instruments".to_owned());
        }
        if let Some(shut) = status.connections.iter().find(|connection| !connection.open) {
            return Some(format!("connection {}: {}", shut.name, shut.state));
        }
        match status.streams.requested {
            0 => None,
            count => Some(format!("the venue's answer for {count} streams")),
        }
    }
}

impl Agent for ControlAgent {
    fn name(&self) -> &str {
        "control"
    }

    fn do_work(&mut self) -> usize {
        let mut done = self.carry_out();
        if !self.acts.is_empty() {
            return done;
        }
        let now = now(&self.parts.clock);
        if now.mono_ns >= self.collect_at {
            self.collect_at = now.mono_ns + COLLECT_NS;
            self.parts.latency.collect();
        }
        done += self.hear(now);
        done += self.carry_out();
        for _ in 0..COMMANDS_A_CYCLE {
            if !self.acts.is_empty() {
                break;
            }
            let Some(envelope) = self.parts.inbox.poll() else { break };
            self.command(envelope, now);
            done += 1 + self.carry_out();
        }
        // However many commands wait: a flood of them keeps no lease alive. What a handle sent before it went may come behind its
        // end, and is cleaned up with the next cycle.
        if self.acts.is_empty() {
            done += self.lapse(now) + self.clean_up(now) + self.carry_out();
        }
        self.shorten(now);
        self.parts.tables.reclaim();
        done += self.carry_out();
        if self.acts.is_empty() {
            done += self.tell_turned();
        }
        done
    }

    /// The conductor of shard 0 is the last to end of those that it speaks to.
    fn is_done(&self) -> bool {
        self.parts.audit.is_abandoned()
    }
}

/// The instrument whose book the order's streams feed.
fn book_of(order: &Order) -> Option<InstrumentId> {
    let (Order::Want { instrument, streams, .. } | Order::Unwant { instrument, streams, .. }) = order else {
        return None;
    };
    let is_book = |name: &str| StreamName::parse(name).is_some_and(|name| name.topic.kind.is_book());
    (*instrument).filter(|_| streams.iter().any(|name| is_book(name)))
}

fn now(clock: &Clock) -> Now {
    Now { mono_ns: clock.now_ns(), unix_ns: clock.unix_now().0 }
}
