//! Purpose: payloads of trades.
//! Owns: their layouts, versions and JSON names. Thread: any. Takes and gives: plain data.
//! Never: a field that is not in its table; an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use super::field::{Field, FieldKind, Payload, padding, payload};
use super::kind::PayloadKind;
use crate::schema::decimal::{Decimal, SCALE_ABSENT};

payload! {
    /// One trade (`@trade`, `@blockTrade`); its id is the event's venue id. 32 bytes.
    Trade: Trade {
        words {
            /// When it was made.
            trade_time = "tradeTime" FieldKind::Time,
        }
        decimals(2) {
            /// Price.
            price / set_price [0] = "price",
            /// Quantity, in base units.
            quantity / set_quantity [1] = "quantity",
        }
        flags {
            /// The buyer was the maker, so the aggressor sold.
            buyer_is_maker(1) = "buyerIsMaker",
            /// The venue's "best match" mark (spot).
            best_match(2) = "bestMatch",
        }
    }
}

/// Trades of one taker order at one price (`@aggTrade`); its id is the event's venue id. 40 bytes.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct AggTrade {
    /// When the last of them was made.
    pub trade_time: i64,
    /// Id of the first trade; -1 where the venue names none.
    pub first_id: i64,
    /// Mantissas of price and quantity.
    pub mantissas: [i64; 2],
    /// Scales of price and quantity.
    pub scales: [u8; 2],
    /// Bit 1: the buyer was the maker.
    pub flags: u8,
    /// Zero.
    pub reserved: u8,
    /// How many trades, the first one to the last one (ids are contiguous, binance.md section 2).
    pub trades: u32,
}

impl AggTrade {
    /// Price.
    #[inline]
    pub fn price(&self) -> Option<Decimal> {
        Decimal::new(self.mantissas[0], self.scales[0])
    }

    /// Quantity of all of them, in base units.
    #[inline]
    pub fn quantity(&self) -> Option<Decimal> {
        Decimal::new(self.mantissas[1], self.scales[1])
    }

    /// The buyer was the maker, so the aggressor sold.
    #[inline]
    pub const fn buyer_is_maker(&self) -> bool {
        self.flags & 1 != 0
    }
}

impl Payload for AggTrade {
    const KIND: PayloadKind = PayloadKind::AggTrade;
    const FIELDS: &'static [Field] = &[
        Field { name: "tradeTime", offset: 0, kind: FieldKind::Time },
        Field { name: "firstTradeId", offset: 8, kind: FieldKind::Int },
        Field { name: "trades", offset: 36, kind: FieldKind::Count },
        Field { name: "price", offset: 16, kind: FieldKind::Decimal(32) },
        Field { name: "quantity", offset: 24, kind: FieldKind::Decimal(33) },
        Field { name: "buyerIsMaker", offset: 34, kind: FieldKind::Flag(1) },
    ];
}
