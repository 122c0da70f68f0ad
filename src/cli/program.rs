//! Purpose: from arguments to an exit code. Owns: nothing. Thread: main. Takes and gives: the process's arguments.
//! Never: shows a backtrace or a panic's text where a message belongs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use super::args::{Cli, Command, LogFormat, RunArgs};
use super::exit::{Cause, Failed};
use super::log::last_words;
use super::say::tell;
use super::{check, control, doctor, replay, run, venue};

/// Runs the program with the process's arguments and environment.
pub fn main() -> ExitCode {
    // clap ends the program itself: 0 after `--help`, 2 after a wrong command line.
    let command = Cli::parse().command;
    let in_json = matches!(&command, Some(Command::Run(run)) if run.log_format == LogFormat::Json);
    // Unwind safety: after a panic nothing is used but the exit code. Stages on threads of their own are caught there; what
    // comes this far is a stage that the main thread steps, or the command itself.
    let outcome = catch_unwind(AssertUnwindSafe(|| carry_out(command))).unwrap_or_else(|_| {
        let message = "the main thread panicked, as told above: this is a defect of the program; keep the message";
        Err(Failed::new(Cause::Stage, message))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { cause, message }) => {
            let words = if in_json { last_words(&message, cause as u8) } else { format!("meltica: {message}\n") };
            tell(&words);
            ExitCode::from(cause as u8)
        }
    }
}

fn carry_out(command: Option<Command>) -> Result<(), Failed> {
    match command {
        None => run::run(&RunArgs::default()),
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::Replay(arguments)) => replay::replay(&arguments),
        Some(Command::Check(arguments)) => check::check(&arguments),
        Some(Command::Venue(arguments)) => venue::venue(&arguments),
        Some(Command::Doctor(arguments)) => doctor::command::doctor(&arguments),
        Some(Command::Subscribe(arguments)) => control::wants::subscribe(&arguments),
        Some(Command::Unsubscribe(arguments)) => control::wants::unsubscribe(&arguments),
        Some(Command::Routes(arguments)) => control::reports::routes(&arguments),
        Some(Command::Subscriptions(arguments)) => control::reports::subscriptions(&arguments),
        Some(Command::Status(arguments)) => control::reports::status(&arguments),
        Some(Command::Tail(arguments)) => control::tail::tail(&arguments),
        Some(Command::Latency(arguments)) => control::latency::command::latency(&arguments),
        #[cfg(feature = "top")]
        Some(Command::Top(arguments)) => control::top::command::top(&arguments),
        Some(Command::Completions(arguments)) => control::manual::completions(&arguments),
        Some(Command::Man(arguments)) => control::manual::man(&arguments),
    }
}
