//! Real threads on one store: writers that put, swap and sweep, and readers; every call recorded, then checked.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use meltica::schema::id::{InstrumentId, Market, TypeId};
use meltica::snapshot::{
    Freshness, Key, MemoryStore, RecordBuf, RecordRef, Store, StoreError, StoreOptions, Sweeper, Unavailable,
};

use crate::history::{Did, Event, check};

const KEYS: u32 = 2;
const WRITERS: u64 = 3;
const READERS: u64 = 2;
const WRITES: u64 = 20_000;
const TTL: Duration = Duration::from_nanos(10);

/// The order of calls and returns over all threads.
#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    /// AcqRel, partner itself: whose number is lower happens before, so that the history's order is a promise to keep.
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel)
    }
}

/// A generator of decisions (xorshift), so that a failure's seed can be run again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

type Histories = Vec<Vec<Event>>;

fn key(instrument: usize) -> Key {
    Key::new(Market::BinanceSpot, InstrumentId(instrument as u32), TypeId(0))
}

/// Words that no other write has, each bound to its place: a mixture of two writes shows. Sizes cross size classes.
fn fill(data: &mut Vec<u64>, writer: u64, write: u64, words: u64) {
    data.clear();
    let mark = writer << 32 | write;
    data.extend((0..words).map(|at| mark ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
}

fn assert_whole(data: &[u64]) {
    if let Some(mark) = data.first() {
        for (word, at) in data.iter().zip(0_u64..) {
            assert_eq!(*word, mark ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15), "torn at word {at} of {}", data.len());
        }
    }
}

/// Runs one call and records what it did; a refusal for want of a turn, or an outrun reader's, did nothing.
fn record(clock: &Clock, history: &mut Vec<Event>, call: impl FnOnce() -> Option<Did>) {
    let called = clock.tick();
    if let Some(did) = call() {
        history.push(Event { called, returned: clock.tick(), did });
    }
}

fn refusal(error: StoreError) -> Option<Did> {
    match error {
        StoreError::NotFound { .. } => Some(Did::Absent),
        StoreError::Conflict { expected, actual, .. } => Some(Did::Conflict { previous: expected, actual }),
        StoreError::Unavailable { reason: Unavailable::WriterBusy { .. } | Unavailable::Outrun { .. }, .. } => None,
        StoreError::Unavailable { .. } => panic!("{error}"),
    }
}

/// Puts and swaps; once in `sweep_every` writes (0: never) it sweeps, so that expiry comes amid the others' calls.
fn write(store: &MemoryStore, clock: &Clock, writer: u64, writes: u64, sweep_every: u64) -> Histories {
    let mut sweeper = Sweeper::new(store.clone());
    let mut histories = vec![Vec::new(); KEYS as usize];
    let mut dice = Dice(0x5eed + writer);
    let mut seen = [0; KEYS as usize];
    let mut data = Vec::new();
    for at in 0..writes {
        if sweep_every > 0 && dice.below(sweep_every) == 0 {
            sweep(&mut sweeper, clock, &mut histories);
        }
        if dice.below(8) == 0 {
            thread::yield_now();
        }
        let which = dice.below(u64::from(KEYS)) as usize;
        let words = if dice.below(16) == 0 { 1 + dice.below(400) } else { 1 + dice.below(40) };
        fill(&mut data, writer, at, words);
        let new = RecordRef::new(key(which), at, 0, &data).with_ttl(TTL);
        let previous = seen[which];
        let swaps = dice.below(3) > 0;
        record(clock, &mut histories[which], || {
            let result = if swaps { store.compare_and_swap(previous, new) } else { store.put(new) };
            seen[which] = match result {
                Ok(version) => version,
                Err(StoreError::Conflict { actual, .. }) => actual,
                Err(_) => 0,
            };
            match result {
                Ok(version) if swaps => Some(Did::Swap { previous, version, data: data.clone() }),
                Ok(version) => Some(Did::Put { version, data: data.clone() }),
                Err(error) => refusal(error),
            }
        });
    }
    histories
}

/// Reads into one buffer until the writers are done. A last good answer is whole and was current once, which is all
/// that it says: it is checked here and takes no part in the history.
fn read(store: &MemoryStore, clock: &Clock, reader: u64, writing: &AtomicU64) -> Histories {
    let mut histories = vec![Vec::new(); KEYS as usize];
    let mut dice = Dice(0xbeef + reader);
    let mut buf = RecordBuf::new();
    let mut calls = 0;
    // Acquire, partner: Release where a writer is done. The bounds keep the history small, and not empty.
    while calls < 100 || (calls < 200_000 && writing.load(Ordering::Acquire) > 0) {
        calls += 1;
        let which = dice.below(u64::from(KEYS)) as usize;
        record(clock, &mut histories[which], || match store.get_into(key(which), &mut buf) {
            Ok(meta) => {
                assert_whole(buf.data());
                (meta.freshness == Freshness::Current)
                    .then(|| Did::Get { version: meta.version, data: buf.data().to_vec() })
            }
            Err(error) => refusal(error),
        });
    }
    histories
}

/// Takes away whatever no writer is at: to these records any time is too old.
fn sweep(sweeper: &mut Sweeper, clock: &Clock, histories: &mut Histories) {
    let called = clock.tick();
    sweeper.sweep_each(TTL.as_nanos() as i64, &|_| false, &mut |key, version| {
        let did = Did::Expire { version };
        histories[key.instrument.0 as usize].push(Event { called, returned: clock.tick(), did });
    });
}

/// Runs the threads and gives each key's history, those of all threads together.
fn run(store: &MemoryStore, sweep_every: u64) -> Histories {
    let clock = Clock::default();
    let writing = AtomicU64::new(WRITERS);
    let start = Barrier::new((READERS + WRITERS) as usize);
    let (clock, writing, start) = (&clock, &writing, &start);
    thread::scope(|scope| {
        let readers = (0..READERS).map(|at| {
            scope.spawn(move || {
                start.wait();
                read(store, clock, at, writing)
            })
        });
        let mut threads: Vec<_> = readers.collect();
        threads.extend((0..WRITERS).map(|at| {
            scope.spawn(move || {
                start.wait();
                let histories = write(store, clock, at, WRITES, sweep_every);
                // Release, partner: Acquire in `read`.
                writing.fetch_sub(1, Ordering::Release);
                histories
            })
        }));
        let mut all = vec![Vec::new(); KEYS as usize];
        for thread in threads {
            for (key, events) in thread.join().expect("a thread of the test broke").into_iter().enumerate() {
                all[key].extend(events);
            }
        }
        all
    })
}

fn run_and_check(options: StoreOptions, sweep_every: u64) {
    let store = MemoryStore::new(StoreOptions { keys_max: KEYS as usize, ..options });
    for (which, history) in run(&store, sweep_every).iter().enumerate() {
        let versions = check(history).unwrap_or_else(|error| panic!("key {which}: {error}"));
        let last = store.put(RecordRef::new(key(which), 0, 0, &[]));
        assert_eq!(last, Ok(versions + 1), "key {which}: the history has every write");
        let count = |wanted: fn(&Did) -> bool| history.iter().filter(|event| wanted(&event.did)).count();
        let puts = count(|did| matches!(did, Did::Put { .. }));
        let swaps = count(|did| matches!(did, Did::Swap { .. }));
        let conflicts = count(|did| matches!(did, Did::Conflict { .. }));
        let gets = count(|did| matches!(did, Did::Get { .. }));
        let absent = count(|did| matches!(did, Did::Absent));
        let expired = count(|did| matches!(did, Did::Expire { .. }));
        println!(
            "key {which}: {puts} puts {swaps} swaps {conflicts} conflicts {gets} gets {absent} absent {expired} expired"
        );
        assert!(puts > 0 && swaps > 0 && conflicts > 0 && gets > 0, "key {which}: every kind of call took part");
        assert_eq!(expired > 0, sweep_every > 0, "key {which}: the sweepers took part");
    }
}

#[test]
fn many_writers_and_readers_make_a_linearisable_history() {
    run_and_check(StoreOptions::default(), 0);
}

#[test]
fn so_they_do_when_records_expire_under_them() {
    run_and_check(StoreOptions::default(), 20);
}

#[test]
fn so_they_do_when_nobody_tries_twice() {
    run_and_check(StoreOptions { reader_retries: 1, writer_spins: 1, ..StoreOptions::default() }, 20);
}
