//! Purpose: a position in a frame's bytes, and what can be read from there: keys, numbers, decimals, texts.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, values out; `None` for all that is not plainly one.
//! Never: reads past the end; takes a spelling that JSON forbids.

use super::isa::Isa;
use super::level::{Form, ShortLevel};
use super::number::{Digits, Held, Here, View};
use super::piece::Piece;
use super::window::{WINDOW, Window};
use crate::schema::decimal::Decimal;
use crate::schema::digits::first_sixteen;

/// A position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    // Nothing else: a position fits two registers, and steps apart from the way take and give it there.
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    #[inline]
    pub(super) const fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
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
        if !piece.begins(self.window()) {
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
        match self.rest.first_chunk() {
            Some(next) => Window::of(next),
            None => Window::of(&held(self.rest).to_le_bytes()),
        }
    }

    /// A whole number of 1 to 18 digits, without a sign. What follows it is the caller's to judge.
    #[inline(always)]
    pub(super) fn whole(&mut self) -> Option<i64> {
        let (value, digits) = match self.rest.first_chunk() {
            Some(next) => View(Here(next)).whole(),
            None => View(Held(held(self.rest))).whole(),
        }?;
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
        // Each way makes its number itself: digits that come from two ways meet in memory, and are waited for there.
        let read = match self.rest.first_chunk() {
            Some(next) => View(Here(next)).quoted().and_then(|(digits, length)| Some((digits.decimal()?, length))),
            None => last_decimal(self.rest),
        };
        match read {
            Some((value, length)) => {
                self.pass(length + 1)?;
                Some(value)
            }
            None => {
                let (value, at) = any_decimal(*self)?;
                *self = at;
                Some(value)
            }
        }
    }

    /// The next level of short decimals, passed with what ends it; `None` when none comes next, or the end of the frame is near. Prices are
    /// of one form, most likely.
    #[inline(always)]
    pub(super) fn short_level<I: Isa>(&mut self, isa: I, form: &mut Form) -> Option<ShortLevel<I::Digits>> {
        let level = ShortLevel::read(isa, self.rest.first_chunk()?, form)?;
        self.pass(level.length)?;
        Some(level)
    }

    /// The next level of short decimals, wherever the frame ends, passed with what ends it.
    #[cold]
    pub(super) fn level_near_end(&mut self) -> Option<ShortLevel<Digits>> {
        let begun = self.rest.len();
        let (price, length) = View(Held(held(self.rest))).quoted()?;
        self.pass(length)?;
        self.literal(b"\",\"")?;
        let (quantity, length) = View(Held(held(self.rest))).quoted()?;
        self.pass(length)?;
        let is_last = self.literal(b"\"],[\"").is_none();
        if is_last {
            self.literal(b"\"]]")?;
        }
        Some(ShortLevel { price, quantity, length: begun - self.rest.len(), is_last })
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
}

// What is rare is handed positions by value: one whose address is taken lives in memory, and each step would go there.

/// The next bytes near a frame's end, sixteen at the most, the first the lowest; zeros stand for what is not there.
#[inline(never)]
fn held(last: &[u8]) -> u128 {
    first_sixteen(last)
}

#[inline(never)]
fn last_decimal(last: &[u8]) -> Option<(Decimal, usize)> {
    let (digits, length) = View(Held(held(last))).quoted()?;
    Some((digits.decimal()?, length))
}

/// As [`Cursor::whole`], once sixteen digits are passed: two more at the most, for eighteen always fit.
#[cold]
pub(super) fn longer(sixteen: u64, mut at: Cursor<'_>) -> Option<(i64, Cursor<'_>)> {
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
pub(super) fn any_decimal(mut at: Cursor<'_>) -> Option<(Decimal, Cursor<'_>)> {
    let value = Decimal::parse(at.quoted()?).ok()?;
    Some((value, at))
}

#[cfg(test)]
mod tests {
    use super::super::isa::Baseline;
    use super::super::level::LEVEL;
    use super::*;

    #[test]
    fn levels_are_the_same_wherever_the_frame_ends() {
        for (price, quantity) in [("1.5", "2"), ("7654321.1234567", "0.00000001"), ("0.10", "12345678")] {
            for (behind, is_last) in [("\"],[\"", false), ("\"]]", true), ("\"],]", false), ("\"", false)] {
                let level = format!("{price}\",\"{quantity}{behind}");
                let expected = (behind.len() > 1 && behind != "\"],]").then_some(is_last);
                for more in 0..64 {
                    let frame = format!("{level}{}", "~".repeat(more));
                    let mut cursor = Cursor::new(frame.as_bytes());
                    let mut form = Form::UNKNOWN;
                    let read = match frame.len() {
                        LEVEL.. => {
                            // The form that it learns reads the same.
                            let first = cursor.short_level(Baseline, &mut form);
                            cursor = Cursor::new(frame.as_bytes());
                            let again = cursor.short_level(Baseline, &mut form);
                            assert_eq!(first.map(|level| level.price), again.map(|level| level.price), "{frame}");
                            again
                        }
                        _ => cursor.level_near_end(),
                    };
                    assert_eq!(read.map(|level| level.is_last), expected, "{frame}");
                    let Some(read) = read else { continue };
                    let at_eight = |text: &str| Decimal::parse(text.as_bytes()).unwrap().mantissa_at(8).unwrap();
                    assert_eq!(
                        (read.price.at_eight(), read.quantity.at_eight()),
                        (at_eight(price), at_eight(quantity))
                    );
                    assert_eq!((read.length, cursor.rest().len()), (level.len(), more), "{frame}");
                }
            }
        }
    }
}
