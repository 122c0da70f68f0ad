//! Purpose: the bodies of REST answers (rest-api.md of 2026-07-21). Owns: nothing. Thread: the connection's, under the market's lock. Takes and gives: a query in, JSON out.
//! Never: answers for a symbol that is not listed.

use super::market::Market;
use super::params::{
    Fault, bad_combination, illegal, invalid, limit, missing, other_status, span, symbol, symbols, wanted_status,
    whole, window_minutes, zone,
};
use super::query::Query;
use super::router::Route;
use super::rulebook::Rulebook;
use super::series::{self, Stretch};
use super::shared::{Shared, hold};
use crate::schema::id::Market as Venue;
use crate::sim::book::Level;
use crate::sim::digits::fixed;
use crate::sim::interval::Interval;
use crate::sim::listing::Listing;
use crate::sim::rest;
use crate::sim::wire::{put, put_fixed, put_whole};

/// Writes the body of a route; `None` when a fault leaves the request unanswered.
pub(super) fn write(shared: &Shared, route: Route, query: &Query) -> Result<Option<Vec<u8>>, Fault> {
    let mut out = Vec::new();
    let now_ms = shared.unix_ms();
    let told_by_capture = matches!(route, Route::Ping | Route::Time | Route::ExchangeInfo | Route::Depth);
    if !told_by_capture && hold(&shared.market).capture.is_some() {
        return Err(Fault::new(-1000, "The capture that is served here holds no such bodies."));
    }
    match route {
        Route::Ping => put(&mut out, "{}"),
        Route::Time => {
            put_whole(&mut out, "{\"serverTime\":", now_ms.unsigned_abs());
            out.push(b'}');
        }
        Route::ExchangeInfo => exchange_info(shared, query, now_ms, &mut out)?,
        Route::Depth => return depth(shared, query),
        Route::Trades
        | Route::HistoricalTrades
        | Route::AggTrades
        | Route::Klines
        | Route::AvgPrice
        | Route::ReferencePrice => one_symbol(shared, route, query, now_ms, &mut out)?,
        Route::DayTicker => statistics(shared, query, now_ms, Stretch::Day, &mut out)?,
        Route::TradingDayTicker | Route::WindowTicker => {
            if query.get("symbol").is_none() && query.get("symbols").is_none() {
                let message = "Param 'symbol' or 'symbols' must be sent, but both were empty/null!";
                return Err(Fault::new(-1102, message));
            }
            let stretch = match route {
                Route::TradingDayTicker => Stretch::TradingDay(zone(query)?),
                _ => Stretch::Minutes(window_minutes(query.get("windowSize").unwrap_or("1d"))?),
            };
            statistics(shared, query, now_ms, stretch, &mut out)?;
        }
        Route::BookTicker => tickers(shared, query, &mut out, book_ticker)?,
        Route::PriceTicker => tickers(shared, query, &mut out, |out, listing| {
            put(out, "{\"symbol\":\"");
            put(out, &listing.spec.symbol);
            put_fixed(out, "\",\"price\":", listing.tape.last().price, listing.spec.price_scale);
            out.push(b'}');
        })?,
    }
    Ok(Some(out))
}

/// What is told of one symbol only.
fn one_symbol(shared: &Shared, route: Route, query: &Query, now_ms: i64, out: &mut Vec<u8>) -> Result<(), Fault> {
    let symbol = symbol(query)?;
    let market = hold(&shared.market);
    let listing = listing(&market, symbol)?;
    let most = || limit(query, 500, 1_000);
    match route {
        Route::Trades => series::trades(out, listing, None, most()?),
        Route::HistoricalTrades => series::trades(out, listing, whole(query, "fromId")?, most()?),
        Route::AggTrades => series::aggregates(out, listing, &span(query)?, most()?),
        Route::Klines => {
            let interval = query.get("interval").ok_or_else(|| missing("interval"))?;
            let interval = Interval::of(interval).ok_or_else(|| Fault::new(-1120, "Invalid interval."))?;
            series::klines(out, listing, (interval, zone(query)?), &span(query)?, most()?, now_ms);
        }
        Route::ReferencePrice => {
            put(out, "{\"symbol\":\"");
            put(out, &listing.spec.symbol);
            match listing.reference {
                Some(price) => put_fixed(out, "\",\"referencePrice\":", price, listing.spec.price_scale),
                None => put(out, "\",\"referencePrice\":null"),
            }
            put_whole(out, ",\"timestamp\":", now_ms.unsigned_abs());
            out.push(b'}');
        }
        _ => series::average(out, listing, now_ms),
    }
    Ok(())
}

fn statistics(shared: &Shared, query: &Query, now_ms: i64, stretch: Stretch, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mini = match query.get("type") {
        None | Some("FULL") => false,
        Some("MINI") => true,
        Some(_) => return Err(Fault::new(-1139, "Invalid ticker type.")),
    };
    tickers(shared, query, out, |out, listing| series::statistics(out, listing, now_ms, stretch, mini))
}

fn listing<'a>(market: &'a Market, symbol: &str) -> Result<&'a Listing, Fault> {
    let found = market.exchange.place(symbol).and_then(|place| market.exchange.listing(place));
    found.filter(|listing| listing.listed).ok_or_else(|| Fault::new(-1121, "Invalid symbol."))
}

fn exchange_info(shared: &Shared, query: &Query, now_ms: i64, out: &mut Vec<u8>) -> Result<(), Fault> {
    let (wanted, status) = (symbols(query)?, wanted_status(query)?);
    if wanted.is_some() && (status.is_some() || query.get("permissions").is_some()) {
        return Err(bad_combination());
    }
    let sets = match query.get("showPermissionSets") {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(illegal("showPermissionSets", "^(true|false)$")),
    };
    // Every symbol here has the one permission.
    let permitted = query.get("permissions").is_none_or(|list| list.contains("SPOT"));
    let market = hold(&shared.market);
    for name in wanted.iter().flatten() {
        listing(&market, name)?;
    }
    let named = |symbol: &String| wanted.as_ref().is_none_or(|names| names.contains(symbol));
    let listings = (0..market.exchange.symbols().len() as u32).filter_map(|place| market.exchange.listing(place));
    let meant = listings.filter(|l| permitted && l.listed && named(&l.spec.symbol));
    let specs = meant.map(|listing| &listing.spec).filter(|spec| status.is_none_or(|s| s == spec.status));
    match shared.rulebook.market {
        Venue::BinanceSpot => rest::exchange_info_within(out, now_ms, shared.limits.weight_max, sets, specs),
        Venue::BinanceUsdm => rest::futures_exchange_info(out, now_ms, shared.limits.weight_max, specs),
    }
    Ok(())
}

/// The `limit` of a depth request. Where only some exist, others are refused (USD-M error codes of 2026-07-22).
fn depth_limit(rulebook: &Rulebook, query: &Query) -> Result<u32, Fault> {
    let most = rulebook.depth_max();
    let wanted = limit(query, rulebook.depth_default as usize, usize::MAX)?;
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
    match wanted {
        _ if rulebook.takes_depth(wanted) => Ok(wanted.min(most)),
        _ if wanted > most => Err(invalid("limit")),
        _ => Err(Fault::new(-4021, format!("{wanted} is not valid depth limit"))),
    }
}

fn depth(shared: &Shared, query: &Query) -> Result<Option<Vec<u8>>, Fault> {
    let symbol = symbol(query)?;
    let limit = depth_limit(shared.rulebook, query)?;
    let status = wanted_status(query)?;
    let mut market = hold(&shared.market);
    let market = &mut *market;
    if let Some(capture) = &mut market.capture {
        let body = capture.depth(symbol, shared.clock.now_ns()).ok_or_else(|| Fault::new(-1121, "Invalid symbol."))?;
        return Ok(Some(body.to_vec()));
    }
    let listing = listing(market, symbol)?;
    if status.is_some_and(|status| status != listing.spec.status) {
        return Err(other_status());
    }
    let place = listing.place;
    Ok(market.injector.snapshot(&market.exchange, place, limit))
}

/// One object for one `symbol`, else an array.
fn tickers(
    shared: &Shared,
    query: &Query,
    out: &mut Vec<u8>,
    mut one: impl FnMut(&mut Vec<u8>, &Listing),
) -> Result<(), Fault> {
    let (wanted, status) = (symbols(query)?, wanted_status(query)?);
    let fits = |listing: &Listing| status.is_none_or(|status| status == listing.spec.status);
    let market = hold(&shared.market);
    if let (Some(_), Some([name])) = (query.get("symbol"), wanted.as_deref()) {
        let listing = listing(&market, name)?;
        if !fits(listing) {
            return Err(other_status());
        }
        one(out, listing);
        return Ok(());
    }
    let mut named: Vec<&Listing> = match &wanted {
        Some(names) => names.iter().map(|name| listing(&market, name)).collect::<Result<_, _>>()?,
        None => (0..market.exchange.symbols().len() as u32).filter_map(|p| market.exchange.listing(p)).collect(),
    };
    named.retain(|listing| listing.listed && fits(listing));
    out.push(b'[');
    for (index, listing) in named.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        one(out, listing);
    }
    out.push(b']');
    Ok(())
}

fn book_ticker(out: &mut Vec<u8>, listing: &Listing) {
    let none = Level { price: 0, quantity: 0 };
    let (bid, ask) = (listing.top.0.unwrap_or(none), listing.top.1.unwrap_or(none));
    let spec = &listing.spec;
    put(out, "{\"symbol\":\"");
    put(out, &spec.symbol);
    for (key, value, scale) in [
        ("\",\"bidPrice\":\"", bid.price, spec.price_scale),
        ("\",\"bidQty\":\"", bid.quantity, spec.quantity_scale),
        ("\",\"askPrice\":\"", ask.price, spec.price_scale),
        ("\",\"askQty\":\"", ask.quantity, spec.quantity_scale),
    ] {
        put(out, key);
        fixed(out, value.unsigned_abs(), scale);
    }
    put(out, "\"}");
}
