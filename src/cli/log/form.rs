//! Purpose: an entry as a line. Owns: both forms. Thread: main. Takes and gives: entries in, one line each out.
//! Never: lets text from outside end a line, move a cursor or turn the direction of writing; writes more of it than fits.

use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::entry::{Entry, Level};
use crate::schema::time::UnixNanos;

/// Characters of one text in a line.
const TEXT_MAX: usize = 400;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Form {
    /// For a person at a terminal: the time of day, what happened.
    Screen,
    /// `<time> <level> <event>: <what happened>`.
    Text,
    /// One object a line: `ts`, `level`, `event`, `message`, `fields`.
    Json,
}

impl Form {
    /// The line, without its line feed.
    pub(super) fn line(self, now: UnixNanos, entry: &Entry) -> String {
        let ts = stamp(now);
        let (level, event) = (entry.level.name(), entry.event.name());
        match self {
            Form::Screen => {
                let warning = if entry.level == Level::Warn { "warning: " } else { "" };
                format!("{} {warning}{}", ts.get(11..19).unwrap_or(&ts), visible(&entry.message))
            }
            Form::Text => format!("{ts} {level} {event}: {}", visible(&entry.message)),
            Form::Json => {
                let message = shortened(&entry.message);
                let fields: Map<String, Value> =
                    entry.fields.iter().map(|(name, value)| (name.clone(), bounded(value))).collect();
                let (message, fields) = (Value::String(message), Value::Object(fields));
                let line = format!(
                    r#"{{"ts":"{ts}","level":"{level}","event":"{event}","message":{message},"fields":{fields}}}"#
                );
                ascii(&line)
            }
        }
    }
}

/// UTC, to the microsecond.
fn stamp(now: UnixNanos) -> String {
    let since_1970 = Duration::from_nanos(u64::try_from(now.0).unwrap_or_default());
    humantime::format_rfc3339_micros(UNIX_EPOCH + since_1970).to_string()
}

/// Text as it may stand in a line: what is no printable character is shown by its number, and what is too long is cut.
pub(in crate::cli) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shortened(text).chars() {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn bounded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(shortened(text)),
        Value::Array(list) => Value::Array(list.iter().take(TEXT_MAX).map(bounded).collect()),
        other => other.clone(),
    }
}

/// JSON with all that is not printable ASCII escaped; outside of strings there is none.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::entry::Event;
    use super::*;

    const NOW: UnixNanos = UnixNanos(1_723_161_255_343_017_999);
    const HOSTILE: &str = "a\nb\r\x1b[2J\u{202e}\u{2028}\u{7f}ü币\"\\";

    fn entry() -> Entry {
        Entry::new(Event::RestRefused, format!("depth of X: {HOSTILE}")).with("answer", HOSTILE).with("status", 400)
    }

    #[test]
    fn lines_say_when_how_grave_and_what() {
        let line = Form::Text.line(NOW, &Entry::new(Event::ConnectionUp, "connection 0: open"));
        assert_eq!(line, "2024-08-08T23:54:15.343017Z info connection_up: connection 0: open");
        let line = Form::Screen.line(NOW, &Entry::new(Event::Missed, "3 gone"));
        assert_eq!(line, "23:54:15 warning: 3 gone");
    }

    #[test]
    fn text_from_outside_stays_within_its_line() {
        for form in [Form::Screen, Form::Text, Form::Json] {
            let line = form.line(NOW, &entry());
            assert!(line.chars().all(|c| !c.is_control() && !matches!(c, '\u{202e}' | '\u{2028}')), "{line}");
        }
        let line = Form::Text.line(NOW, &entry());
        assert!(line.ends_with(r#"a\nb\r\u{1b}[2J\u{202e}\u{2028}\u{7f}ü币"\"#), "{line}");
        let long = Entry::new(Event::RestRefused, "x".repeat(100_000)).with("answer", "y".repeat(100_000));
        for form in [Form::Screen, Form::Text, Form::Json] {
            assert!(form.line(NOW, &long).len() < 2_000, "{form:?}");
        }
    }

    #[test]
    fn json_lines_are_ascii_and_give_the_same_text_back() {
        let line = Form::Json.line(NOW, &entry());
        assert!(line.is_ascii(), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["fields"], json!({ "answer": HOSTILE, "status": 400 }));
        assert_eq!(value["event"], "rest_refused");
        assert_eq!(value["level"], "warn");
        assert_eq!(value["ts"], "2024-08-08T23:54:15.343017Z");
    }
}
