//! Purpose: the seam to whoever speaks to the venue: streams wanted and not, and what is heard of them.
//! Owns: the recorder for tests. Thread: the control duty's. Takes and gives: orders down, news up.
//! Never: waits for the venue.

use crate::schema::id::{InstrumentId, Market};
use crate::schema::topic::PollScope;

/// What the control duty asks of the native side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Turn streams on; those of one instrument come together.
    Want {
        /// The market.
        market: Market,
        /// Whose they are; `None` for streams of all symbols.
        instrument: Option<InstrumentId>,
        /// As the venue calls them.
        streams: Vec<Box<str>>,
    },
    /// Turn streams off.
    Unwant {
        /// The market.
        market: Market,
        /// Whose they are; `None` for streams of all symbols.
        instrument: Option<InstrumentId>,
        /// As the venue calls them.
        streams: Vec<Box<str>>,
    },
    /// Run a timed REST poll of a route for these symbols from now on.
    Poll {
        /// Its name, unique over all routes.
        name: String,
        /// Whose.
        scope: PollScope,
    },
}

/// What is heard of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is asked for anew: its connection was lost.
    Requested,
    /// The venue took the message that named it.
    Acknowledged,
    /// Its first frame has come.
    Live,
    /// The venue refused it.
    Refused,
    /// It was taken out.
    Gone,
}

/// What is heard of a symbol from the venue's list of instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It trades.
    Trades,
    /// The venue halted it.
    Halted,
    /// The venue does not list it any more.
    Dropped,
}

/// News from the native side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Of a stream.
    Stream(Market, Box<str>, Heard),
    /// Of a symbol, uppercase.
    Symbol(Market, Box<str>, Listed),
    /// The venue's list of instruments is in the directory, for the first time or again.
    Listing(Market),
}

/// Whoever speaks to the venue, or stands for it. Orders are carried out when they can be; what became of them is news.
pub trait NativeSide: Send {
    /// Takes an order. `false`: no room now, keep it and come again.
    fn order(&mut self, order: &Order) -> bool;

    /// The next piece of news.
    fn news(&mut self) -> Option<News>;

    /// How the connections do, for status.
    fn connections(&self) -> Vec<crate::schema::report::ConnectionView> {
        Vec::new()
    }
}
