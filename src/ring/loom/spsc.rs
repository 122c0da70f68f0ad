//! Models of the SPSC ring. The shadow cells of its buffer make loom report any race on a word.
//!
//! Owns: the models. Thread: loom's. Takes and gives: nothing. Never: a wait without a yield.

use ::loom::thread;

use super::explore::explore;
use crate::ring::spsc::{Consumer, join};

const FIRST: [u64; 2] = [10, 11];
const SECOND: [u64; 3] = [20, 21, 22];

/// Takes what is there and holds it against what must come next.
fn take(consumer: &mut Consumer, taken: &mut usize) {
    consumer.poll(usize::MAX, |record| {
        let expected: &[u64] = if *taken == 0 { &FIRST } else { &SECOND };
        assert_eq!(record, expected);
        *taken += 1;
    });
}

#[test]
fn publish() {
    explore(|| {
        let (mut producer, mut consumer) = join(16, 3, 0);
        let writer = thread::spawn(move || {
            producer.push(&FIRST).unwrap();
            drop(producer.claim(3).unwrap());
            producer.push(&SECOND).unwrap();
        });
        let mut taken = 0;
        take(&mut consumer, &mut taken);
        take(&mut consumer, &mut taken);
        writer.join().unwrap();
        take(&mut consumer, &mut taken);
        assert_eq!(taken, 2);
    });
}

/// Room for one record at a time: the second goes around the end, behind padding, over words that were just read.
#[test]
fn wrap() {
    for start in [0, u64::MAX - 3] {
        explore(move || {
            let (mut producer, mut consumer) = join(4, 2, start);
            let writer = thread::spawn(move || {
                producer.push(&[10, 11]).unwrap();
                while !producer.room_for(1) {
                    thread::yield_now();
                }
                producer.push(&[20]).unwrap();
            });
            let mut out = Vec::new();
            while out.len() < 2 {
                if consumer.poll(1, |record| out.push(record.to_vec())) == 0 {
                    thread::yield_now();
                }
            }
            writer.join().unwrap();
            assert_eq!(out, [vec![10, 11], vec![20]]);
        });
    }
}

#[test]
fn peek_and_release() {
    explore(|| {
        let (mut producer, mut consumer) = join(4, 2, 0);
        let writer = thread::spawn(move || {
            let pushed = producer.push(&[10, 11]).is_ok();
            (pushed, producer.push(&[20, 21, 22]).is_err(), producer.push(&[30]).is_ok())
        });
        let first = consumer.peek().map(<[u64]>::to_vec);
        consumer.release();
        let (pushed, refused, third) = writer.join().unwrap();
        assert!(pushed && refused);
        assert!(first.is_none() || first == Some(vec![10, 11]));
        let mut rest = Vec::new();
        consumer.poll(2, |record| rest.push(record[0]));
        let all: Vec<u64> = first.iter().map(|record| record[0]).chain(rest).collect();
        assert_eq!(all, if third { vec![10, 30] } else { vec![10] });
    });
}

/// The end is told only when everything was taken, and either half may go first.
#[test]
fn drop_halves() {
    explore(|| {
        let (mut producer, mut consumer) = join(16, 3, 14);
        let writer = thread::spawn(move || {
            producer.push(&FIRST).unwrap();
            producer.push(&SECOND).unwrap();
        });
        let mut taken = 0;
        take(&mut consumer, &mut taken);
        if consumer.is_closed() {
            assert_eq!(taken, 2);
        }
        drop(consumer);
        writer.join().unwrap();
    });
}
