//! Purpose: `meltica replay`: captured frames through the engine. Owns: nothing. Thread: main.
//! Takes and gives: arguments in, an outcome out. Never: opens a socket.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::args::{ReplayArgs, SpeedArg};
use super::exit::{Cause, Failed};
use super::outputs::keep_apart;
use super::say::tell;
use super::session::{self, Until, failed};
use super::settings::{self, Purpose, engine_options, routes};
use super::view::View;
use crate::binance::catalogue;
use crate::capture::{CaptureFile, ReplayOptions, ReplaySource, Speed};
use crate::config::Loaded;
use crate::directory::Directory;
use crate::engine::Engine;
use crate::schema::id::Market;
use crate::telemetry::{Clock, Counter, Ledger};

/// Most bytes of a body of exchangeInfo.
const EXCHANGE_INFO_BYTES_MAX: u64 = 256 << 20;

/// Replays the captures.
pub(super) fn replay(arguments: &ReplayArgs) -> Result<(), Failed> {
    let inputs = arguments.files.iter().map(|file| ("capture", &**file));
    let inputs = inputs.chain(arguments.exchange_info.iter().map(|file| ("exchangeInfo", &**file)));
    keep_apart(&arguments.output, inputs.chain(arguments.config.iter().map(|file| ("configuration", &**file))))?;
    let until = Until::new(None)?;
    let loaded = settings::load(arguments.config.as_deref())?;
    let clock = Clock::default();
    let ledger = Ledger::default();
    let directory = Arc::new(Directory::with_capacity(loaded.config.limits.instruments as usize));
    let market = arguments.market.or(loaded.config.market.market());
    let source = open(arguments, &loaded, market, &clock, &ledger)?;
    if let Some(path) = &arguments.exchange_info {
        let market = market.or_else(|| source.files().next().map(|f| f.market)).unwrap_or(Market::BinanceSpot);
        admit(path, market, &directory)?;
    }
    tell_files(arguments, &source);
    let view = View::replay(&arguments.output, source.progress(), &clock);
    let options = engine_options(&loaded, &directory, Purpose::Replay)?;
    let engine = Engine::build(options, &routes(&loaded.config), directory, Box::new(source), clock, ledger)
        .map_err(|e| failed(&e))?;
    session::run(engine, &arguments.output, &until, view).map(|_| ())
}

fn open(
    arguments: &ReplayArgs,
    loaded: &Loaded,
    market: Option<Market>,
    clock: &Clock,
    ledger: &Ledger,
) -> Result<ReplaySource, Failed> {
    let files = arguments.files.iter().map(|path| CaptureFile { path: path.clone(), market }).collect();
    let speed = match arguments.speed {
        SpeedArg::Max => Speed::Max,
        SpeedArg::Recorded => {
            let clock = clock.clone();
            Speed::Recorded(Box::new(move || clock.now_ns()))
        }
    };
    let counts = Mutex::new(ledger.sheet("capture"));
    let unserved = move || {
        if let Ok(mut counts) = counts.lock() {
            counts.add(Counter::SnapshotsUnserved, 1);
        }
    };
    let options = ReplayOptions {
        speed,
        line_bytes_max: loaded.config.limits.line_bytes.0 as usize,
        unserved: Box::new(unserved),
    };
    ReplaySource::open(files, options).map_err(|e| Failed::from(&e))
}

fn admit(path: &Path, market: Market, directory: &Directory) -> Result<(), Failed> {
    let name = path.display();
    let body = crate::capture::read_whole(path, EXCHANGE_INFO_BYTES_MAX).map_err(|e| {
        let Failed { cause, message } = Failed::from(&e);
        Failed::new(cause, format!("--exchange-info: {message}"))
    })?;
    let listed = catalogue::read(market, &body).map_err(|e| Failed::new(Cause::BadInput, format!("{name}: {e}")))?;
    for instrument in listed.instruments {
        directory.admit(instrument).map_err(|e| Failed::new(Cause::Config, format!("{name}: {e}")))?;
    }
    Ok(())
}

fn tell_files(arguments: &ReplayArgs, source: &ReplaySource) {
    if arguments.output.quiet {
        return;
    }
    for file in source.files() {
        let because = if arguments.market.is_some() { "as told" } else { file.guess.because };
        tell(&format!("{}: {} ({because})\n", file.path.display(), file.market));
    }
}
