//! Everything goes wrong that can, several things at once: what is Good is true all the while, and when the trouble is over
//! every book is Good and equals what REST says of it.

use std::time::Duration;

use meltica::engine::Topology;
use meltica::sim::spec::default_symbols;
use meltica::sim::venue::Script;

use crate::audit::audit;
use crate::script::everything;
use crate::stage::{Scale, Stage, lively};

/// Connection faults come one a second or so: all of them want some time.
const SECONDS_MIN: u64 = 12;
/// The trouble begins when the books have had time to begin.
const CALM_MS: u64 = 2_000;

fn under_every_fault(topology: Topology, seed: u64) {
    let scale = Scale::read();
    let scale = Scale { seconds: scale.seconds.max(SECONDS_MIN), seed: scale.seed + seed, ..scale };
    let text =
        everything(scale.seed, CALM_MS, CALM_MS + scale.seconds * 1_000, &lively(&default_symbols(scale.symbols)));
    let script = Script::parse(&text).unwrap();
    let mut stage = Stage::open(
        scale,
        topology,
        |venue| venue.script = script,
        |source| {
            source.connections = 3;
            source.times.rest = Duration::from_secs(1);
        },
    );
    stage.pass(scale.span() + Duration::from_millis(CALM_MS + 3_000));
    stage.rig.until_good(scale.symbols);
    audit(&mut stage);
    stage.must_be_subscribed_once();
    let (rig, struck) = (&stage.rig, stage.venue.journal().entries());
    assert!(rig.manners.downs >= 10 && rig.checker.gaps >= 10, "{} lost, {} gaps", rig.manners.downs, rig.checker.gaps);
    assert!(struck.len() > 50, "{} faults struck", struck.len());
    stage.report(&format!("{}, everything goes wrong", topology.name()));
    println!("{} faults of diffs and snapshots struck", struck.len());
    stage.rig.finish();
}

#[test]
fn under_every_fault_nothing_good_is_wrong_and_all_books_come_back_stepped() {
    under_every_fault(Topology::Stepped, 0);
}

#[test]
fn under_every_fault_nothing_good_is_wrong_and_all_books_come_back_on_threads() {
    under_every_fault(Topology::Lean, 100);
}
