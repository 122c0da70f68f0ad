//! Purpose: the framer with tungstenite behind it, held against tungstenite alone on streams that nobody thought of: sound
//! frames, broken ones, bytes turned over, cut anywhere.
//! Owns: how streams are made. Thread: a test's. Takes and gives: seeds in. Never: a stream that one of them does not end.

use proptest::prelude::*;

use super::conformance::{Outcome, Seen, by_framer, by_tungstenite};

const MESSAGE_MAX: usize = 1_000;
/// Zeros that make any frame whole that is not longer than allowed, and then break the protocol.
const END: [u8; MESSAGE_MAX + 16] = [0; MESSAGE_MAX + 16];

/// First bytes: mostly those that a sound stream has.
fn first() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => Just(0x81), 1 => Just(0x82), 3 => Just(0x01), 1 => Just(0x02), 3 => Just(0x00), 4 => Just(0x80),
        3 => Just(0x89), 1 => Just(0x8a), 1 => Just(0x88), 1 => any::<u8>(),
    ]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => "[ -~ß币🪙]{0,40}".prop_map(String::into_bytes),
        2 => "[ -~]{100,300}".prop_map(String::into_bytes),
        1 => "[a-z]{990,1010}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (3_u8..=4, any::<u8>()).prop_map(|(high, low)| vec![high, low]),
    ]
}

/// A frame; how long its length is written: 0 as short as it can be, else in so many bits, if it fits.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let bits = prop_oneof![12 => Just(0_u8), 1 => Just(16), 1 => Just(64)];
    let masked = prop::bool::weighted(0.02);
    (first(), payload(), bits, masked).prop_map(|(first, payload, bits, masked)| {
        let length = payload.len();
        let mut bytes = vec![first];
        match bits {
            0 if length < 126 => bytes.push(length as u8),
            64 => bytes.extend([&[127][..], &(length as u64).to_be_bytes()].concat()),
            _ => bytes.extend([&[126][..], &(length as u16).to_be_bytes()].concat()),
        }
        if masked {
            bytes[1] |= 0x80;
            bytes.extend([1, 2, 3, 4]);
        }
        bytes.extend(payload);
        bytes
    })
}

/// A stream, and where it is cut.
fn stream() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    let frames = prop::collection::vec(frame(), 0..12).prop_map(|frames| frames.concat());
    let turned = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..8);
    let turns = prop::bool::weighted(0.3);
    (frames, turned, turns, cuts).prop_map(|(mut bytes, turned, turns, cuts)| {
        for (at, byte) in turned.iter().filter(|_| turns && !bytes.is_empty()).cloned().collect::<Vec<_>>() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        (bytes, cuts)
    })
}

fn both(bytes: &[u8], cuts: &[usize]) -> (Outcome, Outcome) {
    (by_framer(bytes, cuts, MESSAGE_MAX), by_tungstenite(bytes, cuts, MESSAGE_MAX))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("MELTICA_FRAMING_STREAMS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_096)
    ))]

    /// The same messages, the same refusal, the same answers. Where a stream ends within a frame the framer may already have
    /// refused that frame by its head; once the frame is whole both have.
    #[test]
    fn the_framer_does_as_tungstenite((bytes, cuts) in stream()) {
        let (ours, theirs) = both(&bytes, &cuts);
        let early = matches!(ours.0.last(), Some(Seen::Refused(_))) && theirs.0.last() == Some(&Seen::End);
        if !early {
            prop_assert_eq!(ours, theirs);
        }
        let whole = [&bytes[..], &END].concat();
        let (ours, theirs) = both(&whole, &cuts);
        prop_assert_eq!(ours, theirs);
    }
}
