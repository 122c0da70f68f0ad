//! Purpose: what differs from market to market on the wire: endpoints, doors, limits, paths, weights, in one table.
//! Owns: the table (binance.md, sections 1, 2 and 4, 2026-07-22). Thread: any. Takes and gives: constants.
//! Never: holds what a message can tell (the weight limit here only stands until exchangeInfo has come).

use std::time::Duration;

use crate::schema::id::Market;
use crate::schema::topic::{StreamKind, StreamName};

/// One WebSocket path of a venue. A stream that is asked for at the wrong one is acknowledged and stays silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    /// Stands before `/stream`.
    pub(super) path: &'static str,
    /// The streams behind it.
    pub(super) kinds: &'static [StreamKind],
}

/// What one market's venue is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct VenueRules {
    /// Where WebSocket and REST are, when nobody says otherwise.
    pub(super) ws: &'static str,
    pub(super) rest: &'static str,
    /// At least one; the first takes what no door names.
    pub(super) doors: &'static [Door],
    /// Messages that one connection may send within a second: pings, pongs and control messages.
    pub(super) messages_per_second: usize,
    /// Streams to plan for on one connection.
    pub(super) streams_max: usize,
    /// Between two pings of the venue.
    pub(super) ping_every: Duration,
    /// Whether times can be had in microseconds.
    pub(super) microseconds: bool,
    /// Path and query of exchangeInfo, and its weight.
    pub(super) exchange_info: (&'static str, u64),
    /// The path of a depth snapshot.
    pub(super) depth: &'static str,
    /// Levels a side of a depth snapshot, and what one with no more of them weighs; ascending.
    pub(super) depth_steps: &'static [(u32, u64)],
    /// The only `limit`s of a depth snapshot, ascending; empty when any up to the last step will do.
    pub(super) depth_limits: &'static [u32],
    /// Request weight a minute and address until exchangeInfo tells it.
    pub(super) weight_per_minute: u64,
}

const SPOT: VenueRules = VenueRules {
    ws: "wss://stream.binance.com:9443",
    rest: "https://api.binance.com",
    doors: &[Door { path: "", kinds: &[] }],
    messages_per_second: 5,
    streams_max: 1_024,
    ping_every: Duration::from_secs(20),
    microseconds: true,
    // Without permission sets the body is a quarter as long (REST API, general endpoints, 2026-07).
    exchange_info: ("/api/v3/exchangeInfo?showPermissionSets=false", 20),
    depth: "/api/v3/depth",
    depth_steps: &[(100, 5), (500, 25), (1_000, 50), (5_000, 250)],
    depth_limits: &[],
    weight_per_minute: 6_000,
};

const USDM: VenueRules = VenueRules {
    ws: "wss://fstream.binance.com",
    rest: "https://fapi.binance.com",
    doors: &[
        Door {
            path: "/public",
            kinds: &[StreamKind::DepthDiff, StreamKind::DepthPartial, StreamKind::BookTicker, StreamKind::Trade],
        },
        Door {
            path: "/market",
            kinds: &[
                StreamKind::AggTrade,
                StreamKind::MarkPrice,
                StreamKind::Kline,
                StreamKind::MiniTicker,
                StreamKind::Ticker,
                StreamKind::ForceOrder,
            ],
        },
    ],
    messages_per_second: 10,
    // Binance's pages disagree: 200 or 1,024.
    streams_max: 200,
    ping_every: Duration::from_secs(180),
    microseconds: false,
    exchange_info: ("/fapi/v1/exchangeInfo", 1),
    depth: "/fapi/v1/depth",
    depth_steps: &[(50, 2), (100, 5), (500, 10), (1_000, 20)],
    depth_limits: &[5, 10, 20, 50, 100, 500, 1_000],
    weight_per_minute: 2_400,
};

/// Where a market's WebSocket and REST are, when nobody says otherwise (binance.md, sections 2 and 4, 2026-07-22).
pub const fn endpoints(market: Market) -> (&'static str, &'static str) {
    let rules = VenueRules::of(market);
    (rules.ws, rules.rest)
}

impl VenueRules {
    /// Those of a market.
    pub(super) const fn of(market: Market) -> &'static VenueRules {
        match market {
            Market::BinanceSpot => &SPOT,
            Market::BinanceUsdm => &USDM,
        }
    }

    /// The number of the door that a stream is behind.
    pub(super) fn door_of(&self, stream: &str) -> usize {
        let kind = StreamName::parse(stream).map(|name| name.topic.kind);
        let behind = |door: &Door| kind.is_some_and(|kind| door.kinds.contains(&kind));
        self.doors.iter().position(behind).unwrap_or(0)
    }

    /// What a depth snapshot of so many levels weighs.
    pub(super) fn depth_weight(&self, limit: u32) -> u64 {
        let step = self.depth_steps.iter().find(|(levels, _)| limit <= *levels).or(self.depth_steps.last());
        step.map_or(1, |step| step.1)
    }

    /// The `limit` by which the venue gives at least so many levels, or as many as it can.
    pub(super) fn depth_limit(&self, levels: u32) -> u32 {
        let most = self.depth_steps.last().map_or(levels, |step| step.0);
        let wanted = levels.min(most);
        self.depth_limits.iter().copied().find(|limit| wanted <= *limit).unwrap_or(wanted)
    }

    /// How deep a snapshot may be when `pending` books wait and `left` weight can be spent now: as deep as `levels` if all
    /// can be had so, otherwise the deepest step that serves all; the shallowest when none does.
    pub(super) fn affordable_limit(&self, levels: u32, pending: usize, left: u64) -> u32 {
        let wanted = self.depth_limit(levels);
        let all = |limit: u32| self.depth_weight(limit).saturating_mul(pending.max(1) as u64) <= left;
        let shallower = self.depth_steps.iter().rev().map(|(levels, _)| *levels).filter(|levels| *levels < wanted);
        let shallowest = self.depth_steps.first().map_or(wanted, |step| wanted.min(step.0));
        std::iter::once(wanted).chain(shallower).find(|limit| all(*limit)).unwrap_or(shallowest)
    }

    /// Silence of a connection after which even the venue's pings are missing: three of them, and a little.
    pub(super) const fn silence(&self) -> Duration {
        Duration::from_secs(3 * self.ping_every.as_secs() + 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&VenueRules; 2] = [&SPOT, &USDM];

    #[test]
    fn every_stream_has_its_door() {
        let table = [
            ("btcusdt@depth@100ms", "/public"),
            ("btcusdt@depth@0ms", "/public"),
            ("btcusdt@depth20@100ms", "/public"),
            ("btcusdt@bookTicker", "/public"),
            ("!bookTicker", "/public"),
            ("btcusdt@trade", "/public"),
            ("btcusdt@rpiDepth@500ms", "/public"),
            ("btcusdt@aggTrade", "/market"),
            ("btcusdt@markPrice@1s", "/market"),
            ("!markPrice@arr@1s", "/market"),
            ("btcusdt@kline_1m", "/market"),
            ("btcusdt@miniTicker", "/market"),
            ("!ticker@arr", "/market"),
            ("btcusdt@forceOrder", "/market"),
        ];
        for (name, path) in table {
            assert_eq!(USDM.doors[USDM.door_of(name)].path, path, "{name}");
            assert_eq!(SPOT.doors[SPOT.door_of(name)].path, "", "{name}");
        }
    }

    #[test]
    fn snapshots_get_shallower_when_many_wait() {
        // levels, books waiting, weight left → limit on spot
        let table = [
            (1_000, 1, 4_800, 1_000),
            (1_000, 96, 4_800, 1_000),
            (1_000, 97, 4_800, 500),
            (1_000, 500, 4_800, 100),
            (1_000, 5_000, 4_800, 100),
            (1_000, 1, 0, 100),
            (5_000, 19, 4_800, 5_000),
            (5_000, 20, 4_800, 1_000),
            (9_999, 1, 4_800, 5_000),
            (50, 5_000, 0, 50),
            (700, 193, 4_800, 100),
            (700, 100, 4_800, 500),
        ];
        for (levels, pending, left, limit) in table {
            let given = SPOT.affordable_limit(levels, pending, left);
            assert_eq!(given, limit, "{levels} levels, {pending} wait, {left} left");
        }
        // The same on USD-M, where only some limits exist.
        let table = [
            (1_000, 1, 1_920, 1_000),
            (1_000, 96, 1_920, 1_000),
            (1_000, 97, 1_920, 500),
            (1_000, 384, 1_920, 100),
            (1_000, 385, 1_920, 50),
            (5_000, 1, 1_920, 1_000),
            (700, 1, 1_920, 1_000),
            (21, 1, 1_920, 50),
            (7, 1, 0, 10),
        ];
        for (levels, pending, left, limit) in table {
            let given = USDM.affordable_limit(levels, pending, left);
            assert_eq!(given, limit, "{levels} levels, {pending} wait, {left} left");
        }
    }

    #[test]
    fn weights_are_the_venues() {
        let of = |rules: &VenueRules, limits: &[u32]| -> Vec<u64> {
            limits.iter().map(|limit| rules.depth_weight(*limit)).collect()
        };
        assert_eq!(of(&SPOT, &[1, 100, 101, 500, 1_000, 1_001, 9_999]), [5, 5, 25, 25, 50, 250, 250]);
        assert_eq!(of(&USDM, &[5, 50, 100, 500, 1_000, 9_999]), [2, 2, 5, 10, 20, 20]);
    }

    #[test]
    fn the_table_is_sound() {
        for rules in ALL {
            assert!(!rules.doors.is_empty() && rules.depth_steps.is_sorted() && rules.depth_limits.is_sorted());
            assert!(
                rules.depth_limits.is_empty() || rules.depth_limits.last() == rules.depth_steps.last().map(|s| &s.0)
            );
            assert!(crate::binance::live::Endpoint::websocket(rules.ws).is_ok_and(|e| e.tls));
            assert!(crate::binance::live::Endpoint::rest(rules.rest).is_ok_and(|e| e.tls));
            assert!(rules.silence() > rules.ping_every * 2);
        }
    }
}
