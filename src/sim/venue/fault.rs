//! Purpose: what can be made to go wrong at the venue's doors while it runs. Owns: nothing. Thread: any.
//! Takes and gives: plain data. Never: acts; the agenda does.

use std::time::Duration;

use super::ways::{AnswerFault, FrameFault, HandshakeFault, RestFault};
use crate::sim::faults::Fault;
use crate::sim::spec::Status;

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
    /// Connections end without a close frame, all at once where all are meant (F26); under TLS properly, with its
    /// close_notify.
    Cut {
        /// Which.
        whom: Whom,
    },
    /// The same, but under TLS without its close_notify, as when somebody cuts the stream short (F44).
    Truncate {
        /// Which.
        whom: Whom,
    },
    /// Connections get a frame that is wrong (F43, S08).
    BrokenFrame {
        /// Which.
        whom: Whom,
        /// How.
        how: FrameFault,
    },
    /// Connections get every message in fragments of one byte, now and then with a ping between two of them (F43). All
    /// of it is lawful.
    Fragments {
        /// Which.
        whom: Whom,
        /// How long.
        lasts: Duration,
    },
    /// Connections get many pings at once (F27).
    Pings {
        /// Which.
        whom: Whom,
        /// How many.
        count: u32,
        /// Bytes of each one's payload, at most 125.
        bytes: u8,
    },
    /// The next `count` control messages, of whatever connection, are answered wrongly (F29).
    Answers {
        /// How.
        how: AnswerFault,
        /// How many.
        count: u32,
        /// How late, when they are late.
        by: Duration,
    },
    /// Every WebSocket handshake is answered wrongly (F31).
    Handshake {
        /// How.
        how: HandshakeFault,
        /// For how long.
        lasts: Duration,
    },
    /// Every REST request is answered wrongly (F33–F35).
    BadRest {
        /// How.
        how: RestFault,
        /// For how long.
        lasts: Duration,
        /// Only requests whose path ends so, such as `depth`; none named means all.
        routes: Vec<String>,
    },
    /// Symbols get another status, and stand still when it is not `TRADING` (F36).
    Status {
        /// Which; none named means all.
        symbols: Vec<String>,
        /// Which one.
        becomes: Status,
        /// When set, they trade again after this time.
        lasts: Option<Duration>,
    },
    /// Symbols leave the venue: their streams fall silent, REST says -1121 (F37).
    Delist {
        /// Which; none named means all.
        symbols: Vec<String>,
        /// When set, they are listed again after this time (F38).
        lasts: Option<Duration>,
    },
    /// Symbols get a smaller tick; those whose scales have no room for it keep theirs (F39).
    TickSize {
        /// Which; none named means all.
        symbols: Vec<String>,
        /// By how many digits, 1 to 8.
        digits: u8,
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

impl VenueFault {
    /// The symbols that it names.
    pub(super) fn symbols(&self) -> &[String] {
        match self {
            VenueFault::Frames { symbols, .. }
            | VenueFault::Status { symbols, .. }
            | VenueFault::Delist { symbols, .. }
            | VenueFault::TickSize { symbols, .. } => symbols,
            VenueFault::Stall { whom, .. }
            | VenueFault::Close { whom, .. }
            | VenueFault::Reset { whom }
            | VenueFault::Cut { whom }
            | VenueFault::Truncate { whom }
            | VenueFault::BrokenFrame { whom, .. }
            | VenueFault::Fragments { whom, .. }
            | VenueFault::Pings { whom, .. } => &whom.symbols,
            _ => &[],
        }
    }
}
