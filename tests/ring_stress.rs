//! Both rings on real threads: nothing lost, nothing torn, nothing out of order, and every loss told exactly.
//!
//! Owns: the rings under test. Thread: one for each half and reader.
//! Takes and gives: records whose words follow from their number, so that a reader can tell each by itself.
//! Never: a check of speed; counts are bounded, so a run ends whatever the scheduler does.
#![cfg(not(loom))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use meltica::ring::broadcast::{self, Delivery, Lag, Publisher, RECORD_OVERHEAD_WORDS, Reader};
use meltica::ring::spsc::{self, ClaimError};

/// How many words the record with this number has: all lengths up to `max` come up, without a pattern that fits a ring.
fn length(number: u64, max: usize) -> usize {
    (mix(number) % (max as u64 + 1)) as usize
}

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

fn fill(number: u64, words: &mut [u64]) {
    for (i, word) in words.iter_mut().enumerate() {
        *word = mix(number.wrapping_add((i as u64) << 40));
    }
}

fn assert_whole(number: u64, max: usize, words: &[u64]) {
    assert_eq!(words.len(), length(number, max), "length of record {number}");
    for (i, word) in words.iter().enumerate() {
        assert_eq!(*word, mix(number.wrapping_add((i as u64) << 40)), "word {i} of record {number}");
    }
}

/// Puts all records in, in order, some only at the second claim.
fn produce(mut producer: spsc::Producer, records: u64) {
    let max = producer.max_record();
    for number in 0..records {
        if number % 97 == 0 {
            // A claim that is given up must not be seen.
            _ = producer.claim(length(number, max)).map(|mut claim| claim.fill(u64::MAX));
        }
        loop {
            match producer.claim(length(number, max)) {
                Ok(mut claim) => {
                    fill(number, &mut claim);
                    claim.commit();
                    break;
                }
                Err(ClaimError::Full) => thread::yield_now(),
                Err(ClaimError::TooLarge) => panic!("record {number} has a legal length"),
            }
        }
    }
}

#[test]
fn spsc_hands_over_every_record_in_order() {
    const RECORDS: u64 = 400_000;
    for (capacity, start) in [(64, u64::MAX - 1000), (4096, 7)] {
        let (producer, mut consumer) = spsc::channel_starting_at(capacity, start).unwrap();
        let max = producer.max_record();
        let writer = thread::spawn(move || produce(producer, RECORDS));
        let mut next = 0;
        while !consumer.is_closed() {
            let batch = consumer.poll(64, |record| {
                assert_whole(next, max, record);
                next += 1;
            });
            if let Some(record) = consumer.peek() {
                assert_whole(next, max, record);
                consumer.release();
                next += 1;
            } else if batch == 0 {
                thread::yield_now();
            }
        }
        writer.join().unwrap();
        assert_eq!(next, RECORDS);
    }
}

/// What one reader was handed in all.
#[derive(Debug, Default)]
struct Account {
    first: u64,
    next: u64,
    delivered: u64,
    missed: u64,
    lags: u64,
}

impl Account {
    /// Holds a delivery against what must come, and enters it.
    fn enter(&mut self, delivery: Delivery<'_>, max: usize) {
        match delivery {
            Delivery::Record { number, words } => {
                assert_eq!(number, self.next, "in order, without an untold gap");
                assert_whole(number, max, words);
                self.delivered += 1;
                self.next = number + 1;
            }
            Delivery::Lag(Lag { from, to, count }) => {
                assert_eq!((from, count), (self.next, to - from + 1), "told exactly");
                self.missed += count;
                self.lags += 1;
                self.next = to + 1;
            }
        }
    }

    /// Enters up to `limit` deliveries.
    fn poll(&mut self, reader: &mut Reader, max: usize, limit: usize) -> usize {
        reader.poll(limit, |delivery| self.enter(delivery, max))
    }

    fn of(reader: &Reader) -> Account {
        Account { first: reader.next_number(), next: reader.next_number(), ..Account::default() }
    }
}

/// Reads to the end in batches of `limit`, with so many yields after each.
fn follow(mut reader: Reader, max: usize, limit: usize, yields: usize) -> Account {
    let mut account = Account::of(&reader);
    while !reader.is_closed() {
        let handed = account.poll(&mut reader, max, limit);
        (0..yields + usize::from(handed == 0)).for_each(|_| thread::yield_now());
    }
    account
}

fn publish(publisher: &mut Publisher, number: u64, buffer: &mut [u64]) {
    let words = &mut buffer[..length(number, publisher.max_record())];
    fill(number, words);
    let (head, tail) = words.split_at(words.len() / 3);
    assert_eq!(publisher.publish_parts(&[head, tail]), Ok(number));
}

#[test]
fn broadcast_accounts_for_every_record_to_every_reader() {
    const RECORDS: u64 = 300_000;
    for (capacity, start) in [(64, u64::MAX - 1000), (4096, 7)] {
        let (mut publisher, tap) = broadcast::channel_starting_at(capacity, start).unwrap();
        let max = publisher.max_record();
        let slow = tap.reader_at_now();
        let gating = tap.gating_reader(None).unwrap();
        let bounded = tap.gating_reader(Some(capacity)).unwrap();
        let underway = AtomicBool::new(false);
        let accounts = thread::scope(|scope| {
            let slow = scope.spawn(|| follow(slow, max, 3, 40));
            let gating = scope.spawn(|| follow(gating, max, 16, 0));
            let bounded = scope.spawn(|| follow(bounded, max, 16, 1));
            let late = scope.spawn(|| {
                while !underway.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                follow(tap.reader_at_oldest(), max, 16, 0)
            });
            let mut buffer = vec![0; max];
            for number in 0..RECORDS {
                while !publisher.room_for(length(number, max) + RECORD_OVERHEAD_WORDS) {
                    thread::yield_now();
                }
                publish(&mut publisher, number, &mut buffer);
                underway.store(number > RECORDS / 3, Ordering::Release);
            }
            assert!(publisher.demotions() <= 1, "only the bounded reader may be demoted");
            drop(publisher);
            [slow, gating, bounded, late].map(|reader| reader.join().unwrap())
        });
        for account in &accounts {
            println!("capacity {capacity}: {account:?}");
            assert_eq!(account.next, RECORDS);
            assert_eq!(account.delivered + account.missed, RECORDS - account.first);
        }
        let [slow, gating, bounded, late] = accounts;
        assert_eq!((slow.first, bounded.first), (0, 0));
        assert_eq!((gating.delivered, gating.lags), (RECORDS, 0), "a heeded gating reader loses nothing");
        assert!(late.first > 0, "the late reader joined at the oldest whole record");
    }
}

/// No gate, no pause: the producer never waits, readers come and go, and each is told all that it missed.
#[test]
fn broadcast_readers_come_and_go_while_the_producer_runs_free() {
    const RECORDS: u64 = 600_000;
    let (mut publisher, tap) = broadcast::channel(256).unwrap();
    let max = publisher.max_record();
    let joined = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = tap.reader_at_now();
        let lapped = scope.spawn(|| follow(reader, max, 8, 0));
        let churn = scope.spawn(|| {
            let mut joins = 0u64;
            while !tap.reader_at_now().is_closed() {
                let mut reader = match joins % 3 {
                    0 => tap.reader_at_now(),
                    1 => tap.reader_at_oldest(),
                    _ => tap.gating_reader(Some(256)).unwrap(),
                };
                let mut account = Account::of(&reader);
                account.poll(&mut reader, max, 20);
                assert_eq!(reader.next_number(), account.next);
                joins += 1;
                joined.store(true, Ordering::Relaxed);
            }
            joins
        });
        while !joined.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let mut buffer = vec![0; max];
        (0..RECORDS).for_each(|number| publish(&mut publisher, number, &mut buffer));
        drop(publisher);
        let account = lapped.join().unwrap();
        assert_eq!((account.next, account.delivered + account.missed), (RECORDS, RECORDS));
        println!("{account:?}, {} joins", churn.join().unwrap());
    });
}
