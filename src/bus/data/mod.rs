//! The data bus: events out.
//!
//! | file | holds |
//! |---|---|
//! | [`sequencer`] | numbers, stores, publishes: the conductor's end |
//! | `shelving`, [`shelf`] | its writes to the snapshot store |
//! | `oversize` | what it says of an event that no record can hold |
//! | [`fan_out`] | the bus as consumers see it, and which shard an instrument belongs to |
//! | [`subscription`] | one consumer's poll, what it missed, exact counts |
//! | [`filter`], [`operand`] | which events a consumer wants |
//! | [`wishes`] | filters that change while a consumer polls |
//! | [`join`], [`requests`] | joining a book in mid-stream |
//! | `keyed` | a value for each (instrument, type) |
//!
//! Invariants: numbers of an (instrument, type) rise by one; for each consumer delivered, filtered, seen before,
//! unreadable and told as `Lag` are together, without overlap, every record from where it joined; a sequencer's progress
//! hangs on no consumer but the lossless ones, and on those only by way of `room_for`.

pub mod fan_out;
pub mod filter;
#[cfg(test)]
mod filter_tests;
#[cfg(test)]
mod fixture;
pub mod join;
#[cfg(test)]
mod join_tests;
mod keyed;
pub mod operand;
mod oversize;
pub mod requests;
pub mod sequencer;
#[cfg(test)]
mod sequencer_tests;
pub mod shelf;
mod shelving;
#[cfg(test)]
mod shelving_tests;
pub mod subscription;
#[cfg(test)]
mod subscription_tests;
pub mod wishes;
#[cfg(test)]
mod wishes_tests;

pub use fan_out::{Bus, DataBus, Guarantee, Start, SubscribeError, SubscribeOptions, shard_of};
pub use filter::{Filter, FilterError};
pub use join::{BookJoin, BookUpdate, JoinError, StartsOver};
pub use requests::BookRequests;
pub use sequencer::{EVENT_WORDS_MAX, RingTooSmall, Sequencer, SequencerOptions, ring_words_for};
pub use shelf::{ByKey, Shelves};
pub use shelving::ShelvingOptions;
pub use subscription::{Delivery, Lag, Subscription, SubscriptionStats};
pub use wishes::WishSlot;
