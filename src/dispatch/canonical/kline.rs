//! Purpose: `@kline_<interval>` → its payload (binance.md, section 2, 2026-07-22).
//! Owns: nothing. Thread: dispatch. Takes and gives: a raw instance in, one event out. Never: builds a candle itself.

use bytemuck::Zeroable;

use super::field::{Columns, at, count, mask, time};
use crate::schema::event::{EventBuf, EventHeader};
use crate::schema::payload::{Kline, fixed_text};
use crate::schema::raw::{RawRef, mark};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;

pub(super) const MAPPED: u64 = mask(
    StreamKind::Kline,
    &[
        "E", "s", "k.t", "k.T", "k.s", "k.i", "k.f", "k.L", "k.o", "k.c", "k.h", "k.l", "k.v", "k.n", "k.x", "k.q",
        "k.V", "k.Q",
    ],
);

const COLUMNS: Columns<8> =
    Columns::new(StreamKind::Kline, ["k.o", "k.c", "k.h", "k.l", "k.v", "k.q", "k.V", "k.Q"], &[]);

/// A candle of a stream has an event time. One of a REST body has not: a closed one is as of its end, one that goes on as of
/// nobody knows when.
fn moment(raw: RawRef<'_>) -> Option<i64> {
    if raw.header.marks & mark::POLLED == 0 {
        return time(raw, at!(Kline "E"));
    }
    let closed = raw.bool(at!(Kline "k.x")) == Some(true);
    if closed { time(raw, at!(Kline "k.T")) } else { Some(UnixNanos::ABSENT.0) }
}

pub(super) fn kline(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = moment(raw)?;
    let (mantissas, scales) = COLUMNS.read(raw)?;
    let payload = Kline {
        open_time: time(raw, at!(Kline "k.t"))?,
        close_time: time(raw, at!(Kline "k.T"))?,
        // -1 without trades, and where nobody says which they were.
        first_trade_id: raw.int(at!(Kline "k.f"))?,
        last_trade_id: raw.int(at!(Kline "k.L"))?,
        trades: count(raw, at!(Kline "k.n"))?,
        mantissas,
        interval: fixed_text(raw.text(at!(Kline "k.i"))?)?,
        scales,
        flags: u8::from(raw.bool(at!(Kline "k.x"))?),
        ..Kline::zeroed()
    };
    out.begin(&header, &payload);
    Some(())
}
