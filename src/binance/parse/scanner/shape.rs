//! Purpose: how a kind's payloads are written, as the last one was: what stands between the values, and what the values are. A
//! venue writes all frames of a kind alike, so most are read by comparing what is expected, without looking a key up.
//! Owns: one shape a market and kind. Thread: the io thread. Takes and gives: bytes in, a filled `RawBuf` out, or "otherwise".
//! Never: takes a payload that `payload::read` would not, for a shape is only what that has read; allocates.

use super::isa::{Baseline, Isa};
use super::level::Form;
use super::payload;
use super::piece::Piece;
use super::step::{Expected, Step, Symbol, TEXTS_MAX, Tail, What};
#[cfg(target_arch = "x86_64")]
use super::v3::V3;
use crate::binance::parse::keys::Place;
use crate::binance::parse::scanned::Scanned;
use crate::schema::id::Market;
use crate::schema::layout::{SlotSpec, Want, layout, symbol_slot};
use crate::schema::raw::{RawBuf, RawOrigin};
use crate::schema::topic::StreamKind;

/// The most values of a payload that has a shape; longer ones are read key by key.
const STEPS_MAX: usize = 16;
/// Lengths of frames that are told apart.
const LENGTHS: usize = 1_024;
/// How a kind's payloads are written.
#[derive(Clone, Debug)]
struct Shape {
    steps: [Step; STEPS_MAX],
    count: usize,
    /// Texts that the payload had which is the shape's model, each with the quote behind it.
    texts: [Piece; TEXTS_MAX],
    texts_count: usize,
    /// The slots of all values, as `RawHeader::present` has them.
    present: u64,
    specs: &'static [SlotSpec],
    /// That of the level read last, which the next payload's first one is expected in.
    form: Form,
    /// How many payloads were written otherwise.
    misses: u32,
}

impl Shape {
    const UNKNOWN: Shape = Shape {
        steps: [Step { literal: Piece::EMPTY, what: What::Int, slot: 0, text: 0 }; STEPS_MAX],
        count: 0,
        texts: [Piece::EMPTY; TEXTS_MAX],
        texts_count: 0,
        present: 0,
        specs: &[],
        form: Form::UNKNOWN,
        misses: 0,
    };

    #[inline(always)]
    fn read(
        &mut self,
        isa: impl Isa,
        payload: &[u8],
        tail: &mut Tail,
        symbol: Symbol<'_>,
        raw: &mut RawBuf,
    ) -> Option<()> {
        let (steps, form) = (self.steps.get(..self.count)?, &mut self.form);
        let expected = Expected { texts: &self.texts, symbol, specs: self.specs };
        let left = expected.go(isa, steps, payload, tail, form, raw)?;
        raw.note_present(self.present);
        (self.count > 0 && left == b"}").then_some(())
    }

    /// Notes the next value of a payload; one that cannot be noted leaves no shape.
    fn note(&mut self, kind: StreamKind, key: &[u8], place: Place, value: &[u8], symbol: Symbol<'_>) -> Option<()> {
        let (what, slot) = match place {
            Place::Slot(slot) => (what(kind, slot), slot),
            Place::Bids => (What::Bids, 0),
            Place::Asks => (What::Asks, 0),
            Place::Nested | Place::Unknown => return None,
        };
        let mut literal = Piece::new(key)?;
        if matches!(what, What::Decimal | What::Symbol | What::Text) {
            literal = literal.and(b'"')?;
        }
        let text = if what == What::Text { self.note_text(value, slot, symbol)? } else { TEXTS_MAX };
        if !matches!(what, What::Bids | What::Asks) {
            self.present |= 1 << slot;
        }
        *self.steps.get_mut(self.count)? = Step { literal, what, slot: slot as u8, text: text as u8 };
        self.count += 1;
        Some(())
    }

    /// Notes a text, which then is expected again: its place, beyond all where it is the stream's symbol.
    fn note_text(&mut self, value: &[u8], slot: usize, symbol: Symbol<'_>) -> Option<usize> {
        let text = value.strip_prefix(b"\"")?;
        if Piece::new(text) == Some(*symbol.quoted) {
            return Some(TEXTS_MAX);
        }
        // What the record has otherwise than the frame is nothing to be copied.
        let as_it_is =
            self.specs[slot].verbatim || text.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase());
        // Where it cannot be expected, no text is.
        let expected = Piece::new(text).filter(|_| as_it_is).or(Piece::quoted(""))?;
        *self.texts.get_mut(self.texts_count)? = expected;
        self.texts_count += 1;
        Some(self.texts_count - 1)
    }
}

fn what(kind: StreamKind, slot: usize) -> What {
    match layout(kind)[slot].want {
        Want::Int => What::Int,
        Want::Decimal => What::Decimal,
        Want::Bool => What::Bool,
        Want::Text if symbol_slot(kind) == Some(slot) => What::Symbol,
        Want::Text => What::Text,
    }
}

/// The shapes that were met.
#[derive(Debug)]
pub(in crate::binance::parse) struct Shapes {
    met: Vec<Shape>,
    tail: Tail,
    /// Where the processor has them.
    #[cfg(target_arch = "x86_64")]
    v3: Option<V3>,
    /// By a frame's length: where the shape of the last one that long is kept.
    guessed: Box<[u16; LENGTHS]>,
}

impl Default for Shapes {
    fn default() -> Self {
        let unknown = |kind| Shape { specs: layout(kind), ..Shape::UNKNOWN };
        let met = Market::ALL.iter().flat_map(|_| StreamKind::ALL.map(unknown)).collect();
        Shapes {
            met,
            tail: Tail::default(),
            #[cfg(target_arch = "x86_64")]
            v3: V3::detect(),
            guessed: Box::new([0; LENGTHS]),
        }
    }
}

/// Where the shape of a kind's payloads is kept.
pub(in crate::binance::parse) const fn place_of_shape(market: Market, kind: StreamKind) -> u16 {
    (market as u16 - 1) * StreamKind::ALL.len() as u16 + (kind as u16 - 1)
}

impl Shapes {
    /// Reads the payload of a stream's frame, of so many bytes in all, into `raw`, from the beginning; `symbol` is the stream's, where
    /// [`Scanned::symbol`] is empty. `None`: not mine, and `raw` is to be begun anew.
    // No struct for all of it: in registers nothing waits for what was just written.
    #[inline]
    pub(in crate::binance::parse) fn read(
        &mut self,
        frame: (usize, &[u8]),
        from: &RawOrigin,
        stream: &Scanned,
        symbol: &str,
        raw: &mut RawBuf,
    ) -> Option<()> {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = self.v3 {
            return v3.read(self, frame, from, stream, symbol, raw);
        }
        self.read_baseline(frame, from, stream, symbol, raw)
    }

    // A call, so that who has more instructions makes no room on the stack for it.
    #[inline(never)]
    fn read_baseline(
        &mut self,
        frame: (usize, &[u8]),
        from: &RawOrigin,
        stream: &Scanned,
        symbol: &str,
        raw: &mut RawBuf,
    ) -> Option<()> {
        self.read_by(Baseline, frame, from, stream, symbol, raw)
    }

    /// Reads numbers by the instructions that every processor has, whatever this one has.
    pub(in crate::binance::parse) fn take_baseline(&mut self) {
        #[cfg(target_arch = "x86_64")]
        {
            self.v3 = None;
        }
    }

    #[inline(always)]
    pub(super) fn read_by(
        &mut self,
        isa: impl Isa,
        (length, payload): (usize, &[u8]),
        from: &RawOrigin,
        stream: &Scanned,
        symbol: &str,
        raw: &mut RawBuf,
    ) -> Option<()> {
        let Scanned { instrument, topic, .. } = stream;
        let symbol = Symbol { quoted: &stream.symbol, text: symbol };
        let mut place = self.guessed[length % LENGTHS];
        if place != stream.shape {
            place = self.guess_again(length, stream.shape);
        }
        let shape = self.met.get_mut(usize::from(place))?;
        raw.begin(from, *topic, shape.specs.len());
        raw.set_instrument(*instrument);
        match shape.read(isa, payload, &mut self.tail, symbol, raw) {
            Some(()) => Some(()),
            None => otherwise(shape, payload, from, stream, symbol, raw),
        }
    }

    /// The shape's place, which is guessed from then on. What is known of a stream comes out of a look-up by its name, a long chain of steps, and
    /// where each value stands would wait for it; the length of a frame tells its kind at once, nearly always.
    // A call, for a choice between two equal values would be none.
    #[cold]
    #[inline(never)]
    fn guess_again(&mut self, length: usize, place: u16) -> u16 {
        self.guessed[length % LENGTHS] = place;
        place
    }
}

/// Reads a payload key by key. How it is written is remembered at the first, second, fourth, … miss: formats may change, and two
/// that alternate must not be learned for ever.
#[cold]
#[inline(never)]
fn otherwise(
    shape: &mut Shape,
    payload: &[u8],
    from: &RawOrigin,
    stream: &Scanned,
    symbol: Symbol<'_>,
    raw: &mut RawBuf,
) -> Option<()> {
    let kind = stream.topic.kind;
    raw.begin(from, stream.topic, shape.specs.len());
    raw.set_instrument(stream.instrument);
    let mut newest = Shape { specs: shape.specs, form: shape.form, ..Shape::UNKNOWN };
    let mut whole = true;
    payload::read(payload, kind, symbol, raw, |key, place, value| {
        whole = whole && newest.note(kind, key, place, value, symbol).is_some();
    })?;
    shape.misses = shape.misses.saturating_add(1);
    if whole && shape.misses.is_power_of_two() {
        *shape = Shape { misses: shape.misses, ..newest };
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::plain::PLAIN;
    use super::*;
    use crate::schema::id::{ConnectionId, InstrumentId, TraceIds};
    use crate::schema::instrument::uppercase_symbol;
    use crate::schema::time::UnixNanos;
    use crate::schema::topic::StreamName;

    /// Shapes, and what they make of payloads.
    #[derive(Default)]
    struct Desk {
        shapes: Shapes,
        raw: RawBuf,
    }

    impl Desk {
        /// The record of a payload, if it is taken.
        fn read(&mut self, market: Market, name: &str, payload: &str) -> Option<Vec<u64>> {
            let StreamName { symbol, topic } = StreamName::parse(name)?;
            let symbol = uppercase_symbol(symbol?);
            let stream = Scanned::new(market, name, &symbol, InstrumentId(0), topic)?;
            let (connection, receive, traces) = (ConnectionId(1), UnixNanos(1), TraceIds::new(1));
            let from = RawOrigin { market, connection, number: 1, receive, ingress_ns: 1, traces };
            let frame = (payload.len(), payload.as_bytes());
            self.shapes.read(frame, &from, &stream, &symbol, &mut self.raw)?;
            let raw = self.raw.finish().ok()?;
            let mut words = vec![0; raw.words()];
            raw.copy_to(&mut words);
            Some(words)
        }

        fn misses(&self) -> u32 {
            self.shapes.met.iter().map(|shape| shape.misses).sum()
        }
    }

    #[test]
    fn a_payload_written_as_the_one_before_is_read_alike_without_its_keys() {
        for (market, name, payload) in PLAIN {
            let mut desk = Desk::default();
            let first = desk.read(market, name, payload);
            assert_eq!(
                (desk.read(market, name, payload), first.is_some()),
                (first.clone(), desk.misses() == 1),
                "{payload}"
            );
            assert!(desk.misses() <= 1, "{payload}");
        }
    }

    #[test]
    fn a_text_that_is_another_one_is_read_all_the_same_and_is_no_miss() {
        for (at, from, texts) in [
            (5, "MARKET", ["NA", "INSURANCE_FUND", "", "LONGER THAN A WINDOW SHOWS", "market", "MARKETS"]),
            (
                11,
                "\"ps\":\"BTCUSDT",
                ["\"ps\":\"ETHUSDT", "\"ps\":\"", "\"ps\":\"BTCUSD", "\"ps\":\"BTCUSDTX", "\"ps\":\"x", "\"ps\":\"1"],
            ),
            (1, "bookTicker", ["bookTicke", "bookTickers", "", "BOOKTICKER", "x", "24hrMiniTicker"]),
        ] {
            let (market, name, payload) = PLAIN[at];
            let mut desk = Desk::default();
            desk.read(market, name, payload).unwrap();
            for text in texts {
                let other = payload.replacen(from, text, 1);
                assert_ne!(other, payload);
                let read = desk.read(market, name, &other);
                assert_eq!((&read, desk.misses()), (&Desk::default().read(market, name, &other), 1), "{other}");
                assert!(read.is_some(), "{other}");
            }
        }
    }

    #[test]
    fn a_payload_is_read_alike_however_long_its_end_is() {
        // So that each place of a step comes to lie where the end begins; nineteen digits are the most that are held.
        let (market, name, _) = PLAIN[0];
        let mut desk = Desk::default();
        for digits in 1..=30 {
            for before in 1..=8 {
                let (price, last) = ("9".repeat(before), "123456789012345678901234567890".split_at(digits).0);
                let payload =
                    format!(r#"{{"u":1,"s":"BTCUSDT","b":"{price}.5","B":"0.1","a":"{price}","A":"{last}"}}"#);
                let expected = Desk::default().read(market, name, &payload);
                assert_eq!(desk.read(market, name, &payload), expected, "{payload}");
                assert_eq!(expected.is_some(), digits <= 19, "{payload}");
                let cut = &payload[..payload.len() - 1];
                assert_eq!(
                    (desk.read(market, name, cut), desk.read(market, name, &format!("{payload}}}"))),
                    (None, None)
                );
            }
        }
    }

    #[test]
    fn another_way_of_writing_is_learned_and_two_that_alternate_are_not_learned_for_ever() {
        let [(market, name, short), (_, _, long)] = [PLAIN[1], PLAIN[2]];
        let mut desk = Desk::default();
        let (mut learned, mut count) = (0, desk.shapes.met.iter().map(|shape| shape.count).max());
        for round in 1..=1_000_u32 {
            for payload in [short, long] {
                assert!(desk.read(market, name, payload).is_some());
                let now = desk.shapes.met.iter().map(|shape| shape.count).max();
                learned += u32::from(now != count);
                count = now;
            }
            assert!(desk.misses() <= 2 * round);
        }
        assert!((2..=12).contains(&learned), "learned {learned} times");
        for payload in [short, long, short] {
            assert_eq!(desk.read(market, name, payload), Desk::default().read(market, name, payload), "{payload}");
        }
    }

    #[test]
    fn a_payload_that_is_read_neither_way_leaves_the_shape_as_it_was() {
        let (market, name, payload) = PLAIN[3];
        let mut desk = Desk::default();
        desk.read(market, name, payload).unwrap();
        for (from, to) in [("\"p\"", "\"zz\""), ("0.02", "x"), ("}", "},"), ("\"trade\"", "\"serverShutdown\"")] {
            assert_eq!(desk.read(market, name, &payload.replacen(from, to, 1)), None, "{to}");
        }
        assert!(desk.read(market, name, payload).is_some());
        assert_eq!(desk.misses(), 1);
    }
}
