//! Purpose: the control duty as a pure state machine: commands in; a new version, a new table and orders out.
//! Owns: who wants what, the control version, the native streams that follow from it. Thread: the control duty's.
//! Takes and gives: commands, news, moments in; plans, tables, orders out. Never: reads a clock, touches a socket or a
//! file, changes anything for a command that it refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::bus::data::Filter;
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, InstrumentSet, Parser, RestFn, Route, RouteScope};
use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::command::{Command, ConsumerName, ControlCode, Filters};
use crate::schema::id::{InstrumentId, Market, TypeId};
use crate::schema::instrument::{Instrument, Trading};
use crate::schema::topic::PollScope;

use super::journal::{Record, What};
use super::native::{Listed, News, Order};
use super::needs::{made, needs_book, payloads_beside, streams_of};
use super::streams::{Now, Streams, Turned};
use super::who::Who;
use super::wish::{Asked, Boot, Lease, Refusal, Wish};

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

/// A change that was found sound and is not made yet.
#[derive(Clone, Debug)]
pub struct Plan {
    who: Who,
    /// Places in the consumer's list of subscriptions that end.
    ends: Vec<usize>,
    begins: Option<Wish>,
    /// A lease that is renewed, which is no change.
    renews: Option<(usize, Lease)>,
}

impl Plan {
    /// Whether anything changes.
    pub fn changes(&self) -> bool {
        !self.ends.is_empty() || self.begins.is_some()
    }

    /// Whether there is anything to remember over a restart.
    pub fn is_worth_keeping(&self) -> bool {
        self.changes() || self.renews.is_some()
    }

    /// Whose it is.
    pub const fn who(&self) -> &Who {
        &self.who
    }
}

/// A subscription whose lease is over.
#[derive(Clone, Debug)]
pub struct Lapse {
    /// Whose it was.
    pub who: Who,
    /// Of which type.
    pub type_name: String,
    /// With which filters.
    pub filters: Filters,
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
    known: usize,
    pub(super) listed: bool,
    orders: Vec<Order>,
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

    /// Checks a command that is meant to change something. Changes nothing.
    ///
    /// # Errors
    /// The code and the message of the refusal.
    pub fn plan(&self, who: &Who, command: &Command, now: Now) -> Result<Plan, (ControlCode, String)> {
        let (name, type_id) = self.type_of(command.type_name())?;
        check_trace(command.trace_id())?;
        let mine = self.consumers.get(who).map_or(&[][..], Vec::as_slice);
        let of_type = || mine.iter().enumerate().filter(|(_, wish)| wish.type_id == type_id).map(|(at, _)| at);
        let mut plan = Plan { who: who.clone(), ends: Vec::new(), begins: None, renews: None };
        match command {
            Command::Subscribe { filters, lease_seconds, .. } => {
                let asked = self.asked(type_id, filters)?;
                let lease = lease_seconds.map(|seconds| Lease::read(seconds, now.unix_ns)).transpose()?;
                let same = mine.iter().position(|wish| wish.is(type_id, &asked.shown));
                if let Some(at) = same {
                    let seconds = |lease: &Option<Lease>| lease.map(|l| l.seconds);
                    if seconds(&mine[at].lease) == seconds(&lease) {
                        plan.renews = lease.map(|lease| (at, lease));
                        return Ok(plan);
                    }
                    plan.ends.push(at);
                } else {
                    self.check_room(who, mine.len())?;
                }
                plan.begins = Some(self.wish(name, type_id, asked, lease));
            }
            Command::Unsubscribe { filters: None, .. } => plan.ends = of_type().collect(),
            Command::Unsubscribe { filters: Some(filters), .. } => {
                // What was asked for before there was a list may be in no list.
                let shown = self.asked_of(type_id, filters, None)?.shown;
                plan.ends = of_type().filter(|at| mine[*at].is(type_id, &shown)).collect();
            }
            Command::UpdateFilters { filters, .. } => {
                let asked = self.asked(type_id, filters)?;
                plan.ends = of_type().collect();
                let Some(first) = plan.ends.first() else {
                    let message = format!("{} has no subscription to {name}: subscribe first", who.name());
                    return Err((ControlCode::NotSubscribed, message));
                };
                if plan.ends.len() == 1 && mine[*first].is(type_id, &asked.shown) {
                    plan.ends.clear();
                    return Ok(plan);
                }
                let leases: Option<Vec<Lease>> = plan.ends.iter().map(|at| mine[*at].lease).collect();
                // One without an end outlasts all.
                let lease = leases.and_then(|leases| leases.into_iter().max_by_key(|lease| lease.ends));
                plan.begins = Some(self.wish(name, type_id, asked, lease));
            }
            Command::ListRoutes | Command::ListSubscriptions | Command::Status | Command::Latency => {}
        }
        Ok(plan)
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

    /// A plan that ends all subscriptions of a consumer; `None` when it has none.
    pub fn leaving(&self, who: &Who) -> Option<Plan> {
        let count = self.consumers.get(who)?.len();
        Some(Plan { who: who.clone(), ends: (0..count).collect(), begins: None, renews: None })
    }

    /// The subscription whose lease ended first by now, with the plan that ends it.
    pub fn lapsed(&self, now: Now) -> Option<(Lapse, Plan)> {
        let all =
            self.consumers.iter().flat_map(|(who, mine)| mine.iter().enumerate().map(move |(at, w)| (who, at, w)));
        let due = all.filter_map(|(who, at, wish)| Some((wish.lease?.ends, who, at, wish)));
        let (_, who, at, wish) = due.filter(|(ends, ..)| *ends <= now.unix_ns).min_by_key(|(ends, ..)| *ends)?;
        let lapse = Lapse { who: who.clone(), type_name: wish.name.to_string(), filters: wish.asked.shown.clone() };
        Some((lapse, Plan { who: who.clone(), ends: vec![at], begins: None, renews: None }))
    }

    /// The plan that ends the subscription of a consumer with these filters, for a lapse that is read from a journal.
    pub fn lapse_plan(&self, lapse: &Lapse) -> Option<Plan> {
        let mine = self.consumers.get(&lapse.who)?;
        let fits = |wish: &Wish| wish.name.as_str() == lapse.type_name && wish.asked.shown == lapse.filters;
        let at = mine.iter().position(fits)?;
        Some(Plan { who: lapse.who.clone(), ends: vec![at], begins: None, renews: None })
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

    /// Looks at instruments that are new in the directory. Whether the table in force has become too narrow for them.
    pub fn discover(&mut self, now: Now) -> bool {
        let count = self.directory.instruments();
        let mut widened = false;
        for id in (self.known..count).map(|n| InstrumentId(n as u32)) {
            widened |= self.reach(id, now);
        }
        if self.known != count {
            self.known = count;
            self.consider_polls();
        }
        widened
    }

    /// Wants the streams of an instrument for all whom it concerns.
    fn reach(&mut self, id: InstrumentId, now: Now) -> bool {
        let directory = Arc::clone(&self.directory);
        let Some(instrument) = directory.instrument(id) else { return false };
        let open = self.trades(id, instrument);
        let mut widened = false;
        let mut consumers = core::mem::take(&mut self.consumers);
        for wish in consumers.values_mut().flatten() {
            if !wish.asked.reaches(instrument) {
                continue;
            }
            widened |= !wish.instruments.has(id);
            wish.instruments.insert(id);
            if open && !wish.streams.iter().any(|at| self.is_of(*at, id)) {
                self.want_of(wish, id, instrument, None, now);
            }
        }
        self.consumers = consumers;
        widened
    }

    /// Takes in news from the native side.
    pub fn hear(&mut self, news: News, now: Now) {
        match news {
            News::Stream(market, name, heard) => self.streams.heard(market, &name, heard, now),
            News::Listing(_) => self.listed = true,
            News::Symbol(market, symbol, listed) => {
                let known = self.directory.find_symbol(market, &symbol);
                // One that is said to trade before there is a list: named as a frame of its would be.
                let guess = || self.directory.admit(Instrument::from_symbol(market, &symbol)).ok();
                let Some(id) = known.or_else(|| (listed == Listed::Trades).then(guess).flatten()) else { return };
                let before = self.symbols.insert(id, listed);
                match listed {
                    Listed::Trades if before != Some(Listed::Trades) && id.index() < self.known => {
                        self.reach(id, now);
                    }
                    Listed::Dropped => self.drop_streams(id, now),
                    Listed::Trades | Listed::Halted => {}
                }
            }
        }
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

    fn type_of(&self, text: &str) -> Result<(CanonicalType, TypeId), Refusal> {
        let name = CanonicalType::parse(text).map_err(|e| (ControlCode::BadType, e.to_string()))?;
        if let Some(route) = self.routes.route(&name) {
            return Ok((name, route.type_id()));
        }
        match builtin::find(name.as_str()).filter(|id| made(*id).is_some()) {
            Some(id) => Ok((name, id)),
            None => {
                let message = format!("{name} has no route: `routes` lists the types that there are");
                Err((ControlCode::UnknownType, message))
            }
        }
    }

    fn asked(&self, type_id: TypeId, filters: &Filters) -> Result<Asked, Refusal> {
        self.asked_of(type_id, filters, self.listed.then_some(&*self.directory))
    }

    fn asked_of(&self, type_id: TypeId, filters: &Filters, listed: Option<&Directory>) -> Result<Asked, Refusal> {
        let own = self.route(type_id).map(Route::payload).or(made(type_id).map(|made| made.payload));
        let payloads: Vec<_> = own.into_iter().chain(payloads_beside(type_id).iter().copied()).collect();
        Asked::read(filters, &payloads, &self.markets, listed)
    }

    fn check_room(&self, who: &Who, mine: usize) -> Result<(), Refusal> {
        if mine >= SUBSCRIPTIONS_MAX {
            let message = format!("{} has {mine} subscriptions, the most there may be: join some", who.name());
            return Err((ControlCode::TooMany, message));
        }
        if mine == 0 && self.consumers.len() >= CONSUMERS_MAX {
            let message = format!("{CONSUMERS_MAX} consumers have subscriptions, the most there may be");
            return Err((ControlCode::TooMany, message));
        }
        Ok(())
    }

    fn wish(&self, name: CanonicalType, type_id: TypeId, asked: Asked, lease: Option<Lease>) -> Wish {
        let instruments = if asked.reaches_all() { InstrumentSet::ALL } else { InstrumentSet::NONE };
        Wish { name, type_id, asked, lease, version: 0, instruments, streams: Vec::new() }
    }

    pub(super) fn route(&self, type_id: TypeId) -> Option<&Route> {
        self.routes.routes().iter().find(|route| route.type_id() == type_id)
    }

    fn begin(&mut self, who: Who, mut wish: Wish, command: Option<u64>, now: Now) {
        wish.version = self.version;
        self.touched.insert(wish.type_id, self.version);
        let directory = Arc::clone(&self.directory);
        for market in self.markets.clone() {
            let names = self.native_names(wish.type_id, |route| route.whole_market_topics(market));
            self.want(&mut wish, (market, None), names, command, now);
        }
        for id in (0..self.known).map(|n| InstrumentId(n as u32)) {
            let Some(instrument) = directory.instrument(id).filter(|i| wish.asked.reaches(i)) else { continue };
            wish.instruments.insert(id);
            if self.trades(id, instrument) {
                self.want_of(&mut wish, id, instrument, command, now);
            }
        }
        self.consumers.entry(who).or_default().push(wish);
    }

    fn end(&mut self, who: &Who, at: usize, command: Option<u64>, now: Now) {
        let Some(mine) = self.consumers.get_mut(who).filter(|mine| at < mine.len()) else { return };
        let wish = mine.remove(at);
        if mine.is_empty() {
            self.consumers.remove(who);
        }
        self.touched.insert(wish.type_id, self.version);
        self.unwant(wish.streams, command, now);
    }

    fn want_of(&mut self, wish: &mut Wish, id: InstrumentId, of: &Instrument, command: Option<u64>, now: Now) {
        if !self.markets.contains(&of.market) {
            return;
        }
        let names = self.native_names(wish.type_id, |route| route.topics_for(of.market, &of.symbol));
        self.want(wish, (of.market, Some(id)), names, command, now);
    }

    /// The native streams that a type wants, each once.
    fn native_names(&self, type_id: TypeId, of: impl Fn(&Route) -> Vec<String>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for route in streams_of(type_id).into_iter().filter_map(|id| self.route(id)) {
            names.extend(of(route).into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
        }
        names
    }

    fn want(
        &mut self,
        wish: &mut Wish,
        (market, instrument): (Market, Option<InstrumentId>),
        names: Vec<String>,
        command: Option<u64>,
        now: Now,
    ) {
        let mut streams = Vec::new();
        for name in names {
            let (at, fresh) = self.streams.want((market, &name), instrument, command, now);
            wish.streams.push(at);
            if fresh {
                streams.push(name.into_boxed_str());
            }
        }
        if !streams.is_empty() {
            self.orders.push(Order::Want { market, instrument, streams });
        }
    }

    fn unwant(&mut self, places: Vec<usize>, command: Option<u64>, now: Now) {
        let mut groups: BTreeMap<(Market, Option<InstrumentId>), Vec<Box<str>>> = BTreeMap::new();
        for at in places {
            let Some(row) = self.streams.row(at) else { continue };
            let (key, name) = ((row.market, row.instrument), row.name.clone());
            if self.streams.unwant(at, command, now) {
                groups.entry(key).or_default().push(name);
            }
        }
        let orders =
            groups.into_iter().map(|((market, instrument), streams)| Order::Unwant { market, instrument, streams });
        self.orders.extend(orders);
    }

    fn drop_streams(&mut self, id: InstrumentId, now: Now) {
        let mut gone = Vec::new();
        let mut consumers = core::mem::take(&mut self.consumers);
        for wish in consumers.values_mut().flatten() {
            let (theirs, rest) = wish.streams.iter().partition(|at| self.is_of(**at, id));
            wish.streams = rest;
            gone.extend::<Vec<usize>>(theirs);
        }
        self.consumers = consumers;
        self.unwant(gone, None, now);
    }

    fn is_of(&self, at: usize, id: InstrumentId) -> bool {
        self.streams.row(at).is_some_and(|row| row.instrument == Some(id))
    }

    fn trades(&self, id: InstrumentId, instrument: &Instrument) -> bool {
        match self.symbols.get(&id) {
            Some(listed) => *listed == Listed::Trades,
            None => instrument.trading != Trading::Halted,
        }
    }

    /// Polls that run by themselves are on while their route is wanted, for the instruments that are. Depth bodies are the
    /// books' own affair: they ask for them when they need one, and as often as the route's interval says.
    fn consider_polls(&mut self) {
        let mut wanted: HashMap<TypeId, InstrumentSet> = HashMap::new();
        for wish in self.consumers.values().flatten() {
            for type_id in streams_of(wish.type_id) {
                wanted.entry(type_id).or_default().union_with(&wish.instruments);
            }
        }
        let timed = self.routes.rest_fns().filter(|(_, fun)| fun.parser != Parser::Depth && !fun.interval.is_zero());
        let of = |(route, fun): (&Route, &RestFn)| {
            Some((fun.name.clone(), self.poll_scope(wanted.get(&route.type_id())?, fun.market)))
        };
        let on: BTreeMap<String, PollScope> = timed.filter_map(of).collect();
        let ended = self.polls.keys().filter(|name| !on.contains_key(*name)).map(|name| (name, PollScope::Off));
        let turned = on.iter().filter(|(name, scope)| self.polls.get(*name) != Some(scope));
        let turned = ended.chain(turned.map(|(name, scope)| (name, scope.clone())));
        self.orders.extend(turned.map(|(name, scope)| Order::Poll { name: name.clone(), scope }));
        self.polls = on;
    }

    fn poll_scope(&self, instruments: &InstrumentSet, market: Option<Market>) -> PollScope {
        if instruments.is_all() {
            return PollScope::All;
        }
        let all = (0..self.known).map(|n| InstrumentId(n as u32)).filter(|id| instruments.has(*id));
        let listed = all.filter_map(|id| self.directory.instrument(id));
        let symbols = listed.filter(|instrument| market.is_none_or(|of| of == instrument.market));
        PollScope::Symbols(symbols.map(|instrument| instrument.symbol.to_string().into_boxed_str()).collect())
    }
}

fn check_trace(text: Option<&str>) -> Result<(), Refusal> {
    match text {
        Some(text) if super::audit::trace(text).is_none() => {
            Err((ControlCode::BadTrace, format!("`{text}` is no trace: expected 32 hex digits, not all zero")))
        }
        _ => Ok(()),
    }
}
