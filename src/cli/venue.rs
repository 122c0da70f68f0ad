//! Purpose: `meltica venue`: a simulated Binance on a socket, for any client. Owns: nothing. Thread: main.
//! Takes and gives: arguments in, its address on standard output, what it saw on standard error.
//! Never: goes on when an input or an output does not work.

use std::path::Path;
use std::time::{Duration, Instant};

use super::args::VenueArgs;
use super::exit::{Cause, Failed};
use super::say::{give, tell};
use super::seen::seen;
use super::session::Until;
use super::whole_file::keep;
use crate::schema::id::Market;
use crate::sim::options::ExchangeOptions;
use crate::sim::oracle::Retain;
use crate::sim::spec::default_symbols;
use crate::sim::venue::{CaptureOptions, Script, TlsOptions, Venue, VenueError, VenueLimits, VenueOptions};

const NAP: Duration = Duration::from_millis(20);
/// Ids of the past that the exchange keeps of all symbols together: enough for snapshots of a moment ago.
const IDS_KEPT_ALL: u64 = 4_000_000;
/// Names that fit a person's eye.
const STREAMS_SHOWN: usize = 20;
/// A script is written by hand.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

/// Serves until the deadline or a signal.
pub(super) fn venue(arguments: &VenueArgs) -> Result<(), Failed> {
    let until = Until::new(arguments.run_for)?;
    let mut venue = Venue::start(options(arguments)?).map_err(failed)?;
    if arguments.serve_capture.is_some() && !arguments.quiet {
        tell(&served(&venue));
    }
    if let (Some(path), Some(pem)) = (&arguments.ca_out, venue.ca_pem()) {
        keep(path, pem)?;
    }
    let (address, secure) = (venue.address(), if arguments.tls { "s" } else { "" });
    give(&format!("listening on ws{secure}://{address} and http{secure}://{address}\n"))?;
    let since = Instant::now();
    let mut told = false;
    while !until.is_over(since) {
        std::thread::sleep(NAP);
        let progress = venue.capture_progress().unwrap_or_default();
        if let Some(fault) = progress.fault {
            return Err(Failed::new(Cause::BadInput, fault));
        }
        if progress.ended && !core::mem::replace(&mut told, true) && !arguments.quiet {
            tell("meltica: the capture was served to its end\n");
        }
    }
    let stats = venue.stats();
    venue.stop();
    if !arguments.quiet {
        tell(&seen(&stats));
    }
    Ok(())
}

fn options(arguments: &VenueArgs) -> Result<VenueOptions, Failed> {
    let script = arguments.script.as_deref().map(script).transpose()?.unwrap_or_default();
    let tls = arguments.tls.then(TlsOptions::loopback).transpose();
    let defaults = VenueOptions::default();
    let capture = arguments.serve_capture.as_ref();
    let capture = capture.map(|path| CaptureOptions { files: vec![path.clone()], speed: arguments.speed });
    let market = capture.as_ref().map_or(Ok(Market::BinanceSpot), CaptureOptions::market);
    let market = market.map_err(|fault| Failed::from(&fault))?;
    Ok(VenueOptions {
        listen: arguments.listen,
        exchange: ExchangeOptions {
            seed: arguments.seed,
            symbols: default_symbols(arguments.symbols as usize),
            retain: Retain::Last((IDS_KEPT_ALL / u64::from(arguments.symbols)).clamp(4_096, 65_536)),
            ..defaults.exchange
        },
        frames_per_second: Some(arguments.rate.saturating_mul(arguments.symbols)),
        script,
        tls: tls.map_err(|e| Failed::new(Cause::System, e.to_string()))?,
        capture,
        limits: VenueLimits::of(market),
        ..defaults
    })
}

/// What a capture offers: a client hears nothing unless it asks for these very names.
fn served(venue: &Venue) -> String {
    let streams = venue.capture_streams();
    let more = match streams.len().saturating_sub(STREAMS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = streams[..streams.len().min(STREAMS_SHOWN)].join(" ");
    format!("meltica: a capture of {}, streams {shown}{more}\n", venue.market())
}

fn script(path: &Path) -> Result<Script, Failed> {
    let unread = |what: String| Failed::new(Cause::NoInput, format!("{}: {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| unread(e.to_string()))?.len();
    if size > SCRIPT_BYTES_MAX {
        return Err(unread(format!("{size} bytes: a script has at most {SCRIPT_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| unread(e.to_string()))?;
    Script::parse(&text).map_err(|e| Failed::new(Cause::Config, format!("{}: {e}", path.display())))
}

/// What its refusal to start means to a shell.
pub(super) fn failed(error: VenueError) -> Failed {
    let cause = match &error {
        VenueError::Exchange(_) | VenueError::Listen { .. } => Cause::Config,
        VenueError::Capture(fault) => Failed::from(fault).cause,
        VenueError::Tls(_) | VenueError::Thread(_) => Cause::System,
    };
    Failed::new(cause, error.to_string())
}
