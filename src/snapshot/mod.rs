//! The snapshot store: the latest state of each (market, instrument, type), with compare-and-swap.
//!
//! | file | holds |
//! |---|---|
//! | [`key`] | what a record is filed under |
//! | [`record`] | records, borrowed and owned, and the reader's reusable buffer |
//! | [`error`] | the three codes: not found, conflict, unavailable |
//! | [`store`] | the `Store` trait and its contract, the options |
//! | `slot` | the protocol of one key: writer word, head word, banks; the table of orderings |
//! | [`memory`] | the in-memory store, and the handles that a hot path keeps |
//! | [`sweeper`] | expiry, off the data path |
//!
//! Invariants: versions of a key start at 1 and rise by one with each write, also across expiry; a read is whole or an
//! error, never torn; a reader never makes a writer wait; nothing allocates but a key's first write and its growth.

pub mod error;
pub mod key;
pub mod memory;
pub mod record;
mod slot;
#[cfg(all(test, loom))]
mod slot_loom;
pub mod store;
pub mod sweeper;

pub use error::{StoreError, Unavailable};
pub use key::Key;
pub use memory::{Entry, MemoryStore, StoreStats};
pub use record::{Freshness, Meta, Record, RecordBuf, RecordRef, Update};
pub use store::{Store, StoreOptions};
pub use sweeper::{SweepReport, Sweeper};
