//! Purpose: commands while the feed runs, over the simulated exchange in this process: each of eight consumers is handed
//! exactly what it asked for at the version of each event, versions are gapless, everything is audited.
//! Owns: a plain model of who wants what. Thread: as the topology has it. Takes and gives: random commands.
//! Never: depends on how fast the machine is.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use std::collections::BTreeMap;
use std::sync::Arc;

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::control::{ConsumerHandle, ControlOptions};
use meltica::engine::{Engine, EngineOptions, Topology};
use meltica::schema::canonical_type::builtin;
use meltica::schema::command::{AckStatus, Command, ConsumerName, ControlCode, Filters};
use meltica::schema::event::EventRef;
use meltica::schema::json::{Names, write_event};
use meltica::schema::report::{Report, StreamState};
use meltica::sim::channel::{Channel, Channels};
use meltica::sim::options::{ExchangeOptions, SimOptions};
use meltica::sim::oracle::Retain;
use meltica::sim::source::SimSource;
use meltica::sim::spec::default_symbols;
use meltica::telemetry::{Clock, Ledger};
use serde_json::{Value, json};

const CONSUMERS: usize = 8;
const TYPES: [&str; 4] = ["TRADE", "KLINE", "ORDERBOOK.DELTA", "ANALYTICS.FUSED"];

fn engine(topology: Topology, control: ControlOptions, frames: u64) -> Engine {
    let exchange = ExchangeOptions {
        symbols: default_symbols(6),
        channels: Channels::CORE.with(Channel::Kline),
        retain: Retain::Last(1),
        ..ExchangeOptions::default()
    };
    let source = SimSource::new(SimOptions { exchange, frames_max: Some(frames), ..SimOptions::default() }).unwrap();
    let options =
        EngineOptions { topology: Some(topology), control: Some(control), io_batch: 16, ..EngineOptions::default() };
    let directory = Arc::new(Directory::default());
    Engine::build(options, &default_routes(), directory, Box::new(source), Clock::default(), Ledger::default()).unwrap()
}

fn nothing_at_first() -> ControlOptions {
    ControlOptions { boot: None, ..ControlOptions::default() }
}

/// A generator that the test can repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Filters by choice, and whether they let an event pass, by hand.
fn filters(choice: usize) -> Filters {
    let of = |pairs: &[(&str, Value)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    match choice {
        0 => Filters::new(),
        1 => of(&[("instrument", json!("BTC-USDT"))]),
        2 => of(&[("instrument", json!(["ETH-USDT", "BTC-USDT"]))]),
        _ => of(&[("instrument", json!({"op": "prefix", "value": "ETH"})), ("market", json!("BINANCE-SPOT"))]),
    }
}

fn passes(choice: usize, instrument: &str) -> bool {
    match choice {
        0 => true,
        1 => instrument == "BTC-USDT",
        2 => ["ETH-USDT", "BTC-USDT"].contains(&instrument),
        _ => instrument.starts_with("ETH"),
    }
}

/// One consumer, what it wants as its acknowledgements say, and what it was handed.
struct Consumer {
    handle: ConsumerHandle,
    /// Wanted from a version on: (type, choice of filters).
    history: Vec<(u64, Vec<(usize, usize)>)>,
    handed: Vec<(u32, u16, u64)>,
}

impl Consumer {
    fn wants(&self, version: u64, type_name: &str, instrument: &str) -> bool {
        let at = self.history.iter().rposition(|(from, _)| *from <= version);
        let Some((_, wanted)) = at.map(|at| &self.history[at]) else { return false };
        wanted.iter().any(|(kind, choice)| TYPES[*kind] == type_name && passes(*choice, instrument))
    }
}

/// One random command, and what the consumer wants once it is accepted; `None` when it must be refused.
fn command(dice: &mut Dice, now: &[(usize, usize)]) -> (Command, Option<Vec<(usize, usize)>>) {
    let (kind, choice) = (dice.roll(TYPES.len()), dice.roll(4));
    let (type_name, trace_id, mut wanted) = (TYPES[kind].to_owned(), None, now.to_vec());
    match dice.roll(8) {
        0..=3 => {
            if !wanted.contains(&(kind, choice)) {
                wanted.push((kind, choice));
                wanted.sort_unstable();
            }
            (Command::Subscribe { type_name, filters: filters(choice), trace_id, lease_seconds: None }, Some(wanted))
        }
        4 | 5 => {
            let narrow = (dice.roll(2) == 0).then_some(choice);
            wanted.retain(|(k, c)| *k != kind || narrow.is_some_and(|n| n != *c));
            (Command::Unsubscribe { type_name, filters: narrow.map(filters), trace_id }, Some(wanted))
        }
        6 => {
            let has = wanted.iter().any(|(k, _)| *k == kind);
            wanted.retain(|(k, _)| *k != kind);
            wanted.push((kind, choice));
            wanted.sort_unstable();
            (Command::UpdateFilters { type_name, filters: filters(choice), trace_id }, has.then_some(wanted))
        }
        _ => {
            let type_name = "NO.ROUTE".to_owned();
            (Command::Subscribe { type_name, filters: Filters::new(), trace_id, lease_seconds: None }, None)
        }
    }
}

/// Everything that was published, of the types that consumers ask for, and the audit.
#[derive(Default)]
struct Published {
    events: Vec<(u32, u16, u64, u64)>,
    audit: Vec<Value>,
}

impl Published {
    fn take(&mut self, event: EventRef<'_>, names: &Directory) {
        let header = event.header();
        if header.type_id() == builtin::CONTROL_UPDATE {
            let mut text = Vec::new();
            write_event(event, names, &mut text);
            self.audit.push(serde_json::from_slice(&text).unwrap());
        } else if names.type_name(header.type_id()).is_some_and(|name| TYPES.contains(&name)) {
            let version = u64::from(header.dispatch_version);
            self.events.push((header.instrument, header.type_id, header.seq, version));
        }
    }
}

fn every_consumer_is_handed_what_it_asked_for(topology: Topology, commands: usize) {
    let mut engine = engine(topology, nothing_at_first(), u64::MAX);
    let mut recorder = engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS).unwrap();
    let connect = |n| engine.control().connect_with(&format!("c{n}"), SubscribeOptions::LOSSLESS).unwrap();
    let consumer = |n| Consumer { handle: connect(n), history: vec![(0, Vec::new())], handed: Vec::new() };
    let mut consumers: Vec<Consumer> = (0..CONSUMERS).map(consumer).collect();
    let directory = Arc::clone(engine.directory());
    engine.start().unwrap();
    let (mut dice, mut published, mut versions) = (Dice(7), Published::default(), vec![1u64]);
    let (mut sent, mut pending) = (0, None::<(usize, Option<Vec<(usize, usize)>>)>);
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    loop {
        let done = engine.is_done();
        let mut work = engine.step();
        work += recorder.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => published.take(event, &directory),
            Delivery::Lag(lag) => panic!("a lossless reader was told {lag:?}"),
        });
        for consumer in &mut consumers {
            let handed = &mut consumer.handed;
            work += consumer.handle.poll(usize::MAX, |delivery| match delivery {
                Delivery::Event(event) => {
                    let header = event.header();
                    handed.push((header.instrument, header.type_id, header.seq));
                }
                Delivery::Lag(lag) => panic!("a lossless reader was told {lag:?}"),
            });
        }
        if let Some((at, _)) = &pending
            && let Some(answer) = consumers[*at].handle.acknowledgement()
        {
            let (at, expected) = pending.take().unwrap();
            let (ack, before) = (answer.ack, *versions.last().unwrap());
            let changed = expected.as_ref().is_some_and(|e| *e != consumers[at].history.last().unwrap().1);
            let status = match &expected {
                None => AckStatus::Error,
                Some(_) if changed => AckStatus::Accepted,
                Some(_) => AckStatus::Noop,
            };
            assert_eq!((ack.status, ack.dispatch_version), (status, before + u64::from(changed)), "{ack:?}");
            if changed {
                versions.push(ack.dispatch_version);
                consumers[at].history.push((ack.dispatch_version, expected.unwrap()));
            }
            *outcomes.entry(ack.code().map_or("done", ControlCode::as_str)).or_default() += 1;
        }
        // A few frames pass between one command and the next.
        if pending.is_none() && sent < commands && dice.roll(3) == 0 {
            let at = dice.roll(CONSUMERS);
            let (command, expected) = command(&mut dice, &consumers[at].history.last().unwrap().1);
            consumers[at].handle.send(command).unwrap();
            pending = Some((at, expected));
            sent += 1;
        }
        if sent == commands && pending.is_none() {
            engine.stop();
        }
        if work == 0 && done {
            break;
        }
    }
    for consumer in &consumers {
        let wanted: Vec<_> = published
            .events
            .iter()
            .filter(|(instrument, type_id, _, version)| {
                let type_name = directory.type_name(meltica::schema::id::TypeId(*type_id)).unwrap();
                let instrument = directory.instrument_name(meltica::schema::id::InstrumentId(*instrument)).unwrap();
                consumer.wants(*version, type_name, instrument)
            })
            .map(|(instrument, type_id, seq, _)| (*instrument, *type_id, *seq))
            .collect();
        assert!(consumer.handed == wanted, "{} handed, {} wanted", consumer.handed.len(), wanted.len());
        let (stats, events) = (consumer.handle.events().stats(), consumer.handle.events());
        assert_eq!(stats.delivered + stats.filtered + stats.lagged, events.records(), "all is accounted for");
        assert_eq!((stats.delivered, stats.duplicates, stats.unreadable), (wanted.len() as u64, 0, 0));
    }
    let handed: usize = consumers.iter().map(|c| c.handed.len()).sum();
    assert!(handed > commands && outcomes.len() == 3, "{handed} events handed; {outcomes:?}");
    // The audit: one entry a command, versions without a gap.
    let told = |entry: &Value, key: &str| entry["payload"][key].clone();
    let entries: Vec<_> = published.audit.iter().filter(|e| told(e, "verb") != "start").collect();
    let accepted: Vec<_> = entries.iter().filter(|e| told(e, "outcome") == "accepted").collect();
    let steps: Vec<_> = accepted.iter().map(|e| (told(e, "oldVersion"), told(e, "newVersion"))).collect();
    let expected: Vec<_> = versions.windows(2).map(|pair| (json!(pair[0]), json!(pair[1]))).collect();
    assert_eq!(steps, expected);
    assert!(entries.iter().all(|e| e["instrument"].is_null() && e["traceId"] != "0".repeat(32)));
    drop((consumers, recorder));
    engine.finish().unwrap();
}

#[test]
fn each_consumer_is_handed_exactly_what_it_asked_for_step_by_step() {
    every_consumer_is_handed_what_it_asked_for(Topology::Stepped, 1_000);
}

#[test]
fn each_consumer_is_handed_exactly_what_it_asked_for_on_threads() {
    every_consumer_is_handed_what_it_asked_for(Topology::Dedicated, 200);
}

/// Steps until a question is answered.
fn ask(engine: &mut Engine, handle: &mut ConsumerHandle, command: Command) -> meltica::schema::command::ControlAck {
    let request = handle.send(command).unwrap();
    loop {
        engine.step();
        handle.poll(usize::MAX, |_| {});
        if let Some(answer) = handle.acknowledgement() {
            assert_eq!(answer.request, request);
            return answer.ack;
        }
    }
}

#[test]
fn a_book_is_kept_while_it_is_wanted_and_ages_when_nobody_does() {
    let mut engine = engine(Topology::Stepped, nothing_at_first(), 200_000);
    let mut desk = engine.control().connect("desk").unwrap();
    engine.start().unwrap();
    let subscribe = |filters: Filters| Command::Subscribe {
        type_name: "ANALYTICS.FUSED".into(),
        filters,
        trace_id: None,
        lease_seconds: None,
    };
    assert_eq!(ask(&mut engine, &mut desk, subscribe(filters(2))).status, AckStatus::Accepted);
    let books = |engine: &mut Engine, desk: &mut ConsumerHandle| {
        let ack = ask(engine, desk, Command::Status);
        let Some(Report::Status(status)) = ack.report.map(|r| *r) else { panic!("no status") };
        (status.books, status.streams)
    };
    let until = |engine: &mut Engine, desk: &mut ConsumerHandle, quality: &str| {
        for _ in 0..20_000 {
            let (found, streams) = books(engine, desk);

            if found == BTreeMap::from([(quality.to_owned(), 2)]) {
                return streams;
            }
        }
        panic!("never {quality}: {:?}", books(engine, desk));
    };
    let streams = until(&mut engine, &mut desk, "Good");
    assert_eq!(
        streams.live + streams.silent + streams.acknowledged,
        4,
        "depth and trades of two instruments: {streams:?}"
    );
    let unsubscribe = Command::Unsubscribe { type_name: "ANALYTICS.FUSED".into(), filters: None, trace_id: None };
    ask(&mut engine, &mut desk, unsubscribe);
    until(&mut engine, &mut desk, "Stale");
    // Diffs that were on their way do not bring a book back, however long it takes.
    (0..2_000).for_each(|_| _ = engine.step());
    until(&mut engine, &mut desk, "Stale");
    assert_eq!(ask(&mut engine, &mut desk, subscribe(filters(2))).status, AckStatus::Accepted);
    until(&mut engine, &mut desk, "Good");
    drop(desk);
    engine.stop();
    while !engine.is_done() {
        engine.step();
    }
    engine.finish().unwrap();
}

#[test]
fn a_dropped_handle_is_cleaned_up_and_a_named_consumer_stays_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let control = || ControlOptions { boot: None, journal: Some(journal.clone()), ..ControlOptions::default() };
    let name = ConsumerName::parse("desk").unwrap();
    let subscribe = |type_name: &str, choice: usize| Command::Subscribe {
        type_name: type_name.into(),
        filters: filters(choice),
        trace_id: None,
        lease_seconds: None,
    };
    let report = |engine: &mut Engine, asker: &mut ConsumerHandle| {
        let Some(Report::Subscriptions(report)) = ask(engine, asker, Command::ListSubscriptions).report.map(|r| *r)
        else {
            panic!("no report")
        };
        report
    };
    let mut version = 0;
    for run in 0..3 {
        let mut engine = engine(Topology::Stepped, control(), 50_000);
        let mut asker = engine.control().connect("asker").unwrap();
        let mut http = engine.control().bus().connect("http", 8);
        engine.start().unwrap();
        let before = report(&mut engine, &mut asker);
        let kept: Vec<_> = before.consumers.iter().map(|c| (c.name.as_str(), c.subscriptions.len())).collect();
        assert_eq!(kept, if run == 0 { vec![] } else { vec![("desk", run)] }, "run {run}");
        let mut passing = engine.control().connect("passing").unwrap();
        assert_eq!(ask(&mut engine, &mut passing, subscribe("KLINE", 0)).status, AckStatus::Accepted);
        http.send_for(name.clone(), subscribe("TRADE", run)).unwrap();
        while http.poll().is_none() {
            engine.step();
        }
        let during = report(&mut engine, &mut asker);
        assert_eq!(during.consumers.len(), 2);
        assert!(during.streams.iter().any(|s| s.stream.ends_with("@kline_1m") && s.state != StreamState::Leaving));
        drop(passing);
        (0..10).for_each(|_| _ = engine.step());
        let after = report(&mut engine, &mut asker);
        assert_eq!(after.consumers.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["desk"]);
        assert!(!after.streams.iter().any(|s| s.stream.ends_with("@kline_1m")), "the last one out turns it off");
        let ack = ask(&mut engine, &mut asker, Command::Status);
        assert!(ack.dispatch_version > version, "versions go on over a restart");
        version = ack.dispatch_version;
        // Torn in the middle of a line, as by a crash: told, and what was acknowledged is there.
        drop((asker, http));
        engine.stop();
        while !engine.is_done() {
            engine.step();
        }
        engine.finish().unwrap();
        let mut bytes = std::fs::read(&journal).unwrap();
        bytes.extend_from_slice(b"0123456789abcdef {\"number\":9");
        std::fs::write(&journal, bytes).unwrap();
    }
}
