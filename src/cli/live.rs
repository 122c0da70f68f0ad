//! Purpose: `meltica run` over sockets: the live source made from the configuration, and its board carried to the
//! reader. Owns: nothing but the board's handle. Thread: main. Takes and gives: a configuration in, a source out;
//! notes and figures for whoever shows them. Never: touches the data path.

use std::path::PathBuf;
use std::sync::Arc;

use super::exit::{Cause, Failed};
use super::settings::{fault, routes};
use crate::binance::live::{
    Board, Endpoint, LiveError, LiveOptions, LiveSource, LiveTimes, LiveView, Note, PollSpec, StreamForm, endpoints,
};
use crate::config::{self, Config, ConfigFaults, Loaded, TimeUnit};
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, Parser, RestFn};
use crate::schema::id::Market;
use crate::telemetry::{Clock, Ledger};

/// The market that the live feed is of.
pub(super) fn market(config: &Config) -> Market {
    config.market.market().unwrap_or(Market::BinanceSpot)
}

/// Where its WebSocket and its REST are: what is configured, or else the market's own.
pub(super) fn addresses(config: &Config) -> (&str, &str) {
    let (ws, rest) = endpoints(market(config));
    let feed = &config.feed;
    (if feed.ws.is_empty() { ws } else { &feed.ws }, if feed.rest.is_empty() { rest } else { &feed.rest })
}

/// A venue that is not the configured one: the embedded one.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    /// Where WebSocket is.
    pub(super) ws: String,
    /// Where REST is.
    pub(super) rest: String,
    /// Who signs its certificate, in PEM form.
    pub(super) ca_pem: Option<String>,
}

/// Makes the source, for the venue that is configured or for another one: a part an io thread.
pub(super) fn sources(
    loaded: &Loaded,
    elsewhere: Option<&Elsewhere>,
    directory: &Directory,
    clock: &Clock,
    ledger: &Ledger,
) -> Result<Vec<LiveSource>, Failed> {
    let mut options = options(loaded, elsewhere, directory)?;
    if let Some(elsewhere) = elsewhere {
        (options.ca_file, options.ca_pem) = (None, elsewhere.ca_pem.clone());
    }
    LiveSource::parts(&options, clock, ledger).map_err(|error| match error {
        LiveError::CaFile(bad) if elsewhere.is_none() => fault(loaded, &["feed", "ca_file"], bad.to_string()),
        error => Failed::new(Cause::Config, error.to_string()),
    })
}

fn options(loaded: &Loaded, elsewhere: Option<&Elsewhere>, directory: &Directory) -> Result<LiveOptions, Failed> {
    let (config, feed, market) = (&loaded.config, &loaded.config.feed, market(&loaded.config));
    let (ws, rest) = elsewhere.map_or_else(|| addresses(config), |venue| (&*venue.ws, &*venue.rest));
    let ws = Endpoint::websocket(ws).map_err(|e| fault(loaded, &["feed", "ws"], e.to_string()))?;
    let rest = Endpoint::rest(rest).map_err(|e| fault(loaded, &["feed", "rest"], e.to_string()))?;
    // A table of its own, only to name streams: the engine's may change while it runs.
    let table = Arc::new(DispatchTable::compile(1, &routes(config), directory).map_err(|faults| {
        let faults = faults.into_iter().map(|f| loaded.places.fault(&f.path, f.message)).collect();
        Failed::new(Cause::Config, ConfigFaults(faults).to_string())
    })?);
    let whole_market = table.whole_market_topics(market);
    let polls = polls(&table, market);
    let streams = Arc::new(move |symbol: &str| table.topics_for(market, symbol));
    let defaults = LiveOptions::new(market, ws, rest, streams);
    Ok(LiveOptions {
        ca_file: (!feed.ca_file.is_empty()).then(|| PathBuf::from(&feed.ca_file)),
        connections: usize::from(feed.connections),
        streams_max: match feed.streams_per_connection {
            0 => defaults.streams_max,
            most => usize::from(most),
        },
        microseconds: feed.time_unit == TimeUnit::Microseconds,
        io_threads: feed.io_threads,
        form: match feed.endpoint {
            config::StreamForm::Combined => StreamForm::Combined,
            config::StreamForm::Raw => StreamForm::Raw,
        },
        busy_poll: feed.busy_poll,
        kernel_stamps: config.telemetry.latency && config.telemetry.kernel_stamps,
        receive_buffer: feed.receive_buffer.0 as usize,
        commanded: true,
        instruments: config.instruments.iter().map(|name| name.to_uppercase()).collect(),
        quote: (!feed.quote.is_empty()).then(|| feed.quote.to_uppercase()),
        whole_market,
        depth_limit: config.books.snapshot_limit,
        polls,
        state_file: (!feed.state_file.is_empty()).then(|| PathBuf::from(&feed.state_file)),
        times: times(config),
        seed: u64::from(std::process::id()),
        ..defaults
    })
}

/// The polls that the REST thread times; depth is asked for by books.
fn polls(table: &DispatchTable, market: Market) -> Vec<PollSpec> {
    let of = |fun: &RestFn| {
        let Parser::Stream(kind) = fun.parser else { return None };
        let (name, endpoint, interval) = (fun.name.clone(), fun.endpoint.clone(), fun.interval);
        fun.market.is_none_or(|of| of == market).then_some(PollSpec { name, endpoint, interval, kind })
    };
    table.rest_fns().filter_map(|(_, fun)| of(fun)).collect()
}

fn times(config: &Config) -> LiveTimes {
    let feed = &config.feed;
    let defaults = LiveTimes::of(market(config));
    LiveTimes { stall: feed.stall_after, age: feed.replace_after, refresh: feed.refresh, ..defaults }
}

/// Carries what the board says to the reader.
pub(super) struct Follow {
    board: Board,
}

impl Follow {
    /// Of these sources: they share one board.
    pub(super) fn new(sources: &[LiveSource]) -> Follow {
        Follow { board: sources.first().map(LiveSource::board).unwrap_or_default() }
    }

    /// What is worth a line.
    pub(super) fn poll(&self) -> Vec<Note> {
        self.board.take_notes()
    }

    /// How the source does.
    pub(super) fn view(&self) -> LiveView {
        self.board.view()
    }
}

/// What the feed waits for; `None` when it waits for nothing.
pub(super) fn waits_for(view: &LiveView) -> Option<String> {
    if !view.catalogue {
        return Some("the list of instruments".to_owned());
    }
    let shut: Vec<_> = view.connections.iter().enumerate().filter(|(_, c)| !c.open).collect();
    let (at, first) = shut.first()?;
    let others = if shut.len() > 1 { format!(", and {} more", shut.len() - 1) } else { String::new() };
    Some(format!("connection {at} ({}){others}", first.state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(variables: &[(&str, &str)]) -> Loaded {
        config::load(None, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).unwrap()
    }

    #[test]
    fn a_market_brings_its_own_addresses_streams_and_patience_and_what_is_written_wins() {
        let (spot, usdm) = (&[][..], &[("MELTICA_MARKET", "BINANCE-USDM")][..]);
        let mine = [usdm[0], ("MELTICA_FEED__WS", "ws://here:1"), ("MELTICA_FEED__STREAMS_PER_CONNECTION", "7")];
        let table = [
            (spot, Market::BinanceSpot, "wss://stream.binance.com:9443", "https://api.binance.com:443", 1_024, 65),
            (usdm, Market::BinanceUsdm, "wss://fstream.binance.com:443", "https://fapi.binance.com:443", 200, 545),
            (&mine, Market::BinanceUsdm, "ws://here:1", "https://fapi.binance.com:443", 7, 545),
        ];
        for (variables, market, ws, rest, streams_max, silence_s) in table {
            let options = options(&loaded(variables), None, &Directory::default()).unwrap();
            assert_eq!((options.market, &*options.ws.to_string(), &*options.rest.to_string()), (market, ws, rest));
            assert_eq!((options.streams_max, options.times.silence.as_secs()), (streams_max, silence_s));
            let streams = (options.streams)("BTCUSDT");
            assert!(streams.contains(&"btcusdt@depth@100ms".to_owned()));
            assert_eq!(streams.contains(&"btcusdt@markPrice@1s".to_owned()), market == Market::BinanceUsdm);
            assert_eq!(streams.contains(&"btcusdt@avgPrice".to_owned()), market == Market::BinanceSpot);
        }
    }

    #[test]
    fn microseconds_are_refused_where_the_market_has_none() {
        let micros = ("MELTICA_FEED__TIME_UNIT", "microseconds");
        let made = |variables: &[(&str, &str)]| {
            let (directory, clock, ledger) = (Directory::default(), Clock::default(), Ledger::default());
            sources(&loaded(variables), None, &directory, &clock, &ledger).map(|_| ()).map_err(|e| e.message)
        };
        let refused = made(&[("MELTICA_MARKET", "BINANCE-USDM"), micros]).unwrap_err();
        assert!(refused.contains("BINANCE-USDM tells times in milliseconds only"), "{refused}");
    }
}
