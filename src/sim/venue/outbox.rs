//! Purpose: what waits for one connection: frames to send, orders to obey. Owns: the bounded queue and its waker.
//! Thread: the market's puts in, the connection's takes out. Takes and gives: shared bytes.
//! Never: makes the market wait; past its bound the connection is marked for cutting off.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Mutex;

use tungstenite::Bytes;

use super::shared::hold;
use super::stats::Count;
use super::ways::FrameFault;
use crate::sync::{AtomicBool, AtomicUsize, Ordering};

/// What a connection's thread is told to do, before any further frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Send a close frame.
    Close { code: u16, reason: String },
    /// End without a close frame: FIN.
    Cut,
    /// The same, under TLS without its close_notify.
    Truncate,
    /// End with an RST after half a frame.
    Reset,
    /// Neither read nor write for so many nanoseconds.
    Stall(u64),
    /// Send a frame that is wrong.
    BrokenFrame(FrameFault),
    /// Send messages in fragments of one byte for so many nanoseconds.
    Fragments(u64),
    /// Send so many pings with so many bytes each.
    Pings { count: u32, bytes: u8 },
}

/// More than a stream's name adds to a frame.
const WRAPPER_BYTES: usize = 1_024;

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    orders: Vec<Order>,
    overflowed: bool,
    /// While stalled, what does not fit is lost, as in the buffers of a venue that hangs.
    lossy: bool,
}

/// See the file's head.
pub(super) struct Outbox {
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    /// Data frames that were handed to the socket.
    pub(super) sent: Count,
    queue: Mutex<Queue>,
    frames_max: usize,
    bytes_max: usize,
    combined: AtomicBool,
    micros: AtomicBool,
    websocket: AtomicBool,
    route: AtomicUsize,
    waker: mio::Waker,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Outbox {
    pub(super) fn new(id: u64, peer: SocketAddr, waker: mio::Waker, frames_max: usize, bytes_max: usize) -> Outbox {
        Outbox {
            id,
            peer,
            sent: Count::default(),
            queue: Mutex::new(Queue::default()),
            frames_max: frames_max.max(1),
            bytes_max,
            combined: AtomicBool::new(false),
            micros: AtomicBool::new(false),
            websocket: AtomicBool::new(false),
            route: AtomicUsize::new(0),
            waker,
        }
    }

    // The flags below, and the route, are relaxed: each stands for itself, and a frame more in the old form is what happens on
    // the real venue too.

    /// Whether frames are wrapped with their stream's name.
    pub(super) fn combined(&self) -> bool {
        self.combined.load(Ordering::Relaxed)
    }

    pub(super) fn set_combined(&self, combined: bool) {
        self.combined.store(combined, Ordering::Relaxed);
    }

    /// Whether times are in microseconds.
    pub(super) fn micros(&self) -> bool {
        self.micros.load(Ordering::Relaxed)
    }

    /// Whether the handshake is over.
    pub(super) fn is_websocket(&self) -> bool {
        self.websocket.load(Ordering::Relaxed)
    }

    /// By which of the venue's WebSocket paths it came.
    pub(super) fn route(&self) -> usize {
        self.route.load(Ordering::Relaxed)
    }

    pub(super) fn become_websocket(&self, combined: bool, micros: bool, route: usize) {
        self.route.store(route, Ordering::Relaxed);
        self.set_combined(combined);
        self.micros.store(micros, Ordering::Relaxed);
        self.websocket.store(true, Ordering::Relaxed);
    }

    /// Appends a frame.
    pub(super) fn push(&self, frame: Bytes) {
        let mut queue = hold(&self.queue);
        let full = queue.frames.len() >= self.frames_max || queue.bytes + frame.len() > self.bytes_max;
        if full {
            queue.overflowed |= !queue.lossy;
        } else {
            queue.bytes += frame.len();
            queue.frames.push_back(frame);
        }
        // The thread takes all there is whenever it wakes, so one call a filling is enough.
        let wake = queue.frames.len() == 1 || (full && queue.overflowed);
        drop(queue);
        if wake {
            self.wake();
        }
    }

    /// Whether a frame of about so many bytes fits, so that nothing is lost by it. A hung connection loses what it loses, and
    /// what would not fit an empty queue never will.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let queue = hold(&self.queue);
        let fits = queue.frames.len() < self.frames_max && queue.bytes + 2 * bytes + WRAPPER_BYTES <= self.bytes_max;
        fits || queue.lossy || queue.frames.is_empty()
    }

    /// Appends an order.
    pub(super) fn order(&self, order: Order) {
        hold(&self.queue).orders.push(order);
        self.wake();
    }

    /// Wakes the connection's thread. It also looks around on its own, so a lost call only costs time.
    pub(super) fn wake(&self) {
        let _ = self.waker.wake();
    }

    /// Moves up to `most` frames to `into`; false when the reader has fallen too far behind.
    pub(super) fn take(&self, most: usize, into: &mut Vec<Bytes>) -> bool {
        let mut queue = hold(&self.queue);
        let count = most.min(queue.frames.len());
        into.extend(queue.frames.drain(..count));
        let taken: usize = into.iter().map(Bytes::len).sum();
        queue.bytes = queue.bytes.saturating_sub(taken);
        !queue.overflowed
    }

    /// Takes the orders.
    pub(super) fn orders(&self) -> Vec<Order> {
        core::mem::take(&mut hold(&self.queue).orders)
    }

    /// Whether anything waits.
    pub(super) fn is_empty(&self) -> bool {
        let queue = hold(&self.queue);
        queue.frames.is_empty() && queue.orders.is_empty()
    }

    /// Begins or ends a stall.
    pub(super) fn set_lossy(&self, lossy: bool) {
        hold(&self.queue).lossy = lossy;
    }

    /// Whether it fell too far behind.
    pub(super) fn overflowed(&self) -> bool {
        hold(&self.queue).overflowed
    }
}
