//! A REST audit of all symbols (faults.md, invariant 36 L4): the venue's snapshot, carried on by the published diffs, equals the
//! book that the events tell, wherever both are known.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use meltica::schema::decimal::Decimal;
use meltica::schema::id::{InstrumentId, Market};
use meltica::sim::book::Side;
use meltica::sim::spec::default_symbols;
use serde_json::Value;

use crate::rig::{PATIENCE, Rig};
use crate::secure::{secure, socket};
use crate::stage::Stage;

/// The auditor's own address: its weight is not the feed's.
const AUDITOR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Levels a side: 200 symbols stay below the weight of a minute.
const LEVELS: u32 = 500;

type Levels = BTreeMap<Decimal, Decimal>;

/// A book by the official rule.
struct Shadow {
    id: i64,
    sides: [Levels; 2],
    /// The worst price of each side that the snapshot told.
    worst: [Decimal; 2],
}

pub(crate) fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn levels(value: &Value) -> impl Iterator<Item = (Decimal, Decimal)> + '_ {
    value.as_array().unwrap().iter().map(|level| (decimal(&level[0]), decimal(&level[1])))
}

impl Shadow {
    fn new(body: &Value) -> Shadow {
        let sides: [Levels; 2] = [levels(&body["bids"]).collect(), levels(&body["asks"]).collect()];
        let worst = [*sides[0].keys().next().unwrap(), *sides[1].keys().next_back().unwrap()];
        Shadow { id: body["lastUpdateId"].as_i64().unwrap(), sides, worst }
    }

    /// Carries it on by a published diff.
    fn follow(&mut self, payload: &Value) {
        let (before, last) = (payload["previousUpdateId"].as_i64().unwrap(), payload["updateId"].as_i64().unwrap());
        if last <= self.id {
            return;
        }
        assert!(before <= self.id, "the diffs after the snapshot are not all there: {} and then {payload}", self.id);
        self.id = last;
        for (side, key) in self.sides.iter_mut().zip(["bids", "asks"]) {
            for (price, quantity) in levels(&payload[key]) {
                if quantity == Decimal::ZERO {
                    side.remove(&price)
                } else {
                    side.insert(price, quantity)
                };
            }
        }
    }

    /// What it knows of a side that the other one knows too.
    fn shared(&self, side: Side, other: &Levels) -> [Levels; 2] {
        let worst = self.worst[side as usize];
        let within = |levels: &Levels, bound: Decimal| -> Levels {
            let inside = |price: &Decimal| if side == Side::Bid { *price >= bound } else { *price <= bound };
            levels.iter().filter(|(price, _)| inside(price)).map(|(p, q)| (*p, *q)).collect()
        };
        let ours = if side == Side::Bid { other.keys().next() } else { other.keys().next_back() };
        let ours = ours.copied().unwrap_or(worst);
        let bound = if side == Side::Bid { worst.max(ours) } else { worst.min(ours) };
        [within(&self.sides[side as usize], bound), within(other, bound)]
    }
}

fn fetch(address: SocketAddr, ca_pem: Option<&str>, symbol: &str) -> Option<Value> {
    let mut query = String::new();
    symbol.bytes().for_each(|byte| query += &format!("%{byte:02X}"));
    let request =
        format!("GET /api/v3/depth?symbol={query}&limit={LEVELS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut plain = socket(address, Some(AUDITOR), PATIENCE);
    let mut bytes = Vec::new();
    match ca_pem {
        Some(pem) => {
            let mut stream = secure(plain, pem);
            stream.write_all(request.as_bytes()).ok()?;
            stream.read_to_end(&mut bytes).ok()?;
        }
        None => {
            plain.write_all(request.as_bytes()).ok()?;
            plain.read_to_end(&mut bytes).ok()?;
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{symbol}: {text}");
    serde_json::from_str(body).ok()
}

/// Audits a venue of this process. A fault that is still armed for a snapshot befalls the auditor: it asks again.
pub(crate) fn audit(stage: &mut Stage) {
    let (address, ca) = (stage.venue.address(), stage.venue.ca_pem().map(str::to_owned));
    let journal = stage.venue.journal();
    let symbols: Vec<String> = default_symbols(stage.scale.symbols).into_iter().map(|spec| spec.symbol).collect();
    audit_with(&mut stage.rig, &symbols, |symbol| {
        loop {
            let struck = journal.entries().len();
            let body = fetch(address, ca.as_deref(), symbol);
            if let Some(body) = body.filter(|_| journal.entries().len() == struck) {
                return body;
            }
        }
    });
}

fn audit_with(rig: &mut Rig, symbols: &[String], mut depth: impl FnMut(&str) -> Value) {
    rig.keep = true;
    let mut shadows: Vec<(InstrumentId, String, Shadow)> = Vec::new();
    for symbol in symbols {
        let id = rig.engine.directory().find_symbol(Market::BinanceSpot, symbol).unwrap();
        shadows.push((id, symbol.clone(), Shadow::new(&depth(symbol))));
        rig.step();
    }
    // A book is compared once it has come as far as its snapshot.
    rig.until("all books audited", |rig| {
        shadows.retain_mut(|(id, symbol, shadow)| {
            if rig.checker.update_id(*id).is_none_or(|at| at < shadow.id) {
                return true;
            }
            let diffs = rig.kept.get(id).into_iter().flatten().filter(|event| event["type"] == "ORDERBOOK.DELTA");
            diffs.for_each(|event| shadow.follow(&event["payload"]));
            assert_eq!(rig.checker.update_id(*id), Some(shadow.id), "{symbol}");
            for side in [Side::Bid, Side::Ask] {
                let [theirs, ours] = shadow.shared(side, &rig.checker.known_levels(*id, side));
                assert!(!ours.is_empty(), "{symbol}: nothing is known of {side:?}");
                assert_eq!(ours, theirs, "{symbol} at {}: {side:?}", shadow.id);
            }
            false
        });
        shadows.is_empty()
    });
    rig.keep = false;
    rig.kept.clear();
}

/// Audits a venue of another process.
pub(crate) fn audit_foreign(rig: &mut Rig, address: SocketAddr, symbols: &[String]) {
    audit_with(rig, symbols, |symbol| fetch(address, None, symbol).unwrap());
}
