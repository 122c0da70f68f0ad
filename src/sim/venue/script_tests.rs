//! Purpose: what scripts say and what they may not. Owns: nothing. Thread: the test's. Takes and gives: YAML in, steps
//! out. Never: runs one.

use super::*;
use crate::sim::faults::{Fault, When};
use crate::sim::spec::Status;
use crate::sim::spoil::{BadNumber, Dress};
use crate::sim::venue::fault::Whom;
use crate::sim::venue::kind::Kind;
use crate::sim::venue::ways::{AnswerFault, FrameFault, HandshakeFault, RestFault};

#[test]
fn every_fault_has_a_name_and_is_understood() {
    let yaml = "
- { at: 2s, fault: drop, symbols: [BTCUSDT] }
- { every: 500ms, from: 1s, until: 1m, fault: gap, count: 4 }
- { at: 1s, fault: repeat }
- { at: 1s, fault: swap }
- { at: 1s, fault: delay, by: 300ms }
- { at: 1s, fault: overlap }
- { at: 1s, fault: garbage, count: 2 }
- { at: 1s, fault: crossing, ticks: 0 }
- { at: 1s, fault: restart_ids, to: 7 }
- { at: 1s, fault: stale_snapshot, ids_back: 9 }
- { at: 1s, fault: truncated_snapshot }
- { at: 1s, fault: unanswered_snapshot }
- { at: 1s, fault: stall, for: 5s, one: true }
- { at: 1s, fault: close, code: 1012, reason: restart }
- { at: 1s, fault: reset, symbols: [ETHUSDT] }
- { at: 1s, fault: cut }
- { at: 1s, fault: kill }
- { at: 1s, fault: broken_frame }
- { at: 1s, fault: slow_rest, by: 2s, for: 10s }
- { at: 1s, fault: too_many_requests, for: 5s, retry_after: 2 }
- { at: 1s, fault: rest_fails, status: 502, for: 30s }
- { at: 1s, fault: down, for: 3s }
- { at: 1s, fault: server_shutdown, lead: 1s }
- { at: 1s, fault: truncate }
- { at: 1s, fault: fragments, for: 1s }
- { at: 1s, fault: pings, count: 50, bytes: 125 }
- { at: 1s, fault: status, becomes: END_OF_DAY, symbols: [BNBUSDT], for: 2s }
- { at: 1s, fault: delist, symbols: [SOLUSDT] }
- { at: 1s, fault: tick_size, digits: 2 }
- { per_million: 50, fault: drop, symbols: [XRPUSDT] }
";
    let script = Script::parse(yaml).unwrap();
    assert_eq!(script.steps.len(), 29);
    let rule = FaultRule { symbols: vec!["XRPUSDT".to_owned()], fault: Fault::Drop, when: When::PerMillion(50) };
    assert_eq!(script.rules, [rule]);
    let second = Duration::from_secs(1);
    assert_eq!(
        script.steps[1],
        Step {
            timing: Timing { first: second, every: Some(second / 2), until: Some(60 * second) },
            fault: VenueFault::Frames { fault: Fault::Drop, symbols: Vec::new(), count: 4 },
        }
    );
    let one = Whom { symbols: Vec::new(), one: true };
    assert_eq!(script.steps[12].fault, VenueFault::Stall { whom: one, lasts: 5 * second });
    assert_eq!(script.symbols().collect::<Vec<_>>(), ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"]);
}

#[test]
fn every_way_has_a_word() {
    let step = |text: String| Script::parse(&format!("- {{ at: 1s, {text} }}")).unwrap().steps.remove(0).fault;
    let second = Duration::from_secs(1);
    for how in Dress::ALL {
        let fault = step(format!("fault: dress, how: {}", how.word()));
        assert_eq!(fault, VenueFault::Frames { fault: Fault::Dressed(*how), symbols: Vec::new(), count: 1 });
    }
    for how in BadNumber::ALL {
        let fault = step(format!("fault: bad_number, how: {}", how.word()));
        assert_eq!(fault, VenueFault::Frames { fault: Fault::BadNumber(*how), symbols: Vec::new(), count: 1 });
    }
    for how in FrameFault::ALL {
        let fault = step(format!("fault: broken_frame, how: {}", how.word()));
        assert_eq!(fault, VenueFault::BrokenFrame { whom: Whom::default(), how: *how });
    }
    for how in AnswerFault::ALL {
        let by = if *how == AnswerFault::Late { second } else { Duration::ZERO };
        let told = if by.is_zero() { "" } else { ", by: 1s" };
        let fault = step(format!("fault: answers, count: 3, how: {}{told}", how.word()));
        assert_eq!(fault, VenueFault::Answers { how: *how, count: 3, by });
    }
    for how in HandshakeFault::ALL {
        let fault = step(format!("fault: handshake, for: 1s, how: {}", how.word()));
        assert_eq!(fault, VenueFault::Handshake { how: *how, lasts: second });
    }
    for how in RestFault::ALL {
        let fault = step(format!("fault: bad_rest, for: 1s, routes: [depth], how: {}", how.word()));
        assert_eq!(fault, VenueFault::BadRest { how: *how, lasts: second, routes: vec!["depth".to_owned()] });
    }
    for becomes in Status::ALL {
        let fault = step(format!("fault: status, becomes: {}", becomes.word()));
        assert_eq!(fault, VenueFault::Status { symbols: Vec::new(), becomes, lasts: None });
    }
}

/// The fields of a table in the language's documentation that begin with a backtick are its words.
fn documented() -> std::collections::BTreeSet<String> {
    let source = include_str!("script.rs");
    let rows = source.lines().filter_map(|line| line.strip_prefix("/// "));
    rows.flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

#[test]
fn the_sample_file_has_every_fault_and_each_is_documented() {
    let sample = include_str!("../../../config/venue-faults.yaml");
    let script = Script::parse(sample).unwrap();
    let entries = sample.lines().filter(|line| line.starts_with("- ")).count();
    assert_eq!(script.steps.len() + script.rules.len(), entries);
    let documented = documented();
    for kind in Kind::ALL {
        assert!(
            sample.contains(&format!("fault: {},", kind.word()))
                || sample.contains(&format!("fault: {} ", kind.word())),
            "{kind:?}"
        );
        assert!(documented.contains(kind.word()), "{kind:?}");
    }
}

#[test]
fn mistakes_are_named_with_their_entry() {
    for (yaml, named) in [
        ("- { fault: drop }", "entry 1: expected one of at, every, per_million"),
        ("- { at: 1s, every: 1s, fault: drop }", "entry 1: expected one of"),
        ("- { every: 0s, fault: drop }", "entry 1: every"),
        ("- { at: 1s, fault: drop }\n- { at: 1s }", "entry 2: expected fault"),
        ("- { at: 1s, fault: drop, code: 1000 }", "entry 1: code is of no use here"),
        ("- { at: 1s, fault: drop, until: 2s }", "entry 1: until is of no use here"),
        ("- { at: 1s, fault: delay }", "entry 1: delay: expected by"),
        ("- { at: 1s, fault: stall }", "expected for"),
        ("- { at: 1s, fault: close, code: 1006 }", "code: 1006"),
        ("- { at: 1s, fault: rest_fails, for: 1s, status: 200 }", "status"),
        ("- { per_million: 9, fault: cut }", "single diffs"),
        ("- { per_million: 9, fault: gap }", "no count"),
        ("- { per_million: 2000000, fault: drop }", "at most 1000000"),
        ("- { at: 1s, fault: dress }", "expected how: one of extra_fields, reordered_keys"),
        ("- { at: 1s, fault: handshake, how: rude, for: 1s }", "how: rude is not one of forbidden, too_many"),
        ("- { at: 1s, fault: handshake, how: slow }", "expected for"),
        ("- { at: 1s, fault: answers, how: late }", "expected by"),
        ("- { at: 1s, fault: answers, how: twice, by: 1s }", "by is of no use here"),
        ("- { at: 1s, fault: status, becomes: BROKEN }", "becomes: BROKEN is not one of TRADING, HALT"),
        ("- { at: 1s, fault: pings, bytes: 126 }", "at most 125"),
        ("- { at: 1s, fault: tick_size, digits: 9 }", "digits: expected 1 to 8"),
        ("- { at: 1s, fault: explode }", "explode"),
        ("- { at: soon, fault: drop }", "soon"),
        ("- { at: 1s, fault: drop, colour: red }", "colour"),
        ("drop", "script"),
    ] {
        let message = Script::parse(yaml).unwrap_err().to_string();
        assert!(message.contains(named), "{yaml}: {message}");
    }
}
