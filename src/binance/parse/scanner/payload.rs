//! Purpose: one flat payload into the slots and levels of a raw instance, in one pass.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, a filled `RawBuf` out, or "not mine".
//! Never: takes a key twice, a key that no table knows, or a payload of another instrument.

use super::cursor::{Cursor, Known};
use crate::binance::parse::control::SHUTDOWN_EVENT;
use crate::binance::parse::keys::{KindKeys, Place};
use crate::schema::layout::{SlotSpec, Want, layout};
use crate::schema::raw::{RawBuf, Side};
use crate::schema::topic::StreamKind;

/// What of a payload has been met.
#[derive(Debug, Default)]
struct Met {
    bids: bool,
    asks: bool,
}

/// Reads a payload of a kind into `raw`, which the caller has begun. `symbol` is its stream's, as the directory has it.
#[inline]
pub(in crate::binance::parse) fn read(
    payload: &[u8],
    kind: StreamKind,
    symbol: &Known,
    raw: &mut RawBuf,
) -> Option<()> {
    let (keys, specs) = (KindKeys::of(kind), layout(kind));
    let mut cursor = Cursor::new(payload);
    let (mut met, mut before) = (Met::default(), b'{');
    loop {
        let place = match cursor.letter_key(before) {
            Some(letter) => keys.top.letter(letter),
            None if before == b',' && cursor.rest() == b"}" => break,
            None => long_key(&mut cursor, before, keys)?,
        };
        before = b',';
        match place {
            Place::Slot(slot) => set(&mut cursor, &specs[slot], slot, (keys, symbol), raw)?,
            Place::Bids => side(&mut cursor, &mut met.bids, Side::Bid, raw)?,
            Place::Asks => side(&mut cursor, &mut met.asks, Side::Ask, raw)?,
            Place::Nested | Place::Unknown => return None,
        }
    }
    let all = keys.required & !raw.present() == 0 && (keys.one_of == 0 || keys.one_of & raw.present() != 0);
    let sides = !kind.has_levels() || (met.bids && met.asks);
    (all && sides).then_some(())
}

/// A key of several letters, or one near the end of the payload.
fn long_key(cursor: &mut Cursor<'_>, before: u8, keys: &KindKeys) -> Option<Place> {
    cursor.literal(&[before, b'"'])?;
    let key = cursor.quoted()?;
    cursor.literal(b":")?;
    match key {
        [letter] => Some(keys.top.letter(*letter)),
        word => Some(keys.top.word(word)),
    }
}

#[inline]
fn set(
    cursor: &mut Cursor<'_>,
    spec: &SlotSpec,
    slot: usize,
    (keys, symbol): (&KindKeys, &Known),
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
            if keys.symbol() == Some(slot) {
                cursor.known(symbol)?;
                raw.set_text(slot, symbol.text());
            } else {
                match cursor.text()? {
                    // Unwrapped, this is no data.
                    SHUTDOWN_EVENT => return None,
                    text if spec.verbatim => raw.set_text(slot, text),
                    text => raw.set_uppercase(slot, text),
                }
            }
        }
        Want::Bool => {
            let truth = cursor.literal(b"true").is_some();
            if !truth {
                cursor.literal(b"false")?;
            }
            raw.set_bool(slot, truth);
        }
    }
    Some(())
}

/// Reads one side: `[["price","quantity"],…]`.
#[inline]
fn side(cursor: &mut Cursor<'_>, met: &mut bool, side: Side, raw: &mut RawBuf) -> Option<()> {
    if core::mem::replace(met, true) {
        return None;
    }
    cursor.literal(b"[")?;
    if cursor.literal(b"]").is_some() {
        return Some(());
    }
    cursor.literal(b"[\"")?;
    loop {
        let price = cursor.decimal()?;
        cursor.literal(b",\"")?;
        let quantity = cursor.decimal()?;
        if price.mantissa() < 0 || quantity.mantissa() < 0 {
            return None;
        }
        raw.push_level(side, price, quantity).ok()?;
        if cursor.literal(b"],[\"").is_none() {
            return cursor.literal(b"]]");
        }
    }
}
