//! Purpose: `meltica run`: the feed over sockets, from a venue that is configured or from one that is started here.
//! Owns: the embedded venue, while it runs. Thread: main. Takes and gives: arguments in, an outcome out.
//! Never: connects anywhere but to the loopback unless the configuration says so.

use std::sync::Arc;

use super::args::RunArgs;
use super::embedded::Embedded;
use super::exit::Failed;
use super::live::{self, Elsewhere, Follow};
use super::outputs::keep_apart;
use super::say::tell;
use super::session::{self, Until, failed};
use super::settings::{self, Purpose, engine_options, routes};
use super::simulated;
use super::view::View;
use crate::config::{FeedSource, Loaded};
use crate::directory::Directory;
use crate::engine::Engine;
use crate::schema::frame::FrameSource;
use crate::telemetry::{Clock, Ledger};

/// Runs the feed until its deadline, a signal, or the reader of its events has gone.
pub(super) fn run(arguments: &RunArgs) -> Result<(), Failed> {
    keep_apart(&arguments.output, arguments.config.iter().map(|file| ("configuration", &**file)))?;
    let loaded = settings::load(arguments.config.as_deref())?;
    match loaded.config.feed.source {
        FeedSource::Venue => over_embedded(arguments, &loaded),
        FeedSource::Sim => simulated::run(arguments, &loaded),
        FeedSource::Live => {
            let (ws, rest) = live::addresses(&loaded.config);
            over_sockets(arguments, &loaded, None, &format!("{ws} and {rest}"))
        }
    }
}

/// From a venue that is started for this run, and told about at its end.
fn over_embedded(arguments: &RunArgs, loaded: &Loaded) -> Result<(), Failed> {
    let venue = Embedded::start(loaded)?;
    let outcome = over_sockets(arguments, loaded, Some(venue.place()), &venue.words(loaded));
    let seen = venue.stop();
    if !arguments.output.quiet {
        tell(&seen);
    }
    outcome
}

fn over_sockets(
    arguments: &RunArgs,
    loaded: &Loaded,
    elsewhere: Option<&Elsewhere>,
    place: &str,
) -> Result<(), Failed> {
    let until = Until::new(arguments.run_for)?;
    let (clock, ledger) = (Clock::default(), Ledger::default());
    let directory = Arc::new(Directory::with_capacity(loaded.config.limits.instruments as usize));
    let sources = live::sources(loaded, elsewhere, &directory, &clock, &ledger)?;
    let view = View::live(&arguments.output).following(Follow::new(&sources, &loaded.config));
    let mut options = engine_options(loaded, &directory, Purpose::Feed);
    options.conductor.snapshot_levels = loaded.config.books.snapshot_limit;
    options.conductor.short_side_is_whole = elsewhere.is_some();
    let sources = sources.into_iter().map(|source| Box::new(source) as Box<dyn FrameSource>).collect();
    let engine = Engine::build_many(options, &routes(&loaded.config), directory, sources, clock, ledger)
        .map_err(|e| failed(&e))?;
    if !arguments.output.quiet {
        tell(&format!("meltica {}: {place}; Ctrl-C stops\n", env!("CARGO_PKG_VERSION")));
    }
    session::run(engine, &arguments.output, &until, view).map(|_| ())
}
