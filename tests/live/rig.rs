//! An engine over a live source, stepped or on its threads, and a venue for it. Every event is held against the truth and
//! against the manners of the bus. Nothing here waits for a time: only for something to happen, with patience.

use std::collections::{BTreeMap, VecDeque};
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
use meltica::schema::event::EventRef;
use meltica::schema::frame::FrameSource;
use meltica::schema::id::{InstrumentId, Market, Source};
use meltica::schema::json::{Names, write_event};
use meltica::schema::payload::BookStatus;
use meltica::schema::quality::{BookCause, BookChange, Quality};
use meltica::sim::oracle::Oracle;
use meltica::sim::venue::{Venue, VenueOptions};
use meltica::telemetry::{Clock, Counter, Ledger};

use crate::checker::Checker;
use crate::manners::Manners;

/// Nothing on the loopback takes longer, unless it hangs: a minute's weight may have to come back first.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// How much of a book's story is kept.
const STORY_MAX: usize = 20;

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

fn in_short(status: &BookStatus) -> String {
    let change = BookChange::NAMES[status.change as usize];
    let (cause, to) = (BookCause::NAMES[status.cause as usize], Quality::NAMES[status.to as usize]);
    format!("{change} {cause}: {to}, {} {} {}", status.expected, status.got, status.resumed_at)
}

fn as_json(event: EventRef<'_>, engine: &Engine) -> serde_json::Value {
    let mut out = Vec::new();
    write_event(event, &**engine.directory(), &mut out);
    serde_json::from_slice(&out).unwrap()
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

impl Told {
    fn of(event: EventRef<'_>) -> Option<Told> {
        let (header, status) = (event.header(), event.payload::<BookStatus>()?);
        Some(Told {
            instrument: header.instrument(),
            change: BookChange::NAMES[status.change as usize],
            cause: BookCause::NAMES[status.cause as usize],
            to: header.quality(),
            epoch: header.epoch,
        })
    }
}

fn engine_options(topology: Topology, conductor: ConductorOptions) -> EngineOptions {
    // Whole books are published once a second, to be held against the truth as such.
    let conductor = ConductorOptions { book_interval_ns: 1_000_000_000, ..conductor };
    EngineOptions { topology: Some(topology), live: true, conductor, ..EngineOptions::default() }
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) board: Board,
    pub(crate) orders: StreamOrders,
    pub(crate) checker: Checker,
    pub(crate) manners: Manners,
    pub(crate) quality: BTreeMap<InstrumentId, Quality>,
    /// Changes of books, in order.
    pub(crate) statuses: Vec<Told>,
    /// How many events of polls came, by type and instrument.
    pub(crate) polled: BTreeMap<(String, InstrumentId), u64>,
    pub(crate) connections: Vec<serde_json::Value>,
    /// Trade ids by instrument, in the order of publication.
    pub(crate) trades: BTreeMap<InstrumentId, Vec<i64>>,
    pub(crate) notes: Vec<String>,
    /// What was said of each book, in short words, the last of it.
    stories: BTreeMap<InstrumentId, VecDeque<String>>,
    /// Events of all instruments are kept as JSON, in order.
    pub(crate) kept: BTreeMap<InstrumentId, Vec<serde_json::Value>>,
    pub(crate) keep: bool,
    /// The truth; `None` when the venue is in another process.
    pub(crate) oracle: Option<Arc<Oracle>>,
    events: Subscription,
}

impl Rig {
    /// Stepped: the test's thread does all.
    pub(crate) fn new(options: LiveOptions, oracle: Option<Arc<Oracle>>) -> Rig {
        Rig::on(Topology::Stepped, 1, &options, oracle)
    }

    pub(crate) fn on(topology: Topology, shards: usize, options: &LiveOptions, oracle: Option<Arc<Oracle>>) -> Rig {
        let engine = EngineOptions { shards, ..engine_options(topology, ConductorOptions::default()) };
        Rig::made(options, engine, &default_routes(), oracle)
    }

    /// Stepped, with other options of the conductor.
    pub(crate) fn conducted(options: &LiveOptions, conductor: ConductorOptions, venue: &Venue) -> Rig {
        let engine = engine_options(Topology::Stepped, conductor);
        Rig::made(options, engine, &default_routes(), Some(venue.oracle()))
    }

    pub(crate) fn made(
        options: &LiveOptions,
        engine: EngineOptions,
        routes: &BTreeMap<String, RouteConfig>,
        oracle: Option<Arc<Oracle>>,
    ) -> Rig {
        let shards = engine.shards;
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
            manners: Manners::of(shards),
            quality: BTreeMap::new(),
            statuses: Vec::new(),
            polled: BTreeMap::new(),
            connections: Vec::new(),
            trades: BTreeMap::new(),
            notes: Vec::new(),
            stories: BTreeMap::new(),
            kept: BTreeMap::new(),
            keep: false,
            oracle,
            events,
        }
    }

    pub(crate) fn over(venue: &Venue, change: impl FnOnce(&mut LiveOptions)) -> Rig {
        let mut options = options_for(venue);
        change(&mut options);
        Rig::new(options, Some(venue.oracle()))
    }

    /// One round: a stepped engine's cycle, and all events that have come.
    pub(crate) fn step(&mut self) {
        let mut work = self.engine.step();
        self.notes.extend(self.board.take_notes().iter().map(ToString::to_string));
        let Rig { engine, checker, manners, quality, connections, trades, events, oracle, kept, stories, .. } = self;
        let Rig { statuses, polled, .. } = self;
        let keep = self.keep;
        work += events.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => {
                manners.take(event, engine.directory());
                checker.take(engine, oracle.as_ref(), event);
                let header = event.header();
                if header.source == Source::RestPoll as u16 {
                    let name = engine.directory().type_name(header.type_id()).unwrap().to_owned();
                    *polled.entry((name, header.instrument())).or_default() += 1;
                }
                if keep {
                    kept.entry(header.instrument()).or_default().push(as_json(event, engine));
                }
                if header.type_id() == builtin::STATUS_BOOK {
                    quality.insert(header.instrument(), header.quality());
                    let story = stories.entry(header.instrument()).or_default();
                    story.extend(event.payload::<BookStatus>().map(in_short));
                    statuses.extend(Told::of(event));
                    story.drain(..story.len().saturating_sub(STORY_MAX));
                } else if header.type_id() == builtin::TRADE {
                    trades.entry(header.instrument()).or_default().push(header.venue_id);
                } else if header.type_id() == builtin::STATUS_CONNECTION {
                    connections.push(as_json(event, engine));
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
    pub(crate) fn until(&mut self, what: &str, done: impl FnMut(&Rig) -> bool) {
        self.until_within(PATIENCE, what, done);
    }

    /// As [`Rig::until`], with this patience.
    pub(crate) fn until_within(&mut self, patience: Duration, what: &str, mut done: impl FnMut(&Rig) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(
                begun.elapsed() < patience,
                "{what}: did not happen; {:#?}, {:?}, {:?}, {:?}",
                self.stories.iter().filter(|(id, _)| self.quality[id] != Quality::Good).collect::<Vec<_>>(),
                self.board.view(),
                self.notes,
                Counter::ALL.iter().map(|c| (c.label(), self.count(*c))).filter(|(_, n)| *n > 0).collect::<Vec<_>>()
            );
            self.step();
        }
    }

    /// Steps until so many books are there and all are Good, and each was compared with the truth some more.
    pub(crate) fn until_good(&mut self, books: usize) {
        self.until("all books Good", |rig| {
            rig.quality.len() == books && rig.quality.values().all(|q| *q == Quality::Good)
        });
        let compared = self.checker.followed + 20 * books as u64;
        self.until("books compared with the truth", |rig| rig.checker.followed >= compared);
    }

    /// From here on another venue tells the truth.
    pub(crate) fn change_oracle(&mut self, oracle: Arc<Oracle>) {
        let directory = Arc::clone(self.engine.directory());
        self.checker.change_oracle(Some(&oracle), |id| directory.instrument(id).unwrap().symbol.to_string());
        self.oracle = Some(oracle);
    }

    /// The id of a symbol that was seen.
    pub(crate) fn id(&self, symbol: &str) -> InstrumentId {
        self.engine.directory().find_symbol(Market::BinanceSpot, symbol).unwrap()
    }

    /// A counter over all stages.
    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.engine.ledger().total(counter)
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
