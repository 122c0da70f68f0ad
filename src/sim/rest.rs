//! Purpose: bodies of the venue's REST answers: exchangeInfo, and what cuts a depth body off (binance.md section 2).
//! Owns: nothing. Thread: any (cold). Takes and gives: specs in, bytes appended to a buffer.
//! Never: counts request weight; the simulation has no rate limit.

use super::digits::fixed;
use super::spec::SymbolSpec;
use super::wire::{put, put_whole};

/// The most levels a side that `GET /api/v3/depth` gives.
pub const DEPTH_LIMIT_MAX: u32 = 5_000;
/// Levels a side when the caller names no limit.
pub const DEPTH_LIMIT_DEFAULT: u32 = 100;

/// The `limit` that the venue goes by when asked for `limit`; 0 stands for none.
pub fn depth_limit(limit: u32) -> u32 {
    if limit == 0 { DEPTH_LIMIT_DEFAULT } else { limit.min(DEPTH_LIMIT_MAX) }
}

/// `GET /api/v3/exchangeInfo`, with the limits of mid-2026 and the filters that matter to market data.
pub fn exchange_info<'a>(out: &mut Vec<u8>, server_ms: i64, symbols: impl Iterator<Item = &'a SymbolSpec>) {
    exchange_info_within(out, server_ms, WEIGHT_MAX, true, symbols);
}

/// Request weight a minute that one address may use.
pub const WEIGHT_MAX: u32 = 6_000;

/// The same of a venue that allows another request weight a minute; `sets` says whether permission sets are filled in.
pub fn exchange_info_within<'a>(
    out: &mut Vec<u8>,
    server_ms: i64,
    weight_max: u32,
    sets: bool,
    symbols: impl Iterator<Item = &'a SymbolSpec>,
) {
    put_whole(out, "{\"timezone\":\"UTC\",\"serverTime\":", server_ms.unsigned_abs());
    put(out, ",\"rateLimits\":[");
    put(out, "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,");
    put_whole(out, "\"limit\":", weight_max.into());
    put(out, "},");
    put(out, "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":100},");
    put(out, "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,\"limit\":200000},");
    put(out, "{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\",\"intervalNum\":5,\"limit\":61000}],");
    put(out, "\"exchangeFilters\":[],\"symbols\":[");
    listed(out, symbols, |out, spec| symbol(out, spec, sets));
}

/// `GET /fapi/v1/exchangeInfo` likewise (USD-M pages of 2026-07-22): every symbol a perpetual contract.
pub fn futures_exchange_info<'a>(
    out: &mut Vec<u8>,
    server_ms: i64,
    weight_max: u32,
    symbols: impl Iterator<Item = &'a SymbolSpec>,
) {
    put_whole(out, "{\"timezone\":\"UTC\",\"serverTime\":", server_ms.unsigned_abs());
    put(out, ",\"futuresType\":\"U_MARGINED\",\"rateLimits\":[");
    put(out, "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,");
    put_whole(out, "\"limit\":", weight_max.into());
    put(out, "},");
    put(out, "{\"rateLimitType\":\"ORDERS\",\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":1200},");
    put(out, "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":300}],");
    put(out, "\"exchangeFilters\":[],\"assets\":[],\"symbols\":[");
    listed(out, symbols, contract);
}

/// The symbols, each as it is written, and the ends of their list and of the body.
fn listed<'a>(
    out: &mut Vec<u8>,
    symbols: impl Iterator<Item = &'a SymbolSpec>,
    write: impl Fn(&mut Vec<u8>, &SymbolSpec),
) {
    for (at, spec) in symbols.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, spec);
    }
    put(out, "]}");
}

fn contract(out: &mut Vec<u8>, spec: &SymbolSpec) {
    for (key, value) in [
        ("{\"symbol\":\"", spec.symbol.as_str()),
        ("\",\"pair\":\"", spec.symbol.split('_').next().unwrap_or_default()),
        ("\",\"contractType\":\"PERPETUAL\",\"status\":\"", spec.status.word()),
        ("\",\"baseAsset\":\"", &spec.base),
        ("\",\"quoteAsset\":\"", &spec.quote),
        ("\",\"marginAsset\":\"", &spec.quote),
    ] {
        put(out, key);
        put(out, value);
    }
    put_whole(out, "\",\"pricePrecision\":", spec.price_scale.into());
    put_whole(out, ",\"quantityPrecision\":", spec.quantity_scale.into());
    put(out, ",\"baseAssetPrecision\":8,\"quotePrecision\":8,\"underlyingType\":\"COIN\",\"filters\":[");
    filters(out, spec);
    put(out, "],\"orderTypes\":[\"LIMIT\",\"MARKET\"],\"timeInForce\":[\"GTC\",\"IOC\",\"FOK\",\"GTX\"]}");
}

fn symbol(out: &mut Vec<u8>, spec: &SymbolSpec, sets: bool) {
    for (key, value) in [
        ("{\"symbol\":\"", spec.symbol.as_str()),
        ("\",\"status\":\"", spec.status.word()),
        ("\",\"baseAsset\":\"", &spec.base),
        ("\",\"baseAssetPrecision\":8,\"quoteAsset\":\"", &spec.quote),
    ] {
        put(out, key);
        put(out, value);
    }
    put(out, "\",\"quotePrecision\":8,\"quoteAssetPrecision\":8,\"baseCommissionPrecision\":8,");
    put(out, "\"quoteCommissionPrecision\":8,\"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\"],");
    put(out, "\"icebergAllowed\":true,\"ocoAllowed\":true,\"otoAllowed\":true,\"opoAllowed\":true,");
    put(out, "\"quoteOrderQtyMarketAllowed\":true,\"allowTrailingStop\":true,\"cancelReplaceAllowed\":true,");
    put(out, "\"amendAllowed\":true,\"pegInstructionsAllowed\":true,");
    put(out, "\"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false,\"filters\":[");
    filters(out, spec);
    put(out, "],\"permissions\":[],\"permissionSets\":[");
    put(out, if sets { "[\"SPOT\"]" } else { "" });
    put(out, "],\"defaultSelfTradePreventionMode\":\"NONE\",\"allowedSelfTradePreventionModes\":[\"NONE\"]}");
}

fn filters(out: &mut Vec<u8>, spec: &SymbolSpec) {
    let unit = |out: &mut Vec<u8>, key: &str, value: u64, scale: u8| {
        put(out, key);
        fixed(out, value, scale);
    };
    unit(out, "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"", 1, spec.price_scale);
    unit(out, "\",\"maxPrice\":\"", spec.start_ticks.unsigned_abs().saturating_mul(100), spec.price_scale);
    unit(out, "\",\"tickSize\":\"", 1, spec.price_scale);
    unit(out, "\"},{\"filterType\":\"LOT_SIZE\",\"minQty\":\"", 1, spec.quantity_scale);
    unit(out, "\",\"maxQty\":\"", spec.order_lots.unsigned_abs().saturating_mul(1_000), spec.quantity_scale);
    unit(out, "\",\"stepSize\":\"", 1, spec.quantity_scale);
    put(out, "\"}");
}
