//! Purpose: what the venue says of instruments, each a short story and what is told (faults.md F36, F37).
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Rig};
use crate::conductor::{ConductorOptions, SyncState};
use crate::schema::canonical_type::builtin;
use crate::schema::id::Source;
use crate::schema::instrument::VenueState::{self, Gone, Halted, Open};
use crate::schema::payload::VenueStatus;
use crate::schema::quality::Quality;

impl Rig {
    /// As the io thread tells it, in its place among the frames.
    fn venue_says(&mut self, state: VenueState) {
        let header = self.head(builtin::STATUS_BOOK, Source::RestPoll, BTC);
        self.made(header, &VenueStatus { state: state as i64, ..VenueStatus::zeroed() }, &[]);
    }
}

#[test]
fn f36_a_halted_instrument_says_so_and_asks_for_nothing() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.venue_says(Halted);
    rig.diff(105, 106, &[], &[]);
    rig.later(60_000 * MS);
    assert_eq!(rig.told(), ["Quality VenueStatus Good>Halted", "GapOpen MissingDiff Halted>Halted"]);
    assert_eq!(rig.asks(), 0);
    rig.venue_says(Open);
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Gap));
}

#[test]
fn f36_a_halted_book_follows_its_diffs_and_is_good_again_at_once_when_trading_resumes() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.venue_says(Halted);
    rig.venue_says(Halted);
    rig.diff(100, 101, &[], &[]);
    rig.later(60_000 * MS);
    rig.venue_says(Open);
    let told =
        ["Quality VenueStatus Good>Halted", "delta 101 Halted", "fused 101 Halted", "Quality VenueStatus Halted>Good"];
    assert_eq!(rig.told(), told);
    assert_eq!(rig.asks(), 0);
}

#[test]
fn f36_of_an_instrument_never_seen_a_halt_is_told_before_its_first_event_and_not_before() {
    let mut rig = Rig::plain();
    rig.venue_says(Halted);
    assert!(rig.told().is_empty(), "nobody has asked for it");
    rig.diff(99, 100, &[], &[]);
    rig.later(60_000 * MS);
    assert_eq!(rig.told(), ["Quality VenueStatus Syncing>Halted"]);
    assert_eq!(rig.asks(), 0);
    rig.venue_says(Open);
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Syncing));

    let mut rig = Rig::plain();
    rig.venue_says(Halted);
    rig.stage.watch(BTC, crate::schema::id::Market::BinanceSpot);
    rig.later(60_000 * MS);
    assert_eq!((rig.told(), rig.asks()), (vec!["Quality VenueStatus Syncing>Halted".to_owned()], 0));
    rig.venue_says(Open);
    assert_eq!(rig.asks(), 1, "a silent one is asked for when it trades");
}

#[test]
fn f36_a_connection_lost_while_halted_leaves_no_book_stale_once_the_stream_is_back_and_trading_resumes() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.venue_says(Halted);
    rig.stage.connection_down(crate::schema::id::ConnectionId(0));
    rig.drain();
    rig.stage.watch(BTC, crate::schema::id::Market::BinanceSpot);
    rig.later(60_000 * MS);
    assert_eq!((rig.asks(), rig.quality()), (0, Quality::Halted));
    rig.venue_says(Open);
    assert_eq!((rig.asks(), rig.quality()), (1, Quality::Stale));
    let bids: Vec<_> = (90..100).rev().map(|p| (p, 1)).collect();
    let asks: Vec<_> = (101..111).map(|p| (p, 1)).collect();
    rig.snapshot(100, &bids, &asks);
    assert_eq!(rig.quality(), Quality::Good);
}

#[test]
fn f37_a_delisted_instrument_has_no_book_and_asks_for_nothing_until_it_is_listed_again() {
    let mut rig = Rig::new(ConductorOptions { fill_deadline_ns: 0, ..ConductorOptions::default() });
    rig.live(100);
    rig.venue_says(Gone);
    rig.venue_says(Gone);
    rig.diff(100, 101, &[], &[]);
    rig.snapshot(200, &[(49, 1)], &[(60, 1)]);
    rig.later(60_000 * MS);
    assert_eq!(rig.told(), ["Quality VenueStatus Good>Delisted"]);
    assert_eq!((rig.stage.state(BTC), rig.asks()), (Some(SyncState::Retired), 0));
    let before = rig.stage.report(BTC).unwrap().epoch;

    rig.clear();
    rig.venue_says(Open);
    assert_eq!(rig.told(), ["Reset VenueStatus Delisted>Stale"], "its stream is not there yet");
    assert_eq!(rig.stage.report(BTC).unwrap().epoch, before + 1);
    // The ids of a new listing start low.
    rig.diff(4, 5, &[], &[]);
    rig.snapshot(4, &[(49, 1)], &[(60, 1)]);
    assert_eq!((rig.quality(), rig.stage.report(BTC).unwrap().epoch), (Quality::Good, before + 2));
}

#[test]
fn f37_a_gap_that_a_delisting_left_open_is_closed_by_the_new_book() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.diff(105, 106, &[], &[]);
    rig.venue_says(Gone);
    rig.venue_says(Open);
    rig.diff(4, 5, &[], &[]);
    rig.snapshot(4, &[(49, 1)], &[(60, 1)]);
    let told = rig.told();
    let gaps: Vec<_> = told.iter().filter(|t| t.starts_with("Gap")).collect();
    assert_eq!(gaps, ["GapOpen MissingDiff Good>Gap", "GapClose CoveringDiff Syncing>Good"], "{told:?}");
}

#[test]
fn a_relisted_instrument_that_does_not_trade_yet_is_halted() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.venue_says(Gone);
    rig.clear();
    rig.venue_says(Halted);
    rig.later(60_000 * MS);
    assert_eq!(rig.told(), ["Reset VenueStatus Delisted>Stale", "Quality VenueStatus Stale>Halted"]);
    assert_eq!(rig.asks(), 0);
}

#[test]
fn who_embeds_a_conductor_can_say_it_too() {
    let mut rig = Rig::plain();
    rig.live(100);
    rig.stage.set_venue_state(BTC, Halted);
    rig.drain();
    assert_eq!(rig.quality(), Quality::Halted);
    rig.stage.set_venue_state(BTC, Gone);
    rig.drain();
    assert_eq!(rig.quality(), Quality::Delisted);
}
