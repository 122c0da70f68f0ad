//! Purpose: REST bodies other than depth into the slots of the stream that says the same. Owns: the text of an interval.
//! Thread: the io thread. Takes and gives: a body's rows, a `RawBuf`. Never: fills a slot that the body says nothing of, but
//! for what its path says (symbol, interval) and what a row's place says (a candle that another one follows is closed).

use core::fmt::Write;

use super::error::{Cause, ParseError};
use super::fields::{Fields, set};
use super::keys::KindKeys;
use super::tape::At;
use crate::schema::bodies::{KLINE_ROW, parameter};
use crate::schema::layout::{SlotSpec, layout, slot_index};
use crate::schema::raw::RawBuf;
use crate::schema::topic::StreamKind;

const INTERVAL: usize = slot_index(StreamKind::Kline, "k.i");
const FIRST_TRADE: usize = slot_index(StreamKind::Kline, "k.f");
const LAST_TRADE: usize = slot_index(StreamKind::Kline, "k.L");
const CLOSED: usize = slot_index(StreamKind::Kline, "k.x");
const MINUTES: usize = slot_index(StreamKind::AvgPrice, "i");
const WINDOW: usize = slot_index(StreamKind::WindowTicker, "e");
const MINS: &str = "mins";
/// The window of `/api/v3/ticker` when its query names none.
const WINDOW_DEFAULT: &str = "1d";

/// What a body is and what its path says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'p> {
    pub(super) kind: StreamKind,
    pub(super) path: &'p str,
}

/// Reads a row into `raw`, which the caller has begun. `follows`: another row comes behind it.
pub(super) fn read(
    fields: &mut Fields,
    row: At<'_, '_>,
    body: Body<'_>,
    follows: bool,
    raw: &mut RawBuf,
) -> Result<(), ParseError> {
    match body.kind {
        StreamKind::Kline => candle(row, body.path, follows, raw),
        StreamKind::AvgPrice => {
            minutes(row, raw)?;
            fields.read_body(row, body.kind, MINS, raw)
        }
        StreamKind::WindowTicker => {
            let window = parameter(body.path, "windowSize").unwrap_or(WINDOW_DEFAULT);
            text(WINDOW, format_args!("{window}Ticker"), raw);
            fields.read_body(row, body.kind, "", raw)
        }
        kind => fields.read_body(row, kind, "", raw),
    }
}

/// Cold: polls come seconds apart.
fn text(slot: usize, written: core::fmt::Arguments<'_>, raw: &mut RawBuf) {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = out.write_fmt(written);
    raw.set_text(slot, &out);
}

/// `"mins":5` is the interval that the stream calls `5m`.
fn minutes(row: At<'_, '_>, raw: &mut RawBuf) -> Result<(), ParseError> {
    let found = row.entries().and_then(|mut entries| entries.find(|(key, _)| *key == MINS));
    let (_, value) = found.ok_or(ParseError::at(Cause::MissingField, MINS))?;
    let minutes = value.int().map_err(|cause| ParseError::at(cause, MINS))?;
    text(MINUTES, format_args!("{minutes}m"), raw);
    Ok(())
}

/// `[1499040000000,"0.01634790",…]`, in the order of [`KLINE_ROW`].
fn candle(row: At<'_, '_>, path: &str, follows: bool, raw: &mut RawBuf) -> Result<(), ParseError> {
    const SLOTS: [usize; KLINE_ROW.len()] = {
        let mut slots = [0; KLINE_ROW.len()];
        let mut at = 0;
        while at < slots.len() {
            slots[at] = slot_index(StreamKind::Kline, KLINE_ROW[at]);
            at += 1;
        }
        slots
    };
    let interval = parameter(path, "interval").ok_or(ParseError::at(Cause::MissingField, "k.i"))?;
    let specs: &'static [SlotSpec] = layout(StreamKind::Kline);
    let keys = KindKeys::of(StreamKind::Kline);
    let mut elements = row.elements().ok_or(ParseError::of(Cause::WrongType))?;
    for slot in SLOTS {
        let value = elements.next().ok_or(ParseError::at(Cause::MissingField, specs[slot].key))?;
        set(&specs[slot], slot, keys, value, raw)?;
    }
    raw.set_text(INTERVAL, interval);
    // The body does not say which trades they were.
    raw.set_int(FIRST_TRADE, -1);
    raw.set_int(LAST_TRADE, -1);
    raw.set_bool(CLOSED, follows);
    Ok(())
}
