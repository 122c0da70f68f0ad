//! The lives of connections: renewed in time, told to go, lost together, silent; and books that are silent themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use meltica::engine::Topology;
use meltica::schema::id::Market;
use meltica::schema::quality::Quality;
use meltica::sim::spec::default_symbols;
use meltica::sim::venue::{VenueFault, Whom};
use meltica::telemetry::Counter;

use crate::stage::{Scale, Stage};

const SECOND: Duration = Duration::from_secs(1);

/// No trade of any instrument is lost or doubled.
fn trades_must_be_whole(stage: &Stage) {
    for ids in stage.rig.trades.values() {
        let hole = ids.windows(2).find(|pair| pair[1] != pair[0] + 1);
        assert_eq!(hole, None, "a trade lost or doubled");
    }
}

#[test]
fn f24_old_age_is_renewed_before_the_venue_cuts_without_a_gap_or_a_snapshot() {
    let scale = Scale::read();
    let mut stage = Stage::open(
        scale,
        Topology::Lean,
        |venue| venue.limits.max_age = 30 * SECOND,
        |source| {
            source.times.age = 2 * SECOND;
            source.times.stall = 20 * SECOND;
        },
    );
    stage.rig.until_good(scale.symbols);
    let asked = stage.rig.engine.ledger().total(Counter::SnapshotsRequested);
    stage.rig.until("three renewals", |rig| rig.manners.downs >= 3);
    stage.pass(SECOND);
    let changes = stage.rig.changes();
    assert!(changes.iter().all(|(up, cause)| *up || cause == "ended: replaced"), "{changes:?}");
    assert_eq!((stage.rig.checker.gaps, stage.rig.checker.resets), (0, scale.symbols as u64));
    assert_eq!(stage.rig.engine.ledger().total(Counter::SnapshotsRequested), asked);
    assert!(stage.rig.quality.values().all(|quality| *quality == Quality::Good));
    trades_must_be_whole(&stage);
    stage.report("renewed three times");
    stage.rig.finish();
}

#[test]
fn f25_an_announced_shutdown_costs_no_gap_with_notice_and_is_survived_without() {
    let scale = Scale::read();
    let mut stage = Stage::open(
        scale,
        Topology::Lean,
        |_| {},
        |source| (source.connections, source.times.stall) = (2, 20 * SECOND),
    );
    stage.rig.until_good(scale.symbols);
    for lead in [5 * SECOND, SECOND, Duration::ZERO] {
        let (before, gaps) = (stage.rig.changes().len(), stage.rig.checker.gaps);
        stage.venue.inject(VenueFault::Shutdown { lead });
        stage.rig.until("both connections are replaced", |rig| {
            rig.changes()[before..].iter().filter(|(up, _)| !up).count() >= 2
        });
        stage.rig.until_good(scale.symbols);
        let causes: Vec<_> = stage.rig.changes().split_off(before).into_iter().filter(|(up, _)| !up).collect();
        if causes.iter().all(|(_, cause)| cause == "ended: replaced") {
            assert_eq!(stage.rig.checker.gaps, gaps, "{lead:?}: {causes:?}");
            trades_must_be_whole(&stage);
        }
        println!("told to go in {lead:?}: {causes:?}");
        stage.must_be_subscribed_once();
        // What went before counts no more: without notice trades are lost.
        stage.rig.trades.clear();
    }
    stage.report("told to go three times");
    stage.rig.finish();
}

#[test]
fn f26_connections_that_die_together_take_every_book_with_them_and_all_come_back() {
    let scale = Scale::read();
    let mut stage = Stage::open(scale, Topology::Stepped, |_| {}, |source| source.connections = 4);
    stage.rig.until_good(scale.symbols);
    for _ in 0..2 {
        let before = stage.rig.changes().len();
        stage.venue.inject(VenueFault::Cut { whom: Whom::default() });
        // That every book says so before anything else is looked after with each event.
        stage.rig.until("all four are gone", |rig| rig.changes()[before..].iter().filter(|(up, _)| !up).count() >= 4);
        stage.rig.until_good(scale.symbols);
        stage.must_be_subscribed_once();
    }
    stage.report("all died together, twice");
    stage.rig.finish();
}

#[test]
fn f20_a_connection_that_falls_silent_takes_its_own_books_and_no_others() {
    let scale = Scale::read();
    let mut stage = Stage::open(scale, Topology::Stepped, |_| {}, |source| source.connections = 4);
    stage.rig.until_good(scale.symbols);
    let whom = Whom { symbols: vec!["BTCUSDT".to_owned()], one: false };
    let befallen =
        stage.venue.stats().sessions.into_iter().find(|s| s.streams.iter().any(|n| n.starts_with("btcusdt@")));
    let befallen: BTreeSet<String> =
        befallen.unwrap().streams.iter().map(|name| name.split_once('@').unwrap().0.to_uppercase()).collect();
    stage.rig.keep = true;
    stage.venue.inject(VenueFault::Stall { whom, lasts: 4 * SECOND });
    stage.rig.until("the silence is noticed", |rig| rig.manners.downs > 0);
    stage.rig.until_good(scale.symbols);
    assert!(stage.rig.changes().iter().any(|(up, cause)| !up && cause == "stalled"), "{:?}", stage.rig.changes());
    let stale = |symbol: &str| {
        let id = stage.rig.engine.directory().find_symbol(Market::BinanceSpot, symbol).unwrap();
        stage.rig.kept[&id].iter().any(|event| event["payload"]["to"] == "Stale")
    };
    // On a machine that freezes others may be taken for silent too.
    if stage.rig.manners.downs == 1 {
        for spec in default_symbols(scale.symbols) {
            assert_eq!(stale(&spec.symbol), befallen.contains(&spec.symbol), "{}", spec.symbol);
        }
    }
    stage.report("one of four fell silent");
    stage.rig.finish();
}

#[test]
fn f19_a_symbol_that_is_silent_for_ever_becomes_good_and_stays_so() {
    let scale = Scale { symbols: 6, ..Scale::read() };
    let silent = "ETHUSDT";
    let mut stage = Stage::open(
        scale,
        Topology::Stepped,
        |venue| {
            let spec = venue.exchange.symbols.iter_mut().find(|spec| spec.symbol == silent).unwrap();
            spec.activity_permille = 0;
        },
        |source| source.times.stall = 20 * SECOND,
    );
    stage.rig.keep = true;
    stage.rig.until_good(scale.symbols);
    stage.pass(3 * SECOND);
    let id = stage.rig.engine.directory().find_symbol(Market::BinanceSpot, silent).unwrap();
    let told = |stage: &Stage| -> Vec<String> {
        let of_book = stage.rig.kept[&id].iter().filter(|event| event["type"] == "STATUS.BOOK");
        of_book
            .map(|event| format!("{} {}", event["payload"]["cause"], event["payload"]["to"]).replace('"', ""))
            .collect()
    };
    let first = ["FirstSnapshot Syncing", "EqualSnapshot Good"];
    assert_eq!(told(&stage), first);
    // Its connection goes and comes back; nothing was missed, and only a snapshot can tell.
    stage.venue.inject(VenueFault::Cut { whom: Whom::default() });
    stage.rig.until("the connection is lost", |rig| rig.manners.downs > 0);
    stage.rig.until_good(scale.symbols);
    let again = ["ConnectionDown Stale", "EqualSnapshot Good"];
    assert_eq!(told(&stage), [&first[..], &again[..]].concat());
    stage.rig.finish();
}

#[test]
fn f27_pings_are_answered_at_full_data_rate_within_the_budget() {
    let scale = Scale { rate: 3_000, ..Scale::read() };
    let mut stage = Stage::open(
        scale,
        Topology::Lean,
        |venue| venue.limits.ping_every = Duration::from_millis(350),
        |source| source.times.stall = 20 * SECOND,
    );
    stage.rig.until_good(scale.symbols);
    let before = stage.venue.stats();
    stage.rig.until("twelve pings", |_| stage.venue.stats().pings >= before.pings + 12);
    let after = stage.venue.stats();
    assert!(!after.exceeded.any(), "{:?}", after.exceeded);
    // The last one may be under way.
    assert!(after.pongs + 1 >= after.pings, "{} pings, {} answered", after.pings, after.pongs);
    println!("{} pings, {} answered, {} messages", after.pings, after.pongs, after.messages);
    stage.must_be_subscribed_once();
    stage.report("pinged");
    stage.rig.finish();
}
