//! Atomics, from the standard library or from loom when a model is checked (`--cfg loom`).
//!
//! Every atomic of the house comes from here, so that the same code runs and is model-checked. No SeqCst anywhere.

#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
