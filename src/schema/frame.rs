//! Purpose: frames as they enter, and the seam to whatever hands them over (sockets, captures, the simulated exchange).
//! Owns: nothing. Thread: the io thread. Takes and gives: borrowed bytes. Never: copies a frame.

use super::id::{ConnectionId, Market};
use super::time::UnixNanos;

/// Where the bytes of a frame came from, and so how to read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A combined WebSocket frame: `{"stream":"<name>","data":<payload>}`.
    Combined,
    /// A raw WebSocket frame of one stream: the payload alone.
    Raw {
        /// The stream's name.
        stream: &'a str,
    },
    /// The body of a depth snapshot.
    RestDepth {
        /// The symbol that was asked for, uppercase.
        symbol: &'a str,
        /// The `limit` that was asked for; 0 when it is not known. A side with fewer levels is known to its end.
        limit: u32,
    },
    /// The body of exchangeInfo.
    ExchangeInfo {
        /// Whether all instruments were asked for: then one that is missing is listed no more.
        whole: bool,
    },
    /// No bytes: the connection came or went.
    Connection {
        /// Whether it came.
        up: bool,
        /// Why, in a few words of ASCII; at most 32 bytes are kept.
        cause: &'a str,
    },
    /// No bytes: the venue has acknowledged the book stream of this symbol on the connection, which feeds its book from here
    /// on.
    BookStream {
        /// The symbol, uppercase.
        symbol: &'a str,
    },
    /// Another REST body.
    RestOther {
        /// Path and query.
        path: &'a str,
    },
}

/// When a frame came into this process, as far as its source knows it better than whoever takes the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// The clock's reading behind the read that brought the frame, ns; `receive` is the same moment then. `None`: whoever takes
    /// the frame reads the clock.
    pub read_ns: Option<u64>,
    /// When the kernel received the bytes with which the frame became whole, as this process's clock tells it. A stamp belongs
    /// to the first frame that became whole from its read, and to no other; without one it is absent, never zero.
    pub kernel: Option<UnixNanos>,
}

impl Stamps {
    /// The source knows nothing of them: captures, simulations, bodies.
    pub const NONE: Stamps = Stamps { read_ns: None, kernel: None };
}

/// One frame. The parser works in place: after it the bytes are spent.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The market it belongs to.
    pub market: Market,
    /// The connection it came in on.
    pub connection: ConnectionId,
    /// Its number on that connection, from 0.
    pub number: u64,
    /// When it was received.
    pub receive: UnixNanos,
    /// The stamps of its way in.
    pub stamps: Stamps,
    /// What the bytes are.
    pub origin: Origin<'a>,
    /// The bytes.
    pub bytes: &'a mut [u8],
}

/// What asking a source for a frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// One frame was handed over.
    Frame,
    /// Nothing now; ask again.
    Nothing,
    /// There will never be another one.
    Ended,
}

/// How much hangs on a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// A good book is to be checked and deepened: when there is weight to spare, and as deep as was configured.
    Background,
    /// A book waits for it.
    Book,
}

/// "Fetch a fresh depth snapshot of this instrument": the way back from the conductor to whoever speaks REST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRequest<'a> {
    /// The market.
    pub market: Market,
    /// The venue's symbol, uppercase.
    pub symbol: &'a str,
    /// The instrument's epoch at the time of asking.
    pub epoch: u32,
    /// What hangs on it.
    pub urgency: Urgency,
}

/// Hands frames over, one at a time, on the io thread. It never blocks: a source that must wait says [`Pulled::Nothing`].
pub trait FrameSource: Send {
    /// Hands the next frame to `take`, at most one a call.
    ///
    /// # Errors
    /// When the source is broken for good (an unreadable file, a damaged archive): who erred, where, and what to do.
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError>;

    /// Takes a request for a snapshot. A source that cannot serve it (a capture) counts it and does nothing.
    fn request_snapshot(&mut self, request: SnapshotRequest<'_>);
}

/// Who erred when a source cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceErrorKind {
    /// The system does not give the bytes: no such file, no permission, a disk that fails.
    Unreadable,
    /// The bytes are there, but are not what they must be.
    Damaged,
}

/// A source that cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// Who erred.
    pub kind: SourceErrorKind,
    /// For a person: who erred, where, what was expected, what to do.
    pub message: String,
}

impl SourceError {
    /// The system does not give the bytes.
    pub fn unreadable(message: impl Into<String>) -> SourceError {
        SourceError { kind: SourceErrorKind::Unreadable, message: message.into() }
    }

    /// The bytes are not what they must be.
    pub fn damaged(message: impl Into<String>) -> SourceError {
        SourceError { kind: SourceErrorKind::Damaged, message: message.into() }
    }
}
