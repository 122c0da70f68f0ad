//! Purpose: `meltica run`: the feed over sockets, from a venue that is configured or from one that is started here.
//! Owns: the embedded venue, while it runs. Thread: main. Takes and gives: arguments in, an outcome out.
//! Never: connects anywhere but to the loopback unless the configuration says so.

use std::sync::Arc;

use super::args::RunArgs;
use super::control::serve::serve;
use super::embedded::Embedded;
use super::exit::Failed;
use super::live::{self, Follow};
use super::log::{Entry, Event};
use super::outputs::keep_apart;
use super::session::{self, Until, failed};
use super::settings::{self, Purpose, control_options, engine_options, routes};
use super::simulated;
use super::view::View;
use crate::config::{FeedSource, Loaded};
use crate::directory::Directory;
use crate::engine::Engine;
use crate::engine::control::LiveSide;
use crate::schema::frame::FrameSource;
use crate::telemetry::{Clock, Ledger};

/// Runs the feed until its deadline, a signal, or the reader of its events has gone.
pub(super) fn run(arguments: &RunArgs) -> Result<(), Failed> {
    keep_apart(&arguments.output, arguments.config.iter().map(|file| ("configuration", &**file)))?;
    let loaded = settings::load(arguments.config.as_deref())?;
    match loaded.config.feed.source {
        FeedSource::Venue => over_sockets(arguments, &loaded, Some(Embedded::start(&loaded)?)),
        FeedSource::Sim => simulated::run(arguments, &loaded),
        FeedSource::Live => over_sockets(arguments, &loaded, None),
    }
}

fn over_sockets(arguments: &RunArgs, loaded: &Loaded, embedded: Option<Embedded>) -> Result<(), Failed> {
    let until = Until::new(arguments.run_for)?;
    let (clock, ledger) = (Clock::default(), Ledger::default());
    let directory = Arc::new(Directory::with_capacity(loaded.config.limits.instruments as usize));
    let sources = live::sources(loaded, embedded.as_ref().map(Embedded::place), &directory, &clock, &ledger)?;
    let follow = Follow::new(&sources);
    let mut view = View::live(&arguments.output, arguments.log_format, &clock).following(follow);
    let mut options = engine_options(loaded, &directory, Purpose::Feed)?;
    options.conductor.snapshot_levels = loaded.config.books.snapshot_limit;
    // The simulated exchange never cuts a body short: fewer levels than asked for are all that there are.
    options.conductor.short_side_is_whole = embedded.is_some();
    // What is wanted is the control duty's to say.
    options.instruments.clear();
    options.control = Some(control_options(&loaded.config, live::market(&loaded.config)));
    let side = sources.first().and_then(LiveSide::of);
    let sources: Vec<_> = sources.into_iter().map(|source| Box::new(source) as Box<dyn FrameSource>).collect();
    let routes = routes(&loaded.config);
    let engine = match side {
        Some(side) => Engine::build_steered(options, &routes, directory, (sources, Box::new(side)), clock, ledger),
        None => Engine::build_many(options, &routes, directory, sources, clock, ledger),
    }
    .map_err(|e| failed(&e))?;
    let (ws, rest) = live::addresses(&loaded.config);
    let place = embedded.as_ref().map_or_else(|| format!("{ws} and {rest}"), |venue| venue.words(loaded));
    view.tell(&started(&place));
    if let Some(venue) = embedded {
        view = view.ending_with(Box::new(move || venue.stop()));
    }
    let _server = serve(loaded, &engine, &mut view)?;
    session::run(engine, &arguments.output, &until, view).map(|_| ())
}

/// The first line of a run.
pub(super) fn started(place: &str) -> Entry {
    let version = env!("CARGO_PKG_VERSION");
    let message = format!("meltica {version}: {place}; Ctrl-C stops");
    Entry::new(Event::Started, message).with("version", version).with("source", place).with("pid", std::process::id())
}
