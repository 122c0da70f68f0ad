//! Purpose: the way by which consumers ask for a fresh book in the store.
//! Owns: a bounded queue of instruments. Thread: any asks, the conductor's stage takes.
//! Takes and gives: instruments. Never: blocks, grows, or promises that an answer comes: the asker asks again.

use crossbeam_queue::ArrayQueue;

use crate::schema::id::InstrumentId;
use crate::sync::Arc;

/// One shard's queue; clones are the same queue. The engine keeps one and polls it between inputs.
#[derive(Clone, Debug)]
pub struct BookRequests {
    queue: Arc<ArrayQueue<InstrumentId>>,
}

impl BookRequests {
    /// A queue for at most `capacity` requests; at least one.
    pub fn new(capacity: usize) -> BookRequests {
        BookRequests { queue: Arc::new(ArrayQueue::new(capacity.max(1))) }
    }

    /// Asks for a fresh book. `false` when the queue is full: ask again later.
    pub fn ask(&self, instrument: InstrumentId) -> bool {
        self.queue.push(instrument).is_ok()
    }

    /// The oldest request not yet taken. Two requests for one instrument can follow each other: one book answers both.
    pub fn take(&self) -> Option<InstrumentId> {
        self.queue.pop()
    }
}
