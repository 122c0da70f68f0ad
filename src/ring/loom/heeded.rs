//! Models of reading in place: the shadow of the ring's words makes loom report a write over what a reader looks at.
//!
//! Owns: the models. Thread: loom's. Takes and gives: nothing. Never: a wait without a yield.

use ::loom::thread;

use super::explore::explore;
use crate::ring::broadcast::{Delivery, PublishError, Publisher, RECORD_OVERHEAD_WORDS, Reader, join};

/// Of a ring of eight words: a second record goes over the first.
const WORDS: usize = 3;
const NEED: usize = WORDS + RECORD_OVERHEAD_WORDS;
/// Where positions start: the first record in one piece, unlike the zero that a cursor holds before it is written.
const START: u64 = 1000;

fn publish(publisher: &mut Publisher) {
    let number = publisher.next_number();
    assert_eq!(publisher.publish(&[100 + number; WORDS]), Ok(number));
}

fn publish_with_room(publisher: &mut Publisher) {
    while !publisher.room_for(NEED) {
        thread::yield_now();
    }
    publish(publisher);
}

/// Takes what has come of the next record, and says how many were missed.
fn poll(reader: &mut Reader) -> u64 {
    let (mut missed, next) = (0, reader.next_number());
    let handed = reader.poll(1, |delivery| match delivery {
        Delivery::Record { number, words } => assert_eq!((number, words), (next, &[100 + number; WORDS][..])),
        Delivery::Lag(lag) => {
            assert_eq!((lag.from, lag.count), (next, lag.to - lag.from + 1));
            missed = lag.count;
        }
    });
    if handed == 0 {
        thread::yield_now();
    }
    missed
}

/// Polls until `to` records were handed on or missed, and says how many were missed.
fn follow(reader: &mut Reader, to: u64) -> u64 {
    let mut missed = 0;
    while reader.next_number() < to {
        missed += poll(reader);
    }
    missed
}

/// What a heeded reader looks at stays until it is done with it, and then goes.
#[test]
fn nothing_is_written_over_what_is_being_read() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let mut reader = tap.gating_reader(None).unwrap();
        assert!(publisher.room_for(NEED));
        let follower = thread::spawn(move || assert_eq!(follow(&mut reader, 2), 0));
        publish(&mut publisher);
        publish_with_room(&mut publisher);
        follower.join().unwrap();
    });
}

/// The promise comes while the reader polls: it goes on in place where it was.
#[test]
fn the_promise_comes_meanwhile() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let mut reader = tap.gating_reader(None).unwrap();
        publish(&mut publisher);
        let follower = thread::spawn(move || assert_eq!(follow(&mut reader, 2), 0));
        publish_with_room(&mut publisher);
        follower.join().unwrap();
    });
}

/// A reader that has lost something before the producer knew of it is promised nothing until it has been told.
#[test]
fn who_was_lapped_is_promised_nothing() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let mut reader = tap.gating_reader(None).unwrap();
        publish(&mut publisher);
        // Over the first record, and the reader with it: nobody has asked for room.
        publish(&mut publisher);
        assert!(reader.is_demoted());
        assert_eq!(follow(&mut reader, 2), 1);
        let mut reader = tap.gating_reader(None).unwrap();
        let follower = thread::spawn(move || assert_eq!(follow(&mut reader, 3), 0));
        publish_with_room(&mut publisher);
        follower.join().unwrap();
    });
}

/// A reader comes while the producer asks: whether it is promised anything or not, it gets what it joined for.
#[test]
fn a_reader_comes_meanwhile() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let joiner = thread::spawn(move || {
            let mut reader = tap.gating_reader(None).unwrap();
            assert_eq!(poll(&mut reader), 0);
            assert!(reader.is_gating());
        });
        assert!(publisher.room_for(NEED));
        publish(&mut publisher);
        joiner.join().unwrap();
    });
}

/// Who leaves has read its last word before the producer takes the place for free.
#[test]
fn a_reader_leaves() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let mut reader = tap.gating_reader(None).unwrap();
        assert!(publisher.room_for(NEED));
        publish(&mut publisher);
        let leaver = thread::spawn(move || {
            reader.poll(1, |delivery| assert!(matches!(delivery, Delivery::Record { words: [100, 100, 100], .. })));
        });
        publish_with_room(&mut publisher);
        leaver.join().unwrap();
    });
}

/// A producer that does not ask is refused, and nothing is written.
#[test]
fn a_record_in_the_way_of_a_heeded_reader_is_refused() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let mut reader = tap.gating_reader(None).unwrap();
        assert!(publisher.room_for(NEED));
        publish(&mut publisher);
        let follower = thread::spawn(move || assert_eq!(follow(&mut reader, 1), 0));
        let second = publisher.publish(&[101; WORDS]);
        assert!(matches!(second, Ok(1) | Err(PublishError::NoRoom)));
        follower.join().unwrap();
        assert_eq!(publisher.demotions(), 0);
    });
}
