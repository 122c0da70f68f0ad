//! What loom sees of words that are read where they lie: its atomics are no words that a slice could go over.
//!
//! Owns: a plain copy of each word, and a shadow cell touched whenever it is. Thread: any; loom says who races.
//! Takes and gives: offsets in, slices out. Never: part of a build that ships.

use crate::sync::{PlainUnsafeCell, UnsafeCell};

/// A second set of words. One thread runs at a time, so each holds the newest value; that this is the value its reader may
/// rely on is what the shadow tells.
pub(super) struct Twin {
    plain: Box<[PlainUnsafeCell<u64>]>,
    shadow: Box<[UnsafeCell<()>]>,
}

// SAFETY: loom runs one thread at a time, and reports accesses to `plain` that are not ordered by way of `shadow`.
unsafe impl Sync for Twin {}

impl Twin {
    /// All zero.
    pub(super) fn new(capacity: usize) -> Twin {
        Twin {
            plain: (0..capacity).map(|_| PlainUnsafeCell::new(0)).collect(),
            shadow: (0..capacity).map(|_| UnsafeCell::new(())).collect(),
        }
    }

    /// Writes a word.
    pub(super) fn set(&self, at: usize, word: u64) {
        // SAFETY: inside the cell's closure, so that loom reports a reader of this word that it is not ordered with.
        self.shadow[at].with_mut(|_| unsafe { *self.plain[at].get() = word });
    }

    /// Lends words. The shadow is touched before and after: a write meanwhile is unordered with one of the two.
    pub(super) fn lend<R>(&self, at: usize, length: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        let touch = || self.shadow[at..at + length].iter().for_each(|cell| cell.with(|_| ()));
        touch();
        let plain = &self.plain[at..at + length];
        // SAFETY: `PlainUnsafeCell<u64>` has the layout of `u64`; loom reports a write meanwhile, by the shadow.
        let result = f(unsafe { core::slice::from_raw_parts(plain.as_ptr().cast::<u64>(), length) });
        touch();
        result
    }
}
