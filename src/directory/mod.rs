//! Purpose: what ids stand for: instruments and types, appended to for as long as the program runs.
//! Owns: the tables. Thread: any reads without a lock; admission is cold and takes one.
//! Takes and gives: names and ids. Never: changes or reuses an id; drops an instrument.
//!
//! The house plan has no such room: it speaks of a dictionary record for other processes. In-process readers need the
//! same names without one, and both the io thread (which meets new symbols) and consumers (which print them) must reach it.

mod table;

pub use table::{Directory, DirectoryFull};
