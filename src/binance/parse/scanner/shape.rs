//! Purpose: how a kind's payloads are written, as the last one was: what stands between the values, and what the values are. A
//! venue writes all frames of a kind alike, so most are read by comparing what is expected, without looking a key up.
//! Owns: one shape a market and kind. Thread: the io thread. Takes and gives: bytes in, a filled `RawBuf` out, or "otherwise".
//! Never: takes a payload that `payload::read` would not, for a shape is only what that has read; allocates.

use super::cursor::Cursor;
use super::known::Known;
use super::level::Form;
use super::payload::{self, side};
use super::piece::Piece;
use crate::binance::parse::keys::Place;
use crate::schema::id::Market;
use crate::schema::layout::{SlotSpec, Want, layout, symbol_slot};
use crate::schema::raw::{RawBuf, Side};
use crate::schema::topic::StreamKind;

/// The most values of a payload that has a shape; longer ones are read key by key.
const STEPS_MAX: usize = 16;

/// What stands behind a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Int,
    Decimal,
    Bool,
    /// The stream's symbol.
    Symbol,
    /// The shape's constant: the name of the event, which all payloads of a kind share.
    Constant,
    Bids,
    Asks,
    /// Another text.
    Text,
}

/// What is expected, and the value behind it.
#[derive(Clone, Copy, Debug)]
struct Step {
    literal: Piece,
    what: What,
    slot: u8,
}

/// How a kind's payloads are written.
#[derive(Clone, Debug)]
struct Shape {
    steps: [Step; STEPS_MAX],
    count: usize,
    constant: Piece,
    /// The slots of the numbers among the values, as `RawHeader::present` has them.
    numbers: u64,
    /// How many payloads were written otherwise.
    misses: u32,
}

impl Shape {
    const UNKNOWN: Shape = Shape {
        steps: [Step { literal: Piece::EMPTY, what: What::Int, slot: 0 }; STEPS_MAX],
        count: 0,
        constant: Piece::EMPTY,
        numbers: 0,
        misses: 0,
    };

    fn read(&self, payload: &[u8], specs: &[SlotSpec], symbol: &Known, raw: &mut RawBuf) -> Option<()> {
        let (mut cursor, mut form) = (Cursor::new(payload), Form::UNKNOWN);
        for Step { literal, what, slot } in self.steps.get(..self.count)? {
            cursor.piece(literal)?;
            let slot = usize::from(*slot);
            match what {
                What::Int => raw.put_int(slot, cursor.whole()?),
                What::Decimal => raw.put_decimal(slot, cursor.decimal()?),
                What::Bool => raw.set_bool(slot, cursor.truth()?),
                What::Symbol => cursor = symbol.pass(cursor, slot, raw)?,
                What::Constant => cursor = self.pass_constant(cursor, slot, raw)?,
                What::Bids => cursor = side(cursor, Side::Bid, raw, &mut form)?,
                What::Asks => cursor = side(cursor, Side::Ask, raw, &mut form)?,
                What::Text => cursor = payload::set_text(cursor, &specs[slot], slot, raw)?,
            }
        }
        raw.note_present(self.numbers);
        (self.count > 0 && cursor.rest() == b"}").then_some(())
    }

    // Apart, so that the loop does not carry what only this needs.
    #[inline(never)]
    fn pass_constant<'a>(&self, mut cursor: Cursor<'a>, slot: usize, raw: &mut RawBuf) -> Option<Cursor<'a>> {
        cursor.piece(&self.constant)?;
        let (bytes, length) = self.constant.without_last();
        raw.set_padded(slot, &bytes, length);
        Some(cursor)
    }

    /// Notes the next value of a payload; one that cannot be noted leaves no shape.
    fn note(&mut self, kind: StreamKind, key: &[u8], place: Place, value: &[u8]) -> Option<()> {
        let step = self.steps.get_mut(self.count)?;
        let (what, slot) = match place {
            Place::Slot(slot) => (what(self.constant, kind, slot, value), slot),
            Place::Bids => (What::Bids, 0),
            Place::Asks => (What::Asks, 0),
            Place::Nested | Place::Unknown => return None,
        };
        let quoted = matches!(what, What::Decimal | What::Symbol | What::Constant | What::Text);
        let mut literal = Piece::new(key)?;
        if quoted {
            literal = literal.and(b'"')?;
        }
        if what == What::Constant {
            self.constant = Piece::new(value.strip_prefix(b"\"")?)?;
        }
        if matches!(what, What::Int | What::Decimal) {
            self.numbers |= 1 << slot;
        }
        *step = Step { literal, what, slot: slot as u8 };
        self.count += 1;
        Some(())
    }
}

fn what(constant: Piece, kind: StreamKind, slot: usize, value: &[u8]) -> What {
    match layout(kind)[slot].want {
        Want::Int => What::Int,
        Want::Decimal => What::Decimal,
        Want::Bool => What::Bool,
        Want::Text if symbol_slot(kind) == Some(slot) => What::Symbol,
        Want::Text if layout(kind)[slot].key == "e" && constant.is_empty() && value.len() <= 16 => What::Constant,
        Want::Text => What::Text,
    }
}

/// The shapes that were met.
#[derive(Debug)]
pub(in crate::binance::parse) struct Shapes(Vec<Shape>);

impl Default for Shapes {
    fn default() -> Self {
        Shapes(vec![Shape::UNKNOWN; Market::ALL.len() * StreamKind::ALL.len()])
    }
}

impl Shapes {
    /// Reads a payload of a kind into `raw`, which `begin` has begun. `None`: not mine, and `raw` is to be begun anew.
    #[inline]
    pub(in crate::binance::parse) fn read(
        &mut self,
        payload: &[u8],
        (market, kind): (Market, StreamKind),
        symbol: &Known,
        raw: &mut RawBuf,
        begin: impl Fn(&mut RawBuf),
    ) -> Option<()> {
        let at = (market as usize - 1) * StreamKind::ALL.len() + (kind as usize - 1);
        let shape = self.0.get_mut(at)?;
        begin(raw);
        if shape.read(payload, layout(kind), symbol, raw).is_some() {
            return Some(());
        }
        begin(raw);
        otherwise(shape, payload, kind, symbol, raw)
    }
}

/// Reads a payload key by key. How it is written is remembered at the first, second, fourth, … miss: formats may change, and two
/// that alternate must not be learned for ever.
#[cold]
fn otherwise(shape: &mut Shape, payload: &[u8], kind: StreamKind, symbol: &Known, raw: &mut RawBuf) -> Option<()> {
    let mut newest = Shape::UNKNOWN;
    let mut whole = true;
    payload::read(payload, kind, symbol, raw, |key, place, value| {
        whole = whole && newest.note(kind, key, place, value).is_some();
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
    use crate::schema::id::{ConnectionId, TraceId};
    use crate::schema::instrument::uppercase_symbol;
    use crate::schema::raw::RawOrigin;
    use crate::schema::time::UnixNanos;
    use crate::schema::topic::{StreamName, Topic};

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
            let symbol = Known::new(&uppercase_symbol(symbol?));
            let (connection, receive, trace) = (ConnectionId(1), UnixNanos(1), TraceId([1, 1]));
            let from = RawOrigin { market, connection, number: 1, receive, ingress_ns: 1, trace };
            let begin = |raw: &mut RawBuf| raw.begin(&from, Topic::plain(topic.kind), layout(topic.kind).len());
            self.shapes.read(payload.as_bytes(), (market, topic.kind), &symbol, &mut self.raw, begin)?;
            let raw = self.raw.finish().ok()?;
            let mut words = vec![0; raw.words()];
            raw.copy_to(&mut words);
            Some(words)
        }

        fn misses(&self) -> u32 {
            self.shapes.0.iter().map(|shape| shape.misses).sum()
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
    fn another_way_of_writing_is_learned_and_two_that_alternate_are_not_learned_for_ever() {
        let [(market, name, short), (_, _, long)] = [PLAIN[1], PLAIN[2]];
        let mut desk = Desk::default();
        let (mut learned, mut count) = (0, desk.shapes.0.iter().map(|shape| shape.count).max());
        for round in 1..=1_000_u32 {
            for payload in [short, long] {
                assert!(desk.read(market, name, payload).is_some());
                let now = desk.shapes.0.iter().map(|shape| shape.count).max();
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
