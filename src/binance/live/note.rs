//! Purpose: what happened to a live source that is worth a line. Owns: the words. Thread: made on the io thread and the REST
//! thread (cold), read by any. Takes and gives: plain data. Never: vouches for text that came from the venue: whoever shows
//! it escapes it.

use core::fmt;

use super::cause::Cause;
use super::orders::OrderRefused;

/// Something that happened. Connections are named by their place in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The list of instruments has come; whoever commands the source asks for their streams.
    Listed {
        /// How many of those wanted trade, or are listed anew.
        instruments: usize,
    },
    /// A list of instruments has come, and with it streams to subscribe.
    Subscribed {
        /// Instruments that are new.
        instruments: usize,
        /// Streams of all that are wanted.
        streams: usize,
        /// Connections that they are spread over.
        connections: usize,
    },
    /// Wanted instruments that are not listed, or do not trade.
    Missing {
        /// Their names.
        names: Vec<String>,
    },
    /// The venue has dropped a symbol.
    Delisted {
        /// The symbol.
        symbol: String,
    },
    /// A symbol has begun or ended to trade.
    Trading {
        /// The symbol.
        symbol: String,
        /// Whether it trades now.
        open: bool,
    },
    /// A connection is open.
    Opened {
        /// The connection.
        connection: usize,
        /// Streams that it is to carry.
        streams: usize,
    },
    /// A connection that was open has ended.
    Down {
        /// The connection.
        connection: usize,
        /// Why.
        cause: Cause,
        /// Milliseconds until the next try.
        retry_ms: u64,
    },
    /// A connection could not be opened.
    Failed {
        /// The connection.
        connection: usize,
        /// Why.
        cause: Cause,
        /// Milliseconds until the next try.
        retry_ms: u64,
    },
    /// Whoever commands the source takes no news: some is lost to it.
    NewsLost,
    /// The venue refused a control message.
    Refused {
        /// The connection.
        connection: usize,
        /// A stream that the message named, or what it was.
        what: String,
        /// In the venue's words.
        why: String,
    },
    /// The venue announced that it will close a connection.
    ServerCloses {
        /// The connection.
        connection: usize,
    },
    /// The venue wants no request for a while (429, 418, 403).
    RestLimited {
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// Seconds without a request.
        seconds: u64,
    },
    /// A request failed and is tried again.
    RestFailed {
        /// What was asked for.
        what: String,
        /// Why.
        reason: String,
        /// Milliseconds until the next request.
        retry_ms: u64,
    },
    /// The venue refused a request that is not tried again.
    RestRefused {
        /// What was asked for.
        what: String,
        /// The beginning of the answer.
        answer: String,
    },
    /// What a process before this one was told still holds: no request for a while.
    StillLimited {
        /// The HTTP status.
        status: u16,
        /// Seconds without a request.
        seconds: u64,
    },
    /// The state file cannot be used.
    StateFile {
        /// Which, and why.
        why: String,
    },
    /// Streams are asked for by guessed symbols, for no list of instruments can be had for a while.
    Guessed {
        /// How many.
        streams: usize,
    },
    /// The routes' polls ask for more weight than there is to spare.
    PollsTooHeavy {
        /// What they weigh a minute.
        weight: u64,
        /// What can be spared.
        spare: u64,
    },
    /// Polls of a symbol could not be started or ended: too much was asked of the REST thread at once.
    PollsLost {
        /// The symbol.
        symbol: String,
        /// Whether they were to be started.
        wanted: bool,
    },
    /// The system does not set sockets as they are wanted.
    SocketOption {
        /// The option's name.
        option: &'static str,
        /// What was found.
        found: String,
    },
    /// Streams could not be asked for.
    NotOrdered {
        /// How many.
        streams: usize,
        /// Why.
        why: OrderRefused,
    },
    /// Notes that nobody took in time.
    Missed {
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Listed { instruments } => write!(f, "the list of instruments has come, {instruments} trade"),
            Note::Subscribed { instruments, streams, connections } => {
                write!(f, "{instruments} instruments: {streams} streams over {connections} connections")
            }
            Note::Missing { names } => write!(f, "not listed, or not trading: {}", names.join(", ")),
            Note::Delisted { symbol } => write!(f, "{symbol} is listed no more"),
            Note::Trading { symbol, open: true } => write!(f, "{symbol} trades again"),
            Note::Trading { symbol, open: false } => write!(f, "{symbol} does not trade now"),
            Note::Opened { connection, streams } => write!(f, "connection {connection}: open, {streams} streams"),
            Note::Down { connection, cause, retry_ms } | Note::Failed { connection, cause, retry_ms } => {
                write!(f, "connection {connection}: {cause}; again in {retry_ms} ms")
            }
            Note::Refused { connection, what, why } => write!(f, "connection {connection}: {what} was refused, {why}"),
            Note::ServerCloses { connection } => {
                write!(f, "connection {connection}: the server will close, a successor is opened")
            }
            Note::RestLimited { what, status, seconds } => {
                write!(f, "{what}: http {status}, no request for {seconds} s")
            }
            Note::RestFailed { what, reason, retry_ms } => write!(f, "{what}: {reason}; again in {retry_ms} ms"),
            Note::RestRefused { what, answer } => write!(f, "{what}: refused, {answer}"),
            Note::StillLimited { status, seconds } => {
                write!(f, "http {status} before the restart still holds: no request for {seconds} s")
            }
            Note::StateFile { why } => f.write_str(why),
            Note::Guessed { streams } => write!(f, "{streams} streams are asked for without a list of instruments"),
            Note::PollsTooHeavy { weight, spare } => write!(
                f,
                "the routes' polls weigh {weight} a minute and {spare} can be spared: some will be missed; lengthen their \
                 intervals"
            ),
            Note::PollsLost { symbol, wanted } => {
                write!(f, "polls of {symbol} cannot be {}", if *wanted { "started" } else { "ended" })
            }
            Note::SocketOption { option, found } => {
                write!(f, "sockets are without {option} as wanted ({found}): they work, only later")
            }
            Note::NewsLost => f.write_str("news of streams was lost: whoever commands the source does not take it"),
            Note::NotOrdered { streams, why } => write!(f, "{streams} streams are not asked for: {why}"),
            Note::Missed { count } => write!(f, "{count} older notes were not taken in time"),
        }
    }
}
