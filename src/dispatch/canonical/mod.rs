//! Purpose: canonicalisers, one a stream kind: a raw instance in, one event out.
//! Owns: which native key becomes which payload field. Thread: dispatch. Takes and gives: `RawRef`, `EventBuf`.
//! Never: keeps state, rounds, guesses a value, carries a field that its table does not name.

mod depth;
mod field;
mod kline;
mod price;
mod table;
mod ticker;
mod trade;

pub use table::{Canonicaliser, EVENT_WORDS_OVER_RAW, canonicaliser, expected_payload};
