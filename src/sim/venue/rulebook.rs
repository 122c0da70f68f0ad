//! Purpose: what a venue does differently from market to market: paths, weights, depth limits, headers.
//! Owns: the table (binance.md, sections 1, 2 and 4, 2026-07-22). Thread: any. Takes and gives: constants.
//! Never: shares a number with the adapter, whose own table is tested against this one.

use std::time::Duration;

use super::options::VenueLimits;
use crate::schema::id::Market;
use crate::schema::topic::{StreamKind, StreamName};

/// A path before `/ws` and `/stream`, and the kinds of streams that speak behind it.
#[derive(Clone, Copy, Debug)]
struct Route {
    path: &'static str,
    kinds: &'static [StreamKind],
}

/// How one market's venue answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rulebook {
    pub(super) market: Market,
    /// What all REST paths begin with.
    pub(super) rest: &'static str,
    /// The WebSocket paths; none where only the bare ones exist. The bare ones behave as the first.
    routes: &'static [Route],
    /// Whether `timeUnit` is known.
    pub(super) micros: bool,
    pub(super) exchange_info_weight: u32,
    /// Levels a side of a depth body, and the weight of one with no more of them; ascending.
    depth_weights: &'static [(u32, u32)],
    /// The only `limit`s of a depth body; empty when any up to the last of the above is.
    depth_limits: &'static [u32],
    /// The `limit` of a request that names none.
    pub(super) depth_default: u32,
    /// The headers that tell the weight used.
    pub(super) weight_headers: &'static [&'static str],
}

static SPOT: Rulebook = Rulebook {
    market: Market::BinanceSpot,
    rest: "/api/v3/",
    routes: &[],
    micros: true,
    exchange_info_weight: 20,
    depth_weights: &[(100, 5), (500, 25), (1_000, 50), (5_000, 250)],
    depth_limits: &[],
    depth_default: 100,
    weight_headers: &["x-mbx-used-weight", "x-mbx-used-weight-1m"],
};

static USDM: Rulebook = Rulebook {
    market: Market::BinanceUsdm,
    rest: "/fapi/v1/",
    routes: &[
        Route {
            path: "/public",
            kinds: &[StreamKind::Trade, StreamKind::BookTicker, StreamKind::DepthDiff, StreamKind::DepthPartial],
        },
        Route {
            path: "/market",
            kinds: &[
                StreamKind::AggTrade,
                StreamKind::ForceOrder,
                StreamKind::Kline,
                StreamKind::MarkPrice,
                StreamKind::MiniTicker,
                StreamKind::Ticker,
            ],
        },
    ],
    micros: false,
    exchange_info_weight: 1,
    depth_weights: &[(50, 2), (100, 5), (500, 10), (1_000, 20)],
    depth_limits: &[5, 10, 20, 50, 100, 500, 1_000],
    depth_default: 500,
    weight_headers: &["x-mbx-used-weight-1m"],
};

impl Rulebook {
    /// A market's.
    pub(super) const fn of(market: Market) -> &'static Rulebook {
        match market {
            Market::BinanceSpot => &SPOT,
            Market::BinanceUsdm => &USDM,
        }
    }

    /// The route that a WebSocket path goes by, and what remains of the path: `/ws…` or `/stream`.
    pub(super) fn route<'a>(&self, path: &'a str) -> (usize, &'a str) {
        let by = |(at, route): (usize, &Route)| Some((at, path.strip_prefix(route.path)?));
        self.routes.iter().enumerate().find_map(by).unwrap_or((0, path))
    }

    /// Whether a stream speaks to those who came by a route. Only the first knows names that no table does.
    pub(super) fn speaks(&self, route: usize, stream: &str) -> bool {
        let kind = StreamName::parse(stream).map(|name| name.topic.kind);
        let own = |route: &Route| kind.is_some_and(|kind| route.kinds.contains(&kind));
        self.routes.iter().position(own).unwrap_or(0) == route
    }

    /// The weight of a depth request.
    pub(super) fn depth_weight(&self, limit: u32) -> u32 {
        let step = self.depth_weights.iter().find(|(levels, _)| limit <= *levels).or(self.depth_weights.last());
        step.map_or(1, |step| step.1)
    }

    /// The most levels a side of a depth body.
    pub(super) fn depth_max(&self) -> u32 {
        self.depth_weights.last().map_or(0, |step| step.0)
    }

    /// Whether a `limit` within the most is one.
    pub(super) fn takes_depth(&self, limit: u32) -> bool {
        self.depth_limits.is_empty() || self.depth_limits.contains(&limit)
    }
}

impl VenueLimits {
    /// Those of a market. USD-M's pages disagree on the streams of a connection, 200 or 1,024: the smaller is enforced.
    pub fn of(market: Market) -> VenueLimits {
        match market {
            Market::BinanceSpot => VenueLimits::default(),
            Market::BinanceUsdm => VenueLimits {
                messages_per_second: 10,
                streams_max: 200,
                ping_every: Duration::from_secs(180),
                pong_within: Duration::from_secs(600),
                weight_max: 2_400,
                ..VenueLimits::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usdm_has_two_routes_and_spot_none() {
        // path → route and rest on USD-M
        let table = [
            ("/public/stream", (0, "/stream")),
            ("/public/ws/a@trade", (0, "/ws/a@trade")),
            ("/market/ws", (1, "/ws")),
            ("/stream", (0, "/stream")),
            ("/private/ws", (0, "/private/ws")),
        ];
        for (path, expected) in table {
            assert_eq!(USDM.route(path), expected, "{path}");
            assert_eq!(SPOT.route(path), (0, path));
        }
        for (stream, route) in [
            ("btcusdt@depth@0ms", 0),
            ("btcusdt@trade", 0),
            ("!bookTicker", 0),
            ("btcusdt@rpiDepth@500ms", 0),
            ("btcusdt@aggTrade", 1),
            ("!markPrice@arr@1s", 1),
            ("btcusdt@kline_1m", 1),
        ] {
            assert_eq!([USDM.speaks(0, stream), USDM.speaks(1, stream)], [route == 0, route == 1], "{stream}");
            assert!(SPOT.speaks(0, stream), "{stream}");
        }
    }
}
