//! Purpose: what scripts say and what they may not. Owns: nothing. Thread: the test's. Takes and gives: YAML in, steps
//! out. Never: runs one.

use super::*;

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
";
    let script = Script::parse(yaml).unwrap();
    assert_eq!(script.steps.len(), 23);
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
    assert_eq!(script.symbols().collect::<Vec<_>>(), ["BTCUSDT", "ETHUSDT"]);
}

#[test]
fn mistakes_are_named_with_their_entry() {
    for (yaml, named) in [
        ("- { fault: drop }", "entry 1: expected either at or every"),
        ("- { at: 1s, every: 1s, fault: drop }", "entry 1: expected either"),
        ("- { every: 0s, fault: drop }", "entry 1: every"),
        ("- { at: 1s, fault: drop }\n- { at: 1s }", "entry 2: expected fault"),
        ("- { at: 1s, fault: drop, code: 1000 }", "entry 1: code is of no use here"),
        ("- { at: 1s, fault: drop, until: 2s }", "entry 1: until is of no use here"),
        ("- { at: 1s, fault: delay }", "entry 1: delay: expected by"),
        ("- { at: 1s, fault: stall }", "expected for"),
        ("- { at: 1s, fault: close, code: 1006 }", "code: 1006"),
        ("- { at: 1s, fault: rest_fails, for: 1s, status: 200 }", "status"),
        ("- { at: 1s, fault: explode }", "explode"),
        ("- { at: soon, fault: drop }", "soon"),
        ("- { at: 1s, fault: drop, colour: red }", "colour"),
        ("drop", "script"),
    ] {
        let message = Script::parse(yaml).unwrap_err().to_string();
        assert!(message.contains(named), "{yaml}: {message}");
    }
}
