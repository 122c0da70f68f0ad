//! Purpose: holds the sequencer's writes to the store to their promises when the store does not oblige. Owns: nothing.
//! Thread: a test's. Takes and gives: events. Never: part of a build that ships.

use crate::ring::broadcast::channel;
use crate::schema::canonical_type::builtin;
use crate::schema::event::flag;
use crate::schema::id::InstrumentId;
use crate::schema::payload::BookReference;
use crate::schema::stage::Publish;
use crate::snapshot::{Key, MemoryStore, Meta, Record, RecordBuf, RecordRef, Store, StoreError, StoreOptions};
use crate::telemetry::{Clock, Counter, Ledger};

use super::fan_out::DataBus;
use super::fixture::*;
use super::sequencer::{Sequencer, SequencerOptions};
use super::shelf::ByKey;

const NONE: InstrumentId = InstrumentId::NONE;

#[test]
fn what_the_store_refuses_goes_out_all_the_same_and_says_so() {
    let full = MemoryStore::new(StoreOptions { keys_max: 1, record_words_max: 64, ..StoreOptions::default() });
    let (mut sequencer, bus, ledger, _) = sequencer(full, 1 << 12);
    let mut subscription = everything(&bus);
    sequencer.publish_stored(&mut trade(BTC, builtin::ANALYTICS_FUSED));
    // No place for another key, no room for a record of this size, no market to file it under.
    sequencer.publish_stored(&mut trade(ETH, builtin::ANALYTICS_FUSED));
    sequencer.publish_stored(&mut trade(ETH, builtin::ANALYTICS_FUSED));
    let mut large = delta(BTC, 0, 100);
    large.header_mut().type_id = builtin::ANALYTICS_FUSED.0;
    sequencer.publish_stored(&mut large);
    sequencer.publish_stored(&mut trade(NONE, builtin::ANALYTICS_FUSED));
    let (mut reference, mut whole) = book(ETH, 0, 1);
    reference.payload_mut::<BookReference>().unwrap().store_version = 77;
    sequencer.publish_book(&mut reference, &mut whole);
    let got = events(&mut subscription);
    let unstored: Vec<_> = got.iter().map(|e| e.read().header().flags & flag::NOT_STORED != 0).collect();
    assert_eq!(unstored, [false, true, true, true, true, true]);
    assert_eq!(got[5].read().payload::<BookReference>().unwrap().store_version, 0);
    assert_eq!(ledger.total(Counter::StoreRefused), 5);
}

/// A store into which another writer puts before each of the first swaps.
struct Meddler {
    store: MemoryStore,
    left: std::sync::atomic::AtomicU32,
}

impl Store for Meddler {
    fn get(&self, key: Key) -> Result<Record, StoreError> {
        self.store.get(key)
    }

    fn get_into(&self, key: Key, buf: &mut RecordBuf) -> Result<Meta, StoreError> {
        self.store.get_into(key, buf)
    }

    fn put(&self, record: RecordRef<'_>) -> Result<u64, StoreError> {
        self.store.put(record)
    }

    fn compare_and_swap(&self, previous_version: u64, record: RecordRef<'_>) -> Result<u64, StoreError> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.left.load(Relaxed) > 0 {
            self.left.fetch_sub(1, Relaxed);
            self.store.put(RecordRef::new(record.key, 0, 0, &[1]))?;
        }
        self.store.compare_and_swap(previous_version, record)
    }
}

#[test]
fn a_conflict_is_counted_and_tried_again_within_its_bound() {
    // How often the other writer comes between; conflicts counted, whether the state is refused.
    for (meddling, conflicts, refused) in [(0, 0, 0), (1, 1, 0), (7, 7, 0), (8, 8, 1)] {
        let (store, left) = (memory(), meddling.into());
        let (mut sequencer, bus, ledger, _) = sequencer(ByKey(Meddler { store: store.clone(), left }), 1 << 12);
        let mut subscription = everything(&bus);
        sequencer.publish_stored(&mut trade(BTC, builtin::ANALYTICS_FUSED));
        assert_eq!(
            (ledger.total(Counter::StoreConflict), ledger.total(Counter::StoreRefused)),
            (conflicts, refused),
            "{meddling}"
        );
        let flags = events(&mut subscription)[0].read().header().flags;
        assert_eq!(flags & flag::NOT_STORED != 0, refused > 0);
        sequencer.publish_stored(&mut trade(BTC, builtin::ANALYTICS_FUSED));
        let record = store.get(Key::new(market(BTC), BTC, builtin::ANALYTICS_FUSED)).unwrap();
        assert_eq!(record.seq, 2, "the next one stands, whatever became of the first");
    }
}

#[test]
fn a_record_that_expired_is_made_anew() {
    let store = memory();
    let (ring, tap) = channel(1 << 12).unwrap();
    let ledger = Ledger::default();
    let shelving = super::ShelvingOptions { ttl: Some(std::time::Duration::from_nanos(5)), swap_tries: 2 };
    let options = SequencerOptions { event_words_max: 64, shelving };
    let mut sequencer = Sequencer::new(ring, store.clone(), Clock::default(), ledger.sheet("s"), options).unwrap();
    let mut subscription = everything(&DataBus::new(vec![tap], directory()));
    sequencer.publish_stored(&mut trade(BTC, builtin::ANALYTICS_FUSED));
    let report = crate::snapshot::Sweeper::new(store.clone()).sweep(2_000, &|_| false);
    assert_eq!(report.expired, 1);
    sequencer.publish_stored(&mut trade(BTC, builtin::ANALYTICS_FUSED));
    let record = store.get(Key::new(market(BTC), BTC, builtin::ANALYTICS_FUSED)).unwrap();
    assert_eq!((record.version, record.seq), (2, 2), "and its version goes on");
    assert!(events(&mut subscription).iter().all(|e| e.read().header().flags & flag::NOT_STORED == 0));
}
