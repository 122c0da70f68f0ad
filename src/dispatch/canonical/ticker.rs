//! Purpose: `@bookTicker`, `@miniTicker`, `@ticker`, `@ticker_<window>` → their payloads (binance.md, sections 2 and 4, 2026-07-22).
//! Owns: nothing. Thread: dispatch. Takes and gives: a raw instance in, one event out.
//! Never: computes a statistic the venue did not send.

use bytemuck::Zeroable;

use super::field::{Columns, at, count, event_time, mask, time, time_or};
use crate::schema::event::{EventBuf, EventHeader};
use crate::schema::payload::{BookTicker, MiniTicker, Ticker, WindowTicker, fixed_text};
use crate::schema::raw::{RawRef, mark};
use crate::schema::topic::StreamKind;

pub(super) const BOOK_MAPPED: u64 = mask(StreamKind::BookTicker, &["u", "s", "b", "B", "a", "A", "E", "T"]);
pub(super) const MINI_MAPPED: u64 = mask(StreamKind::MiniTicker, &["E", "s", "c", "o", "h", "l", "v", "q"]);
pub(super) const TICKER_MAPPED: u64 = mask(
    StreamKind::Ticker,
    &["E", "s", "p", "P", "w", "x", "c", "Q", "b", "B", "a", "A", "o", "h", "l", "v", "q", "O", "C", "F", "L", "n"],
);
pub(super) const WINDOW_MAPPED: u64 = mask(
    StreamKind::WindowTicker,
    &["e", "E", "s", "p", "P", "o", "h", "l", "c", "w", "v", "q", "O", "C", "F", "L", "n"],
);

const BOOK_COLUMNS: Columns<4> = Columns::new(StreamKind::BookTicker, ["b", "B", "a", "A"], &[]);
const MINI_COLUMNS: Columns<6> = Columns::new(StreamKind::MiniTicker, ["c", "o", "h", "l", "v", "q"], &[]);
const TICKER_COLUMNS: Columns<15> = Columns::new(
    StreamKind::Ticker,
    ["p", "P", "w", "x", "c", "Q", "b", "B", "a", "A", "o", "h", "l", "v", "q"],
    &["p", "P"],
);
const WINDOW_COLUMNS: Columns<9> =
    Columns::new(StreamKind::WindowTicker, ["p", "P", "o", "h", "l", "c", "w", "v", "q"], &["p", "P"]);

/// Spot sends no time here at all; futures send `E` and `T`.
pub(super) fn book_ticker(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time_or(raw, at!(BookTicker "E"), at!(BookTicker "T"))?;
    // Spot's REST body has no id.
    if raw.header.marks & mark::POLLED == 0 || raw.int(at!(BookTicker "u")).is_some() {
        header.venue_id = count(raw, at!(BookTicker "u"))?;
    }
    let (mantissas, scales) = BOOK_COLUMNS.read(raw)?;
    out.begin(&header, &BookTicker { mantissas, scales, ..BookTicker::zeroed() });
    Some(())
}

pub(super) fn mini_ticker(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time(raw, at!(MiniTicker "E"))?;
    let (mantissas, scales) = MINI_COLUMNS.read(raw)?;
    out.begin(&header, &MiniTicker { mantissas, scales, ..MiniTicker::zeroed() });
    Some(())
}

pub(super) fn ticker(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = event_time(raw, at!(Ticker "E"), at!(Ticker "C"))?;
    let (mantissas, scales) = TICKER_COLUMNS.read(raw)?;
    let payload = Ticker {
        open_time: time(raw, at!(Ticker "O"))?,
        close_time: time(raw, at!(Ticker "C"))?,
        first_trade_id: raw.int(at!(Ticker "F"))?,
        last_trade_id: raw.int(at!(Ticker "L"))?,
        trades: count(raw, at!(Ticker "n"))?,
        mantissas,
        scales,
        ..Ticker::zeroed()
    };
    out.begin(&header, &payload);
    Some(())
}

/// The window stands in the event's name: `1hTicker`.
pub(super) fn window_ticker(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = event_time(raw, at!(WindowTicker "E"), at!(WindowTicker "C"))?;
    let window = raw.text(at!(WindowTicker "e"))?.strip_suffix("Ticker").filter(|w| !w.is_empty())?;
    let (mantissas, scales) = WINDOW_COLUMNS.read(raw)?;
    let payload = WindowTicker {
        open_time: time(raw, at!(WindowTicker "O"))?,
        close_time: time(raw, at!(WindowTicker "C"))?,
        first_trade_id: raw.int(at!(WindowTicker "F"))?,
        last_trade_id: raw.int(at!(WindowTicker "L"))?,
        trades: count(raw, at!(WindowTicker "n"))?,
        mantissas,
        window: fixed_text(window)?,
        scales,
        ..WindowTicker::zeroed()
    };
    out.begin(&header, &payload);
    Some(())
}
