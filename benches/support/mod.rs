//! What the walk's benches are made of.
//!
//! | file | holds |
//! |---|---|
//! | `frames` | the frames that are measured: the simulated exchange's, and diffs over its book |
//! | `feed` | frames handed out again and again, their update ids going on |
//! | `ends` | what stands at the end of a room that is measured alone |
//! | `rooms` | one round of each room |
//! | `turns` | frames of many instruments that take turns, and the walk over them |
//! | `framing` | WebSocket messages out of a stream, by tungstenite and by our framer |
//! | `count` | rounds for an instruction counter |

pub(crate) mod count;
mod ends;
pub(crate) mod feed;
pub(crate) mod frames;
pub(crate) mod framing;
pub(crate) mod rooms;
pub(crate) mod turns;
