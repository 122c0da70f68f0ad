//! Purpose: how to serve. Owns: nothing. Thread: any (cold). Takes and gives: plain data, tokens and keys that were read.
//! Never: reads a file.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;

use super::tokens::Tokens;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket, made with mode 0600.
    Unix(PathBuf),
}

/// How to serve.
#[derive(Debug)]
pub struct HttpOptions {
    /// Where.
    pub listen: Listen,
    /// Names that a request's `Host` may have besides the address itself (and `localhost` on a loopback address).
    pub hosts: Vec<String>,
    /// Who may ask. `None`: everybody who reaches the server; on a loopback address and a Unix socket alone.
    pub tokens: Option<Tokens>,
    /// TLS. `None`: in the clear; on a loopback address and a Unix socket alone.
    pub tls: Option<Arc<ServerConfig>>,
}

impl HttpOptions {
    /// Without tokens and TLS.
    pub const fn open(listen: Listen) -> HttpOptions {
        HttpOptions { listen, hosts: Vec::new(), tokens: None, tls: None }
    }
}

/// Whether only this machine reaches an address.
pub fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Everybody on the network could command the feed, or read tokens on their way.
    #[error(
        "{0} is reached from other machines: that needs tokens and TLS; without them listen on 127.0.0.1 or a Unix socket"
    )]
    Unguarded(SocketAddr),
    /// Another process listens there.
    #[error("{0} is taken: another process listens there; choose another port, or 0 for a free one")]
    Taken(String),
    /// The address or path cannot be listened on.
    #[error("{place}: cannot listen there: {error}")]
    Listen {
        /// The address or path.
        place: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The path of the Unix socket is something else.
    #[error("{0} exists and is no socket: name a path that is free")]
    Occupied(PathBuf),
    /// The system refused a thread.
    #[error("the system refused a thread: {0}")]
    Thread(std::io::Error),
}
