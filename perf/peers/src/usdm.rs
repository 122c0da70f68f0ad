//! Purpose: the same samples as the USD-M venue writes them (its keys of 2026, in its order, decimals at their tick).
//! Owns: nothing. Thread: main. Takes and gives: a spot sample in, a USD-M sample out.
//! Never: other values than the spot sample's, but for digits beyond a tick.

use serde_json::Value;

use crate::support::frames::{Kind, Sample, Template};

/// The sample in USD-M's words. The simulated exchange writes spot frames only.
pub(crate) fn of(sample: &Sample) -> Sample {
    let templates = sample.templates.iter().map(|template| rewritten(sample.kind, template)).collect();
    Sample { templates, ..sample.clone() }
}

fn rewritten(kind: Kind, template: &Template) -> Template {
    let frame: Value = serde_json::from_slice(&template.bytes).unwrap();
    let (stream, spot) = (&frame["stream"], &frame["data"]);
    let text = |key: &str| spot[key].to_string();
    let (price, quantity) = (|key: &str| cut(&spot[key], 2), |key: &str| cut(&spot[key], 3));
    let payload = match kind {
        Kind::BookTicker => format!(
            r#"{{"e":"bookTicker","u":{},"E":1723161256313,"T":1723161256313,"s":"BTCUSDT","ps":"BTCUSDT","b":{},"B":{},"a":{},"A":{},"st":1}}"#,
            text("u"),
            price("b"),
            quantity("B"),
            price("a"),
            quantity("A")
        ),
        Kind::Trade => format!(
            r#"{{"e":"trade","E":{},"T":{},"s":"BTCUSDT","t":{},"p":{},"q":{},"X":"MARKET","m":{}}}"#,
            text("E"),
            text("T"),
            text("t"),
            price("p"),
            quantity("q"),
            text("m")
        ),
        Kind::AggTrade => format!(
            r#"{{"e":"aggTrade","E":{},"a":{},"s":"BTCUSDT","p":{},"q":{},"nq":{},"f":{},"l":{},"T":{},"m":{},"st":1}}"#,
            text("E"),
            text("a"),
            price("p"),
            quantity("q"),
            quantity("q"),
            text("f"),
            text("l"),
            text("T"),
            text("m")
        ),
        Kind::Diff20 | Kind::Diff1226 => format!(
            r#"{{"e":"depthUpdate","E":{},"T":{},"s":"BTCUSDT","ps":"BTCUSDT","U":{},"u":{},"pu":{},"b":{},"a":{},"st":1}}"#,
            text("E"),
            text("E"),
            text("U"),
            text("u"),
            text("U"),
            levels(&spot["b"]),
            levels(&spot["a"])
        ),
    };
    let bytes = format!(r#"{{"stream":{stream},"data":{payload}}}"#);
    // Where the spot frame has its own id, this one has: all that carry an update id.
    let keys: &[&str] = if template.ids.is_empty() { &[] } else { &[r#""u":"#, r#""U":"#, r#""pu":"#] };
    let ids = keys.iter().filter_map(|key| bytes.find(key).map(|at| at + key.len())).collect();
    Template { ids, bytes: bytes.into_bytes() }
}

/// A decimal with so many digits behind its point, the others left out.
fn cut(decimal: &Value, digits: usize) -> String {
    let (whole, rest) = decimal.as_str().unwrap().split_once('.').unwrap();
    format!(r#""{whole}.{}""#, &rest[..digits])
}

fn levels(side: &Value) -> String {
    let level = |level: &Value| format!("[{},{}]", cut(&level[0], 2), cut(&level[1], 3));
    format!("[{}]", side.as_array().unwrap().iter().map(level).collect::<Vec<_>>().join(","))
}
