//! Purpose: from a request to its answer: routes, weights, limits, errors (rest-api.md and errors.md of
//! 2026-07-21; USD-M pages of 2026-07-22).
//! Owns: nothing. Thread: the connection's. Takes and gives: a request in, an answer out, or none when a fault swallows
//! it. Never: writes to the socket.

use std::io;
use std::net::IpAddr;

use super::bodies;
use super::http::{Answer, Request};
use super::limits::Verdict;
use super::line::Line;
use super::params::Fault;
use super::query::Query;
use super::rulebook::Rulebook;
use super::shared::{Mood, Shared, hold};
use crate::schema::id::Market;

/// What a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Ping,
    Time,
    ExchangeInfo,
    Depth,
    Trades,
    HistoricalTrades,
    AggTrades,
    Klines,
    AvgPrice,
    ReferencePrice,
    DayTicker,
    TradingDayTicker,
    WindowTicker,
    BookTicker,
    PriceTicker,
}

impl Route {
    fn of(rulebook: &Rulebook, path: &str) -> Option<Route> {
        Some(match path.strip_prefix(rulebook.rest)? {
            "ping" => Route::Ping,
            "time" => Route::Time,
            "exchangeInfo" => Route::ExchangeInfo,
            "depth" => Route::Depth,
            // Of USD-M there are captures only, and they tell no more.
            _ if rulebook.market != Market::BinanceSpot => return None,
            "trades" => Route::Trades,
            "historicalTrades" => Route::HistoricalTrades,
            "aggTrades" => Route::AggTrades,
            "klines" | "uiKlines" => Route::Klines,
            "avgPrice" => Route::AvgPrice,
            "referencePrice" => Route::ReferencePrice,
            "ticker/24hr" => Route::DayTicker,
            "ticker/tradingDay" => Route::TradingDayTicker,
            "ticker" => Route::WindowTicker,
            "ticker/bookTicker" => Route::BookTicker,
            "ticker/price" => Route::PriceTicker,
            _ => return None,
        })
    }

    /// Names of the parameters that the route reads.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Route::Ping | Route::Time => &[],
            Route::ExchangeInfo => &["symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"],
            Route::Depth => &["symbol", "limit", "symbolStatus"],
            Route::Trades => &["symbol", "limit"],
            Route::HistoricalTrades => &["symbol", "limit", "fromId"],
            Route::AggTrades => &["symbol", "fromId", "startTime", "endTime", "limit"],
            Route::Klines => &["symbol", "interval", "startTime", "endTime", "timeZone", "limit"],
            Route::AvgPrice | Route::ReferencePrice => &["symbol"],
            Route::DayTicker => &["symbol", "symbols", "type", "symbolStatus"],
            Route::TradingDayTicker => &["symbol", "symbols", "timeZone", "type", "symbolStatus"],
            Route::WindowTicker => &["symbol", "symbols", "windowSize", "type", "symbolStatus"],
            Route::BookTicker | Route::PriceTicker => &["symbol", "symbols", "symbolStatus"],
        }
    }

    fn weight(self, rulebook: &Rulebook, query: &Query) -> u32 {
        let listed = query.get("symbols").map(|list| list.split(',').count());
        let one = query.get("symbol").is_some();
        match self {
            Route::Ping | Route::Time => 1,
            Route::ExchangeInfo => rulebook.exchange_info_weight,
            Route::Depth => {
                let limit = query.get("limit").and_then(|l| l.parse().ok());
                rulebook.depth_weight(limit.unwrap_or(rulebook.depth_default))
            }
            Route::Trades | Route::HistoricalTrades => 25,
            Route::AggTrades => 4,
            Route::Klines | Route::AvgPrice | Route::ReferencePrice => 2,
            Route::TradingDayTicker | Route::WindowTicker => 4 * listed.unwrap_or(1).min(50) as u32,
            Route::DayTicker => match listed {
                _ if one => 2,
                Some(0..=20) => 2,
                Some(21..=100) => 40,
                _ => 80,
            },
            Route::BookTicker | Route::PriceTicker if one => 2,
            Route::BookTicker | Route::PriceTicker => 4,
        }
    }
}

/// Answers a request.
///
/// # Errors
/// When the venue stops meanwhile.
pub(super) fn answer(
    shared: &Shared,
    line: &mut Line,
    address: IpAddr,
    request: &Request,
) -> io::Result<Option<Answer>> {
    shared.tally.requests.add(1);
    let Some(route) = Route::of(shared.rulebook, &request.path) else { return Ok(Some(Answer::page(404))) };
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Ok(Some(Answer::page(405).with("Allow", "GET, HEAD")));
    }
    let mood = hold(&shared.mood).clone();
    let now = shared.clock.now_ns();
    if now < mood.slow_until_ns {
        line.pause_until(shared, now.saturating_add(mood.slow_by_ns))?;
    }
    if now < mood.fails_until_ns {
        return Ok(Some(Answer::page(mood.fails_status)));
    }
    let query = Query::parse(&request.query);
    let weight = query.as_ref().map_or(1, |query| route.weight(shared.rulebook, query));
    let used = match charge(shared, address, weight, &mood) {
        Ok(used) => used,
        Err(refused) => return Ok(Some(refused)),
    };
    let checked = query
        .map_err(|_| Fault { code: -1100, message: "Illegal characters found in a parameter.".to_owned() })
        .and_then(|query| {
            let sent = query.names().count();
            let read = query.names().filter(|name| route.parameters().contains(name)).count();
            let fault = Fault {
                code: -1104,
                message: format!(
                    "Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
                ),
            };
            if read < sent { Err(fault) } else { Ok(query) }
        });
    let body = checked.and_then(|query| bodies::write(shared, route, &query));
    Ok(match body {
        Ok(Some(body)) => Some(Answer::json(200, body)),
        Ok(None) => None,
        Err(fault) => Some(Answer::error(400, fault.code, &fault.message)),
    }
    .map(|answer| with_weight(shared, answer, used)))
}

/// Tells the weight used.
fn with_weight(shared: &Shared, answer: Answer, used: u32) -> Answer {
    shared.rulebook.weight_headers.iter().fold(answer, |answer, name| answer.with(name, used))
}

/// Charges the weight to the address: what it has used, or the refusal.
fn charge(shared: &Shared, address: IpAddr, weight: u32, mood: &Mood) -> Result<u32, Answer> {
    let now = shared.clock.now_ns();
    let unix = shared.clock.unix_now().0.max(0) as u64;
    let storm = (now < mood.storm_until_ns).then_some(mood.retry_after_s);
    let tally = &shared.tally;
    match hold(&shared.weights).take(address, weight, now, unix, storm) {
        Verdict::Served { used, early } => {
            tally.over_patience.add(u64::from(early));
            Ok(used)
        }
        Verdict::Wait { used, seconds, over, early } => {
            tally.over_patience.add(u64::from(early));
            tally.over_weight.add(u64::from(over));
            let message = format!(
                "Too much request weight used; current limit is {} request weight per 1 MINUTE. Please use WebSocket \
                 Streams for live updates to avoid polling the API.",
                shared.limits.weight_max
            );
            let answer = Answer::error(429, -1003, &message).with("Retry-After", seconds);
            Err(with_weight(shared, answer, used))
        }
        Verdict::Banned { seconds, new } => {
            tally.bans.add(u64::from(new));
            tally.over_patience.add(1);
            let until = shared.unix_ms() + seconds as i64 * 1_000;
            let message = format!(
                "Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for live \
                 updates to avoid bans."
            );
            Err(Answer::error(418, -1003, &message).with("Retry-After", seconds))
        }
    }
}
