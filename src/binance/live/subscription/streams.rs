//! Purpose: the streams of one connection. An acknowledgement proves only that the message came in (any name is
//! acknowledged): a stream is live when its first frame has come. Owns: states, and what is wanted.
//! Thread: the io thread. Takes and gives: names, moments in ns. Never: sends anything; that is `talk`'s.

use std::collections::{HashMap, VecDeque};

use super::state::{Stream, StreamChange, StreamCounts, StreamState};
use super::talk::{UnderWay, VERIFY_NS};

/// The streams of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Subscriptions {
    pub(super) streams: Vec<Stream>,
    pub(super) places: HashMap<Box<str>, usize>,
    /// Names to ask for one by one or in small lists, after a list of theirs was refused.
    pub(super) parts: VecDeque<Vec<usize>>,
    pub(super) to_subscribe: VecDeque<usize>,
    pub(super) to_unsubscribe: VecDeque<usize>,
    pub(super) under_way: Option<UnderWay>,
    /// Names whose message went unanswered: a list of subscriptions tells what became of them.
    pub(super) doubtful: Vec<usize>,
    /// Places without a stream.
    pub(super) free: Vec<usize>,
    pub(super) unanswered: u8,
    /// Streams that were taken or speak, and that nobody was told of yet.
    pub(super) answered: Vec<usize>,
    pub(super) next_id: u64,
    pub(super) silent_after_ns: u64,
    pub(super) counts: StreamCounts,
    /// When the venue's list is to be held against ours.
    pub(super) verify_at: Option<u64>,
    /// Changes of state for whoever follows them; `None`: nobody does.
    pub(super) changes: Option<Vec<(Box<str>, StreamChange)>>,
}

impl Subscriptions {
    /// Without streams. A stream is silent when no frame came so long after its acknowledgement.
    pub(crate) fn new(silent_after_ns: u64) -> Subscriptions {
        Subscriptions {
            streams: Vec::new(),
            places: HashMap::new(),
            parts: VecDeque::new(),
            to_subscribe: VecDeque::new(),
            to_unsubscribe: VecDeque::new(),
            under_way: None,
            doubtful: Vec::new(),
            free: Vec::new(),
            unanswered: 0,
            answered: Vec::new(),
            next_id: 1,
            silent_after_ns,
            counts: StreamCounts::default(),
            verify_at: None,
            changes: None,
        }
    }

    /// Also notes every change of a stream's state, for [`Subscriptions::take_changes`].
    pub(crate) fn followed(mut self) -> Subscriptions {
        self.changes = Some(Vec::new());
        self
    }

    /// Moves the changes since the last call to `into`, in order.
    pub(crate) fn take_changes(&mut self, into: &mut Vec<(Box<str>, StreamChange)>) {
        if let Some(changes) = &mut self.changes {
            into.append(changes);
        }
    }

    /// Streams that are being taken out.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().filter(|s| s.state == StreamState::Leaving && !s.name.is_empty()).map(|s| &*s.name)
    }

    /// Wants a stream; one that is leaving is asked for anew.
    pub(crate) fn want(&mut self, name: &str, now: u64) {
        let known = self.places.get(name).copied();
        if known.is_some_and(|at| self.streams[at].state != StreamState::Leaving) {
            return;
        }
        let at = known.unwrap_or_else(|| {
            let fresh = Stream {
                name: name.into(),
                state: StreamState::Leaving,
                since: now,
                tries: 0,
                refusals: 0,
                asked: false,
            };
            self.place(fresh)
        });
        (self.streams[at].tries, self.streams[at].refusals) = (0, 0);
        self.enter(at, StreamState::Requested, now);
        self.to_unsubscribe.retain(|other| *other != at);
        self.to_subscribe.push_back(at);
    }

    pub(super) fn place(&mut self, stream: Stream) -> usize {
        // An empty name marks a free place; one that a message still names is not free yet.
        let named =
            |at: usize| self.under_way.as_ref().is_some_and(|w| w.names.contains(&at)) || self.doubtful.contains(&at);
        let free = self.free.iter().position(|at| !named(*at)).map(|at| self.free.swap_remove(at));
        let at = free.unwrap_or(self.streams.len());
        self.places.insert(stream.name.clone(), at);
        if at == self.streams.len() {
            self.streams.push(stream);
        } else {
            self.streams[at] = stream;
        }
        at
    }

    /// A stream that the connection's URL names: it is asked for by the connection itself.
    pub(crate) fn given(&mut self, name: &str, now: u64) {
        self.want(name, now);
        self.to_subscribe.clear();
        if let Some(at) = self.places.get(name).copied() {
            self.enter(at, StreamState::Acknowledged, now);
        }
    }

    /// Wants a stream no longer; whether it was wanted here.
    pub(crate) fn unwant(&mut self, name: &str, now: u64) -> bool {
        let Some(at) = self.places.get(name).copied() else { return false };
        if self.streams[at].state == StreamState::Leaving {
            return true;
        }
        self.to_subscribe.retain(|other| *other != at);
        self.enter(at, StreamState::Leaving, now);
        if self.streams[at].asked {
            self.to_unsubscribe.push_back(at);
        } else if !self.parts.iter().any(|part| part.contains(&at)) {
            self.forget(&[at]);
            // Should the venue have it after all, its list tells.
            self.verify_at = Some(now.saturating_add(VERIFY_NS));
        }
        true
    }

    fn count_of(&mut self, state: StreamState) -> Option<&mut usize> {
        match state {
            StreamState::Requested => Some(&mut self.counts.requested),
            StreamState::Acknowledged => Some(&mut self.counts.acknowledged),
            StreamState::Live => Some(&mut self.counts.live),
            StreamState::Silent => Some(&mut self.counts.silent),
            StreamState::Refused => Some(&mut self.counts.refused),
            StreamState::Leaving => None,
        }
    }

    pub(super) fn enter(&mut self, at: usize, state: StreamState, now: u64) {
        let old = core::mem::replace(&mut self.streams[at].state, state);
        self.streams[at].since = now;
        if let Some(changes) = &mut self.changes
            && let Some(change) = StreamChange::to(state).filter(|_| old != state)
        {
            changes.push((self.streams[at].name.clone(), change));
        }
        if let Some(count) = self.count_of(old) {
            *count -= 1;
        }
        if matches!(old, StreamState::Requested | StreamState::Refused)
            && matches!(state, StreamState::Acknowledged | StreamState::Live)
        {
            self.answered.push(at);
        }
        if let Some(count) = self.count_of(state) {
            *count += 1;
        }
    }

    /// How many streams are in which state.
    pub(crate) const fn counts(&self) -> StreamCounts {
        self.counts
    }

    /// Whether names of frames are worth looking at: some stream has not spoken yet.
    #[inline]
    pub(crate) const fn listens(&self) -> bool {
        self.counts.requested + self.counts.acknowledged + self.counts.silent > 0
    }

    /// Tells every stream that the venue has taken, or that speaks, once: those that are new since the last call.
    pub(crate) fn take_answered(&mut self, mut tell: impl FnMut(&str)) {
        for at in core::mem::take(&mut self.answered) {
            let Stream { name, state, .. } = &self.streams[at];
            if matches!(state, StreamState::Acknowledged | StreamState::Live | StreamState::Silent) {
                tell(name);
            }
        }
    }

    /// Has all of them told again.
    pub(crate) fn tell_again(&mut self) {
        self.answered = (0..self.streams.len()).collect();
    }

    /// Whether every stream speaks, or has had its time to.
    pub(crate) const fn is_settled(&self) -> bool {
        self.counts.requested + self.counts.acknowledged == 0 && self.under_way.is_none()
    }

    /// The streams that the venue refused here.
    pub(crate) fn refused_names(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().filter(|s| s.state == StreamState::Refused && !s.name.is_empty()).map(|s| &*s.name)
    }

    /// Whether the venue has taken a stream here.
    pub(crate) fn has(&self, name: &str) -> bool {
        let state = self.places.get(name).map(|at| self.streams[*at].state);
        matches!(state, Some(StreamState::Acknowledged | StreamState::Live | StreamState::Silent))
    }

    /// Whether some stream speaks.
    pub(crate) const fn has_live(&self) -> bool {
        self.counts.live > 0
    }

    /// A frame of this stream has come; whether it is its first.
    pub(crate) fn seen(&mut self, name: &str, now: u64) -> bool {
        let Some(at) = self.places.get(name).copied() else { return false };
        let first = !matches!(self.streams[at].state, StreamState::Live | StreamState::Leaving);
        if first {
            self.enter(at, StreamState::Live, now);
        }
        first
    }

    /// Every stream with its state.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, StreamState)> {
        self.streams.iter().filter(|s| !s.name.is_empty()).map(|s| (&*s.name, s.state))
    }
}
