//! Purpose: payloads of level arrays, whole books, and what happened to a book.
//! Owns: their layouts, versions and JSON names. Thread: any. Takes and gives: plain data.
//! Never: a field that is not in its table; an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use super::field::{Field, FieldKind, Payload, padding, payload};
use super::kind::PayloadKind;
use crate::schema::decimal::{Decimal, SCALE_ABSENT};
use crate::schema::quality::{BookCause, BookChange, Quality};

/// The head of level arrays from the venue: a diff ([`PayloadKind::DepthDiff`]) or levels as they stand
/// ([`PayloadKind::DepthLevels`]). Bids follow, then asks, each in the venue's order.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Depth {
    /// First update id of the span (`U`); equals `last_id` where there is no span.
    pub first_id: i64,
    /// Last update id (`u`, `lastUpdateId`).
    pub last_id: i64,
    /// The id before the span: `U - 1` on spot, `pu` on futures (binance.md section 1). Equals `last_id` for levels as they stand.
    pub previous_id: i64,
    /// How many bid levels follow.
    pub bids: u32,
    /// How many ask levels follow them.
    pub asks: u32,
    /// Decimals of the prices.
    pub price_scale: u8,
    /// Decimals of the quantities.
    pub quantity_scale: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// For a REST body, the `limit` asked for; 0 when it is not known.
    pub limit: u32,
}

impl Depth {
    const FIELDS: &'static [Field] = &[
        Field { name: "firstUpdateId", offset: 0, kind: FieldKind::Int },
        Field { name: "updateId", offset: 8, kind: FieldKind::Int },
        Field { name: "previousUpdateId", offset: 16, kind: FieldKind::Int },
    ];
}

impl Payload for Depth {
    const KIND: PayloadKind = PayloadKind::DepthDiff;
    const FIELDS: &'static [Field] = Depth::FIELDS;
}

/// [`Depth`] as the head of levels as they stand.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct DepthLevels(pub Depth);

impl Payload for DepthLevels {
    const KIND: PayloadKind = PayloadKind::DepthLevels;
    const FIELDS: &'static [Field] = Depth::FIELDS;
}

/// A whole book: the head of level arrays in the snapshot store. Bids follow, best first, then asks, best first.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Book {
    /// The last applied update id.
    pub update_id: i64,
    /// The `seq` of the last `ORDERBOOK.DELTA` in it: a late joiner goes on with the next one.
    pub delta_seq: u64,
    /// The worst bid that is known, a mantissa at `price_scale`; meaningful when `flags` has bit 1. Without the bit every bid is known.
    pub known_bid: i64,
    /// The worst ask that is known, likewise with bit 2.
    pub known_ask: i64,
    /// How many bid levels follow.
    pub bids: u32,
    /// How many ask levels follow them.
    pub asks: u32,
    /// Decimals of the prices.
    pub price_scale: u8,
    /// Decimals of the quantities.
    pub quantity_scale: u8,
    /// Bit 1: `known_bid` bounds; bit 2: `known_ask` bounds.
    pub flags: u8,
    /// Zero.
    pub reserved: [u8; 5],
}

impl Payload for Book {
    const KIND: PayloadKind = PayloadKind::Book;
    const FIELDS: &'static [Field] = &[
        Field { name: "updateId", offset: 0, kind: FieldKind::Int },
        Field { name: "deltaSeq", offset: 8, kind: FieldKind::Int },
        Field { name: "knownBid", offset: 16, kind: FieldKind::Bound(40, 42, 1) },
        Field { name: "knownAsk", offset: 24, kind: FieldKind::Bound(40, 42, 2) },
    ];
}

payload! {
    /// "A fresh whole book lies in the snapshot store": what the ring carries instead of the book.
    BookReference: BookReference {
        words {
            /// The book's update id.
            update_id = "updateId" FieldKind::Int,
            /// The store's version of it; 0 when the store refused it (flag `notStored`).
            store_version = "storeVersion" FieldKind::Int,
            /// The `seq` of the last `ORDERBOOK.DELTA` in it.
            delta_seq = "deltaSeq" FieldKind::Int,
            /// Bid levels.
            bid_levels = "bidLevels" FieldKind::Int,
            /// Ask levels.
            ask_levels = "askLevels" FieldKind::Int,
        }
        decimals(2) {
            /// The worst bid that is known; absent when every bid is.
            known_bid / set_known_bid [0] = "knownBid",
            /// The worst ask that is known; absent when every ask is.
            known_ask / set_known_ask [1] = "knownAsk",
        }
    }
}

payload! {
    /// What happened to a book (`STATUS.BOOK`): rule Q of faults.md has it before any later book event of the instrument.
    BookStatus: BookStatus {
        words {
            /// What is announced.
            change = "change" FieldKind::Code(BookChange::NAMES),
            /// Why.
            cause = "cause" FieldKind::Code(BookCause::NAMES),
            /// Quality before.
            from = "from" FieldKind::Code(Quality::NAMES),
            /// Quality from here on.
            to = "to" FieldKind::Code(Quality::NAMES),
            /// For a gap: the id that was expected next; `i64::MIN` otherwise.
            expected = "expected" FieldKind::Time,
            /// For a gap: the first id of what came instead.
            got = "got" FieldKind::Time,
            /// For the end of a gap: the update id at which it closed.
            resumed_at = "resumedAt" FieldKind::Time,
            /// For the end of a gap: how long it stood open, ns.
            elapsed_ns = "elapsedNs" FieldKind::Time,
        }
        decimals(2) {
            /// The worst bid that is known; absent when every bid is, or there is no book.
            known_bid / set_known_bid [0] = "knownBid",
            /// The worst ask that is known, likewise.
            known_ask / set_known_ask [1] = "knownAsk",
        }
    }
}
