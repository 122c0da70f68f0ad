//! Purpose: the venue's door: accepts connections and gives each a thread. Owns: the listening socket, the threads.
//! Thread: its own. Takes and gives: sockets. Never: lets more in than the limit; leaves a thread behind.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::connection;
use super::line::Line;
use super::outbox::Outbox;
use super::shared::{Shared, hold};

const DOOR: Token = Token(0);
/// The token of calls from other threads.
pub(super) const CALL: Token = Token(1);
/// A connection's stack: its deepest call formats a body into the heap.
const STACK_BYTES: usize = 256 << 10;
const NAP: Duration = Duration::from_millis(50);

/// See the file's head.
pub(super) struct Listener {
    poll: Poll,
    door: Option<TcpListener>,
    /// The threads of connections, by their ids.
    threads: Vec<(u64, JoinHandle<()>)>,
    accepted: u64,
}

impl Listener {
    /// Opens the door.
    pub(super) fn open(address: SocketAddr) -> io::Result<Listener> {
        let poll = Poll::new()?;
        let mut listener = Listener { poll, door: None, threads: Vec::new(), accepted: 0 };
        listener.bind(address)?;
        Ok(listener)
    }

    fn bind(&mut self, address: SocketAddr) -> io::Result<()> {
        let mut door = TcpListener::bind(address)?;
        self.poll.registry().register(&mut door, DOOR, Interest::READABLE)?;
        self.door = Some(door);
        Ok(())
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.door.as_ref().map_or(Err(ErrorKind::NotConnected.into()), TcpListener::local_addr)
    }

    pub(super) fn waker(&self) -> io::Result<mio::Waker> {
        mio::Waker::new(self.poll.registry(), CALL)
    }

    /// The thread's life; it ends after the last connection's thread.
    pub(super) fn run(mut self, shared: &Arc<Shared>) {
        let mut events = Events::with_capacity(8);
        while !shared.stopping() {
            self.mind_the_door(shared);
            let waiting = self.accept_all(shared);
            // Descriptors may be short, or the door closed: look again soon. Otherwise an event comes.
            let nap = if waiting || self.door.is_none() { NAP } else { 10 * NAP };
            let _ = self.poll.poll(&mut events, Some(nap));
            self.reap(shared, false);
        }
        self.door = None;
        self.reap(shared, true);
    }

    /// Sees off the threads that have ended; all of them, and waits for it, when the venue ends.
    fn reap(&mut self, shared: &Shared, all: bool) {
        for (id, thread) in self.threads.extract_if(.., |(_, thread)| all || thread.is_finished()) {
            if thread.join().is_err() {
                // A defect of the venue's: it is told, and costs nobody else anything.
                shared.tally.panics.add(1);
                shared.hub.forget(id);
                hold(&shared.connections).remove(&id);
            }
        }
    }

    /// Closes the door while the venue is down, and opens it again.
    fn mind_the_door(&mut self, shared: &Shared) {
        if shared.is_down() {
            self.door = None;
        } else if self.door.is_none() {
            // The port may be taken for a moment: the next round tries again.
            let _ = self.bind(shared.address);
        }
    }

    /// Accepts all that wait; true when some could not be.
    fn accept_all(&mut self, shared: &Arc<Shared>) -> bool {
        loop {
            let Some(door) = &self.door else { return false };
            match door.accept() {
                Ok((socket, peer)) => self.admit(shared, socket, peer),
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return false,
                Err(fault) if matches!(fault.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(_) => return true,
            }
        }
    }

    fn admit(&mut self, shared: &Arc<Shared>, socket: TcpStream, peer: SocketAddr) {
        if hold(&shared.connections).len() >= shared.limits.connections_max {
            return shared.tally.connections_refused.add(1);
        }
        shared.tally.connections.add(1);
        self.accepted += 1;
        let Ok((line, waker)) = Line::new(socket, shared.tls.as_ref()) else {
            return shared.tally.connections_refused.add(1);
        };
        let (frames_max, bytes_max) = (shared.outbox_frames_max, shared.outbox_bytes_max);
        let outbox = Arc::new(Outbox::new(self.accepted, peer, waker, frames_max, bytes_max));
        hold(&shared.connections).insert(outbox.id, Arc::clone(&outbox));
        let (id, all) = (outbox.id, Arc::clone(shared));
        let name = format!("venue-{id}");
        let life = move || connection::serve(&all, &outbox, line);
        match std::thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(life) {
            Ok(thread) => self.threads.push((id, thread)),
            Err(_) => {
                hold(&shared.connections).remove(&id);
                shared.tally.connections_refused.add(1);
            }
        }
    }
}
