//! Purpose: the in-memory store: an index of fixed size, a slot for each key, and the handles that a hot path keeps.
//! Owns: the slots. Thread: shared by any number of readers and writers. Takes and gives: records.
//! Never: locks on a look-up, moves or frees a slot; allocates but for a key's first write and its growth.
//!
//! | id | site | ordering | partner | what breaks without it |
//! |---|---|---|---|---|
//! | M1 | `place_of`, load of a key | Acquire | M2 | nothing in a slot, which is all atomics; kept so that who finds a key also sees the count |
//! | M2 | `register`, store of a key | Release | M1 | as M1 |
//! | M3 | counters | Relaxed | — | nothing: they are only reported |

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_utils::CachePadded;

use super::error::{StoreError, Unavailable};
use super::key::Key;
use super::record::{HEADER_WORDS, Meta, Record, RecordBuf, RecordRef, Update};
use super::slot::{Published, Read, SLOT_WORDS_MAX, Slot, Turn};
use super::store::{Store, StoreOptions};
use crate::sync::{AtomicU64, Ordering};

/// Banks a key: a reader is outrun only when two further records are published during its copy.
const BANKS: usize = 4;

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

pub(super) struct Table {
    /// Packed keys by place, 0 where empty; linear probing; a key is never removed.
    keys: Box<[AtomicU64]>,
    slots: Box<[CachePadded<Slot<BANKS>>]>,
    /// Keys known. The lock is taken to add a key, never to find one.
    registered: Mutex<usize>,
    growths: AtomicU64,
    words: AtomicU64,
    options: StoreOptions,
}

impl MemoryStore {
    /// An empty store. Allocates the index and the empty slots (about half a KiB a place, at most four places for three
    /// keys and a power of two); banks come with the records.
    pub fn new(options: StoreOptions) -> MemoryStore {
        let options = StoreOptions {
            keys_max: options.keys_max.max(1),
            record_words_max: options.record_words_max.min(SLOT_WORDS_MAX - HEADER_WORDS),
            ..options
        };
        // A quarter of the places stays empty, so that probing ends soon, and ends at all.
        let places = (options.keys_max + options.keys_max / 3 + 1).next_power_of_two();
        MemoryStore {
            table: Arc::new(Table {
                keys: (0..places).map(|_| AtomicU64::new(0)).collect(),
                slots: (0..places).map(|_| CachePadded::new(Slot::new())).collect(),
                registered: Mutex::new(0),
                growths: AtomicU64::new(0),
                words: AtomicU64::new(0),
                options,
            }),
        }
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
        self.table.options
    }

    /// How full it is. Takes the lock of registration: for reports.
    pub fn stats(&self) -> StoreStats {
        StoreStats {
            keys: *self.table.registered.lock().unwrap_or_else(PoisonError::into_inner),
            // M3.
            growths: self.table.growths.load(Ordering::Relaxed),
            words: self.table.words.load(Ordering::Relaxed),
        }
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
        let stamp = self.table.slots[self.place].latest();
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

impl Table {
    /// Places of the index, empty ones included.
    pub(super) fn places(&self) -> usize {
        self.keys.len()
    }

    /// The key at a place and its slot; `None` where no key is.
    pub(super) fn at(&self, place: usize) -> Option<(Key, &Slot<BANKS>)> {
        // M1, partner M2.
        let key = Key::from_packed(self.keys.get(place)?.load(Ordering::Acquire))?;
        Some((key, self.slots.get(place)?))
    }

    fn place_of(&self, key: Key) -> Option<usize> {
        self.probe(key.packed()).ok()
    }

    /// The place of a packed key, or the empty place where it would go.
    fn probe(&self, packed: u64) -> Result<usize, usize> {
        let mask = self.keys.len() - 1;
        // Fibonacci hashing: the high half of the product depends on every bit of the key.
        let mut place = (packed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            // M1, partner M2.
            match self.keys[place].load(Ordering::Acquire) {
                0 => return Err(place),
                found if found == packed => return Ok(place),
                _ => place = (place + 1) & mask,
            }
        }
    }

    fn place_or_register(&self, key: Key) -> Result<usize, StoreError> {
        match self.place_of(key) {
            Some(place) => Ok(place),
            None => self.register(key),
        }
    }

    #[cold]
    fn register(&self, key: Key) -> Result<usize, StoreError> {
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        // Another writer may have added it meanwhile.
        let place = match self.probe(key.packed()) {
            Ok(place) => return Ok(place),
            Err(place) => place,
        };
        let keys_max = self.options.keys_max;
        if *registered == keys_max {
            return Err(StoreError::Unavailable { key, reason: Unavailable::Full { keys_max } });
        }
        *registered += 1;
        // M2, partner M1.
        self.keys[place].store(key.packed(), Ordering::Release);
        Ok(place)
    }

    fn check_size(&self, key: Key, update: &Update<'_>) -> Result<(), StoreError> {
        let (words, words_max) = (update.data.len(), self.options.record_words_max);
        if words > words_max {
            return Err(StoreError::Unavailable { key, reason: Unavailable::TooLarge { words, words_max } });
        }
        Ok(())
    }

    fn get_into(&self, place: usize, key: Key, buf: &mut RecordBuf) -> Result<Meta, StoreError> {
        let retries = self.options.reader_retries;
        let error = match self.slots[place].read(retries, buf.filling()) {
            Read::Whole(version) => return Ok(buf.accept(key, version)),
            Read::Absent => StoreError::NotFound { key },
            Read::Outrun(latest) => match buf.last_good(key, latest) {
                Some(meta) => return Ok(meta),
                None => StoreError::Unavailable { key, reason: Unavailable::Outrun { retries } },
            },
        };
        buf.clear();
        Err(error)
    }

    fn put(&self, place: usize, key: Key, update: &Update<'_>) -> Result<u64, StoreError> {
        let mut turn = self.turn(place, key)?;
        self.publish(&mut turn, key, update)
    }

    fn compare_and_swap(
        &self,
        place: usize,
        key: Key,
        previous_version: u64,
        update: &Update<'_>,
    ) -> Result<u64, StoreError> {
        let mut turn = self.turn(place, key)?;
        let stamp = turn.stamp();
        match (stamp.is_live(), stamp.version()) {
            (false, _) if previous_version == 0 => self.publish(&mut turn, key, update),
            (false, _) => Err(StoreError::NotFound { key }),
            (true, actual) if actual == previous_version => self.publish(&mut turn, key, update),
            (true, actual) => Err(StoreError::Conflict { key, expected: previous_version, actual }),
        }
    }

    fn turn(&self, place: usize, key: Key) -> Result<Turn<'_, BANKS>, StoreError> {
        let spins = self.options.writer_spins;
        self.slots[place]
            .try_turn(spins)
            .ok_or(StoreError::Unavailable { key, reason: Unavailable::WriterBusy { spins } })
    }

    fn publish(&self, turn: &mut Turn<'_, BANKS>, key: Key, update: &Update<'_>) -> Result<u64, StoreError> {
        let Ok(Published { version, words_allocated }) = turn.publish(&update.header(), update.data) else {
            let words = update.data.len();
            return Err(StoreError::Unavailable { key, reason: Unavailable::OutOfMemory { words } });
        };
        if words_allocated > 0 {
            // M3.
            self.growths.fetch_add(1, Ordering::Relaxed);
            self.words.fetch_add(words_allocated as u64, Ordering::Relaxed);
        }
        Ok(version)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("options", &self.table.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("version", &self.version()).finish_non_exhaustive()
    }
}
