//! Purpose: what is wanted becomes native streams and polls, and the venue's list of instruments moves both. Owns: nothing
//! beyond the duty. Thread: the control duty's. Takes and gives: wishes and news in; counts of streams, scopes of polls out.
//! Never: judges a command; lets one consumer's end take what another wants.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::dispatch::{InstrumentSet, Parser, RestFn, Route};
use crate::schema::id::{InstrumentId, Market, TypeId};
use crate::schema::instrument::{Instrument, Trading};
use crate::schema::topic::PollScope;

use super::duty::Duty;
use super::native::{Listed, News, Order};
use super::needs::streams_of;
use super::streams::Now;
use super::who::Who;
use super::wish::Wish;

impl Duty {
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

    pub(super) fn begin(&mut self, who: Who, mut wish: Wish, command: Option<u64>, now: Now) {
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

    pub(super) fn end(&mut self, who: &Who, at: usize, command: Option<u64>, now: Now) {
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
    pub(super) fn consider_polls(&mut self) {
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
