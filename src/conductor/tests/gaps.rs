//! Purpose: diffs that are old, missing, late, lost, too fine, or of ids that went back, each a short story and what is told.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Rig};
use crate::conductor::{ConductorOptions, SyncState};
use crate::schema::event::EventRef;
use crate::schema::payload::{BookStatus, Depth};
use crate::schema::quality::Quality;
use crate::schema::raw::Level;
use crate::telemetry::Counter;

fn status(rig: &mut Rig, at: usize) -> BookStatus {
    let words = rig.stage.publisher().events[at].clone();
    *EventRef::from_words(&words).unwrap().payload::<BookStatus>().unwrap()
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
fn f06_tickers_of_the_old_ids_are_no_reference_for_the_new_ones() {
    let mut rig = Rig::plain();
    rig.ticker(1, (1, 1), (2, 1));
    rig.live(50_000_000_000);
    for last in 11..=13 {
        rig.diff(last - 1, last, &[], &[]);
    }
    rig.snapshot(12, &[(49, 1)], &[(60, 1)]);
    rig.ticker(20, (49, 1), (60, 1));
    let report = rig.stage.report(BTC).unwrap();
    assert_eq!((report.quality, report.agree, report.disagree), (Quality::Good, 0, 0), "ticker 1 was of another life");
    assert_eq!(report.no_reference, 1);
}
