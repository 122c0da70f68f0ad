//! Purpose: what tests of the duty begin with, and what is known of it by hand. Owns: nothing. Thread: tests'.
//! Takes and gives: choices in, filters and what they reach out. Never: part of a build that ships.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::super::*;
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, RouteScope, default_routes};
use crate::schema::command::{ConsumerName, ControlCode, Filters};
use crate::schema::id::Market;
use crate::schema::instrument::{Instrument, Trading};

pub(super) const SPOT: Market = Market::BinanceSpot;
pub(super) const SECOND: i64 = 1_000_000_000;
/// Base assets, all against USDT; the last one is halted.
pub(super) const BASES: [&str; 4] = ["BTC", "ETH", "SOL", "OLD"];
/// Types with the streams that each wants on, by hand.
pub(super) const TYPES: [(&str, &[&str]); 7] = [
    ("TRADE", &["trade"]),
    ("KLINE", &["kline_1m"]),
    ("ORDERBOOK.DELTA", &["depth@100ms"]),
    ("ORDERBOOK.SNAPSHOT", &["depth20@100ms", "depth@100ms"]),
    ("ANALYTICS.FUSED", &["depth@100ms", "trade"]),
    ("STATUS.BOOK", &[]),
    ("PRICE.MARK", &[]), // spot has no such stream
];

pub(super) fn listed(base: &str) -> Instrument {
    let trading = if base == "OLD" { Trading::Halted } else { Trading::Open };
    Instrument::listed(SPOT, &format!("{base}USDT"), base, "USDT", trading)
}

pub(super) fn directory() -> Arc<Directory> {
    let directory = Directory::with_capacity(64);
    BASES.iter().for_each(|base| _ = directory.admit(listed(base)).unwrap());
    Arc::new(directory)
}

/// Compiled once: a table of all routes.
pub(super) fn routes() -> DispatchTable {
    static ROUTES: LazyLock<DispatchTable> =
        LazyLock::new(|| DispatchTable::compile(1, &default_routes(), &directory()).unwrap());
    ROUTES.narrowed(1, |_| RouteScope::ALL)
}

pub(super) fn duty(boot: Option<Boot>) -> Duty {
    let options = DutyOptions { markets: vec![SPOT], boot };
    let mut duty = Duty::new(options, routes(), directory(), Now::default());
    duty.hear(News::Listing(SPOT), Now::default());
    duty.discover(Now::default());
    duty
}

pub(super) fn at(seconds: i64) -> Now {
    Now { mono_ns: (seconds * SECOND) as u64, unix_ns: seconds * SECOND }
}

pub(super) fn named(n: usize) -> Who {
    Who::Named(ConsumerName::parse(&format!("c{n}")).unwrap())
}

/// Even ones are handles.
pub(super) fn who(n: usize) -> Who {
    if n.is_multiple_of(2) { Who::Handle(n as u64, format!("h{n}").into()) } else { named(n) }
}

pub(super) fn filters(choice: usize) -> Filters {
    let of = |pairs: &[(&str, Value)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    match choice {
        0 => Filters::new(),
        1 => of(&[("instrument", json!("BTC-USDT"))]),
        2 => of(&[("instrument", json!(["BTC-USDT", "ETH-USDT"]))]),
        3 => of(&[("instrument", json!({"op": "neq", "value": "BTC-USDT"}))]),
        4 => of(&[("instrument", json!({"op": "prefix", "value": "S"})), ("market", json!("BINANCE-SPOT"))]),
        5 => of(&[("instrument", json!("btc-usdt"))]), // as 1
        6 => of(&[("instrument", json!("NONE-USDT"))]),
        7 => of(&[("market", json!("BINANCE-USDM"))]),
        8 => of(&[("nothing", json!(1))]),
        _ => of(&[("instrument", json!("OLD-USDT"))]),
    }
}

/// The code by which filters are refused, by hand.
pub(super) fn refusal(choice: usize) -> Option<ControlCode> {
    match choice {
        6 => Some(ControlCode::UnknownInstrument),
        7 => Some(ControlCode::UnknownMarket),
        8 => Some(ControlCode::BadFilter),
        _ => None,
    }
}

/// Which instruments that trade a choice of filters reaches, by hand.
pub(super) fn reaches(choice: usize) -> Vec<&'static str> {
    match choice {
        0 => vec!["BTC", "ETH", "SOL"],
        1 => vec!["BTC"],
        2 => vec!["BTC", "ETH"],
        3 => vec!["ETH", "SOL"],
        4 => vec!["SOL"],
        _ => vec![],
    }
}

/// What the venue would be subscribed to: orders carried out one by one. One that doubles or lacks a stream is a fault.
#[derive(Default)]
pub(super) struct Venue {
    pub(super) on: BTreeSet<String>,
}

impl Venue {
    pub(super) fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Want { streams, .. } => {
                    streams.iter().for_each(|s| assert!(self.on.insert(s.to_string()), "{s} is on already"));
                }
                Order::Unwant { streams, .. } => {
                    streams.iter().for_each(|s| assert!(self.on.remove(&**s), "{s} is not on"));
                }
                Order::Poll { name, scope } => panic!("{name}, {scope:?}: no route of these polls by itself"),
            }
        }
    }
}
