//! The one address of atomics, fences, shared cells and `Arc`: std in every build, loom's checked twins under `--cfg loom`.
//!
//! Also the one hint to the processor (`prefetch.rs`).
//!
//! Owns: the choice between the two, and `ordering!` and `fence_at!`, the names under which rings and store write each
//! ordering stronger than `Relaxed`, so that a loom run can weaken one of them (see `ordering.rs`).
//! Thread: any. Takes and gives: nothing at run time.
//! Never: a `SeqCst`, a lock, or a room above this floor.

#[cfg(not(loom))]
mod cell;
mod ordering;
#[cfg(not(loom))]
mod prefetch;

pub(crate) use ordering::{fence_at, ordering};
#[cfg(not(loom))]
pub(crate) use prefetch::prefetch;

#[cfg(loom)]
pub(crate) use ordering::weakened;

#[cfg(not(loom))]
pub use {
    cell::UnsafeCell,
    core::hint::spin_loop,
    core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    std::sync::Arc,
};

#[cfg(loom)]
pub use ::loom::{
    cell::UnsafeCell,
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    thread::yield_now as spin_loop,
};

/// A cell that loom does not watch, in every build: for memory that must stay contiguous, whose accesses are then
/// shown to loom through a shadow of [`UnsafeCell`]s.
pub use core::cell::UnsafeCell as PlainUnsafeCell;
