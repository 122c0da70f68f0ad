//! Purpose: configured REST polls → compiled ones. Owns: the rules that a poll must obey. Thread: cold.
//! Takes and gives: configuration in, [`RestFn`]s and faults out. Never: speaks to the venue.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::fault::Faults;
use super::route::{Parser, RestFn, market_of_endpoint};
use crate::config::route::{RestFnConfig, RouteConfig};
use crate::schema::bodies::{body_kind, parameter};
use crate::schema::topic::{SYMBOL_PLACEHOLDER, StreamKind};

/// The shortest interval between two polls that a route may ask for. Weight budgets are per minute (binance.md, section
/// 1): a shorter one is a slip of the unit, and ends in a ban.
const POLL_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// The paths whose bodies are read, behind `/api/v3/` or `/fapi/v1/`.
const PATHS: &str = "trades, aggTrades, klines, avgPrice, ticker, ticker/24hr, ticker/bookTicker, ticker/price, \
                     referencePrice, premiumIndex";

/// The polls of a route that can be made sense of, with their places in the configuration.
pub(super) fn polls(key: &str, config: &RouteConfig, faults: &mut Faults) -> Vec<(usize, RestFn)> {
    let mut out = Vec::new();
    for (at, fun) in config.rest.iter().enumerate() {
        let index = at.to_string();
        let mut fault = |field: &str, message: String| faults.add(key, &["rest", &index, field], message);
        if fun.name.trim().is_empty() {
            fault("name", "is empty: give the poll a name of its own".to_owned());
        }
        let Some(parser) = Parser::from_label(&fun.parser) else {
            fault("parser", format!("`{}` is no parser; known are {}", fun.parser, Parser::labels()));
            continue;
        };
        endpoint(fun, parser, &mut fault);
        body(fun, parser, &mut fault);
        interval(fun, parser, &mut fault);
        let market = market_of_endpoint(&fun.endpoint);
        let (name, endpoint) = (fun.name.clone(), fun.endpoint.clone());
        out.push((at, RestFn { name, endpoint, interval: fun.interval, parser, market }));
    }
    out
}

fn endpoint(fun: &RestFnConfig, parser: Parser, fault: &mut impl FnMut(&str, String)) {
    let text = &fun.endpoint;
    let host = text.strip_prefix("https://").map(|rest| rest.split('/').next().unwrap_or_default());
    if !text.starts_with('/') && host.is_none_or(str::is_empty) {
        let message = format!("`{text}` is no endpoint: expected a path that begins with `/`, or a URL with https://");
        fault("endpoint", message);
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        fault("endpoint", format!("`{text}` holds white space: remove it"));
    }
    let rest = text.replace(SYMBOL_PLACEHOLDER, "");
    if rest.contains(['{', '}']) {
        let message =
            format!("`{text}` has a placeholder other than {SYMBOL_PLACEHOLDER}: that is the only one there is");
        fault("endpoint", message);
    }
    if parser == Parser::Depth && !text.contains(SYMBOL_PLACEHOLDER) {
        let message = format!("`{text}` has no {SYMBOL_PLACEHOLDER}: a depth snapshot is fetched for one symbol");
        fault("endpoint", message);
    }
}

/// A body is read by what its path gives; the parser says that the one who wrote it knows.
fn body(fun: &RestFnConfig, parser: Parser, fault: &mut impl FnMut(&str, String)) {
    let Parser::Stream(wanted) = parser else { return };
    let text = &fun.endpoint;
    match body_kind(text) {
        Some(kind) if kind == wanted => {}
        Some(kind) => {
            let fits = Parser::Stream(kind).label();
            fault("parser", format!("`{}` does not fit `{text}`: its body is read by `{fits}`", fun.parser));
        }
        None => fault("endpoint", format!("`{text}` gives no body that Meltica knows; known are {PATHS}")),
    }
    if wanted == StreamKind::Kline && parameter(text, "interval").is_none() {
        fault("endpoint", format!("`{text}` names no interval: add `&interval=1m` or another one of the venue's"));
    }
    let per_symbol =
        matches!(wanted, StreamKind::Trade | StreamKind::AggTrade | StreamKind::Kline | StreamKind::AvgPrice);
    if per_symbol && parameter(text, "symbol").is_none() {
        let message = format!(
            "`{text}` names no symbol, and its body does not say whose it is: add \
                               `symbol={SYMBOL_PLACEHOLDER}`"
        );
        fault("endpoint", message);
    }
}

fn interval(fun: &RestFnConfig, parser: Parser, fault: &mut impl FnMut(&str, String)) {
    if fun.interval.is_zero() {
        if matches!(parser, Parser::Stream(_)) {
            let message =
                "is 0s, which means `when a book asks for it`, and no book asks for this: give it an interval";
            fault("interval", message.to_owned());
        }
    } else if fun.interval < POLL_INTERVAL_MIN {
        fault("interval", format!("is {:?}: the shortest is {POLL_INTERVAL_MIN:?}, or 0s for on demand", fun.interval));
    }
}

/// Names of polls are unique over all routes.
pub(super) fn poll_names(routes: &BTreeMap<String, RouteConfig>, faults: &mut Faults) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for (key, config) in routes {
        for (at, fun) in config.rest.iter().enumerate() {
            if let Some(other) = seen.insert(&fun.name, key) {
                let message =
                    format!("`{}` names a poll of {other} already: names are unique, choose another", fun.name);
                faults.add(key, &["rest", &at.to_string(), "name"], message);
            }
        }
    }
}
