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
        TraceIds::new(seed).of_frame(connection, number)
    }
}

/// The trace ids of one run's frames, as [`TraceId::of_frame`] has them: what the seed makes of them is made once. A raw instance has this
/// and what tells its frame from others; the id itself is made where an event keeps it, or a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct TraceIds {
    high: u64,
    mixed: u64,
}

impl TraceIds {
    /// Those of the run with this seed.
    pub const fn new(seed: u64) -> TraceIds {
        TraceIds { high: if seed == 0 { 1 } else { seed }, mixed: mix(seed) }
    }

    /// The id of one frame.
    #[inline]
    pub const fn of_frame(self, connection: ConnectionId, number: u64) -> TraceId {
        TraceId([self.high, mix(number ^ ((connection.0 as u64) << 48) ^ self.mixed)])
    }
}

impl TraceId {
    /// From 32 hex digits, not all zero.
    pub fn from_hex(text: &str) -> Option<TraceId> {
        let value = hex(text, 32)?;
        (value != 0).then_some(TraceId([(value >> 64) as u64, value as u64]))
    }

    /// The caller's trace and span, as a W3C `traceparent` tells them: `00-<32 hex digits>-<16>-<2>`. `None` for what is none;
    /// what a later version appends is passed over.
    pub fn from_traceparent(text: &str) -> Option<(TraceId, u64)> {
        let mut parts = text.split('-');
        let mut part = || parts.next().filter(|part| !part.bytes().any(|b| b.is_ascii_uppercase()));
        let (version, trace, span, flags) = (part()?, part()?, part()?, part()?);
        let (version, _) = (hex(version, 2).filter(|version| *version != 0xff)?, hex(flags, 2)?);
        let span = u64::try_from(hex(span, 16)?).ok().filter(|span| *span != 0)?;
        let whole = version != 0 || parts.next().is_none();
        whole.then_some((TraceId::from_hex(trace)?, span))
    }
}

/// The value of exactly so many hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let all = text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| all)
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
    fn a_caller_s_trace_is_read_as_the_w3c_writes_it_and_nothing_else_is() {
        assert_eq!(TraceId::from_hex("000000000000000a00000000000000FF"), Some(TraceId([10, 255])));
        for text in
            ["", "0", "00000000000000000000000000000000", "+0000000000000000000000000000001", "g".repeat(32).as_str()]
        {
            assert_eq!(TraceId::from_hex(text), None, "{text}");
        }
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let caller = Some((TraceId([0x4bf9_2f35_77b3_4da6, 0xa3ce_929d_0e0e_4736]), 0x00f0_67aa_0ba9_02b7));
        let zeros = "0".repeat(32);
        let table = [
            (format!("00-{trace}-{span}-01"), caller),
            (format!("00-{trace}-{span}-00"), caller),
            (format!("cc-{trace}-{span}-01-what-the-future-brings"), caller),
            (format!("00-{trace}-{span}-01-more"), None),
            (format!("ff-{trace}-{span}-01"), None),
            (format!("00-{zeros}-{span}-01"), None),
            (format!("00-{trace}-{}-01", &zeros[..16]), None),
            (format!("00-{}-{span}-01", trace.to_uppercase()), None),
            (format!("00-{trace}-{span}"), None),
            (trace.to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in table {
            assert_eq!(TraceId::from_traceparent(&text), expected, "{text}");
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
