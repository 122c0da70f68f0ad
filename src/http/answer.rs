//! Purpose: answers on the wire. Owns: the headers that every answer has. Thread: the connection's.
//! Takes and gives: a status and a body in, bytes out. Never: lets a page of another origin read one (no CORS header exists
//! here); lets a cache keep one.

use std::io::Write as _;

use serde::Serialize;

use super::refusal::Refusal;

const JSON: &str = "application/json";

/// An answer with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) closes: bool,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Error<'a> {
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
}

impl Answer {
    /// A body of JSON.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Answer {
        // What is answered has texts for keys and no other writer's faults: it always serialises.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Answer::raw_json(status, body)
    }

    /// A body that is JSON already.
    pub(super) fn raw_json(status: u16, body: Vec<u8>) -> Answer {
        Answer::of(status, JSON, body)
    }

    /// A body of any type.
    pub(super) fn of(status: u16, content_type: &'static str, body: Vec<u8>) -> Answer {
        Answer { status, body, closes: false, content_type, headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Answer {
        self.headers.push((name, value.to_string()));
        self
    }

    /// The answer on the wire.
    pub(super) fn bytes(&self, keep_alive: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 512);
        head(&mut out, self.status, self.content_type, keep_alive, &self.headers);
        // Writing to a Vec cannot fail.
        let _ = write!(out, "Content-Length: {}\r\n\r\n", self.body.len());
        out.extend_from_slice(&self.body);
        out
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        let error = Error { error: Told { code: refusal.code, message: &refusal.message } };
        let mut answer = Answer { closes: refusal.closes, ..Answer::json(refusal.status, &error) };
        if refusal.status == 401 {
            answer = answer.with("WWW-Authenticate", "Bearer realm=\"meltica\"");
        }
        if let Some(seconds) = refusal.retry_s {
            answer = answer.with("Retry-After", seconds);
        }
        match refusal.allow {
            Some(methods) => answer.with("Allow", methods),
            None => answer,
        }
    }
}

/// The head of an answer whose body is sent in chunks as it comes to be.
pub(super) fn stream_head() -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    head(&mut out, 200, "application/x-ndjson", false, &[]);
    out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    out
}

fn head(out: &mut Vec<u8>, status: u16, content_type: &str, keep_alive: bool, more: &[(&'static str, String)]) {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let _ = write!(
        out,
        "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nConnection: {connection}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
        reason(status)
    );
    for (name, value) in more {
        let _ = write!(out, "{name}: {value}\r\n");
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}
