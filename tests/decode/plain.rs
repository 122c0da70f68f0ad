//! Purpose: raw instances and the oracle's answers in one plain form, to be compared. Owns: nothing. Thread: any.
//! Takes and gives: records, owned values. Never: shares code with the parser.

use meltica::directory::Directory;
use meltica::schema::decimal::Decimal;
use meltica::schema::layout::layout;
use meltica::schema::raw::{Level, RawRef, Value};
use meltica::schema::topic::StreamKind;

/// A value in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(String),
    Text(String),
}

/// A raw instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) kind: StreamKind,
    pub(crate) detail: u16,
    pub(crate) symbol: Option<String>,
    pub(crate) limit: u32,
    pub(crate) slots: Vec<(String, Held)>,
    pub(crate) bids: Vec<(String, String)>,
    pub(crate) asks: Vec<(String, String)>,
    /// Keys and texts of values; no text where it would show a binary floating point number.
    pub(crate) unknown: Vec<(String, Option<String>)>,
}

impl Plain {
    /// What a record says.
    pub(crate) fn of(raw: RawRef<'_>, directory: &Directory) -> Plain {
        let kind = raw.kind();
        let mut slots = Vec::new();
        for (at, spec) in layout(kind).iter().enumerate() {
            let held = match raw.get(at) {
                Value::Absent => continue,
                Value::Null => Held::Null,
                Value::Bool(truth) => Held::Bool(truth),
                Value::Int(number) => Held::Int(number),
                Value::Decimal(number) => Held::Decimal(number.to_string()),
                Value::Text(text) => Held::Text(text.to_owned()),
            };
            slots.push((spec.key.to_owned(), held));
        }
        let (price, quantity) = (raw.header.price_scale, raw.header.quantity_scale);
        let show = |mantissa, scale| Decimal::new(mantissa, scale).expect("a scale of a record").to_string();
        let level = |l: &Level| (show(l.price, price), show(l.quantity, quantity));
        Plain {
            kind,
            detail: raw.header.topic_detail,
            symbol: directory.instrument(raw.instrument()).map(|i| i.symbol.to_string()),
            limit: raw.header.limit,
            slots,
            bids: raw.bids().iter().map(level).collect(),
            asks: raw.asks().iter().map(level).collect(),
            unknown: raw.unknown().map(|(key, text)| (key.to_owned(), Some(text.to_owned()))).collect(),
        }
    }

    /// Whether another says the same; texts that the oracle cannot vouch for are let be.
    pub(crate) fn agrees(&self, oracle: &Plain) -> bool {
        let mut own = self.clone();
        for (own, theirs) in own.unknown.iter_mut().zip(&oracle.unknown) {
            if theirs.1.is_none() {
                own.1 = None;
            }
        }
        own == *oracle
    }
}
