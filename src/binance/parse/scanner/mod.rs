//! The scanner: frames as the venue writes nearly all of them, read in one pass without a tape.
//!
//! | file | holds |
//! |---|---|
//! | `window` | sixteen bytes at once: what they are, and where a quote stands |
//! | `number` | decimals and whole numbers, sixteen digits at once |
//! | `isa` | the instructions that numbers are made with: those of every processor, or more |
//! | `v3`, `shuffles` | those of x86-64-v3, where the processor says that it has them |
//! | `level` | the levels of a side: prices of one form, so that the next one's end is known before its bytes are |
//! | `piece` | up to sixteen bytes that are expected |
//! | `cursor` | a position in a frame: keys, numbers, decimals, texts |
//! | `wrapper` | the stream's name and the payload of a combined frame |
//! | `payload` | one flat payload into the slots and levels of a raw instance, key by key |
//! | `step` | what is expected and the value behind it, read by comparing |
//! | `shape` | how the payloads of a kind are written: the steps, learned from the one before |
//!
//! Invariants: what it takes, it reads as the tape would, to the last byte of the record; of all else it says "not mine"
//! (`None`) and the tape decides. So nothing here says that a frame is wrong. It takes frames of known streams of one
//! instrument, with names of at most 31 bytes, without white space, escapes, nested objects, `null`, negative whole numbers and keys that no table knows.

mod cursor;
mod isa;
mod level;
mod number;
mod payload;
mod piece;
mod shape;
#[cfg(target_arch = "x86_64")]
mod shuffles;
mod step;
#[cfg(target_arch = "x86_64")]
mod v3;
mod window;
mod wrapper;

#[cfg(test)]
mod number_tests;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;

pub(super) use number::{Digits, scale_of};
pub(super) use piece::Piece;
pub(super) use shape::{Shapes, place_of_shape};
pub(super) use wrapper::open;
