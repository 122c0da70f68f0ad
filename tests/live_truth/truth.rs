//! A venue without faults: every Good book is true, none is ever anything else, and nothing is asked for twice.

use meltica::engine::Topology;
use meltica::schema::quality::Quality;

use crate::stage::{Scale, Stage};

fn every_good_book_is_true(topology: Topology) {
    let scale = Scale::read();
    let mut stage = Stage::open(scale, topology, |_| {}, |_| {});
    stage.rig.until_good(scale.symbols);
    stage.pass(scale.span());
    stage.must_be_subscribed_once();
    let rig = &stage.rig;
    assert_eq!(rig.checker.books(), scale.symbols);
    if rig.manners.downs == 0 {
        assert_eq!((rig.checker.gaps, rig.checker.resets), (0, scale.symbols as u64), "{:?}", rig.notes);
        assert!(rig.quality.values().all(|quality| *quality == Quality::Good), "{:?}", rig.quality);
    }
    assert!(rig.checker.wholes > scale.symbols as u64 * (scale.seconds - 1) / 2, "{} whole books", rig.checker.wholes);
    if topology == Topology::Stepped {
        assert_eq!(rig.checker.unseen, 0);
    }
    stage.report(topology.name());
    stage.rig.finish();
}

#[test]
fn every_good_book_is_true_stepped() {
    every_good_book_is_true(Topology::Stepped);
}

#[test]
fn every_good_book_is_true_on_threads() {
    every_good_book_is_true(Topology::Lean);
}
