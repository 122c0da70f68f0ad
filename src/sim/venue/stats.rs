//! Purpose: what the venue saw of its clients. Owns: the counters. Thread: any. Takes and gives: increments in, a copy out.
//! Never: decides anything.

use std::net::SocketAddr;

use crate::sync::{AtomicU64, Ordering};

/// One number that only grows.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        // Relaxed: a figure to report; nothing else is read by it.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        // Relaxed: see `add`.
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) connections: Count,
    pub(super) connections_refused: Count,
    pub(super) websockets: Count,
    pub(super) handshakes_refused: Count,
    pub(super) messages: Count,
    pub(super) pings: Count,
    pub(super) pongs: Count,
    pub(super) frames: Count,
    pub(super) requests: Count,
    pub(super) bad_requests: Count,
    pub(super) slow_readers: Count,
    pub(super) bans: Count,
    pub(super) panics: Count,
    pub(super) over_messages: Count,
    pub(super) over_streams: Count,
    pub(super) over_attempts: Count,
    pub(super) over_weight: Count,
    pub(super) over_patience: Count,
    pub(super) over_pong: Count,
}

/// How often a client went past a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceeded {
    /// Connections cut off for too many messages a second.
    pub messages: u64,
    /// Subscriptions refused for too many streams on a connection.
    pub streams: u64,
    /// WebSocket handshakes refused for too many attempts of an address.
    pub attempts: u64,
    /// Requests refused because their address had used up its weight.
    pub weight: u64,
    /// Requests that came before the time was over for which their address had been told to wait (429 or 418).
    pub patience: u64,
    /// Connections cut off because no matching pong came in time.
    pub pongs: u64,
}

impl Exceeded {
    /// Whether any limit was exceeded.
    pub fn any(&self) -> bool {
        *self != Exceeded::default()
    }
}

/// An open WebSocket session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStats {
    /// Counts connections from 1 in the order in which they were accepted.
    pub id: u64,
    /// The client's address.
    pub peer: SocketAddr,
    /// The names it is subscribed to, sorted, known ones and others.
    pub streams: Vec<String>,
    /// Data frames handed to its socket.
    pub frames: u64,
}

/// What a venue saw from its start on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VenueStats {
    /// TCP connections accepted.
    pub connections: u64,
    /// TCP connections closed at once because there were too many.
    pub connections_refused: u64,
    /// WebSocket handshakes that succeeded.
    pub websockets: u64,
    /// WebSocket handshakes that were refused, whatever the reason.
    pub handshakes_refused: u64,
    /// WebSocket messages received: text, pings, pongs.
    pub messages: u64,
    /// Pings sent.
    pub pings: u64,
    /// Pongs that answered the latest ping of their session with its payload.
    pub pongs: u64,
    /// Data frames handed to sockets, acknowledgements not counted.
    pub frames: u64,
    /// REST requests answered.
    pub requests: u64,
    /// Requests that are not HTTP, or are too large or too slow.
    pub bad_requests: u64,
    /// Connections cut off because they read too slowly.
    pub slow_readers: u64,
    /// Addresses banned.
    pub bans: u64,
    /// Connections whose thread panicked: a defect of the venue's.
    pub panics: u64,
    /// Limits exceeded.
    pub exceeded: Exceeded,
    /// Connections that are open now, WebSocket or not; each has a thread.
    pub open: u64,
    /// The sessions that are open now, by id.
    pub sessions: Vec<SessionStats>,
}

impl Tally {
    pub(super) fn report(&self, open: u64, sessions: Vec<SessionStats>) -> VenueStats {
        VenueStats {
            connections: self.connections.get(),
            connections_refused: self.connections_refused.get(),
            websockets: self.websockets.get(),
            handshakes_refused: self.handshakes_refused.get(),
            messages: self.messages.get(),
            pings: self.pings.get(),
            pongs: self.pongs.get(),
            frames: self.frames.get(),
            requests: self.requests.get(),
            bad_requests: self.bad_requests.get(),
            slow_readers: self.slow_readers.get(),
            bans: self.bans.get(),
            panics: self.panics.get(),
            open,
            exceeded: Exceeded {
                messages: self.over_messages.get(),
                streams: self.over_streams.get(),
                attempts: self.over_attempts.get(),
                weight: self.over_weight.get(),
                patience: self.over_patience.get(),
                pongs: self.over_pong.get(),
            },
            sessions,
        }
    }
}
