//! Purpose: waiting on one client's socket: for bytes, for room, for a call from another thread, until a deadline.
//! Owns: the connection's poll. Thread: the connection's. Takes and gives: readiness, whole requests' bytes.
//! Never: waits longer than it was told, or on after the venue stops.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::ServerConfig;

use super::shared::Shared;
use super::transport::Transport;

const SOCKET: Token = Token(0);
const CALL: Token = Token(1);
/// How long, and for how many reads, a client that was refused is listened to.
const DRAIN_NS: u64 = 500_000_000;
const DRAIN_READS_MAX: u32 = 64;
/// Even without any event a thread looks around after this time.
const NAP_MAX_NS: u64 = 500_000_000;

/// See the file's head.
#[derive(Debug)]
pub(super) struct Line {
    poll: Poll,
    events: Events,
    pub(super) transport: Transport,
    /// Bytes that [`Read`] may still give, see [`Line::allow`].
    allowance: usize,
}

impl Line {
    /// Takes a socket; the waker ends a wait from another thread.
    pub(super) fn new(mut socket: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<(Line, Waker)> {
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        let waker = Waker::new(poll.registry(), CALL)?;
        Ok((
            Line { poll, events: Events::with_capacity(8), transport: Transport::new(socket, tls)?, allowance: 0 },
            waker,
        ))
    }

    /// Lets [`Read`] give so many bytes from now on, then say that nothing more is there: a client that never stops
    /// sending does not keep its thread from looking up.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }

    /// Bytes of the allowance that are left; with none left there may be more to read.
    pub(super) const fn left(&self) -> usize {
        self.allowance
    }

    /// Waits for an event of the socket or a call, at most `span_ns`.
    pub(super) fn wait(&mut self, span_ns: u64) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(Duration::from_nanos(span_ns.min(NAP_MAX_NS)))) {
            Err(fault) if fault.kind() != ErrorKind::Interrupted => Err(fault),
            _ => Ok(()),
        }
    }

    /// Waits until `deadline_ns` of the venue's clock.
    ///
    /// # Errors
    /// `TimedOut` after it, `ConnectionAborted` when the venue stops or goes down.
    fn wait_until(&mut self, shared: &Shared, deadline_ns: u64) -> io::Result<()> {
        if shared.stopping() || shared.is_down() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let left = deadline_ns.saturating_sub(shared.clock.now_ns());
        if left == 0 {
            return Err(ErrorKind::TimedOut.into());
        }
        self.wait(left)
    }

    /// Reads some bytes behind those that `into` has; 0 at the end of the stream.
    pub(super) fn read_more(&mut self, shared: &Shared, into: &mut Vec<u8>, deadline_ns: u64) -> io::Result<usize> {
        let mut chunk = [0u8; 4_096];
        loop {
            match self.transport.read(&mut chunk) {
                Ok(count) => {
                    into.extend_from_slice(&chunk[..count]);
                    return Ok(count);
                }
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => self.wait_until(shared, deadline_ns)?,
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Writes all bytes.
    pub(super) fn write_all(&mut self, shared: &Shared, mut bytes: &[u8], deadline_ns: u64) -> io::Result<()> {
        loop {
            let step = if bytes.is_empty() { self.transport.flush().map(|()| 0) } else { self.transport.write(bytes) };
            match step {
                Ok(_) if bytes.is_empty() => return Ok(()),
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => self.wait_until(shared, deadline_ns)?,
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Ends the conversation so that what was written last arrives, though the client may still be sending: a socket
    /// closed over unread bytes resets the connection and takes the answer with it.
    pub(super) fn hang_up(&mut self, shared: &Shared) {
        self.transport.farewell();
        let _ = self.transport.socket().shutdown(std::net::Shutdown::Write);
        let deadline = shared.clock.now_ns() + DRAIN_NS;
        let mut drained = Vec::new();
        for _ in 0..DRAIN_READS_MAX {
            drained.clear();
            if !matches!(self.read_more(shared, &mut drained, deadline), Ok(count) if count > 0) {
                return;
            }
        }
    }

    /// Lets time pass until the deadline.
    ///
    /// # Errors
    /// When the venue stops or goes down.
    pub(super) fn pause_until(&mut self, shared: &Shared, deadline_ns: u64) -> io::Result<()> {
        loop {
            match self.wait_until(shared, deadline_ns) {
                Err(fault) if fault.kind() == ErrorKind::TimedOut => return Ok(()),
                other => other?,
            }
        }
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.allowance);
        if most == 0 && !into.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.transport.read(&mut into[..most])?;
        self.allowance -= count;
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.transport.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport.flush()
    }
}
