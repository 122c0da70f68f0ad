//! Purpose: makes things go wrong: what is injected, and what a script has due. Owns: both. Thread: the market's.
//! Takes and gives: faults in, orders to connections, to the market and to REST out. Never: waits.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::fault::{VenueFault, Whom};
use super::market::shutdown_event;
use super::outbox::Order;
use super::script::{Script, Step};
use super::shared::{Shared, hold, nanos};
use crate::sync::Ordering;

/// See the file's head.
#[derive(Debug)]
pub(super) struct Agenda {
    injected: Receiver<VenueFault>,
    script: Vec<Step>,
    /// When each step of the script is due next.
    due_ns: Vec<u64>,
    /// Close frames that follow a `serverShutdown`: when, and to which connections.
    farewells: Vec<(u64, Vec<u64>)>,
}

impl Agenda {
    pub(super) fn new(injected: Receiver<VenueFault>, script: Script) -> Agenda {
        let due_ns = script.steps.iter().map(|step| nanos(step.timing.first)).collect();
        Agenda { injected, script: script.steps, due_ns, farewells: Vec::new() }
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
    }

    fn act(&mut self, shared: &Shared, now_ns: u64, fault: VenueFault) {
        let until = |lasts: Duration| now_ns.saturating_add(nanos(lasts));
        match fault {
            VenueFault::Frames { fault, symbols, count } => {
                let mut market = hold(&shared.market);
                let market = &mut *market;
                let all: Vec<u32> = (0..market.exchange.symbols().len() as u32).collect();
                let named = symbols.iter().filter_map(|symbol| market.exchange.place(symbol)).collect();
                let places: Vec<u32> = if symbols.is_empty() { all } else { named };
                for place in places {
                    (0..count).for_each(|_| market.injector.arm(place, fault.clone()));
                }
            }
            VenueFault::Stall { whom, lasts } => shared.order(&whom, &Order::Stall(nanos(lasts))),
            VenueFault::Close { whom, code, reason } => shared.order(&whom, &Order::Close { code, reason }),
            VenueFault::Reset { whom } => shared.order(&whom, &Order::Reset),
            VenueFault::Cut { whom } => shared.order(&whom, &Order::Cut),
            VenueFault::BrokenFrame { whom } => shared.order(&whom, &Order::BrokenFrame),
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
