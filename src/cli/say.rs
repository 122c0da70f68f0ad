//! Purpose: the words of the program, on standard error and standard output. Owns: nothing. Thread: any (cold).
//! Takes and gives: text. Never: panics when nobody reads any more, as the standard macros do; takes that for a failure.

use std::io::{self, Write};

use super::events::gone_or_failed;
use super::exit::Failed;

/// Tells a person on standard error. Where that leads nowhere (a closed pipe, a full disk) there is nobody left to tell.
pub(super) fn tell(text: &str) {
    let _ = write_whole(&mut io::stderr(), text);
}

/// Gives a result on standard output.
///
/// # Errors
/// When it cannot be written, unless its reader has gone.
pub(super) fn give(text: &str) -> Result<(), Failed> {
    write_whole(&mut io::stdout(), text).or_else(|error| gone_or_failed("standard output", &error))
}

/// In one piece, so that lines of two threads do not mix.
fn write_whole(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}
