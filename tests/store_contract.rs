//! The contract of the snapshot store on one thread: versions, errors, expiry, growth, last good.

use std::time::Duration;

use meltica::schema::id::{InstrumentId, Market, TypeId};
use meltica::snapshot::{
    Freshness, Key, MemoryStore, RecordBuf, RecordRef, Store, StoreError, StoreOptions, SweepReport, Sweeper,
    Unavailable, Update,
};

const DATA: [u64; 3] = [10, 20, 30];
const TTL: Duration = Duration::from_secs(1);
const EXPIRED_AT: i64 = 1_000_000_000;

fn key(instrument: u32) -> Key {
    Key::new(Market::BinanceSpot, InstrumentId(instrument), TypeId(1))
}

fn record(seq: u64) -> RecordRef<'static> {
    RecordRef::new(key(1), seq, 0, &DATA)
}

fn store() -> MemoryStore {
    MemoryStore::new(StoreOptions { keys_max: 8, ..StoreOptions::default() })
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Put,
    /// From this version.
    Swap(u64),
    /// The sweeper comes after the time to live.
    Expire,
    Get,
}

/// A version, or the code of an error with the actual version of a conflict.
type Answer = Result<u64, (&'static str, u64)>;

const NOT_FOUND: Answer = Err(("snapshot/not-found", 0));
const fn conflict(actual: u64) -> Answer {
    Err(("snapshot/conflict", actual))
}

fn answer(result: Result<u64, StoreError>) -> Answer {
    result.map_err(|error| match error {
        StoreError::Conflict { actual, .. } => (error.code(), actual),
        _ => (error.code(), 0),
    })
}

#[test]
fn each_history_gives_the_versions_and_errors_of_the_contract() {
    use Step::{Expire, Get, Put, Swap};
    let cases: &[(&str, &[(Step, Answer)])] = &[
        ("nothing is there at first", &[(Get, NOT_FOUND), (Swap(1), NOT_FOUND), (Get, NOT_FOUND)]),
        ("the first put is version 1", &[(Put, Ok(1)), (Get, Ok(1)), (Put, Ok(2)), (Get, Ok(2))]),
        ("a swap from 0 creates", &[(Swap(0), Ok(1)), (Get, Ok(1)), (Swap(0), conflict(1))]),
        ("a swap from the latest wins", &[(Put, Ok(1)), (Swap(1), Ok(2)), (Swap(2), Ok(3)), (Get, Ok(3))]),
        ("a swap from an older one loses", &[(Put, Ok(1)), (Put, Ok(2)), (Swap(1), conflict(2)), (Get, Ok(2))]),
        ("a swap from the future loses", &[(Put, Ok(1)), (Swap(2), conflict(1)), (Swap(u64::MAX), conflict(1))]),
        ("an expired record is not found", &[(Put, Ok(1)), (Expire, Ok(1)), (Get, NOT_FOUND)]),
        ("a version lives on over expiry", &[(Put, Ok(1)), (Expire, Ok(1)), (Put, Ok(2)), (Get, Ok(2))]),
        (
            "no old version wins after expiry",
            &[
                (Put, Ok(1)),
                (Expire, Ok(1)),
                (Swap(1), NOT_FOUND),
                (Swap(0), Ok(2)),
                (Swap(1), conflict(2)),
                (Swap(2), Ok(3)),
            ],
        ),
        ("expiry comes once a record", &[(Put, Ok(1)), (Expire, Ok(1)), (Expire, NOT_FOUND), (Get, NOT_FOUND)]),
    ];
    for by_entry in [false, true] {
        for (promise, steps) in cases {
            let store = store();
            let mut sweeper = Sweeper::new(store.clone());
            let entry = store.entry(key(1)).unwrap();
            for (at, (step, expected)) in steps.iter().enumerate() {
                let record = record(at as u64).with_ttl(TTL);
                let mut buf = RecordBuf::new();
                let given = match (*step, by_entry) {
                    (Put, false) => store.put(record),
                    (Put, true) => entry.put(record.update),
                    (Swap(version), false) => store.compare_and_swap(version, record),
                    (Swap(version), true) => entry.compare_and_swap(version, record.update),
                    (Get, false) => store.get(key(1)).map(|record| record.version),
                    (Get, true) => entry.get_into(&mut buf).map(|meta| meta.version),
                    (Expire, _) => {
                        let mut taken = Err(StoreError::NotFound { key: key(1) });
                        sweeper.sweep_each(EXPIRED_AT, &|_| false, &mut |_, version| taken = Ok(version));
                        taken
                    }
                };
                assert_eq!(answer(given), *expected, "{promise}: step {at} {step:?} by entry: {by_entry}");
            }
        }
    }
}

#[test]
fn a_record_reads_as_it_was_put() {
    let long: Vec<u64> = (0..1_000).collect();
    let updates = [
        Update { seq: 1, updated_at: 0, ttl: None, data: &[] },
        Update { seq: u64::MAX, updated_at: i64::MIN, ttl: Some(Duration::ZERO), data: &[u64::MAX] },
        Update { seq: 0, updated_at: i64::MAX, ttl: Some(TTL), data: &long },
        Update { seq: 5, updated_at: -1, ttl: None, data: &DATA },
    ];
    let store = store();
    let mut buf = RecordBuf::new();
    for (at, update) in updates.into_iter().enumerate() {
        let version = store.put(RecordRef { key: key(1), update }).unwrap();
        let read = store.get(key(1)).unwrap();
        let meta = store.get_into(key(1), &mut buf).unwrap();
        assert_eq!(version, at as u64 + 1);
        assert_eq!((read.seq, read.version, read.updated_at), (update.seq, version, update.updated_at));
        assert_eq!((read.ttl, read.data.as_slice()), (update.ttl, update.data));
        assert_eq!((meta.freshness, buf.data()), (Freshness::Current, update.data));
        assert_eq!(buf.to_record(), Some(read));
    }
}

#[test]
fn keys_do_not_meet() {
    let store = MemoryStore::new(StoreOptions { keys_max: 400, ..StoreOptions::default() });
    let keys: Vec<Key> = Market::ALL
        .into_iter()
        .flat_map(|market| (0..20).map(move |i| (market, InstrumentId(i * 0x0100_0000))))
        .flat_map(|(market, instrument)| (0..10).map(move |t| Key::new(market, instrument, TypeId(t << 8))))
        .collect();
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(store.put(RecordRef::new(*key, 0, 0, &[at as u64])), Ok(1));
    }
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(store.get(*key).unwrap().data, [at as u64]);
    }
    assert_eq!(store.stats().keys, 400);
}

#[test]
fn what_the_store_cannot_take_is_unavailable_and_changes_nothing() {
    let store = MemoryStore::new(StoreOptions { keys_max: 2, record_words_max: 4, ..StoreOptions::default() });
    let unavailable = |at: u32, reason| Err(StoreError::Unavailable { key: key(at), reason });
    let full = Unavailable::Full { keys_max: 2 };
    let too_large = Unavailable::TooLarge { words: 5, words_max: 4 };
    let put = |at: u32, words: &[u64]| store.put(RecordRef::new(key(at), 0, 0, words));
    let swap = |at: u32, words: &[u64]| store.compare_and_swap(0, RecordRef::new(key(at), 0, 0, words));
    assert_eq!(put(1, &[0; 5]), unavailable(1, too_large));
    assert_eq!(swap(1, &[0; 5]), unavailable(1, too_large));
    assert_eq!(store.stats().keys, 0, "a refused record takes no key's place");
    assert_eq!(put(1, &[0; 4]), Ok(1));
    assert_eq!(swap(2, &[0; 4]), Ok(1));
    assert_eq!(put(3, &[0]), unavailable(3, full));
    assert_eq!(swap(3, &[0]), unavailable(3, full));
    assert_eq!(store.entry(key(3)).map(|entry| entry.key()), unavailable(3, full).map(|_: u64| key(3)));
    assert_eq!(put(1, &[0; 5]), unavailable(1, too_large));
    assert_eq!((put(1, &[1]), put(2, &[1])), (Ok(2), Ok(2)), "known keys go on");
}

#[test]
fn a_whole_book_fits_by_default_and_growth_is_counted_once_a_size() {
    let store = store();
    let book = vec![7; 2 * 10_000 * 2];
    assert_eq!(store.stats().growths, 0);
    for (words, growths) in
        [(40, 1), (48, 1), (60, 1), (61, 2), (40, 2), (book.len(), 3), (book.len() + 500, 3), (1, 3)]
    {
        let data: Vec<u64> = (0..words as u64).collect();
        store.put(RecordRef::new(key(1), 0, 0, &data)).unwrap();
        assert_eq!(store.get(key(1)).unwrap().data, data);
        assert_eq!(store.stats().growths, growths, "{words} words");
    }
}

#[test]
fn the_largest_record_of_the_largest_bound_fits() {
    let store = MemoryStore::new(StoreOptions { record_words_max: usize::MAX, ..StoreOptions::default() });
    let words_max = store.options().record_words_max;
    let mut data = vec![1; words_max];
    assert_eq!(store.put(RecordRef::new(key(1), 0, 0, &data)), Ok(1));
    assert_eq!(store.get(key(1)).unwrap().data, data);
    data.push(1);
    let error = store.put(RecordRef::new(key(1), 0, 0, &data)).unwrap_err();
    assert_eq!(error.code(), "snapshot/unavailable");
    assert_eq!(store.get(key(1)).unwrap().version, 1);
}

#[test]
fn a_buffer_is_empty_after_an_error() {
    let store = store();
    let mut buf = RecordBuf::new();
    store.put(record(1)).unwrap();
    store.get_into(key(1), &mut buf).unwrap();
    assert_eq!(buf.data(), DATA);
    assert_eq!(store.get_into(key(2), &mut buf), Err(StoreError::NotFound { key: key(2) }));
    assert_eq!((buf.meta(), buf.data(), buf.to_record()), (None, &[][..], None));
}

#[test]
fn the_sweeper_takes_only_what_is_old_has_a_time_to_live_and_is_not_wanted() {
    let store = store();
    let put = |at: u32, ttl: Option<Duration>| {
        store.put(RecordRef { key: key(at), update: Update { seq: 1, updated_at: 0, ttl, data: &DATA } }).unwrap()
    };
    put(1, Some(TTL));
    put(2, None);
    put(3, Some(TTL));
    put(4, Some(TTL * 10));
    store.entry(key(5)).unwrap();
    let mut sweeper = Sweeper::new(store.clone());
    let wanted = |key: &Key| key.instrument == InstrumentId(3);
    let early = SweepReport { young: 2, without_ttl: 1, wanted: 1, absent: 1, round_ended: true, ..Default::default() };
    assert_eq!(sweeper.sweep(EXPIRED_AT - 1, &wanted), early);
    let report = SweepReport { expired: 1, young: 1, ..early };
    assert_eq!(sweeper.sweep(EXPIRED_AT, &wanted), report);
    assert_eq!(store.get(key(1)).map(|record| record.version), Err(StoreError::NotFound { key: key(1) }));
    assert!([2, 3, 4].iter().all(|at| store.get(key(*at)).is_ok()));
    let late = SweepReport { expired: 2, without_ttl: 1, absent: 2, round_ended: true, ..Default::default() };
    assert_eq!(sweeper.sweep(i64::MAX, &|_| false), late, "no longer wanted: taken");
}

#[test]
fn a_sweep_in_parts_visits_every_key_once_a_round() {
    let store = MemoryStore::new(StoreOptions { keys_max: 50, ..StoreOptions::default() });
    for at in 0..50 {
        store.put(RecordRef::new(key(at), 0, 0, &DATA).with_ttl(TTL)).unwrap();
    }
    let mut sweeper = Sweeper::new(store.clone()).with_places_per_sweep(7);
    for _ in 0..2 {
        let mut seen = 0;
        loop {
            let report = sweeper.sweep(0, &|_| false);
            seen += report.young;
            assert!(report.young <= 7);
            if report.round_ended {
                break;
            }
        }
        assert_eq!(seen, 50);
    }
}

#[test]
fn an_entry_tells_the_latest_version_and_lives_over_expiry() {
    let store = store();
    let entry = store.entry(key(1)).unwrap();
    assert_eq!(entry.version(), 0);
    entry.put(record(1).with_ttl(TTL).update).unwrap();
    assert_eq!(entry.version(), 1);
    Sweeper::new(store.clone()).sweep(EXPIRED_AT, &|_| false);
    assert_eq!(entry.version(), 0);
    store.put(record(2)).unwrap();
    assert_eq!(entry.version(), 2);
}
