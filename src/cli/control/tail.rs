//! Purpose: `meltica tail`: events of a running feed as they come. Owns: nothing. Thread: main; it blocks.
//! Takes and gives: the feed's lines in, lines out. Never: hides that the feed told of a loss; takes a closed pipe for a failure.

use std::io::{BufRead, ErrorKind, Write};

use serde_json::Value;

use super::super::events::gone_or_failed;
use super::super::exit::{Cause, Failed};
use super::super::say::tell;
use super::client::Client;
use super::grid::plain;
use super::words::{OutputForm, TailArgs};

/// Heartbeats without an event after which a person is told what may be missing.
const PATIENCE: u32 = 3;

/// Shows events until the feed ends, the count is reached, or nobody reads any more.
pub(in crate::cli) fn tail(arguments: &TailArgs) -> Result<(), Failed> {
    let client = Client::new(&arguments.feed.place)?;
    let words = arguments.types.iter().map(|name| ("type", name));
    let words = words.chain(arguments.instrument.iter().map(|name| ("instrument", name)));
    let query: Vec<String> = words.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let mut lines = client.stream(&format!("/events?{}", query.join("&")))?;
    let json = arguments.feed.output == OutputForm::Json;
    let (mut line, mut events, mut quiet) = (String::new(), 0, 0);
    let mut out = std::io::stdout().lock();
    while arguments.count.is_none_or(|count| events < count) {
        line.clear();
        match lines.read_line(&mut line) {
            Ok(0) => return Err(client_lost("it ended in mid-stream")),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(client_lost(&error.to_string())),
        }
        let value: Value = serde_json::from_str(&line).map_err(|error| client.strange(&error.to_string()))?;
        let shown = match value["stream"].as_str() {
            None => {
                (events, quiet) = (events + 1, PATIENCE);
                if json { line.clone() } else { event_line(&value) }
            }
            Some("heartbeat") => {
                quiet += 1;
                if quiet == PATIENCE {
                    tell("meltica: nothing yet: is it subscribed to? `meltica subscribe` turns a type on\n");
                }
                continue;
            }
            Some("lag") if json => line.clone(),
            Some("lag") => format!("-- {} records were missed: this reader is too slow\n", value["count"]),
            Some("end") => return Ok(()),
            Some(_) => continue,
        };
        if let Err(error) = out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
            return gone_or_failed("standard output", &error);
        }
    }
    Ok(())
}

fn client_lost(what: &str) -> Failed {
    Failed::new(Cause::Unavailable, format!("the feed was lost: {}", plain(what)))
}

/// As a value of a query.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `12:00:27.408000  BTC-USDT  TRADE  #7  price=1 quantity=2`.
fn event_line(event: &Value) -> String {
    let text = |value: &Value| plain(value.as_str().unwrap_or("*"));
    let time = event["ts"].as_i64().or(event["receiveTs"].as_i64()).unwrap_or_default();
    let mut line = format!(
        "{}  {:<12}  {}  #{} ",
        clock(time),
        text(&event["instrument"]),
        text(&event["type"]),
        event["seq"].as_u64().unwrap_or_default()
    );
    for (name, value) in event["payload"].as_object().into_iter().flatten() {
        let shown = match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => text.clone(),
            // A side of a book.
            Value::Array(levels) => format!("[{}]", levels.len()),
            other => other.to_string(),
        };
        line.push_str(&format!(" {}={}", plain(name), plain(&shown)));
    }
    line.push('\n');
    line
}

/// The time of day, UTC, of UTC nanoseconds.
fn clock(ns: i64) -> String {
    let micros = ns.div_euclid(1_000);
    let (seconds, micros) = (micros.div_euclid(1_000_000).rem_euclid(86_400), micros.rem_euclid(1_000_000));
    format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_harmless_line() {
        let event = serde_json::json!({"ts": 1_723_161_255_408_000_001_i64, "instrument": "币\u{1b}-USDT", "type": "TRADE",
            "seq": 7, "payload": {"price": "1.5", "none": null, "buyerIsMaker": true, "bids": [["1", "2"]]}});
        assert_eq!(
            event_line(&event),
            "23:54:15.408000  币\\u{1b}-USDT  TRADE  #7  bids=[1] buyerIsMaker=true price=1.5\n"
        );
        assert_eq!(clock(-1), "23:59:59.999999");
        assert_eq!(escaped("币-USDT&a=b"), "%E5%B8%81-USDT%26a%3Db");
    }
}
