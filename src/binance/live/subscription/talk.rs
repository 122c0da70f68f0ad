//! Purpose: what is said to the venue about the streams of a connection, and what its answers make of them. Owns: the message under way.
//! Thread: the io thread. Takes and gives: answers and moments in ns; messages. Never: has two control messages under way.

use std::collections::HashSet;

use super::message::{Control, Verb, control};
use super::state::{Stream, StreamChange, StreamState};
use super::streams::Subscriptions;

/// Names in one message.
const NAMES_MAX: usize = 100;
/// How long an answer may take (faults.md F29).
const ANSWER_NS: u64 = 5_000_000_000;
/// How often a name is asked for before it counts as refused, and how often a list may go unanswered.
const TRIES_MAX: u8 = 3;
/// How long after a refusal a stream is asked for again: doubled each time, up to the longest.
const REFUSED_NS: (u64, u32) = (5_000_000_000, 6);
/// How long after the last change the venue is asked for its own list, to be held against ours.
pub(super) const VERIFY_NS: u64 = 2_000_000_000;

/// A message without an answer yet.
#[derive(Clone, Debug)]
pub(super) struct UnderWay {
    id: u64,
    verb: Verb,
    pub(super) names: Vec<usize>,
    sent: u64,
}

impl Subscriptions {
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
    pub(super) fn forget(&mut self, names: &[usize]) {
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
}
