//! Purpose: what can be made to go wrong at the venue's doors while it runs. Owns: nothing. Thread: any.
//! Takes and gives: plain data. Never: acts; the agenda does.

use std::time::Duration;

use crate::sim::faults::Fault;

/// Which WebSocket connections a fault befalls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// Those that carry a stream of one of these symbols; none named means all connections.
    pub symbols: Vec<String>,
    /// Of those only the one that has been open longest.
    pub one: bool,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueFault {
    /// Befalls the next `count` diffs, or depth snapshots, of each of these symbols; none named means all.
    Frames {
        /// What.
        fault: Fault,
        /// Whose.
        symbols: Vec<String>,
        /// How many in a row.
        count: u32,
    },
    /// Connections fall silent, TCP stays up; what does not fit their queues is lost (F20).
    Stall {
        /// Which.
        whom: Whom,
        /// How long.
        lasts: Duration,
    },
    /// Connections get a close frame (F23).
    Close {
        /// Which.
        whom: Whom,
        /// RFC 6455 section 7.4.
        code: u16,
        /// The text beside it, at most 123 bytes.
        reason: String,
    },
    /// Connections end in the middle of a frame, with an RST (F22).
    Reset {
        /// Which.
        whom: Whom,
    },
    /// Connections end without a close frame, all at once where all are meant (F26).
    Cut {
        /// Which.
        whom: Whom,
    },
    /// Connections get a frame with a reserved opcode and reserved bits (F43).
    BrokenFrame {
        /// Which.
        whom: Whom,
    },
    /// REST answers come later.
    SlowRest {
        /// By how much.
        by: Duration,
        /// For how long.
        lasts: Duration,
    },
    /// Every REST request is answered with 429 (F32).
    TooManyRequests {
        /// For how long.
        lasts: Duration,
        /// What `Retry-After` says, in seconds.
        retry_after: u32,
    },
    /// Every REST request is answered with this status and a page of HTML (F35).
    RestFails {
        /// The status, such as 403, 502 or 503.
        status: u16,
        /// For how long.
        lasts: Duration,
    },
    /// All connections end and nobody listens for a while; the market goes on.
    Down {
        /// For how long.
        lasts: Duration,
    },
    /// `serverShutdown` on every connection, then their end (F25).
    Shutdown {
        /// Between the event and the close frames.
        lead: Duration,
    },
}
