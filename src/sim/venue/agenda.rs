//! Purpose: makes things go wrong: what is injected, and what a script has due. Owns: both. Thread: the market's.
//! Takes and gives: faults in, orders to connections, to the market and to REST out. Never: waits.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::fault::{VenueFault, Whom};
use super::market::shutdown_event;
use super::outbox::Order;
use super::script::{Script, Step};
use super::shared::{Shared, hold, nanos};
use crate::schema::time::UnixNanos;
use crate::sim::exchange::Exchange;
use crate::sim::faults::Fault;
use crate::sim::spec::Status;
use crate::sync::Ordering;

/// Answers that may wait to be wrong; more are dropped.
const ANSWERS_MAX: usize = 10_000;

/// See the file's head.
#[derive(Debug)]
pub(super) struct Agenda {
    injected: Receiver<VenueFault>,
    script: Vec<Step>,
    /// When each step of the script is due next.
    due_ns: Vec<u64>,
    /// Close frames that follow a `serverShutdown`: when, and to which connections.
    farewells: Vec<(u64, Vec<u64>)>,
    /// Symbols that are well again: when, which, and how.
    heals: Vec<(u64, Vec<u32>, Change)>,
}

/// What becomes of a symbol.
#[derive(Clone, Copy, Debug)]
enum Change {
    Status(Status),
    Listed(bool),
}

impl Change {
    fn make(self, exchange: &mut Exchange, places: &[u32], now: UnixNanos) {
        for place in places {
            match self {
                Change::Status(status) => exchange.set_status(*place, status, now),
                Change::Listed(listed) => exchange.set_listed(*place, listed, now),
            }
        }
    }
}

impl Agenda {
    pub(super) fn new(injected: Receiver<VenueFault>, script: Script) -> Agenda {
        let due_ns = script.steps.iter().map(|step| nanos(step.timing.first)).collect();
        Agenda { injected, script: script.steps, due_ns, farewells: Vec::new(), heals: Vec::new() }
    }

    /// Does what is due.
    pub(super) fn turn(&mut self, shared: &Shared, now_ns: u64) {
        while let Ok(fault) = self.injected.try_recv() {
            self.act(shared, now_ns, fault);
        }
        for at in 0..self.script.len() {
            if now_ns < self.due_ns[at] {
                continue;
            }
            let Step { timing, fault } = self.script[at].clone();
            let next = timing.every.map_or(u64::MAX, |every| self.due_ns[at].saturating_add(nanos(every)));
            self.due_ns[at] = if timing.until.is_some_and(|until| next > nanos(until)) { u64::MAX } else { next };
            self.act(shared, now_ns, fault);
        }
        self.farewells.retain(|(due, ids)| {
            if now_ns < *due {
                return true;
            }
            let leaving = shared.sessions().into_iter().filter(|outbox| ids.contains(&outbox.id));
            leaving.for_each(|outbox| outbox.order(Order::Close { code: 1012, reason: "service restart".to_owned() }));
            false
        });
        while let Some(at) = self.heals.iter().position(|(due, ..)| now_ns >= *due) {
            let (_, places, change) = self.heals.swap_remove(at);
            change.make(&mut hold(&shared.market).exchange, &places, shared.clock.unix_now());
        }
    }

    /// Changes symbols, and changes them back later when `lasts` is set.
    fn change(&mut self, shared: &Shared, now_ns: u64, symbols: &[String], to: [Change; 2], lasts: Option<Duration>) {
        let mut market = hold(&shared.market);
        let places = places(&market.exchange, symbols);
        let [change, back] = to;
        change.make(&mut market.exchange, &places, shared.clock.unix_now());
        if let Some(lasts) = lasts {
            self.heals.push((now_ns.saturating_add(nanos(lasts)), places, back));
        }
    }

    fn act(&mut self, shared: &Shared, now_ns: u64, fault: VenueFault) {
        let until = |lasts: Duration| now_ns.saturating_add(nanos(lasts));
        match fault {
            VenueFault::Frames { fault, symbols, count } => arm(shared, &fault, &symbols, count),
            VenueFault::Stall { whom, lasts } => shared.order(&whom, &Order::Stall(nanos(lasts))),
            VenueFault::Close { whom, code, reason } => shared.order(&whom, &Order::Close { code, reason }),
            VenueFault::Reset { whom } => shared.order(&whom, &Order::Reset),
            VenueFault::Cut { whom } => shared.order(&whom, &Order::Cut),
            VenueFault::Truncate { whom } => shared.order(&whom, &Order::Truncate),
            VenueFault::BrokenFrame { whom, how } => shared.order(&whom, &Order::BrokenFrame(how)),
            VenueFault::Fragments { whom, lasts } => shared.order(&whom, &Order::Fragments(nanos(lasts))),
            VenueFault::Pings { whom, count, bytes } => shared.order(&whom, &Order::Pings { count, bytes }),
            VenueFault::Answers { how, count, by } => {
                let mut answers = hold(&shared.answers);
                let room = ANSWERS_MAX.saturating_sub(answers.len());
                answers.extend(std::iter::repeat_n((how, nanos(by)), room.min(count as usize)));
            }
            VenueFault::Handshake { how, lasts } => hold(&shared.mood).bad_handshake = Some((how, until(lasts))),
            VenueFault::BadRest { how, lasts, routes } => {
                hold(&shared.mood).bad_rest = Some((how, until(lasts), routes));
            }
            VenueFault::Status { symbols, becomes, lasts } => {
                let to = [Change::Status(becomes), Change::Status(Status::Trading)];
                self.change(shared, now_ns, &symbols, to, lasts);
            }
            VenueFault::Delist { symbols, lasts } => {
                self.change(shared, now_ns, &symbols, [Change::Listed(false), Change::Listed(true)], lasts);
            }
            VenueFault::TickSize { symbols, digits } => {
                let mut market = hold(&shared.market);
                for place in places(&market.exchange, &symbols) {
                    market.exchange.refine_ticks(place, digits);
                }
            }
            VenueFault::SlowRest { by, lasts } => {
                let mut mood = hold(&shared.mood);
                (mood.slow_by_ns, mood.slow_until_ns) = (nanos(by), until(lasts));
            }
            VenueFault::TooManyRequests { lasts, retry_after } => {
                let mut mood = hold(&shared.mood);
                (mood.retry_after_s, mood.storm_until_ns) = (retry_after, until(lasts));
            }
            VenueFault::RestFails { status, lasts } => {
                let mut mood = hold(&shared.mood);
                (mood.fails_status, mood.fails_until_ns) = (status, until(lasts));
            }
            VenueFault::Down { lasts } => {
                // Release, partner of the acquire in `Shared::is_down`.
                shared.down_until_ns.store(until(lasts), Ordering::Release);
                let _ = shared.listener_waker.wake();
                let everyone: Vec<_> = hold(&shared.connections).values().cloned().collect();
                everyone.iter().for_each(|outbox| outbox.order(Order::Cut));
            }
            VenueFault::Shutdown { lead } => {
                let leaving = shared.befallen(&Whom::default());
                for outbox in &leaving {
                    outbox.push(shutdown_event(shared.unix_ms(), outbox.combined()).into());
                }
                self.farewells.push((until(lead), leaving.iter().map(|outbox| outbox.id).collect()));
            }
        }
    }
}

/// Where these symbols stand; none named means all.
fn places(exchange: &Exchange, symbols: &[String]) -> Vec<u32> {
    if symbols.is_empty() {
        return (0..exchange.symbols().len() as u32).collect();
    }
    symbols.iter().filter_map(|symbol| exchange.place(symbol)).collect()
}

fn arm(shared: &Shared, fault: &Fault, symbols: &[String], count: u32) {
    let mut market = hold(&shared.market);
    let market = &mut *market;
    for place in places(&market.exchange, symbols) {
        (0..count).for_each(|_| market.injector.arm(place, fault.clone()));
    }
}
