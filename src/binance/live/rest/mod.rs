//! REST on a thread of its own: exchangeInfo, depth snapshots, polls of routes. What it fetches comes back through a bounded
//! queue.
//!
//! | file | holds |
//! |---|---|
//! | `request` | what is asked, and what comes back |
//! | `waiting` | which snapshots are asked for, each once, in order |
//! | `demand` | how many books asked of late |
//! | `polls` | which route poll is due, of which symbol |
//! | `orders` | polls turned on and off |
//! | `client` | one request, one reply, within bounds |
//! | `verdict` | what a reply comes to |
//! | `ban` | "no request until then", kept over a restart |
//! | `worker` | the thread: what to fetch next, and when |
//! | `calls` | its requests, and what becomes of their replies |

mod ban;
mod calls;
mod client;
mod demand;
mod orders;
mod polls;
mod request;
mod verdict;
mod waiting;
mod worker;

pub use orders::PollOrders;
pub use polls::PollSpec;
pub(super) use request::{RestReply, RestRequest};
pub(super) use worker::{RestOptions, RestWorker};

use query::in_query;

mod query;
