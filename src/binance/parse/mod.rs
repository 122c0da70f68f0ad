//! Frames → raw instances: by a scanner where a frame is written as nearly all are, else by simd-json's tape in reused
//! buffers. No tree, no owned strings.
//!
//! | file | holds |
//! |---|---|
//! | `parser` | `Parser`: one frame in, raw instances out; counts |
//! | `instances` | the raw instances of one frame: stream, payloads, whose they are |
//! | `envelope` | the wrapper of combined frames |
//! | `control` | frames that are no data: answers, notices |
//! | `taker` | where raw instances go, and the hint of whose frame is being read |
//! | `tape` | walking a tape: entries of an object, elements of an array, exact numbers |
//! | `keys` | native key → slot, one table a stream kind |
//! | `fields` | the fields of one payload into the slots of a raw instance |
//! | `bodies` | REST bodies into the slots of the stream that says the same |
//! | `levels` | level arrays |
//! | `listed` | what exchangeInfo said of each instrument, and what is news of it |
//! | `names` | stream name → topic and instrument, symbol → instrument, remembered |
//! | `short_name` | a name in two vectors, to be looked up by |
//! | `text` | the JSON text of values that no table knows |
//! | `scan` | the stream name of bytes that are no JSON |
//! | `scanned` | the streams that the scanner knows, by name |
//! | `scanner` | the frames that it takes, without a tape |
//! | `error` | why a frame is malformed |
//!
//! Invariants: a stream's name alone decides what its frames are; a value is exact or the frame is malformed; a malformed
//! frame of a book is never silent (`StreamKind::Lost`).

mod bodies;
mod control;
mod envelope;
mod error;
mod fields;
mod instances;
mod keys;
mod levels;
mod listed;
mod names;
mod parser;
mod scan;
mod scanned;
mod scanner;
mod short_name;
mod taker;
mod tape;
mod text;

#[cfg(test)]
mod tests;

pub use control::ControlKind;
pub use error::{Cause, ParseError};
pub use parser::{ParsedFrame, Parser, ParserOptions};
pub use taker::RawTaker;
