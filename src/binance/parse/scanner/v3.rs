//! Purpose: numbers by the instructions of x86-64-v3 (AVX2, BMI), which Intel's processors for servers have since 2013 and AMD's since 2015:
//! digits are brought to their places by one shuffle. Owns: nothing. Thread: the io thread. Takes and gives: as [`Isa`] says.
//! Never: runs where the processor was not asked.
//!
//! What has these instructions is taken into a caller only where that has them too. So a frame is read, and a side of its levels, by a
//! function that has them ([`read_by`], [`side_by`]), and all between those and the two at the end of this file is taken into them.

use core::arch::x86_64::{
    __m128i, _mm_cvtsi128_si64, _mm_madd_epi16, _mm_maddubs_epi16, _mm_packus_epi32, _mm_set1_epi16, _mm_set1_epi32,
    _mm_shuffle_epi8,
};

use wide::u8x16;

use super::cursor::Cursor;
use super::isa::Isa;
use super::level::Form;
use super::number::{EIGHT, Held, Here, Next, VIEW, View, ZERO, scale_of};
use super::payload;
use super::shape::Shapes;
use super::shuffles::{ABOUT_THE_MIDDLE, CLOSED, Shuffle, to_the_end, to_the_front};
use super::step::Tail;
use super::window::{WINDOW, equal};
use crate::binance::parse::scanned::Scanned;
use crate::schema::decimal::Decimal;
use crate::schema::raw::{RawBuf, RawOrigin, Side};

/// The next bytes, sixteen at the most, in a register.
// The processor's own type: where ways meet, the compiler keeps it where it is, and `wide`'s it takes apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved(__m128i);

impl Next for Moved {
    #[inline(always)]
    fn vector(self) -> u8x16 {
        bytemuck::cast(self.0)
    }

    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.vector().to_array().get(at).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn word(self, at: usize) -> u64 {
        Held(u128::from_le_bytes(self.vector().to_array())).word(at)
    }
}

/// The processor has them. There is none where it has not.
#[derive(Clone, Copy, Debug)]
pub(super) struct V3(());

impl V3 {
    /// Asks the processor for all that the attributes below name, and for nothing else: one more there is one more here.
    pub(super) fn detect() -> Option<V3> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt");
        has.then_some(V3(()))
    }

    /// As [`Shapes::read`].
    #[inline(always)]
    pub(super) fn read(
        self,
        shapes: &mut Shapes,
        frame: (usize, &[u8]),
        from: &RawOrigin,
        stream: &Scanned,
        symbol: &str,
        raw: &mut RawBuf,
    ) -> Option<()> {
        // SAFETY: a V3 is proof that the processor has what is asked for.
        unsafe { read_by(self, shapes, frame, from, stream, symbol, raw) }
    }

    #[inline(always)]
    fn shuffled(self, bytes: u8x16, by: &Shuffle) -> u8x16 {
        // SAFETY: as above.
        unsafe { shuffled(bytes, by) }
    }

    #[inline(always)]
    fn number(self, digits: u8x16) -> u64 {
        // SAFETY: as above.
        unsafe { number(digits) }
    }
}

impl Isa for V3 {
    /// Those before the point up to the middle, those behind it from there on.
    type Digits = u8x16;

    #[inline(always)]
    fn no_digits(self) -> u8x16 {
        u8x16::ZERO
    }

    #[inline(always)]
    fn keep(self, _: &[u8], _: &mut Tail) {}

    // Near the end by the payload's last bytes: a copy would be waited for until all of it is written.
    #[inline(always)]
    fn next<'a>(self, left: &'a [u8], payload: &'a [u8], _: &'a Tail) -> Option<impl Next> {
        if let Some(next) = left.first_chunk::<WINDOW>() {
            return Some(Moved(bytemuck::cast(*next)));
        }
        let end = u8x16::new(*payload.last_chunk()?);
        Some(Moved(bytemuck::cast(self.shuffled(end, to_the_front(WINDOW - left.len())?))))
    }

    /// Of up to fifteen bytes before the quote.
    #[inline(always)]
    fn decimal(self, next: impl Next) -> Option<(Decimal, usize)> {
        let bytes = next.vector();
        let digits = bytes ^ ZERO;
        let quotes = equal(bytes, b'"');
        let quote = quotes & quotes.wrapping_neg();
        if quote == 0 {
            return None;
        }
        let up_to_quote = quotes ^ quotes.wrapping_sub(1);
        // What is no digit: the quote, and before it at most a point.
        let marks = View(next).non_digits() & up_to_quote;
        let first = marks & marks.wrapping_neg();
        let behind_first = marks & marks.wrapping_sub(1);
        let is_other = if behind_first == quote { equal(bytes, b'.') & first == 0 } else { behind_first != 0 };
        if is_other {
            return None;
        }
        let (zeros, moved) = (equal(digits, 0), marks >> 1);
        // At the front no digit, or a zero and another one; at the end a point.
        if (zeros & !moved | marks) & 1 | marks & moved != 0 {
            return None;
        }
        // The last byte that counts: a digit that is no zero, or where those before the point end.
        let counts = up_to_quote >> 1 & !zeros | first;
        let before = first.trailing_zeros();
        let behind = (counts.leading_zeros() ^ 31).wrapping_sub(before);
        let mantissa = self.number(self.shuffled(digits, CLOSED.of(before as usize, behind as usize)));
        // Below sixteen, which the compiler does not know, and would check.
        let scale = behind as u8 % WINDOW as u8;
        Some((Decimal::new(mantissa as i64, scale)?, quote.trailing_zeros() as usize))
    }

    #[inline(always)]
    fn whole(self, next: impl Next) -> Option<(u64, usize)> {
        let others = View(next).non_digits();
        let digits = next.vector() ^ ZERO;
        // Nothing, or a zero before another digit.
        if (others | equal(digits, 0) & !(others >> 1)) & 1 != 0 {
            return None;
        }
        let length = others.trailing_zeros() as usize;
        Some((self.number(self.shuffled(digits, to_the_end(length)?)), length))
    }

    #[inline(always)]
    fn take(self, next: &[u8; VIEW], whole: usize, behind: usize) -> u8x16 {
        self.shuffled(Here(next).vector() ^ ZERO, ABOUT_THE_MIDDLE.of(whole, behind))
    }

    #[inline(always)]
    fn at_eight(self, digits: u8x16) -> i64 {
        self.number(digits) as i64
    }

    #[inline(always)]
    fn both(self, one: u8x16, other: u8x16) -> u8x16 {
        one | other
    }

    #[inline(always)]
    fn scale(self, digits: u8x16) -> u8 {
        let [_, behind]: [u64; 2] = bytemuck::cast(digits);
        scale_of(behind)
    }

    #[inline(always)]
    fn side<'a>(self, cursor: Cursor<'a>, side: Side, raw: &mut RawBuf, form: &mut Form) -> Option<Cursor<'a>> {
        // SAFETY: as above.
        unsafe { side_by(self, cursor, side, raw, form) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn read_by(
    v3: V3,
    shapes: &mut Shapes,
    frame: (usize, &[u8]),
    from: &RawOrigin,
    stream: &Scanned,
    symbol: &str,
    raw: &mut RawBuf,
) -> Option<()> {
    shapes.read_by(v3, frame, from, stream, symbol, raw)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn side_by<'a>(v3: V3, cursor: Cursor<'a>, side: Side, raw: &mut RawBuf, form: &mut Form) -> Option<Cursor<'a>> {
    payload::side(v3, cursor, side, raw, form)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn shuffled(bytes: u8x16, by: &Shuffle) -> u8x16 {
    let bytes: __m128i = bytemuck::cast(bytes);
    bytemuck::cast(_mm_shuffle_epi8(bytes, bytemuck::cast(*by)))
}

/// The number of sixteen digits: of pairs, of fours, of eights, of all.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn number(digits: u8x16) -> u64 {
    let pairs = _mm_maddubs_epi16(bytemuck::cast(digits), _mm_set1_epi16(1 << 8 | 10));
    let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
    let eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10_000));
    let both = _mm_cvtsi128_si64(eights) as u64;
    (both & 0xffff_ffff) * EIGHT + (both >> 32)
}
