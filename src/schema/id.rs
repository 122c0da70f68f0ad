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

/// An interned canonical type. Built-in types have fixed numbers ([`crate::schema::canonical_type::builtin`]).
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

/// A connection of this run, from 0 in order of opening; a capture file counts as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ConnectionId(pub u16);

/// A 128-bit OpenTelemetry trace id, born with the frame; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct TraceId(pub [u64; 2]);

impl TraceId {
    /// "No trace".
    pub const NONE: TraceId = TraceId([0, 0]);

    /// The id of one frame: the run's seed, and a mix of connection and frame number. Distinct frames of a run get
    /// distinct ids, for the mix (splitmix64's finaliser) is a bijection.
    pub const fn of_frame(seed: u64, connection: ConnectionId, number: u64) -> TraceId {
        let low = mix(number ^ ((connection.0 as u64) << 48) ^ mix(seed));
        TraceId([if seed == 0 { 1 } else { seed }, low])
    }
}

const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0[0], self.0[1])
    }
}

/// Where an event entered (`binance.ws.depth`, `conductor.analytics`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Source {
    /// `@trade`.
    WsTrade = 1,
    /// `@aggTrade`.
    WsAggTrade,
    /// `@blockTrade`.
    WsBlockTrade,
    /// `@depth…` diffs.
    WsDepth,
    /// `@depth5`, `@depth10`, `@depth20`.
    WsDepthPartial,
    /// `@bookTicker`.
    WsBookTicker,
    /// `@kline_…`.
    WsKline,
    /// `@miniTicker`.
    WsMiniTicker,
    /// `@ticker`.
    WsTicker,
    /// `@ticker_1h` and its like.
    WsWindowTicker,
    /// `@avgPrice`.
    WsAvgPrice,
    /// `@referencePrice`.
    WsReferencePrice,
    /// `@markPrice`.
    WsMarkPrice,
    /// `@forceOrder`.
    WsForceOrder,
    /// `GET …/depth`.
    RestDepth,
    /// Any other REST poll.
    RestPoll,
    /// Made by the conductor from books and trades.
    ConductorAnalytics,
    /// Made by the conductor about a book.
    ConductorBook,
    /// Made by a connection.
    Connection,
    /// Made by the control duty.
    Control,
    /// A stream that no table knows.
    WsOther,
}

impl Source {
    const NAMES: [&'static str; 21] = [
        "binance.ws.trade",
        "binance.ws.aggTrade",
        "binance.ws.blockTrade",
        "binance.ws.depth",
        "binance.ws.depthPartial",
        "binance.ws.bookTicker",
        "binance.ws.kline",
        "binance.ws.miniTicker",
        "binance.ws.ticker",
        "binance.ws.windowTicker",
        "binance.ws.avgPrice",
        "binance.ws.referencePrice",
        "binance.ws.markPrice",
        "binance.ws.forceOrder",
        "binance.rest.depth",
        "binance.rest.poll",
        "conductor.analytics",
        "conductor.book",
        "binance.connection",
        "engine.control",
        "binance.ws.other",
    ];

    /// Whether a record's number is that of a stream's frames: what the venue pushed when it happened.
    #[inline]
    pub const fn is_stream(number: u16) -> bool {
        number < Source::RestDepth as u16 || number == Source::WsOther as u16
    }

    /// The name that events carry.
    pub const fn name(self) -> &'static str {
        Source::NAMES[self as usize - 1]
    }

    /// The name for a number in a record; `unknown` for one that this version does not know.
    pub fn name_of(number: u16) -> &'static str {
        (number as usize).checked_sub(1).and_then(|i| Source::NAMES.get(i)).copied().unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_names_follow_their_numbers() {
        assert_eq!(Source::WsTrade.name(), "binance.ws.trade");
        assert_eq!(Source::RestDepth.name(), "binance.rest.depth");
        assert_eq!(Source::WsOther.name(), "binance.ws.other");
        assert_eq!(Source::name_of(Source::Control as u16), "engine.control");
        assert_eq!(Source::name_of(999), "unknown");
        for (at, name) in Source::NAMES.iter().enumerate() {
            assert_eq!(Source::is_stream(at as u16 + 1), name.starts_with("binance.ws."), "{name}");
        }
    }

    #[test]
    fn frames_of_a_run_have_distinct_traces_that_are_never_zero() {
        let mut seen = std::collections::HashSet::new();
        for connection in 0..4 {
            for number in 0..1_000 {
                let trace = TraceId::of_frame(0, ConnectionId(connection), number);
                assert_ne!(trace, TraceId::NONE);
                assert!(seen.insert(trace));
            }
        }
    }
}
