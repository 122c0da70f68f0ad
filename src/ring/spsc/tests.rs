//! What the SPSC ring promises on one thread: order, bounds, wraps, aborts, batches, and its two signs of the end.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::{ClaimError, Consumer, Producer, channel, channel_starting_at};
use crate::ring::{CAPACITY_WORDS_MAX, RingError};

/// Positions from which both kinds of wrap, of the buffer and of the cursor, come soon, and one from which none does.
const STARTS: [u64; 6] = [0, 13, 61, u64::MAX, u64::MAX - 3, u64::MAX - 62];

fn ring(capacity: usize, start: u64) -> (Producer, Consumer) {
    channel_starting_at(capacity, start).unwrap()
}

fn drain(consumer: &mut Consumer) -> Vec<Vec<u64>> {
    let mut out = Vec::new();
    consumer.poll(usize::MAX, |record| out.push(record.to_vec()));
    out
}

#[test]
fn a_capacity_is_a_power_of_two_within_limits() {
    for bad in [0, 1, 8, 15, CAPACITY_WORDS_MAX * 2, usize::MAX] {
        assert_eq!(channel(bad).err(), Some(RingError::CapacityOutOfRange { capacity_words: bad }));
    }
    for bad in [17, 24, 1000, CAPACITY_WORDS_MAX - 1] {
        assert_eq!(channel(bad).err(), Some(RingError::CapacityNotPowerOfTwo { capacity_words: bad }));
    }
    for good in [16, 32, 1 << 16] {
        let (producer, consumer) = channel(good).unwrap();
        assert_eq!((producer.capacity_words(), consumer.capacity_words()), (good, good));
        assert_eq!(producer.max_record(), good / 8);
    }
}

#[test]
fn a_record_of_any_legal_length_comes_out_as_it_went_in() {
    for start in STARTS {
        let (mut producer, mut consumer) = ring(64, start);
        for round in 0..200u64 {
            for len in 0..=producer.max_record() {
                let record: Vec<u64> = (0..len as u64).map(|i| round * 100 + i).collect();
                producer.push(&record).unwrap();
                assert_eq!(drain(&mut consumer), [record], "start {start} length {len}");
            }
        }
        assert_eq!((producer.used_words(), consumer.used_words()), (0, 0));
    }
}

#[test]
fn too_large_is_told_from_full_and_neither_leaves_a_trace() {
    let (mut producer, mut consumer) = ring(64, 61);
    assert_eq!(producer.push(&[0; 9]), Err(ClaimError::TooLarge));
    assert!(!producer.room_for(9));
    let mut pushed = 0u64;
    while producer.room_for(8) {
        producer.push(&[pushed; 8]).unwrap();
        pushed += 1;
    }
    let used = producer.used_words();
    assert_eq!(producer.push(&[99; 8]), Err(ClaimError::Full));
    assert_eq!(producer.used_words(), used);
    let out = drain(&mut consumer);
    assert_eq!(out, (0..pushed).map(|i| vec![i; 8]).collect::<Vec<_>>());
    assert!(producer.room_for(8));
}

#[test]
fn a_claim_dropped_without_commit_leaves_no_trace() {
    for start in STARTS {
        let (mut producer, mut consumer) = ring(64, start);
        producer.push(&[1]).unwrap();
        let used = producer.used_words();
        let mut claim = producer.claim(8).unwrap();
        claim.fill(7);
        drop(claim);
        assert_eq!((producer.used_words(), consumer.used_words()), (used, used));
        let mut claim = producer.claim(2).unwrap();
        claim.copy_from_slice(&[2, 3]);
        assert_eq!(*claim, [2, 3]);
        claim.commit();
        assert_eq!(drain(&mut consumer), [vec![1], vec![2, 3]]);
    }
}

#[test]
fn a_batch_stops_at_its_limit_and_gives_its_words_back_when_it_ends() {
    let (mut producer, mut consumer) = ring(64, 0);
    (0..5).for_each(|i| producer.push(&[i]).unwrap());
    let mut during = Vec::new();
    let taken = consumer.poll(3, |record| during.push((record[0], producer.used_words())));
    assert_eq!(taken, 3);
    assert_eq!(during, [(0, 10), (1, 10), (2, 10)], "nothing goes back before the batch ends");
    assert_eq!(producer.used_words(), 4);
    assert_eq!(consumer.poll(0, |_| panic!("limit 0")), 0);
    assert_eq!(drain(&mut consumer), [vec![3], vec![4]]);
}

#[test]
fn a_panic_in_the_closure_gives_back_what_was_taken() {
    let (mut producer, mut consumer) = ring(64, 0);
    (0..4).for_each(|i| producer.push(&[i]).unwrap());
    let poll = AssertUnwindSafe(|| consumer.poll(usize::MAX, |record| assert_ne!(record[0], 1)));
    assert!(catch_unwind(poll).is_err());
    assert_eq!(producer.used_words(), 4, "the record it panicked on counts as taken");
    assert_eq!(drain(&mut consumer), [vec![2], vec![3]]);
}

#[test]
fn a_peeked_record_stays_until_it_is_released() {
    let (mut producer, mut consumer) = ring(64, 61);
    assert_eq!(consumer.peek(), None);
    consumer.release();
    producer.push(&[1, 1, 1]).unwrap();
    producer.push(&[2]).unwrap();
    for _ in 0..2 {
        assert_eq!(consumer.peek(), Some(&[1, 1, 1][..]));
    }
    consumer.release();
    consumer.release();
    assert_eq!(consumer.peek(), Some(&[2][..]), "a second release takes nothing");
    assert_eq!(drain(&mut consumer), [vec![2]], "poll sees what was peeked and not released");
    consumer.release();
    assert_eq!(consumer.used_words(), 0);
}

#[test]
fn each_half_learns_that_the_other_is_gone() {
    let (mut producer, mut consumer) = ring(64, 0);
    producer.push(&[1]).unwrap();
    assert!(!consumer.is_closed());
    drop(producer);
    assert!(!consumer.is_closed(), "a record is left");
    assert_eq!(drain(&mut consumer), [vec![1]]);
    assert!(consumer.is_closed());

    let (mut producer, consumer) = ring(64, 0);
    assert!(!producer.is_abandoned());
    drop(consumer);
    assert!(producer.is_abandoned());
    producer.push(&[1]).unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Abort(usize),
    Poll(usize),
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..10).prop_map(Step::Push),
        1 => (0usize..10).prop_map(Step::Abort),
        2 => (0usize..6).prop_map(Step::Poll),
        1 => Just(Step::Take),
    ]
}

proptest! {
    /// Against a queue: what goes in comes out, in order; a refusal for want of room only when the ring has little left.
    #[test]
    fn behaves_as_a_bounded_queue(start in prop::sample::select(&STARTS[..]), steps in prop::collection::vec(step(), 1..300)) {
        let (mut producer, mut consumer) = ring(64, start);
        let gauge = producer.gauge();
        let mut queue: VecDeque<Vec<u64>> = VecDeque::new();
        let mut stamp = 0u64;
        for step in steps {
            match step {
                Step::Push(len) => {
                    let record: Vec<u64> = (0..len).map(|i| stamp + i as u64).collect();
                    stamp += 100;
                    match producer.push(&record) {
                        Ok(()) => queue.push_back(record),
                        Err(ClaimError::TooLarge) => prop_assert!(len > 8),
                        // The padding is shorter than the record, so at most twice the need can be refused.
                        Err(ClaimError::Full) => prop_assert!(producer.used_words() + 2 * (len + 1) > 64),
                    }
                }
                Step::Abort(len) => {
                    if let Ok(mut claim) = producer.claim(len) {
                        claim.fill(u64::MAX);
                    }
                }
                Step::Poll(limit) => {
                    let expected: Vec<_> = queue.drain(..limit.min(queue.len())).collect();
                    let mut out = Vec::new();
                    prop_assert_eq!(consumer.poll(limit, |record| out.push(record.to_vec())), expected.len());
                    prop_assert_eq!(out, expected);
                }
                Step::Take => {
                    prop_assert_eq!(consumer.peek().map(<[u64]>::to_vec), queue.pop_front());
                    consumer.release();
                }
            }
            prop_assert_eq!(producer.used_words(), consumer.used_words());
            prop_assert_eq!(gauge.used_words(), producer.used_words());
        }
    }
}
