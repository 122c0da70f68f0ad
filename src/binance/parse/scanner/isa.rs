//! Purpose: what a scanner's numbers are made with: the instructions that every processor of the target has, or more of them.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, numbers out. Never: lets two of them read otherwise.

use super::cursor::Cursor;
use super::level::Form;
use super::number::{Digits, Here, Next, VIEW, View, scale_of};
use super::payload;
use super::step::Tail;
use crate::schema::decimal::Decimal;
use crate::schema::raw::{RawBuf, Side};

/// The instructions that numbers are made with. What each gives, the others give as well, or `None` where another way takes over:
/// [`Baseline`] is the rule.
pub(super) trait Isa: Copy {
    /// The digits of a decimal with at most eight before the point and eight behind it.
    type Digits: Copy;

    /// Those of nothing.
    fn no_digits(self) -> Self::Digits;

    /// Keeps a payload's end, if a copy of it is what [`Isa::next`] takes near it.
    fn keep(self, payload: &[u8], tail: &mut Tail);

    /// The next bytes, of what is `left` of that payload: near its end with zeros behind it.
    fn next<'a>(self, left: &'a [u8], payload: &'a [u8], tail: &'a Tail) -> Option<impl Next>;

    /// A decimal up to a quote, and its length; `None` for what is none and for what is longer than is read at once.
    fn decimal(self, next: impl Next) -> Option<(Decimal, usize)>;

    /// As [`View::whole`].
    fn whole(self, next: impl Next) -> Option<(u64, usize)>;

    /// The digits of a decimal with this many before the point, from 1 to 8, and this many behind it, at most 8, and at most sixteen bytes
    /// in all; none where there is no point. That they are digits, and the point a point, is the caller's to judge.
    fn take(self, next: &[u8; VIEW], whole: usize, behind: usize) -> Self::Digits;

    /// The mantissa with eight digits behind the point.
    fn at_eight(self, digits: Self::Digits) -> i64;

    /// All bits of both: [`Isa::scale`] of it is what both need.
    fn both(self, one: Self::Digits, other: Self::Digits) -> Self::Digits;

    /// How many digits behind the point are left without the zeros at their end.
    fn scale(self, digits: Self::Digits) -> u8;

    /// As [`payload::side`].
    fn side<'a>(self, cursor: Cursor<'a>, side: Side, raw: &mut RawBuf, form: &mut Form) -> Option<Cursor<'a>>;
}

/// What every processor of the target has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Baseline;

impl Isa for Baseline {
    type Digits = Digits;

    #[inline(always)]
    fn no_digits(self) -> Digits {
        Digits { whole: 0, fraction: 0 }
    }

    #[inline(always)]
    fn keep(self, payload: &[u8], tail: &mut Tail) {
        tail.hold(payload);
    }

    // A number's parts are taken as words of memory.
    #[inline(always)]
    fn next<'a>(self, left: &'a [u8], _: &'a [u8], tail: &'a Tail) -> Option<impl Next> {
        match left.first_chunk() {
            Some(next) => Some(Here(next)),
            None => tail.last(left.len()).map(Here),
        }
    }

    #[inline(always)]
    fn decimal(self, next: impl Next) -> Option<(Decimal, usize)> {
        let (digits, length) = View(next).quoted()?;
        Some((digits.decimal()?, length))
    }

    #[inline(always)]
    fn whole(self, next: impl Next) -> Option<(u64, usize)> {
        View(next).whole()
    }

    #[inline(always)]
    fn take(self, next: &[u8; VIEW], whole: usize, behind: usize) -> Digits {
        View(Here(next)).take(whole, behind)
    }

    #[inline(always)]
    fn at_eight(self, digits: Digits) -> i64 {
        digits.at_eight()
    }

    #[inline(always)]
    fn both(self, one: Digits, other: Digits) -> Digits {
        Digits { whole: one.whole | other.whole, fraction: one.fraction | other.fraction }
    }

    #[inline(always)]
    fn scale(self, digits: Digits) -> u8 {
        scale_of(digits.fraction)
    }

    #[inline]
    fn side<'a>(self, cursor: Cursor<'a>, side: Side, raw: &mut RawBuf, form: &mut Form) -> Option<Cursor<'a>> {
        payload::side(self, cursor, side, raw, form)
    }
}
