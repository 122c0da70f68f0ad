//! Purpose: which events a consumer wants beside their types: by instrument, market and any field of the payload.
//! Owns: compiled predicates. Thread: any makes one, the consumer's poll asks it.
//! Takes and gives: events in, yes or no out. Never: allocates for an instrument it has met; looks names up by text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::route::FilterOp;
use crate::directory::Directory;
use crate::schema::event::{EventHeader, EventRef};
use crate::schema::id::{Market, TypeId};
use crate::schema::json::{FieldValue, read_field};
use crate::schema::payload::{Field, PayloadKind};

use super::keyed::KeyTable;
use super::operand::{OperandError, Test};

/// A filter that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No payload has the field.
    #[error("no event has a field `{0}`: filters name `instrument`, `market`, or a payload's field as JSON shows it")]
    UnknownField(String),
    /// The operands do not fit the operator.
    #[error("the filter on `{field}`: {error}")]
    Operand {
        /// The field.
        field: String,
        /// What is wrong.
        error: OperandError,
    },
    /// An object that is not `{"op": …, "value": …}`.
    #[error("the filter on `{0}` is neither a value, nor a list, nor {{\"op\": eq|neq|in|prefix, \"value\": …}}")]
    Malformed(String),
}

/// Predicates, all of which must hold. Compiled once; asked in the consumer's poll.
///
/// They mean what a route's filters mean: an absent field passes `neq` and nothing else, numbers compare as numbers. A
/// field that a payload of another kind has is absent from this one.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    instrument: Vec<Test>,
    market: Vec<Test>,
    fields: Vec<FieldTest>,
}

/// A predicate on a payload's field, found for each kind once and for all.
#[derive(Clone, Debug)]
struct FieldTest {
    by_kind: [Option<Field>; PayloadKind::ALL.len()],
    test: Test,
}

impl Filter {
    /// Lets everything pass.
    pub fn all() -> Filter {
        Filter::default()
    }

    /// Also asks that `field` compare with `value`: a text, number or truth value; a list of them for `in`, a text for
    /// `prefix`. `field` is `instrument` (`BTC-USDT`), `market` (`BINANCE-SPOT`), both in any case, or the name of a
    /// payload's field as JSON shows it.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn and(mut self, field: &str, op: FilterOp, value: &Value) -> Result<Filter, FilterError> {
        let wrong = |error| FilterError::Operand { field: field.to_owned(), error };
        let test = Test::compile(op, value).map_err(wrong)?;
        match field {
            "instrument" => self.instrument.push(test.uppercase()),
            "market" => self.market.push(test.uppercase()),
            _ => self.fields.push(FieldTest::find(field, test)?),
        }
        Ok(self)
    }

    /// Only this instrument (`BTC-USDT`, in any case), in every market.
    ///
    /// # Errors
    /// None for a text; the type is that of [`Filter::and`].
    pub fn instrument(self, name: &str) -> Result<Filter, FilterError> {
        self.and("instrument", FilterOp::Eq, &Value::String(name.to_owned()))
    }

    /// Reads a command's filters: field to value (`eq`), to list (`in`), or to `{"op": …, "value": …}`.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn from_command(filters: &BTreeMap<String, Value>) -> Result<Filter, FilterError> {
        let mut filter = Filter::all();
        for (field, value) in filters {
            filter = match value {
                Value::Array(_) => filter.and(field, FilterOp::In, value)?,
                Value::Object(object) => {
                    let malformed = || FilterError::Malformed(field.clone());
                    let (Some(op), Some(value), 2) = (object.get("op"), object.get("value"), object.len()) else {
                        return Err(malformed());
                    };
                    let op = serde_json::from_value(op.clone()).map_err(|_| malformed())?;
                    filter.and(field, op, value)?
                }
                _ => filter.and(field, FilterOp::Eq, value)?,
            };
        }
        Ok(filter)
    }

    /// Whether it asks anything of an event's instrument or market.
    pub fn narrows_instruments(&self) -> bool {
        !self.instrument.is_empty() || !self.market.is_empty()
    }

    /// Whether events of an instrument (by its canonical name) may pass, as far as instrument and market say.
    pub fn may_pass(&self, instrument: &str, market: Market) -> bool {
        self.passes_names(Some(instrument), Some(market.name()))
    }

    /// A field that it asks for and that none of these payloads has.
    pub fn field_of_none(&self, kinds: &[PayloadKind]) -> Option<&str> {
        let has = |test: &FieldTest| kinds.iter().any(|kind| test.by_kind[*kind as usize - 1].is_some());
        let stranger = self.fields.iter().find(|test| !has(test))?;
        stranger.by_kind.iter().flatten().next().map(|field| field.name)
    }

    fn passes_head(&self, header: &EventHeader, directory: &Directory) -> bool {
        let instrument = directory.instrument(header.instrument()).map(|found| &*found.name);
        self.passes_names(instrument, header.market().map(Market::name))
    }

    fn passes_names(&self, instrument: Option<&str>, market: Option<&str>) -> bool {
        self.instrument.iter().all(|test| test.passes(text(instrument)))
            && self.market.iter().all(|test| test.passes(text(market)))
    }

    fn passes_payload(&self, event: EventRef<'_>) -> bool {
        let kind = (event.header().kind as usize).wrapping_sub(1);
        let payload: &[u8] = bytemuck::cast_slice(event.payload_words());
        self.fields.iter().all(|predicate| {
            let field = predicate.by_kind.get(kind).and_then(Option::as_ref);
            predicate.test.passes(field.map_or(FieldValue::Null, |field| read_field(field, payload)))
        })
    }
}

fn text(name: Option<&str>) -> FieldValue<'_> {
    name.map_or(FieldValue::Null, FieldValue::Text)
}

impl FieldTest {
    fn find(name: &str, test: Test) -> Result<FieldTest, FilterError> {
        let find = |kind: PayloadKind| kind.fields().0.iter().find(|field| field.name == name).copied();
        let by_kind = PayloadKind::ALL.map(find);
        if by_kind.iter().all(Option::is_none) {
            return Err(FilterError::UnknownField(name.to_owned()));
        }
        Ok(FieldTest { by_kind, test })
    }
}

/// A filter with the types wanted and its memory of which instruments pass: one consumer's.
#[derive(Debug)]
pub(super) struct Gate {
    /// Bit by type; empty: every type.
    types: Vec<u64>,
    filter: Filter,
    /// What became of an instrument's head; asked by the directory once each.
    heads: KeyTable<Verdict>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verdict {
    #[default]
    Open,
    Passes,
    Fails,
}

impl Gate {
    /// For the types given; all when there is none.
    pub(super) fn new(types: &[TypeId], filter: Filter) -> Gate {
        let words = types.iter().map(|id| id.index() / 64 + 1).max().unwrap_or(0);
        let mut bits = vec![0; words];
        types.iter().for_each(|id| bits[id.index() / 64] |= 1 << (id.index() % 64));
        Gate { types: bits, filter, heads: KeyTable::default() }
    }

    /// Whether the consumer wants the event.
    #[inline]
    pub(super) fn passes(&mut self, event: EventRef<'_>, directory: &Directory) -> bool {
        let header = event.header();
        self.wants(header.type_id()) && self.passes_head(header, directory) && self.filter.passes_payload(event)
    }

    #[inline]
    fn wants(&self, id: TypeId) -> bool {
        let word = self.types.get(id.index() / 64).copied().unwrap_or(0);
        self.types.is_empty() || word & (1 << (id.index() % 64)) != 0
    }

    #[inline]
    fn passes_head(&mut self, header: &EventHeader, directory: &Directory) -> bool {
        if self.filter.instrument.is_empty() && self.filter.market.is_empty() {
            return true;
        }
        // An instrument has one market; what concerns none is kept by its market byte in the types' place.
        let row = if header.instrument().is_some() { 0 } else { 1 + u16::from(header.market) };
        let verdict = self.heads.place(header.instrument(), TypeId(row));
        if *verdict == Verdict::Open {
            let passes = self.filter.passes_head(header, directory);
            *verdict = if passes { Verdict::Passes } else { Verdict::Fails };
        }
        *verdict == Verdict::Passes
    }
}
