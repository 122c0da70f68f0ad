//! Purpose: what is known of a stream, and what those who follow it are told. Owns: nothing. Thread: any.
//! Takes and gives: states. Never: changes by itself.

pub(super) use crate::schema::report::StreamState;

/// A stream of this connection.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) name: Box<str>,
    pub(super) state: StreamState,
    pub(super) since: u64,
    pub(super) tries: u8,
    /// How often it was refused, one after the other.
    pub(super) refusals: u32,
    /// Whether a message that asks for it was sent, and none since that takes it out.
    pub(super) asked: bool,
}

/// A change that whoever follows the streams is told. That a stream stays silent is theirs to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamChange {
    /// It is to be asked for, or anew.
    Requested,
    /// The message that named it was taken.
    Acknowledged,
    /// Its first frame has come.
    Live,
    /// The venue refused it.
    Refused,
    /// It was taken out.
    Gone,
}

impl StreamChange {
    pub(super) const fn to(state: StreamState) -> Option<StreamChange> {
        match state {
            StreamState::Requested => Some(StreamChange::Requested),
            StreamState::Acknowledged => Some(StreamChange::Acknowledged),
            StreamState::Live => Some(StreamChange::Live),
            StreamState::Refused => Some(StreamChange::Refused),
            StreamState::Silent | StreamState::Leaving => None,
        }
    }
}

/// How many streams are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Asked for, or about to be.
    pub requested: usize,
    /// Acknowledged, no frame yet.
    pub acknowledged: usize,
    /// Frames come.
    pub live: usize,
    /// Acknowledged long ago, no frame.
    pub silent: usize,
    /// Refused by the venue.
    pub refused: usize,
}
