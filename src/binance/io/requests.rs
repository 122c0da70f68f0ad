//! Purpose: where requests for snapshots come from; the engine adapts its ring to it. Owns: nothing.
//! Thread: the io thread. Takes and gives: ids. Never: blocks.

use crate::schema::frame::Urgency;
use crate::schema::id::InstrumentId;

/// Requests for depth snapshots, oldest first.
pub trait SnapshotRequestSource: Send {
    /// The next request: the instrument, its epoch, and what hangs on it.
    fn next(&mut self) -> Option<(InstrumentId, u32, Urgency)>;
}

/// No requests: a topology without books.
#[derive(Clone, Copy, Debug)]
pub struct NoRequests;

impl SnapshotRequestSource for NoRequests {
    fn next(&mut self) -> Option<(InstrumentId, u32, Urgency)> {
        None
    }
}
