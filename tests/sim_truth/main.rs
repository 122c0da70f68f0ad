//! Promise: on a seeded simulated exchange of 200 symbols and a million frames, every book that is published as Good
//! equals the venue's true book at that update id, inside the known range; with diffs dropped, repeated, swapped, delayed,
//! merged and garbled, and snapshots stale, cut or never answered, each gap is announced before that instrument's next
//! book event, every book comes back, and the other instruments publish exactly what they publish without the fault.

#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[allow(dead_code)] // The live tests use the rest.
mod checker;
mod rig;

use std::collections::BTreeMap;

use checker::Checker;
use meltica::schema::quality::Quality;
use meltica::sim::faults::{Fault, FaultPlan, FaultRule, When};
use rig::{Run, run};

/// Symbols and frames of the long run; shorter ones take a part of them.
const SYMBOLS: usize = 200;
const FRAMES: u64 = 1_000_000;

#[test]
fn every_good_book_equals_the_truth() {
    let run = Run { symbols: SYMBOLS, frames: FRAMES, seed: 7, faults: FaultPlan::default() };
    let outcome = run_checked(&run);
    assert_eq!(outcome.checker.books(), SYMBOLS);
    assert!(outcome.checker.checked > FRAMES / 20, "only {} diffs were checked", outcome.checker.checked);
    assert!(outcome.reports.iter().all(|b| b.quality == Quality::Good));
    assert_eq!(outcome.checker.gaps, 0);
    let (agree, disagree) = outcome.reports.iter().fold((0, 0), |(a, d), b| (a + b.agree, d + b.disagree));
    assert!(agree > 1_000 && disagree == 0, "{agree} agree, {disagree} disagree");
}

struct Outcome {
    checker: Checker,
    reports: Vec<meltica::conductor::BookReport>,
}

fn run_checked(spec: &Run) -> Outcome {
    let mut checker = Checker::default();
    let reports = run(spec, &mut |engine, oracle, event| checker.take(engine, Some(oracle), event));
    Outcome { checker, reports }
}

fn faulty(symbols: &[&str]) -> FaultPlan {
    let rates = [
        (Fault::Drop, 20_000),
        (Fault::Repeat, 20_000),
        (Fault::Swap, 20_000),
        (Fault::DelayNs(150_000_000), 10_000),
        (Fault::DelayDiffs(3), 10_000),
        (Fault::Overlap, 20_000),
        (Fault::Garbage, 10_000),
        (Fault::StaleSnapshot { ids_back: 500 }, 200_000),
        (Fault::TruncatedSnapshot, 200_000),
        (Fault::UnansweredSnapshot, 100_000),
    ];
    let symbols: Vec<String> = symbols.iter().map(|s| (*s).to_owned()).collect();
    let rule = |(fault, rate)| FaultRule { symbols: symbols.clone(), fault, when: When::PerMillion(rate) };
    FaultPlan { seed: 3, rules: rates.into_iter().map(rule).collect() }
}

#[test]
fn under_faults_nothing_good_is_wrong_and_other_instruments_publish_the_same() {
    const FAULTY: [&str; 4] = ["BTCUSDT", "SOLUSDT", "PEPEUSDT", "LRCBTC"];
    let spec = |faults| Run { symbols: 20, frames: 200_000, seed: 11, faults };
    let mut clean: BTreeMap<String, Vec<String>> = BTreeMap::new();
    run(&spec(FaultPlan::default()), &mut |engine, _, event| rig::note(engine, event, &FAULTY, &mut clean));
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut checker = Checker::default();
    let reports = run(&spec(faulty(&FAULTY)), &mut |engine, oracle, event| {
        checker.take(engine, Some(oracle), event);
        rig::note(engine, event, &FAULTY, &mut others);
    });
    assert!(checker.gaps > 20, "only {} gaps", checker.gaps);
    assert!(checker.checked > 1_000);
    assert_eq!(clean.len(), 16);
    assert_eq!(clean.keys().collect::<Vec<_>>(), others.keys().collect::<Vec<_>>());
    for (instrument, events) in &clean {
        let differ = events.iter().zip(&others[instrument]).position(|(a, b)| a != b);
        assert_eq!(differ.map(|at| (&events[at], &others[instrument][at])), None, "{instrument}");
        assert_eq!(events.len(), others[instrument].len(), "{instrument}");
    }
    // The run may end in the middle of a gap of a faulty book; all the others are good.
    let good = reports.iter().filter(|b| b.quality == Quality::Good).count();
    assert!(good >= 16, "{good} of {} books are good", reports.len());
}
