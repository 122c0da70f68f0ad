//! Snapshots that are late, old, cut, refused or too many (faults.md F02, F12–F16, F34), and a venue that counts anew (F06).

use std::time::Duration;

use meltica::conductor::ConductorOptions;
use meltica::schema::quality::Quality;
use meltica::sim::faults::Fault;
use meltica::sim::spec::default_symbols;
use meltica::sim::venue::{RestFault, VenueFault};
use meltica::telemetry::Counter;

use crate::rig::{Rig, options_for, venue};

#[test]
fn old_cut_and_absent_snapshots_are_asked_for_again_and_only_their_book_waits() {
    // What befalls the snapshots of one symbol; what is counted.
    let table = [
        (Fault::StaleSnapshot { ids_back: 1_000 }, Counter::SnapshotsUnused),
        (Fault::TruncatedSnapshot, Counter::RestBadBodies),
        (Fault::UnansweredSnapshot, Counter::RestUnanswered),
    ];
    for (fault, counter) in table {
        let venue = venue(|_| {});
        let symbols = vec!["BTCUSDT".to_owned()];
        venue.inject(VenueFault::Frames { fault: fault.clone(), symbols, count: 2 });
        // The venue takes it up within a few milliseconds.
        std::thread::sleep(Duration::from_millis(50));
        let mut rig = Rig::over(&venue, |options| options.times.rest = Duration::from_millis(700));
        rig.until("it is counted", |rig| rig.count(counter) > 0);
        rig.until_good(4);
        let id = rig.id("BTCUSDT");
        let first_good = |of| rig.statuses.iter().position(|t| t.instrument == of && t.to == Quality::Good);
        let others = rig.quality.keys().filter(|of| **of != id);
        assert!(others.clone().all(|of| first_good(*of).is_some()), "{fault:?}");
        assert_eq!(venue.journal().entries().iter().filter(|i| i.fault == fault).count(), 2, "{fault:?}");
        assert!(!venue.stats().exceeded.any());
    }
}

#[test]
fn f02_a_burst_of_gaps_on_all_books_is_healed_within_four_fifths_of_the_weight() {
    let venue = venue(|options| {
        options.exchange.symbols = default_symbols(20);
        options.frames_per_second = Some(400);
        options.limits.weight_max = 1_000;
    });
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(20);
    for _ in 0..2 {
        let gaps = rig.count(Counter::GapsOpened);
        venue.inject(VenueFault::Frames { fault: Fault::Drop, symbols: Vec::new(), count: 3 });
        rig.until("gaps", |rig| rig.count(Counter::GapsOpened) >= gaps + 10);
        rig.until("all healed", |rig| {
            let view = rig.board.view().rest.unwrap();
            assert!(view.weight_used <= 800 && view.weight_max == 800, "{view:?}");
            rig.quality.values().all(|q| *q == Quality::Good)
        });
    }
    rig.until_good(20);
    let stats = venue.stats();
    assert_eq!((stats.exceeded.weight, stats.exceeded.patience, rig.count(Counter::RestLimited)), (0, 0, 0));
}

#[test]
fn a_start_with_more_books_than_the_minute_has_weight_for_deep_ones_needs_no_second_minute() {
    // 150 books of 1,000 levels would take 7,500 of 4,800.
    let venue = venue(|options| {
        options.exchange.symbols = default_symbols(150);
        options.frames_per_second = Some(1_500);
    });
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_within(Duration::from_secs(50), "all books Good within the first minute's weight", |rig| {
        let good = rig.quality.values().filter(|quality| **quality == Quality::Good).count();
        good == 150
    });
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn f34_what_others_on_the_address_use_is_left_to_them_and_a_missing_header_changes_nothing() {
    let lasts = Duration::from_secs(600);
    let bad = |how| VenueFault::BadRest { how, lasts, routes: Vec::new() };
    let none = venue(|_| {});
    none.inject(bad(RestFault::NoWeight));
    std::thread::sleep(Duration::from_millis(50));
    Rig::over(&none, |_| {}).until_good(4);

    let foreign = venue(|_| {});
    foreign.inject(bad(RestFault::ForeignWeight));
    std::thread::sleep(Duration::from_millis(50));
    let mut rig = Rig::over(&foreign, |_| {});
    rig.until("snapshots wait", |rig| rig.board.view().rest.is_some_and(|view| view.snapshots_waiting == 4));
    let before = foreign.stats().requests;
    rig.run_for(Duration::from_secs(1));
    assert_eq!(foreign.stats().requests, before, "the minute belongs to somebody else");
    let view = rig.board.view().rest.unwrap();
    assert!(view.weight_used >= 5_900 && view.frees_in_ms > 20_000, "{view:?}");
}

/// Two venues at one address, one after the other: the second one's ids of the silent symbol are lower.
#[test]
fn f06_a_silent_book_comes_back_from_a_venue_that_was_restarted_with_lower_ids() {
    let silent = |seed: u64, listen: Option<std::net::SocketAddr>| {
        venue(|options| {
            options.exchange.symbols.truncate(2);
            options.exchange.symbols[1].activity_permille = 0;
            options.exchange.seed = seed;
            if let Some(address) = listen {
                options.listen = address;
            }
        })
    };
    let id_of = |venue: &meltica::sim::venue::Venue| {
        let symbol = &default_symbols(2)[1].symbol;
        let oracle = venue.oracle();
        oracle.newest_id(symbol).unwrap()
    };
    let mut first = silent(1, None);
    let (address, high) = (first.address(), id_of(&first));
    let lower = (2..100).find(|seed| id_of(&silent(*seed, None)) < high).unwrap();

    let conductor = ConductorOptions { first_diff_timeout_ns: 500_000_000, ..ConductorOptions::default() };
    let mut rig = Rig::conducted(&options_for(&first), conductor, &first);
    let name = default_symbols(2)[1].symbol.clone();
    rig.until("both Good", |rig| rig.quality.len() == 2 && rig.quality.values().all(|q| *q == Quality::Good));
    first.stop();
    rig.until("the connection ends", |rig| rig.changes().iter().any(|(up, _)| !up));
    let second = silent(lower, Some(address));
    rig.change_oracle(second.oracle());
    let id = rig.id(&name);
    rig.until("its ids are known to have gone back", |rig| {
        rig.statuses.iter().any(|t| t.instrument == id && t.cause == "IdsWentBack")
    });
    rig.until("Good again", |rig| rig.quality.values().all(|q| *q == Quality::Good));
    let report = rig.finish();
    let book = report.books.iter().find(|book| book.instrument == id).unwrap();
    assert_eq!((book.quality, book.update_id), (Quality::Good, Some(id_of(&second) as i64)));
    assert!(book.epoch >= 3, "{}", book.epoch);
}
