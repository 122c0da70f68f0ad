//! Purpose: the sockets: which have something, read in turn. Owns: connections by slot, the poll.
//! Thread: the io thread. Takes and gives: frames. Never: blocks; lets one busy socket starve the others.

use std::io;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::cause::Cause;
use super::connection::{Connection, ConnectionPlan, ReadOutcome};
use super::failure;
use super::opening::Opening;
use super::session::Phase;
use crate::schema::id::ConnectionId;

/// Frames read before the system is asked again who has something.
const READS_PER_POLL: u32 = 64;
/// Frames that are no data in one turn of one socket.
const CONTROL_PER_TURN: u32 = 64;

/// One slot.
#[derive(Debug)]
struct Slot {
    connection: Connection,
    /// May have something to read.
    ready: bool,
}

/// What a turn over the sockets came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A frame of this slot's connection has come.
    Frame(usize),
    /// This slot's connection has opened.
    Opened(usize),
    /// This slot's connection is over.
    Gone(usize, Cause),
    /// Nothing.
    Nothing,
}

/// The sockets.
#[derive(Debug)]
pub(super) struct Slots {
    poll: Poll,
    events: Events,
    slots: Vec<Option<Slot>>,
    at: usize,
    reads: u32,
    busy: bool,
    next_id: u16,
    ids: Ids,
}

/// The connection ids of one io thread: every so many-th, so that no two threads give the same one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    /// The thread's number, from 0.
    pub(super) thread: u16,
    /// How many there are.
    pub(super) threads: u16,
}

impl Ids {
    /// The first one. Connection 0 is REST.
    const fn first(self) -> u16 {
        1 + self.thread
    }

    /// The one behind this; after the last they start over.
    fn behind(self, id: u16) -> u16 {
        id.checked_add(self.threads.max(1)).unwrap_or(self.first())
    }
}

impl Slots {
    /// None yet. `busy` reads every socket in every turn.
    pub(super) fn new(busy: bool, ids: Ids) -> io::Result<Slots> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(128));
        Ok(Slots { poll, events, slots: Vec::new(), at: 0, reads: 0, busy, next_id: ids.first(), ids })
    }

    /// Takes a socket that is connecting; the slot.
    pub(super) fn open(&mut self, mut tcp: TcpStream, plan: ConnectionPlan) -> Result<usize, Cause> {
        let at = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut tcp, Token(at), interest).map_err(|e| failure::of_io(&e))?;
        let id = self.free_id();
        self.slots[at] = Some(Slot { connection: Connection::new(id, tcp, plan), ready: false });
        Ok(at)
    }

    /// The next id that no connection has.
    fn free_id(&mut self) -> ConnectionId {
        loop {
            let id = ConnectionId(self.next_id);
            self.next_id = self.ids.behind(self.next_id);
            if !self.slots.iter().flatten().any(|s| s.connection.id == id) {
                return id;
            }
        }
    }

    /// The connection in a slot.
    pub(super) fn get(&mut self, at: usize) -> Option<&mut Connection> {
        self.slots.get_mut(at)?.as_mut().map(|s| &mut s.connection)
    }

    /// Ends a connection: dropping it closes the socket.
    pub(super) fn remove(&mut self, at: usize) -> Option<Connection> {
        Some(self.slots.get_mut(at)?.take()?.connection)
    }

    /// One turn: at most one frame.
    pub(super) fn turn(&mut self, opening: &Opening, now: u64) -> Turn {
        self.reads += 1;
        if self.reads >= READS_PER_POLL {
            self.ask();
        }
        let found = self.read_round(opening, now);
        if found != Turn::Nothing || self.reads == 0 {
            return found;
        }
        self.ask();
        self.read_round(opening, now)
    }

    /// Whether a socket may have something that was not read yet.
    pub(super) fn is_ready(&self, at: usize) -> bool {
        self.slots.get(at).is_some_and(|slot| slot.as_ref().is_some_and(|slot| slot.ready))
    }

    /// Asks the system who has something.
    pub(super) fn ask(&mut self) {
        self.reads = 0;
        // Interrupted or not: what it knows is in `events`.
        if self.poll.poll(&mut self.events, Some(Duration::ZERO)).is_err() {
            return;
        }
        for event in &self.events {
            if let Some(Some(slot)) = self.slots.get_mut(event.token().0) {
                slot.ready = true;
                if event.is_writable() {
                    slot.connection.flush();
                }
            }
        }
    }

    /// Goes round the sockets that may have something, from the one behind the last.
    fn read_round(&mut self, opening: &Opening, now: u64) -> Turn {
        for _ in 0..self.slots.len() {
            self.at = if self.at + 1 < self.slots.len() { self.at + 1 } else { 0 };
            let at = self.at;
            let Some(slot) = self.slots[at].as_mut().filter(|s| s.ready || self.busy) else { continue };
            match read_slot(slot, opening, now) {
                Turn::Nothing => {}
                Turn::Frame(_) => return Turn::Frame(at),
                Turn::Opened(_) => return Turn::Opened(at),
                Turn::Gone(_, cause) => return Turn::Gone(at, cause),
            }
        }
        Turn::Nothing
    }
}

fn read_slot(slot: &mut Slot, opening: &Opening, now: u64) -> Turn {
    let connection = &mut slot.connection;
    if matches!(connection.session.phase(), Phase::Connecting | Phase::Securing | Phase::Upgrading) {
        return match connection.advance(opening, now) {
            // The answer to the upgrade may have brought frames along: it stays ready.
            Ok(true) => Turn::Opened(0),
            Ok(false) => {
                slot.ready = false;
                Turn::Nothing
            }
            Err(cause) => Turn::Gone(0, cause),
        };
    }
    // Of a flood of pings only so many in one turn: other sockets wait, and so do deadlines. It stays ready.
    for _ in 0..CONTROL_PER_TURN {
        match connection.read(now) {
            ReadOutcome::Frame => return Turn::Frame(0),
            ReadOutcome::Again => {}
            ReadOutcome::Blocked => {
                slot.ready = false;
                return Turn::Nothing;
            }
            ReadOutcome::Gone(cause) => return Turn::Gone(0, cause),
        }
    }
    Turn::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_io_threads_give_the_same_id() {
        for threads in [1, 2, 3, 7] {
            let mut seen = std::collections::HashSet::new();
            for thread in 0..threads {
                let ids = Ids { thread, threads };
                let mut id = ids.first();
                loop {
                    assert!(id != 0 && seen.insert(id), "{id} twice with {threads} threads");
                    id = ids.behind(id);
                    if id == ids.first() {
                        break;
                    }
                }
            }
            assert_eq!(seen.len(), usize::from(u16::MAX), "none is left out");
        }
    }
}
