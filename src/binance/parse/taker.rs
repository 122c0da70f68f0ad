//! Purpose: where a parser hands its raw instances. Owns: nothing. Thread: the io thread. Takes and gives: raw instances.
//! Never: keeps one.

use crate::schema::id::InstrumentId;
use crate::schema::raw::RawRef;

/// Who takes what a parser makes.
pub trait RawTaker {
    /// A hint that a frame of this instrument is being read, which may be of its book's stream ([`crate::schema::stage::RawSink::expect`]).
    fn expect(&mut self, instrument: InstrumentId, of_book: bool);

    /// Takes one; good for the call.
    fn take(&mut self, raw: RawRef<'_>);
}

/// A closure as a taker that needs no hints.
#[derive(Debug)]
pub(super) struct Unhinted<F>(pub(super) F);

impl<F: FnMut(RawRef<'_>)> RawTaker for Unhinted<F> {
    #[inline]
    fn expect(&mut self, _: InstrumentId, _: bool) {}

    #[inline]
    fn take(&mut self, raw: RawRef<'_>) {
        (self.0)(raw);
    }
}
