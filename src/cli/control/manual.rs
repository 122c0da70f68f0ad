//! Purpose: `meltica completions` and `meltica man`: made from the grammar itself. Owns: nothing. Thread: main.
//! Takes and gives: a shell or a folder in, text out. Never: has words of its own.

use std::fs;

use clap::CommandFactory;

use super::super::args::Cli;
use super::super::exit::{Cause, Failed};
use super::super::say::give;
use super::words::{CompletionsArgs, ManArgs};

/// Gives the completions for a shell.
pub(in crate::cli) fn completions(arguments: &CompletionsArgs) -> Result<(), Failed> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "meltica", &mut script);
    give(&String::from_utf8_lossy(&script))
}

/// Writes a manual page for the program and each of its commands.
pub(in crate::cli) fn man(arguments: &ManArgs) -> Result<(), Failed> {
    let failed = |error: std::io::Error| {
        Failed::new(Cause::Output, format!("{}: cannot be written: {error}", arguments.folder.display()))
    };
    fs::create_dir_all(&arguments.folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &arguments.folder).map_err(failed)?;
    let pages = fs::read_dir(&arguments.folder).map_err(failed)?.count();
    give(&format!("{pages} manual pages in {}\n", arguments.folder.display()))
}
