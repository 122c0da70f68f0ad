//! TLS: whom we trust, and the bytes of a connection.
//!
//! | file | holds |
//! |---|---|
//! | `trust` | whom we trust: the public roots, or those we were given; why TLS failed |
//! | `records` | records → plain bytes and back, without a socket, over rustls' unbuffered interface |
//! | `tunnel` | that over a socket: handshake, reads, writes |

mod records;
#[cfg(test)]
mod tests;
mod trust;
mod tunnel;

pub use trust::BadCaFile;
pub(super) use trust::{Trust, cause_of, server_name};
pub(super) use tunnel::Tunnel;
