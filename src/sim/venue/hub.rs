//! Purpose: who gets which stream. Owns: the subscriptions of all connections. Thread: any, behind one lock.
//! Takes and gives: names and outboxes in, frames to outboxes. Never: knows which names exist: any is taken.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use tungstenite::Bytes;

use super::outbox::Outbox;
use super::shared::hold;
use crate::sim::wire;
use crate::sync::{AtomicU64, Ordering};

#[derive(Debug, Default)]
struct Table {
    streams: HashMap<String, Vec<Arc<Outbox>>>,
    sessions: HashMap<u64, BTreeSet<String>>,
}

/// The subscriptions.
#[derive(Debug, Default)]
pub(super) struct Hub {
    table: Mutex<Table>,
    /// Rises with each change, so that the market looks only when there is something to see.
    version: AtomicU64,
}

/// A frame in the forms that subscribers may ask for.
pub(super) struct Sending<'a> {
    pub(super) stream: &'a str,
    /// What a raw stream carries.
    pub(super) payload: &'a [u8],
    /// What a combined stream carries, where it is more than the payload in its wrapper.
    pub(super) combined: Option<&'a [u8]>,
    /// The payload with microseconds, made when somebody wants it.
    pub(super) micros: &'a dyn Fn() -> Vec<u8>,
}

impl Sending<'_> {
    fn form(&self, combined: bool, micros: bool) -> Bytes {
        let rewritten;
        let payload = if micros {
            rewritten = (self.micros)();
            rewritten.as_slice()
        } else {
            self.payload
        };
        match (combined, self.combined) {
            (false, _) => Bytes::copy_from_slice(payload),
            (true, Some(whole)) if !micros => Bytes::copy_from_slice(whole),
            (true, _) => {
                let mut out = Vec::with_capacity(payload.len() + self.stream.len() + 24);
                wire::open_combined(&mut out, self.stream);
                out.extend_from_slice(payload);
                wire::close_combined(&mut out);
                Bytes::from(out)
            }
        }
    }
}

impl Hub {
    /// Subscribes; false when the connection had that stream already. One that does not speak to this connection is only
    /// written down.
    pub(super) fn subscribe(&self, stream: &str, outbox: &Arc<Outbox>, speaks: bool) -> bool {
        let mut table = hold(&self.table);
        let new = table.sessions.entry(outbox.id).or_default().insert(stream.to_owned());
        if new && speaks {
            table.streams.entry(stream.to_owned()).or_default().push(Arc::clone(outbox));
            self.changed();
        }
        new
    }

    /// Unsubscribes; false when the connection did not have the stream.
    pub(super) fn unsubscribe(&self, stream: &str, id: u64) -> bool {
        let mut table = hold(&self.table);
        let had = table.sessions.get_mut(&id).is_some_and(|names| names.remove(stream));
        if had {
            table.leave(stream, id);
            self.changed();
        }
        had
    }

    /// Forgets a connection.
    pub(super) fn forget(&self, id: u64) {
        let mut table = hold(&self.table);
        let Some(names) = table.sessions.remove(&id) else { return };
        for name in names {
            table.leave(&name, id);
        }
        self.changed();
    }

    /// The streams of a connection, sorted.
    pub(super) fn streams_of(&self, id: u64) -> Vec<String> {
        hold(&self.table).sessions.get(&id).map(|names| names.iter().cloned().collect()).unwrap_or_default()
    }

    /// How many streams a connection has, and how many of these names would be new to it.
    pub(super) fn count_of(&self, id: u64, more: &[String]) -> (usize, usize) {
        let table = hold(&self.table);
        let own = table.sessions.get(&id);
        let new: BTreeSet<&String> = more.iter().filter(|name| !own.is_some_and(|o| o.contains(*name))).collect();
        (own.map_or(0, BTreeSet::len), new.len())
    }

    /// All names that somebody hears.
    pub(super) fn names(&self) -> Vec<String> {
        hold(&self.table).streams.keys().cloned().collect()
    }

    /// Whether somebody hears a stream.
    pub(super) fn is_heard(&self, stream: &str) -> bool {
        hold(&self.table).streams.contains_key(stream)
    }

    /// Whether a frame of about so many bytes fits the queue of everyone subscribed to its stream.
    pub(super) fn has_room(&self, stream: &str, bytes: usize) -> bool {
        let table = hold(&self.table);
        table.streams.get(stream).is_none_or(|outboxes| outboxes.iter().all(|outbox| outbox.has_room(bytes)))
    }

    /// Whether nothing waits for anyone.
    pub(super) fn is_drained(&self) -> bool {
        hold(&self.table).streams.values().flatten().all(|outbox| outbox.is_empty())
    }

    /// Rises with each change.
    pub(super) fn version(&self) -> u64 {
        // Acquire, partner of the release in `changed`: whoever sees the number then finds the change behind the lock.
        self.version.load(Ordering::Acquire)
    }

    fn changed(&self) {
        // Release, partner of the acquire in `version`.
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Hands a frame to everyone subscribed to its stream; each form is written once.
    pub(super) fn publish(&self, sending: &Sending<'_>) {
        let table = hold(&self.table);
        let Some(outboxes) = table.streams.get(sending.stream) else { return };
        let mut forms: [Option<Bytes>; 4] = [const { None }; 4];
        for outbox in outboxes {
            let (combined, micros) = (outbox.combined(), outbox.micros());
            let form = &mut forms[usize::from(combined) * 2 + usize::from(micros)];
            outbox.push(form.get_or_insert_with(|| sending.form(combined, micros)).clone());
        }
    }
}

impl Table {
    fn leave(&mut self, stream: &str, id: u64) {
        if let Some(outboxes) = self.streams.get_mut(stream) {
            outboxes.retain(|outbox| outbox.id != id);
            if outboxes.is_empty() {
                self.streams.remove(stream);
            }
        }
    }
}
