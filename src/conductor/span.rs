//! Purpose: the span rule, one for spot and futures (binance.md section 1; spot docs of 2026-07-21, USD-M of 2026-07-22).
//! Owns: nothing. Thread: any. Takes and gives: ids, verdicts. Never: compares frames by their ids for equality.

/// The update ids a diff covers: all above `previous` up to and with `last` (`U - 1` or `pu`, and `u`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The id before the first one covered.
    pub previous: i64,
    /// The last one covered.
    pub last: i64,
}

/// What the span rule says of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `last <= local`: the book has it already.
    Old,
    /// `previous <= local < last`: apply it.
    Apply,
    /// `previous > local`: the ids `local + 1 ..= previous` are missing.
    Missing,
}

impl Span {
    /// The span rule, for a book at `local`.
    #[inline]
    pub const fn verdict(self, local: i64) -> Verdict {
        if self.last <= local {
            Verdict::Old
        } else if self.previous <= local {
            Verdict::Apply
        } else {
            Verdict::Missing
        }
    }
}
