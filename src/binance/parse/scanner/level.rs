//! Purpose: the levels of a book's side, two decimals each. Owns: nothing. Thread: the io thread.
//! Takes and gives: bytes in, digits out, `None` for what is not plainly a level. Never: takes a form for more than a guess: a decimal
//! that has another is read as any.

use super::isa::Isa;
use super::number::{FIRST, Here, Parts, VIEW, View};
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
    (word ^ text) & FIRST[length] == 0
}

/// Where the parts of a level's price stand, and how long its quantity is. A venue writes all prices of a book alike, and most quantities are as
/// long as each other: so the end of the next ones is known before their bytes are, and nothing that is read behind them waits for those.
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
    /// Digits behind the point; none where there is no point.
    behind: usize,
    /// The quantity's length.
    quantity: usize,
}

impl Form {
    /// That of no decimal.
    pub(super) const UNKNOWN: Form =
        Form { whole: 1, point: 0, forbidden: 0, length: 1, others: 1, within: 0, behind: 0, quantity: 0 };

    /// Places as they are kept: a mask tells that they lie within.
    const PLACE: usize = 15;

    /// The form of this one; `None` when it is none, or ends behind the first sixteen bytes.
    #[cold]
    #[inline(never)]
    fn of(bytes: &[u8; VIEW]) -> Option<Form> {
        let view = View(Here(bytes));
        let Parts { whole, behind, length } = view.parts()?;
        if length >= WINDOW {
            return None;
        }
        let within = (2 << length) - 1;
        Some(Form {
            whole,
            point: bytes[whole & Form::PLACE],
            // A point is no digit, so never the first byte of a decimal.
            forbidden: if whole > 1 { b'0' } else { b'.' },
            length,
            others: view.non_digits() & within,
            within,
            behind,
            quantity: 0,
        })
    }

    /// The digits of a decimal, which has this form from then on. What stands behind it is the caller's to judge.
    #[inline(always)]
    fn digits<I: Isa>(&mut self, isa: I, bytes: &[u8; VIEW]) -> Option<I::Digits> {
        let view = View(Here(bytes));
        let fits = view.non_digits() & self.within == self.others && bytes[self.whole & Form::PLACE] == self.point;
        if !fits {
            *self = Form { quantity: self.quantity, ..Form::of(bytes)? };
        }
        if bytes[0] == self.forbidden {
            return None;
        }
        Some(isa.take(bytes, self.whole & Form::PLACE, self.behind))
    }
}

/// A length that was not expected. What is read behind it waits for it here alone: elsewhere it waits for nothing, as long as lengths are as
/// they were.
// A call, for a choice between two equal values would be none.
#[cold]
#[inline(never)]
fn other(length: usize) -> usize {
    core::hint::black_box(length)
}

/// A level of short decimals, and how long it is with what ends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortLevel<D> {
    pub(super) price: D,
    pub(super) quantity: D,
    /// With the quote of the next level's price, if another one follows.
    pub(super) length: usize,
    /// No other level follows.
    pub(super) is_last: bool,
}

impl<D> ShortLevel<D> {
    /// Reads `price","quantity"],["` or `price","quantity"]]`; most likely the price has this form, and it is its form from then on.
    #[inline(always)]
    pub(super) fn read<I: Isa<Digits = D>>(isa: I, bytes: &[u8; LEVEL], form: &mut Form) -> Option<ShortLevel<D>> {
        let view = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk());
        let word =
            |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|word| u64::from_le_bytes(*word));
        let price = form.digits(isa, view(0)?)?;
        let end = form.length & Form::PLACE;
        if !begins(word(end)?, BETWEEN) {
            return None;
        }
        let at = end + BETWEEN.1;
        let next = view(at)?;
        let Parts { whole, behind, length } = View(Here(next)).parts()?;
        let quantity = isa.take(next, whole, behind);
        if length != form.quantity {
            form.quantity = other(length);
        }
        let end = form.quantity;
        let after = word(at + end)?;
        let is_last = !begins(after, NEXT);
        if is_last && !begins(after, LAST) {
            return None;
        }
        Some(ShortLevel { price, quantity, length: at + end + if is_last { LAST.1 } else { NEXT.1 }, is_last })
    }
}

#[cfg(test)]
impl Form {
    /// What is read up to a quote, the same whatever form the decimal before had.
    pub(super) fn reads_alike(bytes: &[u8; VIEW]) -> Option<(super::number::Digits, usize)> {
        use super::isa::Baseline;
        let behind = |mut form: Form| {
            form.digits(Baseline, bytes).filter(|_| bytes[form.length] == b'"').map(|digits| (digits, form.length))
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
