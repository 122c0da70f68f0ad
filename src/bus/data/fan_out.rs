//! Purpose: the data bus as consumers see it: where subscriptions come from.
//! Owns: a tap of each shard's ring. Thread: any (cold). Takes and gives: wishes in, subscriptions out.
//! Never: publishes (that is the sequencer's), or stands between a ring and its reader.

use std::sync::Arc;

use crate::directory::{Directory, DirectoryFull};
use crate::ring::RingError;
use crate::ring::broadcast::{Reader, Tap};
use crate::schema::canonical_type::{BadCanonicalType, CanonicalType};
use crate::schema::id::{InstrumentId, TypeId};

use super::filter::{Filter, Gate};
use super::subscription::Subscription;
use super::wishes::{Judge, WishGate, WishSlot};

/// The consumers' half of a data bus. The other half is [`crate::schema::stage::Publish`].
pub trait Bus {
    /// What a consumer polls.
    type Subscription;

    /// Subscribes to `types` (every type when it is empty) as far as `filter` lets them pass.
    ///
    /// # Errors
    /// [`SubscribeError`].
    fn subscribe(
        &self,
        types: &[TypeId],
        filter: Filter,
        options: SubscribeOptions,
    ) -> Result<Self::Subscription, SubscribeError>;
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With what is published from now on.
    #[default]
    Now,
    /// With the oldest record still whole.
    Oldest,
}

/// What a subscription may miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guarantee {
    /// What it is too slow for; it is told as a `Lag`.
    #[default]
    Lossy,
    /// Nothing as long as the stages heed [`crate::schema::stage::Publish::room_for`]: for recorders and tests.
    Gating {
        /// Further behind than this many words of a shard's ring it is demoted to lossy; `None`: never, it holds the
        /// stages up instead.
        bound_words: Option<usize>,
    },
}

/// How to subscribe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// Where to begin.
    pub start: Start,
    /// What may be missed.
    pub guarantee: Guarantee,
}

impl SubscribeOptions {
    /// From now on, and lossless without a bound.
    pub const LOSSLESS: SubscribeOptions =
        SubscribeOptions { start: Start::Now, guarantee: Guarantee::Gating { bound_words: None } };
}

/// Why there is no subscription.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The ring has no place for another lossless reader, or the bound does not fit it.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// A lossless subscription can only begin now: nobody held the past for it.
    #[error("a gating subscription begins now: what was published before it cannot be vouched for")]
    GatingFromOldest,
    /// No such shard.
    #[error("there is no shard {0}")]
    NoShard(usize),
    /// A type's name is malformed.
    #[error(transparent)]
    Type(#[from] BadCanonicalType),
    /// The directory has no place for another type.
    #[error(transparent)]
    Directory(#[from] DirectoryFull),
}

/// The shard that an instrument belongs to, of `shards`; what concerns no instrument belongs to shard 0.
#[inline]
pub const fn shard_of(instrument: InstrumentId, shards: usize) -> usize {
    if shards < 2 || !instrument.is_some() { 0 } else { instrument.index() % shards }
}

/// The data bus of a process: the rings of all its shards.
#[derive(Clone, Debug)]
pub struct DataBus {
    taps: Arc<[Tap]>,
    directory: Arc<Directory>,
}

impl DataBus {
    /// Over the taps of all shards, in order of their numbers.
    pub fn new(taps: Vec<Tap>, directory: Arc<Directory>) -> DataBus {
        DataBus { taps: taps.into(), directory }
    }

    /// The ids of types by name, in any case. A type that no route has named yet gets its id here.
    ///
    /// # Errors
    /// [`SubscribeError::Type`], [`SubscribeError::Directory`].
    pub fn type_ids(&self, names: &[impl AsRef<str>]) -> Result<Vec<TypeId>, SubscribeError> {
        let id = |name: &str| Ok(self.directory.intern_type(&CanonicalType::parse(name)?)?);
        names.iter().map(|name| id(name.as_ref())).collect()
    }

    /// What instruments and types are called.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.taps.len()
    }

    /// Subscribes to what a consumer's commands say it wants, whatever that is at the time: nothing at first. Each event is
    /// judged by the filters of the version that it was routed by.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub fn follow(&self, wishes: &WishSlot, options: SubscribeOptions) -> Result<Subscription, SubscribeError> {
        let judge = Judge::Wishes(WishGate::new(wishes.clone()));
        Ok(Subscription::new(self.readers(options)?, judge, Arc::clone(&self.directory)))
    }

    fn readers(&self, options: SubscribeOptions) -> Result<Vec<(usize, Reader)>, SubscribeError> {
        self.taps.iter().enumerate().map(|(shard, tap)| Ok((shard, reader(tap, options)?))).collect()
    }

    /// As [`Bus::subscribe`], to one shard alone.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub fn subscribe_shard(
        &self,
        shard: usize,
        types: &[TypeId],
        filter: Filter,
        options: SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        let tap = self.taps.get(shard).ok_or(SubscribeError::NoShard(shard))?;
        let readers = vec![(shard, reader(tap, options)?)];
        Ok(Subscription::new(readers, Judge::Gate(Gate::new(types, filter)), Arc::clone(&self.directory)))
    }
}

impl Bus for DataBus {
    type Subscription = Subscription;

    fn subscribe(
        &self,
        types: &[TypeId],
        filter: Filter,
        options: SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        Ok(Subscription::new(
            self.readers(options)?,
            Judge::Gate(Gate::new(types, filter)),
            Arc::clone(&self.directory),
        ))
    }
}

fn reader(tap: &Tap, options: SubscribeOptions) -> Result<Reader, SubscribeError> {
    match (options.guarantee, options.start) {
        (Guarantee::Lossy, Start::Now) => Ok(tap.reader_at_now()),
        (Guarantee::Lossy, Start::Oldest) => Ok(tap.reader_at_oldest()),
        (Guarantee::Gating { bound_words }, Start::Now) => Ok(tap.gating_reader(bound_words)?),
        (Guarantee::Gating { .. }, Start::Oldest) => Err(SubscribeError::GatingFromOldest),
    }
}
