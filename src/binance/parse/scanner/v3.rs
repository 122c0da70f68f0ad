//! Purpose: numbers by the instructions of x86-64-v3 (AVX2, BMI), which nearly all processors have since 2013: digits are brought to their
//! places by one shuffle. Owns: nothing. Thread: the io thread. Takes and gives: as [`Isa`] says.
//! Never: runs where the processor was not asked.
//!
//! A function with these instructions is taken into its caller only where that has them too: what a frame is read by has, from
//! [`V3::read`] and [`V3::side`](Isa::side) on, and all between those and the functions below is taken into them.

use core::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_cvtsi128_si64, _mm_extract_epi64, _mm_madd_epi16, _mm_maddubs_epi16, _mm_max_epu8,
    _mm_movemask_epi8, _mm_or_si128, _mm_packus_epi32, _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_shuffle_epi8,
    _mm_xor_si128,
};

use wide::u8x16;

use super::cursor::Cursor;
use super::isa::Isa;
use super::level::Form;
use super::number::{Held, Here, Next, VIEW, scale_of};
use super::payload;
use super::shape::Shapes;
use super::shuffles::{ABOUT_THE_MIDDLE, CLOSED, Shuffle, to_the_end, to_the_front};
use super::step::Tail;
use super::window::WINDOW;
use crate::binance::parse::scanned::Scanned;
use crate::schema::decimal::Decimal;
use crate::schema::raw::{RawBuf, RawOrigin, Side};

const EIGHT: u64 = 100_000_000;
/// The next bytes, sixteen at the most, in a register.
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
    /// Asks the processor.
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

impl Isa for V3 {
    type Digits = __m128i;

    #[inline(always)]
    fn no_digits(self) -> __m128i {
        bytemuck::cast([0_u64; 2])
    }

    #[inline(always)]
    fn keep(self, _: &[u8], _: &mut Tail) {}

    // Near the end by the payload's last bytes: a copy would be waited for until all of it is written.
    #[inline(always)]
    fn next<'a>(self, left: &'a [u8], payload: &'a [u8], _: &'a Tail) -> Option<impl Next> {
        if let Some(next) = left.first_chunk::<WINDOW>() {
            return Some(Moved(bytemuck::cast(*next)));
        }
        let end: [u8; WINDOW] = *payload.last_chunk()?;
        let by = to_the_front(WINDOW - left.len())?;
        // SAFETY: a V3 is proof that the processor has what is asked for.
        Some(Moved(unsafe { shuffled(bytemuck::cast(end), by) }))
    }

    #[inline(always)]
    fn decimal(self, next: impl Next) -> Option<(Decimal, usize)> {
        // SAFETY: as above.
        unsafe { decimal(next) }
    }

    #[inline(always)]
    fn whole(self, next: impl Next) -> Option<(u64, usize)> {
        // SAFETY: as above.
        unsafe { whole(next.vector()) }
    }

    #[inline(always)]
    fn take(self, next: &[u8; VIEW], whole: usize, behind: usize) -> __m128i {
        // SAFETY: as above.
        unsafe { shuffled(digits_of(bytemuck::cast(Here(next).vector())), ABOUT_THE_MIDDLE.of(whole, behind)) }
    }

    #[inline(always)]
    fn at_eight(self, digits: __m128i) -> i64 {
        // SAFETY: as above.
        unsafe { number(digits) as i64 }
    }

    #[inline(always)]
    fn both(self, one: __m128i, other: __m128i) -> __m128i {
        // SAFETY: as above.
        unsafe { _mm_or_si128(one, other) }
    }

    #[inline(always)]
    fn scale(self, digits: __m128i) -> u8 {
        // SAFETY: as above.
        scale_of(unsafe { upper(digits) })
    }

    #[inline(always)]
    fn side<'a>(self, cursor: Cursor<'a>, side: Side, raw: &mut RawBuf, form: &mut Form) -> Option<Cursor<'a>> {
        // SAFETY: as above.
        unsafe { side_by(self, cursor, side, raw, form) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn side_by<'a>(v3: V3, cursor: Cursor<'a>, side: Side, raw: &mut RawBuf, form: &mut Form) -> Option<Cursor<'a>> {
    payload::side(v3, cursor, side, raw, form)
}

/// The digits of bytes; what is none is above nine.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn digits_of(bytes: __m128i) -> __m128i {
    _mm_xor_si128(bytes, _mm_set1_epi8(b'0' as i8))
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn shuffled(digits: __m128i, by: &Shuffle) -> __m128i {
    _mm_shuffle_epi8(digits, bytemuck::cast(*by))
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn upper(digits: __m128i) -> u64 {
    _mm_extract_epi64::<1>(digits) as u64
}

/// Marks the bytes that are this one.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn equal(bytes: __m128i, byte: u8) -> u32 {
    _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8))) as u32
}

/// Marks what is no digit.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn others(digits: __m128i) -> u32 {
    _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(digits, _mm_set1_epi8(10)), digits)) as u32
}

/// The number of sixteen digits.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn number(digits: __m128i) -> u64 {
    let pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(1 << 8 | 10));
    let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
    let eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10_000));
    let both = _mm_cvtsi128_si64(eights) as u64;
    (both & 0xffff_ffff) * EIGHT + (both >> 32)
}

/// Of up to fifteen bytes before the quote.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn decimal(next: impl Next) -> Option<(Decimal, usize)> {
    let bytes: __m128i = bytemuck::cast(next.vector());
    let digits = digits_of(bytes);
    let quotes = equal(bytes, b'"');
    let quote = quotes & quotes.wrapping_neg();
    if quote == 0 {
        return None;
    }
    let up_to_quote = quotes ^ quotes.wrapping_sub(1);
    // What is no digit: the quote, and before it at most a point.
    let marks = others(digits) & up_to_quote;
    let before = marks.trailing_zeros() as usize;
    let behind_first = marks & marks.wrapping_sub(1);
    let first = marks & marks.wrapping_neg();
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
    let behind = (counts.leading_zeros() ^ 31).wrapping_sub(before as u32);
    let mantissa = number(shuffled(digits, CLOSED.of(before, behind as usize)));
    Some((Decimal::new(mantissa as i64, behind as u8 % WINDOW as u8)?, quote.trailing_zeros() as usize))
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
#[inline]
fn whole(next: u8x16) -> Option<(u64, usize)> {
    let digits = digits_of(bytemuck::cast(next));
    let others = others(digits) | 1 << WINDOW;
    // Nothing, or a zero before another digit.
    if (others | equal(digits, 0) & !(others >> 1)) & 1 != 0 {
        return None;
    }
    let length = others.trailing_zeros() as usize;
    Some((number(shuffled(digits, to_the_end(length)?)), length))
}
