//! Purpose: a position in a frame's bytes, and what can be read from there: numbers, decimals, texts.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, values out; `None` for all that is not plainly one.
//! Never: reads past the end; takes a spelling that JSON forbids.

use crate::schema::decimal::Decimal;
use crate::schema::digits::{eight_digits, everywhere, lowest_zero, non_digits};

/// Bytes that one window shows.
const WINDOW: usize = 16;

/// A position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    #[inline]
    pub(super) const fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    /// Whether all was read.
    #[inline]
    pub(super) const fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The next byte, passed.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Passes these bytes, if they come next.
    #[inline]
    pub(super) fn literal(&mut self, expected: &[u8]) -> Option<()> {
        let end = self.at + expected.len();
        (self.bytes.get(self.at..end)? == expected).then(|| self.at = end)
    }

    /// The letter of a one-letter key, passed with its quotes and colon; nothing moves when none comes next.
    #[inline]
    pub(super) fn letter_key(&mut self) -> Option<u8> {
        match self.bytes.get(self.at..)?.first_chunk::<4>()? {
            [b'"', letter, b'"', b':'] => {
                self.at += 4;
                Some(*letter)
            }
            _ => None,
        }
    }

    /// The next sixteen bytes, the first the lowest; zeros stand for what is not there.
    #[inline]
    fn window(&self) -> (u64, u64) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let word = match rest.first_chunk::<WINDOW>() {
            Some(chunk) => u128::from_le_bytes(*chunk),
            // The last sixteen bytes hold them too; a frame shorter than that is none of ours.
            None => self.bytes.last_chunk::<WINDOW>().map_or(0, |last| {
                u128::from_le_bytes(*last).checked_shr(8 * (WINDOW - rest.len()) as u32).unwrap_or(0)
            }),
        };
        (word as u64, (word >> 64) as u64)
    }

    /// A whole number from 0 to 18 digits, without a sign. What follows it is the caller's to judge.
    #[inline]
    pub(super) fn whole(&mut self) -> Option<i64> {
        let (low, high) = self.window();
        let (low, high) = (low ^ everywhere(b'0'), high ^ everywhere(b'0'));
        let (in_low, in_high) = (non_digits(low), non_digits(high));
        let value = if in_low != 0 {
            let digits = in_low.trailing_zeros() as usize / 8;
            if digits == 0 || (digits > 1 && low & 0xff == 0) {
                return None;
            }
            self.at += digits;
            eight_digits(low << (64 - 8 * digits))
        } else {
            if low & 0xff == 0 {
                return None;
            }
            let first = eight_digits(low);
            if in_high == 0 {
                self.at += WINDOW;
                return self.longer(first * 100_000_000 + eight_digits(high));
            }
            let digits = in_high.trailing_zeros() as usize / 8;
            self.at += 8 + digits;
            // In two steps, for all eight may go.
            let rest = eight_digits(high << (32 - 4 * digits) << (32 - 4 * digits));
            first * POWERS[digits] + rest
        };
        i64::try_from(value).ok()
    }

    /// As [`Cursor::whole`], once sixteen digits are passed: two more at the most, for eighteen always fit.
    #[cold]
    fn longer(&mut self, sixteen: u64) -> Option<i64> {
        let mut value = sixteen;
        for _ in 0..3 {
            match self.bytes.get(self.at) {
                Some(digit @ b'0'..=b'9') => value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?,
                _ => return i64::try_from(value).ok(),
            }
            self.at += 1;
        }
        None
    }

    /// The bytes up to the next quote, which is passed.
    #[inline]
    pub(super) fn quoted(&mut self) -> Option<&'a [u8]> {
        let (low, high) = self.window();
        let (in_low, in_high) = (lowest_zero(low ^ everywhere(b'"')), lowest_zero(high ^ everywhere(b'"')));
        let length = if in_low != 0 {
            in_low.trailing_zeros() as usize / 8
        } else if in_high != 0 {
            8 + in_high.trailing_zeros() as usize / 8
        } else {
            self.long_quoted()?
        };
        let text = self.bytes.get(self.at..self.at + length)?;
        self.at += length + 1;
        Some(text)
    }

    /// The length of a longer text.
    #[cold]
    fn long_quoted(&self) -> Option<usize> {
        self.bytes.get(self.at..)?.iter().position(|byte| *byte == b'"')
    }

    /// A decimal up to the next quote, which is passed.
    #[inline]
    pub(super) fn decimal(&mut self) -> Option<Decimal> {
        Decimal::parse(self.quoted()?).ok()
    }

    /// A text up to the next quote, which is passed: printable ASCII without escapes.
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let text = self.quoted()?;
        let plain = text.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\');
        core::str::from_utf8(text).ok().filter(|_| plain)
    }

    /// What is not read yet.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// Powers of ten that eight digits may be moved by.
const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
