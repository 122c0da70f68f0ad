//! Purpose: the control duty as a pure state machine: commands in; a new version, a new table and orders out.
//! Owns: who wants what, the control version, the native streams that follow from it. Thread: the control duty's.
//! Takes and gives: commands, news, moments in; plans, tables, orders out. Never: reads a clock, touches a socket or a
//! file, changes anything for a command that it refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::bus::data::Filter;
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, InstrumentSet, Route, RouteScope};
use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::command::ConsumerName;
use crate::schema::id::{InstrumentId, Market, TypeId};
use crate::schema::topic::PollScope;

use super::journal::{Record, What};
use super::native::{Listed, Order};
use super::needs::{needs_book, streams_of};
use super::planning::Plan;
use super::streams::{Now, Streams, Turned};
use super::who::Who;
use super::wish::{Asked, Boot, Wish};

/// Subscriptions that one consumer may have.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// Consumers with a subscription at one time.
pub const CONSUMERS_MAX: usize = 1_024;

/// What the duty is told.
#[derive(Clone, Debug)]
pub struct DutyOptions {
    /// Markets that are served.
    pub markets: Vec<Market>,
    /// What the configuration wants at the start, of every route; `None`: nothing.
    pub boot: Option<Boot>,
}

/// The duty.
#[derive(Debug)]
pub struct Duty {
    pub(super) directory: Arc<Directory>,
    pub(super) markets: Vec<Market>,
    /// Every route, whoever wants it.
    pub(super) routes: DispatchTable,
    pub(super) consumers: BTreeMap<Who, Vec<Wish>>,
    pub(super) version: u64,
    pub(super) streams: Streams,
    /// The version that last changed who wants a type.
    pub(super) touched: HashMap<TypeId, u64>,
    /// The timed polls that are on, and for whom.
    pub(super) polls: BTreeMap<String, PollScope>,
    pub(super) symbols: HashMap<InstrumentId, Listed>,
    /// Instruments looked at.
    pub(super) known: usize,
    pub(super) listed: bool,
    pub(super) orders: Vec<Order>,
}

impl Duty {
    /// A duty at version 1: what the configuration wants.
    pub fn new(options: DutyOptions, routes: DispatchTable, directory: Arc<Directory>, now: Now) -> Duty {
        let mut duty = Duty {
            directory,
            markets: options.markets,
            routes,
            consumers: BTreeMap::new(),
            version: 1,
            streams: Streams::default(),
            touched: HashMap::new(),
            polls: BTreeMap::new(),
            symbols: HashMap::new(),
            known: 0,
            listed: false,
            orders: Vec::new(),
        };
        if let Some(boot) = options.boot {
            let routes = duty.routes.routes().iter().map(|route| (route.name().clone(), route.type_id()));
            let made = super::needs::MADE
                .iter()
                .filter_map(|made| Some((CanonicalType::parse(builtin::name(made.type_id)?).ok()?, made.type_id)));
            let types: Vec<_> = routes.chain(made).collect();
            for (name, type_id) in types {
                let wish = duty.wish(name, type_id, Asked::boot(boot.clone()), None);
                duty.begin(Who::Config, wish, None, now);
            }
            duty.consider_polls();
        }
        duty
    }

    /// Whether the venue's list of instruments is there.
    pub const fn is_listed(&self) -> bool {
        self.listed
    }

    /// Named consumers with a subscription.
    pub fn named(&self) -> Vec<String> {
        let named = self.consumers.keys().filter(|who| matches!(who, Who::Named(_)));
        named.map(|who| who.name().to_owned()).collect()
    }

    /// The control version.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Makes a change: the version rises by one if there is any. What begins is counted before what ends, so that streams
    /// which both want go on undisturbed.
    pub fn apply(&mut self, plan: Plan, now: Now) -> u64 {
        let Plan { who, ends, begins, renews } = plan;
        if let Some((at, lease)) = renews
            && let Some(wish) = self.consumers.get_mut(&who).and_then(|mine| mine.get_mut(at))
        {
            wish.lease = Some(lease);
        }
        if ends.is_empty() && begins.is_none() {
            return self.version;
        }
        self.version += 1;
        let command = Some(self.version);
        if let Some(wish) = begins {
            self.begin(who.clone(), wish, command, now);
        }
        for at in ends.into_iter().rev() {
            self.end(&who, at, command, now);
        }
        self.consider_polls();
        self.version
    }

    /// What a handle's consumer is to be handed from the version in force on.
    pub fn wants_of(&self, who: &Who) -> Vec<(TypeId, Filter)> {
        let mine = self.consumers.get(who).map_or(&[][..], Vec::as_slice);
        mine.iter().map(|wish| (wish.type_id, wish.asked.filter.clone())).collect()
    }

    /// How many subscriptions named consumers have.
    pub fn kept(&self) -> usize {
        let named = self.consumers.iter().filter(|(who, _)| matches!(who, Who::Named(_)));
        named.map(|(_, wishes)| wishes.len()).sum()
    }

    /// The subscriptions of named consumers as records that bring them about, without numbers, in no order.
    pub fn in_force(&self) -> Vec<Record> {
        let mine = self.consumers.iter().filter_map(|(who, wishes)| match who {
            Who::Named(name) => Some((name, wishes)),
            Who::Handle(..) | Who::Config => None,
        });
        let all = mine.flat_map(|(name, wishes)| wishes.iter().map(move |wish| (name, wish)));
        let record = |(name, wish): (&ConsumerName, &Wish)| Record {
            number: 0,
            version: wish.version,
            at_ns: wish.lease.map_or(0, |lease| lease.ends - i64::from(lease.seconds) * 1_000_000_000),
            consumer: name.clone(),
            what: What::Command(wish.command()),
        };
        all.map(record).collect()
    }

    /// Replaces the orders of a journal that was replayed by those that its end needs.
    pub fn settle_orders(&mut self) {
        self.orders.clear();
        self.streams.forget_unwanted();
        let mut groups: BTreeMap<(Market, Option<InstrumentId>), Vec<Box<str>>> = BTreeMap::new();
        for row in self.streams.iter() {
            groups.entry((row.market, row.instrument)).or_default().push(row.name.clone());
        }
        let wanted = groups.into_iter();
        self.orders.extend(wanted.map(|((market, instrument), streams)| Order::Want { market, instrument, streams }));
        let polls = self.polls.iter();
        self.orders.extend(polls.map(|(name, scope)| Order::Poll { name: name.clone(), scope: scope.clone() }));
    }

    /// Sets the version to that of a journal's last change.
    pub fn resume_at(&mut self, version: u64) {
        self.version = self.version.max(version);
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Now) {
        self.streams.tick(now);
    }

    /// The table of the version in force: the union of all that is wanted.
    pub fn table(&self) -> DispatchTable {
        let mut frames: HashMap<TypeId, InstrumentSet> = HashMap::new();
        let mut books = InstrumentSet::NONE;
        for wish in self.consumers.values().flatten() {
            for type_id in streams_of(wish.type_id) {
                frames.entry(type_id).or_default().union_with(&wish.instruments);
            }
            if needs_book(wish.type_id) {
                books.union_with(&wish.instruments);
            }
        }
        let scope_of = |type_id: TypeId| {
            let frames = frames.get(&type_id).cloned().unwrap_or_default();
            let mut bodies = frames.clone();
            if type_id == builtin::ORDERBOOK_SNAPSHOT {
                bodies.union_with(&books);
            }
            RouteScope { frames, bodies }
        };
        self.routes.narrowed(u32::try_from(self.version).unwrap_or(u32::MAX), scope_of)
    }

    /// Orders since the last call, in the order in which they arose.
    pub fn take_orders(&mut self) -> Vec<Order> {
        core::mem::take(&mut self.orders)
    }

    /// Times from a command to the last answer about its streams, ns, since the last call.
    pub fn take_answered(&mut self) -> Vec<u64> {
        core::mem::take(&mut self.streams.answered_ns)
    }

    /// Streams that changed their state since the last call.
    pub fn take_turned(&mut self) -> Vec<Turned> {
        core::mem::take(&mut self.streams.turned)
    }

    /// The names of the streams that are wanted, a market each, for whoever compares.
    pub fn wanted_streams(&self) -> BTreeSet<(Market, Box<str>)> {
        self.streams.iter().filter(|row| row.count > 0).map(|row| (row.market, row.name.clone())).collect()
    }

    pub(super) fn route(&self, type_id: TypeId) -> Option<&Route> {
        self.routes.routes().iter().find(|route| route.type_id() == type_id)
    }
}
