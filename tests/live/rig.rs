//! A stepped engine over a live source, and a venue for it. Nothing here waits for a time: only for something to happen, with
//! patience.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use meltica::binance::live::{Board, Endpoint, LiveOptions, LiveSource, LiveTimes, StreamOrders};
use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use meltica::conductor::ConductorOptions;
use meltica::config::route::RouteConfig;
use meltica::directory::Directory;
use meltica::dispatch::{DispatchTable, default_routes};
use meltica::engine::{Engine, EngineOptions, RunReport, Topology};
use meltica::schema::canonical_type::builtin;
use meltica::schema::frame::FrameSource;
use meltica::schema::id::{InstrumentId, Market, Source};
use meltica::schema::json::{Names, write_event};
use meltica::schema::payload::BookStatus;
use meltica::schema::quality::{BookCause, BookChange, Quality};
use meltica::sim::oracle::Oracle;
use meltica::sim::venue::{Venue, VenueOptions};
use meltica::telemetry::{Clock, Counter, Ledger};

use crate::checker::Checker;

/// Nothing on the loopback takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A venue of a few symbols on a free port.
pub(crate) fn venue(change: impl FnOnce(&mut VenueOptions)) -> Venue {
    let mut options = VenueOptions::default();
    options.exchange.symbols.truncate(4);
    change(&mut options);
    Venue::start(options).unwrap()
}

/// Options for a venue at these addresses: quick deadlines, so that tests of faults are.
pub(crate) fn options(ws: &str, rest: SocketAddr) -> LiveOptions {
    let table = DispatchTable::compile(1, &default_routes(), &Directory::default()).unwrap();
    let streams = Arc::new(move |symbol: &str| table.topics_for(Market::BinanceSpot, symbol));
    let ms = Duration::from_millis;
    let times = LiveTimes {
        connect: ms(2_000),
        tls: ms(2_000),
        upgrade: ms(2_000),
        stall: ms(1_000),
        backoff: (ms(50), ms(500)),
        first_frame: ms(1_000),
        rest: ms(2_000),
        ..LiveTimes::of(Market::BinanceSpot)
    };
    let rest = Endpoint::rest(&format!("http://{rest}")).unwrap();
    LiveOptions { times, ..LiveOptions::new(Market::BinanceSpot, Endpoint::websocket(ws).unwrap(), rest, streams) }
}

/// As [`options`], for a venue.
pub(crate) fn options_for(venue: &Venue) -> LiveOptions {
    options(&format!("ws://{}", venue.address()), venue.address())
}

/// One change of a book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) instrument: InstrumentId,
    pub(crate) change: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) to: Quality,
    pub(crate) epoch: u32,
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) board: Board,
    pub(crate) orders: StreamOrders,
    pub(crate) checker: Checker,
    pub(crate) quality: BTreeMap<InstrumentId, Quality>,
    /// Changes of books, in order.
    pub(crate) statuses: Vec<Told>,
    /// How many events of polls came, by type and instrument.
    pub(crate) polled: BTreeMap<(String, InstrumentId), u64>,
    pub(crate) connections: Vec<serde_json::Value>,
    /// Trade ids by instrument, in the order of publication.
    pub(crate) trades: BTreeMap<InstrumentId, Vec<i64>>,
    pub(crate) notes: Vec<String>,
    events: Subscription,
    oracle: Arc<Oracle>,
}

impl Rig {
    /// Stepped: the test's thread does all.
    pub(crate) fn new(options: LiveOptions, oracle: Arc<Oracle>) -> Rig {
        Rig::on(Topology::Stepped, 1, &options, oracle)
    }

    pub(crate) fn on(topology: Topology, shards: usize, options: &LiveOptions, oracle: Arc<Oracle>) -> Rig {
        let engine = EngineOptions { topology: Some(topology), shards, live: true, ..EngineOptions::default() };
        Rig::made(options, engine, &default_routes(), oracle)
    }

    /// Stepped, with other options of the conductor.
    pub(crate) fn conducted(options: &LiveOptions, conductor: ConductorOptions, oracle: Arc<Oracle>) -> Rig {
        let topology = Some(Topology::Stepped);
        let engine = EngineOptions { topology, live: true, conductor, ..EngineOptions::default() };
        Rig::made(options, engine, &default_routes(), oracle)
    }

    pub(crate) fn made(
        options: &LiveOptions,
        engine: EngineOptions,
        routes: &BTreeMap<String, RouteConfig>,
        oracle: Arc<Oracle>,
    ) -> Rig {
        let (clock, ledger) = (Clock::default(), Ledger::default());
        let sources = LiveSource::parts(options, &clock, &ledger).unwrap();
        let (board, orders) = (sources[0].board(), sources[0].orders());
        let sources = sources.into_iter().map(|source| Box::new(source) as Box<dyn FrameSource>).collect();
        let directory = Arc::new(Directory::default());
        let mut engine = Engine::build_many(engine, routes, directory, sources, clock, ledger).unwrap();
        let events = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
        engine.start().unwrap();
        Rig {
            engine,
            board,
            orders,
            checker: Checker::default(),
            quality: BTreeMap::new(),
            statuses: Vec::new(),
            polled: BTreeMap::new(),
            connections: Vec::new(),
            trades: BTreeMap::new(),
            notes: Vec::new(),
            events,
            oracle,
        }
    }

    pub(crate) fn over(venue: &Venue, change: impl FnOnce(&mut LiveOptions)) -> Rig {
        let mut options = options_for(venue);
        change(&mut options);
        Rig::new(options, venue.oracle())
    }

    fn step(&mut self) {
        let mut work = self.engine.step();
        for symbol in self.board.take_listed() {
            let id = self.engine.directory().find_symbol(Market::BinanceSpot, &symbol).unwrap();
            assert!(self.engine.watch(id));
        }
        self.notes.extend(self.board.take_notes().iter().map(ToString::to_string));
        let Rig { engine, checker, quality, statuses, polled, connections, trades, events, oracle, .. } = self;
        work += events.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => {
                checker.take(engine, oracle, event);
                let header = event.header();
                if header.source == Source::RestPoll as u16 {
                    let name = engine.directory().type_name(header.type_id()).unwrap().to_owned();
                    *polled.entry((name, header.instrument())).or_default() += 1;
                }
                if let Some(status) = event.payload::<BookStatus>() {
                    quality.insert(header.instrument(), header.quality());
                    statuses.push(Told {
                        instrument: header.instrument(),
                        change: BookChange::NAMES[status.change as usize],
                        cause: BookCause::NAMES[status.cause as usize],
                        to: header.quality(),
                        epoch: header.epoch,
                    });
                } else if header.type_id() == builtin::TRADE {
                    trades.entry(header.instrument()).or_default().push(header.venue_id);
                } else if header.type_id() == builtin::STATUS_CONNECTION {
                    let mut out = Vec::new();
                    write_event(event, &**engine.directory(), &mut out);
                    connections.push(serde_json::from_slice(&out).unwrap());
                }
            }
            Delivery::Lag(lag) => panic!("a lossless reader was told {lag:?}"),
        });
        if work == 0 {
            // Leaves the core to the venue.
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Steps until `done`.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&Rig) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: did not happen; {:?}, {:?}, {:?}",
                self.quality,
                self.board.view(),
                self.notes
            );
            self.step();
        }
    }

    /// Steps until so many books are there and all are Good, and each was compared with the truth some more.
    pub(crate) fn until_good(&mut self, books: usize) {
        self.until("all books Good", |rig| {
            rig.quality.len() == books && rig.quality.values().all(|q| *q == Quality::Good)
        });
        let compared = self.checker.checked + 20 * books as u64;
        self.until("books compared with the truth", |rig| rig.checker.checked >= compared);
    }

    /// The id of a symbol that was seen.
    pub(crate) fn id(&self, symbol: &str) -> InstrumentId {
        self.engine.directory().find_symbol(Market::BinanceSpot, symbol).unwrap()
    }

    /// A counter over all stages.
    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.engine.ledger().total(counter)
    }

    /// From here on another venue tells the truth; what books were under the old one says nothing.
    pub(crate) fn believe(&mut self, oracle: Arc<Oracle>) {
        self.oracle = oracle;
        self.checker.forget(&self.quality);
    }

    /// Steps for so long.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.step();
        }
    }

    /// Causes of the connections that came (`true`) or went, in order.
    pub(crate) fn changes(&self) -> Vec<(bool, String)> {
        let one = |event: &serde_json::Value| {
            let payload = &event["payload"];
            (payload["change"] == "ConnectionUp", payload["cause"].as_str().unwrap().to_owned())
        };
        self.connections.iter().map(one).collect()
    }

    pub(crate) fn finish(mut self) -> RunReport {
        self.engine.stop();
        self.until("the engine ends", |rig| rig.engine.is_done());
        drop(self.events);
        self.engine.finish().unwrap()
    }
}
