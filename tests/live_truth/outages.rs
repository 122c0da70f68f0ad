//! The venue and the way to it fail whole: connections cut again and again, the venue gone and back, REST refused, storms of
//! 429. All books are Good again within what the budget of weights allows, no limit is passed, no stream lost or doubled.

use std::time::{Duration, Instant};

use meltica::binance::live::LiveOptions;
use meltica::engine::Topology;
use meltica::schema::quality::Quality;
use meltica::sim::venue::{VenueFault, Whom};
use meltica::telemetry::Counter;

use crate::audit::audit;
use crate::stage::{Scale, Stage};

/// What the feed may spend in a minute: 80 in 100 of the venue's 6,000.
const WEIGHT_A_MINUTE: u64 = 4_800;
const CONNECTIONS: usize = 2;
/// The levels of these runs' snapshots, and what each weighs: the books begin anew a dozen times within a minute.
const LEVELS: u32 = 100;
const WEIGHT: u64 = 5;
/// Reconnecting, subscribing, answers on the way, and a machine that is busy with something else.
const SLACK: Duration = Duration::from_secs(30);

/// How long the budget lets all books wait at most for a snapshot each, if all that was ever asked for was spent just now.
fn bound(stage: &Stage) -> Duration {
    let spent = stage.rig.engine.ledger().total(Counter::RestRequests) * WEIGHT;
    let free = WEIGHT_A_MINUTE.saturating_sub(spent);
    let needed = (stage.scale.symbols as u64 * WEIGHT).saturating_sub(free);
    Duration::from_secs(60) * u32::try_from(needed.div_ceil(WEIGHT_A_MINUTE)).unwrap()
}

/// Steps until all connections are back and all books Good, in time; `lasts` is how much longer the trouble does.
fn heal(stage: &mut Stage, what: &str, lasts: Duration) {
    let (bound, begun, books) = (bound(stage) + lasts, Instant::now(), stage.scale.symbols);
    stage.rig.until_within(bound + SLACK, what, |rig| {
        let back = rig.manners.up() == CONNECTIONS && rig.quality.len() == books;
        back && rig.quality.values().all(|quality| *quality == Quality::Good)
    });
    println!("{what}: all {books} books Good after {:?}, the bound is {bound:?} and some slack", begun.elapsed());
    stage.must_be_subscribed_once();
}

fn few_connections(source: &mut LiveOptions) {
    (source.connections, source.depth_limit) = (CONNECTIONS, LEVELS);
}

fn cut() -> VenueFault {
    VenueFault::Cut { whom: Whom::default() }
}

/// Lets it befall and waits until all connections are lost.
fn strike(stage: &mut Stage, fault: VenueFault) {
    let before = stage.rig.manners.downs;
    stage.venue.inject(fault);
    stage.rig.until("all connections are lost", |rig| rig.manners.downs >= before + CONNECTIONS as u64);
}

#[test]
fn after_cuts_outages_refusals_and_storms_all_books_are_good_again_within_the_budget() {
    let scale = Scale::read();
    // Half a minute when there is time for it.
    let lasts = Duration::from_secs(if scale.seconds >= 60 { 30 } else { 2 });
    let mut stage = Stage::open(scale, Topology::Lean, |_| {}, few_connections);
    stage.rig.until_good(scale.symbols);
    for _ in 0..5 {
        let whole = stage.scale.span();
        stage.rig.until_within(whole + SLACK, "all connections are there", |rig| rig.manners.up() == CONNECTIONS);
        strike(&mut stage, cut());
    }
    heal(&mut stage, "cut five times", Duration::ZERO);
    strike(&mut stage, VenueFault::Down { lasts });
    heal(&mut stage, "down", lasts);
    stage.venue.inject(VenueFault::RestFails { status: 503, lasts });
    strike(&mut stage, cut());
    heal(&mut stage, "cut while REST fails", lasts);
    for _ in 0..2 {
        stage.venue.inject(VenueFault::TooManyRequests { lasts: Duration::from_millis(1_500), retry_after: 1 });
        strike(&mut stage, cut());
        heal(&mut stage, "cut while REST wants no request", Duration::from_millis(1_500 + 3_000));
    }
    audit(&mut stage);
    stage.report("outages");
    stage.rig.finish();
}

#[test]
fn a_venue_that_is_killed_and_comes_back_with_other_ids_is_followed_anew() {
    let scale = Scale::read();
    let mut stage = Stage::open(scale, Topology::Stepped, |_| {}, few_connections);
    stage.rig.until_good(scale.symbols);
    // The same market from its beginning: its ids go back. Then another one: other books, under other ids.
    for (what, seed) in [("the same seed", scale.seed), ("another seed", scale.seed + 1), ("and back", scale.seed)] {
        stage.restart(|options| options.exchange.seed = seed);
        heal(&mut stage, what, Duration::ZERO);
        stage.rig.until_good(scale.symbols);
        audit(&mut stage);
    }
    stage.report("killed three times");
    stage.rig.finish();
}
