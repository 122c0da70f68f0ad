//! Purpose: `@trade`, `@blockTrade`, `@aggTrade`, `@forceOrder` → their payloads (binance.md, sections 2 and 4, 2026-07-22).
//! Owns: nothing. Thread: dispatch. Takes and gives: a raw instance in, one event out. Never: invents an id.

use bytemuck::Zeroable;

use super::field::{Columns, at, count, event_time, mask, time};
use crate::schema::event::{EventBuf, EventHeader};
use crate::schema::payload::{AggTrade, Liquidation, Trade, fixed_text};
use crate::schema::raw::RawRef;
use crate::schema::topic::StreamKind;

pub(super) const TRADE_MAPPED: u64 = mask(StreamKind::Trade, &["E", "s", "t", "p", "q", "T", "m", "M"]);
pub(super) const BLOCK_MAPPED: u64 = mask(StreamKind::BlockTrade, &["E", "s", "t", "p", "q", "T", "m"]);
pub(super) const AGG_MAPPED: u64 = mask(StreamKind::AggTrade, &["E", "s", "a", "p", "q", "f", "l", "T", "m"]);
pub(super) const LIQUIDATION_MAPPED: u64 =
    mask(StreamKind::ForceOrder, &["E", "o.s", "o.S", "o.o", "o.f", "o.q", "o.p", "o.ap", "o.X", "o.l", "o.z", "o.T"]);

const TRADE_COLUMNS: Columns<2> = Columns::new(StreamKind::Trade, ["p", "q"], &[]);
const BLOCK_COLUMNS: Columns<2> = Columns::new(StreamKind::BlockTrade, ["p", "q"], &[]);
const AGG_COLUMNS: Columns<2> = Columns::new(StreamKind::AggTrade, ["p", "q"], &[]);
const LIQUIDATION_COLUMNS: Columns<5> = Columns::new(StreamKind::ForceOrder, ["o.q", "o.p", "o.ap", "o.l", "o.z"], &[]);

pub(super) fn trade(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = event_time(raw, at!(Trade "E"), at!(Trade "T"))?;
    header.venue_id = count(raw, at!(Trade "t"))?;
    let (mantissas, scales) = TRADE_COLUMNS.read(raw)?;
    // Futures send no "best match" mark: then the bit stays clear.
    let best = raw.bool(at!(Trade "M")).unwrap_or(false);
    let flags = u8::from(raw.bool(at!(Trade "m"))?) | u8::from(best) << 1;
    let trade_time = time(raw, at!(Trade "T"))?;
    out.begin(&header, &Trade { trade_time, mantissas, scales, flags, ..Trade::zeroed() });
    Some(())
}

pub(super) fn block_trade(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time(raw, at!(BlockTrade "E"))?;
    header.venue_id = count(raw, at!(BlockTrade "t"))?;
    let (mantissas, scales) = BLOCK_COLUMNS.read(raw)?;
    let flags = u8::from(raw.bool(at!(BlockTrade "m"))?);
    let trade_time = time(raw, at!(BlockTrade "T"))?;
    out.begin(&header, &Trade { trade_time, mantissas, scales, flags, ..Trade::zeroed() });
    Some(())
}

pub(super) fn agg_trade(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = event_time(raw, at!(AggTrade "E"), at!(AggTrade "T"))?;
    header.venue_id = count(raw, at!(AggTrade "a"))?;
    let (mantissas, scales) = AGG_COLUMNS.read(raw)?;
    let (first, last) = (raw.int(at!(AggTrade "f"))?, raw.int(at!(AggTrade "l"))?);
    // Ids are contiguous; a negative one means that the venue names no trades (binance.md, section 2).
    let (first_id, trades) = match first {
        0.. => (first, u32::try_from(last.checked_sub(first)?.checked_add(1)?).ok().filter(|n| *n > 0)?),
        _ => (-1, 0),
    };
    let flags = u8::from(raw.bool(at!(AggTrade "m"))?);
    let trade_time = time(raw, at!(AggTrade "T"))?;
    out.begin(&header, &AggTrade { trade_time, first_id, mantissas, scales, flags, reserved: 0, trades });
    Some(())
}

pub(super) fn liquidation(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time(raw, at!(ForceOrder "E"))?;
    let (mantissas, scales) = LIQUIDATION_COLUMNS.read(raw)?;
    let payload = Liquidation {
        trade_time: time(raw, at!(ForceOrder "o.T"))?,
        mantissas,
        side: fixed_text(raw.text(at!(ForceOrder "o.S"))?)?,
        order_type: fixed_text(raw.text(at!(ForceOrder "o.o"))?)?,
        time_in_force: fixed_text(raw.text(at!(ForceOrder "o.f"))?)?,
        status: fixed_text(raw.text(at!(ForceOrder "o.X"))?)?,
        scales,
        ..Liquidation::zeroed()
    };
    out.begin(&header, &payload);
    Some(())
}
