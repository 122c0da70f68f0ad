//! Promise: over real TLS sockets, whatever the venue and the way to it do, no book is published as Good that is not the
//! venue's true book at that update id inside the known range; what cannot be vouched for is said first, in sequence; and
//! when the trouble is over every book is Good again, within what the limits allow and without passing one of them.
//!
//! Small by default. Larger by environment: `MELTICA_TRUTH_SYMBOLS`, `MELTICA_TRUTH_SECONDS`, `MELTICA_TRUTH_RATE` (frames a
//! second of all symbols), `MELTICA_TRUTH_SEED`.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod audit;
#[path = "../sim_truth/checker.rs"]
#[allow(dead_code)] // `sim_truth` uses the rest.
mod checker;
mod faults;
mod lives;
#[path = "../live/manners.rs"]
mod manners;
mod neighbours;
mod outages;
mod processes;
#[path = "../live/rig.rs"]
#[allow(dead_code)] // `live_feed` uses the rest.
mod rig;
mod script;
#[path = "../venue/secure.rs"]
mod secure;
mod stage;
mod truth;
