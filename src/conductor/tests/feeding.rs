//! Purpose: which connection feeds a book, what the book is worth when that one goes, and how fresh what feeds it must be.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Rig};
use crate::conductor::{ConductorOptions, Freshness};
use crate::schema::canonical_type::builtin;
use crate::schema::event::EventHeader;
use crate::schema::id::{InstrumentId, Source};
use crate::schema::payload::{CONNECTION_CHANGES, ConnectionStatus, Depth, fixed_text};
use crate::schema::quality::Quality;
use crate::schema::time::UnixNanos;
use crate::telemetry::Clock;

impl Rig {
    fn connection_event(&mut self, connection: u16, up: bool, of: InstrumentId, cause: &str) {
        let mut payload = ConnectionStatus::zeroed();
        payload.cause = fixed_text(cause).unwrap();
        let change = if up { "ConnectionUp" } else { "ConnectionDown" };
        payload.change = CONNECTION_CHANGES.iter().position(|c| *c == change).unwrap() as i64;
        let header = self.head(builtin::STATUS_CONNECTION, Source::Connection, of);
        self.made(EventHeader { connection, ..header }, &payload, &[]);
    }

    /// The venue acknowledges the book's stream on this connection.
    fn fed_by(&mut self, connection: u16) {
        self.connection_event(connection, true, BTC, "");
    }

    fn loses(&mut self, connection: u16) {
        self.connection_event(connection, false, InstrumentId::NONE, "reset");
    }
}

#[test]
fn f20_a_silent_book_goes_stale_with_the_connection_that_took_over_its_stream() {
    let mut rig = Rig::plain();
    rig.fed_by(1);
    rig.live(100);
    rig.fed_by(2);
    assert_eq!(rig.told(), Vec::<String>::new(), "nobody is told who feeds a book");
    rig.loses(1);
    assert_eq!((rig.told(), rig.quality()), (vec!["ConnectionStatus None".to_owned()], Quality::Good));
    rig.clear();
    rig.loses(2);
    assert_eq!(rig.told(), ["ConnectionStatus None", "Quality ConnectionDown Good>Stale"]);
}

#[test]
fn f29_a_book_without_an_acknowledged_stream_is_never_good_whatever_rest_says() {
    let mut rig = Rig::plain();
    let snapshot = |rig: &mut Rig| rig.snapshot(5, &[(49, 1)], &[(60, 1)]);
    rig.later(60_000 * MS);
    assert_eq!(rig.asks(), 0, "no stream, no snapshot");
    rig.fed_by(1);
    rig.later(2_000 * MS);
    assert_eq!(rig.asks(), 1, "a silent stream is asked for");
    rig.loses(1);
    snapshot(&mut rig);
    rig.later(60_000 * MS);
    assert_eq!(rig.asks(), 1, "without a stream a second one proves nothing");
    snapshot(&mut rig);
    rig.ticker(5, (49, 1), (60, 1));
    assert_eq!(rig.quality(), Quality::Stale, "but nobody would hear what changes it");
    rig.fed_by(2);
    rig.later(2_000 * MS);
    assert_eq!(rig.asks(), 2);
    snapshot(&mut rig);
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn a_book_that_nobody_wants_asks_for_nothing_even_when_a_snapshot_was_under_way() {
    let mut rig = Rig::plain();
    rig.fed_by(1);
    rig.later(2_000 * MS);
    assert_eq!(rig.asks(), 1);
    rig.stage.unwant(BTC, 2);
    rig.drain();
    for id in 5..9 {
        rig.snapshot(id, &[(49, 1)], &[(60, 1)]);
        rig.later(600_000 * MS);
    }
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Stale));
}

#[test]
fn a_silent_stream_of_a_book_that_moves_is_asked_about_ever_more_seldom() {
    let mut rig = Rig::plain();
    rig.fed_by(1);
    rig.later(2_000 * MS);
    let mut waits = Vec::new();
    for id in 0..9 {
        let (asks, since) = (rig.asks(), rig.now);
        rig.snapshot(5 + id, &[(49, 1)], &[(60, 1)]);
        while rig.asks() == asks {
            rig.later(500 * MS);
        }
        waits.push((rig.now - since) / (1_000 * MS));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    rig.diff(13, 14, &[], &[]);
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn a_gap_that_was_open_when_the_stream_was_given_up_is_closed_when_it_is_wanted_again() {
    let mut rig = Rig::plain();
    rig.fed_by(1);
    rig.live(100);
    rig.diff(105, 106, &[], &[]);
    assert_eq!(rig.quality(), Quality::Gap);
    let asks = rig.asks();
    rig.stage.unwant(BTC, 2);
    rig.drain();
    rig.later(60_000 * MS);
    assert_eq!(rig.asks(), asks, "nobody wants it");
    let version = |rig: &mut Rig, id: i64| {
        let depth = Depth { first_id: id, last_id: id, previous_id: id - 1, ..Depth::zeroed() };
        let header = rig.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, BTC);
        rig.made(EventHeader { venue_id: id, connection: 1, dispatch_version: 3, ..header }, &depth, &[]);
    };
    rig.fed_by(1);
    version(&mut rig, 200);
    rig.later(250 * MS);
    version(&mut rig, 201);
    assert!(rig.asks() > asks, "the hole is asked about");
    rig.snapshot(200, &[(49, 1)], &[(60, 1)]);
    assert_eq!(rig.quality(), Quality::Good);
}

/// The clock is held to the system's, and what it was moved by is in the stage's time as in a stamp's moment.
#[test]
fn f55_however_far_the_clock_was_moved_since_the_start_a_book_is_as_old_as_its_data() {
    for (moved, age, quality) in [(10_000 * MS, 0, Quality::Good), (-10_000 * MS, 4_000 * MS, Quality::Stale)] {
        let stamps = Clock::starting_at(UnixNanos(0));
        stamps.step(moved);
        let fresh = Freshness { age_max_ns: 3_000 * MS, stamps };
        let mut rig = Rig::new(ConductorOptions { fresh: Some(fresh), ..ConductorOptions::default() });
        rig.live(100);
        let depth = Depth { first_id: 101, last_id: 101, previous_id: 100, ..Depth::zeroed() };
        let header = rig.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, BTC);
        let latency_ns = (rig.now - moved - age) as u64;
        rig.made(EventHeader { venue_id: 101, latency_ns, ..header }, &depth, &[]);
        assert_eq!(rig.quality(), quality, "moved by {moved} ns, {age} ns old");
    }
}

#[test]
fn f55_a_stage_that_slept_calls_every_book_stale_and_old_data_does_not_mend_that() {
    let fresh = Freshness { age_max_ns: 3_000 * MS, stamps: Clock::starting_at(UnixNanos(0)) };
    let mut rig = Rig::new(ConductorOptions { fresh: Some(fresh), ..ConductorOptions::default() });
    let came = |rig: &mut Rig, at: i64, id: i64| {
        let depth = Depth { first_id: id, last_id: id, previous_id: id - 1, ..Depth::zeroed() };
        let header = rig.head(builtin::ORDERBOOK_DELTA, Source::WsDepth, BTC);
        let header = EventHeader { venue_id: id, latency_ns: at as u64, ..header };
        rig.made(header, &depth, &[]);
    };
    rig.live(100);
    assert_eq!(rig.quality(), Quality::Good, "in time");
    let slept = rig.now;
    rig.later(2_900 * MS);
    assert_eq!(rig.told(), Vec::<String>::new());
    rig.later(5_000 * MS);
    assert_eq!(rig.told(), ["Quality TimedOut Good>Stale"]);
    rig.clear();
    came(&mut rig, slept, 101);
    assert_eq!(rig.told(), ["delta 101 Stale", "fused 101 Stale"], "it was in our hands before");
    rig.clear();
    let now = rig.now;
    came(&mut rig, now, 102);
    assert_eq!(rig.told(), ["Quality CoveringDiff Stale>Good", "delta 102 Good", "fused 102 Good"]);
    rig.clear();
    rig.later(5_000 * MS);
    rig.later(2_000 * MS);
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Stale), "a silent one is asked for");
}
