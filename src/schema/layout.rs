//! Purpose: which slot of a raw instance holds which native key, one table a stream kind.
//! Owns: the tables (binance.md, sections 2 and 4, 2026-07-22). Thread: any. Takes and gives: keys and slot numbers.
//! Never: renames a key; `u` and `U` differ.

use super::topic::StreamKind;

/// What a slot's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A whole number.
    Int,
    /// A decimal, written as a string or as a bare number; may be `null` where [`SlotSpec::nullable`].
    Decimal,
    /// A text. Symbols and enum values are kept in uppercase.
    Text,
    /// `true` or `false`.
    Bool,
}

/// One slot: its native key as a dot path (`k.t` lies in the object `k`), and what stands there.
#[derive(Clone, Copy, Debug)]
pub struct SlotSpec {
    /// The dot path.
    pub key: &'static str,
    /// The kind of value.
    pub want: Want,
    /// Whether every frame of the kind carries it. A frame without it is malformed.
    pub required: bool,
    /// Whether `null` is a value (spot `referencePrice`; `markPrice` of delivery contracts, which have no funding). A
    /// decimal that may be null or left out may be an empty text too: so does USD-M write "none" (`"r":""`).
    pub nullable: bool,
    /// Whether a text is kept as written instead of in uppercase (`1m` and `1M` are two intervals).
    pub verbatim: bool,
}

/// The most slots that any kind has.
pub const SLOTS_MAX: usize = 26;

const fn slot(key: &'static str, want: Want, required: bool) -> SlotSpec {
    SlotSpec { key, want, required, nullable: false, verbatim: false }
}

macro_rules! slots {
    (@one $key:literal int) => { slot($key, Want::Int, true) };
    (@one $key:literal opt_int) => { slot($key, Want::Int, false) };
    (@one $key:literal dec) => { slot($key, Want::Decimal, true) };
    (@one $key:literal opt_dec) => { slot($key, Want::Decimal, false) };
    (@one $key:literal null) => { SlotSpec { nullable: true, ..slot($key, Want::Decimal, true) } };
    (@one $key:literal text) => { slot($key, Want::Text, true) };
    (@one $key:literal opt_text) => { slot($key, Want::Text, false) };
    (@one $key:literal code) => { SlotSpec { verbatim: true, ..slot($key, Want::Text, true) } };
    (@one $key:literal opt_code) => { SlotSpec { verbatim: true, ..slot($key, Want::Text, false) } };
    (@one $key:literal bool) => { slot($key, Want::Bool, true) };
    (@one $key:literal opt_bool) => { slot($key, Want::Bool, false) };
    ($($key:literal $want:ident),* $(,)?) => { &[$(slots!(@one $key $want)),*] };
}

const TRADE: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "t" int, "p" dec, "q" dec, "T" int, "m" bool, "M" opt_bool, "X" opt_text, "ps" opt_text, "st" opt_int];
const AGG_TRADE: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "a" int, "p" dec, "q" dec, "f" int, "l" int, "T" int, "m" bool, "M" opt_bool,
    "nq" opt_dec, "ps" opt_text, "st" opt_int];
const BLOCK_TRADE: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "t" int, "p" dec, "q" dec, "T" int, "m" bool];
const DEPTH: &[SlotSpec] =
    slots!["e" opt_code, "E" int, "s" text, "U" int, "u" int, "T" opt_int, "pu" opt_int, "ps" opt_text, "st" opt_int];
const DEPTH_PARTIAL: &[SlotSpec] = slots!["lastUpdateId" opt_int, "e" opt_code, "E" opt_int, "s" opt_text, "U" opt_int, "u" opt_int, "T" opt_int, "pu" opt_int, "ps" opt_text, "st" opt_int];
const BOOK_TICKER: &[SlotSpec] = slots!["u" int, "s" text, "b" dec, "B" dec, "a" dec, "A" dec, "e" opt_code, "E" opt_int, "T" opt_int, "ps" opt_text, "st" opt_int];
const KLINE: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "k.t" int, "k.T" int, "k.s" text, "k.i" code, "k.f" int, "k.L" int, "k.o" dec,
    "k.c" dec, "k.h" dec, "k.l" dec, "k.v" dec, "k.n" int, "k.x" bool, "k.q" dec, "k.V" dec, "k.Q" dec, "k.B" opt_dec, "ps" opt_text, "st" opt_int];
const MINI_TICKER: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "c" dec, "o" dec, "h" dec, "l" dec, "v" dec, "q" dec, "ps" opt_text, "st" opt_int];
const TICKER: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "p" dec, "P" dec, "w" dec, "x" opt_dec, "c" dec, "Q" dec, "b" opt_dec, "B" opt_dec,
    "a" opt_dec, "A" opt_dec, "o" dec, "h" dec, "l" dec, "v" dec, "q" dec, "O" int, "C" int, "F" int, "L" int, "n" int, "ps" opt_text, "st" opt_int];
const WINDOW_TICKER: &[SlotSpec] = slots!["e" code, "E" int, "s" text, "p" dec, "P" dec, "o" dec, "h" dec, "l" dec, "c" dec, "w" dec, "v" dec,
    "q" dec, "O" int, "C" int, "F" int, "L" int, "n" int];
const AVG_PRICE: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "i" code, "w" dec, "T" int];
const REFERENCE_PRICE: &[SlotSpec] = slots!["e" opt_code, "s" text, "r" null, "t" int];
const MARK_PRICE: &[SlotSpec] = slots!["e" opt_code, "E" int, "s" text, "p" dec, "ap" opt_dec, "i" opt_dec, "P" dec, "r" null, "T" int, "ps" opt_text, "st" opt_int];
const FORCE_ORDER: &[SlotSpec] = slots!["e" opt_code, "E" int, "o.s" text, "o.S" text, "o.o" text, "o.f" text, "o.q" dec, "o.p" dec, "o.ap" dec,
    "o.X" text, "o.l" dec, "o.z" dec, "o.T" int, "o.ps" opt_text, "o.st" opt_int, "ps" opt_text, "st" opt_int];
const REST_DEPTH: &[SlotSpec] =
    slots!["lastUpdateId" int, "E" opt_int, "T" opt_int, "symbol" opt_text, "pair" opt_text];
const CONNECTION: &[SlotSpec] = slots!["up" bool, "cause" code];
/// The slots of [`StreamKind::Connection`], which no frame carries.
pub const CONNECTION_UP: usize = 0;
/// As [`CONNECTION_UP`].
pub const CONNECTION_CAUSE: usize = 1;
const VENUE_STATUS: &[SlotSpec] = slots!["state" int];
/// The slot of [`StreamKind::VenueStatus`], which no frame carries: a [`VenueState`](super::instrument::VenueState).
pub const VENUE_STATE: usize = 0;

/// The slots of a kind, in slot order; empty for kinds that carry none.
pub const fn layout(kind: StreamKind) -> &'static [SlotSpec] {
    match kind {
        StreamKind::Trade => TRADE,
        StreamKind::AggTrade => AGG_TRADE,
        StreamKind::BlockTrade => BLOCK_TRADE,
        StreamKind::DepthDiff => DEPTH,
        StreamKind::DepthPartial => DEPTH_PARTIAL,
        StreamKind::BookTicker => BOOK_TICKER,
        StreamKind::Kline => KLINE,
        StreamKind::MiniTicker => MINI_TICKER,
        StreamKind::Ticker => TICKER,
        StreamKind::WindowTicker => WINDOW_TICKER,
        StreamKind::AvgPrice => AVG_PRICE,
        StreamKind::ReferencePrice => REFERENCE_PRICE,
        StreamKind::MarkPrice => MARK_PRICE,
        StreamKind::ForceOrder => FORCE_ORDER,
        StreamKind::RestDepth => REST_DEPTH,
        StreamKind::Connection => CONNECTION,
        StreamKind::VenueStatus => VENUE_STATUS,
        StreamKind::Other | StreamKind::Lost | StreamKind::BodyFollows => &[],
    }
}

/// The slot of a native key (a dot path) in frames of a kind.
pub fn slot_of(kind: StreamKind, key: &str) -> Option<usize> {
    layout(kind).iter().position(|s| s.key == key)
}

/// The slot of a native key, for tables built at compile time.
///
/// # Panics
/// At compile time, when the kind has no such key.
pub const fn slot_index(kind: StreamKind, key: &str) -> usize {
    let table = layout(kind);
    let mut at = 0;
    while at < table.len() {
        if same(table[at].key.as_bytes(), key.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("this stream kind has no such key")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The slot that holds the symbol of a kind's frames.
pub fn symbol_slot(kind: StreamKind) -> Option<usize> {
    let key = match kind {
        StreamKind::ForceOrder => "o.s",
        StreamKind::RestDepth => "symbol",
        _ => "s",
    };
    slot_of(kind, key)
}

/// The keys of a kind's level arrays, bids first.
pub const fn level_keys(kind: StreamKind) -> Option<(&'static str, &'static str)> {
    match kind {
        StreamKind::DepthDiff => Some(("b", "a")),
        StreamKind::DepthPartial | StreamKind::RestDepth => Some(("bids", "asks")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_distinct_keys_within_the_bound() {
        for kind in StreamKind::ALL {
            let table = layout(kind);
            assert!(table.len() <= SLOTS_MAX, "{kind:?}");
            for (at, spec) in table.iter().enumerate() {
                assert_eq!(slot_of(kind, spec.key), Some(at), "{kind:?} {}", spec.key);
            }
        }
    }
}
