//! Purpose: how the program ends: one exit code a cause, the same in every command.
//! Owns: the codes (those of BSD's sysexits where one fits). Thread: main. Takes and gives: a failure, a number.
//! Never: ends with 0 when something asked for was not done.

use std::fmt;

use crate::schema::frame::{SourceError, SourceErrorKind};

/// Why a command did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something is bad that was to be looked at (`doctor --strict`).
    Unfit = 1,
    /// The command line is wrong.
    Usage = 2,
    /// An input's content is not what it must be: a damaged capture, one that is out of order.
    BadInput = 65,
    /// An input cannot be opened or read.
    NoInput = 66,
    /// No feed answers where one was looked for, or it ended.
    Unavailable = 69,
    /// A stage panicked: a defect of the program.
    Stage = 70,
    /// The system refused a thread, or the catching of signals.
    System = 71,
    /// An output cannot be written: a full disk, a missing directory.
    Output = 74,
    /// A feed is busy or not ready: the same may work later.
    TryAgain = 75,
    /// A feed does not let this token do that, or asks for one.
    NotAllowed = 77,
    /// The configuration is wrong.
    Config = 78,
}

impl Cause {
    /// Every cause with what the manual says of it.
    pub const ALL: [(Cause, &'static str); 11] = [
        (Cause::Unfit, "`doctor --strict` found something bad"),
        (Cause::Usage, "the command line is wrong"),
        (Cause::BadInput, "an input's content is damaged or out of order, or a feed refused a command"),
        (Cause::NoInput, "an input cannot be opened or read"),
        (Cause::Unavailable, "no feed answers there, or it ended"),
        (Cause::Stage, "a stage of the engine panicked (a defect)"),
        (Cause::System, "the system refused a thread, or the catching of signals"),
        (Cause::Output, "an output cannot be written"),
        (Cause::TryAgain, "a feed is busy or not ready; the same may work later"),
        (Cause::NotAllowed, "a feed does not let this token do that"),
        (Cause::Config, "the configuration is wrong"),
    ];
}

/// A failure, for a person and for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Decides the exit code.
    pub cause: Cause,
    /// Who erred, what was expected, what to do.
    pub message: String,
}

impl Failed {
    /// A failure.
    pub fn new(cause: Cause, message: impl Into<String>) -> Failed {
        Failed { cause, message: message.into() }
    }
}

impl From<&SourceError> for Failed {
    /// What cannot be read is another fault than what was read and is wrong.
    fn from(error: &SourceError) -> Failed {
        let cause = match error.kind {
            SourceErrorKind::Unreadable => Cause::NoInput,
            SourceErrorKind::Damaged => Cause::BadInput,
        };
        Failed::new(cause, error.to_string())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The exit codes as `--help` shows them.
pub(super) fn exit_code_help() -> String {
    let mut text = String::from("Exit codes:\n   0  done, or stopped by a signal or a closed pipe\n");
    for (cause, meaning) in Cause::ALL {
        text.push_str(&format!("  {:>2}  {meaning}\n", cause as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_fails_in_mid_run_ends_as_one_that_cannot_be_opened() {
        assert_eq!(Failed::from(&SourceError::unreadable("x")), Failed::new(Cause::NoInput, "x"));
        assert_eq!(Failed::from(&SourceError::damaged("x")), Failed::new(Cause::BadInput, "x"));
    }
}
