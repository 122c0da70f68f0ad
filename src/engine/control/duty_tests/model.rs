//! Purpose: holds the pure duty against a model so plain that it can be read: lists and loops. Owns: the model.
//! Thread: tests'. Takes and gives: random commands. Never: part of a build that ships.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::*;
use super::desk::{BASES, TYPES, Venue, at, duty, filters, reaches, refusal, who};
use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::command::{Command, ControlCode, Filters};
use crate::schema::id::InstrumentId;
use crate::schema::report::ConsumerKind;

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
