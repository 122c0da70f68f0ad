//! Purpose: atomics, from `std` or, under `cfg(loom)`, from loom. Owns: nothing. Thread: any.
//! Takes and gives: re-exports. Never: `SeqCst` in this house.

#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
