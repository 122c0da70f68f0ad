//! Purpose: why the store refused, in the three codes of the data model.
//! Owns: nothing. Thread: any. Takes and gives: plain values; text is made only when an error is shown.
//! Never: allocates when an error is made.

use super::key::Key;

/// A refused call. Nothing was changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No live record: never put, or expired.
    #[error(
        "snapshot/not-found: the caller asked for {key}, which was never put or has expired; put a record first \
         (compare-and-swap from version 0 creates one)"
    )]
    NotFound {
        /// The record asked for.
        key: Key,
    },
    /// A compare-and-swap lost: another writer was first.
    #[error(
        "snapshot/conflict: the writer expected {key} at version {expected} but the store holds version {actual}; \
         read it again, merge, and retry from version {actual}"
    )]
    Conflict {
        /// The record written to.
        key: Key,
        /// The version that the writer took for the latest; 0 when it expected no record.
        expected: u64,
        /// The version that is the latest.
        actual: u64,
    },
    /// The store could not serve the call now, or ever at this size.
    #[error("snapshot/unavailable: {key}: {reason}")]
    Unavailable {
        /// The record concerned.
        key: Key,
        /// Why.
        reason: Unavailable,
    },
}

/// Why the store is unavailable for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Every place of the index is taken.
    #[error("the configuration allows {keys_max} keys and all are taken; raise `keys_max` or want fewer instruments")]
    Full {
        /// The bound.
        keys_max: usize,
    },
    /// The record does not fit a slot.
    #[error(
        "the writer's record has {words} data words, a slot takes {words_max}; raise `record_words_max` or store a \
         shallower book"
    )]
    TooLarge {
        /// Data words of the record.
        words: usize,
        /// Most that a slot takes.
        words_max: usize,
    },
    /// The system has no memory for a larger buffer.
    #[error("the system refused memory for a record of {words} data words; lower `keys_max` or raise the memory limit")]
    OutOfMemory {
        /// Data words of the record.
        words: usize,
    },
    /// Another writer of the same key held its turn throughout.
    #[error("another writer kept its turn for {spins} tries; retry on the next event, or leave the key to one writer")]
    WriterBusy {
        /// Tries made.
        spins: u32,
    },
    /// Writers were faster than the reader each time, and the buffer held no earlier state of this key.
    #[error("writers outran the reader {retries} times and it holds no earlier state; read again with the same buffer")]
    Outrun {
        /// Tries made.
        retries: u32,
    },
}

impl StoreError {
    /// The stable code: `snapshot/not-found`, `snapshot/conflict` or `snapshot/unavailable`.
    pub const fn code(&self) -> &'static str {
        match self {
            StoreError::NotFound { .. } => "snapshot/not-found",
            StoreError::Conflict { .. } => "snapshot/conflict",
            StoreError::Unavailable { .. } => "snapshot/unavailable",
        }
    }

    /// The record concerned.
    pub const fn key(&self) -> Key {
        match *self {
            StoreError::NotFound { key } | StoreError::Conflict { key, .. } | StoreError::Unavailable { key, .. } => {
                key
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::id::{InstrumentId, Market, TypeId};

    #[test]
    fn each_error_has_its_code_its_key_and_says_what_to_do() {
        let key = Key::new(Market::BinanceSpot, InstrumentId(7), TypeId(3));
        let unavailable = |reason| StoreError::Unavailable { key, reason };
        let cases = [
            (StoreError::NotFound { key }, "snapshot/not-found", "put a record first"),
            (StoreError::Conflict { key, expected: 4, actual: 6 }, "snapshot/conflict", "retry from version 6"),
            (unavailable(Unavailable::Full { keys_max: 8 }), "snapshot/unavailable", "raise `keys_max`"),
            (
                unavailable(Unavailable::TooLarge { words: 9, words_max: 8 }),
                "snapshot/unavailable",
                "`record_words_max`",
            ),
            (unavailable(Unavailable::OutOfMemory { words: 9 }), "snapshot/unavailable", "memory limit"),
            (unavailable(Unavailable::WriterBusy { spins: 5 }), "snapshot/unavailable", "one writer"),
            (unavailable(Unavailable::Outrun { retries: 5 }), "snapshot/unavailable", "same buffer"),
        ];
        for (error, code, advice) in cases {
            let text = error.to_string();
            assert_eq!(error.code(), code);
            assert_eq!(error.key(), key);
            assert!(text.starts_with(code), "{text}");
            assert!(text.contains(advice) && text.contains("BINANCE-SPOT instrument #7 type #3"), "{text}");
        }
    }
}
