//! Purpose: the small ids that records carry instead of names.
//! Owns: nothing. Thread: any. Takes and gives: integers. Never: allocates.

use core::fmt;

/// A market: one venue's matching world, with its own symbols and ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Market {
    /// Binance spot.
    BinanceSpot = 1,
    /// Binance USD-M futures.
    BinanceUsdm = 2,
}

impl Market {
    /// Every market, in order of its number.
    pub const ALL: [Market; 2] = [Market::BinanceSpot, Market::BinanceUsdm];

    /// The name that events carry.
    pub const fn name(self) -> &'static str {
        match self {
            Market::BinanceSpot => "BINANCE-SPOT",
            Market::BinanceUsdm => "BINANCE-USDM",
        }
    }

    /// From the byte in a record.
    pub const fn from_byte(byte: u8) -> Option<Market> {
        match byte {
            1 => Some(Market::BinanceSpot),
            2 => Some(Market::BinanceUsdm),
            _ => None,
        }
    }

    /// From its name, in any case.
    pub fn from_name(name: &str) -> Option<Market> {
        Market::ALL.into_iter().find(|m| m.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An instrument's place in the directory; unique over all markets of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct InstrumentId(pub u32);

impl InstrumentId {
    /// "Concerns no instrument": connections, control.
    pub const NONE: InstrumentId = InstrumentId(u32::MAX);

    /// As an index into per-instrument tables; meaningless for [`InstrumentId::NONE`].
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether it names an instrument.
    #[inline]
    pub const fn is_some(self) -> bool {
        self.0 != u32::MAX
    }
}

/// An interned canonical type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct TypeId(pub u16);

impl TypeId {
    /// As an index into per-type tables.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
