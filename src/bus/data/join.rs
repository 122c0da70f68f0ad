//! Purpose: joins a book in mid-stream: a whole book first, then every change after it, each once.
//! Owns: a subscription to one instrument's book events, and the position in its changes.
//! Thread: the consumer's. Takes and gives: a closure in; snapshots, changes and what happened to the book, to it.
//! Never: a change without the book that it belongs to, a hole, a change twice; waits.
//!
//! The cursor is taken first. Changes are let go until a book is at hand that has all those let go: then nothing is
//! missing between it and the ring. A book is at hand when its reference comes by on the ring (it was stored before that
//! was published), or at the first change, when the store has a book that this change follows or is in.

use crate::directory::Directory;
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventRef, flag};
use crate::schema::id::InstrumentId;
use crate::schema::payload::{Book, BookReference, BookStatus, PayloadKind};
use crate::schema::quality::BookChange;
use crate::snapshot::{Key, RecordBuf, Store};

use super::fan_out::{DataBus, Guarantee, Start, SubscribeError, SubscribeOptions, shard_of};
use super::filter::{Filter, FilterError};
use super::requests::BookRequests;
use super::subscription::{Delivery, Lag, Subscription, SubscriptionStats};

/// While no book is at hand it is asked for again after so many changes of the book.
const CHANGES_PER_REQUEST: u32 = 256;

/// What a consumer of a book is handed, in order.
#[derive(Clone, Copy, Debug)]
pub enum BookUpdate<'a> {
    /// The whole book, a [`Book`] with its levels: forget what was before. Its quality is in its head.
    Snapshot(EventRef<'a>),
    /// The next change, to be applied.
    Delta(EventRef<'a>),
    /// Something happened to the book ([`BookStatus`]). When it is a reset, [`BookUpdate::StartsOver`] follows.
    Status(EventRef<'a>),
    /// The book held is good for nothing more; a snapshot will come.
    StartsOver(StartsOver),
}

/// Why a book is started over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartsOver {
    /// This consumer was too slow; it may have missed changes.
    Lagged(Lag),
    /// The book was reset.
    Reset,
    /// The changes go on in a new epoch.
    Epoch(u32),
    /// A change is missing that no lag told of: it was too long for the ring.
    Hole {
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        got: u64,
    },
}

/// Why a book cannot be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The directory does not know the instrument.
    #[error("the directory has no instrument #{0}")]
    UnknownInstrument(u32),
    /// No subscription.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// No filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

/// One consumer's view of one instrument's book.
#[derive(Debug)]
pub struct BookJoin<S: Store> {
    subscription: Subscription,
    joint: Joint<S>,
}

impl<S: Store> BookJoin<S> {
    /// Joins the book of `instrument`, asking for it by `requests`, which must be its shard's ([`shard_of`]).
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn new(
        bus: &DataBus,
        store: S,
        requests: BookRequests,
        instrument: InstrumentId,
        guarantee: Guarantee,
    ) -> Result<BookJoin<S>, JoinError> {
        let directory: &Directory = bus.directory();
        let known = directory.instrument(instrument).ok_or(JoinError::UnknownInstrument(instrument.0))?;
        let (market, name) = (known.market, serde_json::Value::from(&*known.name));
        let equal = crate::config::route::FilterOp::Eq;
        let filter = Filter::all().and("instrument", equal, &name)?.and("market", equal, &market.name().into())?;
        let types = [builtin::ORDERBOOK_DELTA, builtin::ORDERBOOK_SNAPSHOT, builtin::STATUS_BOOK];
        let options = SubscribeOptions { start: Start::Now, guarantee };
        let subscription = bus.subscribe_shard(shard_of(instrument, bus.shards()), &types, filter, options)?;
        let key = Key::new(market, instrument, builtin::ORDERBOOK_SNAPSHOT);
        Ok(BookJoin { subscription, joint: Joint::new(store, requests, key) })
    }

    /// Looks at up to `limit` records and hands out what concerns the book; gives how many it looked at.
    pub fn poll(&mut self, limit: usize, mut f: impl FnMut(BookUpdate<'_>)) -> usize {
        self.joint.ask_if_due();
        let joint = &mut self.joint;
        self.subscription.poll(limit, |delivery| match delivery {
            Delivery::Event(event) => joint.take(event, &mut f),
            Delivery::Lag(lag) => joint.start_over(StartsOver::Lagged(lag), &mut f),
        })
    }

    /// Whether the book is at hand and every change since is handed out.
    pub fn is_joined(&self) -> bool {
        matches!(self.joint.state, State::Joined { .. })
    }

    /// What became of every record of the shard.
    pub fn stats(&self) -> SubscriptionStats {
        self.subscription.stats()
    }

    /// Whether nothing will ever come.
    pub fn is_closed(&self) -> bool {
        self.subscription.is_closed()
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No book at hand.
    Waiting {
        /// The last change let go; `None` before the first.
        let_go: Option<u64>,
        /// The latest epoch seen: an older book is another book.
        epoch: u32,
        /// Changes until the book is asked for again; `None`: it is to be asked for now.
        patience: Option<u32>,
    },
    Joined {
        /// The number of the change that comes next.
        next: u64,
        epoch: u32,
    },
}

/// Where snapshot and changes are joined.
#[derive(Debug)]
struct Joint<S: Store> {
    store: S,
    requests: BookRequests,
    key: Key,
    buf: RecordBuf,
    state: State,
}

impl<S: Store> Joint<S> {
    fn new(store: S, requests: BookRequests, key: Key) -> Joint<S> {
        let state = State::Waiting { let_go: None, epoch: 0, patience: None };
        Joint { store, requests, key, buf: RecordBuf::new(), state }
    }

    fn ask_if_due(&mut self) {
        if let State::Waiting { patience: patience @ None, .. } = &mut self.state
            && self.requests.ask(self.key.instrument)
        {
            *patience = Some(CHANGES_PER_REQUEST);
        }
    }

    fn start_over(&mut self, why: StartsOver, f: &mut impl FnMut(BookUpdate<'_>)) {
        let epoch = match self.state {
            // Changes let go before a lag stay let go; those in it are older than any that come.
            State::Waiting { epoch, .. } | State::Joined { epoch, .. } => epoch,
        };
        let joined = matches!(self.state, State::Joined { .. });
        let let_go = match self.state {
            State::Waiting { let_go, .. } => let_go,
            State::Joined { next, .. } => Some(next - 1),
        };
        self.state = State::Waiting { let_go, epoch, patience: None };
        if joined {
            f(BookUpdate::StartsOver(why));
        }
        self.ask_if_due();
    }

    fn take(&mut self, event: EventRef<'_>, f: &mut impl FnMut(BookUpdate<'_>)) {
        match event.header().kind() {
            Some(PayloadKind::DepthDiff) => self.take_delta(event, f),
            Some(PayloadKind::BookReference) => self.take_reference(event, f),
            Some(PayloadKind::BookStatus) => {
                f(BookUpdate::Status(event));
                let reset = |status: &BookStatus| status.change == BookChange::Reset as i64;
                if event.payload::<BookStatus>().is_some_and(reset) {
                    self.start_over(StartsOver::Reset, f);
                }
            }
            // The best levels, or levels from REST: no book to join.
            _ => {}
        }
    }

    fn take_delta(&mut self, event: EventRef<'_>, f: &mut impl FnMut(BookUpdate<'_>)) {
        let (seq, epoch) = (event.header().seq, event.header().epoch);
        match self.state {
            // Part of the snapshot already.
            State::Joined { next, .. } if seq < next => return,
            State::Joined { next, epoch: joined } if seq > next || epoch != joined => {
                let hole = StartsOver::Hole { expected: next, got: seq };
                let why = if seq > next { hole } else { StartsOver::Epoch(epoch) };
                self.start_over(why, f);
            }
            _ => {}
        }
        self.await_book(seq, epoch, f);
        if let State::Joined { next, .. } = &mut self.state
            && *next == seq
        {
            *next += 1;
            f(BookUpdate::Delta(event));
        }
    }

    /// A change while waiting: the first may follow what the store has already; the others are let go.
    fn await_book(&mut self, seq: u64, epoch: u32, f: &mut impl FnMut(BookUpdate<'_>)) {
        let State::Waiting { let_go, epoch: seen, patience } = &mut self.state else { return };
        let first = let_go.is_none();
        *seen = epoch.max(*seen);
        *patience = patience.and_then(|left| left.checked_sub(1));
        let seen = *seen;
        if !(first && self.join(seq - 1, seen, 0, f)) {
            if let State::Waiting { let_go, .. } = &mut self.state {
                *let_go = Some(seq);
            }
            self.ask_if_due();
        }
    }

    fn take_reference(&mut self, event: EventRef<'_>, f: &mut impl FnMut(BookUpdate<'_>)) {
        let header = event.header();
        let Some(reference) = event.payload::<BookReference>() else { return };
        let epoch = header.epoch;
        if let State::Joined { epoch: joined, .. } = self.state {
            if joined >= epoch {
                return;
            }
            self.start_over(StartsOver::Epoch(epoch), f);
        }
        let State::Waiting { let_go, epoch: seen, patience } = &mut self.state else { return };
        *seen = epoch.max(*seen);
        let (let_go, seen) = (let_go.unwrap_or(0), *seen);
        let stored = header.flags & flag::NOT_STORED == 0 && reference.store_version > 0;
        if !stored {
            *patience = None;
            return;
        }
        if !self.join(let_go, seen, reference.store_version as u64, f)
            && let State::Waiting { patience, .. } = &mut self.state
        {
            *patience = None;
        }
    }

    /// Joins with the store's book if it has every change up to `let_go`, and is of the `epoch` and the `version` or
    /// later ones. Later than the ring is no harm: changes that it has already are passed over.
    fn join(&mut self, let_go: u64, epoch: u32, version: u64, f: &mut impl FnMut(BookUpdate<'_>)) -> bool {
        let Ok(meta) = self.store.get_into(self.key, &mut self.buf) else { return false };
        let Some(event) = EventRef::from_words(self.buf.data()) else { return false };
        let Some(book) = event.payload::<Book>() else { return false };
        let found = event.header().epoch;
        if meta.version < version || book.delta_seq < let_go || found < epoch {
            return false;
        }
        self.state = State::Joined { next: book.delta_seq + 1, epoch: found };
        f(BookUpdate::Snapshot(event));
        true
    }
}
