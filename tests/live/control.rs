//! Commands over sockets: random ones of eight consumers while data flows, and while the venue answers wrongly; at each quiet
//! point its subscriptions are the union of what is wanted, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use meltica::binance::live::{LiveOptions, LiveSource};
use meltica::bus::data::{Delivery, SubscribeOptions};
use meltica::config::route::RouteConfig;
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::control::{ConsumerHandle, ControlOptions, LiveSide};
use meltica::engine::{Engine, EngineOptions, Topology};
use meltica::schema::command::{AckStatus, Command, ControlAck, Filters};
use meltica::schema::frame::FrameSource;
use meltica::schema::json::write_event;
use meltica::schema::report::{Report, StatusReport, StreamState, SubscriptionsReport};
use meltica::sim::venue::{AnswerFault, Venue, VenueFault, Whom};
use meltica::telemetry::{Clock, Counter, Ledger};
use serde_json::{Value, json};

use crate::polls::{own_routes, poll_specs};
use crate::rig::{PATIENCE, options_for, venue};

const CONSUMERS: usize = 8;
/// Types with the streams that each wants on.
const TYPES: [(&str, &[&str]); 4] = [
    ("TRADE", &["trade"]),
    ("TICKER.BOOK", &["bookTicker"]),
    ("ORDERBOOK.DELTA", &["depth@100ms"]),
    ("ANALYTICS.FUSED", &["depth@100ms", "trade"]),
];

/// A generator that the test can repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A stepped engine that wants nothing at first, and eight consumers with what each wants.
struct Desk {
    engine: Engine,
    consumers: Vec<(ConsumerHandle, BTreeSet<(usize, usize)>)>,
    auditor: ConsumerHandle,
    audit: Vec<Value>,
    names: Vec<String>,
}

impl Desk {
    fn new(venue: &Venue, change: impl FnOnce(&mut LiveOptions)) -> Desk {
        Desk::on(venue, &default_routes(), change)
    }

    fn on(venue: &Venue, routes: &BTreeMap<String, RouteConfig>, change: impl FnOnce(&mut LiveOptions)) -> Desk {
        let (clock, ledger) = (Clock::default(), Ledger::default());
        let mut options = options_for(venue);
        options.commanded = true;
        change(&mut options);
        let sources = LiveSource::parts(&options, &clock, &ledger).unwrap();
        let side = LiveSide::of(&sources[0]).unwrap();
        let sources: Vec<_> = sources.into_iter().map(|source| Box::new(source) as Box<dyn FrameSource>).collect();
        let control = ControlOptions { boot: None, ..ControlOptions::default() };
        let options = EngineOptions {
            topology: Some(Topology::Stepped),
            live: true,
            control: Some(control),
            ..EngineOptions::default()
        };
        let directory = Arc::new(Directory::default());
        let steered = (sources, Box::new(side) as Box<_>);
        let mut engine = Engine::build_steered(options, routes, directory, steered, clock, ledger).unwrap();
        let connect = |n: usize| engine.control().connect(&format!("c{n}")).unwrap();
        let consumers = (0..CONSUMERS).map(|n| (connect(n), BTreeSet::new())).collect();
        let auditor = engine.control().connect_with("auditor", SubscribeOptions::LOSSLESS).unwrap();
        engine.start().unwrap();
        let mut desk = Desk { engine, consumers, auditor, audit: Vec::new(), names: Vec::new() };
        desk.until("the list of instruments", |desk| desk.engine.directory().instruments() >= 4);
        let listed = (0..4).map(|n| desk.engine.directory().instrument(meltica::schema::id::InstrumentId(n)).unwrap());
        desk.names = listed.map(|i| i.name.to_string()).collect();
        for told in ["CONTROL.UPDATE", "STATUS.STREAM"] {
            let ack = desk.ask(CONSUMERS, subscribe(told, Filters::new()));
            assert_eq!(ack.status, AckStatus::Accepted);
        }
        desk
    }

    fn step(&mut self) -> usize {
        let mut work = self.engine.step();
        for (handle, _) in &mut self.consumers {
            work += handle.poll(usize::MAX, |_| {});
        }
        let Desk { engine, auditor, audit, .. } = self;
        work += auditor.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => {
                let mut text = Vec::new();
                write_event(event, &**engine.directory(), &mut text);
                audit.push(serde_json::from_slice(&text).unwrap());
            }
            Delivery::Lag(lag) => panic!("a lossless reader was told {lag:?}"),
        });
        work
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&Desk) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: did not happen");
            if self.step() == 0 {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }

    /// Sends for a consumer, or for the auditor behind them, and waits for the answer.
    fn ask(&mut self, at: usize, command: Command) -> ControlAck {
        let begun = Instant::now();
        let request = self.handle(at).send(command).unwrap();
        loop {
            assert!(begun.elapsed() < PATIENCE, "no answer");
            self.step();
            if let Some(answer) = self.handle(at).acknowledgement() {
                assert_eq!(answer.request, request);
                return answer.ack;
            }
        }
    }

    fn handle(&mut self, at: usize) -> &mut ConsumerHandle {
        match self.consumers.get_mut(at) {
            Some((handle, _)) => handle,
            None => &mut self.auditor,
        }
    }

    fn status(&mut self) -> StatusReport {
        match self.ask(CONSUMERS, Command::Status).report.map(|report| *report) {
            Some(Report::Status(status)) => *status,
            other => panic!("no status: {other:?}"),
        }
    }

    fn subscriptions(&mut self) -> SubscriptionsReport {
        match self.ask(CONSUMERS, Command::ListSubscriptions).report.map(|report| *report) {
            Some(Report::Subscriptions(report)) => report,
            other => panic!("no report: {other:?}"),
        }
    }

    /// What all consumers want together, by hand.
    fn wanted(&self) -> Vec<String> {
        let mut streams = BTreeSet::new();
        for (_, wanted) in &self.consumers {
            for (kind, choice) in wanted {
                for name in self.names.iter().enumerate().filter(|(n, _)| reaches(*choice, *n)).map(|(_, name)| name) {
                    let symbol = name.replace('-', "").to_lowercase();
                    streams.extend(TYPES[*kind].1.iter().map(|topic| format!("{symbol}@{topic}")));
                }
            }
        }
        streams.into_iter().collect()
    }

    fn command(&mut self, dice: &mut Dice) {
        let (at, kind, choice) = (dice.roll(CONSUMERS), dice.roll(TYPES.len()), dice.roll(5));
        let type_name = TYPES[kind].0;
        let filters = self.filters(choice);
        let (handle, wanted) = (at, self.consumers[at].1.clone());
        let mut after = wanted.clone();
        // Less is begun than ended: what everybody wants already needs no word to the venue.
        let command = match dice.roll(7) {
            0 | 1 => {
                after.insert((kind, choice));
                subscribe(type_name, filters)
            }
            2..=4 => {
                after.retain(|(k, _)| *k != kind);
                Command::Unsubscribe { type_name: type_name.into(), filters: None, trace_id: None }
            }
            5 => {
                after.remove(&(kind, choice));
                Command::Unsubscribe { type_name: type_name.into(), filters: Some(filters), trace_id: None }
            }
            _ if after.iter().any(|(k, _)| *k == kind) => {
                after.retain(|(k, _)| *k != kind);
                after.insert((kind, choice));
                Command::UpdateFilters { type_name: type_name.into(), filters, trace_id: None }
            }
            _ => return,
        };
        let ack = self.ask(handle, command);
        let expected = if after == wanted { AckStatus::Noop } else { AckStatus::Accepted };
        assert_eq!(ack.status, expected, "{ack:?}");
        self.consumers[at].1 = after;
    }

    /// Instruments by choice: all, or one of the four.
    fn filters(&self, choice: usize) -> Filters {
        match choice.checked_sub(1) {
            None => Filters::new(),
            Some(n) => Filters::from([("instrument".to_owned(), json!(self.names[n]))]),
        }
    }

    /// The states of every stream, in the order in which they were told.
    fn told(&self) -> BTreeMap<String, Vec<String>> {
        let mut told = BTreeMap::<String, Vec<String>>::new();
        for event in self.audit.iter().filter(|event| event["type"] == "STATUS.STREAM") {
            let of = |field: &str| event["payload"][field].as_str().unwrap().to_owned();
            assert_eq!(event["market"], "BINANCE-SPOT");
            told.entry(of("stream")).or_default().push(of("state"));
        }
        told
    }

    /// Waits until the venue has exactly what is wanted, and the duty knows.
    fn quiet(&mut self, venue: &Venue) {
        let wanted = self.wanted();
        self.until("the venue has what is wanted", |_| subscribed(venue) == wanted);
        let begun = Instant::now();
        loop {
            let report = self.subscriptions();
            let there: Vec<_> = report.streams.iter().map(|s| (s.stream.clone(), s.state)).collect();
            let settled = |s: &StreamState| !matches!(s, StreamState::Requested | StreamState::Leaving);
            let told = self.told();
            let is_told = |(name, state): &(String, StreamState)| {
                told.get(name).and_then(|states| states.last()).is_some_and(|last| last == state.name())
            };
            if there.iter().all(|stream| settled(&stream.1) && is_told(stream)) {
                assert_eq!(there.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), wanted);
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "never settled: {there:?}");
        }
        assert_eq!(subscribed(venue), wanted, "and still has it");
    }

    fn finish(mut self, changes: usize) {
        let told = |entry: &Value, key: &str| entry["payload"][key].as_u64().unwrap();
        let changed = |e: &&Value| e["payload"]["outcome"] == "accepted" && e["payload"]["verb"] != "start";
        let steps: Vec<_> =
            self.audit.iter().filter(changed).map(|e| (told(e, "oldVersion"), told(e, "newVersion"))).collect();
        let states = self.told();
        for (stream, states) in &states {
            assert_eq!(states[0], "Requested", "{stream}");
            assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{stream}: {states:?}");
            let allowed = |pair: &[String]| match (&*pair[0], &*pair[1]) {
                ("Leaving", next) => next == "Requested",
                ("Silent" | "Refused", next) => next != "Acknowledged" || pair[0] == "Refused",
                ("Live", next) => next == "Requested" || next == "Leaving",
                _ => true,
            };
            assert!(states.windows(2).all(allowed), "{stream}: {states:?}");
        }
        assert!(steps.len() >= changes, "{} changes audited", steps.len());
        assert!(steps.windows(2).all(|pair| pair[1].0 == pair[0].1), "versions are gapless");
        assert!(steps.iter().all(|(old, new)| *new == old + 1));
        self.engine.stop();
        self.until("the engine ends", |desk| desk.engine.is_done());
        drop((self.consumers, self.auditor));
        self.engine.finish().unwrap();
    }
}

fn reaches(choice: usize, instrument: usize) -> bool {
    choice == 0 || choice - 1 == instrument
}

fn subscribe(type_name: &str, filters: Filters) -> Command {
    Command::Subscribe { type_name: type_name.to_owned(), filters, trace_id: None, lease_seconds: None }
}

/// Every name that some connection of the venue's has, in order; one that two have stands twice.
fn subscribed(venue: &Venue) -> Vec<String> {
    let mut names: Vec<_> = venue.stats().sessions.into_iter().flat_map(|session| session.streams).collect();
    names.sort();
    names
}

/// How many commands; a soak gives more.
fn commands() -> usize {
    std::env::var("MELTICA_SOAK_COMMANDS").ok().and_then(|n| n.parse().ok()).unwrap_or(120)
}

#[test]
fn at_each_quiet_point_the_venue_has_the_union_of_what_is_wanted() {
    let venue = venue(|options| options.frames_per_second = Some(2_000));
    let mut desk = Desk::new(&venue, |_| {});
    assert!(subscribed(&venue).is_empty(), "nothing is wanted at first");
    let mut dice = Dice(11);
    for round in 0..commands() / 6 {
        // Bursts, and single commands: what one takes back the next wants again before the venue has heard.
        let burst = if round % 2 == 0 { 1 } else { 1 + dice.roll(20) };
        (0..burst).for_each(|_| desk.command(&mut dice));
        desk.quiet(&venue);
        assert!(!venue.stats().exceeded.any(), "round {round}: {:?}", venue.stats().exceeded);
    }
    let status = desk.status();
    let answered = status.acknowledged_in;
    println!("from a command to the venue's last answer: {answered:?}");
    assert!(answered.count > 0 && status.streams.requested == 0);
    let published: u64 = status.shards.iter().map(|shard| shard.published).sum();
    assert!((1..=desk.engine.ledger().total(Counter::Published)).contains(&published), "{published}");
    desk.finish(commands() / 10);
}

#[test]
fn what_is_wanted_is_reached_while_the_venue_answers_wrongly_and_cuts() {
    let venue = venue(|_| {});
    let mut desk = Desk::new(&venue, |_| {});
    let (mut dice, all) = (Dice(23), Whom::default);
    let answers = |how| VenueFault::Answers { how, count: 2, by: Duration::from_millis(300) };
    let faults = [
        answers(AnswerFault::Missing),
        answers(AnswerFault::Late),
        answers(AnswerFault::Twice),
        answers(AnswerFault::WrongId),
        answers(AnswerFault::Error),
        answers(AnswerFault::ErrorWithoutId),
        answers(AnswerFault::Garbage),
        VenueFault::Cut { whom: all() },
        VenueFault::Reset { whom: all() },
    ];
    let downs = |desk: &Desk| desk.engine.ledger().total(Counter::ConnectionsDown);
    for fault in faults {
        let before = downs(&desk);
        venue.inject(fault.clone());
        println!("{fault:?}");
        if matches!(fault, VenueFault::Cut { .. } | VenueFault::Reset { .. }) {
            // Else what is wanted may be there before the cut comes, and gone when it is looked at again.
            desk.until("the connection is cut", |desk| downs(desk) > before);
        }
        (0..12).for_each(|_| desk.command(&mut dice));
        desk.quiet(&venue);
    }
    desk.finish(20);
}

#[test]
fn a_routes_poll_runs_while_it_is_wanted_and_for_whom() {
    let yaml = r#"{ OWN.AVERAGE: { unknown_fields: drop,
        rest: [{ name: average, endpoint: "/api/v3/avgPrice?symbol={symbol}", interval: 1s, parser: avg_price }] } }"#;
    let (venue, routes) = (venue(|_| {}), own_routes(yaml));
    let mut desk = Desk::on(&venue, &routes, |options| options.polls = poll_specs(&routes));
    let requests = |desk: &Desk| desk.engine.ledger().total(Counter::RestRequests);
    let rests = |desk: &mut Desk, why: &str| {
        let before = requests(desk);
        let begun = Instant::now();
        desk.until("time passes", |_| begun.elapsed() > Duration::from_millis(2_500));
        assert_eq!(requests(desk), before, "{why}");
    };
    rests(&mut desk, "nobody wants it");
    let btc = Filters::from([("instrument".to_owned(), json!("BTC-USDT"))]);
    assert_eq!(desk.ask(CONSUMERS, subscribe("OWN.AVERAGE", btc)).status, AckStatus::Accepted);
    let of = |event: &Value| event["type"] == "OWN.AVERAGE";
    desk.until("it is polled", |desk| desk.audit.iter().filter(|event| of(event)).count() >= 3);
    assert!(desk.audit.iter().filter(|event| of(event)).all(|event| event["instrument"] == "BTC-USDT"));
    let polled = desk.audit.iter().filter(|event| of(event)).count() as u64;
    assert!(requests(&desk) <= polled + 2, "only what is wanted was asked for, and the list of instruments");
    let leave = Command::Unsubscribe { type_name: "OWN.AVERAGE".into(), filters: None, trace_id: None };
    assert_eq!(desk.ask(CONSUMERS, leave).status, AckStatus::Accepted);
    let begun = Instant::now();
    desk.until("what is under way comes in", |_| begun.elapsed() > Duration::from_millis(500));
    rests(&mut desk, "nobody wants it any more");
    desk.finish(2);
}
