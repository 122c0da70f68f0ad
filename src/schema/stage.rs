//! Purpose: the seams between stages. Agents on one thread are joined by these traits, agents on two by a ring whose
//! sending half implements them; a stage cannot tell which.
//! Owns: nothing. Thread: the caller's. Takes and gives: records. Never: blocks, loses an input it took.

use super::event::{EventBuf, EventHeader, EventRef};
pub use super::frame::Urgency;
use super::id::{InstrumentId, TypeId};
use super::raw::RawRef;
use super::time::UnixNanos;

/// What every stage can be asked by the one before it.
///
/// The protocol: before an input the caller asks [`Stage::ready`]; on `false` it keeps the input, calls
/// [`Stage::work`] and asks again later. Time is handed in with [`Stage::advance`]: a stage reads no clock.
pub trait Stage {
    /// Whether `records` inputs of `words` words in all can be taken now, with room for everything they may cause
    /// downstream. `false` is back-pressure, not an error. What is ready for so many words is ready for fewer, and stays so until it
    /// takes an input, works, or its time moves on.
    fn ready(&mut self, records: usize, words: usize) -> bool;

    /// Does work that is left over (held diffs to release, timers that fired); how much it did.
    fn work(&mut self) -> usize;

    /// Says what time it is: UTC ns, never earlier than before. Timers due by then fire in the next [`Stage::work`].
    fn advance(&mut self, now: UnixNanos);

    /// Says that no input will follow: what was held back to be decided later is decided now. Once, and asked for like
    /// an input: the news may take the room of a record downstream, and what is due comes before it.
    fn finish(&mut self);
}

/// A stage that takes raw instances.
pub trait RawSink: Stage {
    /// A hint that a raw instance of this instrument is being read, which may be of its book's stream: who keeps much of each of
    /// thousands of instruments may begin to fetch it. Nothing may depend on it.
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        let _ = (instrument, of_book);
    }

    /// Takes one. The caller has asked [`Stage::ready`].
    fn take_raw(&mut self, raw: RawRef<'_>);
}

/// A stage that takes canonical events.
pub trait EventSink: Stage {
    /// As [`RawSink::expect`].
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        let _ = (instrument, of_book);
    }

    /// A hint that a diff of this instrument's book is being made, after [`EventSink::expect`] of it: what that began to fetch
    /// says where the rest lies.
    #[inline]
    fn expect_diff(&mut self, instrument: InstrumentId) {
        let _ = instrument;
    }

    /// Takes one. The caller has asked [`Stage::ready`].
    fn take_event(&mut self, event: EventRef<'_>);
}

/// Where the conductor's events go: numbered, stored where asked, published.
pub trait Publish {
    /// Whether `records` events of `words` words in all can be published without taking anything from a lossless reader.
    fn room_for(&mut self, records: usize, words: usize) -> bool;

    /// Numbers the event, measures its latency and publishes it; gives its `seq`.
    fn publish(&mut self, event: &mut EventBuf) -> u64;

    /// As [`Publish::publish`], and first puts the event into the snapshot store as the latest of its (instrument, type).
    /// When the store refuses it the event goes out all the same, with [`super::event::flag::NOT_STORED`].
    fn publish_stored(&mut self, event: &mut EventBuf) -> u64;

    /// Puts a whole book ([`super::payload::Book`]) into the store under the reference's (instrument, type), writes the
    /// store's version into the reference ([`super::payload::BookReference`]) and publishes that. The book's head becomes
    /// the reference's (number, epoch, quality and all; its own kind stays), so what lies in the store is an event like
    /// any other. `delta_seq` in both payloads is the caller's.
    fn publish_book(&mut self, reference: &mut EventBuf, book: &mut EventBuf) -> u64;

    /// The conductor takes an input: what is published until [`Publish::taken`], and carries its trace, is of it. For traces alone.
    fn taking(&mut self, _input: &EventHeader) {}

    /// It is done with the input.
    fn taken(&mut self) {}

    /// The last `seq` given to an (instrument, type); 0 before the first.
    fn last_seq(&self, instrument: InstrumentId, type_id: TypeId) -> u64;
}

/// The way back to whoever speaks REST.
pub trait SnapshotRequests {
    /// Asks for a fresh depth snapshot. `false` when the way is full: ask again later.
    fn request_snapshot(&mut self, instrument: InstrumentId, epoch: u32, urgency: Urgency) -> bool;
}
