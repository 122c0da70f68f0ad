//! Purpose: proves that each fault does what it says, to the symbols it names and to no other.
//! Owns: nothing. Thread: the test's. Takes and gives: runs with and without a plan. Never: compares a run with itself.

use meltica::sim::book::Side;
use meltica::sim::channel::{Channel, Channels};
use meltica::sim::faults::{Fault, FaultPlan, FaultRule, When};
use meltica::sim::options::SimOptions;
use meltica::sim::source::SimSource;
use serde_json::Value;

use crate::reading::{Kept, NaiveBook, decimal, drain, options, parse, run};

/// First and last update id of a diff; `None` for what is not a diff any more.
type Span = Option<(u64, u64)>;

fn rule(symbol: &str, fault: Fault, when: When) -> FaultRule {
    FaultRule { symbols: vec![symbol.to_owned()], fault, when }
}

#[test]
fn faults_leave_every_other_symbols_frames_as_they_were() {
    let all = [
        Fault::Drop,
        Fault::Repeat,
        Fault::Swap,
        Fault::DelayNs(450_000_000),
        Fault::DelayDiffs(3),
        Fault::Overlap,
        Fault::Garbage,
        Fault::Crossing { ticks: 3 },
        Fault::StaleSnapshot { ids_back: 500 },
        Fault::TruncatedSnapshot,
        Fault::UnansweredSnapshot,
    ];
    let mut with = options(6, 12, Channels::ALL, 20_000);
    let struck = |symbol: &str| {
        let mut rules: Vec<_> =
            all.iter().map(|fault| rule(symbol, fault.clone(), When::PerMillion(100_000))).collect();
        rules.push(rule(symbol, Fault::RestartIds { at: 1_000 }, When::At(vec![30])));
        rules
    };
    with.faults = FaultPlan { seed: 9, rules: [struck("ETHUSDT"), struck("LRCBTC")].concat() };
    let without = SimOptions { faults: FaultPlan::default(), ..with.clone() };
    let others = |kept: Vec<Kept>| {
        let spoilt = |k: &Kept| {
            let text = String::from_utf8_lossy(&k.bytes);
            let own = |s: &str| text.contains(&format!("\"{s}@")) || k.body_of == s.to_uppercase();
            own("ethusdt") || own("lrcbtc") || text.starts_with("<html>")
        };
        kept.into_iter().filter(|k| !spoilt(k)).map(|k| (k.receive, k.body_of, k.bytes)).collect::<Vec<_>>()
    };
    let (spoilt, pure) = (run(with), run(without));
    assert!(spoilt != pure);
    let (spoilt, pure) = (others(spoilt), others(pure));
    assert!(pure.len() > 10_000);
    assert!(spoilt == pure);
}

/// BTCUSDT's diffs as they arrive without the fault and with it, and the source of the latter.
fn spans(fault: Fault, at: u64) -> (Vec<Span>, Vec<Span>, SimSource) {
    let mut options = options(31, 2, Channels::NONE.with(Channel::Depth), 60);
    let of = |options: SimOptions| {
        let mut source = SimSource::new(options).expect("valid options");
        let kept = drain(&mut source, |_| None);
        let mine = kept.iter().filter(|k| k.connection == 0 && !k.bytes.starts_with(b"{\"stream\":\"ethusdt"));
        let span = |k: &Kept| {
            let frame: Value = serde_json::from_slice(&k.bytes).ok()?;
            Some((frame["data"]["U"].as_u64()?, frame["data"]["u"].as_u64()?))
        };
        (mine.map(span).collect::<Vec<_>>(), source)
    };
    let pure = of(options.clone()).0;
    options.faults.rules = vec![rule("BTCUSDT", fault, When::At(vec![at]))];
    let (spoilt, source) = of(options);
    (pure, spoilt, source)
}

#[test]
fn each_fault_does_what_its_name_says() {
    let whole = |(first, last): (Span, Span)| first.zip(last).map(|((first, _), (_, last))| (first, last));
    let check = |fault: Fault, expected: &dyn Fn(&mut Vec<Span>)| {
        let (mut pure, spoilt, source) = spans(fault.clone(), 5);
        expected(&mut pure);
        assert_eq!(spoilt, pure, "{fault:?}");
        let journal = source.journal().entries();
        assert_eq!(journal.len(), 1, "{fault:?}");
        assert_eq!((journal[0].symbol.as_str(), &journal[0].fault, journal[0].number), ("BTCUSDT", &fault, 5));
    };
    check(Fault::Drop, &|spans| {
        spans.remove(5);
    });
    check(Fault::Repeat, &|spans| spans.insert(5, spans[5]));
    check(Fault::Swap, &|spans| spans.swap(5, 6));
    check(Fault::DelayDiffs(3), &|spans| spans[5..=8].rotate_left(1));
    check(Fault::DelayNs(250_000_000), &|spans| spans[5..=7].rotate_left(1));
    check(Fault::Overlap, &|spans| spans[6] = whole((spans[5], spans[6])));
    check(Fault::Crossing { ticks: 2 }, &|_| ());
    check(Fault::RestartIds { at: 700 }, &|spans| {
        let base = spans[5].expect("a diff").1 - 700;
        for span in spans[6..].iter_mut().flatten() {
            *span = (span.0 - base, span.1 - base);
        }
    });
    let (pure, spoilt, _) = spans(Fault::Garbage, 5);
    assert!(spoilt[5] != pure[5] && spoilt[6..] == pure[6..]);
}

#[test]
fn a_crossing_diff_crosses_and_restarted_ids_have_a_truth_of_their_own() {
    let mut options = options(31, 1, Channels::NONE.with(Channel::Depth), 40);
    options.faults.rules = vec![
        rule("BTCUSDT", Fault::Crossing { ticks: 0 }, When::At(vec![3])),
        rule("BTCUSDT", Fault::RestartIds { at: 50 }, When::At(vec![9])),
    ];
    let mut source = SimSource::new(options).expect("valid options");
    let oracle = source.oracle();
    let mut diffs = 0;
    let kept = drain(&mut source, |_| None);
    for frame in kept.iter().filter(|k| k.connection == 0) {
        let (_, data) = parse(&frame.bytes);
        let first = data["b"].as_array().expect("bids").first().map(|level| decimal(&level[0]));
        let id = data["u"].as_u64().expect("u");
        let truth = oracle.truth("BTCUSDT", id).expect("held, also after the restart");
        assert!(truth.bids[0].0 < truth.asks[0].0, "the truth never crosses");
        assert_eq!(first == Some(truth.asks[0].0), diffs == 3, "the false bid stands at the best ask");
        assert_eq!(id < 1_000_000, diffs > 9);
        diffs += 1;
    }
    assert_eq!(diffs, 40);
}

#[test]
fn snapshots_can_be_stale_cut_off_or_never_come() {
    let answers = |fault: Option<Fault>| {
        let mut options = options(31, 1, Channels::NONE.with(Channel::Depth), 40);
        options.rest_limit = 10;
        options.faults.rules = fault.into_iter().map(|f| rule("BTCUSDT", f, When::At(vec![1]))).collect();
        let mut source = SimSource::new(options).expect("valid options");
        let ask = |k: &Kept| (k.connection == 0 && k.number.is_multiple_of(10)).then(|| "BTCUSDT".to_owned());
        let kept = drain(&mut source, ask);
        (kept.into_iter().filter(|k| k.body_of == "BTCUSDT").map(|k| k.bytes).collect::<Vec<_>>(), source)
    };
    let (pure, source) = answers(None);
    assert_eq!((pure.len(), source.counts().snapshots_asked), (4, 4));
    let id = |body: &[u8]| serde_json::from_slice::<Value>(body).expect("JSON")["lastUpdateId"].as_u64();
    let (stale, source) = answers(Some(Fault::StaleSnapshot { ids_back: 40 }));
    assert_eq!(id(&stale[1]), id(&pure[1]).map(|id| id - 40));
    let truth = source.oracle().truth("BTCUSDT", id(&stale[1]).expect("an id")).expect("held");
    let body = NaiveBook::of_snapshot(&serde_json::from_slice(&stale[1]).expect("JSON"));
    assert_eq!(body.best_first(Side::Bid), truth.bids[..10], "stale, but true in its time");
    let (cut, _) = answers(Some(Fault::TruncatedSnapshot));
    assert!(serde_json::from_slice::<Value>(&cut[1]).is_err() && pure[1].starts_with(&cut[1]));
    let (silent, source) = answers(Some(Fault::UnansweredSnapshot));
    assert_eq!((silent.len(), source.counts().snapshots_answered), (3, 3));
    assert!(silent[0] == pure[0] && silent[1..] == pure[2..]);
}
