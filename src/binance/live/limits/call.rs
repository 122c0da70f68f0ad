//! Purpose: what a REST call of a route's poll weighs (rest-api.md of 2026-07-21; USD-M's pages of 2026-07-22).
//! Owns: the table. Thread: any. Takes and gives: path and query in, a weight out. Never: takes an unknown call for light.

use crate::schema::bodies::{parameter, path_of};

/// What a call weighs that no table knows. The venue's header corrects what this gets wrong.
const UNKNOWN: u64 = 20;

/// The weight of a call: path and query, or a URL, its placeholder filled in or not.
pub(crate) fn call_weight(call: &str) -> u64 {
    let path = path_of(call);
    let one = parameter(call, "symbol").is_some();
    let by_symbol = |one_weight, all_weight| if one { one_weight } else { all_weight };
    let listed = parameter(call, "symbols").map(|list| 1 + list.matches(',').count() + list.matches("%2C").count());
    let limit = parameter(call, "limit").and_then(|limit| limit.parse::<u64>().ok());
    if let Some(name) = path.strip_prefix("/api/v3/") {
        return match name {
            "trades" => 25,
            "aggTrades" => 4,
            "klines" | "avgPrice" | "referencePrice" => 2,
            "ticker/24hr" => match listed {
                _ if one => 2,
                Some(0..=20) => 2,
                Some(21..=100) => 40,
                _ => 80,
            },
            "ticker/bookTicker" | "ticker/price" => by_symbol(2, 4),
            // Four a symbol, 200 at most.
            "ticker" => listed.map_or(4, |symbols| (4 * symbols as u64).min(200)),
            "exchangeInfo" => 20,
            _ => UNKNOWN,
        };
    }
    match path.strip_prefix("/fapi/v1/") {
        Some("trades") => 5,
        Some("aggTrades") => 20,
        Some("klines") => match limit.unwrap_or(500) {
            0..100 => 1,
            100..500 => 2,
            500..=1_000 => 5,
            _ => 10,
        },
        Some("ticker/24hr") => by_symbol(1, 40),
        Some("ticker/price") => by_symbol(1, 2),
        Some("ticker/bookTicker") => by_symbol(2, 5),
        Some("premiumIndex") => by_symbol(1, 10),
        Some("exchangeInfo") => 1,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::call_weight;

    #[test]
    fn weights_are_the_venues() {
        let table = [
            ("/api/v3/trades?symbol={symbol}", 25),
            ("/api/v3/aggTrades?symbol=BTCUSDT&limit=10", 4),
            ("/api/v3/klines?symbol=BTCUSDT&interval=1m", 2),
            ("/api/v3/avgPrice?symbol=BTCUSDT", 2),
            ("/api/v3/ticker/24hr?symbol=BTCUSDT", 2),
            ("/api/v3/ticker/24hr", 80),
            (r#"/api/v3/ticker/24hr?symbols=["A","B"]"#, 2),
            (&format!("/api/v3/ticker/24hr?symbols=[{}\"A\"]", "\"A\",".repeat(20)), 40),
            (&format!("/api/v3/ticker/24hr?symbols=[{}\"A\"]", "\"A\"%2C".repeat(100)), 80),
            ("/api/v3/ticker/bookTicker?symbol=BTCUSDT", 2),
            ("https://api.binance.com/api/v3/ticker/bookTicker", 4),
            ("/api/v3/ticker/price", 4),
            ("/api/v3/ticker?symbol=BTCUSDT&windowSize=1h", 4),
            (&format!("/api/v3/ticker?symbols=[{}\"A\"]", "\"A\",".repeat(99)), 200),
            ("/api/v3/never/heard/of", 20),
            ("/fapi/v1/premiumIndex", 10),
            ("/fapi/v1/premiumIndex?symbol=BTCUSDT", 1),
            ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=99", 1),
            ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m", 5),
            ("/fapi/v1/ticker/24hr", 40),
            ("/elsewhere", 20),
        ];
        for (call, weight) in table {
            assert_eq!(call_weight(call), weight, "{call}");
        }
    }
}
