//! What the venue says of its instruments while the feed runs (faults.md F36–F38): told in sequence, and nobody else's books
//! are touched.

use std::time::Duration;

use meltica::schema::quality::Quality;
use meltica::sim::spec::Status;
use meltica::sim::venue::{VenueFault, VenueStats, Whom};
use meltica::telemetry::Counter;

use crate::rig::{Rig, venue};

const SYMBOL: &str = "BTCUSDT";

fn streams_of(stats: &VenueStats, symbol: &str) -> usize {
    let lower = symbol.to_lowercase();
    stats.sessions.iter().flat_map(|s| &s.streams).filter(|name| name.starts_with(&lower)).count()
}

/// Whether anything but what is asked for happened to the books of others.
fn bystanders_are_well(rig: &Rig, of: usize) {
    let id = rig.id(SYMBOL);
    let others = rig.statuses[of..].iter().filter(|told| told.instrument != id);
    assert_eq!(others.count(), 0, "{:?}", &rig.statuses[of..]);
}

#[test]
fn f36_a_halted_instrument_says_so_asks_for_nothing_and_is_good_again_when_it_trades() {
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |options| options.times.refresh = Duration::from_millis(500));
    rig.until_good(4);
    let id = rig.id(SYMBOL);
    for status in Status::ALL.into_iter().filter(|status| *status != Status::Trading) {
        let (before, asked) = (rig.statuses.len(), rig.count(Counter::SnapshotsRequested));
        let one = |becomes| VenueFault::Status { symbols: vec![SYMBOL.to_owned()], becomes, lasts: None };
        venue.inject(one(status));
        rig.until("halted", |rig| rig.quality[&id] == Quality::Halted);
        rig.run_for(Duration::from_millis(300));
        assert_eq!(rig.count(Counter::SnapshotsRequested), asked, "{status:?}: silence is no reason to ask");
        assert!(streams_of(&venue.stats(), SYMBOL) > 0, "its streams stay");
        venue.inject(one(Status::Trading));
        rig.until_good(4);
        let causes: Vec<_> = rig.statuses[before..].iter().map(|t| (t.change, t.cause, t.to)).collect();
        assert_eq!(causes[0], ("Quality", "VenueStatus", Quality::Halted), "{status:?}");
        assert_eq!(causes[1].1, "VenueStatus", "{status:?}: {causes:?}");
        bystanders_are_well(&rig, before);
    }
    assert!(!venue.stats().exceeded.any());
}

#[test]
fn f37_a_delisted_instrument_ends_its_streams_go_and_a_relisting_is_a_new_epoch() {
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |options| options.times.refresh = Duration::from_millis(500));
    rig.until_good(4);
    let (id, before) = (rig.id(SYMBOL), rig.statuses.len());
    let epoch = rig.statuses.iter().filter(|t| t.instrument == id).map(|t| t.epoch).max().unwrap();
    venue.inject(VenueFault::Delist { symbols: vec![SYMBOL.to_owned()], lasts: Some(Duration::from_secs(4)) });
    rig.until("delisted", |rig| rig.quality[&id] == Quality::Delisted);
    rig.until("its streams are gone", |_| streams_of(&venue.stats(), SYMBOL) == 0);
    assert!(rig.notes.iter().any(|n| n.contains("BTCUSDT is listed no more")), "{:?}", rig.notes);
    assert_eq!(rig.board.view().instruments, 3);
    rig.until("listed again", |rig| rig.quality[&id] != Quality::Delisted);
    rig.until_good(4);
    let own: Vec<_> = rig.statuses[before..].iter().filter(|t| t.instrument == id).collect();
    assert_eq!((own[0].change, own[0].to, own[0].epoch), ("Quality", Quality::Delisted, epoch));
    assert_eq!((own[1].change, own[1].cause, own[1].epoch), ("Reset", "VenueStatus", epoch + 1), "{own:?}");
    assert!(own.last().unwrap().epoch > epoch + 1, "{own:?}");
    bystanders_are_well(&rig, before);
}

#[test]
fn f37_a_symbol_that_the_venue_does_not_know_is_delisted_though_no_list_said_so() {
    let venue = venue(|_| {});
    // The list is fetched once: only the refusal of a snapshot can tell.
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(4);
    let id = rig.id(SYMBOL);
    venue.inject(VenueFault::Delist { symbols: vec![SYMBOL.to_owned()], lasts: None });
    venue.inject(VenueFault::Cut { whom: Whom::default() });
    rig.until("delisted", |rig| rig.quality[&id] == Quality::Delisted);
    rig.until("the others come back", |rig| {
        rig.quality.iter().all(|(of, quality)| *of == id || *quality == Quality::Good)
    });
    rig.until("its streams are gone", |_| streams_of(&venue.stats(), SYMBOL) == 0);
    assert!(rig.count(Counter::RestRefused) > 0);
    let last = rig.statuses.iter().rfind(|t| t.instrument == id).unwrap();
    assert_eq!((last.change, last.cause), ("Quality", "VenueStatus"));
}

#[test]
fn f38_an_instrument_that_is_listed_later_is_admitted_without_touching_others() {
    let venue = venue(|_| {});
    venue.inject(VenueFault::Delist { symbols: vec!["ETHUSDT".to_owned()], lasts: Some(Duration::from_secs(6)) });
    // The venue takes it up within a few milliseconds.
    std::thread::sleep(Duration::from_millis(50));
    let mut rig = Rig::over(&venue, |options| options.times.refresh = Duration::from_millis(500));
    rig.until_good(3);
    let before = rig.statuses.len();
    rig.until_good(4);
    let id = rig.id("ETHUSDT");
    let own: Vec<_> = rig.statuses[before..].iter().map(|told| told.instrument).collect();
    assert!(!own.is_empty() && own.iter().all(|of| *of == id), "{:?}", &rig.statuses[before..]);
}
