//! Purpose: reading slots into payload fields. Owns: nothing. Thread: dispatch.
//! Takes and gives: slots in, exact values out. Never: defaults a required value.

use crate::schema::decimal::SCALE_ABSENT;
use crate::schema::layout::{layout, slot_index};
use crate::schema::raw::{RawRef, Value, mark};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;

/// The slot of a native key, found at compile time.
macro_rules! at {
    ($kind:ident $key:literal) => {
        const { crate::schema::layout::slot_index(crate::schema::topic::StreamKind::$kind, $key) }
    };
}
pub(super) use at;

/// The bits of native keys in [`crate::schema::raw::RawHeader::present`].
pub(super) const fn mask(kind: StreamKind, keys: &[&str]) -> u64 {
    let mut bits = 0;
    let mut i = 0;
    while i < keys.len() {
        bits |= 1 << slot_index(kind, keys[i]);
        i += 1;
    }
    bits
}

/// The decimals of a payload: the slots they come from, in the order of its mantissas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns<const N: usize> {
    slots: [usize; N],
    /// Bit `i`: the venue may leave it out or send `null`.
    optional: u32,
    /// Bit `i`: it may be negative.
    signed: u32,
}

impl<const N: usize> Columns<N> {
    /// Columns by native key; those named in `signed` may be negative.
    pub(super) const fn new(kind: StreamKind, keys: [&str; N], signed: &[&str]) -> Columns<N> {
        let mut out = Columns { slots: [0; N], optional: 0, signed: 0 };
        let signed = mask(kind, signed);
        let mut i = 0;
        while i < N {
            let slot = slot_index(kind, keys[i]);
            let spec = &layout(kind)[slot];
            out.slots[i] = slot;
            if !spec.required || spec.nullable {
                out.optional |= 1 << i;
            }
            if signed >> slot & 1 == 1 {
                out.signed |= 1 << i;
            }
            i += 1;
        }
        out
    }

    /// Mantissas and scales. `None` when a required value is missing, or a price or quantity is negative.
    #[inline]
    pub(super) fn read(&self, raw: RawRef<'_>) -> Option<([i64; N], [u8; N])> {
        let (mut mantissas, mut scales) = ([0; N], [SCALE_ABSENT; N]);
        for i in 0..N {
            let (mantissa, scale) = match raw.get(self.slots[i]) {
                Value::Decimal(value) => (value.mantissa(), value.scale()),
                Value::Int(value) => (value, 0),
                Value::Absent | Value::Null if self.optional >> i & 1 == 1 => continue,
                _ => return None,
            };
            if mantissa < 0 && self.signed >> i & 1 == 0 {
                return None;
            }
            (mantissas[i], scales[i]) = (mantissa, scale);
        }
        Some((mantissas, scales))
    }
}

/// A required time, UTC ns. `None` when it is missing or overflows.
#[inline]
pub(super) fn time(raw: RawRef<'_>, slot: usize) -> Option<i64> {
    Some(UnixNanos::from_venue(raw.int(slot)?)?.0)
}

/// An optional event time: the first of two slots that is there, else [`UnixNanos::ABSENT`]. `None` when it overflows.
#[inline]
pub(super) fn time_or(raw: RawRef<'_>, slot: usize, other: usize) -> Option<i64> {
    match raw.int(slot).or_else(|| raw.int(other)) {
        Some(count) => Some(UnixNanos::from_venue(count)?.0),
        None => Some(UnixNanos::ABSENT.0),
    }
}

/// The event time of a stream's frame, which is required. A poll's body has no event time: then it is that of the other slot,
/// or absent.
#[inline]
pub(super) fn event_time(raw: RawRef<'_>, slot: usize, of_poll: usize) -> Option<i64> {
    if raw.header.marks & mark::POLLED == 0 { time(raw, slot) } else { time_or(raw, slot, of_poll) }
}

/// A required count or id that is never negative.
#[inline]
pub(super) fn count(raw: RawRef<'_>, slot: usize) -> Option<i64> {
    raw.int(slot).filter(|value| *value >= 0)
}
