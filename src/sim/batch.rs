//! Purpose: the frames of one event of the exchange, side by side in one reused buffer.
//! Owns: the buffer. Thread: its owner's. Takes and gives: bytes. Never: allocates after warm-up.

use core::ops::Range;

use super::channel::Channel;

/// One frame in a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The symbol's place in [`super::exchange::Exchange::symbols`].
    pub place: u32,
    /// Its channel.
    pub channel: Channel,
    /// When the venue sent it, UTC nanoseconds.
    pub venue_ns: i64,
    /// First and last id that it carries: update ids of books (first 0 when it has one only), ids of trades, else 0.
    pub ids: (u64, u64),
    /// Where the combined frame stands in the batch.
    pub frame: Range<usize>,
    /// Where the payload alone stands: the frame of a raw stream.
    pub payload: Range<usize>,
}

/// Frames that the exchange sends at one moment, in order.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    frames: Vec<Emitted>,
}

impl Batch {
    /// Empties it, keeping its room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }

    /// The frames, in order.
    pub fn frames(&self) -> &[Emitted] {
        &self.frames
    }

    /// The bytes at a range that one of its frames names; empty when it is out of bounds.
    pub fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// The same, to be parsed in place.
    pub fn bytes_mut(&mut self, range: &Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(range.clone()).unwrap_or_default()
    }

    #[inline]
    pub(super) fn frame(
        &mut self,
        place: u32,
        channel: Channel,
        venue_ns: i64,
        ids: (u64, u64),
        stream: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        super::wire::open_combined(&mut self.bytes, stream);
        let payload_start = self.bytes.len();
        write(&mut self.bytes);
        let payload = payload_start..self.bytes.len();
        super::wire::close_combined(&mut self.bytes);
        self.frames.push(Emitted { place, channel, venue_ns, ids, frame: start..self.bytes.len(), payload });
    }
}
