//! Purpose: the layout of a raw instance: head, slots, levels. Owns: the record layout.
//! Thread: the io thread writes, the dispatch stage reads. Takes and gives: plain data. Never: an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use crate::schema::decimal::Decimal;
use crate::schema::id::{ConnectionId, TraceId, TraceIds};

/// The fixed head of a raw instance.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct RawHeader {
    /// Length of the whole record, in 8-byte words.
    pub words: u32,
    /// [`StreamKind`](crate::schema::topic::StreamKind).
    pub kind: u8,
    /// [`Market`](crate::schema::id::Market).
    pub market: u8,
    /// How many slots follow.
    pub slots: u8,
    /// [`mark`]s.
    pub marks: u8,
    /// [`InstrumentId`](crate::schema::id::InstrumentId); `NONE` where the frame concerns none that is known.
    pub instrument: u32,
    /// [`ConnectionId`](crate::schema::id::ConnectionId).
    pub connection: u16,
    /// [`Topic::detail`](crate::schema::topic::Topic::detail).
    pub topic_detail: u16,
    /// Receive time, UTC ns.
    pub receive: i64,
    /// The one clock's reading when the frame entered, ns; what latency is measured from.
    pub ingress_ns: u64,
    /// The frame's number on its connection.
    pub number: u64,
    /// The run's trace ids; [`RawHeader::trace`] is the frame's.
    pub traces: TraceIds,
    /// Bit `i` says that slot `i` is present (a `null` is present).
    pub present: u64,
    /// How many bid levels follow the slots.
    pub bids: u32,
    /// How many ask levels follow the bids.
    pub asks: u32,
    /// Decimals of all level prices.
    pub price_scale: u8,
    /// Decimals of all level quantities.
    pub quantity_scale: u8,
    /// How many unknown keys stand in the tail.
    pub unknown: u16,
    /// Bytes in the text area, padded to words in the record.
    pub text_bytes: u32,
    /// Where in the text area the unknown keys begin.
    pub tail_at: u32,
    /// For a depth body: the `limit` asked for, 0 when unknown.
    pub limit: u32,
}

impl RawHeader {
    /// The frame's trace; of a head that is no frame's, anything.
    #[inline]
    pub const fn trace(&self) -> TraceId {
        self.traces.of_frame(ConnectionId(self.connection), self.number)
    }
}

/// Bits of [`RawHeader::marks`].
pub mod mark {
    /// The result of a REST poll other than a depth body: it goes to the routes that list such a poll, not to a stream's.
    pub const POLLED: u8 = 1;
    /// More raw instances of the same frame follow (`!ticker@arr`).
    pub const MORE_FOLLOW: u8 = 2;
}

/// Words of a [`RawHeader`].
pub const RAW_HEADER_WORDS: usize = core::mem::size_of::<RawHeader>() / 8;

// Tag 0 is an absent value, so that a zeroed slot is one.
pub(super) const TAG_NULL: u8 = 1;
pub(super) const TAG_BOOL: u8 = 2;
pub(super) const TAG_INT: u8 = 3;
pub(super) const TAG_DECIMAL: u8 = 4;
pub(super) const TAG_TEXT: u8 = 5;

/// One value as a record stores it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Slot {
    pub(super) bits: i64,
    pub(super) length: u32,
    pub(super) scale: u8,
    pub(super) tag: u8,
    pub(super) reserved: [u8; 2],
}

impl Slot {
    /// All but the bits is written at once, where one field after another would be four writes.
    #[inline]
    fn of(bits: i64, tag: u8, scale: u8, length: u32) -> Slot {
        let rest = u64::from(length) | u64::from(scale) << 32 | u64::from(tag) << 40;
        bytemuck::cast([bits.to_ne_bytes(), rest.to_le_bytes()])
    }

    /// A whole number.
    #[inline]
    pub(super) fn int(value: i64) -> Slot {
        Slot::of(value, TAG_INT, 0, 0)
    }

    /// A decimal.
    #[inline]
    pub(super) fn decimal(value: Decimal) -> Slot {
        Slot::of(value.mantissa(), TAG_DECIMAL, value.scale(), 0)
    }

    /// A truth value.
    #[inline]
    pub(super) fn truth(value: bool) -> Slot {
        Slot::of(i64::from(value), TAG_BOOL, 0, 0)
    }

    /// `null`.
    #[inline]
    pub(super) fn null() -> Slot {
        Slot::of(0, TAG_NULL, 0, 0)
    }

    /// `length` bytes of the record's text, from `at` on.
    #[inline]
    pub(super) fn text(at: usize, length: usize) -> Slot {
        Slot::of(at as i64, TAG_TEXT, 0, length as u32)
    }
}

/// One value as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The frame has no such key.
    Absent,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A decimal.
    Decimal(Decimal),
    /// A text.
    Text(&'a str),
}

/// One level: mantissas at the record's scales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Level {
    /// Price mantissa.
    pub price: i64,
    /// Quantity mantissa; 0 removes the level.
    pub quantity: i64,
}

/// A side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Buyers.
    Bid,
    /// Sellers.
    Ask,
}
