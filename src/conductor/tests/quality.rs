//! Purpose: books that are crossed, out of range, stale, halted, or compared with levels from elsewhere, each a short story and what is told.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Rig};
use crate::conductor::{ConductorOptions, SyncState};
use crate::schema::canonical_type::builtin;
use crate::schema::id::{InstrumentId, Source};
use crate::schema::payload::{ConnectionStatus, Depth, DepthLevels, fixed_text};
use crate::schema::quality::Quality;
use crate::schema::raw::Level;
use crate::telemetry::Counter;

#[test]
fn f10_a_crossed_book_is_flagged_first_never_repaired_and_given_up_after_three_updates() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(100, 101, &[(101, 1)], &[]);
    assert_eq!(rig.told(), ["Quality Crossed Good>Crossed", "delta 101 Crossed", "fused 101 Crossed"], "locked counts");
    rig.diff(101, 102, &[(101, 0)], &[]);
    let told = ["Quality Uncrossed Crossed>Syncing", "delta 102 Syncing", "fused 102 Syncing"];
    assert_eq!(rig.told()[3..], told, "whether what crossed it is all gone, only a snapshot can say");
    assert_eq!(rig.asks(), 1);
    rig.snapshot(101, &[(99, 1)], &[(101, 1)]);
    rig.diff(101, 102, &[], &[]);
    assert_eq!(rig.quality(), Quality::Good);
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
    type Row = (&'static str, i64, &'static [(i64, i64)], (u64, u64));
    let table: &[Row] = &[
        ("equal", 100, &[(990, 1), (980, 1)], (1, 0)),
        ("another quantity", 100, &[(990, 1), (980, 2)], (0, 1)),
        ("a level too many in the book", 100, &[(990, 1), (970, 1)], (0, 1)),
        ("a level that the book has not", 100, &[(990, 1), (985, 1), (980, 1)], (0, 1)),
        ("levels beyond the known range say nothing", 100, &TEN_AND_A_GHOST, (1, 0)),
        ("an empty side of a book that has one", 100, &[], (0, 1)),
        ("another id", 99, &[(990, 2)], (0, 0)),
    ];
    for (name, id, bids, expected) in table {
        let mut rig = Rig::plain();
        rig.live(100);
        let header = rig.head(builtin::ORDERBOOK_SNAPSHOT, Source::WsDepthPartial, BTC);
        let bid_count = bids.len() as u32;
        let depth = Depth { last_id: *id, bids: bid_count, asks: 1, price_scale: 1, ..Depth::zeroed() };
        let mut levels: Vec<Level> = bids.iter().map(|&(price, quantity)| Level { price, quantity }).collect();
        levels.push(Level { price: 1_010, quantity: 1 });
        rig.made(header, &DepthLevels(depth), &levels);
        assert_eq!(rig.told(), ["DepthLevels None"], "{name}");
        let report = rig.stage.report(BTC).unwrap();
        assert_eq!((report.agree, report.disagree), *expected, "{name}");
    }
}

/// The ten bids of the book, and one below them.
const TEN_AND_A_GHOST: [(i64, i64); 11] =
    [(990, 1), (980, 1), (970, 1), (960, 1), (950, 1), (940, 1), (930, 1), (920, 1), (910, 1), (900, 1), (890, 9)];

#[test]
fn a_top_outside_the_known_range_is_not_vouched_for_until_a_fresh_snapshot() {
    let mut rig = Rig::plain();
    rig.snapshot(10, &[(49, 1), (48, 1)], &[(60, 1)]);
    rig.diff(10, 11, &[(40, 1)], &[]);
    rig.clear();
    rig.diff(11, 12, &[(49, 0), (48, 0)], &[]);
    assert_eq!(rig.told(), ["Quality RangeLeft Good>Syncing", "delta 12 Syncing", "fused 12 Syncing"]);
    assert_eq!(rig.asks(), 1);
    // The venue's best bid is one that the snapshot did not show: no claim, no check.
    rig.ticker(12, (39, 1), (60, 1));
    rig.ticker(13, (45, 1), (60, 1));
    assert_eq!((rig.count(Counter::IntegrityAgree), rig.count(Counter::IntegrityDisagree)), (0, 0));
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
