//! Purpose: the levels of a book's side, two decimals each. Owns: nothing. Thread: the io thread.
//! Takes and gives: bytes in, digits out, `None` for what is not plainly a level. Never: takes a form for more than a guess: a decimal
//! that has another is read as any.

use super::number::{Digits, FIRST, Here, VIEW, View};
use super::window::WINDOW;

/// Bytes that a level may take: two decimals with `","` between them, and what stands behind them.
pub(super) const LEVEL: usize = 2 * VIEW + 8;
/// What stands between the decimals of a level, as a word whose lowest byte is the first, and its length.
const BETWEEN: (u64, usize) = (word_of(br#"",""#), 3);
/// Behind a level that another one follows, and behind the last.
const NEXT: (u64, usize) = (word_of(br#""],[""#), 5);
const LAST: (u64, usize) = (word_of(br#""]]"#), 3);

const fn word_of(text: &[u8]) -> u64 {
    let (mut word, mut at) = (0, text.len());
    while at > 0 {
        at -= 1;
        word = word << 8 | text[at] as u64;
    }
    word
}

/// Whether a word begins with a text.
#[inline(always)]
fn begins(word: u64, (text, length): (u64, usize)) -> bool {
    (word ^ text) & FIRST[length - 1] == 0
}

/// Where the parts of a decimal stand. A venue writes all prices of a book alike, so the next one most likely stands as this one: then
/// its end is known before its bytes are, and nothing that is read behind it waits for them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// The place of the first byte that is no digit, from 1 to 8, and what it is.
    whole: usize,
    point: u8,
    /// What the first digit must not be: a zero, where others follow.
    forbidden: u8,
    /// At most fifteen.
    length: usize,
    /// Marks of what is no digit, among the first sixteen bytes, up to the byte behind it; and all marks up to there.
    others: u32,
    within: u32,
    /// What keeps the digits behind the point of a word: nothing where there is no point.
    kept: u64,
}

impl Form {
    /// That of no decimal.
    pub(super) const UNKNOWN: Form =
        Form { whole: 1, point: 0, forbidden: 0, length: 1, others: 1, within: 0, kept: 0 };

    /// Places as they are kept: a mask tells that they lie within.
    const PLACE: usize = 15;

    /// The form of this one; `None` when it is none, or ends behind the first sixteen bytes.
    #[cold]
    #[inline(never)]
    fn of(bytes: &[u8; VIEW]) -> Option<Form> {
        let view = View(Here(bytes));
        let (_, length) = view.digits()?;
        if length >= WINDOW {
            return None;
        }
        let within = (2 << length) - 1;
        let others = view.non_digits() & within;
        let whole = others.trailing_zeros() as usize;
        let kept = length.checked_sub(whole + 2).and_then(|more| FIRST.get(more));
        Some(Form {
            whole,
            point: bytes[whole & Form::PLACE],
            // A point is no digit, so never the first byte of a decimal.
            forbidden: if whole > 1 { b'0' } else { b'.' },
            length,
            others,
            within,
            kept: kept.copied().unwrap_or(0),
        })
    }

    /// The digits of a decimal, which has this form from then on. What stands behind it is the caller's to judge.
    #[inline(always)]
    fn digits(&mut self, bytes: &[u8; VIEW]) -> Option<Digits> {
        let view = View(Here(bytes));
        let fits = view.non_digits() & self.within == self.others && bytes[self.whole & Form::PLACE] == self.point;
        if !fits {
            *self = Form::of(bytes)?;
        }
        if bytes[0] == self.forbidden {
            return None;
        }
        let whole = view.word(0).wrapping_shl(64 - 8 * self.whole as u32);
        Some(Digits { whole, fraction: view.word((self.whole & Form::PLACE) + 1) & self.kept })
    }
}

/// A level of short decimals, and how long it is with what ends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortLevel {
    pub(super) price: Digits,
    pub(super) quantity: Digits,
    /// With the quote of the next level's price, if another one follows.
    pub(super) length: usize,
    /// No other level follows.
    pub(super) is_last: bool,
}

impl ShortLevel {
    /// Reads `price","quantity"],["` or `price","quantity"]]`; most likely the price has this form, and it is its form from then on.
    #[inline(always)]
    pub(super) fn read(bytes: &[u8; LEVEL], form: &mut Form) -> Option<ShortLevel> {
        let view = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk());
        let word =
            |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|word| u64::from_le_bytes(*word));
        let price = form.digits(view(0)?)?;
        let end = form.length & Form::PLACE;
        if !begins(word(end)?, BETWEEN) {
            return None;
        }
        let at = end + BETWEEN.1;
        let (quantity, end) = View(Here(view(at)?)).digits()?;
        let behind = word(at + end)?;
        let is_last = !begins(behind, NEXT);
        if is_last && !begins(behind, LAST) {
            return None;
        }
        Some(ShortLevel { price, quantity, length: at + end + if is_last { LAST.1 } else { NEXT.1 }, is_last })
    }
}

#[cfg(test)]
impl Form {
    /// What is read up to a quote, the same whatever form the decimal before had.
    pub(super) fn reads_alike(bytes: &[u8; VIEW]) -> Option<(Digits, usize)> {
        let behind = |mut form: Form| {
            form.digits(bytes).filter(|_| bytes[form.length] == b'"').map(|digits| (digits, form.length))
        };
        let read = behind(Form::UNKNOWN);
        for before in ["0", "123", "12345678", "1.25", "12.5", "99999.9", "7654321.0000001", "1.12345678"] {
            let mut view = [b'"'; VIEW];
            view[..before.len()].copy_from_slice(before.as_bytes());
            let form = Form::of(&view).expect("a form of its own");
            assert_eq!(behind(form), read, "behind {before}");
        }
        read
    }
}
