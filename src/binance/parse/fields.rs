//! Purpose: the fields of one payload into the slots of a raw instance, what no table knows into its tail.
//! Owns: the texts it writes unknown values with. Thread: the io thread. Takes and gives: a payload, a `RawBuf`.
//! Never: takes a key twice, or a value of another type than the layout says.

use simd_json::{Node, StaticNode};

use super::error::{Cause, ParseError};
use super::keys::{KindKeys, Place};
use super::scanner::Digits;
use super::tape::At;
use super::{levels, text};
use crate::schema::layout::{SlotSpec, Want, layout, level_keys};
use crate::schema::raw::{RawBuf, Side};
use crate::schema::topic::StreamKind;

/// Bytes after which the tail cuts a key or a value.
const TAIL_TEXT_MAX: usize = 255;

/// The most unknown keys one raw instance carries; no frame of the venue comes near it. The rest of a frame that has more
/// is read, checked, counted, and not carried.
const UNKNOWN_MAX: usize = 1_024;

/// Reads payloads.
#[derive(Debug)]
pub(super) struct Fields {
    path: String,
    value: String,
    /// Unknown keys that were not carried, since they were taken.
    uncarried: u64,
}

impl Default for Fields {
    fn default() -> Self {
        Fields { path: String::with_capacity(1 << 10), value: String::with_capacity(1 << 10), uncarried: 0 }
    }
}

/// What of a payload has been met.
#[derive(Debug, Default)]
struct Met {
    bids: bool,
    asks: bool,
    nested: bool,
    unknown: usize,
}

impl Fields {
    /// Reads a payload of a kind into `raw`, which the caller has begun.
    pub(super) fn read(&mut self, payload: At<'_, '_>, kind: StreamKind, raw: &mut RawBuf) -> Result<(), ParseError> {
        let keys = KindKeys::of(kind);
        let specs = layout(kind);
        let mut met = Met::default();
        for (key, value) in payload.entries().ok_or(ParseError::of(Cause::NotAnObject))? {
            match keys.top.place(key) {
                Place::Slot(slot) => set(&specs[slot], slot, keys, value, raw)?,
                Place::Bids => side(&mut met.bids, kind, Side::Bid, value, raw)?,
                Place::Asks => side(&mut met.asks, kind, Side::Ask, value, raw)?,
                Place::Nested => self.nested(value, keys, specs, &mut met, raw)?,
                Place::Unknown => self.unknown("", key, value, &mut met, raw),
            }
        }
        complete(kind, keys, specs, &met, raw)
    }

    /// Reads a row of a REST body of a kind into `raw`, which the caller has begun; the key `passed` is passed over.
    pub(super) fn read_body(
        &mut self,
        row: At<'_, '_>,
        kind: StreamKind,
        passed: &str,
        raw: &mut RawBuf,
    ) -> Result<(), ParseError> {
        let (keys, specs, mut met) = (KindKeys::of_body(kind), layout(kind), Met::default());
        for (key, value) in row.entries().ok_or(ParseError::of(Cause::NotAnObject))? {
            match keys.top.place(key) {
                Place::Slot(_) if key == passed => {}
                Place::Slot(slot) => set(&specs[slot], slot, keys, value, raw)?,
                _ => self.unknown("", key, value, &mut met, raw),
            }
        }
        complete(kind, keys, specs, &met, raw)
    }

    /// How many unknown keys were not carried since the last call.
    pub(super) fn take_uncarried(&mut self) -> u64 {
        core::mem::take(&mut self.uncarried)
    }

    /// Puts a payload that is no object into the tail under one key.
    pub(super) fn whole(&mut self, key: &str, value: At<'_, '_>, raw: &mut RawBuf) {
        self.unknown("", key, value, &mut Met::default(), raw);
    }

    fn nested(
        &mut self,
        object: At<'_, '_>,
        keys: &'static KindKeys,
        specs: &'static [SlotSpec],
        met: &mut Met,
        raw: &mut RawBuf,
    ) -> Result<(), ParseError> {
        let name = keys.nested_name;
        if core::mem::replace(&mut met.nested, true) {
            return Err(ParseError::at(Cause::DuplicateKey, name));
        }
        for (key, value) in object.entries().ok_or(ParseError::at(Cause::WrongType, name))? {
            match keys.nested.place(key) {
                Place::Slot(slot) => set(&specs[slot], slot, keys, value, raw)?,
                _ => self.unknown(name, key, value, met, raw),
            }
        }
        Ok(())
    }

    #[cold]
    fn unknown(&mut self, object: &str, key: &str, value: At<'_, '_>, met: &mut Met, raw: &mut RawBuf) {
        met.unknown += 1;
        if met.unknown > UNKNOWN_MAX {
            self.uncarried += 1;
            return;
        }
        self.path.clear();
        if !object.is_empty() {
            self.path.push_str(object);
            self.path.push('.');
        }
        self.path.push_str(&key[..key.floor_char_boundary(TAIL_TEXT_MAX)]);
        self.value.clear();
        text::write(value, TAIL_TEXT_MAX, &mut self.value);
        raw.push_unknown(&self.path, &self.value);
    }
}

/// Puts a value into its slot.
#[inline(always)]
pub(super) fn set(
    spec: &'static SlotSpec,
    slot: usize,
    keys: &KindKeys,
    value: At<'_, '_>,
    raw: &mut RawBuf,
) -> Result<(), ParseError> {
    if raw.present() >> slot & 1 == 0 {
        // As nearly all are written.
        match (spec.want, value.node()) {
            (Want::Decimal, Node::String(text)) => {
                if let Some(value) = Digits::of(text).and_then(Digits::decimal) {
                    raw.set_decimal(slot, value);
                    return Ok(());
                }
            }
            (Want::Int, Node::Static(StaticNode::U64(value))) => {
                if let Ok(value) = i64::try_from(value) {
                    raw.set_int(slot, value);
                    return Ok(());
                }
            }
            (Want::Bool, Node::Static(StaticNode::Bool(truth))) => {
                raw.set_bool(slot, truth);
                return Ok(());
            }
            (Want::Text, Node::String(text)) => {
                if spec.verbatim {
                    raw.set_text(slot, text)
                } else {
                    raw.set_uppercase(slot, text)
                }
                return Ok(());
            }
            _ => {}
        }
    }
    set_rare(spec, slot, keys, value, raw)
}

/// What [`set`] has not taken at once: `null`, blanks, long, bare and negative numbers, faults. A text or a truth value of the type that is wanted
/// does not come here.
#[cold]
#[inline(never)]
fn set_rare(
    spec: &'static SlotSpec,
    slot: usize,
    keys: &KindKeys,
    value: At<'_, '_>,
    raw: &mut RawBuf,
) -> Result<(), ParseError> {
    let fail = |cause| ParseError::at(cause, spec.key);
    if raw.present() >> slot & 1 == 1 {
        return Err(fail(Cause::DuplicateKey));
    }
    let may_lack = !spec.required || spec.nullable;
    let blank = spec.want == Want::Decimal && may_lack && value.text() == Some("");
    if blank || matches!(value.node(), Node::Static(StaticNode::Null)) {
        // A field that may be absent may be null: the venue has nothing to say there.
        if !may_lack {
            return Err(fail(Cause::WrongType));
        }
        raw.set_null(slot);
        return Ok(());
    }
    match spec.want {
        Want::Int => {
            let number = value.int().map_err(fail)?;
            if number < 0 && keys.never_negative >> slot & 1 == 1 {
                return Err(fail(Cause::NegativeId));
            }
            raw.set_int(slot, number);
        }
        Want::Decimal => raw.set_decimal(slot, value.decimal().map_err(fail)?),
        Want::Text | Want::Bool => return Err(fail(Cause::WrongType)),
    }
    Ok(())
}

fn side(met: &mut bool, kind: StreamKind, side: Side, value: At<'_, '_>, raw: &mut RawBuf) -> Result<(), ParseError> {
    let key = level_key(kind, side);
    if core::mem::replace(met, true) {
        return Err(ParseError::at(Cause::DuplicateKey, key));
    }
    levels::read(value, side, raw).map_err(|cause| ParseError::at(cause, key))
}

fn level_key(kind: StreamKind, side: Side) -> &'static str {
    let (bids, asks) = level_keys(kind).unwrap_or(("b", "a"));
    if side == Side::Bid { bids } else { asks }
}

fn complete(
    kind: StreamKind,
    keys: &KindKeys,
    specs: &'static [SlotSpec],
    met: &Met,
    raw: &RawBuf,
) -> Result<(), ParseError> {
    let absent = keys.required & !raw.present();
    if absent != 0 {
        return Err(ParseError::at(Cause::MissingField, specs[absent.trailing_zeros() as usize].key));
    }
    for (side, met) in [(Side::Bid, met.bids), (Side::Ask, met.asks)] {
        if kind.has_levels() && !met {
            return Err(ParseError::at(Cause::MissingField, level_key(kind, side)));
        }
    }
    // Spot partial depth names its state by `lastUpdateId`, USD-M's by `u`: without either it stands for no moment.
    if keys.one_of != 0 && keys.one_of & raw.present() == 0 {
        return Err(ParseError::at(Cause::MissingField, specs[keys.one_of.trailing_zeros() as usize].key));
    }
    Ok(())
}
