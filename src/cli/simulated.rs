//! Purpose: `meltica run` on the simulated exchange in this process, without sockets; what both simulated sources trade.
//! Owns: nothing. Thread: main. Takes and gives: a configuration in, an outcome out. Never: opens a socket.

use std::sync::Arc;

use super::args::RunArgs;
use super::control::serve::serve;
use super::exit::{Cause, Failed};
use super::run::started;
use super::session::{self, Until, failed};
use super::settings::{Purpose, control_options, engine_options, fault, routes};
use super::view::View;
use crate::config::{Config, Loaded};
use crate::directory::Directory;
use crate::engine::Engine;
use crate::schema::id::Market;
use crate::schema::instrument::{Instrument, Trading};
use crate::sim::channel::Channels;
use crate::sim::options::{ExchangeOptions, Pace, SimOptions};
use crate::sim::oracle::Retain;
use crate::sim::rate::events_for;
use crate::sim::source::SimSource;
use crate::sim::spec::{SymbolSpec, default_symbols};
use crate::telemetry::{Clock, Ledger};

/// Ids of the past that the exchange keeps a symbol. It answers for its books as they are, and nobody here asks its oracle
/// for those that were: as few as it takes.
pub(super) const IDS_KEPT: u64 = 1;

/// Refuses a market that the simulated exchange is not.
pub(super) fn spot_only(loaded: &Loaded) -> Result<(), Failed> {
    if loaded.config.market.market() == Some(Market::BinanceUsdm) {
        let message = "the simulated exchange is BINANCE-SPOT: leave it out, or write auto or BINANCE-SPOT";
        return Err(fault(loaded, &["market"], message));
    }
    Ok(())
}

/// Runs on the exchange until the end.
pub(super) fn run(arguments: &RunArgs, loaded: &Loaded) -> Result<(), Failed> {
    spot_only(loaded)?;
    let until = Until::new(arguments.run_for)?;
    let clock = Clock::default();
    let symbols = symbols(&loaded.config)?;
    let directory = Arc::new(Directory::with_capacity(loaded.config.limits.instruments as usize));
    let mut options = engine_options(loaded, &directory, Purpose::Feed)?;
    // The simulated exchange never cuts a body short: fewer levels than asked for are all that there are.
    options.conductor.short_side_is_whole = true;
    // What is wanted is the control duty's to say.
    options.instruments.clear();
    options.control = Some(control_options(&loaded.config, Market::BinanceSpot));
    let source = SimSource::new(sim_options(loaded, symbols.clone(), &clock))
        .map_err(|e| Failed::new(Cause::Config, e.to_string()))?;
    let engine = Engine::build(
        options,
        &routes(&loaded.config),
        Arc::clone(&directory),
        Box::new(source),
        clock,
        Ledger::default(),
    )
    .map_err(|e| failed(&e))?;
    for spec in &symbols {
        let mut instrument =
            Instrument::listed(Market::BinanceSpot, &spec.symbol, &spec.base, &spec.quote, Trading::Open);
        (instrument.price_scale, instrument.quantity_scale) = (spec.price_scale, spec.quantity_scale);
        directory.admit(instrument).map_err(|e| Failed::new(Cause::Config, e.to_string()))?;
    }
    let (count, seed) = (symbols.len(), loaded.config.sim.seed);
    let mut view = View::live(&arguments.output, arguments.log_format, engine.clock()).expecting(count);
    view.tell(&started(&format!("simulated exchange, {count} symbols, seed {seed}")));
    let _server = serve(loaded, &engine, &mut view)?;
    session::run(engine, &arguments.output, &until, view).map(|_| ())
}

fn sim_options(loaded: &Loaded, symbols: Vec<SymbolSpec>, clock: &Clock) -> SimOptions {
    let config = &loaded.config;
    let frames_per_second = config.sim.rate.saturating_mul(symbols.len() as u32);
    let mut exchange = ExchangeOptions {
        seed: config.sim.seed,
        start: clock.unix_now(),
        symbols,
        channels: Channels::CORE,
        retain: Retain::Last(IDS_KEPT),
        ..ExchangeOptions::default()
    };
    // The rate is of diffs, best prices and trades, as at the venue; what else there is comes besides.
    exchange.events_per_second = events_for(frames_per_second, &exchange);
    exchange.channels = Channels::ALL;
    SimOptions {
        exchange,
        pace: Pace::RealTime(clock.clone()),
        rest_latency_ns: i64::try_from(config.sim.rest_latency.as_nanos()).unwrap_or(i64::MAX),
        rest_limit: config.books.snapshot_limit,
        ..SimOptions::default()
    }
}

/// The symbols that the simulated exchange lists: those wanted, or as many as configured.
pub(super) fn symbols(config: &Config) -> Result<Vec<SymbolSpec>, Failed> {
    if config.instruments.is_empty() {
        return Ok(default_symbols(config.sim.symbols as usize));
    }
    let known = default_symbols(10_000);
    let find = |name: &String| {
        let wanted = name.to_uppercase();
        let fits = |s: &&SymbolSpec| s.symbol == wanted || format!("{}-{}", s.base, s.quote) == wanted;
        known.iter().find(fits).cloned().ok_or_else(|| {
            let message = format!(
                "instruments: the simulated exchange does not list {name}; it lists {} and others like {}",
                known[0].symbol, known[40].symbol
            );
            Failed::new(Cause::Config, message)
        })
    };
    let mut specs: Vec<SymbolSpec> = Vec::new();
    for name in &config.instruments {
        let spec = find(name)?;
        // An instrument may be named twice, and by both of its names.
        if specs.iter().all(|known| known.symbol != spec.symbol) {
            specs.push(spec);
        }
    }
    Ok(specs)
}
