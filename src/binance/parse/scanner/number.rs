//! Purpose: numbers out of the bytes at hand: where their digits end, and what they make. Owns: nothing.
//! Thread: the io thread. Takes and gives: bytes in, numbers out, `None` for what is not plainly one. Never: branches on a byte's
//! digit.
//!
//! Digits are moved as words of eight bytes, the first the lowest, and turned into numbers two words at a time.

use wide::{i16x8, i32x4, i32x8, u8x16, u16x8};

use super::window::{WINDOW, above, equal};
use crate::schema::decimal::{Decimal, short_digits};
use crate::schema::digits::{eight_digits, everywhere};

/// Bytes that are looked at: the longest number that is read here lies in a window, and its parts are taken as words.
pub(super) const VIEW: usize = 24;

pub(super) const ZEROS: u64 = everywhere(b'0');
/// Turns characters into digits, and what is none into more than nine.
pub(super) const ZERO: u8x16 = u8x16::new([b'0'; WINDOW]);
pub(super) const EIGHT: u64 = 100_000_000;

/// The power of ten that moves those before a point by so many digits behind it.
const POWERS: [u64; 9] = {
    let mut powers = [1; 9];
    let mut digits = 1;
    while digits < 9 {
        powers[digits] = powers[digits - 1] * 10;
        digits += 1;
    }
    powers
};

/// What keeps of a word's bytes none, the first, the first two, and so on.
pub(super) const FIRST: [u64; 9] = {
    let mut first = [u64::MAX; 9];
    let mut bytes = 0;
    while bytes < 8 {
        first[bytes] = (1 << (8 * bytes)) - 1;
        bytes += 1;
    }
    first
};

/// The next bytes, from where they are read.
pub(super) trait Next: Copy {
    /// The first sixteen.
    fn vector(self) -> u8x16;
    /// The one at a place among the first seventeen.
    fn byte(self, at: usize) -> u8;
    /// Eight, from a place among the first seventeen on.
    fn word(self, at: usize) -> u64;
}

/// In a frame's memory, which goes on behind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here<'a>(pub(super) &'a [u8; VIEW]);

impl Next for Here<'_> {
    #[inline(always)]
    fn vector(self) -> u8x16 {
        self.0.first_chunk().map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes))
    }

    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn word(self, at: usize) -> u64 {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        u64::from_le_bytes(*bytes.unwrap_or(&[0; 8]))
    }
}

/// Near a frame's end: sixteen bytes at the most, in registers, with zeros behind them. In memory they would have to be put together
/// from pieces, and a load of what was stored in pieces waits until all of them are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held(pub(super) u128);

impl Next for Held {
    #[inline(always)]
    fn vector(self) -> u8x16 {
        bytemuck::cast(self.0.to_le_bytes())
    }

    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.word(at) as u8
    }

    #[inline(always)]
    fn word(self, at: usize) -> u64 {
        self.0.checked_shr(8 * at as u32).unwrap_or_default() as u64
    }
}

/// The next bytes as a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<N>(pub(super) N);

/// Where the parts of a decimal stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    /// Digits before the point.
    pub(super) whole: usize,
    /// Those behind it; none where there is no point.
    pub(super) behind: usize,
    /// The point with them.
    pub(super) length: usize,
}

/// The digits of a decimal with at most eight before the point and eight behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::binance::parse) struct Digits {
    /// Those before the point, the last the highest byte.
    pub(in crate::binance::parse) whole: u64,
    /// Those behind it, the first the lowest byte; zeros stand for those that are not there.
    pub(in crate::binance::parse) fraction: u64,
}

impl Digits {
    /// Those of a text that is a short decimal.
    #[inline(always)]
    pub(in crate::binance::parse) fn of(text: &str) -> Option<Digits> {
        short_digits(text.as_bytes()).map(|(whole, fraction)| Digits { whole, fraction })
    }

    /// The mantissa with eight digits behind the point.
    #[inline(always)]
    pub(in crate::binance::parse) fn at_eight(self) -> i64 {
        let [whole, fraction] = pair(self.whole, self.fraction);
        (whole * EIGHT + fraction) as i64
    }

    /// The decimal, without zeros at its end.
    #[inline(always)]
    pub(in crate::binance::parse) fn decimal(self) -> Option<Decimal> {
        let bits = bits_of(self.fraction);
        // Those that are left go to the end of their word; where none is left nothing is moved, for there is nothing.
        let [whole, fraction] = pair(self.whole, self.fraction.wrapping_shl(bits.wrapping_neg()));
        let scale = bits / 8;
        Decimal::new((whole * POWERS[scale as usize] + fraction) as i64, scale as u8)
    }
}

/// The bits of eight digits behind a point that are left without the zeros at their end, eight each.
#[inline(always)]
const fn bits_of(fraction: u64) -> u32 {
    // A digit has four bits: moved up by four, each has the upper half of its byte, and the lowest bit marks that there is none.
    let highest = (fraction << 4 | 1).ilog2();
    (highest + 4) & 0x78
}

/// How many of eight digits behind a point are left without the zeros at their end; of several fractions by their common
/// digits (`|`), the scale that all of them need.
#[inline(always)]
pub(in crate::binance::parse) const fn scale_of(fraction: u64) -> u8 {
    (bits_of(fraction) / 8) as u8
}

impl<N: Next> View<N> {
    /// Marks what is no digit among the first sixteen bytes, and the byte behind them, whatever it is: each has a bit, the first the lowest.
    #[inline(always)]
    pub(super) fn non_digits(self) -> u32 {
        above(self.0.vector() ^ ZERO, 9) | 1 << WINDOW
    }

    /// The digits of eight bytes.
    #[inline(always)]
    pub(super) fn word(self, at: usize) -> u64 {
        self.0.word(at) ^ ZEROS
    }

    /// Several digits begin with a zero, which JSON forbids in front of a point.
    #[inline(always)]
    fn is_padded(self, digits: usize) -> bool {
        // Both at once: half of all quantities begin with a zero, which is no branch to be guessed.
        (digits > 1) & (self.0.byte(0) == b'0')
    }

    /// The digits of a decimal with this many before the point and behind it: see [`Isa::take`](super::isa::Isa::take).
    #[inline(always)]
    pub(super) fn take(self, whole: usize, behind: usize) -> Digits {
        let kept = FIRST.get(behind).copied().unwrap_or(0);
        Digits { whole: self.word(0).wrapping_shl(64 - 8 * whole as u32), fraction: self.word(whole + 1) & kept }
    }

    /// Where a decimal's parts stand: from 1 to 8 digits before the point and, if there is one, 1 to 8 behind it. What stands behind
    /// it is the caller's to judge: behind sixteen bytes it may be one digit more.
    #[inline(always)]
    pub(super) fn parts(self) -> Option<Parts> {
        let others = self.non_digits();
        let whole = others.trailing_zeros() as usize;
        if !(1..=8).contains(&whole) || self.is_padded(whole) {
            return None;
        }
        if self.0.byte(whole) != b'.' {
            return Some(Parts { whole, behind: 0, length: whole });
        }
        // Sixteen at the most: the byte there is not looked at here.
        let length = (others & (others - 1)).trailing_zeros() as usize;
        let behind = length.wrapping_sub(whole + 1);
        (1..=8).contains(&behind).then_some(Parts { whole, behind, length })
    }

    /// A decimal up to a quote, and its length: of those that [`View::parts`] takes, up to sixteen bytes.
    ///
    /// Its end is the quote's place, which is known sooner than the end of its digits, and held against that afterwards: what is read behind it
    /// waits for its end alone.
    #[inline(always)]
    pub(super) fn quoted(self) -> Option<(Digits, usize)> {
        let end = match equal(self.0.vector(), b'"') {
            0 if self.0.byte(WINDOW) == b'"' => WINDOW,
            quotes => quotes.trailing_zeros() as usize,
        };
        let others = self.non_digits();
        let whole = others.trailing_zeros() as usize;
        if !(1..=8).contains(&whole) || self.is_padded(whole) {
            return None;
        }
        let before = self.word(0) << (64 - 8 * whole);
        if whole == end {
            return Some((Digits { whole: before, fraction: 0 }, end));
        }
        // From where digits end to the quote there is the point, digits behind it, and nothing else.
        let behind = end.wrapping_sub(whole + 1);
        let kept = FIRST.get(behind).filter(|_| behind > 0)?;
        let point_alone = others & !(u32::MAX << end) == 1 << whole && self.0.byte(whole) == b'.';
        point_alone.then(|| (Digits { whole: before, fraction: self.word(whole + 1) & kept }, end))
    }

    /// A whole number of 1 to 15 digits without a sign and without a zero before others, and how many digits it has; 16 when
    /// all are digits: then the value is that of all of them, and more may follow.
    #[inline(always)]
    pub(super) fn whole(self) -> Option<(u64, usize)> {
        let length = self.non_digits().trailing_zeros() as usize;
        if length == 0 || self.is_padded(length) {
            return None;
        }
        if length <= 8 {
            return Some((eight_digits(self.word(0) << (64 - 8 * length)), length));
        }
        let more = length - 8;
        let [first, last] = pair(self.word(0) << (64 - 8 * more), self.word(more));
        Some((first * EIGHT + last, length))
    }
}

/// The numbers that two words of eight digits each (0 to 9 a byte, the first the lowest) make: as [`eight_digits`], both at once.
#[inline(always)]
pub(super) fn pair(first: u64, second: u64) -> [u64; 2] {
    let digits: u16x8 = bytemuck::cast([first, second]);
    let pairs = (digits * u16x8::splat(10) + (digits >> 8_u32)) & u16x8::splat(0xff);
    let fours: i32x4 = bytemuck::cast::<u16x8, i16x8>(pairs).dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1]));
    // Below ten thousand each, so nothing saturates.
    let fours = i16x8::from_i32x8_saturate(bytemuck::cast::<[i32x4; 2], i32x8>([fours, fours]));
    let eights = fours.dot(i16x8::new([10_000, 1, 10_000, 1, 0, 0, 0, 0]));
    let [both, _] = bytemuck::cast::<i32x4, [u64; 2]>(eights);
    [both & 0xffff_ffff, both >> 32]
}
