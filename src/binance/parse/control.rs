//! Purpose: frames that are no data: answers to control messages, errors, the notice of a shutdown.
//! Owns: the rule that tells them apart (binance.md, section 2). Thread: the io thread. Takes and gives: a frame's root.
//! Never: acts on one; the connection's owner does.

use super::tape::At;

/// What a frame that is no data says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// The answer to a control message. It proves that the message came in, not that a stream exists.
    Answer {
        /// The message's id, when it is a whole number.
        id: Option<i64>,
    },
    /// An error, over WebSocket or as a REST body.
    Refusal {
        /// The venue's error code.
        code: Option<i64>,
        /// The message's id, when there is one and it is a whole number.
        id: Option<i64>,
    },
    /// The server will close soon: open a new connection at once.
    ServerShutdown,
}

/// The stream name under which combined frames carry the notice of a shutdown.
pub(super) const SHUTDOWN_STREAM: &str = "!serverShutdown";
pub(super) const SHUTDOWN_EVENT: &str = "serverShutdown";

/// The most keys of a control frame. Data payloads of so few keys carry none of those asked for below.
const KEYS_MAX: usize = 6;

/// Says what control frame this is; `None` when it is none.
pub(super) fn classify(root: At<'_, '_>) -> Option<ControlKind> {
    let entries = root.entries()?;
    if entries.left() > KEYS_MAX {
        return None;
    }
    let (mut answer, mut error, mut message, mut code, mut id) = (false, false, false, None, None);
    for (key, value) in entries {
        match key {
            "e" if value.text() == Some(SHUTDOWN_EVENT) => return Some(ControlKind::ServerShutdown),
            "result" => answer = true,
            "error" => (error, code) = (true, code_in(value)),
            "msg" => message = true,
            "code" => code = value.int().ok(),
            "id" => id = value.int().ok(),
            _ => {}
        }
    }
    if error || (message && code.is_some()) {
        return Some(ControlKind::Refusal { code, id });
    }
    answer.then_some(ControlKind::Answer { id })
}

fn code_in(error: At<'_, '_>) -> Option<i64> {
    error.entries()?.find(|(key, _)| *key == "code")?.1.int().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_frames_are_told_from_data() {
        let table = [
            (r#"{"result":null,"id":7}"#, Some(ControlKind::Answer { id: Some(7) })),
            (r#"{"id":"abc","result":["btcusdt@trade"]}"#, Some(ControlKind::Answer { id: None })),
            (r#"{"result":null,"id":null}"#, Some(ControlKind::Answer { id: None })),
            (r#"{"code":2,"msg":"Invalid request","id":3}"#, Some(ControlKind::Refusal { code: Some(2), id: Some(3) })),
            (r#"{"code":-1121,"msg":"Invalid symbol."}"#, Some(ControlKind::Refusal { code: Some(-1121), id: None })),
            (r#"{"error":{"code":3,"msg":"x"},"id":1}"#, Some(ControlKind::Refusal { code: Some(3), id: Some(1) })),
            (r#"{"e":"serverShutdown","E":1770123456789}"#, Some(ControlKind::ServerShutdown)),
            (r#"{"e":"referencePrice","s":"A","r":null,"t":1}"#, None),
            (r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#, None),
            (r#"{"code":1}"#, None),
            ("{}", None),
            ("[]", None),
            ("7", None),
        ];
        for (json, kind) in table {
            let mut bytes = json.as_bytes().to_vec();
            let tape = simd_json::to_tape(&mut bytes).unwrap();
            assert_eq!(classify(At::root(&tape.0).unwrap()), kind, "{json}");
        }
    }
}
