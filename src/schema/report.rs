//! Purpose: what the control duty reports: routes, subscriptions, how the engine does.
//! Owns: the JSON form (camelCase). Thread: any (cold). Takes and gives: plain data; times are UTC ns, spans in the unit
//! that the name ends in. Never: a binary floating point number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::Filters;
use super::latency::LatencyReport;

/// The answer to a command that asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Report {
    /// Of `ListRoutes`.
    Routes(RoutesReport),
    /// Of `ListSubscriptions`.
    Subscriptions(SubscriptionsReport),
    /// Of `Status`.
    Status(Box<StatusReport>),
    /// Of `Latency`.
    Latency(Box<LatencyReport>),
}

/// Every route, and the types that Meltica makes itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoutesReport {
    /// In order of their types.
    pub routes: Vec<RouteView>,
}

/// A canonical type that can be subscribed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// The canonical type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The payload of its events; `None` for several (a book, or its best levels).
    pub payload: Option<String>,
    /// The payload's version.
    pub payload_version: u16,
    /// Native topic templates (`{symbol}@trade`); none for a type that Meltica makes itself.
    pub topics: Vec<String>,
    /// REST polls.
    pub polls: Vec<PollView>,
    /// The route's own filters; a consumer's are applied besides.
    pub filters: Vec<RouteFilterView>,
    /// Types whose native streams it needs, for one that Meltica makes itself.
    pub made_from: Vec<String>,
    /// How many subscriptions want it.
    pub subscriptions: u64,
    /// Whether the table in force routes it: it is wanted, or something that is made from it.
    pub routed: bool,
    /// The control version that last changed who wants it; 0: never.
    pub version: u64,
}

/// A REST poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PollView {
    /// Its name.
    pub name: String,
    /// Path and query, or a URL, with `{symbol}`.
    pub endpoint: String,
    /// How often; 0: when a book asks.
    pub interval_ms: u64,
    /// How its body is read.
    pub parser: String,
    /// Whether it is on.
    pub on: bool,
}

/// A predicate of a route on native fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteFilterView {
    /// Native field as a dot path.
    pub field: String,
    /// `eq`, `neq`, `in` or `prefix`.
    pub op: String,
    /// With what it is compared.
    pub value: Value,
}

/// Who wants what, and how the native streams do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionsReport {
    /// Consumers with a subscription, in order of their names.
    pub consumers: Vec<ConsumerView>,
    /// Native streams that are wanted, or being taken out.
    pub streams: Vec<StreamView>,
}

/// What kind of consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConsumerKind {
    /// The configuration: what is wanted at the start.
    Config,
    /// Named: its subscriptions stay.
    Named,
    /// A handle in the engine's process: its subscriptions end with it.
    Handle,
}

/// A consumer and its subscriptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerView {
    /// What it is called; handles may share a name.
    pub name: String,
    /// What it is.
    pub kind: ConsumerKind,
    /// A handle's number on the bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Its subscriptions, in order of their types.
    pub subscriptions: Vec<SubscriptionView>,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    /// The canonical type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// As they were given.
    pub filters: Filters,
    /// The control version that it began with, or its filters.
    pub version: u64,
    /// The length of its lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_seconds: Option<u32>,
    /// When it ends unless it is renewed, UTC ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ends_ns: Option<i64>,
    /// How many native streams it wants now.
    pub streams: u64,
    /// How its streams do, the worst first: how many are in which state.
    pub states: StreamStates,
}

/// What is known of a native stream. An acknowledgement proves nothing: the venue acknowledges any name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StreamState {
    /// Wanted; not asked for yet, or not answered.
    Requested,
    /// The venue took the message that named it.
    Acknowledged,
    /// Its frames come.
    Live,
    /// Acknowledged, and no frame in max(2 s, 3 expected intervals).
    Silent,
    /// The venue refused it.
    Refused,
    /// Wanted no longer; being taken out.
    Leaving,
}

/// One native stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamView {
    /// As the venue calls it.
    pub stream: String,
    /// Its market.
    pub market: String,
    /// How it does.
    pub state: StreamState,
    /// Since when, UTC ns.
    pub since_ns: i64,
    /// How many subscriptions want it.
    pub subscriptions: u64,
    /// Why it is silent, where the venue's list of instruments says so (`halted`, `notListed`, `quiet`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<SilentCause>,
}

/// Why a stream is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SilentCause {
    /// The instrument is listed and trades: nothing happens there.
    Quiet,
    /// The venue halted it.
    Halted,
    /// The venue does not list the symbol: the name is wrong, or it was dropped.
    NotListed,
}

impl StreamState {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            StreamState::Requested => "Requested",
            StreamState::Acknowledged => "Acknowledged",
            StreamState::Live => "Live",
            StreamState::Silent => "Silent",
            StreamState::Refused => "Refused",
            StreamState::Leaving => "Leaving",
        }
    }
}

impl SilentCause {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            SilentCause::Quiet => "Quiet",
            SilentCause::Halted => "Halted",
            SilentCause::NotListed => "NotListed",
        }
    }
}

/// How many streams are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamStates {
    /// [`StreamState::Requested`].
    pub requested: u64,
    /// [`StreamState::Acknowledged`].
    pub acknowledged: u64,
    /// [`StreamState::Live`].
    pub live: u64,
    /// [`StreamState::Silent`].
    pub silent: u64,
    /// [`StreamState::Refused`].
    pub refused: u64,
    /// [`StreamState::Leaving`].
    pub leaving: u64,
}

impl StreamStates {
    fn place(&mut self, state: StreamState) -> &mut u64 {
        match state {
            StreamState::Requested => &mut self.requested,
            StreamState::Acknowledged => &mut self.acknowledged,
            StreamState::Live => &mut self.live,
            StreamState::Silent => &mut self.silent,
            StreamState::Refused => &mut self.refused,
            StreamState::Leaving => &mut self.leaving,
        }
    }

    /// Counts one more.
    pub fn add(&mut self, state: StreamState) {
        *self.place(state) += 1;
    }

    /// Counts one less.
    pub fn remove(&mut self, state: StreamState) {
        let count = self.place(state);
        *count = count.saturating_sub(1);
    }
}

/// How the engine does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// The control version in force.
    pub version: u64,
    /// The program's version.
    pub program: String,
    /// Since the start.
    pub uptime_ms: u64,
    /// Whether everything that is wanted was asked for: the list of instruments is there, every connection open, no stream
    /// without an answer. How books do is told by `books`: one of a quiet instrument may be on its way for long.
    pub ready: bool,
    /// What is waited for, in words; `None` when ready.
    pub waits_for: Option<String>,
    /// Markets that are served.
    pub markets: Vec<String>,
    /// Instruments that the directory knows.
    pub instruments: u64,
    /// Books by the name of their quality.
    pub books: BTreeMap<String, u64>,
    /// Connections to the venue.
    pub connections: Vec<ConnectionView>,
    /// Native streams by state.
    pub streams: StreamStates,
    /// Consumers with a subscription.
    pub consumers: u64,
    /// Subscriptions of all consumers.
    pub subscriptions: u64,
    /// Events published so far, by shard.
    pub shards: Vec<ShardView>,
    /// From a command to the venue's answer to the last stream that it turned on or off.
    pub acknowledged_in: LatencyView,
    /// Every counter that is not zero, by its name.
    pub counters: BTreeMap<String, u64>,
}

/// A connection to the venue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// Its name.
    pub name: String,
    /// Whether frames may come.
    pub open: bool,
    /// What it does or waits for.
    pub state: String,
    /// Its streams.
    pub streams: StreamStates,
}

/// How far a shard is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardView {
    /// Its number.
    pub shard: u64,
    /// Events published.
    pub published: u64,
}

/// A distribution of times, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyView {
    /// How many.
    pub count: u64,
    /// Half are within.
    pub p50_ns: u64,
    /// 95 of 100 are within.
    pub p95_ns: u64,
    /// 99 of 100 are within.
    pub p99_ns: u64,
    /// All are within.
    pub max_ns: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The form is a contract: keys in camelCase, absent ones left out where they say nothing.
    #[test]
    fn reports_keep_their_json_form() {
        let subscription = SubscriptionView {
            type_name: "TRADE".into(),
            filters: Filters::from([("instrument".into(), json!("BTC-USDT"))]),
            version: 4,
            lease_seconds: Some(60),
            lease_ends_ns: Some(7),
            streams: 1,
            states: StreamStates { live: 1, ..StreamStates::default() },
        };
        let consumer = ConsumerView {
            name: "desk".into(),
            kind: ConsumerKind::Named,
            id: None,
            subscriptions: vec![subscription],
        };
        let stream = StreamView {
            stream: "btcusdt@trade".into(),
            market: "BINANCE-SPOT".into(),
            state: StreamState::Silent,
            since_ns: 5,
            subscriptions: 1,
            why: Some(SilentCause::NotListed),
        };
        let states = |live: u64| json!({"requested": 0, "acknowledged": 0, "live": live, "silent": 0, "refused": 0, "leaving": 0});
        let table = [
            (
                Report::Subscriptions(SubscriptionsReport { consumers: vec![consumer], streams: vec![stream] }),
                json!({"kind": "subscriptions",
                    "consumers": [{"name": "desk", "kind": "named", "subscriptions": [{"type": "TRADE",
                        "filters": {"instrument": "BTC-USDT"}, "version": 4, "leaseSeconds": 60, "leaseEndsNs": 7,
                        "streams": 1, "states": states(1)}]}],
                    "streams": [{"stream": "btcusdt@trade", "market": "BINANCE-SPOT", "state": "Silent", "sinceNs": 5,
                        "subscriptions": 1, "why": "notListed"}]}),
            ),
            (
                Report::Routes(RoutesReport {
                    routes: vec![RouteView {
                        type_name: "TRADE".into(),
                        payload: Some("Trade".into()),
                        payload_version: 1,
                        topics: vec!["{symbol}@trade".into()],
                        polls: vec![PollView {
                            name: "p".into(),
                            endpoint: "/api".into(),
                            interval_ms: 0,
                            parser: "trade".into(),
                            on: false,
                        }],
                        filters: vec![RouteFilterView { field: "X".into(), op: "neq".into(), value: json!("NA") }],
                        made_from: Vec::new(),
                        subscriptions: 1,
                        routed: true,
                        version: 2,
                    }],
                }),
                json!({"kind": "routes", "routes": [{"type": "TRADE", "payload": "Trade", "payloadVersion": 1,
                    "topics": ["{symbol}@trade"],
                    "polls": [{"name": "p", "endpoint": "/api", "intervalMs": 0, "parser": "trade", "on": false}],
                    "filters": [{"field": "X", "op": "neq", "value": "NA"}], "madeFrom": [], "subscriptions": 1,
                    "routed": true, "version": 2}]}),
            ),
            (
                Report::Status(Box::new(StatusReport {
                    connections: vec![ConnectionView { name: "0".into(), ..ConnectionView::default() }],
                    shards: vec![ShardView { shard: 0, published: 9 }],
                    ..StatusReport::default()
                })),
                json!({"kind": "status", "version": 0, "program": "", "uptimeMs": 0, "ready": false, "waitsFor": null,
                    "markets": [], "instruments": 0, "books": {},
                    "connections": [{"name": "0", "open": false, "state": "", "streams": states(0)}],
                    "streams": states(0), "consumers": 0, "subscriptions": 0,
                    "shards": [{"shard": 0, "published": 9}],
                    "acknowledgedIn": {"count": 0, "p50Ns": 0, "p95Ns": 0, "p99Ns": 0, "maxNs": 0}, "counters": {}}),
            ),
        ];
        for (report, shown) in table {
            assert_eq!(serde_json::to_value(&report).unwrap(), shown);
            assert_eq!(serde_json::from_value::<Report>(shown).unwrap(), report);
        }
    }

    #[test]
    fn every_state_is_counted_in_its_place() {
        use StreamState as S;
        let mut states = StreamStates::default();
        for (times, state) in
            [S::Requested, S::Acknowledged, S::Live, S::Silent, S::Refused, S::Leaving].into_iter().enumerate()
        {
            (0..=times).for_each(|_| states.add(state));
        }
        let StreamStates { requested, acknowledged, live, silent, refused, leaving } = states;
        assert_eq!([requested, acknowledged, live, silent, refused, leaving], [1, 2, 3, 4, 5, 6]);
    }
}
