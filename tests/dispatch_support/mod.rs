//! Purpose: what the tests of dispatch share: raw instances from JSON text, a sink that keeps what it is given, tables.
//! Owns: nothing. Thread: a test's. Takes and gives: text in, records out. Never: stands in for a part under test.

#![allow(dead_code)] // Each test file uses its own share.

use std::collections::BTreeMap;
use std::sync::Arc;

use meltica::config::route::RouteConfig;
use meltica::directory::Directory;
use meltica::dispatch::{DispatchStage, DispatchTable, TablePublisher};
use meltica::schema::decimal::Decimal;
use meltica::schema::event::{EventBuf, EventRef};
use meltica::schema::id::{ConnectionId, InstrumentId, Market, TraceIds};
use meltica::schema::instrument::Instrument;
use meltica::schema::json::write_event;
use meltica::schema::layout::{Want, layout, level_keys, slot_of};
use meltica::schema::raw::{RawBuf, RawOrigin, RawRef, Side};
use meltica::schema::stage::{EventSink, Stage};
use meltica::schema::time::UnixNanos;
use meltica::schema::topic::{StreamKind, StreamName, Topic};
use meltica::telemetry::{Counter, Ledger};
use serde_json::Value;

/// A frame's origin.
pub(crate) fn origin(market: Market, number: u64) -> RawOrigin {
    let connection = ConnectionId(3);
    RawOrigin { market, connection, number, receive: UnixNanos(1_000), ingress_ns: 77, traces: TraceIds::new(9) }
}

/// What a stream's name says; `depth-body` stands for a REST depth body.
pub(crate) fn topic(stream: &str) -> Topic {
    match stream {
        "depth-body" => Topic::plain(StreamKind::RestDepth),
        _ => StreamName::parse(stream).unwrap_or_else(|| panic!("{stream} is a stream")).topic,
    }
}

/// Builds the raw instance of one payload, by the layout of its stream's kind.
pub(crate) fn raw<'b>(
    buf: &'b mut RawBuf,
    market: Market,
    topic: Topic,
    id: InstrumentId,
    payload: &Value,
) -> RawRef<'b> {
    fill(buf, market, topic, id, payload);
    buf.finish().expect("levels fit")
}

/// As [`raw`], not closed yet.
pub(crate) fn fill(buf: &mut RawBuf, market: Market, topic: Topic, id: InstrumentId, payload: &Value) {
    buf.begin(&origin(market, 7), topic, layout(topic.kind).len());
    buf.set_instrument(id);
    keys(buf, topic.kind, "", payload);
}

fn keys(buf: &mut RawBuf, kind: StreamKind, prefix: &str, object: &Value) {
    for (key, value) in object.as_object().expect("payloads are objects") {
        let path = format!("{prefix}{key}");
        let nested = layout(kind).iter().any(|spec| spec.key.starts_with(&format!("{path}.")));
        let (bids, asks) = level_keys(kind).unwrap_or_default();
        let side = match path.as_str() {
            p if p == bids || (p == "b" && kind == StreamKind::DepthPartial) => Some(Side::Bid),
            p if p == asks || (p == "a" && kind == StreamKind::DepthPartial) => Some(Side::Ask),
            _ => None,
        };
        match (slot_of(kind, &path), side) {
            (_, Some(side)) if value.is_array() => levels(buf, side, value),
            (Some(slot), _) => set(buf, kind, slot, value),
            (None, _) if nested && value.is_object() => keys(buf, kind, &format!("{path}."), value),
            (None, _) => buf.push_unknown(&path, &value.to_string()),
        }
    }
}

fn levels(buf: &mut RawBuf, side: Side, list: &Value) {
    for level in list.as_array().expect("levels are a list") {
        let part = |i: usize| level[i].as_str().expect("levels are texts").parse().expect("plain decimals");
        buf.push_level(side, part(0), part(1)).expect("levels fit");
    }
}

fn set(buf: &mut RawBuf, kind: StreamKind, slot: usize, value: &Value) {
    let spec = &layout(kind)[slot];
    match (spec.want, value) {
        (_, Value::Null) => buf.set_null(slot),
        (Want::Int, value) => buf.set_int(slot, value.as_i64().expect("a whole number")),
        (Want::Decimal, Value::String(text)) if text.is_empty() => buf.set_null(slot),
        (Want::Decimal, Value::String(text)) => buf.set_decimal(slot, text.parse().expect("a plain decimal")),
        (Want::Decimal, value) => buf.set_decimal(slot, Decimal::whole(value.as_i64().expect("a whole number"))),
        (Want::Bool, value) => buf.set_bool(slot, value.as_bool().expect("a truth value")),
        (Want::Text, value) if spec.verbatim => buf.set_text(slot, value.as_str().expect("a text")),
        (Want::Text, value) => buf.set_uppercase(slot, value.as_str().expect("a text")),
    }
}

/// A sink that keeps events and what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The words of each event.
    pub(crate) events: Vec<Vec<u64>>,
    /// What `ready` was asked last.
    pub(crate) asked: (usize, usize),
    /// How often the other calls came: work, advance, finish.
    pub(crate) calls: [usize; 3],
    /// Say no to `ready`.
    pub(crate) full: bool,
}

impl Stage for Kept {
    fn ready(&mut self, records: usize, words: usize) -> bool {
        self.asked = (records, words);
        !self.full
    }

    fn work(&mut self) -> usize {
        self.calls[0] += 1;
        5
    }

    fn advance(&mut self, _: UnixNanos) {
        self.calls[1] += 1;
    }

    fn finish(&mut self) {
        self.calls[2] += 1;
    }
}

impl EventSink for Kept {
    fn take_event(&mut self, event: EventRef<'_>) {
        self.events.push(event.words().to_vec());
    }
}

/// A stage with its table's publisher, the directory and the counters.
pub(crate) struct Bench {
    pub(crate) publisher: TablePublisher,
    pub(crate) stage: DispatchStage<Kept>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) ledger: Ledger,
    pub(crate) btc: InstrumentId,
    pub(crate) eth: InstrumentId,
}

impl Bench {
    /// From routes in YAML.
    pub(crate) fn new(yaml: &str) -> Bench {
        Bench::of(&routes(yaml))
    }

    /// From routes.
    pub(crate) fn of(routes: &BTreeMap<String, RouteConfig>) -> Bench {
        let directory = Arc::new(Directory::default());
        let admit = |symbol| directory.admit(Instrument::from_symbol(Market::BinanceSpot, symbol)).expect("room");
        let (btc, eth) = (admit("BTCUSDT"), admit("ETHUSDT"));
        let table = DispatchTable::compile(1, routes, &directory).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let publisher = TablePublisher::new(table);
        let ledger = Ledger::default();
        let counts = ledger.sheet("dispatch");
        let stage = DispatchStage::new(publisher.shared(), Arc::clone(&directory), counts, Kept::default());
        Bench { publisher, stage, directory, ledger, btc, eth }
    }

    /// Sends one payload of a spot stream of BTCUSDT through; the events it became, as JSON.
    pub(crate) fn send(&mut self, stream: &str, payload: &str) -> Vec<Value> {
        self.send_as(Market::BinanceSpot, stream, self.btc, payload)
    }

    /// Sends one payload through.
    pub(crate) fn send_as(&mut self, market: Market, stream: &str, id: InstrumentId, payload: &str) -> Vec<Value> {
        let payload = serde_json::from_str(payload).unwrap_or_else(|e| panic!("{payload}: {e}"));
        let mut buf = RawBuf::default();
        let raw = raw(&mut buf, market, topic(stream), id, &payload);
        self.take(raw)
    }

    /// Sends a raw instance through.
    pub(crate) fn take(&mut self, raw: RawRef<'_>) -> Vec<Value> {
        use meltica::schema::stage::RawSink;
        assert!(self.stage.ready(1, raw.words()));
        self.stage.take_raw(raw);
        let events = core::mem::take(&mut self.stage.next_mut().events);
        let (records, words) = self.stage.next().asked;
        assert!(events.len() <= records, "more events than were announced");
        assert!(events.iter().map(Vec::len).sum::<usize>() <= words, "more words than were announced");
        events.iter().map(|words| self.json(words)).collect()
    }

    fn json(&self, words: &[u64]) -> Value {
        let mut out = Vec::new();
        let event = EventRef::from_words(words).expect("a whole event");
        write_event(event, &*self.directory, &mut out);
        serde_json::from_slice(&out).expect("events are JSON")
    }

    /// A counter.
    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.ledger.total(counter)
    }
}

/// Reads routes from YAML (the mapping below `routes`).
pub(crate) fn routes(yaml: &str) -> BTreeMap<String, RouteConfig> {
    serde_saphyr::from_str(yaml).unwrap_or_else(|e| panic!("{e}"))
}

/// An event buffer, so that tests need not name the type.
pub(crate) fn buffer() -> EventBuf {
    EventBuf::default()
}
