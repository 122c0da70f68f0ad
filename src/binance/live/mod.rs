//! The live adapter: sockets, subscriptions and REST of the venue, as a source of frames.
//!
//! | module | holds |
//! |---|---|
//! | `endpoint` | where the venue is |
//! | `backoff` | waits between tries |
//! | `limits` | the venue's limits, kept from our side |
//! | `plan` | which stream goes over which connection |
//! | `subscription` | the streams of one connection, control messages and their answers |
//! | `answer` | frames that speak to the connection's owner |
//! | `cause` | why a connection failed or ended |
//! | `session` | the life of one connection: phases and deadlines |

mod answer;
mod backoff;
mod cause;
mod endpoint;
mod limits;
mod plan;
mod session;
mod subscription;

pub use cause::Cause;
pub use endpoint::{BadEndpoint, Endpoint};
pub use plan::STREAMS_MAX;
pub use subscription::StreamCounts;
