//! The steady state of the snapshot store allocates nothing: counted on the calling thread by the allocator itself.

#[path = "support/allocations.rs"]
mod allocations;

use meltica::schema::id::{InstrumentId, Market, TypeId};
use meltica::snapshot::{Key, MemoryStore, RecordBuf, RecordRef, Store, StoreOptions};

fn allocations_of(work: impl FnOnce()) -> u64 {
    let before = allocations::made();
    work();
    allocations::made() - before
}

#[test]
fn the_count_sees_an_allocation() {
    assert_eq!(allocations_of(|| drop(std::hint::black_box(Box::new(1_u64)))), 1);
}

#[test]
fn puts_swaps_reads_and_refusals_after_warm_up_allocate_nothing() {
    let store = MemoryStore::new(StoreOptions { keys_max: 4, ..StoreOptions::default() });
    let key = |at| Key::new(Market::BinanceUsdm, InstrumentId(at), TypeId(2));
    for words in [40, 40_000] {
        let data = vec![3; words];
        let record = |seq| RecordRef::new(key(words as u32), seq, 0, &data);
        let mut buf = RecordBuf::with_capacity(words);
        let first = allocations_of(|| assert_eq!(store.put(record(0)), Ok(1)));
        assert!(first > 0, "the first put takes memory");
        let entry = store.entry(key(words as u32)).unwrap();
        let steady = allocations_of(|| {
            for round in 1..100 {
                assert_eq!(store.put(record(round)), Ok(2 * round));
                assert_eq!(store.get_into(key(words as u32), &mut buf).unwrap().version, 2 * round);
                assert_eq!(entry.compare_and_swap(2 * round, record(round).update), Ok(2 * round + 1));
                assert_eq!(entry.get_into(&mut buf).unwrap().seq, round);
                assert!(store.compare_and_swap(1, record(round)).is_err());
                assert!(store.get_into(key(9), &mut buf).is_err());
            }
        });
        assert_eq!(steady, 0, "records of {words} words");
    }
}
