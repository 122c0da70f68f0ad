//! Purpose: one flat payload into the slots and levels of a raw instance, in one pass, key by key.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, a filled `RawBuf` out, or "not mine".
//! Never: takes a key twice, a key that no table knows, or a payload of another instrument.

use super::cursor::Cursor;
use super::isa::{Baseline, Isa};
use super::level::{Form, ShortLevel};
use super::number::scale_of;
use super::step::Symbol;
use crate::binance::parse::control::SHUTDOWN_EVENT;
use crate::binance::parse::keys::{KindKeys, Place};
use crate::schema::layout::{SlotSpec, Want, layout};
use crate::schema::raw::{Level, RawBuf, Side};
use crate::schema::topic::StreamKind;

/// Reads a payload of a kind into `raw`, which the caller has begun. `symbol` is its stream's. `note` is
/// told of each key, with what stands before and behind it, and of its value as written.
pub(super) fn read(
    payload: &[u8],
    kind: StreamKind,
    symbol: Symbol<'_>,
    raw: &mut RawBuf,
    mut note: impl FnMut(&[u8], Place, &[u8]),
) -> Option<()> {
    let (keys, specs) = (KindKeys::of(kind), layout(kind));
    let mut cursor = Cursor::new(payload);
    let (mut bids, mut asks, mut before, mut form) = (false, false, b'{', Form::UNKNOWN);
    // Sides by the baseline too: key by key few frames are read, and each of them once.
    while before == b'{' || cursor.rest() != b"}" {
        let at_key = cursor;
        let place = key(&mut cursor, before, keys)?;
        let at_value = cursor;
        match place {
            Place::Slot(slot) => set(&mut cursor, &specs[slot], slot, (keys, symbol), raw)?,
            Place::Bids if !core::mem::replace(&mut bids, true) => {
                cursor = Baseline.side(cursor, Side::Bid, raw, &mut form)?
            }
            Place::Asks if !core::mem::replace(&mut asks, true) => {
                cursor = Baseline.side(cursor, Side::Ask, raw, &mut form)?
            }
            Place::Bids | Place::Asks | Place::Nested | Place::Unknown => return None,
        }
        note(at_key.passed(&at_value), place, at_value.passed(&cursor));
        before = b',';
    }
    let all = keys.required & !raw.present() == 0 && (keys.one_of == 0 || keys.one_of & raw.present() != 0);
    let sides = !kind.has_levels() || (bids && asks);
    (all && sides).then_some(())
}

/// The next key, behind `before`.
fn key(cursor: &mut Cursor<'_>, before: u8, keys: &KindKeys) -> Option<Place> {
    cursor.literal(&[before, b'"'])?;
    let key = cursor.quoted()?;
    cursor.literal(b":")?;
    match key {
        [letter] => Some(keys.top.letter(*letter)),
        word => Some(keys.top.word(word)),
    }
}

fn set(
    cursor: &mut Cursor<'_>,
    spec: &SlotSpec,
    slot: usize,
    (keys, symbol): (&KindKeys, Symbol<'_>),
    raw: &mut RawBuf,
) -> Option<()> {
    if raw.present() >> slot & 1 == 1 {
        return None;
    }
    match spec.want {
        Want::Int => raw.set_int(slot, cursor.whole()?),
        Want::Decimal => {
            cursor.literal(b"\"")?;
            raw.set_decimal(slot, cursor.decimal()?);
        }
        Want::Text => {
            cursor.literal(b"\"")?;
            let quoted = symbol.quoted;
            if !quoted.is_empty() && cursor.piece(quoted).is_some() {
                let (bytes, length) = quoted.without_last();
                raw.put_padded(slot, bytes, length);
                raw.note_present(1 << slot);
            } else if keys.symbol() == Some(slot) {
                *cursor = symbol.pass_long(*cursor, slot, raw)?;
            } else {
                *cursor = set_text(*cursor, spec, slot, raw)?;
            }
        }
        Want::Bool => raw.set_bool(slot, cursor.truth()?),
    }
    Some(())
}

/// Reads a text that is not the stream's symbol, up to its quote.
pub(super) fn set_text<'a>(
    mut cursor: Cursor<'a>,
    spec: &SlotSpec,
    slot: usize,
    raw: &mut RawBuf,
) -> Option<Cursor<'a>> {
    match cursor.text()? {
        // Unwrapped, this is no data.
        SHUTDOWN_EVENT => return None,
        text if spec.verbatim => raw.set_text(slot, text),
        text => raw.set_uppercase(slot, text),
    }
    Some(cursor)
}

/// Reads one side: `[["price","quantity"],…]`. The position behind it. `form` is that of the prices before, and of its last one then.
#[inline(always)]
pub(super) fn side<'a, I: Isa>(
    isa: I,
    mut cursor: Cursor<'a>,
    side: Side,
    raw: &mut RawBuf,
    form: &mut Form,
) -> Option<Cursor<'a>> {
    cursor.literal(b"[")?;
    if cursor.literal(b"]").is_some() {
        return Some(cursor);
    }
    cursor.literal(b"[\"")?;
    match short_levels(isa, cursor, side, raw, form) {
        Some(behind) => Some(behind),
        None => {
            raw.clear_levels(side);
            any_levels(cursor, side, raw)
        }
    }
}

/// Reads levels of short decimals: all at one scale, which is lowered at the end to what they need.
#[inline(always)]
fn short_levels<'a, I: Isa>(
    isa: I,
    mut cursor: Cursor<'a>,
    side: Side,
    raw: &mut RawBuf,
    expected: &mut Form,
) -> Option<Cursor<'a>> {
    let levels = raw.units(side);
    let (mut prices, mut quantities) = (isa.no_digits(), isa.no_digits());
    let (mut form, mut ended) = (*expected, false);
    // Two loops, for what comes out of either way would meet in memory, and be waited for there.
    while !ended && let Some(ShortLevel { price, quantity, is_last, .. }) = cursor.short_level(isa, &mut form) {
        (prices, quantities) = (isa.both(prices, price), isa.both(quantities, quantity));
        levels.push(Level { price: isa.at_eight(price), quantity: isa.at_eight(quantity) });
        ended = is_last;
    }
    *expected = form;
    let (mut last_prices, mut last_quantities) = (0, 0);
    while !ended {
        let ShortLevel { price, quantity, is_last, .. } = cursor.level_near_end()?;
        (last_prices, last_quantities) = (last_prices | price.fraction, last_quantities | quantity.fraction);
        levels.push(Level { price: price.at_eight(), quantity: quantity.at_eight() });
        ended = is_last;
    }
    let price_scale = isa.scale(prices).max(scale_of(last_prices));
    raw.settle_units(side, price_scale, isa.scale(quantities).max(scale_of(last_quantities)));
    Some(cursor)
}

/// Reads any levels that are not below zero.
#[cold]
fn any_levels<'a>(mut cursor: Cursor<'a>, side: Side, raw: &mut RawBuf) -> Option<Cursor<'a>> {
    loop {
        let price = cursor.decimal()?;
        cursor.literal(b",\"")?;
        let quantity = cursor.decimal()?;
        if price.mantissa() < 0 || quantity.mantissa() < 0 {
            return None;
        }
        raw.push_level(side, price, quantity).ok()?;
        if cursor.literal(b"],[\"").is_none() {
            cursor.literal(b"]]")?;
            return Some(cursor);
        }
    }
}
