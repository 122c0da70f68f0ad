//! Purpose: the command line. Owns: its grammar. Thread: main. Takes and gives: arguments in, a parsed command out.
//! Never: reads a file or the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "top")]
use super::control::words::TopArgs;
use super::control::words::{
    CompletionsArgs, LatencyArgs, ManArgs, ReportArgs, SubscribeArgs, TailArgs, UnsubscribeArgs,
};
use super::doctor::words::DoctorArgs;
use super::exit::exit_code_help;
use crate::schema::id::Market;

/// Binance market data in, canonical events out.
#[derive(Debug, Parser)]
#[command(name = "meltica", version, about, after_help = exit_code_help(), max_term_width = 100)]
pub(super) struct Cli {
    /// What to do; `run` when nothing is said.
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the feed, on a simulated venue that it starts itself unless `feed.source` says otherwise, with a live status.
    #[command(after_help = exit_code_help())]
    Run(RunArgs),
    /// Send captured frames through the engine.
    #[command(after_help = exit_code_help())]
    Replay(ReplayArgs),
    /// Check a configuration or a capture and list everything that is wrong with it.
    #[command(after_help = exit_code_help())]
    Check(CheckArgs),
    /// Run a simulated Binance on a socket, for any client.
    #[command(after_help = exit_code_help())]
    Venue(VenueArgs),
    /// Look at this machine and the way to the venue: what costs latency, and what to change.
    #[command(after_help = exit_code_help())]
    Doctor(DoctorArgs),
    /// Turn a type on in a running feed.
    #[command(after_help = exit_code_help())]
    Subscribe(SubscribeArgs),
    /// Turn a type off: all of it, or with instruments and filters the one subscription that has exactly these.
    #[command(after_help = exit_code_help())]
    Unsubscribe(UnsubscribeArgs),
    /// Show every type that can be subscribed to.
    #[command(after_help = exit_code_help())]
    Routes(ReportArgs),
    /// Show who wants what, and the native streams that are not live.
    #[command(after_help = exit_code_help())]
    Subscriptions(ReportArgs),
    /// Show how a running feed does; ends with 75 while something that is wanted does not flow.
    #[command(after_help = exit_code_help())]
    Status(ReportArgs),
    /// Show events of a running feed as they come.
    #[command(after_help = exit_code_help())]
    Tail(TailArgs),
    /// Show how long each step of the walk takes, by hop and kind, of a running feed or of a kept log.
    #[command(after_help = exit_code_help())]
    Latency(LatencyArgs),
    /// Show a running feed on a screen: rates, best prices, latencies, connections, losses. `?` shows the keys.
    #[cfg(feature = "top")]
    #[command(after_help = exit_code_help())]
    Top(TopArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Write manual pages.
    Man(ManArgs),
}

/// What a run gives out.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct OutputArgs {
    /// Write each published event as one JSON object a line to this file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) events: Option<PathBuf>,
    /// At the end write every book as JSON to this file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) books: Option<PathBuf>,
    /// Show neither status nor events nor summary.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct RunArgs {
    /// Configuration (YAML); without it the shipped defaults hold.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Stop after this long, e.g. 10s or 5m; without it, on SIGINT or SIGTERM.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(super) run_for: Option<Duration>,
    /// How events are told on standard error: lines for a person (on a terminal with a live status), or JSON objects.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for a person.
    #[default]
    Text,
    /// One JSON object a line; no status.
    Json,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ReplayArgs {
    /// Captures, plain or gzip, one `<unix ns> <json>` a line; several are merged by receive time.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Configuration (YAML); without it the shipped defaults hold.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A body of exchangeInfo (plain or gzip) that names symbols; without it they are split by known quote assets.
    #[arg(long, value_name = "FILE")]
    pub(super) exchange_info: Option<PathBuf>,
    /// The market of all files; without it each file's is guessed from its content.
    #[arg(long, value_name = "MARKET", value_parser = market)]
    pub(super) market: Option<Market>,
    /// As fast as the consumers allow, or as it was recorded.
    #[arg(long, value_enum, default_value_t = SpeedArg::Max)]
    pub(super) speed: SpeedArg,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SpeedArg {
    /// As fast as the consumers allow.
    Max,
    /// With the distances of the recording.
    Recorded,
}

#[derive(Args, Clone, Debug)]
pub(super) struct CheckArgs {
    /// A configuration (YAML) or a capture.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub(super) struct VenueArgs {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9443")]
    pub(super) listen: SocketAddr,
    /// How many symbols are listed.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) symbols: u32,
    /// Diffs, best prices and trades a second, of each symbol on average.
    #[arg(long, value_name = "R", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) rate: u32,
    /// Decides what happens in the market.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Serve under TLS, with a certificate by an authority of the venue's own.
    #[arg(long)]
    pub(super) tls: bool,
    /// Write the authority's certificate (PEM) to this file, for clients to trust.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(super) ca_out: Option<PathBuf>,
    /// What goes wrong when (YAML).
    #[arg(long, value_name = "FILE")]
    pub(super) script: Option<PathBuf>,
    /// Serve this capture in place of a simulated market, once somebody subscribes to its streams.
    #[arg(long, value_name = "FILE")]
    pub(super) serve_capture: Option<PathBuf>,
    /// How many times faster than recorded the capture is served; 0 is as fast as it is read.
    #[arg(long, value_name = "X", default_value_t = 1, requires = "serve_capture")]
    pub(super) speed: u32,
    /// Stop after this long, e.g. 10s or 5m; without it, on SIGINT or SIGTERM.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(super) run_for: Option<Duration>,
    /// Show no summary.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: humantime_serde::Serde<Duration> =
        serde_json::from_value(serde_json::Value::String(text.to_owned()))
            .map_err(|e| format!("{e}; write a number with a unit, e.g. 500ms, 10s, 5m, 1h"))?;
    match parsed.into_inner() {
        Duration::ZERO => Err("must be longer than nothing".to_owned()),
        span => Ok(span),
    }
}

fn market(text: &str) -> Result<Market, String> {
    Market::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Market::ALL.iter().map(|m| m.name()).collect();
        format!("not a market; known are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_are_read_or_refused() {
        let parse = |words: &str| Cli::try_parse_from(words.split(' '));
        assert!(parse("meltica").unwrap().command.is_none());
        let Some(Command::Run(run)) = parse("meltica run --for 1m30s --events -").unwrap().command else {
            panic!("not run")
        };
        assert_eq!(run.run_for, Some(Duration::from_secs(90)));
        let replay = parse("meltica replay a b --market binance-usdm --speed recorded").unwrap().command;
        let Some(Command::Replay(replay)) = replay else { panic!("not replay") };
        assert_eq!(
            (replay.files.len(), replay.market, replay.speed),
            (2, Some(Market::BinanceUsdm), SpeedArg::Recorded)
        );
        for bad in [
            "meltica replay",
            "meltica run --for 10",
            "meltica run --for 0s",
            "meltica run --log-format xml",
            "meltica replay x --market NYSE",
            "meltica replay x --speed fast",
            "meltica check",
            "meltica venue --listen here",
            "meltica venue --ca-out x",
            "meltica fly",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
