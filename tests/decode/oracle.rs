//! Purpose: a second reader of frames, slow and plain, to hold the parser against. Owns: its reading of binance.md.
//! Thread: any. Takes and gives: bytes; what should come out. Never: shares code with the parser but for the layouts and
//! the grammar of stream names, which are what both read by.

use meltica::schema::id::Market;
use meltica::schema::layout::{Want, layout, level_keys, symbol_slot};
use meltica::schema::topic::{StreamKind, StreamName, Topic};

use crate::captures::Sent;
use crate::json::Json;
use crate::plain::{Held, Plain};

/// What should come of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// These raw instances, and so many malformed elements.
    Data(Vec<Plain>, u32),
    /// No data.
    Control,
    /// It cannot be read.
    Malformed,
}

/// Reads a frame.
pub(crate) fn read(market: Market, sent: &Sent, bytes: &[u8]) -> Verdict {
    judge(market, sent, bytes).unwrap_or(Verdict::Malformed)
}

fn judge(market: Market, sent: &Sent, bytes: &[u8]) -> Option<Verdict> {
    let root = Json::read(bytes)?;
    let (payload, topic, symbol, limit) = match sent {
        Sent::Combined => {
            let Json::Object(entries) = &root else { return None };
            let (stream, data) = (only(entries, "stream")?, only(entries, "data")?);
            let name = match stream {
                None => None,
                Some(Json::Text(name)) => Some(name.as_str()),
                Some(_) => return None,
            };
            match (name, data) {
                (Some("!serverShutdown"), _) => return Some(Verdict::Control),
                (Some(name), Some(data)) => {
                    let (topic, symbol) = stream_of(name);
                    (data.clone(), topic, symbol, 0)
                }
                _ => return is_control(&root).then_some(Verdict::Control),
            }
        }
        _ if is_control(&root) => return Some(Verdict::Control),
        Sent::Raw(stream) => {
            let (topic, symbol) = stream_of(stream);
            (root, topic, symbol, 0)
        }
        Sent::RestDepth(symbol, limit) => {
            (root, Topic::plain(StreamKind::RestDepth), Some(symbol.to_uppercase()), *limit)
        }
        Sent::RestOther => (root, Topic::plain(StreamKind::Other), None, 0),
    };
    let one = |payload: &Json| instance(market, topic, symbol.as_deref(), limit, payload);
    let Json::Array(elements) = &payload else {
        return Some(Verdict::Data(one(&payload)?.into_iter().collect(), 0));
    };
    let read: Vec<Option<Option<Plain>>> = elements.iter().map(one).collect();
    let malformed = read.iter().filter(|r| r.is_none()).count() as u32;
    let good: Vec<Plain> = read.into_iter().flatten().flatten().collect();
    (malformed == 0 || !good.is_empty()).then_some(Verdict::Data(good, malformed))
}

fn stream_of(name: &str) -> (Topic, Option<String>) {
    match StreamName::parse(name) {
        Some(StreamName { symbol, topic }) if symbol.is_none_or(|s| s.len() <= 64) => {
            (topic, symbol.map(str::to_uppercase))
        }
        _ => (Topic::plain(StreamKind::Other), None),
    }
}

/// The value of a key, `Some(None)` when it is absent, `None` when it stands twice.
fn only<'a>(entries: &'a [(String, Json)], key: &str) -> Option<Option<&'a Json>> {
    let mut found = entries.iter().filter(|(k, _)| k == key);
    let first = found.next();
    found.next().is_none().then_some(first.map(|(_, v)| v))
}

fn is_control(root: &Json) -> bool {
    let Json::Object(entries) = root else { return false };
    let has = |key: &str| entries.iter().any(|(k, _)| k == key);
    let shutdown = entries.iter().any(|(k, v)| k == "e" && *v == Json::Text("serverShutdown".to_owned()));
    let code = entries.iter().any(|(k, v)| k == "code" && matches!(v, Json::Unsigned(_) | Json::Signed(_)));
    entries.len() <= 6 && (shutdown || has("result") || has("error") || (has("msg") && code))
}

/// One payload: `None` when it is malformed, `Some(None)` when it is another market's.
fn instance(market: Market, topic: Topic, symbol: Option<&str>, limit: u32, payload: &Json) -> Option<Option<Plain>> {
    let kind = topic.kind;
    let mut out = Plain {
        kind,
        detail: topic.detail,
        symbol: None,
        limit,
        slots: Vec::new(),
        bids: Vec::new(),
        asks: Vec::new(),
        unknown: Vec::new(),
    };
    let Json::Object(entries) = payload else {
        out.unknown.push(("data".to_owned(), cut(payload.text())));
        return (kind == StreamKind::Other).then_some(Some(out));
    };
    let mut flat: Vec<(String, &Json)> = Vec::new();
    for (key, value) in entries {
        let object = format!("{key}.");
        if !layout(kind).iter().any(|s| s.key.starts_with(&object)) {
            flat.push((key.clone(), value));
            continue;
        }
        let Json::Object(inner) = value else { return None };
        only(entries, key)?;
        flat.extend(inner.iter().map(|(k, v)| (object.clone() + k, v)));
    }
    for spec in layout(kind) {
        let mut values = flat.iter().filter(|(k, _)| k == spec.key);
        match (values.next(), values.next()) {
            (None, _) if spec.required => return None,
            (None, _) => {}
            (Some(_), Some(_)) => return None,
            (Some((_, Json::Null)), None) if spec.required && !spec.nullable => return None,
            (Some((_, Json::Text(text))), None)
                if text.is_empty() && spec.want == Want::Decimal && (!spec.required || spec.nullable) =>
            {
                out.slots.push((spec.key.to_owned(), Held::Null));
            }
            (Some((_, value)), None) => {
                out.slots.push((spec.key.to_owned(), held(spec.want, spec.verbatim, value)?));
            }
        }
    }
    let sides = sides(kind);
    for (keys, into) in [(&sides.0, &mut out.bids), (&sides.1, &mut out.asks)] {
        let mut arrays = flat.iter().filter(|(k, _)| keys.contains(&k.as_str()));
        if let Some((_, array)) = arrays.next() {
            *into = levels(array)?;
        } else if !keys.is_empty() {
            return None;
        }
        if arrays.next().is_some() {
            return None;
        }
    }
    fits(&out.bids, &out.asks)?;
    let known = |k: &str| sides.0.contains(&k) || sides.1.contains(&k) || layout(kind).iter().any(|s| s.key == k);
    for (key, value) in flat.iter().filter(|(k, _)| !known(k)) {
        out.unknown.push((key[..key.floor_char_boundary(255)].to_owned(), cut(value.text())));
    }
    finish(market, symbol, out)
}

fn finish(market: Market, symbol: Option<&str>, mut out: Plain) -> Option<Option<Plain>> {
    let get = |key: &str| out.slots.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let negative = |key: &str| matches!(get(key), Some(Held::Int(n)) if n < 0);
    if out.kind == StreamKind::DepthDiff && (negative("U") || negative("u")) {
        return None;
    }
    let int_at = |key: &str| matches!(get(key), Some(Held::Int(_)));
    let null_at = |key: &str| matches!(get(key), Some(Held::Null));
    if out.kind == StreamKind::DepthPartial && !["lastUpdateId", "u"].iter().any(|k| int_at(k) || null_at(k)) {
        return None;
    }
    if out.kind == StreamKind::Other {
        return Some(Some(out));
    }
    if market == Market::BinanceUsdm && ["st", "o.st"].iter().any(|k| get(k) == Some(Held::Int(2))) {
        return Some(None);
    }
    let written = symbol_slot(out.kind).and_then(|slot| match get(layout(out.kind)[slot].key) {
        Some(Held::Text(text)) => Some(text),
        _ => None,
    });
    match (symbol, written) {
        (Some(symbol), Some(written)) if symbol != written => return None,
        (Some(symbol), _) => out.symbol = Some(symbol.to_owned()),
        (None, Some(written)) if (1..=64).contains(&written.len()) => out.symbol = Some(written),
        (None, _) => return None,
    }
    Some(Some(out))
}

fn sides(kind: StreamKind) -> (Vec<&'static str>, Vec<&'static str>) {
    match (kind, level_keys(kind)) {
        (StreamKind::DepthPartial, _) => (vec!["bids", "b"], vec!["asks", "a"]),
        (_, Some((bids, asks))) => (vec![bids], vec![asks]),
        (_, None) => (vec![], vec![]),
    }
}

fn held(want: Want, verbatim: bool, value: &Json) -> Option<Held> {
    let int = |value: &Json| match value {
        Json::Unsigned(number) => i64::try_from(*number).ok(),
        Json::Signed(number) => Some(*number),
        _ => None,
    };
    Some(match (want, value) {
        (_, Json::Null) => Held::Null,
        (Want::Int, value) => Held::Int(int(value)?),
        (Want::Decimal, Json::Text(text)) => Held::Decimal(decimal(text)?.0),
        (Want::Decimal, value) => Held::Decimal(int(value)?.to_string()),
        (Want::Text, Json::Text(text)) if verbatim => Held::Text(text.clone()),
        (Want::Text, Json::Text(text)) => Held::Text(text.to_uppercase()),
        (Want::Bool, Json::Bool(truth)) => Held::Bool(*truth),
        _ => return None,
    })
}

/// The plain form of a decimal, and its mantissa and scale without trailing zeros.
fn decimal(text: &str) -> Option<(String, i128, usize)> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) || fraction.is_some_and(|f| !all_digits(f)) {
        return None;
    }
    let fraction = fraction.unwrap_or_default().trim_end_matches('0');
    let joined = format!("{whole}{fraction}");
    let significant = joined.trim_start_matches('0');
    if significant.len() > 19 || fraction.len() > 18 {
        return None;
    }
    let mantissa: i128 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    if mantissa > i128::from(i64::MAX) || (mantissa == 0 && sign == "-") {
        return None;
    }
    let plain = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    let signed = if sign == "-" { -mantissa } else { mantissa };
    Some((format!("{sign}{plain}"), signed, fraction.len()))
}

fn levels(array: &Json) -> Option<Vec<(String, String)>> {
    let Json::Array(levels) = array else { return None };
    let mut out = Vec::new();
    for level in levels {
        let Json::Array(parts) = level else { return None };
        let (Json::Text(price), Json::Text(quantity)) = (parts.first()?, parts.get(1)?) else { return None };
        if parts.len() > 3 || parts.get(2).is_some_and(|third| *third != Json::Array(Vec::new())) {
            return None;
        }
        let (price, quantity) = (decimal(price)?, decimal(quantity)?);
        if price.1 < 0 || quantity.1 < 0 {
            return None;
        }
        out.push((price.0, quantity.0));
    }
    Some(out)
}

/// Whether all levels fit 63 bits at one price scale and one quantity scale.
fn fits(bids: &[(String, String)], asks: &[(String, String)]) -> Option<()> {
    let column = |pick: fn(&(String, String)) -> &String| -> Option<()> {
        let numbers: Vec<_> = bids.iter().chain(asks).filter_map(|l| decimal(pick(l))).collect();
        let scale = numbers.iter().map(|n| n.2).max().unwrap_or(0);
        let fit = |n: &(String, i128, usize)| n.1 * 10i128.pow((scale - n.2) as u32) <= i128::from(i64::MAX);
        numbers.iter().all(fit).then_some(())
    };
    column(|l| &l.0)?;
    column(|l| &l.1)
}

fn cut(text: Option<String>) -> Option<String> {
    text.map(|t| t[..t.floor_char_boundary(255)].to_owned())
}
