//! Books, frames, subscriptions on a venue without faults.

use std::io::Write;
use std::time::Duration;

use meltica::binance::live::Endpoint;
use meltica::schema::quality::Quality;
use meltica::sim::venue::{AnswerFault, TlsOptions, VenueFault};
use meltica::telemetry::Counter;

use crate::rig::{Rig, venue};

#[test]
fn every_good_book_is_true_and_no_limit_is_exceeded() {
    let venue = venue(|options| options.limits.ping_every = Duration::from_millis(200));
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(4);
    assert_eq!(rig.checker.books(), 4);
    let wanted: usize =
        rig.board.view().connections.iter().map(|c| c.streams.live + c.streams.silent + c.streams.acknowledged).sum();
    let stats = venue.stats();
    assert_eq!(stats.sessions.len(), 1);
    assert!(wanted > 0 && stats.sessions[0].streams.len() >= wanted, "{wanted} of {:?}", stats.sessions[0].streams);
    assert!(!stats.exceeded.any(), "{:?}", stats.exceeded);
    assert_eq!(rig.changes(), [(true, "started".to_owned())]);
    for ids in rig.trades.values() {
        assert!(ids.windows(2).all(|w| w[1] == w[0] + 1), "trades are all there, once each: {ids:?}");
    }
    assert_eq!(rig.engine.ledger().total(Counter::FramesMalformed), 0);
    let report = rig.finish();
    assert_eq!(report.books.len(), 4);
}

#[test]
fn streams_spread_over_connections_within_their_bound() {
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |options| (options.connections, options.streams_max) = (2, 8));
    rig.until_good(4);
    let stats = venue.stats();
    assert!(stats.sessions.len() >= 4, "{}", stats.sessions.len());
    let mut all: Vec<&String> = stats.sessions.iter().flat_map(|s| &s.streams).collect();
    assert!(stats.sessions.iter().all(|s| s.streams.len() <= 8));
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "no stream stands on two connections");
    assert!(!stats.exceeded.any(), "{:?}", stats.exceeded);
}

#[test]
fn only_the_instruments_named_are_subscribed_and_the_others_are_told() {
    let venue = venue(|_| {});
    let names = ["BTC-USDT".to_owned(), "NONE-USDT".to_owned()];
    let mut rig = Rig::over(&venue, |options| {
        options.instruments = names.to_vec();
        options.busy_poll = true;
        options.microseconds = true;
    });
    rig.until_good(1);
    assert!(venue.stats().sessions[0].streams.iter().all(|name| name.starts_with("btcusdt@") || name.starts_with('!')));
    assert!(rig.notes.iter().any(|n| n.contains("not listed") && n.contains("NONE-USDT")), "{:?}", rig.notes);
}

#[test]
fn old_age_is_renewed_without_a_gap() {
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |options| options.times.age = Duration::from_millis(1_500));
    rig.until_good(4);
    rig.until("two renewals", |rig| rig.changes().iter().filter(|(up, _)| !up).count() >= 2);
    rig.until_good(4);
    let (gaps, changes) = (rig.checker.gaps, rig.changes());
    assert_eq!(gaps, 0, "{changes:?}");
    no_trade_is_lost_or_doubled(&rig);
    assert!(changes.iter().all(|(up, cause)| *up || cause == "ended: replaced"), "{changes:?}");
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

fn no_trade_is_lost_or_doubled(rig: &Rig) {
    for ids in rig.trades.values() {
        // While one connection takes over, the other one may be ahead of it.
        let mut ids = ids.clone();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|w| w[1] == w[0] + 1), "no trade lost or doubled: {ids:?}");
    }
}

#[test]
fn f24_a_connection_is_kept_while_its_successor_is_refused_a_stream_that_it_has() {
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |options| options.times.age = Duration::from_secs(4));
    rig.until_good(4);
    // Lists are asked for in halves until each name stands alone: so many refusals leave several names refused.
    venue.inject(VenueFault::Answers { how: AnswerFault::Error, count: 14, by: Duration::ZERO });
    rig.until("streams are refused", |rig| rig.count(Counter::StreamsRefused) >= 14);
    rig.until("and taken in the end", |rig| rig.changes().iter().any(|(up, _)| !up));
    rig.until_good(4);
    let worse: Vec<_> = rig.statuses.iter().filter(|told| told.to == Quality::Stale).collect();
    assert!(worse.is_empty() && rig.checker.gaps == 0, "{worse:?}");
    no_trade_is_lost_or_doubled(&rig);
    let ends: Vec<_> = rig.changes().into_iter().filter(|(up, _)| !up).collect();
    assert!(ends.iter().all(|(_, cause)| cause == "ended: replaced"), "{ends:?}");
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn books_are_true_over_tls_by_the_venues_own_authority() {
    let venue = venue(|options| options.tls = Some(TlsOptions::loopback().unwrap()));
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(venue.ca_pem().unwrap().as_bytes()).unwrap();
    let address = venue.address();
    let mut rig = Rig::over(&venue, |options| {
        options.ws = Endpoint::websocket(&format!("wss://{address}")).unwrap();
        options.rest = Endpoint::rest(&format!("https://{address}")).unwrap();
        options.ca_file = Some(ca.path().to_path_buf());
    });
    rig.until_good(4);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}
