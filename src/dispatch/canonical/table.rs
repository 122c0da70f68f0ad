//! Purpose: which canonicaliser serves which stream kind, and which payload a built-in type has.
//! Owns: both tables. Thread: any. Takes and gives: kinds in, functions out. Never: has two answers for a kind.

use super::{depth, kline, price, ticker, trade};
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventBuf, EventHeader};
use crate::schema::id::TypeId;
use crate::schema::payload::PayloadKind;
use crate::schema::raw::RawRef;
use crate::schema::topic::StreamKind;

/// How many words an event can be longer than the raw instance it is made from. (Only a loss is: a bare head becomes a
/// head and a payload of one word. Every other kind loses its slots and texts and gains less.)
pub const EVENT_WORDS_OVER_RAW: usize = 1;

/// Makes events from the raw instances of one stream kind.
#[derive(Clone, Copy, Debug)]
pub struct Canonicaliser {
    /// What its events carry.
    pub payload: PayloadKind,
    /// The slots whose keys it maps, as bits of [`crate::schema::raw::RawHeader::present`].
    pub mapped: u64,
    /// Builds the event in the buffer from a header without times and ids. `None` when the raw instance does not fit the
    /// payload (a required value missing, an overflow, a negative price); the buffer then holds nothing of use.
    pub make: fn(RawRef<'_>, EventHeader, &mut EventBuf) -> Option<()>,
}

macro_rules! serves {
    ($payload:ident, $mapped:path, $make:path) => {{
        const HERE: Canonicaliser = Canonicaliser { payload: PayloadKind::$payload, mapped: $mapped, make: $make };
        Some(&HERE)
    }};
}

/// The canonicaliser of a stream kind; `None` for what is not data.
#[inline]
pub const fn canonicaliser(kind: StreamKind) -> Option<&'static Canonicaliser> {
    match kind {
        StreamKind::Trade => serves!(Trade, trade::TRADE_MAPPED, trade::trade),
        StreamKind::AggTrade => serves!(AggTrade, trade::AGG_MAPPED, trade::agg_trade),
        StreamKind::BlockTrade => serves!(Trade, trade::BLOCK_MAPPED, trade::block_trade),
        StreamKind::DepthDiff => serves!(DepthDiff, depth::DIFF_MAPPED, depth::diff),
        StreamKind::DepthPartial => serves!(DepthLevels, depth::PARTIAL_MAPPED, depth::partial),
        StreamKind::BookTicker => serves!(BookTicker, ticker::BOOK_MAPPED, ticker::book_ticker),
        StreamKind::Kline => serves!(Kline, kline::MAPPED, kline::kline),
        StreamKind::MiniTicker => serves!(MiniTicker, ticker::MINI_MAPPED, ticker::mini_ticker),
        StreamKind::Ticker => serves!(Ticker, ticker::TICKER_MAPPED, ticker::ticker),
        StreamKind::WindowTicker => serves!(WindowTicker, ticker::WINDOW_MAPPED, ticker::window_ticker),
        StreamKind::AvgPrice => serves!(AveragePrice, price::AVERAGE_MAPPED, price::average),
        StreamKind::ReferencePrice => serves!(ReferencePrice, price::REFERENCE_MAPPED, price::reference),
        StreamKind::MarkPrice => serves!(MarkPrice, price::MARK_MAPPED, price::mark),
        StreamKind::ForceOrder => serves!(Liquidation, trade::LIQUIDATION_MAPPED, trade::liquidation),
        StreamKind::RestDepth => serves!(DepthLevels, depth::BODY_MAPPED, depth::body),
        StreamKind::Other
        | StreamKind::Lost
        | StreamKind::BodyFollows
        | StreamKind::Connection
        | StreamKind::VenueStatus => None,
    }
}

/// What events of a built-in type carry when a route makes them; `None` for the types that Meltica makes itself and for
/// a route's own types.
pub const fn expected_payload(type_id: TypeId) -> Option<PayloadKind> {
    Some(match type_id {
        builtin::TRADE | builtin::TRADE_BLOCK => PayloadKind::Trade,
        builtin::TRADE_AGGREGATE => PayloadKind::AggTrade,
        builtin::TICKER => PayloadKind::Ticker,
        builtin::TICKER_MINI => PayloadKind::MiniTicker,
        builtin::TICKER_BOOK => PayloadKind::BookTicker,
        builtin::TICKER_WINDOW => PayloadKind::WindowTicker,
        builtin::KLINE => PayloadKind::Kline,
        builtin::ORDERBOOK_DELTA => PayloadKind::DepthDiff,
        builtin::ORDERBOOK_SNAPSHOT => PayloadKind::DepthLevels,
        builtin::PRICE_AVERAGE => PayloadKind::AveragePrice,
        builtin::PRICE_REFERENCE => PayloadKind::ReferencePrice,
        builtin::PRICE_MARK => PayloadKind::MarkPrice,
        builtin::LIQUIDATION => PayloadKind::Liquidation,
        _ => return None,
    })
}
