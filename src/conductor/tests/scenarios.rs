//! Purpose: every edge case of the span rule and of faults.md that concerns a book, as a short story and what is told.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Rig};
use crate::conductor::{ConductorOptions, SyncState};
use crate::schema::canonical_type::builtin;
use crate::schema::event::EventRef;
use crate::schema::id::{InstrumentId, Source, TypeId};
use crate::schema::payload::{
    Book, BookReference, BookStatus, BookTicker, ConnectionStatus, Depth, DepthLevels, Trade, fixed_text,
};
use crate::schema::quality::Quality;
use crate::schema::raw::Level;
use crate::schema::stage::{EventSink, Stage};
use crate::telemetry::Counter;

fn status(rig: &mut Rig, at: usize) -> BookStatus {
    let words = rig.stage.publisher().events[at].clone();
    *EventRef::from_words(&words).unwrap().payload::<BookStatus>().unwrap()
}

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
fn old_duplicate_overlapping_and_contiguous_diffs_get_what_the_span_rule_says() {
    // (name, previous, last, what is told)
    let table: &[(&str, i64, i64, &[&str])] = &[
        ("duplicate", 99, 100, &[]),
        ("older", 90, 95, &[]),
        ("ends at the book's id", 80, 100, &[]),
        ("contiguous", 100, 105, &["delta 105 Good", "fused 105 Good"]),
        ("overlap", 95, 105, &["delta 105 Good", "fused 105 Good"]),
        ("covers all", 0, 105, &["delta 105 Good", "fused 105 Good"]),
        ("one id missing", 101, 105, &["GapOpen MissingDiff Good>Gap"]),
    ];
    for (name, previous, last, told) in table {
        let mut rig = Rig::plain();
        rig.live(100);
        rig.diff(*previous, *last, &[(95, 2)], &[]);
        assert_eq!(rig.told(), *told, "{name}");
        let dropped = rig.count(Counter::DiffsDropped);
        assert_eq!(dropped, u64::from(told.is_empty()), "{name}: what is not applied or held is counted");
    }
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
fn one_price_twice_in_a_diff_the_last_one_wins() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(100, 101, &[(95, 7), (95, 0), (96, 0), (96, 5), (97, 3), (97, 4)], &[]);
    let bids = rig.book().0;
    assert!(!bids.iter().any(|b| b.0 == 95) && bids.contains(&(96, 5)) && bids.contains(&(97, 4)));
}

#[test]
fn zero_is_zero_at_every_scale_and_finer_values_widen_the_book() {
    let mut rig = Rig::plain();
    rig.live(100);
    let diff = |last, price_scale, quantity_scale| Depth {
        previous_id: last - 1,
        last_id: last,
        bids: 2,
        price_scale,
        quantity_scale,
        ..Depth::zeroed()
    };
    // "0.00000000" removes 99; 98.00 with 1.50000000 is no finer than it must be.
    let level = |price, quantity| Level { price, quantity };
    rig.diff_of(diff(101, 0, 8), &[level(99, 0), level(98, 200_000_000)]);
    assert_eq!(rig.count(Counter::ScaleWidened), 0, "trailing zeros do not widen");
    assert_eq!(rig.book().0[0], (98, 2));
    rig.diff_of(diff(102, 2, 1), &[level(9_725, 15), level(9_600, 0)]);
    assert_eq!(rig.count(Counter::ScaleWidened), 1, "F39: 97.25 and 1.5 do");
    let report = rig.stage.report(BTC).unwrap();
    let shown: Vec<String> = report.bids.iter().take(4).map(|(p, q)| format!("{p} {q}")).collect();
    assert_eq!(shown, ["98 2", "97.25 1.5", "97 1", "95 1"]);
    assert_eq!(report.known_bid.unwrap().to_string(), "90", "the known range is rescaled with the book");
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn f39_a_value_that_overflows_opens_a_gap_and_only_a_snapshot_closes_it() {
    let mut rig = Rig::plain();
    rig.live(100);
    let depth = Depth { previous_id: 100, last_id: 101, bids: 1, price_scale: 18, ..Depth::zeroed() };
    rig.diff_of(depth, &[Level { price: 1, quantity: 1 }]);
    assert_eq!(rig.told(), ["GapOpen Overflow Good>Gap"]);
    assert_eq!((rig.count(Counter::DecimalOverflow), rig.asks()), (1, 1), "asked for at once: no late diff can help");
    rig.diff(101, 102, &[], &[]);
    rig.clear();
    rig.snapshot(101, &[(49, 1)], &[(60, 1)]);
    assert_eq!(
        rig.told(),
        [
            "Reset Resynchronised Gap>Syncing",
            "book 101 Syncing",
            "GapClose CoveringDiff Syncing>Good",
            "delta 102 Good",
            "fused 102 Good"
        ]
    );
}

#[test]
fn f01_a_missing_diff_opens_a_gap_and_a_snapshot_closes_it() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(102, 103, &[(50, 5)], &[]);
    assert_eq!(rig.told(), ["GapOpen MissingDiff Good>Gap"]);
    let open = status(&mut rig, 0);
    assert_eq!((open.expected, open.got), (101, 103));
    assert_eq!((rig.asks(), rig.stage.state(BTC)), (0, Some(SyncState::Gap)), "the fill deadline first");
    rig.diff(103, 104, &[(51, 5)], &[]);
    assert_eq!(rig.told().len(), 1, "no delta while unsynchronised");
    rig.later(200 * MS);
    assert_eq!((rig.asks(), rig.stage.state(BTC)), (1, Some(SyncState::SnapshotPending)));
    rig.clear();
    rig.later(50 * MS);
    rig.snapshot(103, &[(49, 1)], &[(60, 1)]);
    assert_eq!(
        rig.told(),
        [
            "Reset Resynchronised Gap>Syncing",
            "book 103 Syncing",
            "GapClose CoveringDiff Syncing>Good",
            "delta 104 Good",
            "fused 104 Good"
        ]
    );
    let close = status(&mut rig, 2);
    assert_eq!((close.resumed_at, close.elapsed_ns), (104, 250 * MS));
    assert_eq!(rig.stage.report(BTC).unwrap().epoch, 2);
    assert_eq!((rig.count(Counter::GapsOpened), rig.count(Counter::GapsClosed)), (1, 1));
}

#[test]
fn f04_a_late_diff_fills_the_gap_without_a_new_epoch() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(101, 102, &[(50, 2)], &[]);
    rig.later(10 * MS);
    rig.diff(100, 101, &[(50, 1)], &[]);
    assert_eq!(
        rig.told(),
        [
            "GapOpen MissingDiff Good>Gap",
            "GapClose LateDiff Gap>Good",
            "delta 101 Good",
            "fused 101 Good",
            "delta 102 Good",
            "fused 102 Good"
        ]
    );
    let close = status(&mut rig, 1);
    assert_eq!((close.resumed_at, close.elapsed_ns), (101, 10 * MS));
    rig.later(10_000 * MS);
    assert_eq!((rig.asks(), rig.stage.report(BTC).unwrap().epoch), (0, 1), "no snapshot was needed");
}

#[test]
fn several_late_diffs_in_any_order_are_released_together() {
    let mut rig = Rig::plain();
    rig.live(100);
    for last in [104, 101, 103] {
        rig.diff(last - 1, last, &[], &[]);
    }
    assert_eq!(rig.told(), ["GapOpen MissingDiff Good>Gap"], "filled in part is not filled");
    rig.diff(101, 102, &[], &[]);
    let told = rig.told();
    assert_eq!(told[1], "GapClose LateDiff Gap>Good");
    let deltas: Vec<&String> = told.iter().filter(|t| t.starts_with("delta")).collect();
    assert_eq!(deltas, ["delta 101 Good", "delta 102 Good", "delta 103 Good", "delta 104 Good"]);
}

#[test]
fn a_second_hole_behind_the_first_is_a_gap_of_its_own() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(101, 102, &[], &[]);
    rig.diff(103, 104, &[], &[]);
    rig.diff(100, 101, &[], &[]);
    assert_eq!(
        rig.told(),
        [
            "GapOpen MissingDiff Good>Gap",
            "GapClose LateDiff Gap>Good",
            "delta 101 Good",
            "fused 101 Good",
            "delta 102 Good",
            "fused 102 Good",
            "GapOpen MissingDiff Good>Gap"
        ]
    );
    let open = status(&mut rig, 6);
    assert_eq!((open.expected, open.got), (103, 104));
}

#[test]
fn a_hole_behind_an_unproven_book_with_a_gap_open_is_told_as_quality_only() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(102, 103, &[], &[]);
    rig.later(200 * MS);
    rig.snapshot(110, &[(49, 1)], &[(60, 1)]);
    rig.clear();
    rig.diff(111, 112, &[], &[]);
    assert_eq!(rig.told(), ["Quality MissingDiff Syncing>Gap"], "a gap that is open is not opened twice");
    rig.diff(110, 111, &[], &[]);
    assert_eq!(rig.told()[1], "GapClose CoveringDiff Gap>Good");
}

#[test]
fn f41_a_lost_frame_opens_a_gap_and_the_next_contiguous_diff_closes_it() {
    let mut rig = Rig::plain();
    rig.lost();
    assert!(rig.told().is_empty(), "without a book there is nothing to take back");
    rig.live(100);
    rig.lost();
    assert_eq!(rig.told(), ["GapOpen LostFrame Good>Gap"]);
    rig.lost();
    rig.diff(100, 101, &[], &[]);
    assert_eq!(rig.told()[1..], ["GapClose LateDiff Gap>Good", "delta 101 Good", "fused 101 Good"]);
    rig.lost();
    rig.later(200 * MS);
    assert_eq!(rig.asks(), 1, "a quiet symbol is settled by a snapshot");
    rig.clear();
    let (bids, asks) = rig.book();
    rig.snapshot(101, &bids, &asks);
    assert_eq!(rig.told(), ["GapClose EqualSnapshot Gap>Good"], "nothing was missing after all");
}

#[test]
fn f06_ids_that_jump_far_back_reset_the_book_at_once() {
    let mut rig = Rig::plain();
    rig.live(50_000_000_000);
    for last in 2..=3 {
        rig.diff(last - 1, last, &[(50, last)], &[]);
        assert!(rig.told().is_empty(), "one or two old diffs are old diffs");
    }
    rig.diff(3, 4, &[(50, 4)], &[]);
    assert_eq!(rig.told(), ["Reset IdsWentBack Good>Syncing"]);
    assert_eq!(rig.asked.borrow().as_slice(), [2], "asked for in the new epoch");
    rig.snapshot(50_000_000_000, &[(49, 1)], &[(60, 1)]);
    rig.clear();
    let mut rig = Rig::plain();
    rig.live(50_000_000_000);
    for last in 2..=5 {
        rig.diff(last - 1, last, &[(50, last)], &[]);
    }
    rig.clear();
    rig.snapshot(4, &[(49, 1)], &[(60, 1)]);
    let told = rig.told();
    assert_eq!(told[0], "Reset Resynchronised Syncing>Syncing");
    assert_eq!(told[2..], ["Quality CoveringDiff Syncing>Good", "delta 5 Good", "fused 5 Good"]);
    assert_eq!(rig.stage.report(BTC).unwrap().epoch, 3);
}

#[test]
fn f06_ids_that_jump_a_little_back_are_settled_by_a_snapshot() {
    let mut rig = Rig::plain();
    rig.live(1_000);
    for last in 11..=13 {
        rig.diff(last - 1, last, &[(50, last)], &[]);
    }
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Good));
    rig.snapshot(13, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.told(), ["Reset IdsWentBack Good>Syncing"]);
    assert_eq!(rig.asks(), 2);
    rig.snapshot(14, &[(49, 1)], &[(60, 1)]);
    rig.diff(13, 15, &[], &[]);
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn a_connection_that_repeats_old_diffs_resets_nothing() {
    let mut rig = Rig::plain();
    rig.live(1_000);
    for last in 11..=30 {
        rig.diff(last - 1, last, &[(50, last)], &[]);
    }
    let (bids, asks) = rig.book();
    rig.snapshot(1_000, &bids, &asks);
    assert!(rig.told().is_empty());
    assert_eq!((rig.quality(), rig.stage.report(BTC).unwrap().epoch), (Quality::Good, 1));
    assert_eq!(rig.count(Counter::DiffsDropped), 20);
}

#[test]
fn a_full_buffer_starts_over_and_is_never_trimmed() {
    let mut rig = Rig::new(ConductorOptions { held_diffs_max: 3, ..ConductorOptions::default() });
    for last in 21..=24 {
        rig.diff(last - 1, last, &[], &[]);
    }
    assert_eq!(rig.count(Counter::HeldDiscarded), 3);
    rig.snapshot(22, &[(49, 1)], &[(60, 1)]);
    assert!(rig.told().is_empty(), "a snapshot that only the discarded diffs covered is too old");
    rig.snapshot(23, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.quality(), Quality::Good);
    rig.clear();
    for last in 31..=34 {
        rig.diff(last - 1, last, &[], &[]);
    }
    assert_eq!(rig.told(), ["GapOpen MissingDiff Good>Gap", "Reset BufferFull Gap>Syncing"]);
    let (sent, epoch) = (rig.asks(), rig.stage.report(BTC).unwrap().epoch);
    assert_eq!((sent, epoch, rig.asked.borrow()[0]), (1, 2, 2));
    rig.snapshot(34, &[(49, 1)], &[(60, 1)]);
    rig.diff(34, 35, &[], &[]);
    assert!(rig.told().contains(&"GapClose CoveringDiff Syncing>Good".to_owned()), "{:?}", rig.told());
}

#[test]
fn f10_a_crossed_book_is_flagged_first_never_repaired_and_given_up_after_three_updates() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(100, 101, &[(101, 1)], &[]);
    assert_eq!(rig.told(), ["Quality Crossed Good>Crossed", "delta 101 Crossed", "fused 101 Crossed"], "locked counts");
    rig.diff(101, 102, &[(101, 0)], &[]);
    assert_eq!(rig.told()[3..], ["Quality Uncrossed Crossed>Good", "delta 102 Good", "fused 102 Good"]);
    rig.clear();
    for last in 103..=105 {
        rig.diff(last - 1, last, &[(103, last)], &[]);
    }
    assert_eq!(rig.told().last().unwrap(), "Quality Crossed Crossed>Syncing");
    assert_eq!((rig.count(Counter::Crossed), rig.asks()), (4, 1));
    rig.clear();
    rig.diff(105, 106, &[], &[]);
    rig.snapshot(105, &[(99, 1)], &[(101, 1)]);
    assert_eq!(rig.told()[0], "Reset Resynchronised Syncing>Syncing");
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn f10_a_book_crossed_for_fifty_milliseconds_is_given_up() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(100, 101, &[(105, 1)], &[]);
    rig.later(49 * MS);
    assert_eq!((rig.asks(), rig.quality()), (0, Quality::Crossed));
    rig.later(MS);
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Syncing));
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
fn a_reply_that_names_an_older_epoch_is_dropped() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(102, 103, &[], &[]);
    rig.later(200 * MS);
    rig.snapshot(103, &[(49, 1)], &[(60, 1)]);
    rig.diff(105, 106, &[], &[]);
    rig.later(200 * MS);
    let depth = Depth { last_id: 105, ..Depth::zeroed() };
    rig.snapshot_of(depth, &[], 1);
    assert_eq!((rig.quality(), rig.count(Counter::SnapshotsUnused)), (Quality::Gap, 1));
    rig.snapshot_of(depth, &[], 2);
    assert_eq!(rig.quality(), Quality::Good);
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

#[test]
fn a_snapshot_of_a_live_books_own_id_is_a_check_and_deepens_the_known_range() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(100, 101, &[(80, 3), (89, 4)], &[]);
    rig.clear();
    let mut bids: Vec<_> = (90..100).rev().map(|p| (p, 1)).collect();
    bids.extend([(88, 2), (85, 2)]);
    let asks: Vec<_> = (101..105).map(|p| (p, 1)).collect();
    rig.snapshot(101, &bids, &asks);
    assert_eq!((rig.count(Counter::IntegrityAgree), rig.count(Counter::SnapshotsUnused)), (1, 0));
    let report = rig.stage.report(BTC).unwrap();
    assert_eq!((report.agree, report.disagree), (0, 0), "tickers and partial depth only");
    assert_eq!(report.known_bid.unwrap().to_string(), "85");
    assert_eq!(report.known_ask.unwrap().to_string(), "110", "the deeper bound of the two");
    assert_eq!(rig.book().0[9..], [(90, 1), (88, 2), (85, 2), (80, 3)], "89 was a ghost; 80 stays unknown");
    assert!(rig.told().is_empty());
    rig.snapshot(101, &[(99, 2)], &[(101, 1)]);
    assert_eq!((rig.count(Counter::IntegrityDisagree), rig.quality()), (1, Quality::Good), "counted, never acted on");
    rig.snapshot(102, &[(99, 2)], &[(101, 1)]);
    assert_eq!(rig.stage.report(BTC).unwrap().update_id, Some(101), "another id is of no use");
}

#[test]
fn partial_depth_is_published_as_it_is_and_compared_when_its_id_is_the_books() {
    let table = [(100, 1, (1, 0)), (100, 2, (0, 1)), (99, 2, (0, 0))];
    for (id, quantity, expected) in table {
        let mut rig = Rig::plain();
        rig.live(100);
        let header = rig.head(builtin::ORDERBOOK_SNAPSHOT, Source::WsDepthPartial, BTC);
        let depth = Depth { last_id: id, bids: 2, asks: 1, price_scale: 1, ..Depth::zeroed() };
        let level = |price, quantity| Level { price, quantity };
        rig.made(header, &DepthLevels(depth), &[level(990, 1), level(980, quantity), level(1_010, 1)]);
        assert_eq!(rig.told(), ["DepthLevels None"]);
        let report = rig.stage.report(BTC).unwrap();
        assert_eq!((report.agree, report.disagree), expected);
    }
}

#[test]
fn a_top_outside_the_known_range_is_not_vouched_for_until_a_fresh_snapshot() {
    let mut rig = Rig::plain();
    rig.snapshot(10, &[(49, 1), (48, 1)], &[(60, 1)]);
    rig.diff(10, 11, &[(40, 1)], &[]);
    rig.clear();
    rig.diff(11, 12, &[(49, 0), (48, 0)], &[]);
    assert_eq!(rig.told(), ["Quality RangeLeft Good>Syncing", "delta 12 Syncing", "fused 12 Syncing"]);
    assert_eq!(rig.asks(), 1);
    rig.snapshot(13, &[(45, 1), (40, 1)], &[(60, 1)]);
    rig.diff(12, 14, &[], &[]);
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn f17_pruning_keeps_what_it_was_told_to_outside_the_known_range() {
    let options = ConductorOptions { prune_outside: true, prune_keep: 5, ..ConductorOptions::default() };
    let mut rig = Rig::new(options);
    rig.snapshot(10, &[(500, 1), (400, 1)], &[(600, 1)]);
    let far: Vec<_> = (1..=100).map(|p| (p, 1)).collect();
    rig.diff(10, 11, &far, &[]);
    assert_eq!(rig.count(Counter::LevelsPruned), 95);
    let bids = rig.book().0;
    assert_eq!(bids, [(500, 1), (400, 1), (100, 1), (99, 1), (98, 1), (97, 1), (96, 1)]);
}

#[test]
fn f20_a_connection_that_goes_down_makes_its_books_stale_until_they_follow_again() {
    let mut rig = Rig::plain();
    rig.live(100);
    let down = |cause| {
        let mut payload = ConnectionStatus::zeroed();
        payload.cause = fixed_text(cause).unwrap();
        payload
    };
    let header = rig.head(builtin::STATUS_CONNECTION, Source::Connection, InstrumentId::NONE);
    rig.made(header, &down("ended"), &[]);
    assert_eq!(rig.quality(), Quality::Good, "a capture read to its end takes no book with it");
    rig.clear();
    rig.made(header, &down("reset"), &[]);
    assert_eq!(rig.told(), ["ConnectionStatus None", "Quality ConnectionDown Good>Stale"]);
    assert_eq!(rig.stage.state(BTC), Some(SyncState::Stale));
    rig.clear();
    rig.diff(100, 101, &[], &[]);
    assert_eq!(rig.told(), ["Quality CoveringDiff Stale>Good", "delta 101 Good", "fused 101 Good"]);
    rig.stage.mark_stale(BTC);
    rig.drain();
    rig.clear();
    rig.diff(105, 106, &[], &[]);
    assert_eq!(rig.told(), ["GapOpen MissingDiff Stale>Gap"]);
}

#[test]
fn f36_a_halted_instrument_says_so_and_asks_for_nothing() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.stage.set_halted(BTC, true);
    rig.diff(105, 106, &[], &[]);
    rig.later(60_000 * MS);
    assert_eq!(rig.told(), ["Quality VenueStatus Good>Halted", "GapOpen MissingDiff Halted>Halted"]);
    assert_eq!(rig.asks(), 0);
    rig.stage.set_halted(BTC, false);
    rig.drain();
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Gap));
}

#[test]
fn f37_a_retired_instrument_is_delisted_for_good() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.stage.retire(BTC);
    rig.drain();
    rig.diff(100, 101, &[], &[]);
    rig.snapshot(200, &[(49, 1)], &[(60, 1)]);
    rig.later(60_000 * MS);
    assert_eq!(rig.told(), ["Quality VenueStatus Good>Delisted"]);
    assert_eq!((rig.stage.state(BTC), rig.asks()), (Some(SyncState::Retired), 0));
}

#[test]
fn whole_books_on_request_and_on_cadence_carry_the_seq_a_late_joiner_goes_on_from() {
    let options = ConductorOptions { book_interval_ns: 1_000 * MS, ..ConductorOptions::default() };
    let mut rig = Rig::new(options);
    rig.stage.request_book(BTC);
    rig.drain();
    assert!(rig.told().is_empty(), "none without a book");
    rig.live(100);
    rig.diff(100, 101, &[], &[(101, 0)]);
    rig.clear();
    rig.stage.request_book(BTC);
    assert!(!rig.stage.ready(1, 10), "asked-for work comes before the next input");
    rig.drain();
    assert_eq!(rig.told(), ["book 101 Good"]);
    rig.later(1_000 * MS);
    rig.later(1_000 * MS);
    assert_eq!(rig.told().len(), 3);
    let publisher = rig.stage.publisher();
    let record = publisher.books.last().unwrap().clone();
    let event = EventRef::from_words(&record).unwrap();
    let book = event.payload::<Book>().unwrap();
    let (bids, asks) = event.levels();
    assert_eq!((book.update_id, book.delta_seq, bids.len(), asks.len()), (101, 2, 10, 9));
    assert_eq!((bids[0].price, bids[9].price, asks[0].price), (99, 90, 102), "best first");
    assert_eq!((book.flags, book.known_bid, book.known_ask), (3, 90, 110));
    let reference = EventRef::from_words(publisher.events.last().unwrap()).unwrap();
    assert_eq!(reference.payload::<BookReference>().unwrap().delta_seq, 2);
}

#[test]
fn held_diffs_are_released_only_as_far_as_there_is_room_and_inputs_wait_behind_them() {
    let mut rig = Rig::plain();
    for last in 11..=40 {
        rig.diff(last - 1, last, &[], &[]);
    }
    rig.stage.publisher().room = Some(16);
    rig.snapshot(10, &[(49, 1)], &[(60, 1)]);
    assert!(!rig.stage.ready(1, 10));
    let mut rounds = 0;
    while !rig.stage.ready(1, 10) {
        // Room for a single released diff at a time.
        rig.stage.publisher().room = Some(7);
        rig.stage.work();
        rounds += 1;
        assert!(rounds < 100, "work goes on whenever there is room");
    }
    let told = rig.told();
    let deltas = told.iter().filter(|t| t.starts_with("delta")).count();
    assert_eq!((deltas, rig.stage.report(BTC).unwrap().update_id), (30, Some(40)));
    assert!(rounds > 10);
}

#[test]
fn an_input_taken_against_the_protocol_still_comes_in_its_turn() {
    let mut rig = Rig::plain();
    for last in 11..=20 {
        rig.diff(last - 1, last, &[], &[]);
    }
    // Enough for the snapshot, too little to release a diff behind it.
    rig.stage.publisher().room = Some(7);
    rig.snapshot(10, &[(49, 1)], &[(60, 1)]);
    rig.stage.publisher().room = None;
    let header = rig.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, BTC);
    let mut buf = crate::schema::event::EventBuf::default();
    buf.begin(&header, &Depth { previous_id: 20, last_id: 21, ..Depth::zeroed() });
    rig.stage.take_event(buf.read());
    buf.begin(&header, &crate::schema::payload::Lost::zeroed());
    rig.stage.take_event(buf.read());
    rig.drain();
    let told = rig.told();
    assert_eq!(told.last().unwrap(), "GapOpen LostFrame Good>Gap", "{told:?}");
    assert_eq!(rig.stage.report(BTC).unwrap().update_id, Some(21));
}

#[test]
fn states_conflate_before_they_get_a_seq_and_go_out_before_a_status() {
    let throttle = vec![(builtin::ANALYTICS_FUSED, 100 * MS), (builtin::ORDERBOOK_DELTA, 100 * MS)];
    let mut rig = Rig::new(ConductorOptions { throttle, ..ConductorOptions::default() });
    rig.live(100);
    for last in 101..=103 {
        rig.diff(last - 1, last, &[], &[]);
    }
    assert_eq!(rig.told(), ["delta 101 Good", "delta 102 Good", "delta 103 Good"], "deltas never conflate");
    rig.diff(105, 106, &[], &[]);
    assert_eq!(rig.told()[3..], ["fused 103 Good", "GapOpen MissingDiff Good>Gap"]);
    let words = rig.stage.publisher().events[3].clone();
    let header = *EventRef::from_words(&words).unwrap().header();
    assert_eq!((header.conflated, header.seq, header.flags & 4), (3, 2, 4));
    assert_eq!(rig.count(Counter::Conflated), 2);
}

#[test]
fn what_the_throttle_holds_goes_out_at_the_end() {
    let mut rig =
        Rig::new(ConductorOptions { throttle: vec![(builtin::TICKER_BOOK, 100 * MS)], ..ConductorOptions::default() });
    for id in 1..=4 {
        rig.ticker(id, (1, 1), (2, 1));
    }
    assert_eq!(rig.told(), ["ticker 1"]);
    rig.stage.finish();
    assert_eq!(rig.told(), ["ticker 1", "ticker 4"]);
}

#[test]
fn other_events_pass_as_they_are_and_trades_reach_the_analytics() {
    let mut rig = Rig::plain();
    rig.live(100);
    let mut trade = Trade::zeroed();
    trade.set_price(crate::schema::decimal::Decimal::new(995, 1));
    trade.set_quantity(crate::schema::decimal::Decimal::new(2, 0));
    let mut header = rig.head(builtin::TRADE, Source::WsTrade, BTC);
    header.venue_id = 77;
    rig.made(header, &trade, &[]);
    let custom = rig.head(TypeId(70), Source::WsDepth, BTC);
    rig.made(custom, &Depth { previous_id: 5, last_id: 900, ..Depth::zeroed() }, &[]);
    rig.diff(100, 101, &[], &[]);
    assert_eq!(rig.told(), ["Trade None", "delta -1 None", "delta 101 Good", "fused 101 Good"]);
    let words = rig.stage.publisher().events[3].clone();
    let event = EventRef::from_words(&words).unwrap();
    let fused = event.payload::<crate::schema::payload::Fused>().unwrap();
    assert_eq!((fused.last_trade_id, fused.last_price().unwrap().to_string()), (77, "99.5".to_owned()));
    let header = event.header();
    assert_eq!((header.latency_ns, header.trace, header.venue_id, header.epoch), (5, [1, 7], 101, 1));
}

#[test]
fn a_polls_repeat_of_a_streamed_event_is_dropped() {
    let mut rig = Rig::plain();
    rig.ticker(10, (1, 1), (2, 1));
    let mut header = rig.head(builtin::TICKER_BOOK, Source::RestPoll, BTC);
    for (id, told) in [(10, 1), (11, 2)] {
        header.venue_id = id;
        rig.made(header, &BookTicker::zeroed(), &[]);
        assert_eq!(rig.told().len(), told);
    }
    assert_eq!(rig.count(Counter::PollDuplicate), 1);
}

#[test]
fn instruments_do_not_touch_each_other() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(105, 106, &[], &[]);
    let mut header = rig.head(builtin::ORDERBOOK_SNAPSHOT, Source::RestDepth, InstrumentId(9));
    header.venue_id = 1;
    rig.made(header, &DepthLevels(Depth { last_id: 1, ..Depth::zeroed() }), &[]);
    assert_eq!(rig.quality(), Quality::Gap);
    assert_eq!(rig.stage.quality(InstrumentId(9)), Some(Quality::Syncing));
    let counts = rig.stage.qualities();
    assert_eq!((counts.total(), counts.of(Quality::Gap), counts.of(Quality::Syncing)), (2, 1, 1));
    assert_eq!(rig.stage.reports().len(), 2);
}
