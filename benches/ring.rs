//! What a hand-over of a 128-byte record costs: our rings beside rtrb and crossbeam's queue, in one run.
//!
//! Owns: the rings measured. Thread: one, or two for the streams. Takes and gives: times per record, by criterion.
//! Never: a verdict: the box is shared and noisy, so compare by ratios inside one run.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]
#![allow(missing_docs, reason = "criterion's macros make public functions without docs")]

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::Backoff;
use meltica::ring::broadcast::{self, Delivery};
use meltica::ring::spsc;

/// A record of 128 bytes, as small events are.
type Record = [u64; 16];
const RECORD: Record = [7; 16];
/// Records that fit each ring.
const RECORDS: usize = 1024;
/// Words of a ring of ours for so many records and their headers.
const CAPACITY_WORDS: usize = 32 * RECORDS;

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    group
}

/// One record in and out again on the same thread: instructions, no cache line moves.
fn one_thread(criterion: &mut Criterion) {
    let mut group = group(criterion, "spsc one thread");
    let (mut producer, mut consumer) = spsc::channel(CAPACITY_WORDS).unwrap();
    group.bench_function("meltica push, poll", |bencher| {
        bencher.iter(|| {
            producer.push(black_box(&RECORD)).unwrap();
            consumer.poll(1, |record| _ = black_box(record[15]))
        });
    });
    let (mut producer, mut consumer) = spsc::channel(CAPACITY_WORDS).unwrap();
    group.bench_function("meltica push, peek, release", |bencher| {
        bencher.iter(|| {
            producer.push(black_box(&RECORD)).unwrap();
            black_box(consumer.peek().map(|record| record[15]));
            consumer.release();
        });
    });
    let (mut producer, mut consumer) = rtrb::RingBuffer::<Record>::new(RECORDS);
    group.bench_function("rtrb push, pop", |bencher| {
        bencher.iter(|| {
            producer.push(*black_box(&RECORD)).unwrap();
            black_box(consumer.pop().unwrap()[15])
        });
    });
    let queue = ArrayQueue::<Record>::new(RECORDS);
    group.bench_function("crossbeam ArrayQueue push, pop", |bencher| {
        bencher.iter(|| {
            queue.push(*black_box(&RECORD)).unwrap();
            black_box(queue.pop().unwrap()[15])
        });
    });
    group.finish();
}

/// Times a stream of `count` records: `send` tries to put one in, `receive` takes some out and says how many.
fn stream(count: u64, mut send: impl FnMut() -> bool + Send, mut receive: impl FnMut() -> u64) -> Duration {
    let (ready, go) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            ready.store(true, Ordering::Release);
            while !go.load(Ordering::Acquire) {
                spin_loop();
            }
            let (mut sent, backoff) = (0, Backoff::new());
            while sent < count {
                if send() {
                    sent += 1;
                    backoff.reset();
                } else {
                    backoff.snooze();
                }
            }
        });
        while !ready.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let begin = Instant::now();
        go.store(true, Ordering::Release);
        let (mut received, backoff) = (0, Backoff::new());
        while received < count {
            match receive() {
                0 => backoff.snooze(),
                step => {
                    received += step;
                    backoff.reset();
                }
            }
        }
        begin.elapsed()
    })
}

fn two_threads(criterion: &mut Criterion) {
    let mut group = group(criterion, "spsc two threads");
    group.bench_function("meltica", |bencher| {
        bencher.iter_custom(|count| {
            let (mut producer, mut consumer) = spsc::channel(CAPACITY_WORDS).unwrap();
            stream(
                count,
                || producer.push(&RECORD).is_ok(),
                || consumer.poll(64, |record| _ = black_box(record[15])) as u64,
            )
        });
    });
    group.bench_function("rtrb", |bencher| {
        bencher.iter_custom(|count| {
            let (mut producer, mut consumer) = rtrb::RingBuffer::<Record>::new(RECORDS);
            stream(
                count,
                || producer.push(RECORD).is_ok(),
                || consumer.pop().map_or(0, |record| black_box(record[15]).min(1)),
            )
        });
    });
    group.bench_function("crossbeam ArrayQueue", |bencher| {
        bencher.iter_custom(|count| {
            let queue = ArrayQueue::<Record>::new(RECORDS);
            stream(
                count,
                || queue.push(RECORD).is_ok(),
                || queue.pop().map_or(0, |record| black_box(record[15]).min(1)),
            )
        });
    });
    group.finish();
}

/// What one publication costs the producer while so many readers poll as fast as they can, and with one gate.
fn publish(criterion: &mut Criterion) {
    let mut group = group(criterion, "broadcast publish");
    for readers in [0, 1, 3] {
        group.bench_function(format!("{readers} readers"), |bencher| {
            let (mut publisher, tap) = broadcast::channel(CAPACITY_WORDS).unwrap();
            thread::scope(|scope| {
                for _ in 0..readers {
                    let mut reader = tap.reader_at_now();
                    scope.spawn(move || {
                        while !reader.is_closed() {
                            if reader.poll(64, |delivery| _ = black_box(matches!(delivery, Delivery::Lag(_)))) == 0 {
                                thread::yield_now();
                            }
                        }
                    });
                }
                bencher.iter(|| publisher.publish(black_box(&RECORD)));
                drop(publisher);
            });
        });
    }
    let (mut publisher, tap) = broadcast::channel(CAPACITY_WORDS).unwrap();
    let mut reader = tap.gating_reader(None).unwrap();
    group.bench_function("and polled by a gating reader, one thread", |bencher| {
        bencher.iter(|| {
            assert!(publisher.room_for(18));
            publisher.publish(black_box(&RECORD)).unwrap();
            reader.poll(1, |delivery| _ = black_box(matches!(delivery, Delivery::Lag(_))))
        });
    });
    group.finish();
}

criterion_group!(benches, one_thread, two_threads, publish);
criterion_main!(benches);
