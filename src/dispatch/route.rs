//! Purpose: a route as compiled: what feeds it, how each kind of frame is treated, and what to ask the venue for.
//! Owns: one route. Thread: made cold, read by any. Takes and gives: topics, polls, plans. Never: changes once made.

use std::time::Duration;

use smallvec::SmallVec;

use super::canonical::canonicaliser;
use super::filter::FilterRule;
use crate::config::route::{RouteConfig, UnknownFields};
use crate::schema::canonical_type::CanonicalType;
use crate::schema::id::{Market, TypeId};
use crate::schema::instrument::uppercase_symbol;
use crate::schema::payload::PayloadKind;
use crate::schema::topic::{SYMBOL_PLACEHOLDER, StreamKind, StreamName};

/// A canonical type's route.
#[derive(Debug)]
pub struct Route {
    pub(super) name: CanonicalType,
    pub(super) type_id: TypeId,
    pub(super) payload: PayloadKind,
    pub(super) config: RouteConfig,
    pub(super) rest: Vec<RestFn>,
    pub(super) feeds: Vec<Feed>,
    pub(super) plans: Vec<(StreamKind, Plan)>,
}

/// One source of frames for a route.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) kind: StreamKind,
    /// A stream's parameters; `None` for bodies, which have none.
    pub(super) detail: Option<u16>,
    /// A literal symbol in the topic, uppercase; `None` for every symbol.
    pub(super) symbol: Option<Box<str>>,
    /// Whether it takes the results of polls instead of a stream's frames.
    pub(super) polled: bool,
}

/// How a route treats the frames of one kind.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Slots that are mapped or knowingly ignored.
    pub(super) known: u64,
    /// Keys that are knowingly ignored and have no slot.
    pub(super) ignored: Box<[Box<str>]>,
    /// Whether an unknown field refuses the event.
    pub(super) reject: bool,
    pub(super) filters: SmallVec<[FilterRule; 4]>,
}

/// How a REST body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parser {
    /// A depth snapshot.
    Depth,
    /// The catalogue of instruments: it makes no event.
    ExchangeInfo,
    /// A body with the fields of a stream.
    Stream(StreamKind),
}

const STREAM_PARSERS: [(&str, StreamKind); 14] = [
    ("trade", StreamKind::Trade),
    ("agg_trade", StreamKind::AggTrade),
    ("block_trade", StreamKind::BlockTrade),
    ("depth_diff", StreamKind::DepthDiff),
    ("depth_partial", StreamKind::DepthPartial),
    ("book_ticker", StreamKind::BookTicker),
    ("kline", StreamKind::Kline),
    ("mini_ticker", StreamKind::MiniTicker),
    ("ticker", StreamKind::Ticker),
    ("window_ticker", StreamKind::WindowTicker),
    ("avg_price", StreamKind::AvgPrice),
    ("reference_price", StreamKind::ReferencePrice),
    ("mark_price", StreamKind::MarkPrice),
    ("force_order", StreamKind::ForceOrder),
];

impl Parser {
    /// The parser with that label.
    pub fn from_label(label: &str) -> Option<Parser> {
        match label {
            "depth" => Some(Parser::Depth),
            "exchange_info" => Some(Parser::ExchangeInfo),
            // A diff is a change against what came before it: no poll can give one.
            "depth_diff" => None,
            // Nor does any body say what these streams say; the best levels of a book come with `depth`.
            "depth_partial" | "block_trade" | "force_order" => None,
            _ => STREAM_PARSERS.iter().find(|(name, _)| *name == label).map(|(_, kind)| Parser::Stream(*kind)),
        }
    }

    /// Its label.
    pub fn label(self) -> &'static str {
        match self {
            Parser::Depth => "depth",
            Parser::ExchangeInfo => "exchange_info",
            Parser::Stream(kind) => STREAM_PARSERS.iter().find(|(_, of)| *of == kind).map_or("none", |(name, _)| name),
        }
    }

    /// The kind of raw instance it makes; `None` for the catalogue.
    pub fn kind(self) -> Option<StreamKind> {
        match self {
            Parser::Depth => Some(StreamKind::RestDepth),
            Parser::ExchangeInfo => None,
            Parser::Stream(kind) => Some(kind),
        }
    }

    /// Every label, for messages.
    pub(super) fn labels() -> String {
        let streams = STREAM_PARSERS.iter().map(|(name, _)| *name).filter(|name| Parser::from_label(name).is_some());
        ["depth", "exchange_info"].into_iter().chain(streams).collect::<Vec<_>>().join(", ")
    }
}

/// A REST poll of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestFn {
    /// Its name, unique over the table.
    pub name: String,
    /// Path and query, or a full URL, with [`SYMBOL_PLACEHOLDER`] where a symbol goes.
    pub endpoint: String,
    /// How often. Of depth, how often a good book is held against a fresh snapshot, and zero for "only when a book needs one";
    /// of the catalogue zero is "once, at the start".
    pub interval: Duration,
    /// How its body is read.
    pub parser: Parser,
    /// The market that serves the path (`/api/…` spot, `/fapi/…` USD-M; binance.md, sections 2 and 4); `None` when the
    /// path does not say.
    pub market: Option<Market>,
}

impl RestFn {
    /// The endpoint for one symbol, which the venue wants in uppercase.
    pub fn endpoint_for(&self, symbol: &str) -> String {
        self.endpoint.replace(SYMBOL_PLACEHOLDER, &uppercase_symbol(symbol))
    }
}

/// The market whose REST interface serves a path or URL.
pub(super) fn market_of_endpoint(endpoint: &str) -> Option<Market> {
    let path = match endpoint.strip_prefix("https://") {
        Some(rest) => &rest[rest.find('/')?..],
        None => endpoint,
    };
    match path {
        _ if path.starts_with("/api/") => Some(Market::BinanceSpot),
        _ if path.starts_with("/fapi/") => Some(Market::BinanceUsdm),
        _ => None,
    }
}

/// Whether a market has a stream of a kind (binance.md, sections 2 and 4, 2026-07-22). The venue acknowledges any name,
/// so asking for one that it does not have stays silent for ever.
pub fn carries(market: Market, kind: StreamKind, whole_market: bool) -> bool {
    use StreamKind as K;
    match (market, whole_market) {
        (Market::BinanceSpot, false) => {
            canonicaliser(kind).is_some() && !matches!(kind, K::MarkPrice | K::ForceOrder | K::RestDepth)
        }
        (Market::BinanceSpot, true) => matches!(kind, K::MiniTicker | K::WindowTicker),
        (Market::BinanceUsdm, false) => {
            let missing = [K::BlockTrade, K::WindowTicker, K::AvgPrice, K::ReferencePrice, K::RestDepth];
            canonicaliser(kind).is_some() && !missing.contains(&kind)
        }
        (Market::BinanceUsdm, true) => {
            matches!(kind, K::BookTicker | K::MiniTicker | K::Ticker | K::MarkPrice | K::ForceOrder)
        }
    }
}

impl Route {
    /// Its canonical type.
    pub fn name(&self) -> &CanonicalType {
        &self.name
    }

    /// The type's id.
    pub fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// What its events carry.
    pub fn payload(&self) -> PayloadKind {
        self.payload
    }

    /// The route as it was configured, for listings.
    pub fn config(&self) -> &RouteConfig {
        &self.config
    }

    /// Its REST polls.
    pub fn rest(&self) -> &[RestFn] {
        &self.rest
    }

    /// What really happens to unknown fields: always `drop` where book levels are concerned, for a refused diff or
    /// snapshot would be a gap for ever.
    pub fn effective_policy(&self) -> UnknownFields {
        match self.payload {
            PayloadKind::DepthDiff | PayloadKind::DepthLevels => UnknownFields::Drop,
            _ => self.config.unknown_fields,
        }
    }

    /// The native streams to subscribe for one symbol of a market, in lowercase as the venue wants symbols; streams that
    /// the market does not have are left out, streams of all symbols too.
    pub fn topics_for(&self, market: Market, symbol: &str) -> Vec<String> {
        let symbol = symbol.to_lowercase();
        let expand = |topic: &String| {
            let name = StreamName::parse(topic)?;
            let (head, rest) = topic.split_at(name.symbol?.len());
            let head = if head == SYMBOL_PLACEHOLDER { symbol.clone() } else { head.to_lowercase() };
            (carries(market, name.topic.kind, false) && head == symbol).then(|| head + rest)
        };
        self.config.topics.iter().filter_map(expand).collect()
    }

    /// The native streams of all symbols (`!ticker@arr`) that the market has.
    pub fn whole_market_topics(&self, market: Market) -> Vec<String> {
        let whole = |topic: &&String| {
            StreamName::parse(topic).is_some_and(|n| n.symbol.is_none() && carries(market, n.topic.kind, true))
        };
        self.config.topics.iter().filter(whole).cloned().collect()
    }
}
