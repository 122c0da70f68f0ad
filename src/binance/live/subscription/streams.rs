//! Purpose: the streams of one connection. An acknowledgement proves only that the message came in (any name is
//! acknowledged): a stream is live when its first frame has come. Owns: states, messages under way, their deadlines.
//! Thread: the io thread. Takes and gives: names, answers, moments in ns. Never: has two control messages under way.

use std::collections::{HashMap, VecDeque};

use super::message::{Control, Verb, control};

/// Names in one message.
const NAMES_MAX: usize = 100;
/// How long an answer may take (faults.md F29).
const ANSWER_NS: u64 = 5_000_000_000;
/// How often a name is asked for before it counts as refused, and how often a list may go unanswered.
const TRIES_MAX: u8 = 3;

/// What is known of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamState {
    /// Not asked for yet, or no answer yet.
    Requested,
    /// The message that named it was taken.
    Acknowledged,
    /// Its frames come.
    Live,
    /// Acknowledged, but no frame came in the time given. It may still come to life.
    Silent,
    /// The venue refused it.
    Refused,
    /// It is being taken out.
    Leaving,
}

#[derive(Clone, Debug)]
struct Stream {
    name: Box<str>,
    state: StreamState,
    since: u64,
    tries: u8,
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

/// A message without an answer yet.
#[derive(Clone, Debug)]
struct UnderWay {
    id: u64,
    verb: Verb,
    names: Vec<usize>,
    sent: u64,
}

/// The streams of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Subscriptions {
    streams: Vec<Stream>,
    places: HashMap<Box<str>, usize>,
    /// Names to ask for one by one or in small lists, after a list of theirs was refused.
    parts: VecDeque<Vec<usize>>,
    to_subscribe: VecDeque<usize>,
    to_unsubscribe: VecDeque<usize>,
    under_way: Option<UnderWay>,
    /// Names whose message went unanswered: a list of subscriptions tells what became of them.
    doubtful: Vec<usize>,
    unanswered: u8,
    next_id: u64,
    silent_after_ns: u64,
    counts: StreamCounts,
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
            unanswered: 0,
            next_id: 1,
            silent_after_ns,
            counts: StreamCounts::default(),
        }
    }

    /// Wants a stream; one that is leaving is asked for anew.
    pub(crate) fn want(&mut self, name: &str, now: u64) {
        let known = self.places.get(name).copied();
        if known.is_some_and(|at| self.streams[at].state != StreamState::Leaving) {
            return;
        }
        let at = known.unwrap_or_else(|| {
            let fresh = Stream { name: name.into(), state: StreamState::Leaving, since: now, tries: 0 };
            self.streams.push(fresh);
            self.places.insert(name.into(), self.streams.len() - 1);
            self.streams.len() - 1
        });
        self.streams[at].tries = 0;
        self.enter(at, StreamState::Requested, now);
        self.to_unsubscribe.retain(|other| *other != at);
        self.to_subscribe.push_back(at);
    }

    /// A stream that the connection's URL names: it is asked for by the connection itself.
    pub(crate) fn given(&mut self, name: &str, now: u64) {
        self.want(name, now);
        self.to_subscribe.clear();
        if let Some(at) = self.places.get(name).copied() {
            self.enter(at, StreamState::Acknowledged, now);
        }
    }

    /// Wants a stream no longer.
    pub(crate) fn unwant(&mut self, name: &str, now: u64) {
        let Some(at) = self.places.get(name).copied() else { return };
        if self.streams[at].state == StreamState::Leaving {
            return;
        }
        let was_asked = !self.to_subscribe.contains(&at);
        self.to_subscribe.retain(|other| *other != at);
        self.enter(at, StreamState::Leaving, now);
        if was_asked {
            self.to_unsubscribe.push_back(at);
        }
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

    fn enter(&mut self, at: usize, state: StreamState, now: u64) {
        let old = core::mem::replace(&mut self.streams[at].state, state);
        self.streams[at].since = now;
        if let Some(count) = self.count_of(old) {
            *count -= 1;
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

    /// Whether every stream was asked for and answered.
    pub(crate) const fn is_answered(&self) -> bool {
        self.counts.requested == 0 && self.under_way.is_none()
    }

    /// Whether every stream speaks, or has had its time to.
    pub(crate) const fn is_settled(&self) -> bool {
        self.counts.requested + self.counts.acknowledged == 0 && self.under_way.is_none()
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

    /// The next message to send, if one is due. It is under way once it was given.
    pub(crate) fn next_message(&mut self, now: u64) -> Option<Control> {
        if self.under_way.is_some() {
            return None;
        }
        let (verb, names) = if !self.doubtful.is_empty() {
            (Verb::List, core::mem::take(&mut self.doubtful))
        } else if !self.to_unsubscribe.is_empty() {
            let many = self.to_unsubscribe.len().min(NAMES_MAX);
            (Verb::Unsubscribe, self.to_unsubscribe.drain(..many).collect())
        } else if let Some(part) = self.parts.pop_front() {
            (Verb::Subscribe, part)
        } else if !self.to_subscribe.is_empty() {
            let many = self.to_subscribe.len().min(NAMES_MAX);
            (Verb::Subscribe, self.to_subscribe.drain(..many).collect())
        } else {
            return None;
        };
        let id = self.next_id;
        self.next_id += 1;
        let message = control(id, verb, names.iter().map(|at| &*self.streams[*at].name));
        self.under_way = Some(UnderWay { id, verb, names, sent: now });
        Some(message)
    }

    /// A message was taken. `streams` is the answer to a list.
    pub(crate) fn done(&mut self, id: Option<u64>, streams: Option<&[String]>, now: u64) {
        // An answer without an id can only be to the one message that is under way.
        let Some(way) = self.under_way.take_if(|w| id.is_none_or(|id| id == w.id)) else { return };
        self.unanswered = 0;
        match way.verb {
            Verb::Subscribe => way.names.iter().for_each(|at| self.acknowledge(*at, now)),
            Verb::Unsubscribe => self.forget(&way.names),
            Verb::List => self.reconcile(&way.names, streams.unwrap_or_default(), now),
        }
    }

    fn acknowledge(&mut self, at: usize, now: u64) {
        if self.streams[at].state == StreamState::Requested {
            self.enter(at, StreamState::Acknowledged, now);
        }
    }

    /// Drops streams that have left. Places of the others stay: an empty name marks a free place.
    fn forget(&mut self, names: &[usize]) {
        for at in names {
            if self.streams[*at].state == StreamState::Leaving {
                let name = core::mem::take(&mut self.streams[*at].name);
                self.places.remove(&name);
            }
        }
    }

    fn reconcile(&mut self, names: &[usize], listed: &[String], now: u64) {
        for at in names {
            let there = listed.iter().any(|name| **name == *self.streams[*at].name);
            match (self.streams[*at].state, there) {
                (StreamState::Requested, true) => self.enter(*at, StreamState::Acknowledged, now),
                (StreamState::Requested, false) => self.again(*at, now),
                (StreamState::Leaving, true) => self.to_unsubscribe.push_back(*at),
                (StreamState::Leaving, false) => self.forget(&[*at]),
                _ => {}
            }
        }
    }

    fn again(&mut self, at: usize, now: u64) {
        self.streams[at].tries += 1;
        if self.streams[at].tries >= TRIES_MAX {
            self.enter(at, StreamState::Refused, now);
        } else {
            self.to_subscribe.push_back(at);
        }
    }

    /// A message was refused: the names of a list are asked for in halves, until the one at fault stands alone. Gives it.
    pub(crate) fn refused(&mut self, id: Option<u64>, now: u64) -> Option<&str> {
        let way = self.under_way.take_if(|w| id.is_none_or(|id| id == w.id))?;
        self.unanswered = 0;
        match way.verb {
            Verb::Subscribe if way.names.len() > 1 => {
                let (low, high) = way.names.split_at(way.names.len() / 2);
                self.parts.push_front(high.to_vec());
                self.parts.push_front(low.to_vec());
                None
            }
            Verb::Subscribe => {
                let at = *way.names.first()?;
                if self.streams[at].state != StreamState::Requested {
                    return None;
                }
                self.enter(at, StreamState::Refused, now);
                Some(&self.streams[at].name)
            }
            // What cannot be taken out is forgotten: its frames are let through and dropped further on.
            Verb::Unsubscribe => {
                self.forget(&way.names);
                None
            }
            Verb::List => {
                way.names.iter().for_each(|at| self.again(*at, now));
                None
            }
        }
    }

    /// Lets time pass: answers that are overdue, streams that stay silent. `false` when the venue answers nothing at all
    /// and the connection should be given up.
    pub(crate) fn tick(&mut self, now: u64) -> bool {
        if let Some(way) = self.under_way.take_if(|w| now.saturating_sub(w.sent) >= ANSWER_NS) {
            self.unanswered += 1;
            // Streams that speak need no answer.
            let open = |at: &usize| matches!(self.streams[*at].state, StreamState::Requested | StreamState::Leaving);
            self.doubtful.extend(way.names.into_iter().filter(open));
        }
        if self.counts.acknowledged > 0 {
            for at in 0..self.streams.len() {
                let Stream { state, since, .. } = self.streams[at];
                if state == StreamState::Acknowledged && now.saturating_sub(since) >= self.silent_after_ns {
                    self.enter(at, StreamState::Silent, now);
                }
            }
        }
        self.unanswered < TRIES_MAX
    }

    /// Every stream with its state.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, StreamState)> {
        self.streams.iter().filter(|s| !s.name.is_empty()).map(|s| (&*s.name, s.state))
    }
}
