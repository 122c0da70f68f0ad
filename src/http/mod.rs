//! The HTTP facade: commands, questions and events for whoever is not in this process. HTTP/1.1 on httparse, threads that block
//! to a deadline, no async runtime, nothing of it on the data path.
//!
//! | file | holds |
//! |---|---|
//! | [`server`] | listens, gives each connection a thread, ends them |
//! | [`options`] | where and how to serve; why it does not start |
//! | `connection` | one connection's requests in order |
//! | `listener`, `socket`, [`tls`], `guests` | sockets: made, timed, under TLS, counted |
//! | `head`, `body`, `query`, `json` | requests, read strictly |
//! | `access`, [`tokens`], `failures`, [`secret`], [`private_file`] | who may ask what |
//! | `routes`, `openapi` | what may be asked: the table, the document |
//! | `commands`, `events` | commands and reports; events as lines |
//! | `metrics`, `openmetrics` | counters, figures and their text |
//! | `answer`, `refusal`, `tally` | answers, why not, how many |
//!
//! Invariants: a request that could be read in two ways is refused and ends its connection; a body is read only from a caller
//! that may send it; every refusal has a status, a stable code and words; no peer makes the server wait longer than its
//! deadlines, keep more than its bounds, or wait for anybody but the control duty.

mod access;
mod answer;
mod body;
mod commands;
mod connection;
mod events;
mod failures;
mod guests;
mod head;
mod json;
mod listener;
mod metrics;
mod openapi;
mod openmetrics;
pub mod options;
pub mod private_file;
mod query;
mod refusal;
mod routes;
pub mod secret;
pub mod server;
mod socket;
mod tally;
pub mod tls;
pub mod tokens;

pub use options::{HttpError, HttpOptions, Listen, is_local};
pub use private_file::{FileFault, read_private};
pub use secret::{SECRET_BYTES_MAX, Secret};
pub use server::{Address, CONNECTIONS_MAX, STREAMS_MAX, Server, Services};
pub use tls::tls_from_files;
pub use tokens::{Role, Tokens};
