//! Purpose: what all threads of a venue see. Owns: it. Thread: any. Takes and gives: references.
//! Never: locks two things at once, but the market and then the hub.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fault::Whom;
use super::hub::Hub;
use super::limits::{Attempts, Weights};
use super::market::Market;
use super::options::VenueLimits;
use super::outbox::{Order, Outbox};
use super::rulebook::Rulebook;
use super::stats::{SessionStats, Tally, VenueStats};
use super::ways::{AnswerFault, HandshakeFault, RestFault};
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use crate::telemetry::Clock;

/// Locks; what a panicked thread left is used as it is: all that stands behind these locks is whole after each step.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A span in nanoseconds, as long as the clock can count at most.
pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 2)
}

/// What faults of requests are on.
#[derive(Clone, Debug, Default)]
pub(super) struct Mood {
    pub(super) slow_until_ns: u64,
    pub(super) slow_by_ns: u64,
    pub(super) storm_until_ns: u64,
    pub(super) retry_after_s: u32,
    pub(super) fails_until_ns: u64,
    pub(super) fails_status: u16,
    /// Until when REST is answered wrongly, and which routes are.
    pub(super) bad_rest: Option<(RestFault, u64, Vec<String>)>,
    /// Until when handshakes are answered wrongly.
    pub(super) bad_handshake: Option<(HandshakeFault, u64)>,
}

impl Mood {
    /// How a request of this path is answered wrongly, if it is.
    pub(super) fn rest(&self, path: &str, now_ns: u64) -> Option<RestFault> {
        let (fault, until, routes) = self.bad_rest.as_ref()?;
        let meant = routes.is_empty() || routes.iter().any(|route| path.ends_with(route.as_str()));
        (now_ns < *until && meant).then_some(*fault)
    }

    /// How a handshake is answered wrongly, if it is.
    pub(super) fn handshake(&self, now_ns: u64) -> Option<HandshakeFault> {
        self.bad_handshake.filter(|(_, until)| now_ns < *until).map(|(fault, _)| fault)
    }
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) rulebook: &'static Rulebook,
    pub(super) limits: VenueLimits,
    pub(super) outbox_frames_max: usize,
    pub(super) outbox_bytes_max: usize,
    pub(super) address: SocketAddr,
    pub(super) hub: Hub,
    pub(super) market: Mutex<Market>,
    pub(super) tally: Tally,
    pub(super) attempts: Mutex<Attempts>,
    pub(super) weights: Mutex<Weights>,
    pub(super) mood: Mutex<Mood>,
    /// What becomes of the next answers to control messages, and by how many nanoseconds they are late.
    pub(super) answers: Mutex<VecDeque<(AnswerFault, u64)>>,
    pub(super) connections: Mutex<BTreeMap<u64, Arc<Outbox>>>,
    /// Nobody listens before this moment.
    pub(super) down_until_ns: AtomicU64,
    pub(super) stopping: AtomicBool,
    pub(super) listener_waker: mio::Waker,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
}

impl Shared {
    pub(super) fn stopping(&self) -> bool {
        // Acquire, partner of the release in `stop`.
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether the venue is down: nobody listens and no connection lives.
    pub(super) fn is_down(&self) -> bool {
        // Acquire, partner of the release where the agenda sends the venue down.
        self.clock.now_ns() < self.down_until_ns.load(Ordering::Acquire)
    }

    /// Tells every thread to end.
    pub(super) fn stop(&self) {
        // Release, partner of the acquire in `stopping`.
        self.stopping.store(true, Ordering::Release);
        let _ = self.listener_waker.wake();
        for outbox in hold(&self.connections).values() {
            outbox.wake();
        }
    }

    /// UTC milliseconds.
    pub(super) fn unix_ms(&self) -> i64 {
        self.clock.unix_now().0.div_euclid(1_000_000)
    }

    /// Subscribes a connection to a stream, which speaks when the connection came by its route.
    pub(super) fn subscribe(&self, stream: &str, outbox: &Arc<Outbox>) {
        self.hub.subscribe(stream, outbox, self.rulebook.speaks(outbox.route(), stream));
    }

    /// The open WebSocket sessions, the longest open first.
    pub(super) fn sessions(&self) -> Vec<Arc<Outbox>> {
        hold(&self.connections).values().filter(|outbox| outbox.is_websocket()).cloned().collect()
    }

    /// Those that a fault befalls.
    pub(super) fn befallen(&self, whom: &Whom) -> Vec<Arc<Outbox>> {
        let symbols: HashSet<String> = whom.symbols.iter().map(|s| s.to_lowercase()).collect();
        let carries = |outbox: &Arc<Outbox>| {
            let names = self.hub.streams_of(outbox.id);
            names.iter().any(|name| name.split_once('@').is_some_and(|(symbol, _)| symbols.contains(symbol)))
        };
        let mut found = self.sessions();
        found.retain(|outbox| symbols.is_empty() || carries(outbox));
        if whom.one {
            found.truncate(1);
        }
        found
    }

    /// Orders the same of all that a fault befalls.
    pub(super) fn order(&self, whom: &Whom, order: &Order) {
        for outbox in self.befallen(whom) {
            outbox.order(order.clone());
        }
    }

    /// What was seen so far.
    pub(super) fn stats(&self) -> VenueStats {
        let sessions = self.sessions().into_iter().map(|outbox| SessionStats {
            id: outbox.id,
            peer: outbox.peer,
            streams: self.hub.streams_of(outbox.id),
            frames: outbox.sent.get(),
        });
        let open = hold(&self.connections).len() as u64;
        self.tally.report(open, sessions.collect())
    }
}
