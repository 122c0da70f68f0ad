//! Purpose: from arguments to an exit code. Owns: nothing. Thread: main. Takes and gives: the process's arguments.
//! Never: shows a backtrace or a panic's text where a message belongs.

use std::process::ExitCode;

use clap::Parser;

use super::args::{Cli, Command, RunArgs};
use super::exit::Failed;
use super::{check, replay, run, venue};

/// Runs the program with the process's arguments and environment.
pub fn main() -> ExitCode {
    // clap ends the program itself: 0 after `--help`, 2 after a wrong command line.
    let outcome = match Cli::parse().command {
        None => run::run(&RunArgs::default()),
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::Replay(arguments)) => replay::replay(&arguments),
        Some(Command::Check(arguments)) => check::check(&arguments),
        Some(Command::Venue(arguments)) => venue::venue(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { cause, message }) => {
            eprintln!("meltica: {message}");
            ExitCode::from(cause as u8)
        }
    }
}
