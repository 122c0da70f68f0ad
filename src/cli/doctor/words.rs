//! Purpose: the command line of `doctor`. Owns: its grammar. Thread: main. Takes and gives: arguments in, plain data out.
//! Never: reads a file.

use std::path::PathBuf;

use clap::Args;

use super::super::control::words::OutputForm;

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct DoctorArgs {
    /// Configuration (YAML) whose cores, sockets and addresses are looked at; without it the shipped defaults hold.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// For a person or for a program.
    #[arg(long, value_enum, default_value_t = OutputForm::Human)]
    pub(super) output: OutputForm,
    /// Connect to nobody: leave out the race to the venue's addresses.
    #[arg(long)]
    pub(super) no_net: bool,
    /// How often each of the venue's addresses is connected to.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(super) rounds: u32,
    /// End with 1 when something is bad.
    #[arg(long)]
    pub(super) strict: bool,
}
