//! Purpose: one connection's bytes, each transfer with a deadline: over TCP or a Unix socket, plain or under TLS.
//! Owns: the socket. Thread: the connection's; it blocks there, to the deadline at most.
//! Takes and gives: bytes. Never: gives a slow peer more time because it sends a little now and then.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::failures::Peer;
use crate::telemetry::Clock;

/// A socket of either kind.
#[derive(Debug)]
pub(super) enum Raw {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Raw {
    pub(super) fn try_clone(&self) -> io::Result<Raw> {
        match self {
            Raw::Tcp(socket) => socket.try_clone().map(Raw::Tcp),
            Raw::Unix(socket) => socket.try_clone().map(Raw::Unix),
        }
    }

    pub(super) fn shutdown(&self, how: Shutdown) {
        // A socket that is gone is as shut as it gets.
        let _ = match self {
            Raw::Tcp(socket) => socket.shutdown(how),
            Raw::Unix(socket) => socket.shutdown(how),
        };
    }

    pub(super) fn peer(&self) -> Peer {
        match self {
            Raw::Tcp(socket) => socket.peer_addr().ok().map(|address| address.ip().to_canonical()),
            Raw::Unix(_) => None,
        }
    }

    /// As connections are served: blocking, small writes at once.
    pub(super) fn prepare(&self) -> io::Result<()> {
        match self {
            Raw::Tcp(socket) => socket.set_nonblocking(false).and_then(|()| socket.set_nodelay(true)),
            Raw::Unix(socket) => socket.set_nonblocking(false),
        }
    }
}

/// A socket whose transfers end at a moment of the one clock.
#[derive(Debug)]
pub(super) struct Timed {
    raw: Raw,
    clock: Clock,
    deadline_ns: u64,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline_ns.checked_sub(self.clock.now_ns()) {
            Some(left) if left > 0 => Ok(Some(Duration::from_nanos(left))),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// What a socket says when its own timer ends it.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left()?;
        match &mut self.raw {
            Raw::Tcp(socket) => socket.set_read_timeout(left).and_then(|()| socket.read(into)),
            Raw::Unix(socket) => socket.set_read_timeout(left).and_then(|()| socket.read(into)),
        }
        .map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left()?;
        match &mut self.raw {
            Raw::Tcp(socket) => socket.set_write_timeout(left).and_then(|()| socket.write(bytes)),
            Raw::Unix(socket) => socket.set_write_timeout(left).and_then(|()| socket.write(bytes)),
        }
        .map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection's bytes, in the clear for whoever reads and writes here.
pub(super) enum Wire {
    Plain(Timed),
    Tls(Box<StreamOwned<ServerConnection, Timed>>),
}

impl Wire {
    pub(super) fn new(raw: Raw, clock: Clock, tls: Option<&Arc<ServerConfig>>) -> io::Result<Wire> {
        let timed = Timed { raw, clock, deadline_ns: 0 };
        Ok(match tls {
            None => Wire::Plain(timed),
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Wire::Tls(Box::new(StreamOwned::new(session, timed)))
            }
        })
    }

    fn timed(&mut self) -> &mut Timed {
        match self {
            Wire::Plain(timed) => timed,
            Wire::Tls(stream) => &mut stream.sock,
        }
    }

    /// From now on nothing takes longer than `span` altogether.
    pub(super) fn within(&mut self, span: Duration) {
        let timed = self.timed();
        timed.deadline_ns = timed.clock.now_ns() + span.as_nanos() as u64;
    }

    /// Says that nothing more will be sent.
    pub(super) fn end(&mut self) {
        if let Wire::Tls(stream) = self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        self.timed().raw.shutdown(Shutdown::Write);
    }

    /// Takes bytes off the socket as they are, for a peer that is still sending what nobody wants.
    pub(super) fn discard(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        self.timed().read(scratch)
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(timed) => timed.read(into),
            Wire::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(timed) => timed.write(bytes),
            Wire::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(timed) => timed.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}
