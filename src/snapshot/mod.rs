//! The snapshot store: the latest state of each (market, instrument, type), with compare-and-swap.
//!
//! | file | holds |
//! |---|---|
//! | [`key`] | what a record is filed under |
//! | [`record`] | records, borrowed and owned, and the reader's reusable buffer |
//! | [`error`] | the three codes: not found, conflict, unavailable |
//! | [`store`] | the `Store` trait and its contract, the options |
//! | `stamp` | version, size class and live bit in one word |
//! | `slot` | the protocol of one key: writer word, head word, banks; the table of orderings |
//! | `table` | the index of keys and their slots |
//! | [`memory`] | the in-memory store, and the handles that a hot path keeps |
//! | [`sweeper`] | expiry, off the data path |
//!
//! Invariants: versions of a key start at 1 and rise by one with each write, also across expiry; a read is whole or an
//! error, never torn; a reader never makes a writer wait; nothing allocates but a key's first write and its growth.
//!
//! # Orderings
//!
//! Every ordering stronger than `Relaxed` and every fence of this room. The id stands at its one site in the code, as
//! `ordering!("id", ..)` or `fence_at!("id", ..)`. Under loom each is weakened in turn, and a model must fail for it
//! (`slot_loom`).
//!
//! | id | file | ordering | partner | without it |
//! |---|---|---|---|---|
//! | `slot_turn_acquire` | `slot.rs` | Acquire | `slot_turn_release` | a writer's head may come before its predecessor's: the version goes back; and its fence does not cover it: torn |
//! | `slot_turn_release` | `slot.rs` | Release | `slot_turn_acquire` | the same, from the other side |
//! | `slot_words_fence` | `slot.rs` | Release | `slot_copy_fence` | a reader sees words of a bank's next use but not the head before it: a torn copy passes for whole |
//! | `slot_copy_fence` | `slot.rs` | Acquire | `slot_words_fence` | the same, from the other side |
//! | `slot_head_release` | `slot.rs` | Release | `slot_head_acquire` | a reader finds a version before its words are there |
//! | `slot_head_acquire` | `slot.rs` | Acquire | `slot_head_release` | the same, from the other side |

pub mod error;
pub mod key;
pub mod memory;
#[cfg(test)]
mod orderings;
pub mod record;
mod slot;
#[cfg(test)]
#[cfg(loom)]
mod slot_loom;
mod stamp;
pub mod store;
pub mod sweeper;
mod table;

pub use error::{StoreError, Unavailable};
pub use key::Key;
pub use memory::{Entry, MemoryStore, StoreStats};
pub use record::{Freshness, Meta, Record, RecordBuf, RecordRef, Update};
pub use store::{Store, StoreOptions};
pub use sweeper::{SweepReport, Sweeper};
