//! Purpose: native key → slot, one table a stream kind, made at compile time from the layouts.
//! Owns: the tables. Thread: any. Takes and gives: key bytes and places. Never: compares a one-letter key with a list.

use crate::schema::bodies::body_keys;
use crate::schema::layout::{SLOTS_MAX, Want, layout, level_keys, slot_index};
use crate::schema::topic::StreamKind;

/// Where the value of a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Into a slot.
    Slot(usize),
    /// It is the bid levels.
    Bids,
    /// It is the ask levels.
    Asks,
    /// It is the nested object that holds the rest of the slots.
    Nested,
    /// No table knows it.
    Unknown,
}

impl Place {
    #[inline]
    const fn of(code: u8) -> Place {
        match code {
            BIDS => Place::Bids,
            ASKS => Place::Asks,
            NESTED => Place::Nested,
            UNKNOWN => Place::Unknown,
            slot => Place::Slot(slot as usize),
        }
    }
}

const BIDS: u8 = 0xf0;
const ASKS: u8 = 0xf1;
const NESTED: u8 = 0xf2;
const UNKNOWN: u8 = 0xff;

/// The most keys of several letters on one level of one kind.
const LONG_MAX: usize = 24;

/// The keys of one object of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyTable {
    letters: [u8; 128],
    long: [(&'static [u8], u8); LONG_MAX],
    longs: usize,
}

impl KeyTable {
    const EMPTY: KeyTable = KeyTable { letters: [UNKNOWN; 128], long: [(b"", UNKNOWN); LONG_MAX], longs: 0 };

    /// Where a key's value goes.
    #[inline]
    pub(super) fn place(&self, key: &str) -> Place {
        match key.as_bytes() {
            [letter] => self.letter(*letter),
            bytes => self.word(bytes),
        }
    }

    /// Where the value of a key of one byte goes.
    #[inline]
    pub(super) fn letter(&self, letter: u8) -> Place {
        Place::of(self.letters.get(letter as usize).copied().unwrap_or(UNKNOWN))
    }

    /// Where the value of a key of several bytes goes.
    #[inline]
    pub(super) fn word(&self, key: &[u8]) -> Place {
        Place::of(self.long[..self.longs].iter().find(|(known, _)| *known == key).map_or(UNKNOWN, |(_, code)| *code))
    }

    const fn with(mut self, key: &'static [u8], code: u8) -> KeyTable {
        if key.len() == 1 {
            assert!(self.letters[key[0] as usize] == UNKNOWN, "a key stands twice");
            self.letters[key[0] as usize] = code;
        } else {
            self.long[self.longs] = (key, code);
            self.longs += 1;
        }
        self
    }
}

/// What a kind's frames look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct KindKeys {
    /// The keys of the payload.
    pub(super) top: KeyTable,
    /// The keys of the nested object, when the kind has one.
    pub(super) nested: KeyTable,
    /// The name of the nested object; empty when there is none.
    pub(super) nested_name: &'static str,
    /// Bit `i`: slot `i` must be present.
    pub(super) required: u64,
    /// Bit `i`: slot `i` is an update id that is never negative (faults.md, F07). A `pu` or a `lastUpdateId` of -1 is real.
    pub(super) never_negative: u64,
    /// Of these slots one must be present; 0 where no such rule holds.
    pub(super) one_of: u64,
    /// The slot of the symbol and that of the contract's type (`st`), here and in the nested object; 255 for none.
    symbol: u8,
    contract: [u8; 2],
}

impl KindKeys {
    /// The tables of a kind.
    #[inline]
    pub(super) fn of(kind: StreamKind) -> &'static KindKeys {
        &TABLES[kind as usize - 1]
    }

    /// The tables of a kind's REST body.
    pub(super) fn of_body(kind: StreamKind) -> &'static KindKeys {
        &BODY_TABLES[kind as usize - 1]
    }

    /// The slot of the symbol.
    pub(super) fn symbol(&self) -> Option<usize> {
        (self.symbol < SLOTS_MAX as u8).then_some(self.symbol as usize)
    }

    /// The slots of the contract's type.
    pub(super) fn contract(&self) -> impl Iterator<Item = usize> {
        self.contract.into_iter().filter(|c| *c < SLOTS_MAX as u8).map(usize::from)
    }
}

static TABLES: [KindKeys; StreamKind::ALL.len()] = {
    let mut tables = [build(StreamKind::Other); StreamKind::ALL.len()];
    let mut at = 0;
    while at < tables.len() {
        tables[at] = build(StreamKind::ALL[at]);
        at += 1;
    }
    tables
};

static BODY_TABLES: [KindKeys; StreamKind::ALL.len()] = {
    let mut tables = [EMPTY; StreamKind::ALL.len()];
    let mut at = 0;
    while at < tables.len() {
        tables[at] = build_body(StreamKind::ALL[at]);
        at += 1;
    }
    tables
};

const EMPTY: KindKeys = KindKeys {
    top: KeyTable::EMPTY,
    nested: KeyTable::EMPTY,
    nested_name: "",
    required: 0,
    never_negative: 0,
    one_of: 0,
    symbol: UNKNOWN,
    contract: [UNKNOWN; 2],
};

/// A body must have what its stream's frames must, as far as it has a key for it.
const fn build_body(kind: StreamKind) -> KindKeys {
    let (mut keys, pairs) = (EMPTY, body_keys(kind));
    let mut at = 0;
    while at < pairs.len() {
        let (key, to) = pairs[at];
        let slot = slot_index(kind, to);
        keys.top = keys.top.with(key.as_bytes(), slot as u8);
        let spec = layout(kind)[slot];
        // Some bodies of these kinds have no id or time (spot's book tickers, prices of `ticker/price`).
        let may_lack =
            matches!((kind, to.as_bytes()), (StreamKind::BookTicker, b"u") | (StreamKind::ReferencePrice, b"t"));
        if spec.required && !may_lack {
            keys.required |= 1 << slot;
        }
        if matches!(to.as_bytes(), b"s") {
            keys.symbol = slot as u8;
        }
        at += 1;
    }
    keys
}

const fn build(kind: StreamKind) -> KindKeys {
    let specs = layout(kind);
    let mut keys = EMPTY;
    let mut at = 0;
    while at < specs.len() {
        let path = specs[at].key.as_bytes();
        let leaf = if let [object @ (b'k' | b'o'), b'.', leaf @ ..] = path {
            keys.nested = keys.nested.with(leaf, at as u8);
            if keys.nested_name.is_empty() {
                keys.nested_name = if *object == b'k' { "k" } else { "o" };
                keys.top = keys.top.with(keys.nested_name.as_bytes(), NESTED);
            }
            leaf
        } else {
            keys.top = keys.top.with(path, at as u8);
            path
        };
        if specs[at].required {
            keys.required |= 1 << at;
        }
        keys = note(keys, kind, leaf, at as u8, matches!(specs[at].want, Want::Int));
        at += 1;
    }
    with_levels(keys, kind)
}

/// Remembers the slots that have a meaning here. The first symbol is the frame's: a kline's `s` stands before `k.s` in the
/// layout, and a liquidation has `o.s` alone.
const fn note(mut keys: KindKeys, kind: StreamKind, leaf: &[u8], slot: u8, int: bool) -> KindKeys {
    let is_symbol = match kind {
        StreamKind::RestDepth => matches!(leaf, b"symbol"),
        _ => matches!(leaf, b"s"),
    };
    if is_symbol && keys.symbol == UNKNOWN {
        keys.symbol = slot;
    }
    if int && matches!(leaf, b"st") {
        let at = if keys.contract[0] == UNKNOWN { 0 } else { 1 };
        keys.contract[at] = slot;
    }
    match (kind, leaf) {
        (StreamKind::DepthDiff, b"U" | b"u") => keys.never_negative |= 1 << slot,
        (StreamKind::DepthPartial, b"lastUpdateId" | b"u") => keys.one_of |= 1 << slot,
        _ => {}
    }
    keys
}

const fn with_levels(mut keys: KindKeys, kind: StreamKind) -> KindKeys {
    if let Some((bids, asks)) = level_keys(kind) {
        keys.top = keys.top.with(bids.as_bytes(), BIDS).with(asks.as_bytes(), ASKS);
    }
    // USD-M's partial depth has a diff's keys (binance.md, section 4).
    if matches!(kind, StreamKind::DepthPartial) {
        keys.top = keys.top.with(b"b", BIDS).with(b"a", ASKS);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::layout::symbol_slot;

    #[test]
    fn every_layout_key_finds_its_own_slot() {
        for kind in StreamKind::ALL {
            let keys = KindKeys::of(kind);
            for (slot, spec) in layout(kind).iter().enumerate() {
                let place = match spec.key.split_once('.') {
                    Some((object, leaf)) => {
                        assert_eq!((keys.top.place(object), keys.nested_name), (Place::Nested, object), "{kind:?}");
                        keys.nested.place(leaf)
                    }
                    None => keys.top.place(spec.key),
                };
                assert_eq!(place, Place::Slot(slot), "{kind:?} {}", spec.key);
                assert_eq!(keys.required >> slot & 1 == 1, spec.required, "{kind:?} {}", spec.key);
            }
            assert_eq!(keys.symbol(), symbol_slot(kind), "{kind:?}");
        }
    }

    #[test]
    fn every_key_of_a_body_finds_its_streams_slot() {
        for kind in StreamKind::ALL {
            let keys = KindKeys::of_body(kind);
            for (key, to) in body_keys(kind) {
                assert_eq!(keys.top.place(key), Place::Slot(slot_index(kind, to)), "{kind:?} {key}");
            }
            assert_eq!(keys.symbol().is_some(), body_keys(kind).iter().any(|(key, _)| *key == "symbol"), "{kind:?}");
        }
        let bodies = KindKeys::of_body(StreamKind::BookTicker);
        assert_eq!(bodies.required >> slot_index(StreamKind::BookTicker, "u") & 1, 0, "spot's has no id");
        assert_eq!(bodies.required >> slot_index(StreamKind::BookTicker, "b") & 1, 1);
    }

    #[test]
    fn keys_that_no_table_knows_have_no_place() {
        for kind in StreamKind::ALL {
            for key in ["", "é", "zz", "lastUpdateID", "\u{80}", "stream"] {
                assert_eq!(KindKeys::of(kind).top.place(key), Place::Unknown, "{kind:?} {key}");
            }
        }
    }

    #[test]
    fn partial_depth_knows_both_spellings() {
        let top = &KindKeys::of(StreamKind::DepthPartial).top;
        assert_eq!(
            ["bids", "asks", "b", "a"].map(|k| top.place(k)),
            [Place::Bids, Place::Asks, Place::Bids, Place::Asks]
        );
        assert_eq!(KindKeys::of(StreamKind::DepthDiff).top.place("bids"), Place::Unknown);
    }
}
