//! Commands against a running feed, over its HTTP facade; and the facade of a feed that is run here.
//!
//! | file | holds |
//! |---|---|
//! | `words` | the grammar of these commands |
//! | `place` | where the feed is, and with which token |
//! | `client`, `unix` | requests and their answers |
//! | `wants` | `subscribe`, `unsubscribe` |
//! | `filters` | filters as they are written on a command line |
//! | `reports` | `routes`, `subscriptions`, `status` |
//! | `tail` | `tail` |
//! | `grid` | aligned columns, safe for a terminal |
//! | `latency` | `latency` |
//! | `top` | `top` |
//! | `spans` | spans of time as a person reads them |
//! | `manual` | completions and manual pages |
//! | `serve` | the facade of `run` |

mod client;
mod filters;
pub(super) mod grid;
pub(super) mod latency;
pub(super) mod manual;
mod place;
pub(super) mod reports;
pub(super) mod serve;
mod spans;
pub(super) mod tail;
#[cfg(feature = "top")]
pub(super) mod top;
mod unix;
pub(super) mod wants;
pub(super) mod words;
