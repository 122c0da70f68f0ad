//! Purpose: one client from its first byte to its last: requests, and the handshake that makes it a session.
//! Owns: the line. Thread: one a connection. Takes and gives: requests in, answers out.
//! Never: outlives the venue; hears more than a bounded head.

use std::io;
use std::sync::Arc;

use tungstenite::handshake::derive_accept_key;

use super::http::{self, Answer, Refusal, Request, Upgrade};
use super::line::Line;
use super::outbox::Outbox;
use super::query::{self, Query};
use super::router;
use super::shared::{Shared, hold, nanos};
use super::websocket;
use super::{bad_handshake, bad_rest};

/// Carries a connection through its life.
pub(super) fn serve(shared: &Shared, outbox: &Arc<Outbox>, line: Line) {
    // An I/O error is the end of this connection and of nothing else.
    let _ = converse(shared, outbox, line);
    shared.hub.forget(outbox.id);
    hold(&shared.connections).remove(&outbox.id);
}

fn converse(shared: &Shared, outbox: &Arc<Outbox>, mut line: Line) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut within = shared.limits.request_within;
    loop {
        let Some(request) = next_request(shared, &mut line, &mut bytes, nanos(within))? else { return Ok(()) };
        within = shared.limits.idle_max;
        let now = shared.clock.now_ns();
        let (route, path) = shared.rulebook.route(&request.path);
        let answer = match (stream_path(path), &request.upgrade) {
            (Some(path), Some(upgrade)) => match handshake(shared, outbox, path, &request, upgrade) {
                Ok(Admitted { accept, names, combined, micros }) => {
                    let fault = hold(&shared.mood).handshake(now);
                    if let Some(fault) = fault {
                        shared.tally.handshakes_refused.add(1);
                        return bad_handshake::play(shared, &mut line, fault, &accept);
                    }
                    outbox.become_websocket(combined, micros, route);
                    for name in &names {
                        shared.subscribe(name, outbox);
                    }
                    line.write_all(shared, &http::switching(&accept), now + nanos(shared.limits.request_within))?;
                    shared.tally.websockets.add(1);
                    websocket::serve(shared, outbox, line, bytes);
                    return Ok(());
                }
                Err(answer) => {
                    shared.tally.handshakes_refused.add(1);
                    answer
                }
            },
            (Some(_), None) => Answer::page(400),
            (None, _) => match router::answer(shared, &mut line, outbox.peer.ip(), &request)? {
                Some(answer) => {
                    let fault = hold(&shared.mood).rest(&request.path, now);
                    match fault.map(|fault| (fault, bad_rest::change(fault, answer.clone()))) {
                        None => answer,
                        Some((_, Ok(changed))) => changed,
                        Some((fault, Err(answer))) => return bad_rest::play(shared, &mut line, fault, &answer),
                    }
                }
                // A fault swallowed it: the client is left waiting.
                None => return line.pause_until(shared, shared.clock.now_ns() + nanos(shared.limits.idle_max)),
            },
        };
        let keep_alive = request.keep_alive && !request.has_body;
        let wire = answer.bytes(keep_alive, request.method == "HEAD");
        let deadline = shared.clock.now_ns() + nanos(shared.limits.request_within);
        line.write_all(shared, &wire, deadline)?;
        if !keep_alive {
            line.hang_up(shared);
            return Ok(());
        }
    }
}

/// The next request, or `None` at a proper end; bytes behind its head stay in `bytes`.
fn next_request(shared: &Shared, line: &mut Line, bytes: &mut Vec<u8>, within_ns: u64) -> io::Result<Option<Request>> {
    let deadline = shared.clock.now_ns().saturating_add(within_ns);
    loop {
        let refusal = match http::parse(bytes) {
            Ok(Some((request, length))) => {
                bytes.drain(..length);
                return Ok(Some(request));
            }
            Ok(None) => match line.read_more(shared, bytes, deadline) {
                Ok(0) => return Ok(None),
                Ok(_) => continue,
                Err(fault) if fault.kind() == io::ErrorKind::TimedOut && !bytes.is_empty() => Refusal(408),
                Err(fault) => return Err(fault),
            },
            Err(refusal) => refusal,
        };
        shared.tally.bad_requests.add(1);
        let wire = Answer::page(refusal.0).bytes(false, false);
        line.write_all(shared, &wire, shared.clock.now_ns() + nanos(shared.limits.request_within))?;
        line.hang_up(shared);
        return Ok(None);
    }
}

/// What a path of a stream endpoint asks for.
enum StreamPath<'a> {
    /// `/ws`, `/ws/<stream>/<stream>…`.
    Raw(&'a str),
    /// `/stream`.
    Combined,
}

fn stream_path(path: &str) -> Option<StreamPath<'_>> {
    match path.strip_prefix("/ws") {
        Some("") => return Some(StreamPath::Raw("")),
        Some(rest) if rest.starts_with('/') => return Some(StreamPath::Raw(&rest[1..])),
        _ => {}
    }
    matches!(path, "/stream" | "/stream/").then_some(StreamPath::Combined)
}

/// What a client that is let in has asked for.
struct Admitted {
    /// The value of its accept header.
    accept: String,
    /// Its first streams.
    names: Vec<String>,
    combined: bool,
    micros: bool,
}

/// Admits a client to a session, or says why not.
fn handshake(
    shared: &Shared,
    outbox: &Arc<Outbox>,
    path: StreamPath<'_>,
    request: &Request,
    upgrade: &Upgrade,
) -> Result<Admitted, Answer> {
    if let Err(seconds) = hold(&shared.attempts).take(outbox.peer.ip(), shared.clock.now_ns()) {
        shared.tally.over_attempts.add(1);
        return Err(Answer::page(429).with("Retry-After", seconds));
    }
    if request.method != "GET" {
        return Err(Answer::page(405));
    }
    if upgrade.version.as_deref() != Some("13") {
        return Err(Answer::page(426).with("Sec-WebSocket-Version", 13));
    }
    let Some(key) = upgrade.key.as_deref().filter(|key| !key.is_empty()) else { return Err(Answer::page(400)) };
    let Ok(query) = Query::parse(&request.query) else { return Err(Answer::page(400)) };
    let (combined, list) = match path {
        StreamPath::Raw(list) => (false, query::decoded(list).ok_or_else(|| Answer::page(400))?),
        StreamPath::Combined => (true, query.get("streams").unwrap_or_default().to_owned()),
    };
    let names: Vec<String> = list.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let micros = match query.get("timeUnit").filter(|_| shared.rulebook.micros) {
        None | Some("MILLISECOND" | "millisecond") => false,
        Some("MICROSECOND" | "microsecond") => true,
        Some(_) => return Err(Answer::page(400)),
    };
    if names.len() > shared.limits.streams_max {
        shared.tally.over_streams.add(1);
        return Err(Answer::page(400));
    }
    Ok(Admitted { accept: derive_accept_key(key.as_bytes()), names, combined, micros })
}
