//! Purpose: a position in a frame's bytes, and what can be read from there: keys, numbers, decimals, texts.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, values out; `None` for all that is not plainly one.
//! Never: reads past the end; takes a spelling that JSON forbids.

use super::window::{WINDOW, Window};
use crate::schema::decimal::Decimal;

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

    #[inline]
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

    /// The letter of a one-letter key behind `before` (`{` or `,`), passed with its quotes and colon; nothing moves when
    /// none comes next.
    #[inline]
    pub(super) fn letter_key(&mut self, before: u8) -> Option<u8> {
        const SHAPE: u64 = u64::from_le_bytes([0, b'"', 0, b'"', b':', 0, 0, 0]);
        const FIXED: u64 = u64::from_le_bytes([0xff, 0xff, 0, 0xff, 0xff, 0, 0, 0]);
        let word = u64::from_le_bytes(*self.rest.first_chunk::<8>()?);
        if word & FIXED != SHAPE | u64::from(before) {
            return None;
        }
        self.pass(5)?;
        Some((word >> 16) as u8)
    }

    /// The next sixteen bytes; zeros stand for what is not there.
    #[inline]
    fn window(&self) -> Window {
        Window(match self.rest.first_chunk::<WINDOW>() {
            Some(chunk) => u128::from_le_bytes(*chunk),
            // The last sixteen bytes hold them too; a frame shorter than that is none of ours.
            None => self.bytes.last_chunk::<WINDOW>().map_or(0, |last| {
                u128::from_le_bytes(*last).checked_shr(8 * (WINDOW - self.rest.len()) as u32).unwrap_or(0)
            }),
        })
    }

    /// A whole number from 0 to 18 digits, without a sign. What follows it is the caller's to judge.
    #[inline]
    pub(super) fn whole(&mut self) -> Option<i64> {
        let (value, digits) = self.window().whole()?;
        self.pass(digits)?;
        if digits == WINDOW {
            return self.longer(value);
        }
        i64::try_from(value).ok()
    }

    /// As [`Cursor::whole`], once sixteen digits are passed: two more at the most, for eighteen always fit.
    #[cold]
    fn longer(&mut self, sixteen: u64) -> Option<i64> {
        let mut value = sixteen;
        for _ in 0..3 {
            match self.rest.first() {
                Some(digit @ b'0'..=b'9') => value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?,
                _ => return i64::try_from(value).ok(),
            }
            self.pass(1)?;
        }
        None
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
    #[inline]
    pub(super) fn decimal(&mut self) -> Option<Decimal> {
        match self.window().decimal() {
            Some((value, length)) => {
                self.pass(length + 1)?;
                Some(value)
            }
            None => self.any_decimal(),
        }
    }

    #[cold]
    fn any_decimal(&mut self) -> Option<Decimal> {
        Decimal::parse(self.quoted()?).ok()
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
        if known.mask != 0 {
            return ((self.window().0 ^ known.word) & known.mask == 0).then(|| self.pass(known.text.len() + 1))?;
        }
        self.literal(known.text.as_bytes())?;
        self.literal(b"\"")
    }
}

/// A text that many frames have, made ready to be compared.
#[derive(Clone, Debug)]
pub(in crate::binance::parse) struct Known {
    text: Box<str>,
    word: u128,
    /// What of `word` counts; 0: the text is too long for a window.
    mask: u128,
}

impl Known {
    /// Makes a text ready.
    pub(in crate::binance::parse) fn new(text: &str) -> Known {
        let mut known = Known { text: text.into(), word: 0, mask: 0 };
        if text.len() < WINDOW {
            let (mut word, mut mask) = ([0; WINDOW], [0; WINDOW]);
            word[..text.len()].copy_from_slice(text.as_bytes());
            word[text.len()] = b'"';
            mask[..=text.len()].fill(0xff);
            (known.word, known.mask) = (u128::from_le_bytes(word), u128::from_le_bytes(mask));
        }
        known
    }

    /// The text.
    #[inline]
    pub(in crate::binance::parse) fn text(&self) -> &str {
        &self.text
    }
}
