//! Purpose: the steps by which a payload is read that is written as the one before: a literal that is compared, the value behind it.
//! Owns: a payload's end, with zeros behind it. Thread: the io thread. Takes and gives: bytes in, values into a `RawBuf`, what is left out.
//! Never: looks a key up; reads on behind what was expected and is not there.

use super::cursor::{Cursor, any_decimal, longer};
use super::isa::Isa;
use super::level::Form;
use super::number::{FIRST, Next, VIEW};
use super::payload;
use super::piece::Piece;
use super::window::{WINDOW, Window};
use crate::schema::layout::SlotSpec;
use crate::schema::raw::{RawBuf, Side};

/// The most texts that are expected; payloads of more are read key by key.
pub(super) const TEXTS_MAX: usize = 4;

/// What stands behind a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Int,
    Decimal,
    Bool,
    /// The stream's symbol.
    Symbol,
    /// Another text; most likely the one before, or the stream's symbol again.
    Text,
    Bids,
    Asks,
}

/// What is expected, and the value behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) literal: Piece,
    pub(super) what: What,
    pub(super) slot: u8,
    /// Of a text: which one is expected, in `Shape::texts`; beyond them the stream's symbol.
    pub(super) text: u8,
}

/// A stream's symbol as the directory has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol<'s> {
    /// With its quote; empty when that is more than a window shows.
    pub(super) quoted: &'s Piece,
    /// Where `quoted` is empty.
    pub(super) text: &'s str,
}

impl Symbol<'_> {
    /// Passes it with the quote behind it, and puts it into a slot.
    #[cold]
    #[inline(never)]
    pub(super) fn pass_long<'a>(self, mut cursor: Cursor<'a>, slot: usize, raw: &mut RawBuf) -> Option<Cursor<'a>> {
        if !self.quoted.is_empty() {
            return None;
        }
        cursor.literal(self.text.as_bytes())?;
        cursor.literal(b"\"")?;
        raw.set_text(slot, self.text);
        Some(cursor)
    }
}

/// What a shape's values are held against.
pub(super) struct Expected<'s> {
    pub(super) texts: &'s [Piece; TEXTS_MAX],
    pub(super) symbol: Symbol<'s>,
    pub(super) specs: &'static [SlotSpec],
}

impl Expected<'_> {
    /// Goes all steps. What is left of the payload.
    #[inline(always)]
    pub(super) fn go<'p, I: Isa>(
        &self,
        isa: I,
        steps: &[Step],
        payload: &'p [u8],
        tail: &mut Tail,
        form: &mut Form,
        raw: &mut RawBuf,
    ) -> Option<&'p [u8]> {
        isa.keep(payload, tail);
        let mut rest = payload;
        for Step { literal, what, slot, text } in steps {
            if !literal.begins(Window(isa.next(rest, payload, tail)?.vector())) {
                return None;
            }
            rest = rest.get(literal.length()..)?;
            let (next, slot) = (isa.next(rest, payload, tail)?, usize::from(*slot));
            let length = match what {
                What::Decimal => match isa.decimal(next) {
                    Some((decimal, length)) => {
                        raw.put_decimal(slot, decimal);
                        length + 1
                    }
                    // Each way hands on its number itself: what comes from two ways meets in memory, and is waited for there.
                    None => {
                        let (decimal, left) = any_decimal(Cursor::new(rest))?;
                        raw.put_decimal(slot, decimal);
                        rest = left.rest();
                        continue;
                    }
                },
                What::Int => {
                    let (number, digits) = isa.whole(next)?;
                    if digits == WINDOW {
                        let (number, left) = longer(number, Cursor::new(rest.get(digits..)?))?;
                        raw.put_int(slot, number);
                        rest = left.rest();
                        continue;
                    }
                    raw.put_int(slot, i64::try_from(number).ok()?);
                    digits
                }
                What::Bool => {
                    let (truth, length) = truth(next)?;
                    raw.put_bool(slot, truth);
                    length
                }
                What::Bids | What::Asks => {
                    let of = if *what == What::Bids { Side::Bid } else { Side::Ask };
                    rest = isa.side(Cursor::new(rest), of, raw, form)?.rest();
                    continue;
                }
                What::Symbol | What::Text => {
                    let expected = self.texts.get(usize::from(*text)).unwrap_or(self.symbol.quoted);
                    let window = Window(next.vector());
                    if expected.begins(window) && !expected.is_empty() {
                        let (bytes, length) = expected.without_last();
                        raw.put_padded(slot, bytes, length);
                        // That of what is expected, but known from the frame: a symbol's comes out of a look-up by the stream's name, and
                        // where each value behind it stands would wait for it.
                        window.quotes().trailing_zeros() as usize + 1
                    } else {
                        let left = match what {
                            What::Symbol => self.symbol.pass_long(Cursor::new(rest), slot, raw)?,
                            _ => payload::set_text(Cursor::new(rest), &self.specs[slot], slot, raw)?,
                        };
                        rest = left.rest();
                        continue;
                    }
                }
            };
            rest = rest.get(length..)?;
        }
        Some(rest)
    }
}

/// `true` or `false`, and how long it is.
#[inline(always)]
fn truth(next: impl Next) -> Option<(bool, usize)> {
    let [yes, no] = [u64::from_le_bytes(*b"true\0\0\0\0"), u64::from_le_bytes(*b"false\0\0\0")];
    let next = next.word(0);
    let (is_true, is_false) = (next & FIRST[4] == yes, next & FIRST[5] == no);
    // Nothing to guess: who made a trade changes from one to the next.
    (is_true | is_false).then_some((is_true, 4 + usize::from(is_false)))
}

/// The end of a payload with zeros behind it, so that near it as many bytes are looked at as elsewhere. It is written when a payload begins and
/// read near its end: a load of what was stored in pieces a moment ago would wait for all of them.
#[derive(Debug)]
pub(super) struct Tail([u8; 2 * VIEW]);

impl Default for Tail {
    fn default() -> Self {
        Tail([0; 2 * VIEW])
    }
}

impl Tail {
    /// The last bytes of a payload, as many as are looked at, with zeros behind them; of a shorter one all, with
    /// other bytes before them.
    #[inline(always)]
    pub(super) fn hold(&mut self, payload: &[u8]) {
        let (last, _) = self.0.split_at_mut(VIEW);
        match payload.last_chunk::<VIEW>() {
            Some(bytes) => last.copy_from_slice(bytes),
            None => last[VIEW - payload.len()..].copy_from_slice(payload),
        }
    }

    /// The bytes of the payload that was held last, from where so many are left, at most as many as are looked at.
    #[inline(always)]
    pub(super) fn last(&self, left: usize) -> Option<&[u8; VIEW]> {
        self.0.get(VIEW.checked_sub(left)?..)?.first_chunk()
    }
}
