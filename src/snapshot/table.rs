//! Purpose: the index of the in-memory store and a slot for each key: finds, registers, reads, writes by place.
//! Owns: the slots. Thread: shared by any number of readers and writers. Takes and gives: places, records.
//! Never: locks on a look-up, moves or frees a slot.
//!
//! | id | site | ordering | partner | what breaks without it |
//! |---|---|---|---|---|
//! | M1 | keys, load | Relaxed | M2 | nothing: every slot is built before the table is shared, and the slot orders what is in it |
//! | M2 | keys, store | Relaxed | M1 | as M1; the lock orders the writers of keys |
//! | M3 | counters | Relaxed | none | nothing: they are only reported |

use std::sync::{Mutex, PoisonError};

use crossbeam_utils::CachePadded;

use super::error::{StoreError, Unavailable};
use super::key::Key;
use super::memory::StoreStats;
use super::record::{HEADER_WORDS, Meta, RecordBuf, Update};
use super::slot::{Published, Read, SLOT_WORDS_MAX, Slot, Turn};
use super::stamp::Stamp;
use super::store::StoreOptions;
use crate::sync::{AtomicU64, Ordering};

/// Banks a key: a reader is outrun only when three further records are published during its copy.
const BANKS: usize = 4;
/// Most keys of a table.
const KEYS_MAX: usize = 1 << 20;

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

impl Table {
    /// An empty table within `options`, which it cuts to what it can hold.
    pub(super) fn new(options: StoreOptions) -> Table {
        let options = StoreOptions {
            keys_max: options.keys_max.clamp(1, KEYS_MAX),
            record_words_max: options.record_words_max.min(SLOT_WORDS_MAX - HEADER_WORDS),
            ..options
        };
        // A quarter of the places stays empty, so that probing ends soon, and ends at all.
        let places = (options.keys_max + options.keys_max / 3 + 1).next_power_of_two();
        Table {
            keys: (0..places).map(|_| AtomicU64::new(0)).collect(),
            slots: (0..places).map(|_| CachePadded::new(Slot::new())).collect(),
            registered: Mutex::new(0),
            growths: AtomicU64::new(0),
            words: AtomicU64::new(0),
            options,
        }
    }

    /// The bounds in force.
    pub(super) fn options(&self) -> StoreOptions {
        self.options
    }

    pub(super) fn stats(&self) -> StoreStats {
        StoreStats {
            keys: *self.registered.lock().unwrap_or_else(PoisonError::into_inner),
            // M3.
            growths: self.growths.load(Ordering::Relaxed),
            words: self.words.load(Ordering::Relaxed),
        }
    }

    /// The latest stamp of a place.
    pub(super) fn latest(&self, place: usize) -> Stamp {
        self.slots[place].latest()
    }

    /// Places of the index, empty ones included.
    pub(super) fn places(&self) -> usize {
        self.keys.len()
    }

    /// The key at a place and its slot; `None` where no key is.
    pub(super) fn at(&self, place: usize) -> Option<(Key, &Slot<BANKS>)> {
        // M1.
        let key = Key::from_packed(self.keys.get(place)?.load(Ordering::Relaxed))?;
        Some((key, self.slots.get(place)?))
    }

    pub(super) fn place_of(&self, key: Key) -> Option<usize> {
        self.probe(key.packed()).ok()
    }

    /// The place of a packed key, or the empty place where it would go.
    fn probe(&self, packed: u64) -> Result<usize, usize> {
        let mask = self.keys.len() - 1;
        // Fibonacci hashing: the high half of the product depends on every bit of the key.
        let mut place = (packed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            // M1.
            match self.keys[place].load(Ordering::Relaxed) {
                0 => return Err(place),
                found if found == packed => return Ok(place),
                _ => place = (place + 1) & mask,
            }
        }
    }

    pub(super) fn place_or_register(&self, key: Key) -> Result<usize, StoreError> {
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
        // M2.
        self.keys[place].store(key.packed(), Ordering::Relaxed);
        Ok(place)
    }

    pub(super) fn check_size(&self, key: Key, update: &Update<'_>) -> Result<(), StoreError> {
        let (words, words_max) = (update.data.len(), self.options.record_words_max);
        if words > words_max {
            return Err(StoreError::Unavailable { key, reason: Unavailable::TooLarge { words, words_max } });
        }
        Ok(())
    }

    pub(super) fn get_into(&self, place: usize, key: Key, buf: &mut RecordBuf) -> Result<Meta, StoreError> {
        let read = self.slots[place].read(self.options.reader_retries, buf.filling());
        self.answer(read, key, buf)
    }

    pub(super) fn answer(&self, read: Read, key: Key, buf: &mut RecordBuf) -> Result<Meta, StoreError> {
        let error = match read {
            Read::Whole(version) => return Ok(buf.accept(key, version)),
            Read::Absent => StoreError::NotFound { key },
            Read::Outrun(latest) => match buf.last_good(key, latest) {
                Some(meta) => return Ok(meta),
                None => {
                    let retries = self.options.reader_retries;
                    StoreError::Unavailable { key, reason: Unavailable::Outrun { retries } }
                }
            },
        };
        buf.clear();
        Err(error)
    }

    pub(super) fn put(&self, place: usize, key: Key, update: &Update<'_>) -> Result<u64, StoreError> {
        let mut turn = self.turn(place, key)?;
        self.publish(&mut turn, key, update)
    }

    pub(super) fn compare_and_swap(
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

    pub(super) fn turn(&self, place: usize, key: Key) -> Result<Turn<'_, BANKS>, StoreError> {
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
