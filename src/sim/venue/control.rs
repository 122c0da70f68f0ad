//! Purpose: the control messages of a WebSocket session: SUBSCRIBE and its kin, and the venue's errors
//! (web-socket-streams.md of 2026-07-21). Owns: nothing. Thread: any. Takes and gives: text in, a wish or an error out.
//! Never: asks whether a stream exists; the venue does not say either.

use serde::Deserialize;
use serde_json::{Value, json};

/// What a client wishes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// SUBSCRIBE to these names.
    Subscribe(Vec<String>),
    /// UNSUBSCRIBE from them.
    Unsubscribe(Vec<String>),
    /// LIST_SUBSCRIPTIONS.
    List,
    /// SET_PROPERTY `combined`.
    SetCombined(bool),
    /// GET_PROPERTY `combined`.
    GetCombined,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Method {
    Subscribe,
    Unsubscribe,
    ListSubscriptions,
    SetProperty,
    GetProperty,
}

#[derive(Deserialize)]
struct Message {
    method: Method,
    #[serde(default)]
    params: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
}

/// Tells an id of `null` from none.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Longest id that is text.
const ID_CHARACTERS_MAX: usize = 36;

fn error(code: u8, message: &str) -> String {
    json!({ "code": code, "msg": message }).to_string()
}

fn error_with_id(code: u8, message: &str, id: &Value) -> String {
    json!({ "code": code, "msg": message, "id": id }).to_string()
}

/// The acknowledgement, or the answer to a question.
pub(super) fn result(value: &Value, id: &Value) -> String {
    // By hand, for the venue writes the result first.
    format!("{{\"result\":{value},\"id\":{id}}}")
}

/// Reads a message.
///
/// # Errors
/// The venue's error, as the text to answer with.
pub(super) fn read(text: &str) -> Result<(Wish, Value), String> {
    let message: Message = serde_json::from_str(text).map_err(|fault| {
        if fault.is_data() {
            error(2, &format!("Invalid request: {fault}"))
        } else {
            error(3, &format!("Invalid JSON: {fault}"))
        }
    })?;
    let id = message.id.filter(id_is_sound).ok_or_else(|| error(2, ID_FAULT))?;
    let params = match message.params {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(error_with_id(2, "Invalid request: params must be an array", &id)),
    };
    let wish = match message.method {
        Method::Subscribe => Wish::Subscribe(names(params, &id)?),
        Method::Unsubscribe => Wish::Unsubscribe(names(params, &id)?),
        Method::ListSubscriptions if params.is_empty() => Wish::List,
        Method::ListSubscriptions => return Err(too_many(&id)),
        Method::GetProperty if params.len() > 1 => return Err(too_many(&id)),
        Method::GetProperty => {
            property(params.first(), &id)?;
            Wish::GetCombined
        }
        Method::SetProperty if params.len() > 2 => return Err(too_many(&id)),
        Method::SetProperty => {
            property(params.first(), &id)?;
            let Some(Value::Bool(value)) = params.get(1) else {
                return Err(error_with_id(1, "Invalid value type: expected Boolean", &id));
            };
            Wish::SetCombined(*value)
        }
    };
    Ok((wish, id))
}

const ID_FAULT: &str = "Invalid request: request ID must be an unsigned integer";

fn id_is_sound(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(number) => number.is_i64(),
        Value::String(text) => {
            text.chars().count() <= ID_CHARACTERS_MAX
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        }
        _ => false,
    }
}

fn too_many(id: &Value) -> String {
    error_with_id(2, "Invalid request: too many parameters", id)
}

fn property(name: Option<&Value>, id: &Value) -> Result<(), String> {
    match name {
        Some(Value::String(name)) if name == "combined" => Ok(()),
        Some(Value::String(_)) => Err(error_with_id(0, "Unknown property", id)),
        _ => Err(error_with_id(2, "Invalid request: property name must be a string", id)),
    }
}

fn names(params: Vec<Value>, id: &Value) -> Result<Vec<String>, String> {
    let name = |value| match value {
        Value::String(name) => Ok(name),
        _ => Err(error_with_id(2, "Invalid request: stream name must be a string", id)),
    };
    params.into_iter().map(name).collect()
}

/// The answer to too many streams on one connection.
pub(super) fn too_many_streams(most: usize, id: &Value) -> String {
    error_with_id(2, &format!("Invalid request: too many streams, the limit of a connection is {most}"), id)
}

/// An error that the client has not earned.
pub(super) fn refused(id: Option<&Value>) -> String {
    let message = "Invalid request: the venue is in no mood";
    id.map_or_else(|| error(2, message), |id| error_with_id(2, message, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_with_every_kind_of_id() {
        let names = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let table = [
            (
                r#"{"method":"SUBSCRIBE","params":["a@trade","b@depth"],"id":1}"#,
                Wish::Subscribe(names(&["a@trade", "b@depth"])),
                json!(1),
            ),
            (
                r#"{"id":-9223372036854775808,"params":["x"],"method":"UNSUBSCRIBE"}"#,
                Wish::Unsubscribe(names(&["x"])),
                json!(i64::MIN),
            ),
            (r#"{"method":"LIST_SUBSCRIPTIONS","id":"aB3"}"#, Wish::List, json!("aB3")),
            (r#"{"method":"SET_PROPERTY","params":["combined",true],"id":null}"#, Wish::SetCombined(true), Value::Null),
            (r#"{"method":"GET_PROPERTY","params":["combined"],"id":5}"#, Wish::GetCombined, json!(5)),
        ];
        for (text, wish, id) in table {
            assert_eq!(read(text), Ok((wish, id)), "{text}");
        }
    }

    #[test]
    fn errors_have_the_venues_codes() {
        let table = [
            (r#"{"method":"SET_PROPERTY","params":["speed",true],"id":1}"#, 0, "Unknown property"),
            (r#"{"method":"SET_PROPERTY","params":["combined",1],"id":1}"#, 1, "expected Boolean"),
            (r#"{"method":"SET_PROPERTY","params":[7,true],"id":1}"#, 2, "property name must be a string"),
            (r#"{"method":"GET_PROPERTY","params":[],"id":1}"#, 2, "property name must be a string"),
            (r#"{"method":"GET_PROPERTY","params":["combined",1],"id":1}"#, 2, "too many parameters"),
            (r#"{"method":"SUBSCRIBE","params":["a"]}"#, 2, "request ID"),
            (r#"{"method":"SUBSCRIBE","params":["a"],"id":1.5}"#, 2, "request ID"),
            (r#"{"method":"SUBSCRIBE","params":["a"],"id":9223372036854775808}"#, 2, "request ID"),
            (r#"{"method":"SUBSCRIBE","params":["a"],"id":"1234567890123456789012345678901234567"}"#, 2, "request ID"),
            (r#"{"method":"SUBSCRIBE","params":[1],"id":1}"#, 2, "stream name"),
            (
                r#"{"method":"SUBSCRIBED","params":["a"],"id":1}"#,
                2,
                "unknown variant `SUBSCRIBED`, expected one of `SUBSCRIBE`",
            ),
            (r#"{"params":["a"],"id":1}"#, 2, "missing field `method` at line 1 column"),
            ("subscribe", 3, "Invalid JSON: expected value at line 1 column 1"),
            (r#"{"method":"#, 3, "Invalid JSON"),
        ];
        for (text, code, message) in table {
            let answer: Value = serde_json::from_str(&read(text).expect_err(text)).expect("JSON");
            assert_eq!(answer["code"], code, "{text}");
            assert!(answer["msg"].as_str().is_some_and(|m| m.contains(message)), "{text}: {answer}");
        }
    }
}
