//! Purpose: `@depth`, `@depth<n>` and depth bodies → level arrays with their ids (binance.md, section 1).
//! Owns: the rule for the id before a diff. Thread: dispatch. Takes and gives: a raw instance in, one event out.
//! Never: judges continuity (the conductor does), sorts or drops a level.

use bytemuck::Zeroable;

use super::field::{at, mask, time, time_or};
use crate::schema::event::{EventBuf, EventHeader, flag};
use crate::schema::id::Market;
use crate::schema::payload::{Depth, DepthLevels};
use crate::schema::raw::{Level, RawRef, Value};
use crate::schema::topic::StreamKind;

pub(super) const DIFF_MAPPED: u64 = mask(StreamKind::DepthDiff, &["E", "s", "U", "u", "pu"]);
pub(super) const PARTIAL_MAPPED: u64 = mask(StreamKind::DepthPartial, &["lastUpdateId", "E", "s", "u", "T"]);
pub(super) const BODY_MAPPED: u64 = mask(StreamKind::RestDepth, &["lastUpdateId", "E", "T", "symbol"]);

/// The smallest id the venue sends: `lastUpdateId` is -1 on a new listing (binance.md, section 1, edge cases).
const ID_MIN: i64 = -1;

/// A diff covers `(previous, last]`, with `previous = U - 1` on spot and `pu` on futures, whose ids are not contiguous.
/// `None` also when `pu` is missing on futures: the conductor must hear of a loss rather than of a wrong span.
pub(super) fn diff(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time(raw, at!(DepthDiff "E"))?;
    let (first_id, last_id) = (raw.int(at!(DepthDiff "U"))?, raw.int(at!(DepthDiff "u"))?);
    let previous_id = match raw.get(at!(DepthDiff "pu")) {
        Value::Int(previous) => previous,
        Value::Absent if raw.header.market != Market::BinanceUsdm as u8 => first_id.checked_sub(1)?,
        _ => return None,
    };
    // `previous > last` passes: that is what ids that jump backwards look like, and the conductor answers with a reset.
    if first_id < 0 || last_id < first_id || previous_id < ID_MIN {
        return None;
    }
    header.venue_id = last_id;
    let head = Depth { first_id, last_id, previous_id, ..head(raw)? };
    out.begin(&header, &head);
    push(raw, out);
    Some(())
}

/// Futures send the keys of a diff here, only the stream's name tells: their id is `u`.
pub(super) fn partial(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time_or(raw, at!(DepthPartial "E"), at!(DepthPartial "T"))?;
    let id = raw.int(at!(DepthPartial "lastUpdateId")).or_else(|| raw.int(at!(DepthPartial "u")))?;
    levels(raw, header, id, out)
}

pub(super) fn body(raw: RawRef<'_>, mut header: EventHeader, out: &mut EventBuf) -> Option<()> {
    header.ts = time_or(raw, at!(RestDepth "E"), at!(RestDepth "T"))?;
    levels(raw, header, raw.int(at!(RestDepth "lastUpdateId"))?, out)
}

fn levels(raw: RawRef<'_>, mut header: EventHeader, id: i64, out: &mut EventBuf) -> Option<()> {
    if id < ID_MIN {
        return None;
    }
    header.venue_id = id;
    header.flags |= flag::SNAPSHOT;
    let head = Depth { first_id: id, last_id: id, previous_id: id, ..head(raw)? };
    out.begin(&header, &DepthLevels(head));
    push(raw, out);
    Some(())
}

/// Counts, scales and limit. `None` when a price or quantity is negative.
fn head(raw: RawRef<'_>) -> Option<Depth> {
    if negative(raw.bids()) || negative(raw.asks()) {
        return None;
    }
    let from = raw.header;
    Some(Depth {
        bids: from.bids,
        asks: from.asks,
        price_scale: from.price_scale,
        quantity_scale: from.quantity_scale,
        limit: from.limit,
        ..Depth::zeroed()
    })
}

/// Whether any sign bit is set: one pass without branches, for diffs of a thousand levels.
#[inline]
fn negative(levels: &[Level]) -> bool {
    levels.iter().fold(0, |seen, level| seen | level.price | level.quantity) < 0
}

fn push(raw: RawRef<'_>, out: &mut EventBuf) {
    out.push_levels(raw.bids());
    out.push_levels(raw.asks());
}
