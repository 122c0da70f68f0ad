//! Purpose: commands of the control bus and their acknowledgements, as the data model has them.
//! Owns: their JSON form (camelCase) and error codes. Thread: any (cold). Takes and gives: plain data. Never: acts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A command from a consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "command", deny_unknown_fields)]
pub enum Command {
    /// Turn a type on for this consumer.
    Subscribe {
        /// The canonical type.
        #[serde(rename = "type")]
        type_name: String,
        /// What of it the consumer wants: field to value.
        #[serde(default)]
        filters: BTreeMap<String, serde_json::Value>,
        /// The caller's trace, 32 hex digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
    },
    /// Turn it off for this consumer.
    Unsubscribe {
        /// The canonical type.
        #[serde(rename = "type")]
        type_name: String,
        /// The subscription meant, when the consumer has several of the type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filters: Option<BTreeMap<String, serde_json::Value>>,
        /// The caller's trace, 32 hex digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
    },
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
    /// A stable code (`control/unknown-type`).
    pub code: String,
    /// For a person: what was wrong and what to do.
    pub message: String,
}

/// The acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlAck {
    /// The canonical type that the command named.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What became of it.
    pub status: AckStatus,
    /// The control version after it.
    pub dispatch_version: u64,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AckError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_acknowledgements_keep_their_json_form() {
        let text = r#"{"command":"subscribe","type":"TRADE","filters":{"instrument":"BTC-USDT"},"traceId":"00ff"}"#;
        let command: Command = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&command).unwrap(), text);
        assert!(serde_json::from_str::<Command>(r#"{"command":"subscribe","type":"TRADE","more":1}"#).is_err());
        let error = Some(AckError { code: "control/unknown-type".into(), message: "no route".into() });
        let ack = ControlAck { type_name: "X".into(), status: AckStatus::Error, dispatch_version: 3, error };
        let shown = r#"{"type":"X","status":"error","dispatchVersion":3,"error":{"code":"control/unknown-type","message":"no route"}}"#;
        assert_eq!(serde_json::to_string(&ack).unwrap(), shown);
    }
}
