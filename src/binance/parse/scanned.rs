//! Purpose: the streams whose frames the scanner may try, by name. Owns: a line of memory for each, side by side.
//! Thread: the io thread. Takes and gives: names in, streams out. Never: forgets one; allocates for one that it has.
//!
//! A general map of these lines is as good for one stream, and better by a little; of 2,500 that take turns a frame's whole walk takes a tenth longer with
//! it: its lines lie among empty ones (`perf/record/2026-11-27-shuffle.md`).

use super::names::NAMES_MAX;
use super::scanner::{Piece, place_of_shape};
use super::short_name::ShortName;
use crate::schema::id::{InstrumentId, Market};
use crate::schema::topic::Topic;

/// Signs at the start.
const SIGNS: usize = 256;
/// The bits of a stream's number in a sign: names are fewer.
const NUMBERS: u32 = (1 << 20) - 1;
const _: () = assert!(NAMES_MAX < NUMBERS as usize);

/// A stream whose frames the scanner may try, those of one instrument, whose name and symbol stand in a frame just as they are, without
/// escapes; and all that it has to know of it, in one cache line.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Scanned {
    name: ShortName,
    /// Its symbol as the directory has it, with the quote behind it; empty when that is more than is compared at once.
    pub(super) symbol: Piece,
    /// Whose frames they are.
    pub(super) instrument: InstrumentId,
    /// What they are.
    pub(super) topic: Topic,
    /// Where the shape of its payloads is kept.
    pub(super) shape: u16,
}

const _: () = assert!(size_of::<Scanned>() == 64, "a cache line");

impl Scanned {
    /// A stream by its name, and its symbol as the directory has it; `None` for what cannot stand in a frame as it is, and for names
    /// of more bytes than are looked at: those are left to the tape.
    pub(super) fn new(
        market: Market,
        name: &str,
        symbol: &str,
        instrument: InstrumentId,
        topic: Topic,
    ) -> Option<Scanned> {
        let plain = |text: &str| text.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\'));
        if !plain(name) || !plain(symbol) {
            return None;
        }
        let (name, symbol) = (ShortName::of(name.as_bytes())?, Piece::quoted(symbol).unwrap_or(Piece::EMPTY));
        Some(Scanned { name, symbol, instrument, topic, shape: place_of_shape(market, topic.kind) })
    }
}

/// The streams of a market.
#[derive(Debug)]
pub(super) struct ScannedStreams {
    /// Where streams are by their names' hashes, at the hash's place or a little behind it: a tag above, and below it one more than the
    /// stream's number; 0 is nobody's.
    signs: Box<[u32]>,
    met: Vec<Scanned>,
}

impl Default for ScannedStreams {
    fn default() -> Self {
        ScannedStreams { signs: vec![0; SIGNS].into(), met: Vec::new() }
    }
}

/// What a hash shows of itself in a sign: other bits than those of its place.
#[inline]
const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !NUMBERS
}

impl ScannedStreams {
    /// The stream of this name.
    #[inline]
    pub(super) fn get(&self, name: &ShortName) -> Option<&Scanned> {
        let hash = name.hash();
        let mut at = hash as usize;
        // Half of all signs are nobody's, so this ends.
        loop {
            let sign = *self.signs.get(at & (self.signs.len() - 1))?;
            // One whose bits are another's has a number that is none.
            let stream = self.met.get(((sign ^ tag(hash)) as usize).wrapping_sub(1));
            match stream {
                Some(stream) if stream.name == *name => return Some(stream),
                _ if sign == 0 => return None,
                _ => at = at.wrapping_add(1),
            }
        }
    }

    /// Remembers a stream of a name that is new.
    pub(super) fn insert(&mut self, stream: Scanned) {
        self.met.push(stream);
        if 2 * self.met.len() > self.signs.len() {
            self.signs = vec![0; 2 * self.signs.len()].into();
            (0..self.met.len()).for_each(|number| self.sign(number));
        } else {
            self.sign(self.met.len() - 1);
        }
    }

    /// Makes a stream to be found.
    fn sign(&mut self, number: usize) {
        let hash = self.met[number].name.hash();
        let (mut at, last) = (hash as usize, self.signs.len() - 1);
        while self.signs[at & last] != 0 {
            at = at.wrapping_add(1);
        }
        self.signs[at & last] = tag(hash) | (number as u32 + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::topic::StreamKind;

    fn stream(number: u32) -> Scanned {
        let name = format!("a{number}usdt@trade");
        let topic = Topic::plain(StreamKind::Trade);
        Scanned::new(Market::BinanceSpot, &name, "A", InstrumentId(number), topic).unwrap()
    }

    #[test]
    fn every_stream_that_was_met_is_found_by_its_name_and_no_other_is() {
        let mut streams = ScannedStreams::default();
        for number in 0..3_000 {
            assert!(streams.get(&stream(number).name).is_none());
            streams.insert(stream(number));
            // One before, which may be found elsewhere now.
            assert!(streams.get(&stream(number / 2).name).is_some_and(|met| met.instrument.0 == number / 2));
        }
        assert_eq!(streams.signs.len(), 8_192);
        for number in 0..3_000 {
            assert_eq!(streams.get(&stream(number).name).map(|met| met.instrument), Some(InstrumentId(number)));
        }
        let names = ["", "a", "a3000usdt@trade", "a1usdt@trad", "a1usdt@trade2"];
        assert!(names.iter().all(|name| streams.get(&ShortName::of(name.as_bytes()).unwrap()).is_none()));
    }

    #[test]
    fn a_stream_whose_name_or_symbol_stands_otherwise_in_a_frame_is_none() {
        let new = |name: &str, symbol: &str| {
            Scanned::new(Market::BinanceSpot, name, symbol, InstrumentId(0), Topic::plain(StreamKind::Trade))
        };
        for (name, symbol, taken) in [
            ("btcusdt@trade", "BTCUSDT", true),
            ("btc\"usdt@trade", "BTCUSDT", false),
            ("btcusdt@trade", "BTC\\USDT", false),
            ("btcusdt\n@trade", "BTCUSDT", false),
            ("1000000mogusdt_260327@depth20@100ms", "1000000MOGUSDT_260327", false),
        ] {
            assert_eq!(new(name, symbol).is_some(), taken, "{name} {symbol}");
        }
    }
}
