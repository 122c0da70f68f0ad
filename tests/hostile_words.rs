//! Promise: words from another process, a file or a network never make a reader panic: they are refused, or every
//! accessor answers; and what is written of them is valid JSON.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use meltica::schema::event::{EventBuf, EventRef, HEADER_WORDS};
use meltica::schema::id::{InstrumentId, TypeId};
use meltica::schema::json::{Names, read_field, write_event};
use meltica::schema::payload::PayloadKind;
use meltica::schema::raw::{RAW_HEADER_WORDS, RawRef};
use proptest::prelude::*;

struct Odd;

impl Names for Odd {
    fn instrument_name(&self, id: InstrumentId) -> Option<&str> {
        id.0.is_multiple_of(2).then_some("\u{0}\"\\\u{1f}\u{7f}\u{2028}币")
    }

    fn type_name(&self, id: TypeId) -> Option<&str> {
        id.0.is_multiple_of(2).then_some("\n")
    }
}

/// A word: anything, or two small numbers side by side, as counts and lengths are.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (0u64..64, 0u64..64).prop_map(|(low, high)| low | high << 32),
        Just(0),
        Just(u64::MAX),
        Just(u64::from_ne_bytes([0x7f; 8])),
        Just(i64::MIN as u64),
    ]
}

fn words() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(word(), 0..80)
}

fn read_event(words: &[u64]) {
    let Some(event) = EventRef::from_words(words) else { return };
    let header = event.header();
    let _ = (header.instrument(), header.market(), header.type_id(), header.quality(), header.kind());
    let _ = (header.connection(), header.trace(), header.ts(), header.venue_id());
    let (bids, asks) = event.levels();
    assert!((bids.len() + asks.len()) * 2 <= event.payload_words().len());
    for kind in PayloadKind::ALL {
        let bytes: &[u8] = bytemuck::cast_slice(event.payload_words());
        kind.fields().0.iter().for_each(|field| _ = read_field(field, bytes));
        let _ = (kind.level_counts(event.payload_words()), kind.level_scales(event.payload_words()));
    }
    let mut copy = EventBuf::default();
    copy.copy_from(event);
    assert_eq!(copy.read().words(), words);
    let mut out = Vec::new();
    write_event(event, &Odd, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains('\n'));
    serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
}

fn read_raw(words: &[u64]) {
    let Some(raw) = RawRef::from_words(words) else { return };
    let _ = (raw.kind(), raw.topic(), raw.instrument());
    for slot in 0..300 {
        let _ = (raw.get(slot), raw.int(slot), raw.decimal(slot), raw.text(slot), raw.bool(slot));
    }
    assert_eq!(raw.bids().len() + raw.asks().len(), raw.header.bids as usize + raw.header.asks as usize);
    assert!(raw.unknown().count() <= usize::from(u16::MAX));
    // Its words are as many as it says, so a copy of it fits where it was counted for.
    assert_eq!(raw.words(), words.len());
    raw.copy_to(&mut vec![u64::MAX; raw.words()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn events_of_any_words(mut words in words(), kind in 0u8..=21, honest in any::<bool>()) {
        read_event(&words);
        if words.len() >= HEADER_WORDS && honest {
            words[0] = words.len() as u64 | 1 << 32 | u64::from(kind) << 40 | words[0] & 0xffff << 48;
            assert!(EventRef::from_words(&words).is_some());
            read_event(&words);
        }
    }

    #[test]
    fn raw_instances_of_any_words(mut words in words(), kind in 0u8..=20, slots in 0u8..30, levels in 0u64..8) {
        read_raw(&words);
        if words.len() >= RAW_HEADER_WORDS {
            let (bids, asks) = (levels / 2, levels - levels / 2);
            words[0] = words.len() as u64 | u64::from(kind) << 32 | u64::from(slots) << 48;
            words[8] = bids | asks << 32;
            words[9] = words[9] & !0xffff_0000_0000_ffff | (words[9] % 18);
            let rest = words.len().saturating_sub(RAW_HEADER_WORDS + usize::from(slots) * 2 + levels as usize * 2);
            words[9] = words[9] & 0xffff_ffff | (words[9] >> 32 & 7).min(rest as u64 * 8) << 32;
            read_raw(&words);
        }
    }
}
