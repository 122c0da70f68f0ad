//! Purpose: a position in a frame's bytes, and what can be read from there: keys, numbers, decimals, texts.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, values out; `None` for all that is not plainly one.
//! Never: reads past the end; takes a spelling that JSON forbids.

use super::piece::Piece;
use super::window::{Digits, WINDOW, Window};
use crate::schema::decimal::Decimal;
use crate::schema::raw::RawBuf;

/// A position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    #[inline]
    pub(super) const fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, rest: bytes }
    }

    /// What is not read yet.
    #[inline]
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline(always)]
    fn pass(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// Passes these bytes, if they come next.
    #[inline]
    pub(super) fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// Passes a piece, if it comes next.
    #[inline(always)]
    pub(super) fn piece(&mut self, piece: &Piece) -> Option<()> {
        if !piece.begins(&self.window()) {
            return None;
        }
        self.pass(piece.length())
    }

    /// What lies between this position and a later one.
    pub(super) fn passed(&self, later: &Cursor<'_>) -> &'a [u8] {
        self.rest.get(..self.rest.len().saturating_sub(later.rest.len())).unwrap_or_default()
    }

    /// `true` or `false`, passed.
    #[inline(always)]
    pub(super) fn truth(&mut self) -> Option<bool> {
        if self.literal(b"true").is_some() {
            return Some(true);
        }
        self.literal(b"false").map(|()| false)
    }

    /// The next sixteen bytes; zeros stand for what is not there.
    #[inline(always)]
    fn window(&self) -> Window {
        match self.rest.first_chunk::<WINDOW>() {
            Some(chunk) => Window(*chunk),
            None => last_window(self.bytes, self.rest.len()),
        }
    }

    /// A whole number from 0 to 18 digits, without a sign. What follows it is the caller's to judge.
    #[inline(always)]
    pub(super) fn whole(&mut self) -> Option<i64> {
        let (value, digits) = self.window().whole()?;
        self.pass(digits)?;
        if digits == WINDOW {
            let (value, at) = longer(value, *self)?;
            *self = at;
            return Some(value);
        }
        i64::try_from(value).ok()
    }

    /// The bytes up to the next quote, which is passed.
    #[inline]
    pub(super) fn quoted(&mut self) -> Option<&'a [u8]> {
        let mut looked = *self;
        for windows in 0..2 {
            let quotes = looked.window().quotes();
            if quotes != 0 {
                return self.up_to(windows * WINDOW + quotes.trailing_zeros() as usize);
            }
            looked.pass(WINDOW)?;
        }
        self.long_quoted()
    }

    /// Likewise, however long.
    #[cold]
    fn long_quoted(&mut self) -> Option<&'a [u8]> {
        let length = self.rest.iter().position(|byte| *byte == b'"')?;
        self.up_to(length)
    }

    /// The next `length` bytes, passed with the quote behind them.
    #[inline]
    fn up_to(&mut self, length: usize) -> Option<&'a [u8]> {
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    /// A decimal up to the next quote, which is passed.
    #[inline(always)]
    pub(super) fn decimal(&mut self) -> Option<Decimal> {
        match self.digits() {
            Some(digits) => digits.decimal(),
            None => {
                let (value, at) = any_decimal(*self)?;
                *self = at;
                Some(value)
            }
        }
    }

    /// The digits of a short decimal up to the next quote, which is passed; nothing moves when none comes next.
    #[inline(always)]
    pub(super) fn digits(&mut self) -> Option<Digits> {
        let (digits, length) = self.window().digits()?;
        self.pass(length + 1)?;
        Some(digits)
    }

    /// A text up to the next quote, which is passed: printable ASCII without escapes.
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let text = match self.window().plain_text() {
            Some(length) => self.up_to(length)?,
            None => self.long_text()?,
        };
        core::str::from_utf8(text).ok()
    }

    #[cold]
    fn long_text(&mut self) -> Option<&'a [u8]> {
        let plain = |text: &&[u8]| text.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\');
        self.quoted().filter(plain)
    }

    /// Passes a text that is known, and the quote behind it.
    #[inline]
    pub(super) fn known(&mut self, known: &Known) -> Option<()> {
        if let Some(quoted) = &known.quoted {
            return self.piece(quoted);
        }
        self.literal(known.text.as_bytes())?;
        self.literal(b"\"")
    }
}

// What is rare is handed positions by value: one whose address is taken lives in memory, and each step would go there.

/// The next sixteen bytes near the end, of which `left` are there: the last sixteen hold them too. A frame shorter than that is
/// none of ours.
fn last_window(bytes: &[u8], left: usize) -> Window {
    let Some(last) = bytes.last_chunk::<WINDOW>() else { return Window([0; WINDOW]) };
    let gone = 8 * (WINDOW - left) as u32;
    Window(u128::from_le_bytes(*last).checked_shr(gone).unwrap_or(0).to_le_bytes())
}

/// As [`Cursor::whole`], once sixteen digits are passed: two more at the most, for eighteen always fit.
#[cold]
fn longer(sixteen: u64, mut at: Cursor<'_>) -> Option<(i64, Cursor<'_>)> {
    let mut value = sixteen;
    for _ in 0..3 {
        match at.rest.first() {
            Some(digit @ b'0'..=b'9') => value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?,
            _ => return Some((i64::try_from(value).ok()?, at)),
        }
        at.pass(1)?;
    }
    None
}

#[cold]
fn any_decimal(mut at: Cursor<'_>) -> Option<(Decimal, Cursor<'_>)> {
    let value = Decimal::parse(at.quoted()?).ok()?;
    Some((value, at))
}

/// A text that many frames have, made ready to be compared.
#[derive(Clone, Debug)]
pub(in crate::binance::parse) struct Known {
    text: Box<str>,
    /// With its quote; `None` when it is too long for a window.
    quoted: Option<Piece>,
}

impl Known {
    /// Makes a text ready.
    pub(in crate::binance::parse) fn new(text: &str) -> Known {
        let quoted = Piece::new(text.as_bytes()).and_then(|piece| piece.and(b'"'));
        Known { text: text.into(), quoted }
    }

    /// Puts it into a slot.
    #[inline]
    pub(super) fn put(&self, slot: usize, raw: &mut RawBuf) {
        match &self.quoted {
            Some(quoted) => {
                let (bytes, length) = quoted.without_last();
                raw.set_padded(slot, &bytes, length);
            }
            None => raw.set_text(slot, &self.text),
        }
    }
}
