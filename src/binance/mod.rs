//! The venue: its bytes in, raw instances out.
//!
//! | module | holds |
//! |---|---|
//! | [`parse`] | frames → raw instances, by simd-json's tape |
//! | [`catalogue`] | exchangeInfo → instruments and limits |
//! | [`live`] | sockets, subscriptions, REST: the venue as a source of frames |
//! | [`io`] | the agent that pulls frames, parses them and hands them on |

pub mod catalogue;
pub mod io;
pub mod live;
pub mod parse;
