//! Loom models of both rings: every interleaving and every permitted stale read, for two records of 2 to 3 words.
//!
//! Owns: the models and the run that weakens each ordering of the table in turn. Thread: loom's.
//! Takes and gives: nothing. Run with `RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test --lib ring::loom`.
//! Never: part of a build that ships.

mod broadcast;
mod explore;
mod gates;
mod heeded;
mod mutants;
mod spsc;
