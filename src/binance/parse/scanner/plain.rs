//! Purpose: a frame of each form that the venue writes, for tests and the fuzzer. Owns: the frames. Thread: a test's.
//! Takes and gives: nothing. Never: part of a build that ships.

use crate::schema::id::Market;

pub(super) const SPOT: Market = Market::BinanceSpot;
pub(super) const USDM: Market = Market::BinanceUsdm;

/// Frames as the venue writes them (captures of 2021, 2024 and 2026; binance.md, sections 2 and 4).
pub(super) const PLAIN: [(Market, &str, &str); 24] = [
    (
        SPOT,
        "btcusdt@bookTicker",
        r#"{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}"#,
    ),
    (
        USDM,
        "btcusdt@bookTicker",
        r#"{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256313}"#,
    ),
    (
        USDM,
        "btcusdt@bookTicker",
        r#"{"e":"bookTicker","u":5123107839020,"E":1723161256313,"T":1723161256313,"s":"BTCUSDT","ps":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","st":1}"#,
    ),
    (
        SPOT,
        "btcusdt@trade",
        r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#,
    ),
    (
        SPOT,
        "btcusdt@trade",
        r#"{"e":"trade","E":1723161255343123,"s":"BTCUSDT","t":0,"p":"0.00006547","q":"123456789.5","T":1723161255342001,"m":false,"M":true}"#,
    ),
    (
        USDM,
        "btcusdt@trade",
        r#"{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}"#,
    ),
    (
        SPOT,
        "btcusdt@aggTrade",
        r#"{"e":"aggTrade","E":1616176861895,"s":"BTCUSDT","a":640283266,"p":"58942.01000000","q":"0.00035600","f":716849523,"l":716849523,"T":1616176861893,"m":false,"M":true}"#,
    ),
    (
        USDM,
        "btcusdt@aggTrade",
        r#"{"e":"aggTrade","E":1786171884624,"a":3404749954,"s":"BTCUSDT","p":"64990.90","q":"0.002","nq":"0.002","f":7960913511,"l":7960913511,"T":1786171884471,"m":true,"st":1}"#,
    ),
    (
        SPOT,
        "btcusdt@depth@100ms",
        r#"{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"],["61730.17","1"]],"a":[["61837.64000000","1.54698000"]]}"#,
    ),
    (SPOT, "btcusdt@depth@100ms", r#"{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}"#),
    (
        USDM,
        "btcusdt@depth@0ms",
        r#"{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,"pu":5123107831937,"b":[["58710.20","0.014"],["61510.90","0.000"]],"a":[["61900","12345678901234567890.1"],["61900.1","7"]],"st":1}"#,
    ),
    (
        USDM,
        "btcusdt@depth@0ms",
        r#"{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","ps":"BTCUSDT","U":5123107832006,"u":5123107837557,"pu":5123107831937,"b":[["58710.20","0.014"]],"a":[],"st":1}"#,
    ),
    (
        SPOT,
        "btcusdt@depth20",
        r#"{"lastUpdateId":17044571457,"bids":[["1782.00000000","6.48300000"],["1781.95000000","0.03000000"]],"asks":[["1782.01000000","15.46080000"]]}"#,
    ),
    (
        SPOT,
        "btcusdt@miniTicker",
        r#"{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"0.0025","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18"}"#,
    ),
    (
        SPOT,
        "btcusdt@avgPrice",
        r#"{"e":"avgPrice","E":1693907033000,"s":"BTCUSDT","i":"5m","w":"25776.86000000","T":1693907032213}"#,
    ),
    (SPOT, "币usdt@trade", r#"{"e":"trade","E":1,"s":"币USDT","t":2,"p":"1.5","q":"2","T":3,"m":true,"M":true}"#),
    (
        USDM,
        "btcusdt@markPrice",
        r#"{"e":"markPriceUpdate","E":1786171884000,"s":"BTCUSDT","p":"64991.37858696","ap":"64991.37858696","P":"64980.01344384","i":"65016.05673913","r":"0.00003936","T":1786176000000,"st":1}"#,
    ),
    // Sides that are long enough for prices to be expected in the form of those before: one form, a change of digits, no point, and what is
    // longer than is read at once, in the middle.
    (
        SPOT,
        "btcusdt@depth@100ms",
        r#"{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":157,"u":160,"b":[["99999.90000000","0.50000000"],["99999.80000000","10.25000000"],["99999.70000000","0.00000000"],["99998.00000000","123.00100000"],["99997.10000000","0.00000001"]],"a":[["99999.99000000","1.00000000"],["100000.00000000","0.30000000"],["100000.10000000","0.00000000"],["100001.00000000","7.00000000"],["9.50000000","1.00000000"],["100002.00000000","0.12000000"]]}"#,
    ),
    (
        USDM,
        "btcusdt@depth@0ms",
        r#"{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,"pu":5123107831937,"b":[["58710","0.014"],["58709","1"],["58708.5","12"],["58708","0.100"],["58707","3"]],"a":[["58711.10","0.000"],["58711.20","0.014"],["58711.30","12345678.12345678"],["58711.40","7.000"],["12345678.1234567","1.5"],["58712.00","0.001"]],"st":1}"#,
    ),
    // Where what is compared at once ends: symbols of fifteen and sixteen bytes, a name of 31, a payload that is shorter than a step looks at; and a
    // symbol that is no ASCII in the place of another text.
    (
        SPOT,
        "1000000mogusdtx@trade",
        r#"{"e":"trade","E":1,"s":"1000000MOGUSDTX","t":2,"p":"0.00001500","q":"2","T":3,"m":true,"M":true}"#,
    ),
    (
        SPOT,
        "币安人生usdt@bookTicker",
        r#"{"u":50093239212,"s":"币安人生USDT","b":"0.15370000","B":"1234567.00000000","a":"0.15380000","A":"12345678.0000000"}"#,
    ),
    (
        SPOT,
        "币安人生usdtx@depth20@100ms",
        r#"{"lastUpdateId":17044571457,"bids":[["0.15370000","6.48300000"]],"asks":[["0.15380000","15.46080000"]]}"#,
    ),
    (SPOT, "btcusdt@depth20", r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#),
    (
        USDM,
        "币usdt@bookTicker",
        r#"{"e":"bookTicker","u":5123107839020,"E":1723161256313,"T":1723161256313,"s":"币USDT","ps":"币USDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","st":1}"#,
    ),
];

/// The frame of a combined connection.
pub(super) fn combined(name: &str, payload: &str) -> String {
    format!(r#"{{"stream":"{name}","data":{payload}}}"#)
}
