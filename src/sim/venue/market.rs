//! Purpose: the market's thread: lets the exchange run in real time and hands its frames to those who subscribed.
//! Owns: the exchange, the faults of frames, what is delayed. Thread: its own; REST answers look in under its lock.
//! Takes and gives: time in, frames to the hub. Never: waits for a client.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::derived::{Derived, Made};
use super::hub::{Hub, Sending};
use super::micros::with_micros;
use super::serve_capture::{CaptureProgress, ServedCapture};
use super::shared::{Shared, hold};
use crate::sim::batch::{Batch, Emitted};
use crate::sim::channel::Channel;
use crate::sim::exchange::Exchange;
use crate::sim::faults::FaultPlan;
use crate::sim::injector::{Delivery, Injector};
use crate::sim::wire;
use crate::telemetry::Discipline;

/// Events that are handled under one lock, so that REST answers are never far from their turn.
const EVENTS_PER_TURN: u32 = 256;
/// The longest sleep: scripts, subscriptions and the end are noticed within it.
const NAP_MAX: Duration = Duration::from_millis(2);

/// A diff that leaves later: when, the how-manieth, when it happened, its stream, its bytes.
type Later = Reverse<(i64, u64, i64, String, Vec<u8>)>;

/// See the file's head.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) exchange: Exchange,
    pub(super) injector: Injector,
    pub(super) capture: Option<ServedCapture>,
    pub(super) capture_fault: Option<String>,
    depth_ms: u32,
    derived: Derived,
    batch: Batch,
    deliveries: Vec<Delivery>,
    later: BinaryHeap<Later>,
    delayed: u64,
}

/// The payload within a combined frame; what is no combined frame is all payload.
pub(super) fn payload_of(combined: &[u8]) -> &[u8] {
    let key = b"\",\"data\":";
    let begins = combined.starts_with(b"{\"stream\":\"");
    let Some(at) = combined.windows(key.len()).position(|w| w == key).filter(|_| begins) else { return combined };
    let inside = &combined[at + key.len()..];
    inside.strip_suffix(b"}").filter(|rest| rest.ends_with(b"}")).unwrap_or(inside)
}

impl Market {
    pub(super) fn new(exchange: Exchange, faults: &FaultPlan, depth_ms: u32, capture: Option<ServedCapture>) -> Market {
        let injector = Injector::new(faults, &exchange);
        let derived = Derived::new(&exchange);
        let (batch, later) = (Batch::default(), BinaryHeap::new());
        Market {
            exchange,
            injector,
            capture,
            capture_fault: None,
            depth_ms,
            derived,
            batch,
            deliveries: Vec::new(),
            later,
            delayed: 0,
        }
    }

    /// Writes what subscribers need from now on.
    fn want(&mut self, names: &[String], now_ns: i64) {
        self.derived.want(names, self.depth_ms, &mut self.exchange, now_ns);
    }

    /// Lets happen what is due, at most a turn's worth; true when there may be more.
    fn turn(&mut self, now_ns: i64, hub: &Hub) -> bool {
        while self.later.peek().is_some_and(|Reverse(next)| next.0 <= now_ns) {
            let Some(Reverse((_, _, venue_ns, stream, bytes))) = self.later.pop() else { break };
            spoilt(hub, &stream, &bytes, venue_ns);
        }
        for made in self.derived.arrays(now_ns) {
            publish_made(hub, &made, now_ns);
        }
        for _ in 0..EVENTS_PER_TURN {
            let due = self.exchange.next_due().filter(|due| due.0 <= now_ns);
            // A candle is over when everything before its end has happened.
            while self.derived.candles.due_ns() <= due.map_or(now_ns, |due| due.0) {
                let second_ns = self.derived.candles.due_ns();
                for made in self.derived.candles.speak(&self.exchange) {
                    publish_made(hub, &made, second_ns);
                }
            }
            if due.is_none() {
                return false;
            }
            self.batch.clear();
            self.exchange.advance(&mut self.batch);
            for index in 0..self.batch.frames().len() {
                let frame = self.batch.frames()[index].clone();
                self.send(&frame, hub);
            }
        }
        true
    }

    fn send(&mut self, frame: &Emitted, hub: &Hub) {
        let (payload, whole) = (self.batch.bytes(&frame.payload), self.batch.bytes(&frame.frame));
        let Some(stream) = self.exchange.stream(frame.place, frame.channel).map(str::to_owned) else { return };
        for made in self.derived.follow(&self.exchange, (frame.place, frame.channel, frame.venue_ns), payload) {
            publish_made(hub, &made, frame.venue_ns);
        }
        let truth = || {
            let micros = || with_micros(payload, Some(frame.channel), frame.venue_ns);
            hub.publish(&Sending { stream: &stream, payload, combined: Some(whole), micros: &micros });
        };
        if frame.channel != Channel::Depth || !self.injector.watches(frame.place) {
            return truth();
        }
        self.injector.diff(&mut self.exchange, frame, whole, &mut self.deliveries);
        for delivery in self.deliveries.drain(..) {
            match delivery.bytes {
                None => truth(),
                Some(bytes) if delivery.delay_ns == 0 => spoilt(hub, &stream, &bytes, frame.venue_ns),
                Some(bytes) => {
                    let due = frame.venue_ns.saturating_add(delivery.delay_ns);
                    self.later.push(Reverse((due, self.delayed, frame.venue_ns, stream.clone(), bytes)));
                    self.delayed += 1;
                }
            }
        }
    }

    /// The same of a capture in the market's place.
    fn capture_turn(&mut self, now_ns: u64, hub: &Hub) -> Option<bool> {
        let capture = self.capture.as_mut()?;
        if self.capture_fault.is_some() {
            return Some(false);
        }
        let turn = capture.turn(now_ns, hub);
        Some(turn.unwrap_or_else(|fault| {
            self.capture_fault = Some(fault.message);
            false
        }))
    }

    /// Where the capture stands, if one is served.
    pub(super) fn capture_progress(&self) -> Option<CaptureProgress> {
        let progress = self.capture.as_ref()?.progress();
        Some(CaptureProgress { fault: self.capture_fault.clone(), ..progress })
    }

    /// When the next thing is due.
    fn next_ns(&self) -> Option<i64> {
        let event = self.exchange.next_due().map(|due| due.0);
        let later = self.later.peek().map(|Reverse(next)| next.0);
        [event, later].into_iter().flatten().min()
    }
}

/// Publishes a diff that a fault made: combined bytes, whole or not.
fn spoilt(hub: &Hub, stream: &str, combined: &[u8], venue_ns: i64) {
    let payload = payload_of(combined);
    let micros = || with_micros(payload, Some(Channel::Depth), venue_ns);
    hub.publish(&Sending { stream, payload, combined: Some(combined), micros: &micros });
}

fn publish_made(hub: &Hub, made: &Made, venue_ns: i64) {
    let micros = || with_micros(&made.payload, made.channel, venue_ns);
    hub.publish(&Sending { stream: &made.stream, payload: &made.payload, combined: None, micros: &micros });
}

/// The event that a venue sends before it goes, raw or combined (web-socket-streams.md of 2026-07-21).
pub(super) fn shutdown_event(unix_ms: i64, combined: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if combined {
        wire::open_combined(&mut out, "!serverShutdown");
    }
    out.extend_from_slice(format!("{{\"e\":\"serverShutdown\",\"E\":{unix_ms}}}").as_bytes());
    if combined {
        wire::close_combined(&mut out);
    }
    out
}

/// The thread's life. `each_turn` is called once a turn with the moment (script and injected faults).
pub(super) fn run(shared: &Shared, mut each_turn: impl FnMut(&Shared, u64)) {
    // Its stamps are held against those of a feed whose clock is held to the system's too.
    let (mut discipline, mut seen) = (Discipline::new(shared.clock.clone()), u64::MAX);
    while !shared.stopping() {
        let now_ns = shared.clock.now_ns();
        discipline.tick(now_ns);
        each_turn(shared, now_ns);
        let now = shared.clock.unix_now().0;
        let version = shared.hub.version();
        let mut market = hold(&shared.market);
        if version != seen {
            seen = version;
            market.want(&shared.hub.names(), now);
        }
        let (more, next) = match market.capture_turn(shared.clock.now_ns(), &shared.hub) {
            Some(more) => (more, None),
            None => (market.turn(now, &shared.hub), market.next_ns()),
        };
        drop(market);
        if !more {
            let left = next.map_or(u64::MAX, |at| at.saturating_sub(shared.clock.unix_now().0).max(0) as u64);
            std::thread::park_timeout(NAP_MAX.min(Duration::from_nanos(left)));
        }
    }
}
