//! Purpose: what the control duty reports. Owns: nothing. Thread: the control duty's. Takes and gives: the duty's state in,
//! typed reports out. Never: changes anything.

use crate::config::route::FilterOp;
use crate::dispatch::{DispatchTable, Parser, RestFn, Route};
use crate::schema::canonical_type::builtin;
use crate::schema::id::InstrumentId;
use crate::schema::payload::PayloadKind;
use crate::schema::report::{
    ConsumerView, PollView, RouteFilterView, RouteView, RoutesReport, SilentCause, StatusReport, StreamState,
    StreamStates, StreamView, SubscriptionView, SubscriptionsReport,
};

use super::duty::Duty;
use super::native::Listed;
use super::needs::{MADE, Made};
use super::streams::Row;
use super::wish::Wish;

impl Duty {
    /// Every route with what wants it, and the types that Meltica makes itself.
    pub fn routes_report(&self) -> RoutesReport {
        let table = self.table();
        let routes = self.routes.routes().iter().map(|route| self.route_view(route, &table));
        let made = MADE.iter().filter_map(|made| self.made_view(made));
        let mut routes: Vec<RouteView> = routes.chain(made).collect();
        routes.sort_by(|a, b| a.type_name.cmp(&b.type_name));
        RoutesReport { routes }
    }

    fn route_view(&self, route: &Route, table: &DispatchTable) -> RouteView {
        let config = route.config();
        let filter = |f: &crate::config::route::FilterConfig| RouteFilterView {
            field: f.field.clone(),
            op: op(f.op).to_owned(),
            value: f.value.clone(),
        };
        RouteView {
            type_name: route.name().to_string(),
            payload: (route.type_id() != builtin::ORDERBOOK_SNAPSHOT).then(|| format!("{:?}", route.payload())),
            payload_version: config.payload_version,
            topics: config.topics.clone(),
            polls: route.rest().iter().map(|fun| self.poll_view(fun, table)).collect(),
            filters: config.filters.iter().map(filter).collect(),
            made_from: Vec::new(),
            subscriptions: self.subscriptions_of(route.type_id()),
            routed: table.is_routed(route.type_id()),
            version: self.touched.get(&route.type_id()).copied().unwrap_or(0),
        }
    }

    fn poll_view(&self, fun: &RestFn, table: &DispatchTable) -> PollView {
        let parser = self.routes.rest_fns().find(|(_, other)| other.name == fun.name);
        let label = parser.and_then(|(route, _)| route.config().rest.iter().find(|c| c.name == fun.name));
        // A depth body is to be had while there are books.
        let on_demand = fun.parser == Parser::Depth && table.is_routed(builtin::ORDERBOOK_SNAPSHOT);
        PollView {
            name: fun.name.clone(),
            endpoint: fun.endpoint.clone(),
            interval_ms: u64::try_from(fun.interval.as_millis()).unwrap_or(u64::MAX),
            parser: label.map(|c| c.parser.clone()).unwrap_or_default(),
            on: self.polls.contains_key(&fun.name) || on_demand,
        }
    }

    fn made_view(&self, made: &Made) -> Option<RouteView> {
        let from = made.from.iter().filter_map(|id| builtin::name(*id)).map(str::to_owned);
        let payload: PayloadKind = made.payload;
        Some(RouteView {
            type_name: builtin::name(made.type_id)?.to_owned(),
            payload: Some(format!("{payload:?}")),
            payload_version: payload.version(),
            topics: Vec::new(),
            polls: Vec::new(),
            filters: Vec::new(),
            made_from: from.collect(),
            subscriptions: self.subscriptions_of(made.type_id),
            routed: made.from.is_empty() || self.subscriptions_of(made.type_id) > 0,
            version: self.touched.get(&made.type_id).copied().unwrap_or(0),
        })
    }

    fn subscriptions_of(&self, type_id: crate::schema::id::TypeId) -> u64 {
        self.consumers.values().flatten().filter(|wish| wish.type_id == type_id).count() as u64
    }

    /// Who wants what, and how the native streams do.
    pub fn subscriptions_report(&self) -> SubscriptionsReport {
        let mut consumers: Vec<ConsumerView> = Vec::new();
        for (who, mine) in &self.consumers {
            let mut subscriptions: Vec<_> = mine.iter().map(|wish| self.subscription_view(wish)).collect();
            subscriptions.sort_by(|a, b| a.type_name.cmp(&b.type_name));
            let name = who.name().to_owned();
            consumers.push(ConsumerView { name, kind: who.kind(), id: who.id(), subscriptions });
        }
        consumers.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        let mut streams: Vec<StreamView> = self.streams.iter().map(|row| self.stream_view(row)).collect();
        streams.sort_by(|a, b| (&a.market, &a.stream).cmp(&(&b.market, &b.stream)));
        SubscriptionsReport { consumers, streams }
    }

    fn subscription_view(&self, wish: &Wish) -> SubscriptionView {
        let mut states = StreamStates::default();
        wish.streams.iter().filter_map(|at| self.streams.row(*at)).for_each(|row| states.add(row.state));
        SubscriptionView {
            type_name: wish.name.to_string(),
            filters: wish.asked.shown.clone(),
            version: wish.version,
            lease_seconds: wish.lease.map(|lease| lease.seconds),
            lease_ends_ns: wish.lease.map(|lease| lease.ends),
            streams: wish.streams.len() as u64,
            states,
        }
    }

    fn stream_view(&self, row: &Row) -> StreamView {
        StreamView {
            stream: row.name.to_string(),
            market: row.market.name().to_owned(),
            state: row.state,
            since_ns: row.since_ns,
            subscriptions: row.count,
            why: (row.state == StreamState::Silent).then(|| self.why_silent(row.instrument)),
        }
    }

    /// What the venue's list of instruments says of a stream that stays silent.
    pub(super) fn why_silent(&self, instrument: Option<InstrumentId>) -> SilentCause {
        let Some(id) = instrument else { return SilentCause::Quiet };
        match self.symbols.get(&id) {
            Some(Listed::Halted) => SilentCause::Halted,
            Some(Listed::Dropped) => SilentCause::NotListed,
            Some(Listed::Trades) => SilentCause::Quiet,
            None => match self.directory.instrument(id).map(|i| i.trading) {
                Some(crate::schema::instrument::Trading::Halted) => SilentCause::Halted,
                Some(_) => SilentCause::Quiet,
                None => SilentCause::NotListed,
            },
        }
    }

    /// What the duty knows of how the engine does; the rest is for its driver to fill in.
    pub fn status_report(&self) -> StatusReport {
        let subscriptions = self.consumers.values().map(|mine| mine.len() as u64).sum();
        StatusReport {
            version: self.version(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            markets: self.markets.iter().map(|market| market.name().to_owned()).collect(),
            instruments: self.directory.instruments() as u64,
            streams: self.streams.states(),
            consumers: self.consumers.len() as u64,
            subscriptions,
            ..StatusReport::default()
        }
    }
}

const fn op(op: FilterOp) -> &'static str {
    match op {
        FilterOp::Eq => "eq",
        FilterOp::Neq => "neq",
        FilterOp::In => "in",
        FilterOp::Prefix => "prefix",
    }
}
