//! Rings of records between threads: [`spsc`] from one to one, [`broadcast`] from one to any number.
//!
//! Owns: the two rings, how words are moved in and out of them, and the table of their memory orderings.
//! Thread: each half says its own; nothing here starts one.
//! Takes and gives: records as slices of `u64` words (8-byte aligned; views over them are the caller's).
//! Never: a lock, a wait, an allocation on the data path, a `SeqCst`.
//!
//! # Orderings
//!
//! Every ordering stronger than `Relaxed` and every fence of this room. The id stands at its one site in the code, as
//! `ordering!("id", ..)` or `fence_at!("id", ..)`. Under loom each is weakened in turn, and a model must fail for it
//! (`ring::loom`); what the last column names is what that model sees.
//!
//! | id | file | ordering | partner | without it |
//! |---|---|---|---|---|
//! | `spsc_tail_release` | `spsc/producer.rs` | Release | `spsc_tail_acquire` | the consumer reads words that are not written yet |
//! | `spsc_tail_acquire` | `spsc/consumer.rs` | Acquire | `spsc_tail_release` | the same, from the other side |
//! | `spsc_head_release` | `spsc/consumer.rs` | Release | `spsc_head_acquire` | the producer writes over words still being read |
//! | `spsc_head_acquire` | `spsc/producer.rs` | Acquire | `spsc_head_release` | the same, from the other side |
//! | `spsc_closed_release` | `spsc/producer.rs` | Release | `spsc_closed_acquire` | the ring looks drained with records in it |
//! | `spsc_closed_acquire` | `spsc/consumer.rs` | Acquire | `spsc_closed_release` | the same, from the other side |
//! | `bcast_intent_fence` | `broadcast/shared.rs` | Release | `bcast_copy_fence` | a torn copy passes for whole |
//! | `bcast_copy_fence` | `broadcast/shared.rs` | Acquire | `bcast_intent_fence` | the same, from the other side |
//! | `bcast_come_release` | `broadcast/memory.rs` | Release | `bcast_come_acquire` | a record is read before it is written |
//! | `bcast_come_acquire` | `broadcast/memory.rs` | Acquire | `bcast_come_release` | the same, from the other side |
//! | `bcast_tail_release` | `broadcast/shared.rs` | Release | `bcast_tail_acquire` | who joins takes an old word for the number of its first record |
//! | `bcast_tail_acquire` | `broadcast/shared.rs` | Acquire | `bcast_tail_release` | the same, from the other side |
//! | `bcast_closed_release` | `broadcast/shared.rs` | Release | `bcast_closed_acquire` | the ring looks drained with records in it |
//! | `bcast_closed_acquire` | `broadcast/shared.rs` | Acquire | `bcast_closed_release` | the same, from the other side |
//! | `gate_claim_acquire` | `broadcast/gates.rs` | Acquire | `gate_free_release` | the last owner's cursor is taken for the new one's |
//! | `gate_free_release` | `broadcast/gates.rs` | Release | `gate_claim_acquire` | the same, from the other side |
//! | `gate_active_release` | `broadcast/gates.rs` | Release | `gate_active_acquire` | a cursor that was never this reader's holds or demotes it |
//! | `gate_active_acquire` | `broadcast/gates.rs` | Acquire | `gate_active_release` | the same, from the other side |
//! | `gate_registered_release` | `broadcast/gates.rs` | Release | `gate_registered_acquire` | the producer looks, misses the new reader and never looks again |
//! | `gate_registered_acquire` | `broadcast/gates.rs` | Acquire | `gate_registered_release` | the same, from the other side |
//! | `gate_cursor_release` | `broadcast/gates.rs` | Release | `gate_cursor_acquire` | the producer has the credit before the reader is done |
//! | `gate_cursor_acquire` | `broadcast/gates.rs` | Acquire | `gate_cursor_release` | the same, from the other side |

pub mod broadcast;
mod copy;
mod error;
pub mod spsc;

#[cfg(test)]
#[cfg(loom)]
mod loom;
#[cfg(test)]
mod table;

pub use error::{CAPACITY_WORDS_MAX, CAPACITY_WORDS_MIN, RingError};
