//! Purpose: the in-memory store, and the handles that a hot path keeps.
//! Owns: a share of the table. Thread: shared by any number of readers and writers. Takes and gives: records.
//! Never: locks on a look-up; allocates but for a key's first write and its growth.

use std::fmt;
use std::sync::Arc;

use super::error::StoreError;
use super::key::Key;
use super::record::{Meta, Record, RecordBuf, RecordRef, Update};
use super::store::{Store, StoreOptions};
use super::table::Table;

/// The in-memory store. A clone is another handle to the same records.
#[derive(Clone)]
pub struct MemoryStore {
    table: Arc<Table>,
}

/// Where a key lives in a store: saves the look-up on a hot path. Costs nothing to keep, stays valid for ever, also
/// across expiry.
#[derive(Clone)]
pub struct Entry {
    table: Arc<Table>,
    place: usize,
    key: Key,
}

/// How full a store is, and what it has allocated since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreStats {
    /// Keys known, expired ones included.
    pub keys: usize,
    /// Times that a key's first or larger record needed new banks.
    pub growths: u64,
    /// Words in all banks.
    pub words: u64,
}

impl MemoryStore {
    /// An empty store. Allocates the index and the empty slots (about half a KiB a place, at most four places for three
    /// keys and a power of two); banks come with the records.
    pub fn new(options: StoreOptions) -> MemoryStore {
        MemoryStore { table: Arc::new(Table::new(options)) }
    }

    /// The handle of `key`, which takes a place for it if it has none yet; no record is made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store is full.
    pub fn entry(&self, key: Key) -> Result<Entry, StoreError> {
        let place = self.table.place_or_register(key)?;
        Ok(Entry { table: Arc::clone(&self.table), place, key })
    }

    /// The bounds in force.
    pub fn options(&self) -> StoreOptions {
        self.table.options()
    }

    /// How full it is. Takes the lock of registration: for reports.
    pub fn stats(&self) -> StoreStats {
        self.table.stats()
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }
}

impl Store for MemoryStore {
    fn get(&self, key: Key) -> Result<Record, StoreError> {
        let mut buf = RecordBuf::new();
        self.get_into(key, &mut buf)?;
        buf.to_record().ok_or(StoreError::NotFound { key })
    }

    fn get_into(&self, key: Key, buf: &mut RecordBuf) -> Result<Meta, StoreError> {
        match self.table.place_of(key) {
            Some(place) => self.table.get_into(place, key, buf),
            None => {
                buf.clear();
                Err(StoreError::NotFound { key })
            }
        }
    }

    fn put(&self, record: RecordRef<'_>) -> Result<u64, StoreError> {
        self.table.check_size(record.key, &record.update)?;
        let place = self.table.place_or_register(record.key)?;
        self.table.put(place, record.key, &record.update)
    }

    fn compare_and_swap(&self, previous_version: u64, record: RecordRef<'_>) -> Result<u64, StoreError> {
        let key = record.key;
        self.table.check_size(key, &record.update)?;
        let place = match self.table.place_of(key) {
            Some(place) => place,
            None if previous_version == 0 => self.table.place_or_register(key)?,
            None => return Err(StoreError::NotFound { key }),
        };
        self.table.compare_and_swap(place, key, previous_version, &record.update)
    }
}

impl Entry {
    /// The key that it stands for.
    pub fn key(&self) -> Key {
        self.key
    }

    /// The latest version, 0 when there is no live record. One load: a cheap look for news.
    pub fn version(&self) -> u64 {
        let stamp = self.table.latest(self.place);
        if stamp.is_live() { stamp.version() } else { 0 }
    }

    /// As [`Store::get_into`].
    ///
    /// # Errors
    /// As [`Store::get_into`].
    pub fn get_into(&self, buf: &mut RecordBuf) -> Result<Meta, StoreError> {
        self.table.get_into(self.place, self.key, buf)
    }

    /// As [`Store::put`].
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put(&self, update: Update<'_>) -> Result<u64, StoreError> {
        self.table.check_size(self.key, &update)?;
        self.table.put(self.place, self.key, &update)
    }

    /// As [`Store::compare_and_swap`].
    ///
    /// # Errors
    /// As [`Store::compare_and_swap`].
    pub fn compare_and_swap(&self, previous_version: u64, update: Update<'_>) -> Result<u64, StoreError> {
        self.table.check_size(self.key, &update)?;
        self.table.compare_and_swap(self.place, self.key, previous_version, &update)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("options", &self.table.options()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("version", &self.version()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::super::error::Unavailable;
    use super::super::record::Freshness;
    use super::super::slot::Read;
    use super::super::sweeper::{SweepReport, Sweeper};
    use super::*;
    use crate::schema::id::{InstrumentId, Market, TypeId};

    fn key(instrument: u32) -> Key {
        Key::new(Market::BinanceUsdm, InstrumentId(instrument), TypeId(9))
    }

    #[test]
    fn a_writers_turn_keeps_out_writers_and_the_sweeper_but_no_reader() {
        let store = MemoryStore::new(StoreOptions { keys_max: 1, writer_spins: 3, ..StoreOptions::default() });
        let record = RecordRef::new(key(1), 5, 0, &[1, 2]).with_ttl(std::time::Duration::ZERO);
        store.put(record).unwrap();
        let turn = store.table.turn(store.table.place_of(key(1)).unwrap(), key(1)).unwrap();
        let busy = Err(StoreError::Unavailable { key: key(1), reason: Unavailable::WriterBusy { spins: 3 } });
        assert_eq!(store.put(record), busy);
        assert_eq!(store.compare_and_swap(1, record), busy);
        let report = Sweeper::new(store.clone()).sweep(i64::MAX, &|_| false);
        assert_eq!(report, SweepReport { busy: 1, round_ended: true, ..SweepReport::default() });
        assert_eq!(store.get(key(1)).unwrap().data, [1, 2]);
        drop(turn);
        assert_eq!(store.put(record), Ok(2), "a turn that wrote nothing leaves nothing");
    }

    #[test]
    fn an_outrun_reader_gets_what_it_held_of_the_key_with_its_age_or_an_error() {
        let store = MemoryStore::new(StoreOptions { keys_max: 2, reader_retries: 4, ..StoreOptions::default() });
        store.put(RecordRef::new(key(1), 5, 1_000, &[1, 2])).unwrap();
        let mut buf = RecordBuf::new();
        let held = store.get_into(key(1), &mut buf).unwrap();
        // Half a copy of a later version lies in the other half of the buffer.
        buf.filling().extend([9; 4]);
        let meta = store.table.answer(Read::Outrun(7), key(1), &mut buf).unwrap();
        assert_eq!(meta, Meta { freshness: Freshness::LastGood { versions_behind: 6 }, ..held });
        assert_eq!((meta.age_ns(1_400), buf.meta(), buf.data()), (400, Some(&meta), &[1, 2][..]));
        let outrun = Err(StoreError::Unavailable { key: key(2), reason: Unavailable::Outrun { retries: 4 } });
        assert_eq!(store.table.answer(Read::Outrun(7), key(2), &mut buf), outrun, "another key's state is no answer");
        assert_eq!(buf.meta(), None);
        assert_eq!(store.get_into(key(1), &mut buf), Ok(held), "the next read is current again");
    }
}
