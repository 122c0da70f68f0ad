//! Purpose: the span rule and the states of a book, every edge case by name (binance.md section 1).
//! Owns: the tables. Thread: a test's. Takes and gives: ids in, verdicts out. Never: needs a level or a clock.

use crate::conductor::options::ConductorOptions;
use crate::conductor::span::{Span, Verdict};
use crate::conductor::sync::{DiffStep, SnapshotVerdict, Sync, SyncState};

fn span(previous: i64, last: i64) -> Span {
    Span { previous, last }
}

#[test]
fn the_span_rule() {
    let table = [
        ("spot: U == S + 1", 100, 100, 105, Verdict::Apply),
        ("spot: overlap, U <= S < u", 100, 95, 105, Verdict::Apply),
        ("spot: U > S + 1", 100, 101, 105, Verdict::Missing),
        ("u == S", 100, 95, 100, Verdict::Old),
        ("u < S", 100, 90, 95, Verdict::Old),
        ("futures: pu == S, U far beyond", 4_171_697_482_344, 4_171_697_482_344, 4_171_697_488_761, Verdict::Apply),
        ("futures: U <= S <= u", 4_171_697_485_000, 4_171_697_482_344, 4_171_697_488_761, Verdict::Apply),
        ("futures: pu beyond S", 4_171_697_482_000, 4_171_697_482_344, 4_171_697_488_761, Verdict::Missing),
        ("a new listing: lastUpdateId -1, U == 0", -1, -1, 3, Verdict::Apply),
        ("a new listing: lastUpdateId -1, U == 1", -1, 0, 3, Verdict::Missing),
        ("beyond 2^53", (1 << 53) + 1, (1 << 53) + 1, (1 << 53) + 2, Verdict::Apply),
        ("at the end of the numbers", i64::MAX - 1, i64::MAX - 1, i64::MAX, Verdict::Apply),
        ("an empty span beyond S covers nothing", 100, 105, 105, Verdict::Missing),
        ("an empty span at S", 100, 100, 100, Verdict::Old),
    ];
    for (name, local, previous, last, verdict) in table {
        assert_eq!(span(previous, last).verdict(local), verdict, "{name}");
    }
}

/// A sync that has come to each of its standings at id 100.
fn at(standing: &str) -> Sync {
    let mut sync = Sync::default();
    match standing {
        "idle" => {}
        "watching" => sync.watch(),
        "collecting" => assert_eq!(diff(&mut sync, 120, 130), DiffStep::Hold { first: true }),
        "unproven" => sync.adopted(100),
        "proven" => sync.applied(100),
        "gap" => {
            sync.applied(100);
            assert_eq!(diff(&mut sync, 120, 130), DiffStep::OpenGap { expected: 101 });
        }
        "lost" => {
            sync.applied(100);
            assert_eq!(sync.miss(i64::MIN), Some(101));
        }
        "retired" => sync.retire(),
        other => panic!("{other}"),
    }
    sync
}

fn diff(sync: &mut Sync, previous: i64, last: i64) -> DiffStep {
    sync.on_diff(span(previous, last), false, None, &ConductorOptions::default())
}

#[test]
fn a_diff_meets_each_state() {
    let hold = DiffStep::Hold { first: false };
    let table = [
        ("idle", 5, 6, DiffStep::Hold { first: true }),
        ("watching", 5, 6, DiffStep::Hold { first: true }),
        ("collecting", 130, 140, hold),
        ("collecting", 90, 95, hold),
        ("unproven", 95, 105, DiffStep::Apply),
        ("unproven", 90, 100, DiffStep::Drop),
        ("unproven", 101, 105, DiffStep::OpenGap { expected: 101 }),
        ("proven", 100, 105, DiffStep::Apply),
        ("proven", 90, 100, DiffStep::Drop),
        ("proven", 101, 105, DiffStep::OpenGap { expected: 101 }),
        ("gap", 130, 140, hold),
        ("gap", 100, 110, hold),
        ("gap", 100, 120, DiffStep::Apply),
        ("gap", 90, 100, DiffStep::Drop),
        ("lost", 100, 101, DiffStep::Apply),
        ("lost", 101, 102, hold),
        ("retired", 100, 101, DiffStep::Drop),
    ];
    for (standing, previous, last, step) in table {
        assert_eq!(diff(&mut at(standing), previous, last), step, "{standing}: ({previous}, {last}]");
    }
}

#[test]
fn behind_held_diffs_nothing_is_applied_and_no_gap_is_opened() {
    for (previous, last, step) in [
        (100, 105, DiffStep::Hold { first: false }),
        (120, 125, DiffStep::Hold { first: false }),
        (90, 100, DiffStep::Drop),
    ] {
        let mut sync = at("proven");
        let options = ConductorOptions::default();
        assert_eq!(sync.on_diff(span(previous, last), true, Some(130), &options), step);
    }
}

#[test]
fn a_snapshot_meets_each_state() {
    use SnapshotVerdict::{Adopt, Equal, TooOld, Unused};
    let held = Some(span(120, 130));
    // (state, id, first held diff after it, waiting, refresh, verdict)
    let table = [
        ("idle", 50, None, false, false, Adopt),
        ("watching", -1, None, false, false, Adopt),
        ("collecting", 119, held, false, false, TooOld),
        ("collecting", 120, held, false, false, Adopt),
        ("collecting", 129, held, false, false, Adopt),
        ("collecting", 130, None, false, false, Adopt),
        ("unproven", 100, None, false, false, Equal),
        ("unproven", 101, None, false, false, Adopt),
        ("unproven", 99, None, false, false, Unused),
        ("unproven", 101, held, true, false, Unused),
        ("proven", 100, None, false, false, Equal),
        ("proven", 101, None, false, false, Unused),
        ("proven", 101, None, false, true, Adopt),
        ("proven", 99, None, false, true, TooOld),
        ("proven", 99, None, false, false, Unused),
        ("gap", 119, held, false, false, TooOld),
        ("gap", 120, held, false, false, Adopt),
        ("gap", 200, None, false, false, Adopt),
        ("gap", 100, held, false, false, TooOld),
        ("lost", 100, None, false, false, Equal),
        ("lost", 99, None, false, false, TooOld),
        ("lost", 101, None, false, false, Adopt),
        ("retired", 101, None, false, false, Unused),
    ];
    for (standing, id, first, waiting, refresh, verdict) in table {
        let sync = at(standing);
        let options = ConductorOptions::default();
        assert_eq!(sync.on_snapshot(id, first, None, waiting, refresh, &options), verdict, "{standing} {id}");
    }
}

#[test]
fn states_have_their_names() {
    let table = [
        ("idle", false, SyncState::Idle),
        ("watching", false, SyncState::Subscribing),
        ("watching", true, SyncState::SnapshotPending),
        ("collecting", false, SyncState::Buffering),
        ("collecting", true, SyncState::SnapshotPending),
        ("unproven", false, SyncState::Replaying),
        ("proven", false, SyncState::Live),
        ("gap", false, SyncState::Gap),
        ("gap", true, SyncState::SnapshotPending),
        ("retired", false, SyncState::Retired),
    ];
    for (standing, asked, state) in table {
        assert_eq!(at(standing).state(asked, false, false), state, "{standing}");
    }
    assert_eq!(at("proven").state(false, true, false), SyncState::Replaying, "held diffs are being released");
    assert_eq!(at("proven").state(false, false, true), SyncState::Stale);
    assert_eq!(at("retired").state(false, false, true), SyncState::Retired);
}

#[test]
fn only_what_is_proven_is_proven() {
    for (standing, proven, unproven, missing) in [
        ("idle", false, false, false),
        ("collecting", false, false, false),
        ("unproven", false, true, false),
        ("proven", true, false, false),
        ("gap", false, false, true),
        ("lost", false, false, true),
        ("retired", false, false, false),
    ] {
        let sync = at(standing);
        assert_eq!(
            (sync.is_proven(), sync.is_unproven(), sync.is_missing()),
            (proven, unproven, missing),
            "{standing}"
        );
    }
    let mut sync = at("proven");
    sync.start_over(true);
    assert!(sync.is_missing() && sync.local().is_none(), "given up because a diff could not be applied");
    sync.start_over(false);
    assert!(!sync.is_missing());
    let mut sync = at("retired");
    sync.start_over(false);
    assert!(sync.is_retired(), "for good");
}
