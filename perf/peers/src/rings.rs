//! Purpose: the ring cells: records of 128 bytes through our rings, rtrb, crossbeam's channel and disruptor.
//! Owns: nothing. Thread: main, and those of a stream. Takes and gives: cells out.
//! Never: gives one ring another size, another record or another wait than the next.

use std::hint::black_box;

use disruptor::{Polling, Producer as _, build_single_producer};
use meltica::ring::broadcast::{self, Delivery};
use meltica::ring::spsc;

use crate::measure::{Run, thread_ns};
use crate::threads::{Spent, stream};

/// A record, as small events are.
type Record = [u64; 16];
const RECORD: Record = [7; 16];
/// Records that fit each ring.
const RECORDS: usize = 1024;
/// Words of our rings, a power of two: 910 records and their headers, rather fewer than the others have room for.
const CAPACITY_WORDS: usize = 16 * RECORDS;
/// Words of a record in our rings.
const WORDS: usize = 18;
/// Records of a stream.
const STREAM: u64 = 200_000;
/// The most records a reader takes at a step.
const STEP: usize = 64;
/// Steps of a turn on one thread.
const TURNS: usize = 500;

/// Adds all of them.
pub(crate) fn add(run: &mut Run) {
    one_thread(run);
    two_threads(run);
    three_readers(run);
    three_readers_in_turn(run);
    publish(run);
}

fn one_thread(run: &mut Run) {
    let mut add = |name: &str, round| run.add_round(format!("spsc, one thread/{name}"), None, round);
    let (mut producer, mut consumer) = spsc::channel(CAPACITY_WORDS).unwrap();
    add(
        "meltica",
        Box::new(move || {
            producer.push(black_box(&RECORD)).unwrap();
            consumer.poll(1, |record| _ = black_box(record[15]));
        }),
    );
    let (mut producer, mut consumer) = rtrb::RingBuffer::<Record>::new(RECORDS);
    add(
        "rtrb",
        Box::new(move || {
            producer.push(*black_box(&RECORD)).unwrap();
            black_box(consumer.pop().unwrap()[15]);
        }),
    );
    let (sender, receiver) = crossbeam_channel::bounded::<Record>(RECORDS);
    add(
        "crossbeam-channel",
        Box::new(move || {
            sender.try_send(*black_box(&RECORD)).unwrap();
            black_box(receiver.try_recv().unwrap()[15]);
        }),
    );
}

fn two_threads(run: &mut Run) {
    let mut add = |name: &str, turn: fn() -> Spent| {
        run.add(format!("spsc, two threads/{name}"), None, move || turn().wall);
    };
    add("meltica", || {
        let (mut producer, mut consumer) = spsc::channel(CAPACITY_WORDS).unwrap();
        let receive = move || consumer.poll(STEP, |record| _ = black_box(record[15])) as u64;
        stream(STREAM, move || producer.push(&RECORD).is_ok(), vec![receive])
    });
    add("rtrb", || {
        let (mut producer, mut consumer) = rtrb::RingBuffer::<Record>::new(RECORDS);
        let receive = move || consumer.pop().map_or(0, |record| black_box(record[15]).min(1));
        stream(STREAM, move || producer.push(RECORD).is_ok(), vec![receive])
    });
    add("rtrb, chunks", || {
        let (mut producer, mut consumer) = rtrb::RingBuffer::<Record>::new(RECORDS);
        stream(STREAM, move || producer.push(RECORD).is_ok(), vec![move || chunk(&mut consumer)])
    });
    add("crossbeam-channel", || {
        let (sender, receiver) = crossbeam_channel::bounded::<Record>(RECORDS);
        let receive = move || receiver.try_recv().map_or(0, |record| black_box(record[15]).min(1));
        stream(STREAM, move || sender.try_send(RECORD).is_ok(), vec![receive])
    });
    add("disruptor", || {
        let builder = build_single_producer(RECORDS, || RECORD, disruptor::BusySpin);
        let (mut poller, builder) = builder.new_event_poller();
        let mut producer = builder.build();
        let receive = move || match poller.take(STEP as u64) {
            Ok(mut events) => (&mut events).map(|record| black_box(record[15]).min(1)).sum(),
            Err(Polling::NoEvents | Polling::Shutdown) => 0,
        };
        stream(STREAM, move || producer.try_publish(|record| *record = RECORD).is_ok(), vec![receive])
    });
}

/// All of a chunk, read in place.
fn chunk(consumer: &mut rtrb::Consumer<Record>) -> u64 {
    let count = consumer.slots().min(STEP);
    let Ok(chunk) = consumer.read_chunk(count) else { return 0 };
    let (first, second) = chunk.as_slices();
    for record in first.iter().chain(second) {
        black_box(record[15]);
    }
    chunk.commit_all();
    count as u64
}

/// Three rings, a reader each.
fn three_rtrb() -> (Vec<rtrb::Producer<Record>>, Vec<rtrb::Consumer<Record>>) {
    (0..3).map(|_| rtrb::RingBuffer::new(RECORDS)).unzip()
}

/// Sends a record to all three, when all have room.
fn to_all(mut producers: Vec<rtrb::Producer<Record>>) -> impl FnMut() -> bool {
    move || {
        let room = producers.iter().all(|producer| producer.slots() > 0);
        room && producers.iter_mut().all(|producer| producer.push(RECORD).is_ok())
    }
}

/// Every record to three readers who miss none: processor time of all four threads.
fn three_readers(run: &mut Run) {
    let mut add = |name: &str, turn: fn() -> Spent| {
        run.add(format!("three readers/{name}"), None, move || turn().all);
    };
    add("meltica, lossless", || broadcast_to(3, true));
    add("meltica", || broadcast_to(3, false));
    add("three rtrb rings", || {
        let (producers, consumers) = three_rtrb();
        let readers = consumers
            .into_iter()
            .map(|mut consumer| move || consumer.pop().map_or(0, |record| black_box(record[15]).min(1)))
            .collect();
        stream(STREAM, to_all(producers), readers)
    });
    add("three rtrb rings, chunks", || {
        let (producers, consumers) = three_rtrb();
        let readers = consumers.into_iter().map(|mut consumer| move || chunk(&mut consumer)).collect();
        stream(STREAM, to_all(producers), readers)
    });
    add("disruptor", || {
        let builder = build_single_producer(RECORDS, || RECORD, disruptor::BusySpin).with_multi_consumer();
        let (first, builder) = builder.new_event_poller();
        let (second, builder) = builder.new_event_poller();
        let (third, builder) = builder.new_event_poller();
        let mut producer = builder.build();
        let readers = [first, second, third].into_iter().map(|mut poller| {
            move || match poller.take(STEP as u64) {
                Ok(mut events) => (&mut events).map(|record| black_box(record[15]).min(1)).sum(),
                Err(Polling::NoEvents | Polling::Shutdown) => 0,
            }
        });
        stream(STREAM, move || producer.try_publish(|record| *record = RECORD).is_ok(), readers.collect())
    });
}

/// The same work without the waiting: one thread sends 64 records, then reads them three times.
fn three_readers_in_turn(run: &mut Run) {
    let mut add = |name: &str, mut turn: Box<dyn FnMut()>| {
        let mut round = move || {
            for _ in 0..TURNS {
                turn();
            }
        };
        run.add(format!("three readers, in turn/{name}"), None, move || {
            round();
            let before = thread_ns();
            round();
            (thread_ns() - before) as f64 / (TURNS * STEP) as f64
        });
    };
    let (mut publisher, tap) = broadcast::channel(CAPACITY_WORDS).unwrap();
    let mut readers: Vec<_> = (0..3).map(|_| tap.gating_reader(None).unwrap()).collect();
    add(
        "meltica, lossless",
        Box::new(move || {
            for _ in 0..STEP {
                assert!(publisher.room_for(WORDS));
                publisher.publish(black_box(&RECORD)).unwrap();
            }
            for reader in &mut readers {
                let seen = reader.poll(STEP, |delivery| _ = black_box(matches!(delivery, Delivery::Lag(_))));
                assert_eq!(seen, STEP);
            }
        }),
    );
    let (mut producers, mut consumers) = three_rtrb();
    add(
        "three rtrb rings",
        Box::new(move || {
            for _ in 0..STEP {
                producers.iter_mut().for_each(|producer| producer.push(*black_box(&RECORD)).unwrap());
            }
            for consumer in &mut consumers {
                for _ in 0..STEP {
                    black_box(consumer.pop().unwrap()[15]);
                }
            }
        }),
    );
    let (mut producers, mut consumers) = three_rtrb();
    add(
        "three rtrb rings, chunks",
        Box::new(move || {
            for _ in 0..STEP {
                producers.iter_mut().for_each(|producer| producer.push(*black_box(&RECORD)).unwrap());
            }
            consumers.iter_mut().for_each(|consumer| assert_eq!(chunk(consumer), STEP as u64));
        }),
    );
}

/// What a publication costs the publisher, while so many readers poll whom it never waits for.
fn publish(run: &mut Run) {
    for readers in [0, 1, 3] {
        run.add(format!("publish/{readers} readers"), None, move || broadcast_to(readers, false).sender);
    }
}

fn broadcast_to(readers: usize, lossless: bool) -> Spent {
    let (mut publisher, tap) = broadcast::channel(CAPACITY_WORDS).unwrap();
    let readers = (0..readers)
        .map(|_| if lossless { tap.gating_reader(None).unwrap() } else { tap.reader_at_now() })
        .map(|mut reader| {
            move || {
                let mut seen = 0;
                reader.poll(STEP, |delivery| match delivery {
                    Delivery::Record { words, .. } => seen += black_box(words[15]).min(1),
                    Delivery::Lag(lag) => seen += lag.count,
                });
                seen
            }
        })
        .collect();
    let send = move || {
        let room = !lossless || publisher.room_for(WORDS);
        room && publisher.publish(black_box(&RECORD)).is_ok()
    };
    stream(STREAM, send, readers)
}
