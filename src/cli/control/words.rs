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
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    /// For a person or for a program.
    #[arg(long, value_enum, default_value_t = OutputForm::Human)]
    pub(super) output: OutputForm,
}

/// Which feed.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct PlaceArgs {
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

/// How latencies are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LatencyForm {
    /// Columns and words.
    Table,
    /// What the feed answered, as far as it was asked for, on one line; of a log, what that holds.
    Json,
    /// HdrHistogram's percentile text of one series, in microseconds.
    Hgrm,
    /// An HdrHistogram log, in nanoseconds, with a tag for each series.
    Hlog,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct LatencyArgs {
    /// How they are given on standard output: as a table, unless only files are asked for.
    #[arg(long, value_enum, value_name = "FORM")]
    pub(super) output: Option<LatencyForm>,
    /// Draw a percentile plot of the hops to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,
    /// Write a page with plots, table and explanations to this file; it needs no network.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Only this hop, e.g. readToPublished.
    #[arg(long, value_name = "HOP")]
    pub(super) hop: Option<String>,
    /// Only events of this type, e.g. TRADE.
    #[arg(long, value_name = "TYPE")]
    pub(super) kind: Option<String>,
    /// Read a log that was kept (`--output hlog`), or another HdrHistogram log in nanoseconds, in place of a feed.
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    pub(super) from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
}

impl LatencyArgs {
    /// Whether a series is asked for.
    pub(super) fn wants(&self, hop: &str, kind: Option<&str>) -> bool {
        let of_kind = |wanted: &String| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(wanted));
        self.hop.as_ref().is_none_or(|wanted| hop.eq_ignore_ascii_case(wanted))
            && self.kind.as_ref().is_none_or(of_kind)
    }

    /// Whether what the feed says is all that is asked for.
    pub(super) fn is_plain(&self) -> bool {
        self.svg.is_none() && self.html.is_none() && self.hop.is_none() && self.kind.is_none()
    }
}

#[cfg(feature = "top")]
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct TopArgs {
    /// Only the books of this instrument, e.g. BTC-USDT; may be given again.
    #[arg(long, short, value_name = "I")]
    pub(super) instrument: Vec<String>,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
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
