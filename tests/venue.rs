//! The simulated venue over real sockets on the loopback: what foreign clients see of it.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[path = "venue/answers.rs"]
mod answers;
#[path = "venue/candles.rs"]
mod candles;
#[path = "venue/capture.rs"]
mod capture;
#[path = "venue/client.rs"]
mod client;
#[path = "venue/faults.rs"]
mod faults;
#[path = "venue/frames.rs"]
mod frames;
#[path = "venue/garbage.rs"]
mod garbage;
#[path = "venue/limits.rs"]
mod limits;
#[path = "venue/rest.rs"]
mod rest;
#[path = "venue/secure.rs"]
mod secure;
#[path = "venue/streams.rs"]
mod streams;
#[path = "venue/symbols.rs"]
mod symbols;
#[path = "venue/tls.rs"]
mod tls;
#[path = "venue/usdm.rs"]
mod usdm;
