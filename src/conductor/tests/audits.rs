//! Purpose: good books held against fresh snapshots while they go on, and silent ones whose venue counts anew.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Pairs, Rig};
use super::world::{Diff, World};
use crate::conductor::{ConductorOptions, SyncState};
use crate::schema::id::{ConnectionId, Market};
use crate::schema::payload::Depth;
use crate::schema::quality::Quality;
use crate::schema::raw::Level;
use crate::telemetry::Counter;

const SECOND: i64 = 1_000 * MS;

fn options() -> ConductorOptions {
    ConductorOptions {
        snapshot_levels: 10,
        deepen_after_ns: SECOND,
        refresh_ns: [3_600 * SECOND; 2],
        audit_deadline_ns: 60 * SECOND,
        ..ConductorOptions::default()
    }
}

impl Rig {
    /// A REST snapshot for which `limit` levels were asked.
    fn limited(&mut self, id: i64, limit: u32, bids: Pairs<'_>, asks: Pairs<'_>) {
        let level = |&(price, quantity): &(i64, i64)| Level { price, quantity };
        let depth = Depth {
            first_id: id,
            last_id: id,
            previous_id: id,
            bids: bids.len() as u32,
            asks: asks.len() as u32,
            limit,
            ..Depth::zeroed()
        };
        let all: Vec<Level> = bids.iter().chain(asks).map(level).collect();
        self.snapshot_of(depth, &all, 0);
    }

    /// Lets time pass until a snapshot is asked for in the background.
    fn until_audit(&mut self) {
        let before = self.background.get();
        for _ in 0..10_000 {
            if self.background.get() > before {
                return;
            }
            self.later(SECOND);
        }
        panic!("no audit was begun");
    }

    fn audits(&self) -> [u64; 4] {
        [Counter::AuditsBegun, Counter::AuditsAgreed, Counter::AuditsDisagreed, Counter::AuditsUndecided]
            .map(|counter| self.count(counter))
    }

    fn known(&self) -> (String, String) {
        let report = self.stage.report(BTC).expect("seen");
        let shown = |bound: Option<crate::schema::decimal::Decimal>| bound.map_or("-".to_owned(), |b| b.to_string());
        (shown(report.known_bid), shown(report.known_ask))
    }
}

/// A book seeded with three levels a side, of more.
fn shallow() -> Rig {
    let mut rig = Rig::new(options());
    rig.diff(99, 100, &[], &[]);
    rig.limited(99, 3, &[(99, 1), (98, 1), (97, 1)], &[(101, 1), (102, 1), (103, 1)]);
    assert_eq!(rig.quality(), Quality::Good);
    rig.clear();
    rig
}

const DEEP_BIDS: [(i64, i64); 5] = [(99, 1), (98, 2), (97, 1), (95, 5), (90, 9)];
const DEEP_ASKS: [(i64, i64); 5] = [(101, 1), (102, 1), (103, 1), (105, 5), (110, 9)];

#[test]
fn a_shallow_book_is_deepened_soon_without_stopping_its_stream() {
    let mut rig = shallow();
    rig.until_audit();
    rig.diff(100, 101, &[(98, 2), (94, 4)], &[]);
    // The body is of 101; another diff has come before it.
    rig.diff(101, 102, &[(95, 6)], &[(110, 0)]);
    rig.clear();
    rig.limited(101, 10, &DEEP_BIDS, &DEEP_ASKS);
    assert_eq!(rig.told(), ["book 102 Good"], "the deeper book is announced, and nothing is reset");
    // 94 came in a diff before the body was made, which does not have it: a ghost.
    assert_eq!(rig.book().0, [(99, 1), (98, 2), (97, 1), (95, 6), (90, 9)]);
    assert_eq!(rig.book().1, [(101, 1), (102, 1), (103, 1), (105, 5)]);
    assert_eq!(rig.known(), ("90".to_owned(), "105".to_owned()), "as far as a level says");
    assert_eq!((rig.audits(), rig.asks()), ([1, 1, 0, 0], 0));
    assert_eq!(rig.stage.report(BTC).unwrap().epoch, 1);
    let before = rig.background.get();
    rig.later(2_000 * SECOND);
    assert_eq!(rig.background.get(), before, "deep enough: the next one is a matter of the interval");
    rig.until_audit();
}

#[test]
fn a_snapshot_that_is_ahead_waits_for_the_diffs_that_lead_up_to_it() {
    let mut rig = shallow();
    rig.until_audit();
    rig.limited(103, 10, &DEEP_BIDS, &DEEP_ASKS);
    assert_eq!((rig.audits(), rig.told().len()), ([1, 0, 0, 0], 0));
    rig.diff(100, 102, &[(98, 2)], &[]);
    assert_eq!(rig.audits(), [1, 0, 0, 0], "not there yet");
    // One that leads past the snapshot.
    rig.diff(102, 104, &[(99, 4)], &[]);
    assert_eq!(rig.audits(), [1, 1, 0, 0]);
    assert_eq!(rig.book().0, [(99, 4), (98, 2), (97, 1), (95, 5), (90, 9)]);
    assert_eq!(rig.told().last().unwrap(), "book 104 Good");
}

#[test]
fn a_book_that_has_all_there_is_is_not_deepened() {
    let mut rig = Rig::new(ConductorOptions { refresh_ns: [0; 2], ..options() });
    rig.diff(99, 100, &[], &[]);
    rig.limited(99, 5, &[(99, 1)], &[(101, 1)]);
    rig.later(100_000 * SECOND);
    assert_eq!(rig.background.get(), 0, "fewer levels than were asked for are all");
    let mut rig = shallow();
    rig.stage.set_venue_state(BTC, crate::schema::instrument::VenueState::Halted);
    rig.later(100 * SECOND);
    assert_eq!(rig.background.get(), 0, "nor one that is not good");
}

#[test]
fn two_mismatches_in_a_row_cost_a_book_its_trust_and_one_does_not() {
    let mut rig = shallow();
    let wrong = [(99, 1), (98, 7), (97, 1)];
    rig.until_audit();
    rig.limited(100, 10, &wrong, &DEEP_ASKS);
    assert_eq!((rig.audits(), rig.quality()), ([1, 0, 1, 0], Quality::Good));
    rig.until_audit();
    rig.limited(100, 10, &[(99, 1), (98, 1), (97, 1), (90, 2)], &DEEP_ASKS);
    assert_eq!(
        (rig.audits(), rig.known().0),
        ([2, 1, 1, 0], "90".to_owned()),
        "the next one agrees: as if nothing was"
    );
    rig.clear();
    for _ in 0..2 {
        rig.until_audit();
        rig.limited(100, 10, &wrong, &DEEP_ASKS);
    }
    assert_eq!(rig.told(), ["Quality AuditFailed Good>Syncing"]);
    assert_eq!((rig.audits(), rig.asks()), ([4, 1, 3, 0], 1));
    // And a snapshot makes a new book of it.
    rig.diff(100, 101, &[], &[]);
    rig.snapshot(100, &wrong, &DEEP_ASKS);
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn an_audit_that_nothing_decides_ends() {
    // An older body, as from a cache.
    let mut rig = shallow();
    rig.diff(100, 105, &[], &[]);
    rig.until_audit();
    rig.limited(104, 10, &DEEP_BIDS, &DEEP_ASKS);
    assert_eq!((rig.audits(), rig.count(Counter::SnapshotsUnused)), ([1, 0, 0, 1], 1));
    // None at all.
    rig.until_audit();
    rig.later(59 * SECOND);
    assert_eq!(rig.audits(), [2, 0, 0, 1]);
    rig.later(SECOND);
    assert_eq!(rig.audits(), [2, 0, 0, 2]);
    // Of a book that began anew meanwhile.
    rig.until_audit();
    rig.diff(200, 201, &[], &[]);
    rig.later(SECOND);
    rig.limited(200, 10, &DEEP_BIDS, &DEEP_ASKS);
    assert_eq!((rig.quality(), rig.stage.report(BTC).unwrap().epoch), (Quality::Good, 2));
    rig.diff(201, 202, &[], &[]);
    assert_eq!(rig.audits()[1..3], [0, 0]);
    assert_eq!(rig.book().0, DEEP_BIDS);
}

#[test]
fn where_no_interval_is_set_nothing_is_asked_for() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.later(100_000 * SECOND);
    assert_eq!(rig.background.get(), 0);
}

/// Whatever id a body has, ahead or behind, and however often: what is known is the truth, and no less is known than before.
#[test]
fn audits_at_random_leave_a_book_true_and_never_shallower() {
    for seed in 0..60 {
        let mut world = World::new(seed);
        let mut rig = Rig::new(options());
        let first = world.id();
        world.tick();
        let (bids, asks) = world.body(first, 3);
        let Diff { previous, last, bids: b, asks: a } = world.diff(first, world.id());
        rig.diff(previous, last, &b, &a);
        rig.limited(first, 3, &bids, &asks);
        let mut applied = last;
        for _ in 0..60 {
            // The venue is ahead of what has come by up to three ids.
            for _ in 0..world.dice.below(4) {
                world.tick();
            }
            if world.dice.chance(40) {
                rig.later(2 * SECOND);
            }
            if world.dice.chance(40) {
                let behind = world.dice.below(5) as usize;
                let id = world.ids[world.ids.len().saturating_sub(1 + behind)];
                let limit = 3 + world.dice.below(8) as usize;
                let (bids, asks) = world.body(id, limit);
                rig.limited(id, 10, &bids, &asks);
            }
            let next = world.ids.iter().copied().find(|id| *id > applied);
            if let Some(next) = next.filter(|_| world.dice.chance(80)) {
                let Diff { previous, last, bids, asks } = world.diff(applied, next);
                rig.diff(previous, last, &bids, &asks);
                applied = next;
            }
            let report = rig.stage.report(BTC).unwrap();
            if report.quality != Quality::Good {
                continue;
            }
            let truth = &world.history[&report.update_id.unwrap()];
            let bound = |d: Option<crate::schema::decimal::Decimal>| d.map(|d| d.mantissa_at(0).unwrap());
            let (low, high) = (bound(report.known_bid), bound(report.known_ask));
            let (bids, asks) = rig.book();
            let own: Vec<_> = bids.iter().copied().filter(|(p, _)| low.is_none_or(|low| *p >= low)).collect();
            let true_bids = truth.bids.iter().rev().map(|(p, q)| (*p, *q));
            let theirs: Vec<_> = true_bids.filter(|(p, _)| low.is_none_or(|low| *p >= low)).collect();
            assert_eq!(own, theirs, "seed {seed}");
            let own: Vec<_> = asks.iter().copied().filter(|(p, _)| high.is_none_or(|high| *p <= high)).collect();
            let true_asks = truth.asks.iter().map(|(p, q)| (*p, *q));
            let theirs: Vec<_> = true_asks.filter(|(p, _)| high.is_none_or(|high| *p <= high)).collect();
            assert_eq!(own, theirs, "seed {seed}");
        }
        assert_eq!(rig.count(Counter::AuditsDisagreed), 0, "seed {seed}");
    }
}

/// A book whose connection was lost and whose stream is back, silent.
fn silent() -> Rig {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.stage.connection_down(ConnectionId(0));
    rig.drain();
    rig.stage.watch(BTC, Market::BinanceSpot);
    assert_eq!(rig.quality(), Quality::Stale);
    rig.clear();
    rig
}

/// Answers every request with this snapshot until `done`, and gives the seconds that it took.
fn answer_until(rig: &mut Rig, id: i64, done: impl Fn(&Rig) -> bool) -> i64 {
    let (begun, mut answered) = (rig.now, rig.asks());
    while !done(rig) {
        rig.later(50 * MS);
        if rig.asks() > answered {
            answered = rig.asks();
            rig.snapshot(id, &[(49, 1)], &[(60, 1)]);
        }
        assert!(rig.now - begun < 600 * SECOND, "{:?}", rig.told());
    }
    (rig.now - begun) / SECOND
}

#[test]
fn f06_a_silent_book_whose_venue_counts_anew_comes_back_under_a_new_epoch() {
    let mut rig = silent();
    let took = answer_until(&mut rig, 5, |rig| rig.quality() == Quality::Good);
    let told = [
        "Reset IdsWentBack Stale>Syncing",
        "Reset Resynchronised Syncing>Syncing",
        "book 5 Syncing",
        "Quality EqualSnapshot Syncing>Good",
    ];
    assert_eq!(rig.told(), told);
    assert!(took <= 15, "{took} s");
    assert_eq!((rig.book(), rig.stage.report(BTC).unwrap().epoch), ((vec![(49, 1)], vec![(60, 1)]), 3));
    rig.diff(5, 6, &[(49, 2)], &[]);
    assert_eq!((rig.quality(), rig.stage.state(BTC)), (Quality::Good, Some(SyncState::Live)));
    assert!(rig.count(Counter::SnapshotsRepeated) > 0, "an id that comes again is counted");
}

#[test]
fn f12_an_old_body_does_not_make_a_silent_book_count_anew_when_a_true_one_follows() {
    let mut rig = silent();
    let mut answers = 0;
    while answers < 2 {
        rig.later(50 * MS);
        if rig.asks() > answers {
            answers = rig.asks();
            rig.snapshot(95, &[(49, 1)], &[(60, 1)]);
        }
    }
    while rig.asks() < 3 {
        rig.later(50 * MS);
    }
    let bids: Vec<_> = (90..100).rev().map(|p| (p, 1)).collect();
    let asks: Vec<_> = (101..111).map(|p| (p, 1)).collect();
    rig.snapshot(100, &bids, &asks);
    assert_eq!(rig.told(), ["Quality EqualSnapshot Stale>Good"]);
}
