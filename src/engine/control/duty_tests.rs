//! Purpose: holds the pure duty against a model so plain that it can be read: lists and loops. Owns: the model.
//! Thread: tests'. Takes and gives: random commands. Never: part of a build that ships.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::bus::data::Filter;
use crate::config::route::{RestFnConfig, RouteConfig, UnknownFields};
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, RouteScope, default_routes};
use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::command::{Command, ConsumerName, ControlCode, Filters};
use crate::schema::id::{InstrumentId, Market};
use crate::schema::instrument::{Instrument, Trading};
use crate::schema::report::{ConsumerKind, StreamState};
use crate::schema::topic::PollScope;

const SPOT: Market = Market::BinanceSpot;
const SECOND: i64 = 1_000_000_000;
/// Base assets, all against USDT; the last one is halted.
const BASES: [&str; 4] = ["BTC", "ETH", "SOL", "OLD"];
/// Types with the streams that each wants on, by hand.
const TYPES: [(&str, &[&str]); 7] = [
    ("TRADE", &["trade"]),
    ("KLINE", &["kline_1m"]),
    ("ORDERBOOK.DELTA", &["depth@100ms"]),
    ("ORDERBOOK.SNAPSHOT", &["depth20@100ms", "depth@100ms"]),
    ("ANALYTICS.FUSED", &["depth@100ms", "trade"]),
    ("STATUS.BOOK", &[]),
    ("PRICE.MARK", &[]), // spot has no such stream
];

fn listed(base: &str) -> Instrument {
    let trading = if base == "OLD" { Trading::Halted } else { Trading::Open };
    Instrument::listed(SPOT, &format!("{base}USDT"), base, "USDT", trading)
}

fn directory() -> Arc<Directory> {
    let directory = Directory::with_capacity(64);
    BASES.iter().for_each(|base| _ = directory.admit(listed(base)).unwrap());
    Arc::new(directory)
}

/// Compiled once: a table of all routes.
fn routes() -> DispatchTable {
    static ROUTES: LazyLock<DispatchTable> =
        LazyLock::new(|| DispatchTable::compile(1, &default_routes(), &directory()).unwrap());
    ROUTES.narrowed(1, |_| RouteScope::ALL)
}

fn duty(boot: Option<Boot>) -> Duty {
    let options = DutyOptions { markets: vec![SPOT], boot };
    let mut duty = Duty::new(options, routes(), directory(), Now::default());
    duty.hear(News::Listing(SPOT), Now::default());
    duty.discover(Now::default());
    duty
}

fn at(seconds: i64) -> Now {
    Now { mono_ns: (seconds * SECOND) as u64, unix_ns: seconds * SECOND }
}

fn named(n: usize) -> Who {
    Who::Named(ConsumerName::parse(&format!("c{n}")).unwrap())
}

/// Even ones are handles.
fn who(n: usize) -> Who {
    if n.is_multiple_of(2) { Who::Handle(n as u64, format!("h{n}").into()) } else { named(n) }
}

fn filters(choice: usize) -> Filters {
    let of = |pairs: &[(&str, Value)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    match choice {
        0 => Filters::new(),
        1 => of(&[("instrument", json!("BTC-USDT"))]),
        2 => of(&[("instrument", json!(["BTC-USDT", "ETH-USDT"]))]),
        3 => of(&[("instrument", json!({"op": "neq", "value": "BTC-USDT"}))]),
        4 => of(&[("instrument", json!({"op": "prefix", "value": "S"})), ("market", json!("BINANCE-SPOT"))]),
        5 => of(&[("instrument", json!("btc-usdt"))]), // as 1
        6 => of(&[("instrument", json!("NONE-USDT"))]),
        7 => of(&[("market", json!("BINANCE-USDM"))]),
        8 => of(&[("nothing", json!(1))]),
        _ => of(&[("instrument", json!("OLD-USDT"))]),
    }
}

/// The code by which filters are refused, by hand.
fn refusal(choice: usize) -> Option<ControlCode> {
    match choice {
        6 => Some(ControlCode::UnknownInstrument),
        7 => Some(ControlCode::UnknownMarket),
        8 => Some(ControlCode::BadFilter),
        _ => None,
    }
}

/// Which instruments that trade a choice of filters reaches, by hand.
fn reaches(choice: usize) -> Vec<&'static str> {
    match choice {
        0 => vec!["BTC", "ETH", "SOL"],
        1 => vec!["BTC"],
        2 => vec!["BTC", "ETH"],
        3 => vec!["ETH", "SOL"],
        4 => vec!["SOL"],
        _ => vec![],
    }
}

#[derive(Clone, Debug)]
enum Op {
    Subscribe { who: usize, kind: usize, filters: usize, lease: Option<u32> },
    Unsubscribe { who: usize, kind: usize, filters: Option<usize> },
    Update { who: usize, kind: usize, filters: usize },
    Unknown { who: usize },
    Left { who: usize },
    Pass { seconds: i64 },
}

fn op(consumers: usize) -> impl Strategy<Value = Op> {
    let (who, kind, choice) = (0..consumers, 0..TYPES.len(), 0..10usize);
    let lease = prop_oneof![3 => Just(None), 2 => (1..20u32).prop_map(Some), 1 => Just(Some(0))];
    prop_oneof![
        6 => (who.clone(), kind.clone(), choice.clone(), lease)
            .prop_map(|(who, kind, filters, lease)| Op::Subscribe { who, kind, filters, lease }),
        4 => (who.clone(), kind.clone(), prop::option::of(choice.clone()))
            .prop_map(|(who, kind, filters)| Op::Unsubscribe { who, kind, filters }),
        3 => (who.clone(), kind, choice).prop_map(|(who, kind, filters)| Op::Update { who, kind, filters }),
        1 => who.clone().prop_map(|who| Op::Unknown { who }),
        1 => who.prop_map(|who| Op::Left { who }),
        2 => (1..10i64).prop_map(|seconds| Op::Pass { seconds }),
    ]
}

/// Seconds, and when it ends.
type Leased = Option<(u32, i64)>;

/// The model: a list of (consumer, type, filters, lease and its end).
#[derive(Default)]
struct Model {
    all: Vec<(usize, usize, usize, Leased)>,
    version: u64,
    seconds: i64,
}

enum Expected {
    Changed,
    Noop,
    Refused(ControlCode),
}

impl Model {
    fn carry_out(&mut self, op: &Op) -> Expected {
        // 5 is written in lowercase and means 1.
        let same = |choice: usize| if choice == 5 { 1 } else { choice };
        match *op {
            Op::Subscribe { who, kind, filters, lease } => {
                if let Some(code) = refusal(filters) {
                    return Expected::Refused(code);
                }
                if lease == Some(0) {
                    return Expected::Refused(ControlCode::BadLease);
                }
                let new = lease.map(|s| (s, self.seconds + i64::from(s)));
                let key = (who, kind, same(filters));
                if let Some(found) = self.all.iter_mut().find(|s| (s.0, s.1, s.2) == key) {
                    let repeat = found.3.map(|l| l.0) == lease;
                    found.3 = new;
                    return if repeat { Expected::Noop } else { Expected::Changed };
                }
                self.all.push((who, kind, same(filters), new));
                Expected::Changed
            }
            Op::Unsubscribe { who, kind, filters } => {
                if let Some(code) = filters.and_then(refusal) {
                    return Expected::Refused(code);
                }
                let before = self.all.len();
                self.all.retain(|s| !(s.0 == who && s.1 == kind && filters.is_none_or(|f| same(f) == s.2)));
                if self.all.len() < before { Expected::Changed } else { Expected::Noop }
            }
            Op::Update { who, kind, filters } => {
                if let Some(code) = refusal(filters) {
                    return Expected::Refused(code);
                }
                let mine: Vec<_> = self.all.iter().filter(|s| s.0 == who && s.1 == kind).copied().collect();
                match mine.as_slice() {
                    [] => Expected::Refused(ControlCode::NotSubscribed),
                    [one] if one.2 == same(filters) => Expected::Noop,
                    several => {
                        let unending = several.iter().any(|s| s.3.is_none());
                        let last = several.iter().filter_map(|s| s.3).max_by_key(|l| l.1).filter(|_| !unending);
                        self.all.retain(|s| !(s.0 == who && s.1 == kind));
                        self.all.push((who, kind, same(filters), last));
                        Expected::Changed
                    }
                }
            }
            Op::Unknown { .. } => Expected::Refused(ControlCode::UnknownType),
            Op::Left { who } => {
                let before = self.all.len();
                self.all.retain(|s| s.0 != who);
                if self.all.len() < before { Expected::Changed } else { Expected::Noop }
            }
            Op::Pass { .. } => Expected::Noop,
        }
    }

    fn streams(&self) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        for (_, kind, choice, _) in &self.all {
            for base in reaches(*choice) {
                out.extend(TYPES[*kind].1.iter().map(|s| format!("{}usdt@{s}", base.to_lowercase())));
            }
        }
        out
    }

    /// How many subscriptions want each stream.
    fn counts(&self) -> BTreeMap<String, u64> {
        let mut out = BTreeMap::new();
        for (_, kind, choice, _) in &self.all {
            for base in reaches(*choice) {
                for stream in TYPES[*kind].1 {
                    *out.entry(format!("{}usdt@{stream}", base.to_lowercase())).or_insert(0) += 1;
                }
            }
        }
        out
    }
}

fn command(op: &Op) -> Option<(usize, Command)> {
    let name = |kind: usize| TYPES[kind].0.to_lowercase();
    Some(match *op {
        Op::Subscribe { who, kind, filters: f, lease } => {
            let (type_name, filters) = (name(kind), filters(f));
            (who, Command::Subscribe { type_name, filters, trace_id: None, lease_seconds: lease })
        }
        Op::Unsubscribe { who, kind, filters: f } => {
            (who, Command::Unsubscribe { type_name: name(kind), filters: f.map(filters), trace_id: None })
        }
        Op::Update { who, kind, filters: f } => {
            (who, Command::UpdateFilters { type_name: name(kind), filters: filters(f), trace_id: None })
        }
        Op::Unknown { who } => {
            let type_name = "NO.ROUTE".to_owned();
            (who, Command::Subscribe { type_name, filters: Filters::new(), trace_id: None, lease_seconds: None })
        }
        Op::Left { .. } | Op::Pass { .. } => return None,
    })
}

/// What the venue would be subscribed to: orders carried out one by one. One that doubles or lacks a stream is a fault.
#[derive(Default)]
struct Venue {
    on: BTreeSet<String>,
}

impl Venue {
    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Want { streams, .. } => {
                    streams.iter().for_each(|s| assert!(self.on.insert(s.to_string()), "{s} is on already"));
                }
                Order::Unwant { streams, .. } => {
                    streams.iter().for_each(|s| assert!(self.on.remove(&**s), "{s} is not on"));
                }
                Order::Poll { name, scope } => panic!("{name}, {scope:?}: no route of these polls by itself"),
            }
        }
    }
}

fn check(duty: &mut Duty, model: &Model, venue: &mut Venue) {
    assert_eq!(duty.version(), model.version, "versions are gapless");
    venue.carry_out(duty.take_orders());
    let wanted = model.streams();
    assert_eq!(venue.on, wanted, "the venue has the union of what is wanted");
    assert_eq!(duty.wanted_streams().into_iter().map(|(_, s)| s.to_string()).collect::<BTreeSet<_>>(), wanted);
    let report = duty.subscriptions_report();
    let counts: BTreeMap<_, _> =
        report.streams.iter().filter(|s| s.subscriptions > 0).map(|s| (s.stream.clone(), s.subscriptions)).collect();
    assert_eq!(counts, model.counts());
    assert_eq!(report.consumers.iter().map(|c| c.subscriptions.len()).sum::<usize>(), model.all.len());
    let table = duty.table();
    assert_eq!(u64::from(table.version()), model.version);
    for (base, id) in BASES.iter().zip(0..) {
        for (kind, (name, _)) in TYPES.iter().enumerate().filter(|(_, (name, _))| !name.contains("BOOK.S")) {
            let Some(route) = table.route(&CanonicalType::parse(name).unwrap()) else { continue };
            let by = |other: usize| {
                let needs = other == kind
                    || (*name == "ORDERBOOK.DELTA" && [3, 4].contains(&other))
                    || (*name == "TRADE" && other == 4);
                needs && model.all.iter().any(|s| s.1 == other && whole_reach(s.2).contains(base))
            };
            let wanted = (0..TYPES.len()).any(by);
            assert_eq!(table.lets_through(route.type_id(), InstrumentId(id)), wanted, "{name} of {base}");
        }
        // Bodies feed books, whoever wants one.
        let books = model.all.iter().any(|s| [2, 3, 4].contains(&s.1) && whole_reach(s.2).contains(base));
        assert_eq!(table.lets_through(builtin::ORDERBOOK_SNAPSHOT, InstrumentId(id)), books, "{base}");
    }
}

/// As [`reaches`], with those that are halted.
fn whole_reach(choice: usize) -> Vec<&'static str> {
    let mut reach = reaches(choice);
    if [0, 3, 9].contains(&choice) {
        reach.push("OLD");
    }
    reach
}

fn run(ops: &[Op]) {
    let (mut duty, mut model, mut venue) = (duty(None), Model { version: 1, ..Model::default() }, Venue::default());
    check(&mut duty, &model, &mut venue);
    for op in ops {
        if let Op::Pass { seconds } = op {
            model.seconds += seconds;
            while let Some((lapse, plan)) = duty.lapsed(at(model.seconds)) {
                let place = model.all.iter().position(|s| {
                    who(s.0) == lapse.who && TYPES[s.1].0 == lapse.type_name && filters(s.2) == lapse.filters
                });
                let (.., lease) = model.all.remove(place.expect("only what is there lapses"));
                assert!(lease.is_some_and(|(_, ends)| ends <= model.seconds));
                model.version += 1;
                duty.apply(plan, at(model.seconds));
            }
            assert!(
                model.all.iter().all(|s| s.3.is_none_or(|(_, ends)| ends > model.seconds)),
                "all that is due lapses"
            );
            check(&mut duty, &model, &mut venue);
            continue;
        }
        let before = (duty.version(), duty.subscriptions_report());
        let plan = match (op, command(op)) {
            (Op::Left { who: n }, _) => Ok(duty.leaving(&who(*n))),
            (_, Some((n, command))) => duty.plan(&who(n), &command, at(model.seconds)).map(Some),
            _ => Ok(None),
        };
        match (model.carry_out(op), plan) {
            (Expected::Refused(code), Err((found, message))) => {
                assert_eq!(code, found, "{op:?}: {message}");
                assert!(before == (duty.version(), duty.subscriptions_report()), "an error changes nothing");
            }
            (expected, Ok(plan)) => {
                let changes = plan.as_ref().is_some_and(Plan::changes);
                assert_eq!(changes, matches!(expected, Expected::Changed), "{op:?}");
                if let Some(plan) = plan {
                    duty.apply(plan, at(model.seconds));
                }
                model.version += u64::from(changes);
            }
            (_, Err(refused)) => panic!("{op:?} was refused: {refused:?}"),
        }
        check(&mut duty, &model, &mut venue);
    }
    check_in_force(&duty);
}

/// What is said to be in force brings itself about again, for whoever is named.
fn check_in_force(before: &Duty) {
    let mut after = duty(None);
    assert_eq!(before.in_force().len(), before.kept());
    for record in before.in_force() {
        let What::Command(command) = record.what else { panic!("{record:?}") };
        let then = Now { mono_ns: 0, unix_ns: record.at_ns };
        let plan = after.plan(&Who::Named(record.consumer), &command, then).expect("it was accepted once");
        assert!(plan.changes(), "each once");
        after.apply(plan, then);
    }
    after.settle_orders();
    let mut venue = Venue::default();
    venue.carry_out(after.take_orders());
    let wanted: BTreeSet<_> = after.wanted_streams().into_iter().map(|(_, name)| name.to_string()).collect();
    assert_eq!(venue.on, wanted, "settled orders bring about what is wanted");
    let subscriptions = |duty: &Duty| {
        let named = duty.subscriptions_report().consumers.into_iter().filter(|c| c.kind == ConsumerKind::Named);
        let mut all: Vec<_> = named
            .flat_map(|c| c.subscriptions.into_iter().map(move |s| (c.name.clone(), s)))
            .map(|(name, s)| (name, s.type_name, format!("{:?}", s.filters), s.lease_seconds, s.lease_ends_ns))
            .collect();
        all.sort();
        all
    };
    assert_eq!(subscriptions(&after), subscriptions(before));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn thousands_of_random_commands_of_eight_consumers_do_what_the_model_does(
        ops in prop::collection::vec(op(8), 1..160)
    ) {
        run(&ops);
    }
}

/// Every order of three out of ten commands that two consumers can give about one type.
#[test]
fn every_short_sequence_of_commands_does_what_the_model_does() {
    let per = |who: usize| {
        let (kind, lease) = (4, None);
        [
            Op::Subscribe { who, kind, filters: 0, lease },
            Op::Subscribe { who, kind, filters: 1, lease },
            Op::Unsubscribe { who, kind, filters: Some(1) },
            Op::Update { who, kind, filters: 2 },
            Op::Left { who },
        ]
    };
    let ops: Vec<Op> = per(0).into_iter().chain(per(1)).collect();
    for number in 0..ops.len().pow(3) {
        let digit = |place: u32| ops[number / ops.len().pow(place) % ops.len()].clone();
        run(&[digit(0), digit(1), digit(2)]);
    }
}

fn subscribe(type_name: &str, choice: usize) -> Command {
    let type_name = type_name.to_owned();
    Command::Subscribe { type_name, filters: filters(choice), trace_id: None, lease_seconds: None }
}

fn streams(duty: &Duty) -> Vec<(String, StreamState)> {
    duty.subscriptions_report().streams.into_iter().map(|s| (s.stream, s.state)).collect()
}

#[test]
fn a_stream_goes_through_its_states_and_an_acknowledgement_proves_nothing() {
    let mut duty = duty(None);
    let plan = duty.plan(&who(1), &subscribe("TRADE", 2), at(0)).unwrap();
    duty.apply(plan, at(0));
    let (btc, eth) = ("btcusdt@trade", "ethusdt@trade");
    let hear = |duty: &mut Duty, stream: &str, heard, now| duty.hear(News::Stream(SPOT, stream.into(), heard), at(now));
    let both = |a, b| vec![(btc.to_owned(), a), (eth.to_owned(), b)];
    use StreamState as S;
    assert_eq!(streams(&duty), both(S::Requested, S::Requested));
    hear(&mut duty, btc, Heard::Acknowledged, 1);
    assert!(duty.take_answered().is_empty(), "one of two is answered");
    hear(&mut duty, eth, Heard::Acknowledged, 2);
    assert_eq!(duty.take_answered(), [2 * SECOND as u64], "the last answer counts");
    hear(&mut duty, btc, Heard::Live, 3);
    duty.tick(at(3));
    assert_eq!(streams(&duty), both(S::Live, S::Acknowledged));
    duty.tick(at(4));
    assert_eq!(streams(&duty), both(S::Live, S::Silent), "after two seconds without data");
    duty.hear(News::Symbol(SPOT, "ETHUSDT".into(), Listed::Halted), at(5));
    let why = duty.subscriptions_report().streams[1].why;
    assert_eq!(why, Some(crate::schema::report::SilentCause::Halted));
    hear(&mut duty, eth, Heard::Live, 6);
    hear(&mut duty, btc, Heard::Requested, 7);
    assert_eq!(streams(&duty), both(S::Requested, S::Live), "its connection was lost");
    hear(&mut duty, btc, Heard::Refused, 8);
    assert_eq!(streams(&duty)[0].1, S::Refused);
    let plan = duty.leaving(&who(1)).unwrap();
    duty.apply(plan, at(9));
    assert_eq!(streams(&duty), both(S::Leaving, S::Leaving));
    hear(&mut duty, btc, Heard::Live, 10);
    hear(&mut duty, btc, Heard::Gone, 10);
    hear(&mut duty, btc, Heard::Gone, 10);
    assert_eq!(streams(&duty), [(eth.to_owned(), S::Leaving)]);
    duty.hear(News::Symbol(SPOT, "ETHUSDT".into(), Listed::Trades), at(11));
    let plan = duty.plan(&who(1), &subscribe("TRADE", 2), at(11)).unwrap();
    duty.apply(plan, at(11));
    hear(&mut duty, eth, Heard::Gone, 12);
    assert_eq!(
        streams(&duty),
        both(S::Requested, S::Requested),
        "wanted anew before it was gone: a late word is no news"
    );
}

#[test]
fn a_stream_expected_rarely_is_given_three_intervals() {
    let mut duty = duty(None);
    let plan = duty.plan(&who(1), &subscribe("KLINE", 1), at(0)).unwrap();
    duty.apply(plan, at(0));
    duty.hear(News::Stream(SPOT, "btcusdt@kline_1m".into(), Heard::Acknowledged), at(0));
    duty.tick(at(5));
    assert_eq!(streams(&duty)[0].1, StreamState::Acknowledged);
    duty.tick(at(6));
    assert_eq!(streams(&duty)[0].1, StreamState::Silent);
}

#[test]
fn a_time_that_a_later_command_overtook_is_not_measured() {
    let mut duty = duty(None);
    for (n, seconds) in [(1, 0), (1, 1)] {
        let plan = match seconds {
            0 => duty.plan(&who(n), &subscribe("TRADE", 1), at(0)).unwrap(),
            _ => duty.leaving(&who(n)).unwrap(),
        };
        duty.apply(plan, at(seconds));
    }
    duty.hear(News::Stream(SPOT, "btcusdt@trade".into(), Heard::Gone), at(5));
    assert_eq!(duty.take_answered(), [4 * SECOND as u64]);
}

#[test]
fn what_the_venue_lists_later_reaches_those_whom_it_concerns() {
    let mut duty = duty(None);
    let mut venue = Venue::default();
    for (n, choice) in [(1, 0), (3, 1), (5, 4)] {
        let plan = duty.plan(&who(n), &subscribe("TRADE", choice), at(0)).unwrap();
        duty.apply(plan, at(0));
    }
    venue.carry_out(duty.take_orders());
    let version = duty.version();
    duty.directory.admit(listed("SUI")).unwrap();
    assert!(duty.discover(at(1)), "a set of instruments has grown");
    assert!(!duty.discover(at(1)));
    venue.carry_out(duty.take_orders());
    assert!(venue.on.contains("suiusdt@trade") && duty.version() == version);
    assert!(duty.table().lets_through(builtin::TRADE, InstrumentId(4)));
    // One that is halted gets its streams when it trades, and loses them when it is dropped.
    let turn = |duty: &mut Duty, listed| duty.hear(News::Symbol(SPOT, "OLDUSDT".into(), listed), at(2));
    turn(&mut duty, Listed::Trades);
    turn(&mut duty, Listed::Trades);
    venue.carry_out(duty.take_orders());
    assert!(venue.on.contains("oldusdt@trade"));
    turn(&mut duty, Listed::Dropped);
    venue.carry_out(duty.take_orders());
    assert!(!venue.on.contains("oldusdt@trade"));
}

#[test]
fn the_configuration_is_a_consumer_that_nobody_can_send_for() {
    let boot = Boot { instruments: vec!["BTC-USDT".into(), "ETHUSDT".into()], quote: None };
    let mut duty = duty(Some(boot));
    assert_eq!(duty.version(), 1);
    let wanted = duty.wanted_streams();
    assert!(wanted.contains(&(SPOT, "ethusdt@trade".into())) && !wanted.iter().any(|(_, s)| s.starts_with("sol")));
    let plan = duty.plan(&who(1), &subscribe("TRADE", 0), at(0)).unwrap();
    duty.apply(plan, at(0));
    assert!(duty.wanted_streams().contains(&(SPOT, "solusdt@trade".into())));
    let plan = duty.leaving(&who(1)).unwrap();
    duty.apply(plan, at(0));
    assert_eq!(duty.wanted_streams(), wanted, "what the configuration wants stays");
    assert!(ConsumerName::parse(Who::Config.name()).is_err());
    let report = duty.subscriptions_report();
    assert_eq!(report.consumers[0].subscriptions[0].filters["instrument"], json!(["BTC-USDT", "ETHUSDT"]));
}

#[test]
fn commands_are_refused_with_the_code_that_fits() {
    let duty = duty(None);
    let with_trace = |trace: &str| Command::Unsubscribe {
        type_name: "TRADE".into(),
        filters: None,
        trace_id: Some(trace.to_owned()),
    };
    let with = |field: &str, value: Value| Command::Subscribe {
        type_name: "trade".into(),
        filters: Filters::from([(field.to_owned(), value)]),
        trace_id: None,
        lease_seconds: None,
    };
    let table = [
        (subscribe("no.route", 0), Some(ControlCode::UnknownType)),
        (subscribe("bad type", 0), Some(ControlCode::BadType)),
        (subscribe("", 0), Some(ControlCode::BadType)),
        (with_trace("0123"), Some(ControlCode::BadTrace)),
        (with_trace("00000000000000000000000000000001"), None),
        (with_trace("00-00000000000000000000000000000001-0000000000000002-01"), None),
        (with_trace("00-00000000000000000000000000000001-0000000000000000-01"), Some(ControlCode::BadTrace)),
        (with("price", json!("1.5")), None),
        (with("isBuyerMaker2", json!(true)), Some(ControlCode::BadFilter)),
        (with("lastUpdateId", json!(1)), Some(ControlCode::BadFilter)),
        (with("instrument", json!({"op": "like", "value": "B"})), Some(ControlCode::BadFilter)),
        (with("instrument", json!({"op": "in", "value": ["BTC-USDT", "X-Y"]})), Some(ControlCode::UnknownInstrument)),
        (with("instrument", json!({"op": "neq", "value": "X-Y"})), None),
        (with("instrument", json!("BTCUSDT")), Some(ControlCode::UnknownInstrument)),
        (with("market", json!("NASDAQ")), Some(ControlCode::UnknownMarket)),
    ];
    for (command, code) in table {
        let found = duty.plan(&who(1), &command, at(0)).err().map(|(code, _)| code);
        assert_eq!(found, code, "{command:?}");
    }
    let mut full = super::duty_tests::duty(None);
    for n in 0..=SUBSCRIPTIONS_MAX {
        let command = with("price", json!(n));
        match full.plan(&who(1), &command, at(0)) {
            Ok(plan) => _ = full.apply(plan, at(0)),
            Err((code, _)) => assert_eq!((n, code), (SUBSCRIPTIONS_MAX, ControlCode::TooMany)),
        }
    }
    assert_eq!(full.version(), 1 + SUBSCRIPTIONS_MAX as u64);
}

#[test]
fn a_handle_is_handed_what_its_subscriptions_want() {
    let mut duty = duty(None);
    for choice in [1, 3] {
        let plan = duty.plan(&who(2), &subscribe("TRADE", choice), at(0)).unwrap();
        duty.apply(plan, at(0));
    }
    let wants = duty.wants_of(&who(2));
    let passes = |name: &str| wants.iter().any(|(id, f): &(_, Filter)| *id == builtin::TRADE && f.may_pass(name, SPOT));
    assert!(passes("BTC-USDT") && passes("ETH-USDT"));
    assert!(duty.wants_of(&who(4)).is_empty());
}

#[test]
fn a_timed_poll_runs_for_those_who_are_wanted_and_as_long_as_somebody_wants_it() {
    let poll = |name: &str, endpoint: &str| RestFnConfig {
        name: name.to_owned(),
        endpoint: endpoint.to_owned(),
        interval: Duration::from_secs(5),
        parser: "avg_price".to_owned(),
    };
    let own = RouteConfig {
        rest: vec![poll("average", "/api/v3/avgPrice?symbol={symbol}")],
        unknown_fields: UnknownFields::Drop,
        ..default_routes()["PRICE.AVERAGE"].clone()
    };
    let mut routes = default_routes();
    routes.insert("OWN.AVERAGE".to_owned(), RouteConfig { topics: Vec::new(), ..own });
    let directory = directory();
    let table = DispatchTable::compile(1, &routes, &directory).unwrap();
    let options = DutyOptions { markets: vec![SPOT], boot: None };
    let mut duty = Duty::new(options, table, Arc::clone(&directory), at(0));
    duty.hear(News::Listing(SPOT), at(0));
    duty.discover(at(0));
    let told = |duty: &mut Duty, consumer: usize, command: Option<Command>| {
        if let Some(command) = command {
            let plan = duty.plan(&named(consumer), &command, at(1)).unwrap();
            duty.apply(plan, at(1));
        }
        let polls = duty.take_orders().into_iter().filter_map(|order| match order {
            Order::Poll { name, scope } => Some((name, scope)),
            _ => None,
        });
        polls.map(|(name, scope)| (name == "average").then_some(scope).unwrap()).collect::<Vec<_>>()
    };
    let symbols = |names: &[&str]| PollScope::Symbols(names.iter().map(|name| (*name).into()).collect());
    let leave = || Command::Unsubscribe { type_name: "OWN.AVERAGE".into(), filters: None, trace_id: None };
    assert_eq!(told(&mut duty, 0, None), [], "nobody wants it");
    assert_eq!(told(&mut duty, 1, Some(subscribe("TRADE", 0))), []);
    assert_eq!(told(&mut duty, 1, Some(subscribe("OWN.AVERAGE", 1))), [symbols(&["BTCUSDT"])]);
    assert_eq!(told(&mut duty, 3, Some(subscribe("OWN.AVERAGE", 2))), [symbols(&["BTCUSDT", "ETHUSDT"])]);
    assert_eq!(told(&mut duty, 5, Some(subscribe("OWN.AVERAGE", 1))), [], "it runs for this one already");
    assert_eq!(told(&mut duty, 3, Some(leave())), [symbols(&["BTCUSDT"])]);
    assert_eq!(told(&mut duty, 3, Some(subscribe("OWN.AVERAGE", 0))), [PollScope::All]);
    assert_eq!(told(&mut duty, 3, Some(leave())), [symbols(&["BTCUSDT"])]);
    assert_eq!(told(&mut duty, 5, Some(subscribe("OWN.AVERAGE", 4))), [symbols(&["BTCUSDT", "SOLUSDT"])]);
    directory.admit(listed("SUI")).unwrap();
    duty.discover(at(2));
    assert_eq!(told(&mut duty, 0, None), [symbols(&["BTCUSDT", "SOLUSDT", "SUIUSDT"])], "one that is listed later");
    assert_eq!(told(&mut duty, 1, Some(leave())), [symbols(&["BTCUSDT", "SOLUSDT", "SUIUSDT"])][..0]);
    assert_eq!(told(&mut duty, 5, Some(leave())), [PollScope::Off]);
}
