//! Purpose: one request to an OTLP/HTTP receiver, and what its answer means (OTLP 1.x, "OTLP/HTTP"). Owns: the HTTP agent with its
//! idle connection. Thread: the exporter's; it blocks there. Takes and gives: bytes in, a verdict out.
//! Never: follows a redirect, uses a proxy of the environment, reads an answer past its bound.

use std::time::Duration;

use prost::Message;
use ureq::Agent;
use ureq::http::Response;

use super::hub::Headers;
use super::otlp::ExportTraceServiceResponse;

/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// Characters of a receiver's message that are told.
const MESSAGE_CHARS_MAX: usize = 200;
/// The longest pause that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// Where traces go below a receiver's address.
const PATH: &str = "/v1/traces";

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken, but for so many spans.
    Taken {
        rejected: u64,
        /// What the receiver says to that, or warns of.
        message: String,
    },
    /// Not now; the same request may be sent again, after this pause if one was asked for.
    Later { after: Option<Duration>, why: String },
    /// Not at all.
    Refused { why: String },
}

/// A receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    agent: Agent,
    url: String,
    headers: Headers,
}

impl Receiver {
    /// Opens nothing yet.
    pub(super) fn new(endpoint: &str, headers: Headers) -> Receiver {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("meltica/", env!("CARGO_PKG_VERSION")))
            .build();
        Receiver { agent: config.into(), url: url_of(endpoint), headers }
    }

    /// Where requests go.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request and waits for the answer, no longer than `within` in all.
    pub(super) fn send(&self, request: &[u8], within: Duration) -> Verdict {
        let mut post = self.agent.post(&self.url).header("content-type", "application/x-protobuf");
        for (name, value) in &self.headers.0 {
            post = post.header(name, value);
        }
        match post.config().timeout_global(Some(within)).build().send(request) {
            Ok(mut response) => {
                let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().unwrap_or_default();
                verdict(&response, &body)
            }
            // A request that cannot be made will not be the next time either.
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => Verdict::Refused { why: error.to_string() },
            Err(error) => Verdict::Later { after: None, why: error.to_string() },
        }
    }
}

/// An address with the path of traces, unless it has that already.
fn url_of(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }
}

fn verdict<T>(response: &Response<T>, body: &[u8]) -> Verdict {
    let status = response.status();
    let why = || format!("the receiver answered {status}");
    match status.as_u16() {
        200..300 => {
            // An answer that is no message takes nothing back.
            let answer = ExportTraceServiceResponse::decode(body).unwrap_or_default();
            let partial = answer.partial_success.unwrap_or_default();
            let message = shown(&partial.error_message);
            Verdict::Taken { rejected: partial.rejected_spans.try_into().unwrap_or(0), message }
        }
        429 | 502 | 503 | 504 => {
            // A date in its place is taken for no wish: our own pauses will do.
            let asked =
                response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let after = asked.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
            Verdict::Later { after, why: why() }
        }
        _ => Verdict::Refused { why: why() },
    }
}

/// What somebody else wrote, for a person: its beginning, without control characters.
fn shown(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::super::otlp::ExportTracePartialSuccess;
    use super::*;

    #[test]
    fn an_address_gets_the_path_once() {
        for endpoint in ["http://h:4318", "http://h:4318/", "http://h:4318/v1/traces", "http://h:4318/v1/traces/"] {
            assert_eq!(url_of(endpoint), "http://h:4318/v1/traces", "{endpoint}");
        }
        assert_eq!(url_of("https://h/otlp"), "https://h/otlp/v1/traces");
    }

    #[test]
    fn a_status_means_what_the_specification_says() {
        let answer = |status: u16, retry_after: &str, body: &[u8]| {
            let mut response = Response::builder().status(status);
            if !retry_after.is_empty() {
                response = response.header("retry-after", retry_after);
            }
            verdict(&response.body(()).unwrap(), body)
        };
        let taken = |rejected, message: &str| Verdict::Taken { rejected, message: message.to_owned() };
        let partial = |rejected_spans, error_message: &str| {
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() });
            ExportTraceServiceResponse { partial_success }.encode_to_vec()
        };
        assert_eq!(answer(200, "", &[]), taken(0, ""));
        assert_eq!(answer(204, "", b"\xff no message"), taken(0, ""));
        assert_eq!(answer(200, "", &partial(7, "too old")), taken(7, "too old"));
        assert_eq!(answer(200, "", &partial(-7, "warned\u{1b}[2J")), taken(0, "warned\\u{1b}[2J"));
        for status in [429, 502, 503, 504] {
            for (header, after) in
                [("", None), ("3", Some(3)), ("99999", Some(300)), ("Thu, 26 Nov 2026 22:00:00 GMT", None)]
            {
                let Verdict::Later { after: found, why } = answer(status, header, &[]) else { panic!("{status}") };
                assert_eq!(found, after.map(Duration::from_secs), "{status} {header}");
                assert!(why.contains(&status.to_string()), "{why}");
            }
        }
        for status in [301, 307, 400, 401, 404, 408, 413, 500, 501] {
            assert!(matches!(answer(status, "3", &[]), Verdict::Refused { .. }), "{status}");
        }
    }
}
