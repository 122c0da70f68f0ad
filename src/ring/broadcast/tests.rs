//! What the broadcast ring promises on one thread: delivered and lag together are everything, gates are heeded, bounded
//! gates are demoted, late readers join where they say. Threads are in `tests/ring_stress.rs` and the loom models.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::{
    Delivery, GATES, Lag, PublishError, Publisher, RECORD_OVERHEAD_WORDS, Reader, channel, channel_starting_at,
};
use crate::ring::RingError;

/// Positions from which both kinds of wrap, of the buffer and of the position, come soon, and one from which none does.
const STARTS: [u64; 6] = [0, 13, 61, u64::MAX, u64::MAX - 3, u64::MAX - 62];
pub(super) const CAPACITY: usize = 64;
/// What a gating reader that has everything leaves: the ring but a stride, and two words behind the tail.
const CREDIT: usize = CAPACITY - 3;

/// What a reader was handed, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Got {
    Record(u64, Vec<u64>),
    Lag(Lag),
}

pub(super) fn poll(reader: &mut Reader, limit: usize) -> Vec<Got> {
    let mut got = Vec::new();
    let count = reader.poll(limit, |delivery| {
        got.push(match delivery {
            Delivery::Record { number, words } => Got::Record(number, words.to_vec()),
            Delivery::Lag(lag) => Got::Lag(lag),
        });
    });
    assert_eq!(count, got.len());
    got
}

/// The record with a number: its words follow from the number and its length.
pub(super) fn record(number: u64, len: usize) -> Vec<u64> {
    (0..len as u64).map(|i| number * 1000 + i).collect()
}

pub(super) fn publish(publisher: &mut Publisher, len: usize) -> u64 {
    let number = publisher.next_number();
    assert_eq!(publisher.publish(&record(number, len)), Ok(number));
    number
}

#[test]
fn every_reader_gets_every_record_with_its_number() {
    for start in STARTS {
        let (mut publisher, tap) = channel_starting_at(CAPACITY, start).unwrap();
        let mut readers = [tap.reader_at_now(), tap.reader_at_oldest(), tap.gating_reader(None).unwrap()];
        for number in 0..500 {
            let len = number as usize % (publisher.max_record() + 1);
            // So that the gating one is heeded from the first record on.
            assert!(publisher.room_for(len + RECORD_OVERHEAD_WORDS));
            assert_eq!(publish(&mut publisher, len), number);
            for reader in &mut readers {
                assert_eq!(poll(reader, usize::MAX), [Got::Record(number, record(number, len))], "start {start}");
                assert_eq!(reader.next_number(), number + 1);
            }
        }
    }
}

#[test]
fn parts_are_joined_and_a_record_too_large_takes_no_number() {
    let (mut publisher, tap) = channel_starting_at(CAPACITY, 61).unwrap();
    let mut reader = tap.reader_at_now();
    assert_eq!(publisher.publish_parts(&[&[1, 2], &[], &[3], &[4, 5, 6]]), Ok(0));
    assert_eq!(publisher.publish(&[0; 9]), Err(PublishError::TooLarge));
    assert_eq!(publisher.publish_parts(&[&[0; 5], &[0; 4]]), Err(PublishError::TooLarge));
    assert_eq!(publisher.publish_parts(&[]), Ok(1));
    assert_eq!(poll(&mut reader, 9), [Got::Record(0, vec![1, 2, 3, 4, 5, 6]), Got::Record(1, vec![])]);
}

#[test]
fn a_lapped_reader_is_told_exactly_what_it_missed_and_goes_on_with_the_oldest_whole_record() {
    for start in STARTS {
        let (mut publisher, tap) = channel_starting_at(CAPACITY, start).unwrap();
        let mut reader = tap.reader_at_now();
        // Ten words a record: six whole ones beside the word behind the tail.
        (0..20).for_each(|_| _ = publish(&mut publisher, 8));
        let mut expected = vec![Got::Lag(Lag { from: 0, to: 13, count: 14 })];
        expected.extend((14..20).map(|number| Got::Record(number, record(number, 8))));
        assert_eq!(poll(&mut reader, usize::MAX), expected, "start {start}");
        publish(&mut publisher, 8);
        assert_eq!(poll(&mut reader, 1), [Got::Record(20, record(20, 8))], "one lap, one lag");
    }
}

#[test]
fn late_readers_join_now_or_with_the_oldest() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let mut first = tap.reader_at_oldest();
    (0..20).for_each(|_| _ = publish(&mut publisher, 8));
    let (mut now, mut oldest) = (tap.clone().reader_at_now(), publisher.tap().reader_at_oldest());
    assert_eq!((now.next_number(), oldest.next_number()), (20, 14));
    assert_eq!((poll(&mut now, 9), poll(&mut oldest, 9).len()), (vec![], 6));
    assert_eq!(poll(&mut first, 1), [Got::Lag(Lag { from: 0, to: 13, count: 14 })]);
    publish(&mut publisher, 1);
    assert_eq!(poll(&mut now, 9), [Got::Record(20, record(20, 1))]);
}

#[test]
fn a_reader_is_closed_when_the_publisher_is_gone_and_all_was_read() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let mut reader = tap.reader_at_now();
    publish(&mut publisher, 3);
    assert!(!reader.is_closed());
    drop(publisher);
    assert!(!reader.is_closed(), "a record is left");
    assert_eq!(poll(&mut reader, 9).len(), 1);
    assert!(reader.is_closed());
    assert!(tap.reader_at_now().is_closed());
    assert!(!tap.reader_at_oldest().is_closed(), "the oldest record can still be read");
}

#[test]
fn credit_is_what_an_unbounded_reader_has_not_read() {
    for start in STARTS {
        let (mut publisher, tap) = channel_starting_at(CAPACITY, start).unwrap();
        assert_eq!(publisher.credit_words(), usize::MAX);
        assert!(publisher.room_for(usize::MAX));
        let mut reader = tap.gating_reader(None).unwrap();
        assert_eq!((publisher.credit_words(), publisher.gates()), (CREDIT, 1));
        assert!(publisher.room_for(CREDIT) && !publisher.room_for(CREDIT + 1) && !publisher.room_for(usize::MAX));
        let mut published = 0;
        while publisher.room_for(8 + RECORD_OVERHEAD_WORDS) {
            publish(&mut publisher, 8);
            published += 1;
            assert_eq!(publisher.credit_words(), CREDIT - published * 10);
        }
        assert_eq!((published, publisher.credit_words()), (6, 1));
        assert_eq!(poll(&mut reader, 2).len(), 2);
        assert!(publisher.room_for(20) && !publisher.room_for(24));
        assert_eq!(poll(&mut reader, 9).len(), 4, "nothing lost");
        assert!(reader.is_gating() && !reader.is_demoted());
        drop(reader);
        assert_eq!((publisher.credit_words(), publisher.gates(), publisher.demotions()), (usize::MAX, 0, 0));
    }
}

#[test]
fn the_slowest_unbounded_reader_holds_and_others_are_unaffected() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let (mut fast, mut slow) = (tap.gating_reader(None).unwrap(), tap.gating_reader(None).unwrap());
    (0..6).for_each(|_| _ = publish(&mut publisher, 8));
    assert_eq!(poll(&mut fast, 9).len(), 6);
    assert!(!publisher.room_for(10));
    assert_eq!(poll(&mut slow, 1).len(), 1);
    assert!(publisher.room_for(10));
    drop(slow);
    assert!(publisher.room_for(60), "a dropped reader holds nothing");
}

#[test]
fn a_bounded_reader_never_holds_and_is_demoted_at_its_bound() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let mut reader = tap.gating_reader(Some(32)).unwrap();
    (0..3).for_each(|_| _ = publish(&mut publisher, 8));
    assert!(reader.is_gating());
    assert_eq!(publisher.credit_words(), usize::MAX);
    assert!(publisher.room_for(10), "a bounded reader does not hold");
    assert!(reader.is_demoted() && !reader.is_gating(), "asking for room counts as the use of it");
    assert_eq!((publisher.gates(), publisher.demotions()), (0, 1));
    (0..17).for_each(|_| _ = publish(&mut publisher, 8));
    assert_eq!(poll(&mut reader, 1), [Got::Lag(Lag { from: 0, to: 13, count: 14 })]);
    assert_eq!(poll(&mut reader, 9).len(), 6);
    assert!(reader.is_demoted(), "it is remembered when the place is given back");

    let mut reader = tap.gating_reader(Some(32)).unwrap();
    for _ in 0..100 {
        publish(&mut publisher, 8);
        assert_eq!(poll(&mut reader, 9).len(), 1);
    }
    assert!(reader.is_gating(), "a reader within its bound is never demoted");
}

#[test]
fn a_producer_that_never_asks_demotes_before_it_overwrites() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let mut reader = tap.gating_reader(None).unwrap();
    (0..6).for_each(|_| _ = publish(&mut publisher, 8));
    assert!(publisher.credit_words() < 10 && reader.is_gating());
    publish(&mut publisher, 8);
    assert!(reader.is_demoted());
    assert_eq!(publisher.demotions(), 1);
    let got = poll(&mut reader, 9);
    assert_eq!(got[0], Got::Lag(Lag { from: 0, to: 0, count: 1 }));
    assert_eq!(got.len(), 7);
}

#[test]
fn places_are_few_and_come_back() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    for _ in 0..3 {
        let mut readers: Vec<Reader> = (0..GATES).map(|_| tap.gating_reader(None).unwrap()).collect();
        assert_eq!(tap.gating_reader(None).err(), Some(RingError::NoFreeGate { gates: GATES }));
        assert_eq!(publisher.gates(), GATES);
        readers.pop();
        assert!(tap.gating_reader(Some(CAPACITY)).is_ok());
    }
    assert_eq!(publisher.gates(), 0);
    for bad in [0, 11, CAPACITY + 1] {
        let error = RingError::BoundOutOfRange { bound_words: bad, min: 12, max: CAPACITY };
        assert_eq!(tap.gating_reader(Some(bad)).err(), Some(error));
    }
}

#[test]
fn a_demoted_place_comes_back_with_the_next_poll_or_drop() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let mut readers: Vec<Reader> = (0..GATES).map(|_| tap.gating_reader(Some(12)).unwrap()).collect();
    (0..2).for_each(|_| _ = publish(&mut publisher, 8));
    assert_eq!(publisher.demotions(), GATES as u64);
    assert!(tap.gating_reader(None).is_err());
    readers[3].poll(0, |_| panic!("limit 0"));
    let kept = tap.gating_reader(None).unwrap();
    drop(readers);
    assert_eq!(publisher.gates(), 1, "freeing a demoted place leaves its new owner alone");
    assert!(kept.is_gating());
}

/// One reader and what the ring should tell it next.
struct Follower {
    reader: Reader,
    next: u64,
    unbounded: bool,
}

/// The ring as it should be: where each record begins, its number, and how long it is.
struct Model {
    capacity: u128,
    whole: VecDeque<(u128, u64, usize)>,
    tail: u128,
    published: u64,
}

impl Model {
    /// Positions of the ring wrap; those of its model go on.
    fn new(capacity: usize, start: u64) -> Model {
        Model { capacity: capacity as u128, whole: VecDeque::new(), tail: (1 << 64) + u128::from(start), published: 0 }
    }

    fn publish(&mut self, len: usize) {
        self.whole.push_back((self.tail, self.published, len));
        (self.published, self.tail) = (self.published + 1, self.tail + (len + RECORD_OVERHEAD_WORDS) as u128);
        let kept = self.tail + 2 - self.capacity;
        // What lies in the way goes, and with it what begins in the same stride.
        if self.whole.front().is_some_and(|(position, ..)| *position < kept) {
            let kept = kept.next_multiple_of(self.capacity / 64);
            self.whole.retain(|(position, ..)| *position >= kept);
        }
    }

    fn oldest(&self) -> u64 {
        self.whole.front().map_or(self.published, |(_, number, _)| *number)
    }

    /// What a reader at `next` should be handed.
    fn expected(&self, next: u64, limit: usize) -> Vec<Got> {
        let (oldest, mut all) = (self.oldest(), Vec::new());
        if next < oldest {
            all.push(Got::Lag(Lag { from: next, to: oldest - 1, count: oldest - next }));
        }
        let rest = self.whole.iter().filter(|(_, number, _)| *number >= next);
        all.extend(rest.map(|(_, number, len)| Got::Record(*number, record(*number, *len))));
        all.truncate(limit);
        all
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(usize),
    PublishIfRoom(usize),
    Poll(usize, usize),
    JoinNow,
    JoinOldest,
    JoinGating(Option<usize>),
    Leave(usize),
}

fn step(capacity: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..=capacity / 8).prop_map(Step::Publish),
        12 => (0..=capacity / 8).prop_map(Step::PublishIfRoom),
        8 => (0usize..32, 0usize..6).prop_map(|(who, limit)| Step::Poll(who, limit)),
        1 => Just(Step::JoinNow),
        1 => Just(Step::JoinOldest),
        2 => prop::option::of(capacity / 8 + 4..=capacity).prop_map(Step::JoinGating),
        2 => (0usize..32).prop_map(Step::Leave),
    ]
}

proptest! {
    /// Against a plain model: each reader is handed exactly what it should be, and heeded credit means no loss.
    #[test]
    fn behaves_as_the_model(
        start in prop::sample::select(&STARTS[..]),
        (capacity, steps) in prop::sample::select(&[CAPACITY, 4 * CAPACITY, 16 * CAPACITY][..])
            .prop_flat_map(|capacity| (Just(capacity), prop::collection::vec(step(capacity), 1..400))),
    ) {
        let (mut publisher, tap) = channel_starting_at(capacity, start).unwrap();
        let mut model = Model::new(capacity, start);
        let mut followers: Vec<Follower> = Vec::new();
        for step in steps {
            let (next, oldest) = (model.published, model.oldest());
            match step {
                Step::Publish(len) => {
                    let published = publisher.publish(&record(next, len));
                    if published == Err(PublishError::NoRoom) {
                        // Only for who gates without a bound and would lose something.
                        prop_assert!(publisher.credit_words() < len + RECORD_OVERHEAD_WORDS);
                        continue;
                    }
                    prop_assert_eq!(published, Ok(next));
                    model.publish(len);
                    for follower in followers.iter_mut().filter(|follower| follower.unbounded) {
                        // It gates as long as nothing of its is in the way, and not so much as a stride before that.
                        follower.unbounded = follower.reader.is_gating();
                        let room = capacity - 2 - follower.reader.behind_words().min(capacity as u64 - 2) as usize;
                        prop_assert!(follower.unbounded == (room >= capacity / 64));
                    }
                }
                Step::PublishIfRoom(len) => {
                    let need = len + RECORD_OVERHEAD_WORDS;
                    let room = publisher.room_for(need);
                    prop_assert_eq!(room, publisher.credit_words() >= need);
                    let gating = followers.iter().filter(|follower| follower.reader.is_gating());
                    let behind = gating.map(|follower| follower.reader.behind_words()).max();
                    prop_assert_eq!(tap.held_words() as u64, behind.unwrap_or(0));
                    if room {
                        publish(&mut publisher, len);
                        model.publish(len);
                    }
                    let safe = followers.iter().filter(|follower| follower.unbounded);
                    safe.for_each(|follower| assert!(follower.next >= model.oldest() && follower.reader.is_gating()));
                }
                Step::Poll(who, limit) if !followers.is_empty() => {
                    let count = followers.len();
                    let follower = &mut followers[who % count];
                    let expected = model.expected(follower.next, limit);
                    for got in &expected {
                        follower.next = match got {
                            Got::Record(number, _) => number + 1,
                            Got::Lag(lag) => lag.to + 1,
                        };
                    }
                    prop_assert_eq!(poll(&mut follower.reader, limit), expected);
                    prop_assert_eq!(follower.reader.next_number(), follower.next);
                }
                Step::JoinNow => followers.push(Follower { reader: tap.reader_at_now(), next, unbounded: false }),
                Step::JoinOldest => {
                    followers.push(Follower { reader: tap.reader_at_oldest(), next: oldest, unbounded: false });
                }
                Step::JoinGating(bound) => {
                    if let Ok(reader) = tap.gating_reader(bound) {
                        followers.push(Follower { reader, next, unbounded: bound.is_none() });
                    }
                }
                Step::Leave(who) if !followers.is_empty() => _ = followers.swap_remove(who % followers.len()),
                Step::Poll(..) | Step::Leave(_) => {}
            }
        }
    }
}
