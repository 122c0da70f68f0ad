//! Purpose: capture files as a source of frames: what was recorded, in the order in which it was received.
//! Owns: open files and their line buffers. Thread: the io thread; progress is read from any.
//! Takes and gives: paths in, [`crate::schema::frame::Frame`]s out. Never: holds a file in memory, reorders within a
//! file, hands over what it could not read; reads a clock of its own.
//!
//! A line is `<receive time, unix ns> <json>`; a file is plain or gzip (told by its first bytes, several members too).
//!
//! | json | handed over as |
//! |---|---|
//! | `{"stream":…,"data":…}` | [`Origin::Combined`](crate::schema::frame::Origin::Combined), the whole |
//! | `{"lastUpdateId":…,"bids":…}` | a depth body of the only symbol that the file's streams name |
//! | `{"rest":"<path and query>","data":<body>}` | the body's bytes, as the REST call it answers |
//! | anything else, broken JSON too | `Combined`: the parser decides, and counts |
//!
//! | file | holds |
//! |---|---|
//! | `line` | opening, gzip, lines and their stamps |
//! | `members` | the members of a JSON object, without parsing their values |
//! | `shape` | which of the table's rows a line is |
//! | `scan` | a bounded look ahead: market and symbols of a file |
//! | `replay` | files merged by receive time |

mod line;
mod members;
mod replay;
mod scan;
mod shape;
mod whole;

pub use replay::{CaptureFile, CaptureInfo, Progress, ReplayOptions, ReplaySource, Speed};
pub use scan::{MarketGuess, SCAN_BYTES_MAX, SCAN_LINES_MAX, Scan, Symbols, guess_market};
pub use whole::read_whole;
