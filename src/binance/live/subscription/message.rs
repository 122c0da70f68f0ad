//! Purpose: control messages as the venue reads them (binance.md, section 2). Owns: their form.
//! Thread: the io thread (cold). Takes and gives: names, text. Never: sends.

use std::fmt::Write;

/// What a control message asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Begin these streams.
    Subscribe,
    /// End these streams.
    Unsubscribe,
    /// Tell which streams there are.
    List,
}

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    /// Its id, unique on the connection.
    pub(crate) id: u64,
    /// What it asks.
    pub(crate) verb: Verb,
    /// Its text.
    pub(crate) text: String,
}

/// Writes one.
pub(super) fn control<'a>(id: u64, verb: Verb, names: impl Iterator<Item = &'a str>) -> Control {
    let method = match verb {
        Verb::Subscribe => "SUBSCRIBE",
        Verb::Unsubscribe => "UNSUBSCRIBE",
        Verb::List => "LIST_SUBSCRIPTIONS",
    };
    let mut text = format!("{{\"method\":\"{method}\",");
    if verb != Verb::List {
        text.push_str("\"params\":[");
        for (at, name) in names.enumerate() {
            if at > 0 {
                text.push(',');
            }
            // A name is plain in practice; as a JSON string it stays one whatever it holds.
            text.push_str(&serde_json::Value::from(name).to_string());
        }
        text.push_str("],");
    }
    // Writing to a String does not fail.
    let _ = write!(text, "\"id\":{id}}}");
    Control { id, verb, text }
}
