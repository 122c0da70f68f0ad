//! Purpose: what is asked of the REST thread, and what comes back. Owns: nothing. Thread: both ends of the queues.
//! Takes and gives: plain data. Never: borrows.

use crate::binance::catalogue::Catalogue;
use crate::binance::live::note::Note;
use crate::schema::frame::Urgency;

/// What is asked of it.
#[derive(Clone, Debug)]
pub(crate) enum RestRequest {
    /// A depth snapshot.
    Depth {
        /// The symbol, uppercase.
        symbol: Box<str>,
        /// The instrument's epoch.
        epoch: u32,
        /// What hangs on it.
        urgency: Urgency,
    },
    /// Polls of each symbol go for this one, or no longer.
    Poll {
        /// The symbol, uppercase.
        symbol: Box<str>,
        /// Whether they do.
        wanted: bool,
    },
    /// Those symbols are all for now.
    Polled,
}

/// What comes back.
#[derive(Clone, Debug)]
pub(crate) enum RestReply {
    /// A depth snapshot.
    Depth {
        /// The symbol.
        symbol: Box<str>,
        /// The `limit` asked for.
        limit: u32,
        /// The body.
        body: Vec<u8>,
    },
    /// The venue does not know the symbol, though a snapshot of it was asked for.
    UnknownSymbol {
        /// The symbol.
        symbol: Box<str>,
        /// The `limit` asked for.
        limit: u32,
        /// What it says.
        body: Vec<u8>,
    },
    /// exchangeInfo.
    Catalogue {
        /// What it says.
        catalogue: Catalogue,
        /// The body.
        body: Vec<u8>,
    },
    /// The body of a route's poll.
    Polled {
        /// Path and query.
        path: String,
        /// The body.
        body: Vec<u8>,
    },
    /// No request can be made for a while, from the start on: exchangeInfo will not come soon.
    Shut,
    /// Something worth a line.
    Note(Note),
}
