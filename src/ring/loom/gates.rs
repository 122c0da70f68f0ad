//! Models of the gates: registration is seen, credit is true, places change hands cleanly.
//!
//! Owns: the models. Thread: loom's. Takes and gives: nothing. Never: a wait without a yield.

use ::loom::thread;

use super::explore::explore;
use crate::ring::broadcast::{Delivery, RECORD_OVERHEAD_WORDS, join};
use crate::sync::{Arc, UnsafeCell};

const WORDS: usize = 2;
const NEED: usize = WORDS + RECORD_OVERHEAD_WORDS;
/// Where positions start: unlike the zero that a cursor holds before it is written.
const START: u64 = 1000;

/// A cell that two threads hand to each other by way of the ring's credit alone.
struct Handed(UnsafeCell<u64>);

// SAFETY: loom checks each access; that they are ordered is what the model is about.
unsafe impl Sync for Handed {}
// SAFETY: as above.
unsafe impl Send for Handed {}

/// What the reader did with a record happens before the producer has the credit for it, and nothing is lost.
#[test]
fn credit_comes_after_the_readers_work() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let mut reader = tap.gating_reader(None).unwrap();
        let work = Arc::new(Handed(UnsafeCell::new(0)));
        let done = Arc::clone(&work);
        let follower = thread::spawn(move || {
            let mut numbers = 0;
            while numbers < 2 {
                let handed = reader.poll(1, |delivery| match delivery {
                    Delivery::Record { number, words } => {
                        assert_eq!((number, words), (numbers, &[number; WORDS][..]));
                        numbers += 1;
                        if number == 0 {
                            // SAFETY: the producer reads the cell only when it has seen the credit for this record.
                            done.0.with_mut(|cell| unsafe { *cell = 7 });
                        }
                    }
                    Delivery::Lag(lag) => panic!("lost {lag:?} in spite of credit"),
                });
                if handed == 0 {
                    thread::yield_now();
                }
            }
        });
        publisher.publish(&[0; WORDS]).unwrap();
        while !publisher.room_for(NEED) {
            thread::yield_now();
        }
        // SAFETY: the credit says that the reader is done with the record, and with what it did with it.
        assert_eq!(work.0.with(|cell| unsafe { *cell }), 7);
        publisher.publish(&[1; WORDS]).unwrap();
        follower.join().unwrap();
    });
}

/// A registration is seen in the end, though the producer looks at the gates only when their count has changed.
#[test]
fn a_registration_is_not_missed() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let joiner = thread::spawn(move || tap.gating_reader(None).unwrap());
        // An early look, which may come between the parts of the registration.
        publisher.room_for(NEED);
        let reader = joiner.join().unwrap();
        publisher.room_for(NEED);
        publisher.publish(&[0; WORDS]).unwrap();
        assert!(!publisher.room_for(NEED), "the producer does not know its reader");
        drop(reader);
    });
}

/// As above without a join, whose order would show what the count alone must show.
#[test]
fn a_registration_is_seen_by_its_count() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let joiner = thread::spawn(move || tap.gating_reader(None).unwrap());
        publisher.publish(&[0; WORDS]).unwrap();
        // Room until the reader is seen, which has read nothing: then none, or it has joined behind the record.
        while publisher.room_for(2 * NEED) {
            thread::yield_now();
        }
        drop(joiner.join().unwrap());
    });
}

/// Two readers that have everything leave full credit, or are not seen yet: never a cursor from before they wrote it.
#[test]
fn a_place_is_seen_with_its_cursor() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 2, START);
        let joiner = thread::spawn(move || [tap.gating_reader(None).unwrap(), tap.gating_reader(None).unwrap()]);
        let credit = publisher.credit_words();
        assert!(credit == usize::MAX || credit == 5, "credit {credit}");
        drop(joiner.join().unwrap());
    });
}

/// A place's new owner is not taken for its last one.
#[test]
fn a_place_changes_hands() {
    explore(|| {
        let (mut publisher, tap) = join(16, WORDS, 1, START);
        let mut last = tap.gating_reader(None).unwrap();
        publisher.publish(&[0; WORDS]).unwrap();
        publisher.publish(&[1; WORDS]).unwrap();
        let leaver = thread::spawn(move || {
            last.poll(1, |_| ());
        });
        let owner = loop {
            match tap.gating_reader(None) {
                Ok(owner) => break owner,
                Err(_) => thread::yield_now(),
            }
        };
        assert_eq!(publisher.credit_words(), 13, "the new owner has read everything");
        leaver.join().unwrap();
        drop(owner);
    });
}

/// Demotion, the reader's leaving and a new owner of the place at once: the blow falls on the one it was meant for.
#[test]
fn a_demotion_hits_its_own() {
    explore(|| {
        let (mut publisher, tap) = join(8, WORDS, 1, START);
        let late = tap.gating_reader(Some(6)).unwrap();
        publisher.publish(&[0; WORDS]).unwrap();
        let joiner = thread::spawn(move || {
            drop(late);
            tap.gating_reader(None).unwrap()
        });
        let room = publisher.room_for(NEED);
        let next = joiner.join().unwrap();
        assert!(room, "a bounded reader does not hold, and an unbounded one has read everything");
        assert!(next.is_gating());
        assert_eq!(publisher.gates(), 1);
    });
}
