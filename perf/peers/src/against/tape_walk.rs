//! Purpose: what a parser over simd-json's tape costs that does no more than it must: the tape in reused buffers, every mapped
//! field visited, decimals read exactly, the symbol looked up.
//! Owns: its buffers. Thread: one. Takes and gives: a combined frame in, a message out.
//! Never: builds a record, keeps what it does not know, says why a frame is refused: Meltica's validated path does, this not.

use hashbrown::HashMap;
use meltica::schema::decimal::Decimal;
use simd_json::{Buffers, Node, StaticNode, Tape};

/// Reads frames.
pub(crate) struct TapeWalk {
    buffers: Buffers,
    tape: Tape<'static>,
    streams: HashMap<Box<str>, Known>,
    message: Message,
}

/// A stream that was subscribed.
struct Known {
    symbol: &'static str,
    instrument: u32,
}

/// One message, of whatever kind: the fields that Meltica's layouts map.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) instrument: u32,
    pub(crate) event_ms: i64,
    pub(crate) trade_ms: i64,
    /// `u`, `t`, `a`, by kind.
    pub(crate) id: i64,
    /// `U`, `f`.
    pub(crate) first: i64,
    /// `l`, `pu`.
    pub(crate) last: i64,
    /// `st`.
    pub(crate) state: i64,
    pub(crate) maker: bool,
    pub(crate) best: bool,
    /// `p`, `q`, or bid, its quantity, ask, its quantity.
    pub(crate) decimals: [Decimal; 4],
    pub(crate) bids: Vec<(Decimal, Decimal)>,
    pub(crate) asks: Vec<(Decimal, Decimal)>,
    /// A bit a field that was there.
    pub(crate) present: u64,
}

impl TapeWalk {
    /// Knows one symbol's streams.
    pub(crate) fn new() -> TapeWalk {
        let names = ["btcusdt@bookTicker", "btcusdt@trade", "btcusdt@aggTrade", "btcusdt@depth@100ms"];
        let known = |name: &str| (Box::from(name), Known { symbol: "BTCUSDT", instrument: 7 });
        TapeWalk {
            buffers: Buffers::with_max_depth(64 << 10, 32),
            tape: Tape(Vec::with_capacity(8 << 10)),
            streams: names.into_iter().map(known).collect(),
            message: Message::default(),
        }
    }

    /// The message of a combined frame; `None` when it is none.
    #[inline]
    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> Option<&Message> {
        let mut tape = core::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let done = match simd_json::fill_tape(bytes, &mut self.buffers, &mut tape) {
            Ok(()) => walk(&tape.0, &self.streams, &mut self.message),
            Err(_) => None,
        };
        self.tape = tape.reset();
        done.map(|()| &self.message)
    }
}

fn walk(nodes: &[Node<'_>], streams: &HashMap<Box<str>, Known>, message: &mut Message) -> Option<()> {
    let [Node::Object { len: 2, .. }, Node::String("stream"), Node::String(name), Node::String("data"), payload @ ..] =
        nodes
    else {
        return None;
    };
    let known = streams.get(*name)?;
    let (Node::Object { len, .. }, fields) = payload.split_first()? else { return None };
    message.instrument = known.instrument;
    message.present = 0;
    let mut at = 0;
    for _ in 0..*len {
        let Node::String(key) = fields.get(at)? else { return None };
        at += 1 + field(key, fields.get(at + 1..)?, known, message)?;
    }
    (message.present != 0).then_some(())
}

/// Reads one value; how many nodes it took.
#[inline]
fn field(key: &str, value: &[Node<'_>], known: &Known, message: &mut Message) -> Option<usize> {
    let Message { bids, asks, decimals, .. } = message;
    match (key.as_bytes(), value.first()?) {
        (b"b", Node::Array { len, .. }) => return levels(*len, value.get(1..)?, bids).map(|nodes| nodes + 1),
        (b"a", Node::Array { len, .. }) => return levels(*len, value.get(1..)?, asks).map(|nodes| nodes + 1),
        (b"p" | b"b", Node::String(text)) => decimals[0] = decimal(text)?,
        (b"q" | b"B", Node::String(text)) => decimals[1] = decimal(text)?,
        (b"a", Node::String(text)) => decimals[2] = decimal(text)?,
        (b"A", Node::String(text)) => decimals[3] = decimal(text)?,
        (b"s", Node::String(text)) => return (*text == known.symbol).then_some(1),
        (b"e", Node::String(_)) => {}
        (b"E", number) => message.event_ms = int(number)?,
        (b"T", number) => message.trade_ms = int(number)?,
        (b"u" | b"t" | b"a", number) => message.id = int(number)?,
        (b"U" | b"f", number) => message.first = int(number)?,
        (b"l" | b"pu", number) => message.last = int(number)?,
        (b"st", number) => message.state = int(number)?,
        (b"m", Node::Static(StaticNode::Bool(truth))) => message.maker = *truth,
        (b"M", Node::Static(StaticNode::Bool(truth))) => message.best = *truth,
        (_, Node::Object { count, .. } | Node::Array { count, .. }) => return Some(count + 1),
        _ => {}
    }
    message.present |= 1 << (key.as_bytes().first()? & 63);
    Some(1)
}

fn levels(len: usize, nodes: &[Node<'_>], out: &mut Vec<(Decimal, Decimal)>) -> Option<usize> {
    out.clear();
    for level in nodes.get(..3 * len)?.as_chunks::<3>().0 {
        let [Node::Array { len: 2, .. }, Node::String(price), Node::String(quantity)] = level else { return None };
        out.push((decimal(price)?, decimal(quantity)?));
    }
    Some(3 * len)
}

#[inline]
fn decimal(text: &str) -> Option<Decimal> {
    Decimal::parse(text.as_bytes()).ok()
}

#[inline]
fn int(node: &Node<'_>) -> Option<i64> {
    match node {
        Node::Static(StaticNode::U64(value)) => i64::try_from(*value).ok(),
        Node::Static(StaticNode::I64(value)) => Some(*value),
        _ => None,
    }
}
