//! Purpose: configuration → routes. Owns: the rules that a route must obey. Thread: cold.
//! Takes and gives: [`RouteConfig`]s in, [`Route`]s or every fault out. Never: stops at the first fault; interns a type
//! before all routes are known to be sound.

use std::collections::{BTreeMap, HashMap};

use super::canonical::{canonicaliser, expected_payload};
use super::fault::{Faults, RouteFault};
use super::filter::{FilterRule, is_symbol_path};
use super::poll::{poll_names, polls};
use super::route::{Feed, Parser, Plan, Route};
use super::table::ROUTES_PER_TOPIC_MAX;
use crate::config::route::{RouteConfig, UnknownFields};
use crate::directory::Directory;
use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::id::TypeId;
use crate::schema::instrument::{SYMBOL_LEN_MAX, uppercase_symbol};
use crate::schema::layout::slot_of;
use crate::schema::payload::PayloadKind;
use crate::schema::topic::{SYMBOL_PLACEHOLDER, StreamKind, StreamName};

const TOPICS_ALLOWED: &str = "{symbol}@trade, @aggTrade, @blockTrade, @depth[@100ms], @depth5|10|20[@100ms], @bookTicker, \
     @kline_<interval>, @miniTicker, @ticker, @ticker_<window>, @avgPrice, @referencePrice, @markPrice[@1s], @forceOrder, \
     or !miniTicker@arr and its like";

/// Compiles every route.
///
/// # Errors
/// All faults of all routes.
pub(super) fn compile(
    routes: &BTreeMap<String, RouteConfig>,
    directory: &Directory,
) -> Result<Vec<Route>, Vec<RouteFault>> {
    let mut faults = Faults::default();
    let mut drafts: Vec<(&str, Route)> = Vec::new();
    for (key, config) in routes {
        if let Some(route) = draft(key, config, &mut faults) {
            if let Some((other, _)) = drafts.iter().find(|(_, r)| r.name == route.name) {
                faults.add(key, &[], format!("is the same type as `{other}`: names are read in any case; keep one"));
            }
            drafts.push((key, route));
        }
    }
    poll_names(routes, &mut faults);
    crowding(&drafts, &mut faults);
    if faults.count() == 0 {
        for (key, route) in &mut drafts {
            match directory.intern_type(&route.name) {
                Ok(id) => route.type_id = id,
                Err(full) => faults.add(key, &[], full.to_string()),
            }
        }
    }
    match faults.count() {
        0 => Ok(drafts.into_iter().map(|(_, route)| route).collect()),
        _ => Err(faults.into_found()),
    }
}

/// One route; `None` when it is too broken to be looked at together with the others.
fn draft(key: &str, config: &RouteConfig, faults: &mut Faults) -> Option<Route> {
    let name = CanonicalType::parse(key).map_err(|bad| faults.add(key, &[], bad.to_string())).ok()?;
    let built_in = builtin::find(name.as_str());
    let expected = built_in.and_then(expected_payload);
    if built_in.is_some() && expected.is_none() {
        faults.add(key, &[], format!("{name} is made by Meltica itself and takes no route: remove it"));
        return None;
    }
    let topics = topics(key, config, faults);
    let rest = polls(key, config, faults);
    let polled = rest.iter().flat_map(|(at, fun)| {
        let path = vec!["rest".to_owned(), at.to_string(), "parser".to_owned()];
        let polled = fun.parser != Parser::Depth;
        fun.parser.kind().map(|kind| (path, Feed { kind, detail: None, symbol: None, polled }))
    });
    let sources: Vec<(Vec<String>, Feed)> = topics.into_iter().chain(polled).collect();
    let payload = payload(key, config, expected, &sources, faults)?;
    let feeds = distinct(sources);
    let mut kinds: Vec<StreamKind> = feeds.iter().map(|feed| feed.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    book_filters(key, config, built_in, &kinds, faults);
    let plans = kinds.iter().map(|&kind| (kind, plan(key, config, kind, &kinds, payload, faults))).collect();
    let rest = rest.into_iter().map(|(_, fun)| fun).collect();
    Some(Route { name, type_id: built_in.unwrap_or(TypeId(0)), payload, config: config.clone(), rest, feeds, plans })
}

fn topics(key: &str, config: &RouteConfig, faults: &mut Faults) -> Vec<(Vec<String>, Feed)> {
    let mut out: Vec<(Vec<String>, Feed)> = Vec::new();
    for (at, topic) in config.topics.iter().enumerate() {
        let index = at.to_string();
        let path = ["topics", index.as_str()];
        match feed(topic) {
            Err(message) => faults.add(key, &path, message),
            Ok(feed) => {
                if let Some((other, _)) = out.iter().find(|(_, f)| overlap(f, &feed)) {
                    let first = &config.topics[other[1].parse::<usize>().unwrap_or(0)];
                    let message = format!(
                        "`{topic}` brings the frames of `{first}` again (the speed is no difference), so that every \
                         event would come twice: keep one of them"
                    );
                    faults.add(key, &path, message);
                }
                out.push((path.map(str::to_owned).to_vec(), feed));
            }
        }
    }
    out
}

fn feed(topic: &str) -> Result<Feed, String> {
    let Some(name) = StreamName::parse(topic) else {
        return Err(format!("`{topic}` is no stream that Meltica knows; known are {TOPICS_ALLOWED}"));
    };
    let symbol = match name.symbol {
        None | Some(SYMBOL_PLACEHOLDER) => None,
        Some(literal) => {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "{}/?&\"".contains(c);
            if literal.len() > SYMBOL_LEN_MAX || literal.contains(odd) {
                return Err(format!(
                    "`{literal}` is no symbol: expected {SYMBOL_PLACEHOLDER}, one literal symbol such as `btcusdt`, or \
                     a stream of all symbols such as `!miniTicker@arr`"
                ));
            }
            Some(uppercase_symbol(literal).into_boxed_str())
        }
    };
    Ok(Feed { kind: name.topic.kind, detail: Some(name.topic.detail), symbol, polled: false })
}

/// Whether one frame could reach a route through both feeds.
fn overlap(a: &Feed, b: &Feed) -> bool {
    (a.kind, a.detail, a.polled) == (b.kind, b.detail, b.polled)
        && (a.symbol.is_none() || b.symbol.is_none() || a.symbol == b.symbol)
}

/// Several polls of one route with one parser make one feed.
fn distinct(sources: Vec<(Vec<String>, Feed)>) -> Vec<Feed> {
    let mut feeds: Vec<Feed> = Vec::new();
    for (_, feed) in sources {
        if !feeds.iter().any(|f| overlap(f, &feed)) {
            feeds.push(feed);
        }
    }
    feeds
}

/// The one payload that all sources of a route give.
fn payload(
    key: &str,
    config: &RouteConfig,
    expected: Option<PayloadKind>,
    sources: &[(Vec<String>, Feed)],
    faults: &mut Faults,
) -> Option<PayloadKind> {
    let of = |feed: &Feed| canonicaliser(feed.kind).map(|c| c.payload);
    if config.topics.is_empty() && config.rest.iter().all(|fun| fun.parser == "exchange_info") {
        faults.add(key, &[], "has no topic and no poll that makes events: add one, or remove the route".to_owned());
    }
    // Without any the topics are at fault, and have been told.
    let payload = expected.or_else(|| sources.iter().find_map(|(_, feed)| of(feed)))?;
    for (path, feed) in sources.iter().filter(|(_, feed)| of(feed) != Some(payload)) {
        let why = if expected.is_some() { "this type carries" } else { "the route's first source gives" };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let found = of(feed).map_or_else(|| "nothing".to_owned(), |kind| format!("{kind:?}"));
        let message =
            format!("gives {found} where {why} {payload:?}: one route has one payload; move it to another type");
        faults.add(key, &path, message);
    }
    if config.payload_version != payload.version() {
        let message = format!(
            "is {}, and this program writes {payload:?} in version {}: name that one",
            config.payload_version,
            payload.version()
        );
        faults.add(key, &["payload_version"], message);
    }
    Some(payload)
}

/// A diff or a snapshot that a filter keeps out would leave a book wrong for ever, so the types that drive books may be
/// filtered only by what is constant for an instrument: its symbol.
fn book_filters(key: &str, config: &RouteConfig, built_in: Option<TypeId>, kinds: &[StreamKind], faults: &mut Faults) {
    let drives = built_in == Some(builtin::ORDERBOOK_DELTA)
        || (built_in == Some(builtin::ORDERBOOK_SNAPSHOT) && kinds.contains(&StreamKind::RestDepth));
    if !drives {
        return;
    }
    for (at, filter) in config.filters.iter().enumerate() {
        if !kinds.iter().any(|&kind| is_symbol_path(kind, &filter.field)) {
            let message = format!(
                "`{}` changes from frame to frame: a book's frame that is kept out is a gap for ever. Filter by the \
                 symbol (`s`), or give the topic a type of its own",
                filter.field
            );
            faults.add(key, &["filters", &at.to_string(), "field"], message);
        }
    }
}

fn plan(
    key: &str,
    config: &RouteConfig,
    kind: StreamKind,
    kinds: &[StreamKind],
    payload: PayloadKind,
    faults: &mut Faults,
) -> Plan {
    let mut known = canonicaliser(kind).map_or(0, |c| c.mapped);
    let mut ignored = Vec::new();
    for (at, path) in config.ignore.iter().enumerate() {
        if path.is_empty() || path.split('.').any(str::is_empty) {
            let message = format!("`{path}` is no path: expected native keys joined by dots, e.g. `k.B`");
            faults.add(key, &["ignore", &at.to_string()], message);
        }
        match slot_of(kind, path) {
            Some(slot) => known |= 1 << slot,
            None => ignored.push(path.as_str().into()),
        }
    }
    let mut filters = smallvec::SmallVec::new();
    for (at, filter) in config.filters.iter().enumerate() {
        match FilterRule::compile(filter, kind, kinds) {
            Ok(rule) => filters.push(rule),
            Err((part, message)) => faults.add(key, &["filters", &at.to_string(), part], message),
        }
    }
    let book = matches!(payload, PayloadKind::DepthDiff | PayloadKind::DepthLevels);
    let reject = !book && config.unknown_fields == UnknownFields::Reject;
    Plan { known, ignored: ignored.into(), reject, filters }
}

/// No frame may feed more routes than a stage has promised room for.
fn crowding(drafts: &[(&str, Route)], faults: &mut Faults) {
    let mut crowds: HashMap<(StreamKind, Option<u16>, bool), usize> = HashMap::new();
    for (key, route) in drafts {
        // A route whose literal symbols share a topic counts once: a frame has one symbol.
        let mut own: Vec<_> = route.feeds.iter().map(|f| (f.kind, f.detail, f.polled)).collect();
        own.sort_unstable();
        own.dedup();
        for topic in own {
            let crowd = crowds.entry(topic).or_default();
            *crowd += 1;
            if *crowd > ROUTES_PER_TOPIC_MAX {
                let message = format!(
                    "is route number {crowd} that takes {:?} frames with the same parameters; at most \
                     {ROUTES_PER_TOPIC_MAX} may: join some of them, their consumers can filter",
                    topic.0
                );
                faults.add(key, &[], message);
            }
        }
    }
}
