//! REST on a thread of its own: exchangeInfo, depth snapshots. What it fetches comes back through a bounded queue.
//!
//! | file | holds |
//! |---|---|
//! | `waiting` | which snapshots are asked for, each once, in order |
//! | `client` | one request, one reply, within bounds |
//! | `worker` | the thread: what to fetch next, and when |

mod client;
mod waiting;
mod worker;

#[cfg(test)]
mod tests;

pub(super) use worker::{RestOptions, RestReply, RestRequest, RestWorker};
