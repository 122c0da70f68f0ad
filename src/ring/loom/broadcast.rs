//! Models of the broadcast ring: what a reader is handed is whole, and with its lags everything.
//!
//! Owns: the models. Thread: loom's. Takes and gives: nothing.
//! Never: a check of a schedule's luck: each model asserts what holds in all of them.

use ::loom::thread;

use super::explore::explore;
use crate::ring::broadcast::{Delivery, Publisher, Reader, Tap, join, join_in_strides};

/// Both records have three words, each telling its record.
const WORDS: usize = 3;
const RECORDS: u64 = 2;

fn publish(publisher: &mut Publisher) {
    let number = publisher.next_number();
    assert_eq!(publisher.publish(&[100 + number; WORDS]), Ok(number));
}

/// Polls and holds what comes against what must: whole, in order, without a gap that is not told.
fn poll(reader: &mut Reader) {
    let mut next = reader.next_number();
    reader.poll(usize::MAX, |delivery| match delivery {
        Delivery::Record { number, words } => {
            assert_eq!(number, next);
            assert_eq!(words, [100 + number; WORDS]);
            next = number + 1;
        }
        Delivery::Lag(lag) => {
            assert_eq!(lag.from, next);
            assert!(lag.to >= lag.from && lag.to < RECORDS);
            assert_eq!(lag.count, lag.to - lag.from + 1);
            next = lag.to + 1;
        }
    });
    assert_eq!(reader.next_number(), next);
}

/// No lap: both records lie in the ring, and both must come out.
fn both_come_out_of(ring: impl Fn() -> (Publisher, Tap) + Send + Sync + 'static) {
    explore(move || {
        let (mut publisher, tap) = ring();
        let mut reader = tap.reader_at_now();
        let writer = thread::spawn(move || (0..RECORDS).for_each(|_| publish(&mut publisher)));
        poll(&mut reader);
        poll(&mut reader);
        writer.join().unwrap();
        poll(&mut reader);
        assert_eq!(reader.next_number(), RECORDS);
    });
}

#[test]
fn publish_two() {
    both_come_out_of(|| join(16, WORDS, 1, 0));
}

/// The second record goes over the first while it is being read; also where the position itself wraps.
#[test]
fn lap() {
    for start in [0, 5, u64::MAX - 2] {
        explore(move || {
            let (mut publisher, tap) = join(8, WORDS, 1, start);
            let mut reader = tap.reader_at_now();
            let writer = thread::spawn(move || (0..RECORDS).for_each(|_| publish(&mut publisher)));
            poll(&mut reader);
            writer.join().unwrap();
            poll(&mut reader);
            assert_eq!(reader.next_number(), RECORDS);
        });
    }
}

/// Both records are in the ring already when a third goes over the first: the reader finds the second.
#[test]
fn lap_to_a_whole_record() {
    explore(|| {
        let (mut publisher, tap) = join(16, WORDS, 1, 3);
        let mut reader = tap.reader_at_now();
        publish(&mut publisher);
        publish(&mut publisher);
        let writer = thread::spawn(move || {
            publisher.publish(&[102; WORDS]).unwrap();
            publisher.publish(&[103; WORDS]).unwrap();
        });
        let (mut next, mut got) = (0, 0);
        reader.poll(1, |delivery| match delivery {
            Delivery::Record { number, words } => {
                assert_eq!((number, words), (0, &[100; WORDS][..]));
                next = 1;
            }
            Delivery::Lag(lag) => {
                assert_eq!((lag.from, lag.count), (0, lag.to + 1));
                next = lag.to + 1;
            }
        });
        reader.poll(usize::MAX, |delivery| {
            let to = match delivery {
                Delivery::Record { number, words } => {
                    assert_eq!((number, words), (next, &[100 + number; WORDS][..]));
                    number
                }
                Delivery::Lag(lag) => lag.to,
            };
            next = to + 1;
            got += 1;
        });
        assert_eq!(reader.next_number(), next);
        writer.join().unwrap();
    });
}

/// A stride is given up at once, with the first of the records that go over it: the second goes the short way, over what
/// the reader may be copying.
#[test]
fn lap_within_a_stride() {
    explore(|| {
        let (mut publisher, tap) = join_in_strides(16, 32, 2, 1, 0);
        let mut reader = tap.reader_at_now();
        let mut publish = move |number: u64| publisher.publish(&[100 + number; 2]).unwrap();
        (0..7).for_each(|number| _ = publish(number));
        let writer = thread::spawn(move || (7..9).for_each(|number| _ = publish(number)));
        reader.poll(1, |delivery| match delivery {
            Delivery::Record { number, words } => assert_eq!((number, words), (0, &[100; 2][..])),
            Delivery::Lag(lag) => assert_eq!((lag.from, lag.count), (0, lag.to + 1)),
        });
        writer.join().unwrap();
    });
}

/// As `publish_two`, with the second record the short way.
#[test]
fn publish_two_within_a_stride() {
    both_come_out_of(|| join_in_strides(16, 32, WORDS, 1, 0));
}

#[test]
fn join_late_at_now() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, 0);
        let writer = thread::spawn(move || (0..RECORDS).for_each(|_| publish(&mut publisher)));
        let mut reader = tap.reader_at_now();
        poll(&mut reader);
        writer.join().unwrap();
        poll(&mut reader);
        assert_eq!(reader.next_number(), RECORDS);
    });
}

#[test]
fn join_late_at_oldest() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, 0);
        let writer = thread::spawn(move || (0..RECORDS).for_each(|_| publish(&mut publisher)));
        let mut reader = tap.reader_at_oldest();
        poll(&mut reader);
        writer.join().unwrap();
        poll(&mut reader);
        assert_eq!(reader.next_number(), RECORDS);
    });
}

/// The end is told only when everything was delivered or counted as missed.
#[test]
fn drop_publisher() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, 0);
        let mut reader = tap.reader_at_now();
        let writer = thread::spawn(move || (0..RECORDS).for_each(|_| publish(&mut publisher)));
        poll(&mut reader);
        if reader.is_closed() {
            assert_eq!(reader.next_number(), RECORDS);
        }
        drop(reader);
        writer.join().unwrap();
    });
}
