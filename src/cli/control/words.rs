//! Purpose: the command line of what speaks to a running feed. Owns: its grammar. Thread: main.
//! Takes and gives: arguments in, plain data out. Never: has a place for a token's text: it would be seen by every user of
//! the machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::super::args::duration;

/// Which feed, and how to speak of it.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct FeedArgs {
    /// Where the feed is, as `run` printed it: http://ADDR:PORT, https://… or unix:PATH. Without it $MELTICA_AT, else
    /// http://127.0.0.1:6358.
    #[arg(long, value_name = "URL")]
    pub(super) at: Option<String>,
    /// A file that holds your token and is yours alone (mode 0600). Without it $MELTICA_TOKEN_FILE, else no token.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust for https, in place of the public ones. Without it $MELTICA_CA_FILE.
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// For a person or for a program.
    #[arg(long, value_enum, default_value_t = OutputForm::Human)]
    pub(super) output: OutputForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OutputForm {
    /// Columns and words.
    Human,
    /// JSON, on one line.
    Json,
}

/// What is wanted of a type.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct WishArgs {
    /// The canonical type, e.g. TRADE; `meltica routes` has all.
    #[arg(value_name = "TYPE")]
    pub(super) type_name: String,
    /// Only this instrument, e.g. BTC-USDT; may be given again.
    #[arg(long, short, value_name = "I")]
    pub(super) instrument: Vec<String>,
    /// Only what has this value in this field of the payload: `k=v`, `k!=v`, or `k=a,b` for one of several; may be given
    /// again, and then all must hold.
    #[arg(long, short, value_name = "K=V")]
    pub(super) filter: Vec<String>,
    /// For which consumer. Without it the token's name, or `anonymous` where the feed asks for no token.
    #[arg(long, short, value_name = "NAME")]
    pub(super) consumer: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct SubscribeArgs {
    #[command(flatten)]
    pub(super) wish: WishArgs,
    /// Wait until its streams are live, and at most so long.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "30s", value_parser = duration)]
    pub(super) wait: Option<Duration>,
    /// End by itself after so long unless it is renewed by the same command; without it: never.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) lease: Option<Duration>,
    #[command(flatten)]
    pub(super) feed: FeedArgs,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct UnsubscribeArgs {
    /// Without instruments and filters: everything of the type; with them: the one subscription that has exactly these.
    #[command(flatten)]
    pub(super) wish: WishArgs,
    #[command(flatten)]
    pub(super) feed: FeedArgs,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct ReportArgs {
    #[command(flatten)]
    pub(super) feed: FeedArgs,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct TailArgs {
    /// The canonical type, e.g. TRADE; several with commas between.
    #[arg(value_name = "TYPE", value_delimiter = ',', required = true)]
    pub(super) types: Vec<String>,
    /// Only this instrument, e.g. BTC-USDT; may be given again.
    #[arg(long, short, value_name = "I")]
    pub(super) instrument: Vec<String>,
    /// Stop after so many events.
    #[arg(long, short = 'n', value_name = "N")]
    pub(super) count: Option<u64>,
    #[command(flatten)]
    pub(super) feed: FeedArgs,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell; its completions go to standard output.
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct ManArgs {
    /// The folder to write manual pages to, one a command.
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
}
