//! Purpose: how a book begins: the first diff, the snapshot, and what proves it, each a short story and what is told.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use super::rig::{BTC, MS, Rig};
use crate::conductor::SyncState;
use crate::schema::quality::Quality;
use crate::telemetry::Counter;

#[test]
fn the_first_diff_asks_for_a_snapshot_and_a_covering_one_makes_the_book_good() {
    let mut rig = Rig::plain();
    rig.diff(9, 12, &[(50, 1)], &[]);
    assert_eq!((rig.asks(), rig.told().len()), (1, 0), "nothing is told before there is a book");
    assert_eq!(rig.stage.state(BTC), Some(SyncState::SnapshotPending));
    rig.diff(12, 15, &[], &[(60, 0)]);
    rig.snapshot(10, &[(49, 7)], &[(60, 2), (61, 3)]);
    assert_eq!(
        rig.told(),
        [
            "Reset FirstSnapshot Syncing>Syncing",
            "book 10 Syncing",
            "Quality CoveringDiff Syncing>Good",
            "delta 12 Good",
            "fused 12 Good",
            "delta 15 Good",
            "fused 15 Good",
        ]
    );
    assert_eq!(rig.book(), (vec![(50, 1), (49, 7)], vec![(61, 3)]));
    assert_eq!(rig.stage.state(BTC), Some(SyncState::Live));
    let report = rig.stage.report(BTC).unwrap();
    assert_eq!((report.epoch, report.applied, report.dropped), (1, 2, 0));
    assert_eq!(report.known_bid.unwrap().to_string(), "49");
    assert_eq!(report.known_ask.unwrap().to_string(), "61");
}

#[test]
fn futures_first_diffs_may_straddle_or_touch_the_snapshot() {
    for (name, previous, last) in [("U <= S <= u", 5, 20), ("pu == S, U > S", 10, 20), ("u == S + 1", 9, 11)] {
        let mut rig = Rig::plain();
        rig.diff(previous, last, &[(50, 1)], &[]);
        rig.snapshot(10, &[(49, 1)], &[(60, 1)]);
        assert_eq!(rig.quality(), Quality::Good, "{name}");
    }
    let mut rig = Rig::plain();
    rig.diff(5, 10, &[(50, 1)], &[]);
    rig.snapshot(10, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.quality(), Quality::Syncing, "u == S proves nothing yet");
    assert_eq!(rig.book().0, [(49, 1)], "and is not applied");
}

#[test]
fn f12_a_snapshot_older_than_the_first_diff_is_asked_for_again_then_with_growing_waits() {
    let mut rig = Rig::plain();
    rig.diff(20, 25, &[], &[]);
    for (tries, id) in [(2, 15), (3, 16), (4, 17)] {
        rig.snapshot(id, &[(49, 1)], &[(60, 1)]);
        assert_eq!(rig.asks(), tries, "the first tries follow at once");
    }
    rig.snapshot(18, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.asks(), 4);
    rig.later(249 * MS);
    assert_eq!(rig.asks(), 4, "never early");
    rig.later(MS);
    assert_eq!(rig.asks(), 5);
    assert!(rig.told().is_empty(), "nothing is bridged, nothing told");
    rig.snapshot(20, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.quality(), Quality::Good, "an id equal to the first diff's previous one is contiguous");
    assert_eq!(rig.count(Counter::SnapshotsUnused), 4);
}

#[test]
fn f13_a_snapshot_newer_than_everything_is_provisional_until_something_proves_it() {
    let bids = [(49, 1), (48, 1)];
    let asks = [(60, 1)];
    type Proof = fn(&mut Rig);
    let table: &[(&str, Proof, &str)] = &[
        ("covering diff", |r| r.diff(28, 31, &[], &[]), "Quality CoveringDiff Syncing>Good"),
        ("equal ticker", |r| r.ticker(30, (49, 1), (60, 1)), "Quality EqualTicker Syncing>Good"),
        ("equal snapshot", |r| r.snapshot(30, &[(49, 1), (48, 1)], &[(60, 1)]), "Quality EqualSnapshot Syncing>Good"),
    ];
    for (name, prove, told) in table {
        let mut rig = Rig::plain();
        rig.diff(20, 25, &[], &[]);
        rig.snapshot(30, &bids, &asks);
        assert_eq!(rig.told(), ["Reset FirstSnapshot Syncing>Syncing", "book 30 Syncing"], "{name}");
        assert_eq!(rig.stage.state(BTC), Some(SyncState::Replaying));
        rig.clear();
        prove(&mut rig);
        assert!(rig.told().contains(&(*told).to_owned()), "{name}: {:?}", rig.told());
        assert_eq!(rig.quality(), Quality::Good, "{name}");
    }
    let no_proof: &[(&str, Proof)] = &[
        ("ticker of another id", |r| r.ticker(29, (49, 1), (60, 1))),
        ("ticker of another top", |r| r.ticker(30, (49, 2), (60, 1))),
        ("old diff", |r| r.diff(25, 30, &[], &[])),
        ("snapshot with other content", |r| r.snapshot(30, &[(49, 1), (48, 2)], &[(60, 1)])),
        ("older snapshot", |r| r.snapshot(29, &[(49, 1), (48, 1)], &[(60, 1)])),
    ];
    for (name, feed) in no_proof {
        let mut rig = Rig::plain();
        rig.snapshot(30, &bids, &asks);
        feed(&mut rig);
        assert_eq!(rig.quality(), Quality::Syncing, "{name}");
    }
}

#[test]
fn f13_a_book_that_nothing_proves_asks_for_a_second_snapshot_to_do_it() {
    let mut rig = Rig::plain();
    rig.diff(20, 25, &[], &[]);
    rig.snapshot(30, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.asks(), 1);
    rig.later(1_000 * MS);
    assert_eq!(rig.asks(), 2);
    rig.snapshot(30, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.quality(), Quality::Good);
    rig.later(60_000 * MS);
    assert_eq!((rig.asks(), rig.quality()), (2, Quality::Good), "F19: silence is not staleness");
}

#[test]
fn a_ticker_seen_before_the_snapshot_of_its_id_proves_it() {
    let mut rig = Rig::plain();
    rig.ticker(30, (49, 1), (60, 1));
    rig.snapshot(30, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn a_snapshot_before_any_diff_is_provisional_and_the_first_diff_decides() {
    for (previous, last, quality) in
        [(30, 31, Quality::Good), (25, 31, Quality::Good), (31, 32, Quality::Gap), (20, 30, Quality::Syncing)]
    {
        let mut rig = Rig::plain();
        rig.snapshot(30, &[(49, 1)], &[(60, 1)]);
        rig.diff(previous, last, &[], &[]);
        assert_eq!(rig.quality(), quality, "({previous}, {last}]");
    }
}

#[test]
fn empty_books_new_listings_and_empty_diffs_are_normal() {
    let mut rig = Rig::plain();
    rig.snapshot(-1, &[], &[]);
    assert_eq!(rig.told(), ["Reset FirstSnapshot Syncing>Syncing", "book -1 Syncing"]);
    assert_eq!(rig.stage.report(BTC).unwrap().known_bid, None, "an empty side is known whole");
    rig.diff(-1, 4, &[(49, 1)], &[]);
    assert_eq!(rig.quality(), Quality::Good);
    rig.clear();
    rig.diff(4, 5, &[], &[]);
    assert_eq!(rig.told(), ["delta 5 Good", "fused 5 Good"]);
    rig.diff(5, 6, &[(49, 0)], &[(1_000, 0)]);
    assert_eq!(rig.book(), (vec![], vec![]), "F18: removing an unknown level is normal");
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn f15_unsound_snapshots_are_refused_whole_and_asked_for_again() {
    type Pairs = &'static [(i64, i64)];
    let table: &[(&str, Pairs, Pairs)] = &[
        ("bids unsorted", &[(49, 1), (50, 1)], &[(60, 1)]),
        ("asks unsorted", &[(49, 1)], &[(61, 1), (60, 1)]),
        ("a price twice", &[(49, 1), (49, 2)], &[(60, 1)]),
        ("a zero quantity", &[(49, 0)], &[(60, 1)]),
        ("a negative quantity", &[(49, 1)], &[(60, -1)]),
        ("crossed", &[(60, 1)], &[(59, 1)]),
        ("locked", &[(60, 1)], &[(60, 1)]),
    ];
    for (name, bids, asks) in table {
        let mut rig = Rig::plain();
        rig.diff(20, 25, &[], &[]);
        rig.snapshot(22, bids, asks);
        assert_eq!((rig.told().len(), rig.count(Counter::SnapshotsRefused), rig.asks()), (0, 1, 2), "{name}");
        assert_eq!(rig.stage.report(BTC).unwrap().update_id, None, "{name}");
    }
}

#[test]
fn f14_a_cached_snapshot_backs_off() {
    let mut rig = Rig::plain();
    rig.diff(20, 25, &[], &[]);
    rig.snapshot(15, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.asks(), 2);
    rig.snapshot(15, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.asks(), 2, "the same useless id again: wait");
    rig.later(250 * MS);
    assert_eq!(rig.asks(), 3);
}

#[test]
fn f16_a_snapshot_that_does_not_come_is_asked_for_again_after_its_deadline() {
    let mut rig = Rig::plain();
    rig.diff(20, 25, &[], &[]);
    rig.later(2_999 * MS);
    assert_eq!(rig.asks(), 1);
    rig.later(MS);
    assert_eq!((rig.asks(), rig.quality()), (2, Quality::Syncing));
}

#[test]
fn a_full_way_to_rest_is_tried_again() {
    let mut rig = Rig::plain();
    rig.way_full.set(true);
    rig.diff(20, 25, &[], &[]);
    rig.later(4 * MS);
    assert_eq!(rig.asks(), 0);
    rig.way_full.set(false);
    rig.later(MS);
    assert_eq!(rig.asks(), 1);
}

#[test]
fn a_watched_silent_symbol_gets_a_snapshot_all_the_same() {
    let mut rig = Rig::plain();
    rig.stage.watch(BTC, crate::schema::id::Market::BinanceSpot);
    assert_eq!(rig.stage.state(BTC), Some(SyncState::Subscribing));
    rig.later(1_999 * MS);
    assert_eq!(rig.asks(), 0);
    rig.later(MS);
    assert_eq!(rig.asks(), 1);
    rig.snapshot(5, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.quality(), Quality::Syncing);
}
