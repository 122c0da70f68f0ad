//! Purpose: one consumer's view of the bus: its events in order, and what it missed.
//! Owns: a reader for each shard, the filter, the last number seen of each key, exact counts.
//! Thread: the consumer's; it polls, nobody wakes it. Takes and gives: a closure in, deliveries to it.
//! Never: blocks, loses a record without a `Lag`, hands an event out twice, allocates for a key it has met.

use std::sync::Arc;

use crate::directory::Directory;
use crate::ring::broadcast::{self, Reader};
use crate::schema::event::{EventHeader, EventRef, flag};
use crate::schema::id::{ConnectionId, InstrumentId, TypeId};
use crate::schema::latency::Hop;
use crate::schema::time::UnixNanos;
use crate::telemetry::{Clock, Counter, Counts, HopRecorder, Latencies};

use super::keyed::KeyTable;
use super::wishes::Judge;

/// What a consumer is handed.
#[derive(Clone, Copy, Debug)]
pub enum Delivery<'a> {
    /// An event; good for the call.
    Event(EventRef<'a>),
    /// Records that were overwritten before this consumer came to them: of any type and instrument of the shard.
    Lag(Lag),
}

/// Records missed, by their numbers in a shard's ring; both ends inclusive, `count` is `to - from + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The shard.
    pub shard: usize,
    /// The first record missed.
    pub from: u64,
    /// The last record missed.
    pub to: u64,
    /// How many.
    pub count: u64,
}

/// What became of every record from where the consumer joined: the five add up to [`Subscription::records`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionStats {
    /// Events handed out.
    pub delivered: u64,
    /// Events that the types wanted or the filter kept out.
    pub filtered: u64,
    /// Events seen already, by (market, instrument, type, seq).
    pub duplicates: u64,
    /// Records told as [`Lag`].
    pub lagged: u64,
    /// Records of another layout version: they cannot be read.
    pub unreadable: u64,
}

/// One consumer's subscription to one or several shards. Order holds within an instrument, over all its types; across
/// shards none is promised.
#[derive(Debug)]
pub struct Subscription {
    shards: Vec<Shard>,
    /// The shard to be asked first next time: so that a busy one starves none.
    first: usize,
    intake: Intake,
}

#[derive(Debug)]
struct Shard {
    number: usize,
    reader: Reader,
    joined_at: u64,
}

/// What judges each record; apart from the readers, which hold a record while it is judged.
#[derive(Debug)]
struct Intake {
    judge: Judge,
    directory: Arc<Directory>,
    seen: KeyTable<u64>,
    stats: SubscriptionStats,
    counts: Option<Counts>,
    meter: Option<Meter>,
}

/// Takes the time from publication to the consumer's closure.
#[derive(Debug)]
struct Meter {
    clock: Clock,
    recorder: HopRecorder,
}

impl Subscription {
    /// Over readers, each with its shard's number.
    pub(super) fn new(readers: Vec<(usize, Reader)>, judge: Judge, directory: Arc<Directory>) -> Subscription {
        let joined = |(number, reader): (usize, Reader)| Shard { number, joined_at: reader.next_number(), reader };
        let intake = Intake {
            judge,
            directory,
            seen: KeyTable::default(),
            stats: SubscriptionStats::default(),
            counts: None,
            meter: None,
        };
        Subscription { shards: readers.into_iter().map(joined).collect(), first: 0, intake }
    }

    /// Also counts what this consumer missed into a ledger's sheet ([`Counter::Lagged`]).
    pub fn counted(mut self, counts: Counts) -> Subscription {
        self.intake.counts = Some(counts);
        self
    }

    /// Also records how long each event took from publication to the closure: a reading of the clock for each. What the engine
    /// held back, and all whose receive time is not the reading that latency is measured from (a replay, REST bodies, notices of
    /// connections), is left out. Nothing when the ledger is off.
    pub fn measured(mut self, clock: &Clock, latencies: &Latencies) -> Subscription {
        let meter = || Meter { clock: clock.clone(), recorder: latencies.recorder(Hop::PublishedToConsumed) };
        self.intake.meter = latencies.is_on().then(meter);
        self
    }

    /// Looks at up to `limit` records, hands out those wanted, and a [`Lag`] in the place of those that are gone. Gives
    /// how many records it looked at, wanted or not: 0 means that nothing new was there.
    ///
    /// What `f` did happens before the producer has this consumer's credit, if it gates. When `f` panics, what it was
    /// handed counts as delivered.
    #[inline]
    pub fn poll(&mut self, limit: usize, mut f: impl FnMut(Delivery<'_>)) -> usize {
        let count = self.shards.len();
        let mut looked = 0;
        self.intake.judge.look();
        for turn in 0..count {
            let at = (self.first + turn) % count;
            let Shard { number, reader, .. } = &mut self.shards[at];
            let intake = &mut self.intake;
            looked += reader.poll(limit - looked, |record| match record {
                broadcast::Delivery::Record { words, .. } => intake.take(*number, words, &mut f),
                broadcast::Delivery::Lag(lag) => intake.miss(*number, lag, &mut f),
            });
        }
        self.first = (self.first + 1) % count.max(1);
        looked
    }

    /// What became of every record so far.
    pub fn stats(&self) -> SubscriptionStats {
        self.intake.stats
    }

    /// How many records there were from where this consumer joined to where it is, over all its shards.
    pub fn records(&self) -> u64 {
        self.shards.iter().map(|shard| shard.reader.next_number() - shard.joined_at).sum()
    }

    /// The record of a shard's ring at which this consumer joined; `None` for a shard it does not read.
    pub fn joined_at(&self, shard: usize) -> Option<u64> {
        self.shards.iter().find(|found| found.number == shard).map(|found| found.joined_at)
    }

    /// Whether every sequencer is gone and everything was looked at: nothing will ever come.
    pub fn is_closed(&self) -> bool {
        self.shards.iter().all(|shard| shard.reader.is_closed())
    }

    /// Whether it was lossless and fell behind its bound: from then on it is told what it misses like any other.
    pub fn is_demoted(&self) -> bool {
        self.shards.iter().any(|shard| shard.reader.is_demoted())
    }

    /// How many words the farthest producer is ahead.
    pub fn behind_words(&self) -> u64 {
        self.shards.iter().map(|shard| shard.reader.behind_words()).max().unwrap_or(0)
    }
}

impl Meter {
    #[inline]
    fn delivered(&mut self, header: &EventHeader, counts: &mut Option<Counts>) {
        if header.flags & (flag::CLOCKED | flag::HELD) != flag::CLOCKED {
            return;
        }
        let published = UnixNanos(header.receive.saturating_add_unsigned(header.latency_ns));
        // Behind the other thread's reading: the two cores' counters are level to some nanoseconds only.
        let ns = self.clock.unix_now().since(published).max(0).unsigned_abs();
        let whole = self.recorder.record(ns, TypeId(header.type_id), ConnectionId(header.connection));
        if let Some(counts) = counts.as_mut().filter(|_| !whole) {
            counts.add(Counter::LatencyClamped, 1);
        }
    }
}

impl Intake {
    #[inline]
    fn take(&mut self, shard: usize, words: &[u64], f: &mut impl FnMut(Delivery<'_>)) {
        let Some(event) = EventRef::from_words(words) else {
            self.stats.unreadable += 1;
            return;
        };
        if !self.judge.passes(event, &self.directory) {
            self.stats.filtered += 1;
        } else if self.is_new(shard, event.header()) {
            self.stats.delivered += 1;
            if let Some(meter) = &mut self.meter {
                meter.delivered(event.header(), &mut self.counts);
            }
            f(Delivery::Event(event));
        } else {
            self.stats.duplicates += 1;
        }
    }

    /// Whether the event's number is beyond all seen of its key. A key's events come in order, so one number is memory
    /// enough. What concerns no instrument is told apart by shard.
    #[inline]
    fn is_new(&mut self, shard: usize, header: &EventHeader) -> bool {
        let seen = if header.instrument().is_some() {
            self.seen.place(header.instrument(), header.type_id())
        } else {
            // Downwards from NONE, where no instrument is.
            self.seen.place(InstrumentId(u32::MAX - shard as u32), header.type_id())
        };
        let new = header.seq > *seen;
        *seen = header.seq.max(*seen);
        new
    }

    #[cold]
    fn miss(&mut self, shard: usize, lag: broadcast::Lag, f: &mut impl FnMut(Delivery<'_>)) {
        self.stats.lagged += lag.count;
        if let Some(counts) = &mut self.counts {
            counts.add(Counter::Lagged, lag.count);
        }
        f(Delivery::Lag(Lag { shard, from: lag.from, to: lag.to, count: lag.count }));
    }
}
