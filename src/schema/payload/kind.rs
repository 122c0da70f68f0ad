//! Purpose: the numbers of payloads, and from a number to fields, lengths and level arrays.
//! Owns: the numbers; they are part of the record format. Thread: any. Takes and gives: plain data. Never: reuses a number.

use super::{
    AggTrade, AveragePrice, Book, BookReference, BookStatus, BookTicker, ConnectionStatus, ControlUpdate, Depth,
    DepthLevels, Field, Fused, Kline, Liquidation, Lost, MarkPrice, MiniTicker, Payload, ReferencePrice, StreamStatus,
    Ticker, Trade, VenueStatus, WindowTicker,
};

/// What a payload is. The numbers are part of the record format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // Each is documented on the struct of the same name.
pub enum PayloadKind {
    Trade = 1,
    AggTrade,
    Ticker,
    MiniTicker,
    BookTicker,
    WindowTicker,
    Kline,
    /// A diff: [`Depth`] and level arrays.
    DepthDiff,
    /// The best levels, or a whole book from REST: [`Depth`] and level arrays.
    DepthLevels,
    BookReference,
    AveragePrice,
    ReferencePrice,
    MarkPrice,
    Liquidation,
    Fused,
    BookStatus,
    ConnectionStatus,
    ControlUpdate,
    /// A whole book in the snapshot store: [`Book`] and level arrays.
    Book,
    /// Between dispatch and conductor only: [`Lost`].
    Lost,
    /// Between dispatch and conductor only: [`VenueStatus`].
    VenueStatus,
    StreamStatus,
}

impl PayloadKind {
    /// Every kind, in order of its number.
    pub const ALL: [PayloadKind; 22] = [
        PayloadKind::Trade,
        PayloadKind::AggTrade,
        PayloadKind::Ticker,
        PayloadKind::MiniTicker,
        PayloadKind::BookTicker,
        PayloadKind::WindowTicker,
        PayloadKind::Kline,
        PayloadKind::DepthDiff,
        PayloadKind::DepthLevels,
        PayloadKind::BookReference,
        PayloadKind::AveragePrice,
        PayloadKind::ReferencePrice,
        PayloadKind::MarkPrice,
        PayloadKind::Liquidation,
        PayloadKind::Fused,
        PayloadKind::BookStatus,
        PayloadKind::ConnectionStatus,
        PayloadKind::ControlUpdate,
        PayloadKind::Book,
        PayloadKind::Lost,
        PayloadKind::VenueStatus,
        PayloadKind::StreamStatus,
    ];

    /// From the byte in a record.
    #[inline]
    pub const fn from_byte(byte: u8) -> Option<PayloadKind> {
        if byte >= 1 && (byte as usize) <= PayloadKind::ALL.len() {
            Some(PayloadKind::ALL[byte as usize - 1])
        } else {
            None
        }
    }

    /// The fields and the fixed length in words.
    pub const fn fields(self) -> (&'static [Field], usize) {
        const fn of<P: Payload>() -> (&'static [Field], usize) {
            (P::FIELDS, P::WORDS)
        }
        match self {
            PayloadKind::Trade => of::<Trade>(),
            PayloadKind::AggTrade => of::<AggTrade>(),
            PayloadKind::Ticker => of::<Ticker>(),
            PayloadKind::MiniTicker => of::<MiniTicker>(),
            PayloadKind::BookTicker => of::<BookTicker>(),
            PayloadKind::WindowTicker => of::<WindowTicker>(),
            PayloadKind::Kline => of::<Kline>(),
            PayloadKind::DepthDiff => of::<Depth>(),
            PayloadKind::DepthLevels => of::<DepthLevels>(),
            PayloadKind::BookReference => of::<BookReference>(),
            PayloadKind::AveragePrice => of::<AveragePrice>(),
            PayloadKind::ReferencePrice => of::<ReferencePrice>(),
            PayloadKind::MarkPrice => of::<MarkPrice>(),
            PayloadKind::Liquidation => of::<Liquidation>(),
            PayloadKind::Fused => of::<Fused>(),
            PayloadKind::BookStatus => of::<BookStatus>(),
            PayloadKind::ConnectionStatus => of::<ConnectionStatus>(),
            PayloadKind::ControlUpdate => of::<ControlUpdate>(),
            PayloadKind::Book => of::<Book>(),
            PayloadKind::Lost => of::<Lost>(),
            PayloadKind::VenueStatus => of::<VenueStatus>(),
            PayloadKind::StreamStatus => of::<StreamStatus>(),
        }
    }

    /// The version of the payload's schema that this program writes. A route names it; another one is a configuration error.
    pub const fn version(self) -> u16 {
        1
    }

    /// Where a payload's level arrays begin (words), and how many bids and asks they hold; `None` for kinds without.
    pub fn level_counts(self, payload: &[u64]) -> Option<(usize, usize, usize)> {
        match self {
            PayloadKind::DepthDiff | PayloadKind::DepthLevels => {
                let head: &Depth = bytemuck::from_bytes(bytemuck::cast_slice(payload.get(..Depth::WORDS)?));
                Some((Depth::WORDS, head.bids as usize, head.asks as usize))
            }
            PayloadKind::Book => {
                let head: &Book = bytemuck::from_bytes(bytemuck::cast_slice(payload.get(..Book::WORDS)?));
                Some((Book::WORDS, head.bids as usize, head.asks as usize))
            }
            _ => None,
        }
    }

    /// The scales of a payload's level arrays: price, then quantity.
    pub fn level_scales(self, payload: &[u64]) -> Option<(u8, u8)> {
        let (byte, offset) = match self {
            PayloadKind::DepthDiff | PayloadKind::DepthLevels => {
                (Depth::WORDS, core::mem::offset_of!(Depth, price_scale))
            }
            PayloadKind::Book => (Book::WORDS, core::mem::offset_of!(Book, price_scale)),
            _ => return None,
        };
        let bytes: &[u8] = bytemuck::cast_slice(payload.get(..byte)?);
        Some((bytes[offset], bytes[offset + 1]))
    }
}
