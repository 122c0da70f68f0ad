//! `RawInstance`, a parsed frame before filtering: a header, slots laid out by stream kind, levels, and a text area that ends
//! with the tail of unknown keys. One form in a reused buffer, the same words in a ring.
//!
//! | file | holds |
//! |---|---|
//! | `record` | the layout: head, slots, levels |
//! | `read` | a raw instance read in place |
//! | `build` | one raw instance after another made in the same buffers |
//! | `levels`, `texts` | what of it has no fixed length, while it is built |

mod build;
mod levels;
mod read;
mod record;
#[cfg(test)]
mod tests;
mod texts;

pub use build::{RawBuf, RawOrigin};
pub use read::{RawRef, Unknown};
pub use record::{Level, RAW_HEADER_WORDS, RawHeader, Side, Slot, Value, mark};
