//! Purpose: proves the simulated exchange truthful, by an independent reading of what it sends.
//! Owns: nothing. Thread: the test's. Takes and gives: frames as the io agent would get them.
//! Never: uses the simulation's own books to check themselves.

mod captures;
mod faults;
mod reading;
mod runs;
mod truth;
mod wire;
