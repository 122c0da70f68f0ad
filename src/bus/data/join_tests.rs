//! Purpose: holds the joining of a book to its promises, step by step, one thread. Owns: nothing. Thread: a test's.
//! Takes and gives: events. Never: part of a build that ships.

use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventBuf, flag};
use crate::schema::payload::{Book, BookReference};
use crate::schema::quality::BookChange;
use crate::schema::stage::Publish;
use crate::snapshot::MemoryStore;

use super::fan_out::{DataBus, Guarantee};
use super::fixture::*;
use super::join::{BookJoin, BookUpdate, JoinError, StartsOver};
use super::requests::BookRequests;
use super::sequencer::Sequencer;

/// A book's publisher and one that joins it.
struct Scene {
    sequencer: Sequencer<MemoryStore>,
    bus: DataBus,
    store: MemoryStore,
    requests: BookRequests,
    epoch: u32,
    deltas: u64,
}

/// What the joiner was handed, in short: `s5` a snapshot with changes up to 5, `d6` change 6, `q` a status, `!…` a start.
fn told(join: &mut BookJoin<MemoryStore>) -> Vec<String> {
    let mut all = Vec::new();
    join.poll(usize::MAX, |update| {
        all.push(match update {
            BookUpdate::Snapshot(event) => format!("s{}", event.payload::<Book>().unwrap().delta_seq),
            BookUpdate::Delta(event) => format!("d{}", event.header().seq),
            BookUpdate::Status(_) => "q".to_owned(),
            BookUpdate::StartsOver(StartsOver::Lagged(_)) => "!lag".to_owned(),
            BookUpdate::StartsOver(StartsOver::Reset) => "!reset".to_owned(),
            BookUpdate::StartsOver(StartsOver::Epoch(epoch)) => format!("!epoch{epoch}"),
            BookUpdate::StartsOver(StartsOver::Hole { expected, got }) => format!("!hole{expected}-{got}"),
        });
    });
    all
}

impl Scene {
    fn new() -> Scene {
        let store = memory();
        let (sequencer, bus, _, _) = sequencer(store.clone(), 1 << 10);
        Scene { sequencer, bus, store, requests: BookRequests::new(2), epoch: 1, deltas: 0 }
    }

    fn join(&self) -> BookJoin<MemoryStore> {
        BookJoin::new(&self.bus, self.store.clone(), self.requests.clone(), BTC, Guarantee::Lossy).unwrap()
    }

    fn deltas(&mut self, count: u64) {
        for _ in 0..count {
            self.deltas = self.sequencer.publish(&mut delta(BTC, self.epoch, 1));
        }
    }

    fn book(&mut self) {
        let (mut reference, mut whole) = book(BTC, self.epoch, self.deltas);
        self.sequencer.publish_book(&mut reference, &mut whole);
    }

    /// As the engine does: one book for all requests.
    fn serve(&mut self) -> usize {
        let asked = std::iter::from_fn(|| self.requests.take()).inspect(|asked| assert_eq!(*asked, BTC)).count();
        (0..asked.min(1)).for_each(|_| self.book());
        asked
    }
}

#[test]
fn a_joiner_gets_the_book_it_asked_for_and_goes_on_with_the_next_change() {
    let mut scene = Scene::new();
    scene.deltas(4);
    let mut join = scene.join();
    assert!(told(&mut join).is_empty() && !join.is_joined());
    scene.deltas(2);
    assert!(told(&mut join).is_empty(), "changes are let go until the book is there");
    assert_eq!(scene.serve(), 1, "it asked once");
    scene.deltas(2);
    assert_eq!(told(&mut join), ["s6", "d7", "d8"]);
    assert!(join.is_joined());
    scene.book();
    scene.deltas(1);
    assert_eq!(told(&mut join), ["d9"], "a later book is no news for who follows");
    assert_eq!(scene.serve(), 0);
}

#[test]
fn a_book_in_the_store_serves_if_the_first_change_follows_it_or_is_in_it() {
    // Changes before the book, after it and before the joiner; what the joiner is told at its first change, seq + 1.
    for (before, after, expected) in [(3, 0, vec!["s3", "d4"]), (3, 1, vec![]), (0, 0, vec!["s0", "d1"])] {
        let mut scene = Scene::new();
        scene.deltas(before);
        scene.book();
        scene.deltas(after);
        let mut join = scene.join();
        assert!(told(&mut join).is_empty(), "nobody knows yet whether the book is current");
        scene.deltas(1);
        assert_eq!(told(&mut join), expected, "{before} {after}");
    }
    let mut scene = Scene::new();
    scene.deltas(1);
    let mut join = scene.join();
    scene.deltas(3);
    scene.book();
    scene.deltas(1);
    assert_eq!(told(&mut join), ["s4", "d5"], "the store is ahead of the ring: changes in the book are passed over");
}

#[test]
fn a_book_of_an_older_epoch_or_that_was_not_stored_does_not_serve() {
    let mut scene = Scene::new();
    scene.deltas(3);
    scene.book();
    scene.epoch = 2;
    let mut join = scene.join();
    scene.deltas(1);
    assert!(told(&mut join).is_empty(), "the change follows the stored book by number, but not by epoch");
    let (mut reference, _) = book(BTC, 2, 4);
    let event: &mut EventBuf = &mut reference;
    event.header_mut().flags |= flag::NOT_STORED;
    event.payload_mut::<BookReference>().unwrap().store_version = 0;
    while scene.requests.take().is_some() {}
    scene.sequencer.publish(event);
    assert!(told(&mut join).is_empty());
    assert!(told(&mut join).is_empty());
    assert_eq!(scene.serve(), 1, "it asks again");
    assert_eq!(told(&mut join), ["s4"]);
}

#[test]
fn a_reset_starts_over_and_says_so() {
    let mut scene = Scene::new();
    scene.deltas(1);
    let mut join = scene.join();
    scene.book();
    scene.deltas(1);
    assert_eq!(told(&mut join), ["s1", "d2"]);
    scene.sequencer.publish(&mut status(BTC, 1, BookChange::GapOpen));
    scene.sequencer.publish(&mut status(ETH, 1, BookChange::Reset));
    scene.sequencer.publish(&mut status(BTC, 2, BookChange::Reset));
    scene.epoch = 2;
    scene.book();
    scene.deltas(1);
    assert_eq!(told(&mut join), ["q", "q", "!reset", "s2", "d3"]);
    scene.epoch = 3;
    scene.deltas(1);
    assert_eq!(told(&mut join), ["!epoch3"], "a new epoch without a word is one all the same");
    scene.book();
    scene.epoch = 4;
    scene.book();
    assert_eq!(told(&mut join), ["s4"], "the store has the later one already");
    scene.deltas(1);
    assert_eq!(told(&mut join), ["d5"]);
    scene.epoch = 5;
    scene.book();
    assert_eq!(told(&mut join), ["!epoch5", "s5"]);
}

#[test]
fn a_lag_or_a_missing_change_starts_over() {
    let mut scene = Scene::new();
    let mut join = scene.join();
    scene.book();
    scene.deltas(1);
    assert_eq!(told(&mut join), ["s0", "d1"]);
    scene.deltas(100);
    assert_eq!(told(&mut join), ["!lag"], "what the ring still has is let go: changes before it are missing");
    assert_eq!(scene.serve(), 2, "at first, and now");
    scene.deltas(1);
    assert_eq!(told(&mut join), ["s101", "d102"]);
    // Too long for the ring: numbered, announced, not published.
    scene.sequencer.publish(&mut delta(BTC, 1, 100));
    scene.deltas(1);
    assert_eq!(told(&mut join), ["q", "!reset"]);
    assert_eq!(scene.serve(), 1);
    assert_eq!(told(&mut join), ["s104"]);
    // A change that is none: its number is missing, and nothing told of it.
    scene.sequencer.publish(&mut trade(BTC, builtin::ORDERBOOK_DELTA));
    scene.deltas(1);
    assert_eq!(told(&mut join), ["!hole105-106"]);
    assert_eq!(scene.serve(), 1);
    scene.deltas(1);
    assert_eq!(told(&mut join), ["s106", "d107"]);
}

#[test]
fn a_full_request_queue_is_asked_again() {
    let mut scene = Scene::new();
    assert!(scene.requests.ask(ETH) && scene.requests.ask(ETH) && !scene.requests.ask(ETH));
    let mut join = scene.join();
    assert!(told(&mut join).is_empty());
    assert_eq!((scene.requests.take(), scene.requests.take(), scene.requests.take()), (Some(ETH), Some(ETH), None));
    assert!(told(&mut join).is_empty());
    assert_eq!(scene.serve(), 1);
    assert_eq!(told(&mut join), ["s0"]);
}

#[test]
fn an_unanswered_request_is_repeated_as_changes_go_by() {
    let mut scene = Scene::new();
    let mut join = scene.join();
    told(&mut join);
    assert_eq!(scene.requests.take(), Some(BTC), "and nobody answers");
    for _ in 0..300 {
        scene.deltas(1);
        told(&mut join);
    }
    assert_eq!(scene.serve(), 1);
    assert_eq!(told(&mut join), ["s300"]);
}

#[test]
fn an_unknown_instrument_cannot_be_joined() {
    let scene = Scene::new();
    let unknown = crate::schema::id::InstrumentId(77);
    let join = BookJoin::new(&scene.bus, scene.store.clone(), scene.requests.clone(), unknown, Guarantee::Lossy);
    assert_eq!(join.unwrap_err(), JoinError::UnknownInstrument(77));
}
