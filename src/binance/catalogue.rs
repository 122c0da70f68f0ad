//! Purpose: exchangeInfo → instruments, the scales that books start with, and the weight limit.
//! Owns: the reading of binance.md, section 2 (spot) and section 4 (USD-M). Thread: any (cold; it allocates).
//! Takes and gives: the body; plain data. Never: calls an instrument open whose status it does not know.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::schema::decimal::Decimal;
use crate::schema::id::Market;
use crate::schema::instrument::{Instrument, SYMBOL_LEN_MAX, Trading};

/// What exchangeInfo says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// The market.
    pub market: Market,
    /// The instruments, in the venue's order, with their scales and whether they trade.
    pub instruments: Vec<Instrument>,
    /// The entries that could not be read.
    pub skipped: Vec<Skipped>,
    /// Request weight that an IP may spend a minute; the smallest where several limits hold. `None` when none is told.
    pub weight_per_minute: Option<u64>,
}

/// An entry that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the list, from 0.
    pub at: usize,
    /// Why.
    pub reason: &'static str,
}

/// A body that is no exchangeInfo.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// The venue answered with an error.
    #[error("{market} refused exchangeInfo with error {code}: {message}")]
    Refused {
        /// Whose.
        market: Market,
        /// The venue's code.
        code: i64,
        /// The venue's words.
        message: String,
    },
    /// Something else answered, or the body was cut.
    #[error("the exchangeInfo body of {market} cannot be read ({reason}): check the endpoint, then ask again")]
    Unreadable {
        /// Whose.
        market: Market,
        /// What was expected and where.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Body {
    symbols: Option<Vec<Entry>>,
    #[serde(default, rename = "rateLimits")]
    rate_limits: Vec<Limit>,
    code: Option<i64>,
    msg: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Good(Symbol),
    Bad(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol {
    symbol: String,
    base_asset: String,
    quote_asset: String,
    status: Option<String>,
    contract_status: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    filter_type: String,
    tick_size: Option<String>,
    step_size: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Limit {
    #[serde(rename_all = "camelCase")]
    Known {
        rate_limit_type: String,
        interval: String,
        interval_num: u64,
        limit: u64,
    },
    Other(IgnoredAny),
}

/// Reads an exchangeInfo body.
///
/// # Errors
/// [`CatalogueError`] when the body is an error of the venue, or no exchangeInfo. An entry that cannot be read is skipped and
/// listed.
pub fn read(market: Market, body: &[u8]) -> Result<Catalogue, CatalogueError> {
    let unreadable = |reason: String| CatalogueError::Unreadable { market, reason };
    let body: Body = serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
    let Some(symbols) = body.symbols else {
        return Err(match body.code {
            Some(code) => CatalogueError::Refused { market, code, message: body.msg.unwrap_or_default() },
            None => unreadable("it has no list `symbols`".to_owned()),
        });
    };
    let (mut instruments, mut skipped) = (Vec::with_capacity(symbols.len()), Vec::new());
    for (at, entry) in symbols.into_iter().enumerate() {
        match instrument(market, entry) {
            Ok(instrument) => instruments.push(instrument),
            Err(reason) => skipped.push(Skipped { at, reason }),
        }
    }
    let weight_per_minute = body.rate_limits.iter().filter_map(weight).min();
    Ok(Catalogue { market, instruments, skipped, weight_per_minute })
}

fn instrument(market: Market, entry: Entry) -> Result<Instrument, &'static str> {
    let Entry::Good(entry) = entry else {
        return Err("not an object with the texts `symbol`, `baseAsset`, `quoteAsset` and readable `filters`");
    };
    for name in [&entry.symbol, &entry.base_asset, &entry.quote_asset] {
        if name.is_empty() || name.len() > SYMBOL_LEN_MAX {
            return Err("a name that is empty or longer than 64 bytes");
        }
    }
    let status = entry.status.as_deref().or(entry.contract_status.as_deref());
    let trading = if status == Some("TRADING") { Trading::Open } else { Trading::Halted };
    let mut out = Instrument::listed(market, &entry.symbol, &entry.base_asset, &entry.quote_asset, trading);
    out.price_scale = scale(&entry.filters, "PRICE_FILTER", |f| f.tick_size.as_deref())?;
    out.quantity_scale = scale(&entry.filters, "LOT_SIZE", |f| f.step_size.as_deref())?;
    Ok(out)
}

/// Decimals of a filter's size; 0 when there is none: it is a hint that books widen.
fn scale(filters: &[Filter], kind: &str, size: fn(&Filter) -> Option<&str>) -> Result<u8, &'static str> {
    let Some(size) = filters.iter().find(|f| f.filter_type == kind).and_then(size) else { return Ok(0) };
    let size = Decimal::parse(size.as_bytes()).map_err(|_| "a tick or step that is no plain decimal")?;
    Ok(size.normalised().scale())
}

fn weight(limit: &Limit) -> Option<u64> {
    let Limit::Known { rate_limit_type, interval, interval_num, limit } = limit else { return None };
    let seconds = match interval.as_str() {
        "SECOND" => 1,
        "MINUTE" => 60,
        "HOUR" => 3_600,
        "DAY" => 86_400,
        _ => return None,
    };
    let of_weight = rate_limit_type == "REQUEST_WEIGHT";
    of_weight.then(|| limit.checked_mul(60)?.checked_div(interval_num.checked_mul(seconds)?))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: Market = Market::BinanceSpot;

    fn symbol(fields: &str) -> String {
        format!(r#"{{"symbols":[{{"symbol":"ABUSDT","baseAsset":"AB","quoteAsset":"USDT"{fields}}}]}}"#)
    }

    #[test]
    fn status_and_scales_are_read() {
        let filters = |tick, step| {
            format!(
                r#","filters":[{{"filterType":"LOT_SIZE","stepSize":"{step}"}},{{"tickSize":"{tick}","filterType":"PRICE_FILTER"}},{{"filterType":"X","limit":3}}]"#
            )
        };
        let table = [
            (r#","status":"TRADING""#.to_owned() + &filters("0.01000000", "0.00010000"), Trading::Open, 2, 4),
            (r#","status":"BREAK""#.to_owned() + &filters("1.00000000", "10"), Trading::Halted, 0, 0),
            (r#","contractStatus":"TRADING""#.to_owned(), Trading::Open, 0, 0),
            (r#","status":"SOMETHING_NEW""#.to_owned(), Trading::Halted, 0, 0),
            (String::new(), Trading::Halted, 0, 0),
        ];
        for (fields, trading, price, quantity) in table {
            let catalogue = read(SPOT, symbol(&fields).as_bytes()).unwrap();
            let one = &catalogue.instruments[0];
            assert_eq!((one.trading, one.price_scale, one.quantity_scale), (trading, price, quantity), "{fields}");
            assert_eq!((&*one.name, &*one.symbol), ("AB-USDT", "ABUSDT"));
        }
    }

    #[test]
    fn a_bad_entry_is_listed_and_its_neighbours_stay() {
        let good = r#"{"symbol":"A1","baseAsset":"A","quoteAsset":"1","filters":[]}"#;
        let bad = [
            "7",
            "{}",
            r#"{"symbol":"","baseAsset":"A","quoteAsset":"1"}"#,
            r#"{"symbol":"A1","baseAsset":5,"quoteAsset":"1"}"#,
            r#"{"symbol":"A1","baseAsset":"A","quoteAsset":"1","filters":[{"filterType":"PRICE_FILTER","tickSize":"1e-8"}]}"#,
        ];
        for bad in bad {
            let body = format!(r#"{{"symbols":[{good},{bad},{good}]}}"#);
            let catalogue = read(SPOT, body.as_bytes()).unwrap();
            assert_eq!(catalogue.instruments.len(), 2, "{bad}");
            assert_eq!(catalogue.skipped.iter().map(|s| s.at).collect::<Vec<_>>(), [1], "{bad}");
        }
    }

    #[test]
    fn the_tightest_weight_limit_counts_by_the_minute() {
        let limit = |kind: &str, interval: &str, number: u64, limit: u64| {
            format!(r#"{{"rateLimitType":"{kind}","interval":"{interval}","intervalNum":{number},"limit":{limit}}}"#)
        };
        let table = [
            (vec![limit("REQUEST_WEIGHT", "MINUTE", 1, 6000)], Some(6000)),
            (vec![limit("ORDERS", "SECOND", 10, 1), limit("REQUEST_WEIGHT", "SECOND", 10, 100)], Some(600)),
            (
                vec![limit("REQUEST_WEIGHT", "DAY", 1, 1_440_000), limit("REQUEST_WEIGHT", "MINUTE", 1, 2400)],
                Some(1000),
            ),
            (vec![limit("REQUEST_WEIGHT", "MINUTE", 0, 6000)], None),
            (vec![limit("REQUEST_WEIGHT", "FORTNIGHT", 1, 6000), "5".to_owned()], None),
        ];
        for (limits, weight) in table {
            let body = format!(r#"{{"symbols":[],"rateLimits":[{}]}}"#, limits.join(","));
            assert_eq!(read(SPOT, body.as_bytes()).unwrap().weight_per_minute, weight, "{body}");
        }
    }

    #[test]
    fn other_bodies_are_refused_with_what_to_do() {
        let refused = read(SPOT, br#"{"code":-1003,"msg":"Too many requests."}"#).unwrap_err();
        assert_eq!(refused.to_string(), "BINANCE-SPOT refused exchangeInfo with error -1003: Too many requests.");
        for body in ["", "<html>", "[]", "{}", r#"{"symbols":5}"#, r#"{"symbols":[{}"#] {
            let error = read(SPOT, body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("check the endpoint"), "{body}: {error}");
        }
    }
}
