//! Words and plain data: what every other room speaks. No I/O, no atomics, no threads.
pub mod id;
