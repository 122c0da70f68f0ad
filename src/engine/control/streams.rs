//! Purpose: the native streams that are wanted: by how many, how each does, and how long the venue took to answer.
//! Owns: counts, states, deadlines of silence. Thread: the control duty's. Takes and gives: names, news, moments.
//! Never: turns a stream off that somebody wants; takes an acknowledgement for life.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use crate::schema::id::{InstrumentId, Market};
use crate::schema::report::{StreamState, StreamStates};
use crate::schema::topic::{StreamKind, StreamName};

use super::native::Heard;

/// What the time is: the clock's own, and UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, ns.
    pub mono_ns: u64,
    /// UTC ns.
    pub unix_ns: i64,
}

const SECOND_NS: u64 = 1_000_000_000;

/// How long an acknowledged stream may take to its first frame before it counts as silent: max(2 s, 3 expected intervals).
/// Intervals: binance.md, sections 2 and 4 (2026-07-22), the longer of both markets; what follows events has none.
fn patience_ns(stream: &str) -> u64 {
    let interval_ms = match StreamName::parse(stream).map(|name| name.topic.kind) {
        Some(StreamKind::Kline | StreamKind::Ticker | StreamKind::MiniTicker) => 2_000,
        Some(StreamKind::MarkPrice) => 3_000,
        Some(
            StreamKind::WindowTicker
            | StreamKind::AvgPrice
            | StreamKind::ReferencePrice
            | StreamKind::DepthDiff
            | StreamKind::DepthPartial,
        ) => 1_000,
        _ => 0,
    };
    (3 * interval_ms * 1_000_000).max(2 * SECOND_NS)
}

/// A stream that changed its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Its market.
    pub market: Market,
    /// Its name.
    pub stream: Box<str>,
    /// Whose it is; `None` for a stream of all symbols.
    pub instrument: Option<InstrumentId>,
    /// What it is now.
    pub state: StreamState,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) market: Market,
    pub(super) name: Box<str>,
    /// `None` for a stream of all symbols.
    pub(super) instrument: Option<InstrumentId>,
    /// How many subscriptions want it.
    pub(super) count: u64,
    pub(super) state: StreamState,
    pub(super) since_ns: i64,
    silent_at: u64,
    /// The command that waits for the venue's answer about it.
    waiter: Option<u64>,
}

/// A command whose streams are not all answered.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    left: usize,
    since_ns: u64,
    /// Whether a later command wanted the contrary of one of its streams before it was answered: its time means nothing.
    overtaken: bool,
}

/// The streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// A free place has no count and is in no index.
    rows: Vec<Option<Row>>,
    places: HashMap<Market, HashMap<Box<str>, usize>>,
    free: Vec<usize>,
    silences: BinaryHeap<Reverse<(u64, usize)>>,
    waiting: BTreeMap<u64, Waiting>,
    states: StreamStates,
    /// Times from a command to the last answer about its streams, ns, since they were taken.
    pub(super) answered_ns: Vec<u64>,
    /// Changes of state since they were taken.
    pub(super) turned: Vec<Turned>,
}

impl Streams {
    /// Wants a stream once more, for a command or because it was listed: its place, and whether the venue is to be asked.
    pub(super) fn want(
        &mut self,
        (market, name): (Market, &str),
        instrument: Option<InstrumentId>,
        command: Option<u64>,
        now: Now,
    ) -> (usize, bool) {
        let known = self.places.get(&market).and_then(|names| names.get(name)).copied();
        let at = known.unwrap_or_else(|| self.place(market, name, instrument, now));
        let Some(row) = self.rows[at].as_mut() else { return (at, false) };
        row.count += 1;
        if row.count > 1 {
            return (at, false);
        }
        self.enter(at, StreamState::Requested, now);
        self.wait(at, command, now);
        (at, true)
    }

    /// Wants it once less: whether the venue is to be told.
    pub(super) fn unwant(&mut self, at: usize, command: Option<u64>, now: Now) -> bool {
        let Some(row) = self.rows.get_mut(at).and_then(Option::as_mut) else { return false };
        row.count = row.count.saturating_sub(1);
        if row.count > 0 || row.state == StreamState::Leaving {
            return false;
        }
        self.enter(at, StreamState::Leaving, now);
        self.wait(at, command, now);
        true
    }

    fn place(&mut self, market: Market, name: &str, instrument: Option<InstrumentId>, now: Now) -> usize {
        let at = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            self.rows.len() - 1
        });
        let (state, since_ns) = (StreamState::Leaving, now.unix_ns);
        self.rows[at] =
            Some(Row { market, name: name.into(), instrument, count: 0, state, since_ns, silent_at: 0, waiter: None });
        self.states.add(state);
        self.places.entry(market).or_default().insert(name.into(), at);
        at
    }

    fn enter(&mut self, at: usize, state: StreamState, now: Now) {
        let Some(row) = self.rows[at].as_mut() else { return };
        let old = core::mem::replace(&mut row.state, state);
        (row.since_ns, row.silent_at) = (now.unix_ns, 0);
        self.states.remove(old);
        self.states.add(state);
        if old != state {
            let (market, stream, instrument) = (row.market, row.name.clone(), row.instrument);
            self.turned.push(Turned { market, stream, instrument, state });
        }
    }

    fn wait(&mut self, at: usize, command: Option<u64>, now: Now) {
        let Some(row) = self.rows[at].as_mut() else { return };
        if let Some(overtaken) = core::mem::replace(&mut row.waiter, command) {
            self.settle(overtaken, true, now);
        }
        let Some(command) = command else { return };
        let fresh = Waiting { left: 0, since_ns: now.mono_ns, overtaken: false };
        self.waiting.entry(command).or_insert(fresh).left += 1;
    }

    fn settle(&mut self, command: u64, overtaken: bool, now: Now) {
        let Some(waiting) = self.waiting.get_mut(&command) else { return };
        waiting.left = waiting.left.saturating_sub(1);
        waiting.overtaken |= overtaken;
        if waiting.left == 0 {
            if !waiting.overtaken {
                self.answered_ns.push(now.mono_ns.saturating_sub(waiting.since_ns));
            }
            self.waiting.remove(&command);
        }
    }

    /// Takes in what the native side says of a stream. What nobody wants or knows is no news.
    pub(super) fn heard(&mut self, market: Market, name: &str, heard: Heard, now: Now) {
        let Some(at) = self.places.get(&market).and_then(|names| names.get(name)).copied() else { return };
        let Some(row) = self.rows[at].as_mut() else { return };
        let leaving = row.state == StreamState::Leaving;
        let entered = match heard {
            Heard::Gone if leaving => None,
            Heard::Requested if !leaving => Some(StreamState::Requested),
            Heard::Acknowledged if row.state == StreamState::Requested => Some(StreamState::Acknowledged),
            Heard::Live if !leaving => Some(StreamState::Live),
            Heard::Refused if !leaving => Some(StreamState::Refused),
            _ => return,
        };
        let answered = heard != Heard::Requested;
        if let Some(command) = row.waiter.take_if(|_| answered) {
            self.settle(command, false, now);
        }
        match entered {
            Some(state) => {
                self.enter(at, state, now);
                if state == StreamState::Acknowledged {
                    self.listen(at, now);
                }
            }
            None => self.forget(at),
        }
    }

    fn listen(&mut self, at: usize, now: Now) {
        let Some(row) = self.rows[at].as_mut() else { return };
        row.silent_at = now.mono_ns + patience_ns(&row.name);
        self.silences.push(Reverse((row.silent_at, at)));
    }

    fn forget(&mut self, at: usize) {
        let Some(row) = self.rows[at].take() else { return };
        self.states.remove(row.state);
        if let Some(names) = self.places.get_mut(&row.market) {
            names.remove(&row.name);
        }
        self.free.push(at);
    }

    /// Forgets streams that nobody wants and that nobody was asked for yet, and what was to be told of all.
    pub(super) fn forget_unwanted(&mut self) {
        for at in 0..self.rows.len() {
            if self.rows[at].as_ref().is_some_and(|row| row.count == 0) {
                self.forget(at);
            }
        }
        self.rows.iter_mut().flatten().for_each(|row| row.waiter = None);
        self.waiting.clear();
        let wanted = self.rows.iter().flatten();
        self.turned = wanted
            .map(|row| Turned {
                market: row.market,
                stream: row.name.clone(),
                instrument: row.instrument,
                state: row.state,
            })
            .collect();
    }

    /// Lets time pass: acknowledged streams that stay silent.
    pub(super) fn tick(&mut self, now: Now) {
        while let Some(&Reverse((due, at))) = self.silences.peek() {
            if due > now.mono_ns {
                break;
            }
            self.silences.pop();
            let still = |row: &Row| row.silent_at == due && row.state == StreamState::Acknowledged;
            if self.rows[at].as_ref().is_some_and(still) {
                self.enter(at, StreamState::Silent, now);
            }
        }
    }

    /// How many are in which state.
    pub(super) const fn states(&self) -> StreamStates {
        self.states
    }

    /// A stream by its place.
    pub(super) fn row(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)?.as_ref()
    }

    /// Every stream, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flatten()
    }
}
