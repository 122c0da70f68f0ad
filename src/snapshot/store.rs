//! Purpose: the contract of a snapshot store, and the bounds of the in-memory one.
//! Owns: nothing. Thread: any; a `Store` is shared by readers and writers.
//! Takes and gives: records. Never: blocks a writer for a reader, gives a torn record.

use super::error::StoreError;
use super::key::Key;
use super::record::{Meta, Record, RecordBuf, RecordRef};

/// Latest state for each key, linearisable for any number of readers and writers.
///
/// Versions: a key's first record has version 1; each write makes the next; a version never goes down or repeats, also
/// when the key is put again after expiry, so that a compare-and-swap from an old version can never win by chance.
pub trait Store: Send + Sync {
    /// The latest record, on its own memory. Allocates: for cold paths.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Unavailable`] when writers outran every retry.
    fn get(&self, key: Key) -> Result<Record, StoreError>;

    /// The latest record, into `buf`; without allocation when `buf` is large enough.
    ///
    /// When writers outrun every retry and `buf` holds an earlier record of the same key, that one is the answer,
    /// marked [`Freshness::LastGood`](super::record::Freshness::LastGood).
    ///
    /// # Errors
    /// As [`Store::get`]; `buf` is empty then.
    fn get_into(&self, key: Key, buf: &mut RecordBuf) -> Result<Meta, StoreError>;

    /// Writes unconditionally; gives the new version.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: store full, record too large, no memory, or another writer kept its turn.
    fn put(&self, record: RecordRef<'_>) -> Result<u64, StoreError>;

    /// Writes only if the latest version is `previous_version`; gives the new version. 0 expects no live record (never
    /// put, or expired): it creates one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with the actual version; [`StoreError::NotFound`] when `previous_version` is not 0 and
    /// there is no live record; [`StoreError::Unavailable`] as for [`Store::put`].
    fn compare_and_swap(&self, previous_version: u64, record: RecordRef<'_>) -> Result<u64, StoreError>;
}

/// Bounds of a [`MemoryStore`](super::memory::MemoryStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Most keys ever known; an expired key keeps its place, for its version lives on. Cut to 1 to 1,048,576.
    pub keys_max: usize,
    /// Most data words of one record; larger than the largest slot is cut to that (2,097,148 words).
    pub record_words_max: usize,
    /// How often a reader that was outrun copies again; at least 1 copy is made.
    pub reader_retries: u32,
    /// How often a writer asks for its turn before it gives up; at least once. Ordinary use is one writer a key, which
    /// gets it at once.
    pub writer_spins: u32,
}

impl Default for StoreOptions {
    /// 4,096 keys; 1 MiB a record (a book of 10,000 levels a side takes a third); 16 retries; 1,024 spins.
    fn default() -> StoreOptions {
        StoreOptions { keys_max: 4_096, record_words_max: 1 << 17, reader_retries: 16, writer_spins: 1_024 }
    }
}
