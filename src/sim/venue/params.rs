//! Purpose: the parameters of requests, read and judged, and what is wrong with them (rest-api.md, errors.md of 2026-07-21).
//! Owns: the venue's words for it. Thread: any. Takes and gives: a query in, values or a fault out.
//! Never: knows which symbols there are.

use super::query::Query;
use super::series;
use crate::sim::spec::Status;

/// What the venue says when it refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: i32,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into() }
    }
}

/// Minutes of a window such as `59m`, `23h`, `7d`.
pub(super) fn window_minutes(size: &str) -> Result<i64, Fault> {
    let digits = size.len().saturating_sub(1);
    let number = size.get(..digits).filter(|d| d.bytes().all(|b| b.is_ascii_digit())).and_then(|d| d.parse().ok());
    let minutes = match (number, size.get(digits..)) {
        (Some(n @ 1..=59), Some("m")) => n,
        (Some(n @ 1..=23), Some("h")) => n * 60,
        (Some(n @ 1..=7), Some("d")) => n * 1_440,
        _ => return Err(Fault::new(-1130, "Data sent for parameter 'windowSize' is not valid.")),
    };
    Ok(minutes)
}

/// The zone that a request names, in milliseconds ahead of UTC.
pub(super) fn zone(query: &Query) -> Result<i64, Fault> {
    query.get("timeZone").map_or(Ok(0), |zone| series::zone_ms(zone).ok_or_else(|| invalid("timeZone")))
}

/// The status by which a request filters; the venue takes three.
pub(super) fn wanted_status(query: &Query) -> Result<Option<Status>, Fault> {
    let Some(word) = query.get("symbolStatus") else { return Ok(None) };
    let status = Status::of(word).filter(|s| matches!(s, Status::Trading | Status::Halt | Status::Break));
    status.map(Some).ok_or_else(|| Fault::new(-1122, "Invalid symbolStatus."))
}

/// A symbol of another status than the one that is asked for.
pub(super) fn other_status() -> Fault {
    Fault::new(-1220, "The symbol's status does not match the requested symbolStatus.")
}

pub(super) fn bad_combination() -> Fault {
    Fault::new(-1128, "Combination of optional parameters invalid.")
}

pub(super) fn missing(name: &str) -> Fault {
    Fault::new(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
}

pub(super) fn invalid(name: &str) -> Fault {
    Fault::new(-1130, format!("Data sent for parameter '{name}' is not valid."))
}

pub(super) fn illegal(name: &str, range: &str) -> Fault {
    Fault::new(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
}

pub(super) fn legal(symbol: &str) -> bool {
    let fits = |c: char| (c.is_alphanumeric() && !c.is_ascii_lowercase()) || matches!(c, '-' | '_' | '.');
    symbol.chars().count() <= 50 && symbol.chars().all(fits)
}

pub(super) fn symbol(query: &Query) -> Result<&str, Fault> {
    let symbol = query.get("symbol").filter(|s| !s.is_empty()).ok_or_else(|| missing("symbol"))?;
    if legal(symbol) { Ok(symbol) } else { Err(illegal("symbol", "^[\\w\\-._&&[^a-z]]{1,50}$")) }
}

/// The symbols that a request names; `None` for all.
pub(super) fn symbols(query: &Query) -> Result<Option<Vec<String>>, Fault> {
    match (query.get("symbol"), query.get("symbols")) {
        (Some(_), Some(_)) => Err(bad_combination()),
        (Some(_), None) => symbol(query).map(|one| Some(vec![one.to_owned()])),
        (None, None) => Ok(None),
        (None, Some(list)) => {
            let range = "^\\[(\"[\\w\\-._&&[^a-z]]{1,50}\"(,\"[\\w\\-._&&[^a-z]]{1,50}\"){0,}){0,1}\\]$";
            let names: Vec<String> = serde_json::from_str(list).map_err(|_| illegal("symbols", range))?;
            if !names.iter().all(|name| legal(name)) {
                return Err(illegal("symbols", range));
            }
            let distinct: std::collections::HashSet<&String> = names.iter().collect();
            if distinct.len() < names.len() {
                return Err(Fault::new(-1151, "Symbol is present multiple times in the list."));
            }
            Ok(Some(names))
        }
    }
}

pub(super) fn whole(query: &Query, name: &str) -> Result<Option<u64>, Fault> {
    let Some(text) = query.get(name) else { return Ok(None) };
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(illegal(name, "^[0-9]{1,20}$"));
    }
    text.parse().map(Some).map_err(|_| invalid(name))
}

pub(super) fn limit(query: &Query, default: usize, most: usize) -> Result<usize, Fault> {
    match whole(query, "limit")? {
        None => Ok(default),
        Some(0) => Err(invalid("limit")),
        Some(wanted) => Ok(usize::try_from(wanted).unwrap_or(most).min(most)),
    }
}

pub(super) fn span(query: &Query) -> Result<series::Span, Fault> {
    let time = |name| Ok::<_, Fault>(whole(query, name)?.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)));
    let span = series::Span { from_id: whole(query, "fromId")?, from_ms: time("startTime")?, to_ms: time("endTime")? };
    if span.from_id.is_some() && (span.from_ms.is_some() || span.to_ms.is_some()) {
        return Err(bad_combination());
    }
    Ok(span)
}
