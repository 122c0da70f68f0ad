//! Purpose: a store whose places can be kept, so that a hot path looks nothing up.
//! Owns: nothing. Thread: any. Takes and gives: keys, updates, versions. Never: more than the store it stands for.

use crate::snapshot::{Entry, Key, MemoryStore, Meta, Record, RecordBuf, RecordRef, Store, StoreError, Update};

/// A [`Store`] that says once where a key lives.
pub trait Shelves: Store {
    /// Where a key lives; good for as long as the store.
    type Place: Send;

    /// The place of a key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store has no place for it, now and for ever.
    fn place(&self, key: Key) -> Result<Self::Place, StoreError>;

    /// As [`Store::put`].
    ///
    /// # Errors
    /// As [`Store::put`].
    fn put_at(&self, place: &Self::Place, update: Update<'_>) -> Result<u64, StoreError>;

    /// As [`Store::compare_and_swap`].
    ///
    /// # Errors
    /// As [`Store::compare_and_swap`].
    fn swap_at(&self, place: &Self::Place, previous_version: u64, update: Update<'_>) -> Result<u64, StoreError>;
}

impl Shelves for MemoryStore {
    type Place = Entry;

    fn place(&self, key: Key) -> Result<Entry, StoreError> {
        self.entry(key)
    }

    #[inline]
    fn put_at(&self, place: &Entry, update: Update<'_>) -> Result<u64, StoreError> {
        place.put(update)
    }

    #[inline]
    fn swap_at(&self, place: &Entry, previous_version: u64, update: Update<'_>) -> Result<u64, StoreError> {
        place.compare_and_swap(previous_version, update)
    }
}

/// Any store, asked by key each time: for stores that keep no places.
#[derive(Clone, Debug)]
pub struct ByKey<S>(pub S);

impl<S: Store> Store for ByKey<S> {
    fn get(&self, key: Key) -> Result<Record, StoreError> {
        self.0.get(key)
    }

    fn get_into(&self, key: Key, buf: &mut RecordBuf) -> Result<Meta, StoreError> {
        self.0.get_into(key, buf)
    }

    fn put(&self, record: RecordRef<'_>) -> Result<u64, StoreError> {
        self.0.put(record)
    }

    fn compare_and_swap(&self, previous_version: u64, record: RecordRef<'_>) -> Result<u64, StoreError> {
        self.0.compare_and_swap(previous_version, record)
    }
}

impl<S: Store> Shelves for ByKey<S> {
    type Place = Key;

    fn place(&self, key: Key) -> Result<Key, StoreError> {
        Ok(key)
    }

    fn put_at(&self, place: &Key, update: Update<'_>) -> Result<u64, StoreError> {
        self.0.put(RecordRef { key: *place, update })
    }

    fn swap_at(&self, place: &Key, previous_version: u64, update: Update<'_>) -> Result<u64, StoreError> {
        self.0.compare_and_swap(previous_version, RecordRef { key: *place, update })
    }
}
