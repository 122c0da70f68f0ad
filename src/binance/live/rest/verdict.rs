//! Purpose: what a reply comes to: a body to be used, a wait, a refusal, or a failure and its class (binance.md, section 2;
//! faults.md F32, F33, F35). Owns: the classes. Thread: the REST thread. Takes and gives: replies. Never: takes a body for
//! good that is no JSON, whatever the status says.

use serde::de::IgnoredAny;

use super::client::{Failure, Reply};
use crate::telemetry::Counter;

/// Errors by which the venue says that it failed, not the request: unknown, disconnected, unexpected, timed out, busy
/// (errors.md of 2026-07-21). The request may be sent again as it is, whatever the status beside it.
const VENUE_FAILED: [i64; 5] = [-1_000, -1_001, -1_006, -1_007, -1_008];
/// "Invalid symbol."
pub(super) const INVALID_SYMBOL: i64 = -1_121;

/// What a reply comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A body to be read.
    Body(Vec<u8>),
    /// No request until then: 429, 418, and 403, which is a firewall that has had enough of us.
    Wait,
    /// The venue does not do that: asking again would change nothing.
    Refused {
        /// Its error, when the body tells one.
        code: Option<i64>,
        /// The body.
        body: Vec<u8>,
    },
    /// It went wrong, and may go well the next time.
    Failed {
        /// Which class of failure.
        class: Counter,
        /// For a person.
        why: String,
    },
}

/// Judges what came of a request.
pub(super) fn judge(reply: Result<Reply, Failure>) -> Verdict {
    let failed = |class, why: String| Verdict::Failed { class, why };
    let Reply { status, body, .. } = match reply {
        Ok(reply) => reply,
        Err(Failure::Unanswered(why)) => return failed(Counter::RestUnanswered, why),
        Err(Failure::BadBody(why)) => return failed(Counter::RestBadBodies, why),
    };
    match status {
        429 | 418 | 403 => Verdict::Wait,
        200 if serde_json::from_slice::<IgnoredAny>(&body).is_ok() => Verdict::Body(body),
        200 => failed(Counter::RestBadBodies, format!("the body is no JSON: {}", shown(&body))),
        400..500 => match refusal_code(&body) {
            Some(code) if VENUE_FAILED.contains(&code) => {
                failed(Counter::RestVenueErrors, format!("http {status}, {}", shown(&body)))
            }
            code => Verdict::Refused { code, body },
        },
        500.. => failed(Counter::RestVenueErrors, format!("http {status}")),
        _ => failed(Counter::RestUnexpected, format!("http {status}")),
    }
}

/// The code of a body that says why a request is refused.
fn refusal_code(body: &[u8]) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        code: i64,
    }
    serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.code)
}

/// The beginning of a body, for a person.
pub(super) fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(80)]).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Verdict {
        judge(Ok(Reply { status, retry_after_s: None, used_weight: None, body: body.as_bytes().to_vec() }))
    }

    /// In a word or two.
    fn word(verdict: &Verdict) -> String {
        match verdict {
            Verdict::Body(_) => "body".to_owned(),
            Verdict::Wait => "wait".to_owned(),
            Verdict::Refused { code, .. } => format!("refused {}", code.map_or("-".to_owned(), |c| c.to_string())),
            Verdict::Failed { class, .. } => format!("{class:?}"),
        }
    }

    #[test]
    fn every_status_has_its_class() {
        let page = "<html>no</html>";
        for status in 100..=999 {
            let expected = match status {
                403 | 418 | 429 => "wait",
                200 => "RestBadBodies",
                400..=499 => "refused -",
                500.. => "RestVenueErrors",
                _ => "RestUnexpected",
            };
            assert_eq!(word(&of(status, page)), expected, "{status} with a page");
            let expected = if status == 200 { "body" } else { expected };
            assert_eq!(word(&of(status, "{}")), expected, "{status} with JSON");
        }
    }

    #[test]
    fn bodies_and_codes_say_the_rest() {
        let table = [
            (200, "[]", "body"),
            (200, r#"{"lastUpdateId":1"#, "RestBadBodies"),
            (200, "", "RestBadBodies"),
            (200, "{} {}", "RestBadBodies"),
            (200, "\u{1f}\u{8b}", "RestBadBodies"),
            (400, r#"{"code":-1121,"msg":"Invalid symbol."}"#, "refused -1121"),
            (400, r#"{"code":-1102,"msg":""}"#, "refused -1102"),
            (404, page(), "refused -"),
            (400, r#"{"code":"-1121"}"#, "refused -"),
            (400, r#"{"code":-1008,"msg":"Server is currently overloaded"}"#, "RestVenueErrors"),
            (408, r#"{"code":-1007,"msg":"Timeout waiting for response"}"#, "RestVenueErrors"),
            (503, r#"{"code":-1121,"msg":""}"#, "RestVenueErrors"),
            (429, r#"{"code":-1121,"msg":""}"#, "wait"),
            (301, "", "RestUnexpected"),
            (204, "", "RestUnexpected"),
        ];
        for (status, body, expected) in table {
            assert_eq!(word(&of(status, body)), expected, "{status} {body}");
        }
        assert_eq!(word(&judge(Err(Failure::Unanswered(String::new())))), "RestUnanswered");
        assert_eq!(word(&judge(Err(Failure::BadBody(String::new())))), "RestBadBodies");
    }

    fn page() -> &'static str {
        "<html>404</html>"
    }

    #[test]
    fn what_is_shown_is_short_and_harmless() {
        let shown = shown(&[b"\x1b[31m\n".as_slice(), &[b'x'; 500]].concat());
        assert!(shown.starts_with("\\u{1b}[31m\\n") && shown.len() < 120, "{shown}");
    }
}
