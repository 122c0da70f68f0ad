//! Purpose: the dispatch table: canonical type → route, and stream kind → the routes its frames feed.
//! Owns: one immutable, versioned table. Thread: made cold, read by any. Takes and gives: routes.
//! Never: changes once made; hashes on the data path.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::compile::compile;
use super::fault::RouteFault;
use super::route::{Plan, RestFn, Route};
use super::scope::{InstrumentSet, RouteScope};
use crate::config::route::RouteConfig;
use crate::directory::Directory;
use crate::schema::canonical_type::CanonicalType;
use crate::schema::id::{InstrumentId, Market, TypeId};
use crate::schema::raw::{RawHeader, RawRef, mark};
use crate::schema::topic::StreamKind;

/// The most routes that one frame may feed.
pub const ROUTES_PER_TOPIC_MAX: usize = 8;

const KINDS: usize = StreamKind::ALL.len() + 1;

/// One (topic → route) arrow, with all that the data path needs of the route.
#[derive(Debug)]
pub(super) struct Target {
    detail: Option<u16>,
    /// Literal symbols that the route names, uppercase; empty for every symbol.
    pub(super) symbols: SmallVec<[Box<str>; 1]>,
    pub(super) type_id: TypeId,
    /// The instruments that are wanted of it.
    pub(super) scope: InstrumentSet,
    pub(super) plan: Plan,
}

type Targets = [SmallVec<[Target; 1]>; KINDS];

/// The table. It changes by being replaced: [`super::TablePublisher`].
#[derive(Debug)]
pub struct DispatchTable {
    version: u32,
    routes: Arc<[Route]>,
    streamed: Targets,
    polled: Targets,
    fanout: usize,
}

impl DispatchTable {
    /// Compiles configured routes into a table. Types that are new are interned in the directory, but only when nothing
    /// is wrong: a bad configuration changes nothing.
    ///
    /// # Errors
    /// Every fault of every route.
    pub fn compile(
        version: u32,
        routes: &BTreeMap<String, RouteConfig>,
        directory: &Directory,
    ) -> Result<DispatchTable, Vec<RouteFault>> {
        let routes = compile(routes, directory)?;
        Ok(DispatchTable::made(version, routes.into(), |_| RouteScope::ALL))
    }

    /// A table of the same routes that lets through only what is wanted: `scope_of` says of which instruments, a type each.
    pub fn narrowed(&self, version: u32, scope_of: impl Fn(TypeId) -> RouteScope) -> DispatchTable {
        DispatchTable::made(version, Arc::clone(&self.routes), scope_of)
    }

    fn made(version: u32, routes: Arc<[Route]>, scope_of: impl Fn(TypeId) -> RouteScope) -> DispatchTable {
        let (mut streamed, mut polled): (Targets, Targets) = Default::default();
        for route in routes.iter() {
            let RouteScope { frames, bodies } = scope_of(route.type_id);
            for feed in &route.feeds {
                let scope = if feed.kind == StreamKind::RestDepth { &bodies } else { &frames };
                let side = if feed.polled { &mut polled } else { &mut streamed };
                let targets = &mut side[feed.kind as usize];
                let known = targets.iter_mut().find(|t| t.type_id == route.type_id && t.detail == feed.detail);
                match (known, route.plans.iter().find(|(kind, _)| *kind == feed.kind)) {
                    (Some(target), _) => target.symbols.extend(feed.symbol.clone()),
                    (None, Some((_, plan))) => targets.push(Target {
                        detail: feed.detail,
                        symbols: feed.symbol.clone().into_iter().collect(),
                        type_id: route.type_id,
                        scope: scope.clone(),
                        plan: plan.clone(),
                    }),
                    (None, None) => {}
                }
            }
        }
        let fanout = streamed.iter().chain(&polled).map(widest).max().unwrap_or(0);
        DispatchTable { version, routes, streamed, polled, fanout }
    }

    /// The version that events carry.
    #[inline]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The most events that one raw instance can become, at most [`ROUTES_PER_TOPIC_MAX`].
    #[inline]
    pub fn fanout(&self) -> usize {
        self.fanout
    }

    /// Whether anything of a type is let through.
    pub fn is_routed(&self, type_id: TypeId) -> bool {
        self.streamed
            .iter()
            .chain(&self.polled)
            .flatten()
            .any(|target| target.type_id == type_id && !target.scope.is_empty())
    }

    /// Whether anything of an instrument is let through as a type.
    pub fn lets_through(&self, type_id: TypeId, instrument: InstrumentId) -> bool {
        self.streamed.iter().chain(&self.polled).flatten().any(|t| t.type_id == type_id && t.scope.has(instrument))
    }

    /// Every route, wanted or not, in order of its type's name as configured.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a type.
    pub fn route(&self, name: &CanonicalType) -> Option<&Route> {
        self.routes.iter().find(|route| route.name() == name)
    }

    /// The native streams that the routes want for one symbol of a market, each once, in order; without those of all symbols.
    pub fn topics_for(&self, market: Market, symbol: &str) -> Vec<String> {
        once(self.routes.iter().flat_map(|route| route.topics_for(market, symbol)))
    }

    /// The native streams of all symbols that the routes want of a market, each once, in order.
    pub fn whole_market_topics(&self, market: Market) -> Vec<String> {
        once(self.routes.iter().flat_map(|route| route.whole_market_topics(market)))
    }

    /// Every REST poll, with the route that wants it.
    pub fn rest_fns(&self) -> impl Iterator<Item = (&Route, &RestFn)> {
        self.routes.iter().flat_map(|route| route.rest().iter().map(move |fun| (route, fun)))
    }

    #[inline]
    fn of_kind(&self, kind: StreamKind, raw: &RawHeader) -> &[Target] {
        let side = if raw.marks & mark::POLLED != 0 { &self.polled } else { &self.streamed };
        &side[kind as usize]
    }

    /// The type that a raw instance becomes where the only route of its kind takes it without a question: nothing of it is to be
    /// judged or counted. `None` is no verdict: then [`Self::targets`] are asked one by one.
    #[inline]
    pub(super) fn taker_of(&self, kind: StreamKind, raw: RawRef<'_>) -> Option<TypeId> {
        let [target] = self.of_kind(kind, raw.header) else { return None };
        let Target { detail, symbols, scope, plan, .. } = target;
        let takes = detail.is_none_or(|detail| detail == raw.header.topic_detail)
            && symbols.is_empty()
            && plan.filters.is_empty()
            && raw.instrument().is_some()
            && scope.has(raw.instrument())
            && raw.header.present & !plan.known == 0
            && raw.header.unknown == 0;
        takes.then_some(target.type_id)
    }

    /// The arrows that a raw instance follows, as far as its topic says.
    #[inline]
    pub(super) fn targets<'t>(&'t self, kind: StreamKind, raw: &RawHeader) -> impl Iterator<Item = &'t Target> {
        let detail = raw.topic_detail;
        self.of_kind(kind, raw).iter().filter(move |target| target.detail.is_none_or(|d| d == detail))
    }
}

/// The most targets that share a topic and let anything through.
fn widest(targets: &SmallVec<[Target; 1]>) -> usize {
    let open = || targets.iter().filter(|target| !target.scope.is_empty());
    open().map(|t| open().filter(|other| other.detail == t.detail).count()).max().unwrap_or(0)
}

fn once(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}
