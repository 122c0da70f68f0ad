//! Purpose: the streams of one connection. An acknowledgement proves only that the message came in (any name is
//! acknowledged): a stream is live when its first frame has come. Owns: states, messages under way, their deadlines.
//! Thread: the io thread. Takes and gives: names, answers, moments in ns. Never: has two control messages under way.

use std::collections::{HashMap, HashSet, VecDeque};

use super::message::{Control, Verb, control};

/// Names in one message.
const NAMES_MAX: usize = 100;
/// How long an answer may take (faults.md F29).
const ANSWER_NS: u64 = 5_000_000_000;
/// How often a name is asked for before it counts as refused, and how often a list may go unanswered.
const TRIES_MAX: u8 = 3;
/// How long after a refusal a stream is asked for again: doubled each time, up to the longest.
const REFUSED_NS: (u64, u32) = (5_000_000_000, 6);
/// How long after the last change the venue is asked for its own list, to be held against ours.
const VERIFY_NS: u64 = 2_000_000_000;

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
    /// How often it was refused, one after the other.
    refusals: u32,
    /// Whether a message that asks for it was sent, and none since that takes it out.
    asked: bool,
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
    const fn to(state: StreamState) -> Option<StreamChange> {
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
    /// Places without a stream.
    free: Vec<usize>,
    unanswered: u8,
    /// Streams that were taken or speak, and that nobody was told of yet.
    answered: Vec<usize>,
    next_id: u64,
    silent_after_ns: u64,
    counts: StreamCounts,
    /// When the venue's list is to be held against ours.
    verify_at: Option<u64>,
    /// Changes of state for whoever follows them; `None`: nobody does.
    changes: Option<Vec<(Box<str>, StreamChange)>>,
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

    fn place(&mut self, stream: Stream) -> usize {
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

    fn enter(&mut self, at: usize, state: StreamState, now: u64) {
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

    /// The next message to send, if one is due. It is under way once it was given.
    pub(crate) fn next_message(&mut self, now: u64) -> Option<Control> {
        if self.under_way.is_some() {
            return None;
        }
        let (verb, names) = self.next_names(now)?;
        if verb != Verb::List {
            names.iter().for_each(|at| self.streams[*at].asked = verb == Verb::Subscribe);
        }
        let id = self.next_id;
        self.next_id += 1;
        let message = control(id, verb, names.iter().map(|at| &*self.streams[*at].name));
        self.under_way = Some(UnderWay { id, verb, names, sent: now });
        Some(message)
    }

    /// What the next message is about.
    fn next_names(&mut self, now: u64) -> Option<(Verb, Vec<usize>)> {
        if !self.doubtful.is_empty() {
            return Some((Verb::List, core::mem::take(&mut self.doubtful)));
        }
        if !self.to_unsubscribe.is_empty() {
            let many = self.to_unsubscribe.len().min(NAMES_MAX);
            return Some((Verb::Unsubscribe, self.to_unsubscribe.drain(..many).collect()));
        }
        while let Some(part) = self.parts.pop_front() {
            // Some may have been given up since the list that they stood in was refused.
            let (wanted, given_up): (Vec<usize>, Vec<usize>) =
                part.into_iter().partition(|at| self.streams[*at].state == StreamState::Requested);
            self.forget(&given_up);
            if !wanted.is_empty() {
                return Some((Verb::Subscribe, wanted));
            }
        }
        if !self.to_subscribe.is_empty() {
            let many = self.to_subscribe.len().min(NAMES_MAX);
            return Some((Verb::Subscribe, self.to_subscribe.drain(..many).collect()));
        }
        self.verify_at.take_if(|at| *at <= now).map(|_| (Verb::List, Vec::new()))
    }

    /// A message was taken. `streams` is the answer to a list.
    pub(crate) fn done(&mut self, id: Option<u64>, streams: Option<&[String]>, now: u64) {
        // An answer without an id can only be to the one message that is under way.
        let Some(way) = self.under_way.take_if(|w| id.is_none_or(|id| id == w.id)) else { return };
        self.unanswered = 0;
        if way.verb != Verb::List {
            self.verify_at = Some(now.saturating_add(VERIFY_NS));
        }
        match way.verb {
            Verb::Subscribe => way.names.iter().for_each(|at| self.acknowledge(*at, now)),
            Verb::Unsubscribe => self.forget(&way.names),
            Verb::List if way.names.is_empty() => self.verify(streams, now),
            Verb::List => self.reconcile(&way.names, streams.unwrap_or_default(), now),
        }
    }

    fn acknowledge(&mut self, at: usize, now: u64) {
        if self.streams[at].state == StreamState::Requested {
            self.streams[at].refusals = 0;
            self.enter(at, StreamState::Acknowledged, now);
        }
    }

    /// Drops streams that have left. Places of the others stay: an empty name marks a free place.
    fn forget(&mut self, names: &[usize]) {
        for at in names {
            // One that was wanted anew meanwhile, and given up again, waits for a message of its own.
            let leaving = self.streams[*at].state == StreamState::Leaving && !self.streams[*at].asked;
            if leaving && !self.streams[*at].name.is_empty() {
                let name = core::mem::take(&mut self.streams[*at].name);
                self.places.remove(&name);
                self.free.push(*at);
                if let Some(changes) = &mut self.changes {
                    changes.push((name, StreamChange::Gone));
                }
            }
        }
    }

    /// Holds the venue's whole list against ours: what is missing there is asked for anew, what is there and unwanted is
    /// taken out. An answer can be right and be about another moment, so what is under discussion is left alone.
    fn verify(&mut self, listed: Option<&[String]>, now: u64) {
        let Some(listed) = listed else { return };
        if !self.to_subscribe.is_empty() || !self.to_unsubscribe.is_empty() || !self.parts.is_empty() {
            self.verify_at = Some(now.saturating_add(VERIFY_NS));
            return;
        }
        let there: HashSet<&str> = listed.iter().map(String::as_str).collect();
        for at in 0..self.streams.len() {
            let Stream { name, state, tries, asked, .. } = &mut self.streams[at];
            if name.is_empty() {
                continue;
            }
            let (state, tries, is_there) = (*state, *tries, there.contains(&**name));
            *asked |= is_there;
            match state {
                StreamState::Requested | StreamState::Leaving => self.settle(at, is_there, now),
                StreamState::Refused if is_there => self.enter(at, StreamState::Acknowledged, now),
                StreamState::Acknowledged | StreamState::Live | StreamState::Silent
                    if !is_there && tries < TRIES_MAX =>
                {
                    self.streams[at].tries += 1;
                    self.streams[at].asked = false;
                    self.enter(at, StreamState::Requested, now);
                    self.to_subscribe.push_back(at);
                }
                _ => {}
            }
        }
        for name in listed.iter().filter(|name| !self.places.contains_key(name.as_str())).collect::<Vec<_>>() {
            let stray = Stream {
                name: name.as_str().into(),
                state: StreamState::Leaving,
                since: now,
                tries: 0,
                refusals: 0,
                asked: true,
            };
            let at = self.place(stray);
            self.to_unsubscribe.push_back(at);
        }
    }

    fn reconcile(&mut self, names: &[usize], listed: &[String], now: u64) {
        for at in names {
            let there = listed.iter().any(|name| **name == *self.streams[*at].name);
            self.settle(*at, there, now);
        }
    }

    /// The venue's list has told what became of a stream about which a message went unanswered.
    fn settle(&mut self, at: usize, there: bool, now: u64) {
        self.streams[at].asked |= there;
        match (self.streams[at].state, there) {
            (StreamState::Requested, true) => self.enter(at, StreamState::Acknowledged, now),
            (StreamState::Requested, false) => self.again(at, now),
            (StreamState::Leaving, true) => self.to_unsubscribe.push_back(at),
            (StreamState::Leaving, false) => {
                self.streams[at].asked = false;
                self.forget(&[at]);
            }
            _ => {}
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

    /// What became of a stream that is to leave is not known: the list tells, unless that was asked too often.
    fn leave_again(&mut self, at: usize) {
        self.streams[at].tries += 1;
        if self.streams[at].tries < TRIES_MAX {
            self.doubtful.push(at);
        } else {
            self.streams[at].asked = false;
            self.forget(&[at]);
        }
    }

    /// A message was refused: the names of a list are asked for in halves, until the one at fault stands alone. Gives it.
    pub(crate) fn refused(&mut self, id: Option<u64>, now: u64) -> Option<&str> {
        let way = self.under_way.take_if(|w| id.is_none_or(|id| id == w.id))?;
        self.unanswered = 0;
        self.verify_at = Some(now.saturating_add(VERIFY_NS));
        match way.verb {
            Verb::Subscribe if way.names.len() > 1 => {
                way.names.iter().for_each(|at| self.streams[*at].asked = false);
                let (low, high) = way.names.split_at(way.names.len() / 2);
                self.parts.push_front(high.to_vec());
                self.parts.push_front(low.to_vec());
                None
            }
            Verb::Subscribe => {
                let at = *way.names.first()?;
                match self.streams[at].state {
                    StreamState::Requested => {
                        self.streams[at].asked = false;
                        self.enter(at, StreamState::Refused, now);
                        return Some(&self.streams[at].name);
                    }
                    StreamState::Leaving => {
                        self.streams[at].asked = false;
                        self.to_unsubscribe.retain(|other| *other != at);
                        self.forget(&[at]);
                    }
                    // It was taken before.
                    _ => {}
                }
                None
            }
            // The venue's list tells which of them it still has. What cannot be taken out is forgotten in the end: its frames
            // are let through and dropped further on.
            Verb::Unsubscribe => {
                way.names.into_iter().for_each(|at| self.leave_again(at));
                None
            }
            Verb::List => {
                for at in way.names {
                    match self.streams[at].state {
                        StreamState::Requested => self.again(at, now),
                        StreamState::Leaving => self.leave_again(at),
                        _ => {}
                    }
                }
                None
            }
        }
    }

    /// Lets time pass: answers that are overdue, streams that stay silent. `false` when the venue answers nothing at all
    /// and the connection should be given up.
    pub(crate) fn tick(&mut self, now: u64) -> bool {
        if let Some(way) = self.under_way.take_if(|w| now.saturating_sub(w.sent) >= ANSWER_NS) {
            self.unanswered += 1;
            self.verify_at = Some(now.saturating_add(VERIFY_NS));
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
        if self.counts.refused > 0 {
            self.retry_refused(now);
        }
        self.unanswered < TRIES_MAX
    }

    /// A refusal may have had a reason that is over by now.
    fn retry_refused(&mut self, now: u64) {
        for at in 0..self.streams.len() {
            let Stream { state, since, refusals, .. } = self.streams[at];
            let wait = REFUSED_NS.0 << refusals.min(REFUSED_NS.1);
            if state == StreamState::Refused && now.saturating_sub(since) >= wait {
                (self.streams[at].tries, self.streams[at].refusals) = (0, refusals + 1);
                self.enter(at, StreamState::Requested, now);
                self.to_subscribe.push_back(at);
            }
        }
    }

    /// The message under way.
    #[cfg(test)]
    pub(crate) fn under_way_id(&self) -> Option<u64> {
        self.under_way.as_ref().map(|way| way.id)
    }

    /// Every stream with its state.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, StreamState)> {
        self.streams.iter().filter(|s| !s.name.is_empty()).map(|s| (&*s.name, s.state))
    }
}
