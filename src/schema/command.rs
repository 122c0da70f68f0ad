//! Purpose: commands of the control bus and their acknowledgements, as the data model has them.
//! Owns: their JSON form (camelCase), the names of consumers, the error codes. Thread: any (cold).
//! Takes and gives: plain data. Never: acts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::latency::LatencyDetail;
use super::report::Report;

/// What a consumer wants of a type: field to value (`eq`), to a list (`in`), or to `{"op": …, "value": …}` with `eq`,
/// `neq`, `in` or `prefix`. Fields are `instrument`, `market`, and those of the payload as JSON shows them. All must hold.
pub type Filters = BTreeMap<String, Value>;

/// What an acknowledgement names where a command concerns no type.
pub const NO_TYPE: &str = "*";

/// A command from a consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "verb", deny_unknown_fields)]
pub enum Command {
    /// Turn a type on for this consumer. A consumer may have several subscriptions of a type, told apart by their
    /// filters; it is handed what any of them lets pass. The same type and filters again is a `noop`, and renews the lease.
    Subscribe {
        /// The canonical type.
        #[serde(rename = "type")]
        type_name: String,
        /// What of it the consumer wants; empty: all of it.
        #[serde(default)]
        filters: Filters,
        /// The caller's trace, 32 hex digits, or with its span as a W3C `traceparent`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
        /// Ends by itself after so many seconds, unless it is renewed; without: it stays until unsubscribed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_seconds: Option<u32>,
    },
    /// Turn it off for this consumer. What is not on is a `noop`.
    Unsubscribe {
        /// The canonical type.
        #[serde(rename = "type")]
        type_name: String,
        /// The one subscription that has exactly these filters; without: all of the type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filters: Option<Filters>,
        /// The caller's trace, 32 hex digits, or with its span as a W3C `traceparent`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
    },
    /// Put these filters in the place of those that this consumer has on a type: its subscriptions of the type become one,
    /// with the lease that ends last.
    UpdateFilters {
        /// The canonical type.
        #[serde(rename = "type")]
        type_name: String,
        /// What of it the consumer wants from now on; empty: all of it.
        #[serde(default)]
        filters: Filters,
        /// The caller's trace, 32 hex digits, or with its span as a W3C `traceparent`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
    },
    /// Report every route. Changes nothing: its acknowledgement is a `noop` with [`Report::Routes`].
    ListRoutes,
    /// Report who wants what and how the native streams do: a `noop` with [`Report::Subscriptions`].
    ListSubscriptions,
    /// Report how the engine does: a `noop` with [`Report::Status`].
    Status,
    /// Report the latency ledger: a `noop` with [`Report::Latency`].
    Latency {
        /// How much of it.
        detail: LatencyDetail,
    },
}

impl Command {
    /// The type that it names; [`NO_TYPE`] when it concerns none.
    pub fn type_name(&self) -> &str {
        match self {
            Command::Subscribe { type_name, .. }
            | Command::Unsubscribe { type_name, .. }
            | Command::UpdateFilters { type_name, .. } => type_name,
            Command::ListRoutes | Command::ListSubscriptions | Command::Status | Command::Latency { .. } => NO_TYPE,
        }
    }

    /// The verb, as JSON has it.
    pub const fn verb(&self) -> &'static str {
        match self {
            Command::Subscribe { .. } => "subscribe",
            Command::Unsubscribe { .. } => "unsubscribe",
            Command::UpdateFilters { .. } => "updateFilters",
            Command::ListRoutes => "listRoutes",
            Command::ListSubscriptions => "listSubscriptions",
            Command::Status => "status",
            Command::Latency { .. } => "latency",
        }
    }

    /// The caller's trace, as it wrote it.
    pub fn trace_id(&self) -> Option<&str> {
        match self {
            Command::Subscribe { trace_id, .. }
            | Command::Unsubscribe { trace_id, .. }
            | Command::UpdateFilters { trace_id, .. } => trace_id.as_deref(),
            Command::ListRoutes | Command::ListSubscriptions | Command::Status | Command::Latency { .. } => None,
        }
    }
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AckStatus {
    /// Done, and something changed.
    Accepted,
    /// Nothing to change.
    Noop,
    /// Refused; nothing changed.
    Error,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckError {
    /// A stable code: one of [`ControlCode`].
    pub code: String,
    /// For a person: what was wrong and what to do.
    pub message: String,
}

/// The acknowledgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlAck {
    /// The canonical type that the command named, in uppercase when it is one; [`NO_TYPE`] for none.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What became of it.
    pub status: AckStatus,
    /// The control version after it: events routed by this version or a later one obey the command.
    pub dispatch_version: u64,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AckError>,
    /// What was asked to be reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<Report>>,
}

impl ControlAck {
    /// Without an error or a report.
    pub fn new(type_name: impl Into<String>, status: AckStatus, dispatch_version: u64) -> ControlAck {
        ControlAck { type_name: type_name.into(), status, dispatch_version, error: None, report: None }
    }

    /// Of a command that was refused; `dispatch_version` is the version that stays.
    pub fn refused(type_name: impl Into<String>, version: u64, code: ControlCode, message: impl Into<String>) -> Self {
        let error = AckError { code: code.as_str().to_owned(), message: message.into() };
        ControlAck { error: Some(error), ..ControlAck::new(type_name, AckStatus::Error, version) }
    }

    /// The error's code; `None` without an error, or with a code that this version does not know.
    pub fn code(&self) -> Option<ControlCode> {
        ControlCode::from_text(&self.error.as_ref()?.code)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why commands are refused. The texts are stable; messages may change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ControlCode { $($(#[$doc])* $name),* }

        impl ControlCode {
            /// Every code.
            pub const ALL: &'static [ControlCode] = &[$(ControlCode::$name),*];

            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self { $(ControlCode::$name => $text),* }
            }
        }
    };
}

codes! {
    /// The command cannot be read: no JSON, a missing or an unknown key, a value of the wrong kind.
    BadCommand = "control/bad-command";
    /// The type's name is malformed ([`super::canonical_type::CanonicalType`]).
    BadType = "control/bad-type";
    /// No route feeds the type, and Meltica does not make it itself.
    UnknownType = "control/unknown-type";
    /// A filter names a field that no payload of the type has, or its value does not fit.
    BadFilter = "control/bad-filter";
    /// A filter names an instrument that the venue does not list.
    UnknownInstrument = "control/unknown-instrument";
    /// A filter names a market that this engine does not serve.
    UnknownMarket = "control/unknown-market";
    /// `leaseSeconds` is 0 or longer than [`LEASE_SECONDS_MAX`].
    BadLease = "control/bad-lease";
    /// `traceId` is neither 32 hex digits, not all zero, nor a W3C `traceparent`.
    BadTrace = "control/bad-trace";
    /// The consumer's name is malformed or reserved ([`ConsumerName`]).
    BadConsumer = "control/bad-consumer";
    /// Filters of a type that this consumer has not subscribed to.
    NotSubscribed = "control/not-subscribed";
    /// More subscriptions or consumers than the control duty keeps.
    TooMany = "control/too-many";
    /// Too many commands wait; send again.
    Busy = "control/busy";
    /// Nobody takes commands any more: the engine has ended.
    Closed = "control/closed";
    /// The engine ended before it came to the command.
    Unanswered = "control/unanswered";
    /// The journal could not be written, so nothing was changed.
    Journal = "control/journal";
}

impl ControlCode {
    /// The code with that text.
    pub fn from_text(text: &str) -> Option<ControlCode> {
        ControlCode::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl core::fmt::Display for ControlCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The longest lease: 30 days.
pub const LEASE_SECONDS_MAX: u32 = 30 * 24 * 3_600;

/// The longest name of a consumer, in bytes: what the audit holds.
pub const CONSUMER_NAME_MAX: usize = 32;

/// The consumer that the configuration is: what is wanted at the start. Nobody may send for it.
pub const CONFIG_CONSUMER: &str = "config";

/// The name of a consumer whose subscriptions stay until they are unsubscribed or their lease ends, whoever sends for it:
/// 1 to 32 of `A-Z a-z 0-9 . _ -`, and not [`CONFIG_CONSUMER`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsumerName(Box<str>);

/// Why a text is not a consumer's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no consumer: expected 1 to 32 of A-Z a-z 0-9 . _ - and not `config`, e.g. desk-1")]
pub struct BadConsumerName(pub String);

impl ConsumerName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`BadConsumerName`].
    pub fn parse(text: &str) -> Result<ConsumerName, BadConsumerName> {
        let fine = (1..=CONSUMER_NAME_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && text != CONFIG_CONSUMER;
        if fine {
            Ok(ConsumerName(text.into()))
        } else {
            Err(BadConsumerName(text.chars().take(CONSUMER_NAME_MAX + 1).collect()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for ConsumerName {
    type Error = BadConsumerName;

    fn try_from(text: String) -> Result<ConsumerName, BadConsumerName> {
        ConsumerName::parse(&text)
    }
}

impl From<ConsumerName> for String {
    fn from(name: ConsumerName) -> String {
        name.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_keep_their_json_form() {
        let table = [
            r#"{"verb":"subscribe","type":"TRADE","filters":{"instrument":"BTC-USDT"},"traceId":"00ff","leaseSeconds":60}"#,
            r#"{"verb":"subscribe","type":"TRADE","filters":{}}"#,
            r#"{"verb":"unsubscribe","type":"TRADE"}"#,
            r#"{"verb":"unsubscribe","type":"TRADE","filters":{"price":{"op":"neq","value":"1"}}}"#,
            r#"{"verb":"updateFilters","type":"TRADE","filters":{"instrument":["BTC-USDT","ETH-USDT"]}}"#,
            r#"{"verb":"listRoutes"}"#,
            r#"{"verb":"listSubscriptions"}"#,
            r#"{"verb":"status"}"#,
        ];
        for text in table {
            let command: Command = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&command).unwrap(), text);
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(value["verb"], command.verb());
            assert_eq!(value["type"].as_str().unwrap_or(NO_TYPE), command.type_name());
            assert_eq!(value["traceId"].as_str(), command.trace_id());
        }
        let refused = [
            r#"{"verb":"subscribe","type":"TRADE","more":1}"#,
            r#"{"verb":"subscribe","filters":{}}"#,
            r#"{"verb":"unsubscribe","type":"TRADE","leaseSeconds":1}"#,
            r#"{"verb":"subscribe","type":"TRADE","leaseSeconds":-1}"#,
            r#"{"verb":"listroutes"}"#,
            r#"{"verb":"subscribe","type":"TRADE","filters":[]}"#,
        ];
        for text in refused {
            assert!(serde_json::from_str::<Command>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn acknowledgements_keep_their_json_form() {
        let refused = ControlAck::refused("X", 3, ControlCode::UnknownType, "no route");
        let shown = r#"{"type":"X","status":"error","dispatchVersion":3,"error":{"code":"control/unknown-type","message":"no route"}}"#;
        assert_eq!(serde_json::to_string(&refused).unwrap(), shown);
        assert_eq!(serde_json::from_str::<ControlAck>(shown).unwrap(), refused);
        assert_eq!(refused.code(), Some(ControlCode::UnknownType));
        let accepted = ControlAck::new("TRADE", AckStatus::Accepted, 4);
        assert_eq!(
            serde_json::to_string(&accepted).unwrap(),
            r#"{"type":"TRADE","status":"accepted","dispatchVersion":4}"#
        );
        assert_eq!(accepted.code(), None);
    }

    #[test]
    fn codes_are_distinct_and_read_back() {
        for (at, code) in ControlCode::ALL.iter().enumerate() {
            assert!(code.as_str().starts_with("control/"), "{code}");
            assert_eq!(ControlCode::ALL.iter().position(|c| c.as_str() == code.as_str()), Some(at), "{code}");
            assert_eq!(ControlCode::from_text(code.as_str()), Some(*code));
        }
        assert_eq!(ControlCode::from_text("control/none"), None);
    }

    #[test]
    fn names_of_consumers_are_plain_short_and_not_reserved() {
        let longest = "x".repeat(CONSUMER_NAME_MAX);
        for name in ["a", "desk-1", "Ops_2.eu", longest.as_str()] {
            assert_eq!(ConsumerName::parse(name).unwrap().as_str(), name);
            let text = format!("\"{name}\"");
            assert_eq!(serde_json::to_string(&serde_json::from_str::<ConsumerName>(&text).unwrap()).unwrap(), text);
        }
        let longer = "x".repeat(CONSUMER_NAME_MAX + 1);
        for name in ["", "config", "a b", "ä", "a\n", "a/b", longer.as_str()] {
            assert!(ConsumerName::parse(name).is_err(), "{name}");
            assert!(serde_json::from_value::<ConsumerName>(Value::from(name)).is_err(), "{name}");
        }
    }
}
