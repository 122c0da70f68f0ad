//! Promise: `meltica run` and `meltica venue`, as processes, survive what the network and the system do to them: the cause is
//! told, it is tried again, what works goes on, memory does not grow, and they end when they are told to.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[path = "hostile_peers/child.rs"]
mod child;
#[path = "hostile_peers/names.rs"]
mod names;
#[path = "hostile_peers/peers.rs"]
mod peers;
#[path = "hostile_peers/system.rs"]
mod system;
