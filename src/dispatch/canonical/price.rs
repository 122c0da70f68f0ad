//! Purpose: `@avgPrice`, `@referencePrice`, `@markPrice` → their payloads (binance.md, sections 2 and 4, 2026-07-22).
//! Owns: nothing. Thread: dispatch. Takes and gives: a raw instance in, one event out. Never: turns "no price" into zero.

use bytemuck::Zeroable;

use super::field::{Columns, at, event_time, mask, time};
use crate::schema::event::{EventBuf, EventHeader};
use crate::schema::payload::{AveragePrice, MarkPrice, ReferencePrice, fixed_text};
use crate::schema::raw::RawRef;
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;

pub(super) const AVERAGE_MAPPED: u64 = mask(StreamKind::AvgPrice, &["E", "s", "i", "w", "T"]);
pub(super) const REFERENCE_MAPPED: u64 = mask(StreamKind::ReferencePrice, &["s", "r", "t"]);
pub(super) const MARK_MAPPED: u64 = mask(StreamKind::MarkPrice, &["E", "s", "p", "ap", "i", "P", "r", "T"]);

const AVERAGE_COLUMNS: Columns<1> = Columns::new(StreamKind::AvgPrice, ["w"], &[]);
const REFERENCE_COLUMNS: Columns<1> = Columns::new(StreamKind::ReferencePrice, ["r"], &[]);
const MARK_COLUMNS: Columns<5> = Columns::new(StreamKind::MarkPrice, ["p", "ap", "i", "P", "r"], &["r"]);

pub(super) fn average(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = event_time(raw, at!(AvgPrice "E"), at!(AvgPrice "T"))?;
    let (mantissas, scales) = AVERAGE_COLUMNS.read(raw)?;
    let payload = AveragePrice {
        last_trade_time: time(raw, at!(AvgPrice "T"))?,
        mantissas,
        interval: fixed_text(raw.text(at!(AvgPrice "i"))?)?,
        scales,
        ..AveragePrice::zeroed()
    };
    out.begin(&header, &payload);
    Some(())
}

/// `r` is `null` when the venue has no reference price; the only time is `t`, which some REST bodies lack.
pub(super) fn reference(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = event_time(raw, at!(ReferencePrice "t"), at!(ReferencePrice "t"))?;
    let (mantissas, scales) = REFERENCE_COLUMNS.read(raw)?;
    out.begin(&header, &ReferencePrice { mantissas, scales, ..ReferencePrice::zeroed() });
    Some(())
}

/// A next funding time of 0 is how a contract without funding says that there is none.
pub(super) fn mark(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time(raw, at!(MarkPrice "E"))?;
    let (mantissas, scales) = MARK_COLUMNS.read(raw)?;
    let next_funding_time = match time(raw, at!(MarkPrice "T"))? {
        0 => UnixNanos::ABSENT.0,
        time => time,
    };
    out.begin(&header, &MarkPrice { next_funding_time, mantissas, scales, ..MarkPrice::zeroed() });
    Some(())
}
