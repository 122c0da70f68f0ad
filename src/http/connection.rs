//! Purpose: one connection from its first byte to its last: requests in order, an answer each. Owns: its buffer.
//! Thread: its own, of low priority; it blocks to a deadline at most. Takes and gives: bytes.
//! Never: reads a body before it knows that the caller may send one; goes on behind bytes it could not read.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::access::{Access, Caller};
use super::answer::Answer;
use super::body;
use super::commands::{Desk, report_answer};
use super::events::{self, Ended, Stream};
use super::failures::Peer;
use super::guests::Guests;
use super::head::{self, BODY_BYTES_MAX, HEAD_BYTES_MAX, Head, Length};
use super::metrics;
use super::openapi;
use super::openmetrics;
use super::pace::Pace;
use super::refusal::Refusal;
use super::routes::{self, Endpoint};
use super::socket::{Raw, Wire};
use super::tally::Tally;
use crate::agent::Shutdown;
use crate::bus::data::DataBus;
use crate::schema::command::Command;
use crate::schema::latency::LatencyDetail;
use crate::schema::report::Report;
use crate::telemetry::{Clock, Counter};

/// A head is whole so long after the connection opened or the last answer was sent; an idle connection ends then (faults.md,
/// S06).
const HEAD_WITHIN: Duration = Duration::from_secs(2);
/// A body is whole so long after its head.
const BODY_WITHIN: Duration = Duration::from_secs(5);
/// An answer is taken within.
const ANSWER_TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// A peer that is still sending is listened to for so long and so far after a refusal: else the refusal is lost to it.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES_MAX: usize = 1 << 20;

/// How long a wait for a turn goes on without a look whether the server ends.
const NAP: Duration = Duration::from_millis(100);

/// What every connection shares.
pub(super) struct House {
    pub(super) access: Access,
    pub(super) desk: Desk,
    pub(super) bus: DataBus,
    pub(super) clock: Clock,
    pub(super) tally: Tally,
    pub(super) pace: Pace,
    /// Turns of what is dear.
    pub(super) reports: Pace,
    pub(super) stop: Shutdown,
    /// Places for event streams.
    pub(super) streams: Guests,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) tell: Box<dyn Fn(&str) + Send + Sync>,
}

impl House {
    /// Waits until it is the caller's turn, or until the server ends.
    pub(super) fn await_turn(&self, pace: &Pace) {
        let Some(mut wait) = pace.turn(self.clock.now_ns()) else { return };
        self.tally.add(Counter::HttpHeldBack, 1);
        while !wait.is_zero() && !self.stop.is_requested() {
            let step = wait.min(NAP);
            std::thread::sleep(step);
            wait -= step;
        }
    }
}

/// What a request comes to.
enum Outcome {
    Answer(Answer),
    Stream(Box<Stream>),
}

/// Serves a connection to its end.
pub(super) fn serve(house: &House, raw: Raw) {
    let peer = raw.peer();
    let held = raw.try_clone();
    let wire = raw.prepare().and_then(|()| Wire::new(raw, house.clock.clone(), house.tls.as_ref()));
    let (Ok(wire), Ok(held)) = (wire, held) else { return };
    // Room for a head, a body and what one read may bring beyond: it never grows, so that no token is left behind.
    let buffer = Zeroizing::new(Vec::with_capacity(HEAD_BYTES_MAX + BODY_BYTES_MAX + (8 << 10)));
    Connection { house, wire, peer, buffer, held, unread: false }.run();
}

struct Connection<'a> {
    house: &'a House,
    wire: Wire,
    peer: Peer,
    buffer: Zeroizing<Vec<u8>>,
    /// The socket once more, for the list of streams.
    held: Raw,
    /// Whether the body of the request at hand is still to be read: then what follows its head is no request.
    unread: bool,
}

impl Connection<'_> {
    fn run(mut self) {
        while !self.house.stop.is_requested() {
            match self.turn() {
                Ok(true) => {}
                // Nobody is there any more, or nothing more is to be said.
                Ok(false) | Err(_) => return,
            }
        }
        self.wire.end();
    }

    /// One request; whether another may follow. What is no request costs a turn too.
    fn turn(&mut self) -> io::Result<bool> {
        let house = self.house;
        match self.head() {
            Ok(Some(head)) => {
                house.await_turn(&house.pace);
                self.request(&head)
            }
            Ok(None) => {
                self.wire.end();
                Ok(false)
            }
            Err(refusal) => {
                house.await_turn(&house.pace);
                self.refuse(refusal)
            }
        }
    }

    fn request(&mut self, head: &Head) -> io::Result<bool> {
        self.house.tally.add(Counter::HttpRequests, 1);
        self.unread = head.length != Length::None;
        match self.outcome(head) {
            Ok(Outcome::Answer(answer)) => self.answer(&answer, head.keep_alive),
            Ok(Outcome::Stream(stream)) => self.stream(*stream),
            Err(refusal) if self.unread || !head.keep_alive => self.refuse(refusal.closing()),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The next head; `None` when the peer has ended, or said nothing in time.
    fn head(&mut self) -> Result<Option<Head>, Refusal> {
        self.wire.within(HEAD_WITHIN);
        loop {
            if let Some((head, length)) = head::parse(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(Some(head));
            }
            let idle = self.buffer.is_empty();
            match body::more(&mut self.buffer, &mut self.wire) {
                Ok(()) => {}
                Err(_) if idle => return Ok(None),
                Err(refusal) => return Err(refusal),
            }
        }
    }

    fn outcome(&mut self, head: &Head) -> Result<Outcome, Refusal> {
        let house = self.house;
        house.access.check_origin(head)?;
        let route = routes::find(&head.method, &head.path)?;
        let caller = house.access.check_caller(head, route, self.peer, house.clock.now_ns()).map_err(|denied| {
            house.tally.add(Counter::HttpTokensRefused, u64::from(denied.failed));
            if denied.locked {
                (house.tell)(&format!("control: {} presented ten wrong tokens and has to wait", shown(self.peer)));
            }
            denied.refusal
        })?;
        if route.method == "GET" && head.length != Length::None {
            return Err(Refusal::malformed("a GET has no body here"));
        }
        if !matches!(route.endpoint, Endpoint::Events) && head.query.is_some() {
            return Err(Refusal::new(400, "http/bad-query", "this path takes no query"));
        }
        let body = self.body(head, route.method)?;
        if route.dear {
            house.await_turn(&house.reports);
        }
        self.reach(route.endpoint, head, &caller, &body)
    }

    fn body(&mut self, head: &Head, method: &str) -> Result<Vec<u8>, Refusal> {
        if method != "POST" {
            return Ok(Vec::new());
        }
        if !head.content_type.as_deref().is_some_and(is_json) {
            let message = "the body must be JSON: Content-Type: application/json";
            return Err(Refusal::new(415, "http/content-type", message));
        }
        self.wire.within(BODY_WITHIN);
        if head.expects_continue && self.buffer.is_empty() {
            let interim = self.wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").and_then(|()| self.wire.flush());
            interim.map_err(|_| Refusal::malformed("the connection broke within a request"))?;
        }
        let body = body::take(head.length, &mut self.buffer, &mut self.wire)?;
        self.unread = false;
        Ok(body)
    }

    fn reach(&mut self, endpoint: Endpoint, head: &Head, caller: &Caller, body: &[u8]) -> Result<Outcome, Refusal> {
        let desk = &self.house.desk;
        let report = |command| desk.report(caller, command).map(|report| report_answer(200, &report));
        let answer = match endpoint {
            Endpoint::Subscribe | Endpoint::Unsubscribe | Endpoint::Filters => {
                desk.change(endpoint, caller, head.traceparent.as_deref(), body)
            }
            Endpoint::Routes => report(Command::ListRoutes),
            Endpoint::Subscriptions => report(Command::ListSubscriptions),
            Endpoint::Status => report(Command::Status),
            Endpoint::Latency => report(Command::Latency { detail: LatencyDetail::Histograms }),
            Endpoint::Metrics => self.metrics(caller),
            Endpoint::Health => Ok(Answer::json(200, &serde_json::json!({ "alive": true }))),
            Endpoint::Ready => desk.report(caller, Command::Status).map(|(_, report)| readiness(&report)),
            Endpoint::OpenApi => Ok(Answer::raw_json(200, openapi::document())),
            Endpoint::Events => {
                return events::open(&self.house.bus, head.query.as_deref())
                    .map(|stream| Outcome::Stream(Box::new(stream)));
            }
        };
        answer.map(Outcome::Answer)
    }

    fn metrics(&self, caller: &Caller) -> Result<Answer, Refusal> {
        let desk = &self.house.desk;
        let (_, status) = desk.report(caller, Command::Status)?;
        let (_, latency) = desk.report(caller, Command::Latency { detail: LatencyDetail::Figures })?;
        let (Report::Status(status), Report::Latency(latency)) = (status, latency) else {
            return Err(Refusal::new(503, "control/unanswered", "the control duty gave another report"));
        };
        Ok(Answer::of(200, openmetrics::CONTENT_TYPE, metrics::text(&status, &latency, self.house.tally.ledger())))
    }

    fn answer(&mut self, answer: &Answer, keep_alive: bool) -> io::Result<bool> {
        let keep_alive = keep_alive && !answer.closes && !self.house.stop.is_requested();
        self.wire.within(ANSWER_TAKEN_WITHIN);
        self.wire.write_all(&answer.bytes(keep_alive))?;
        self.wire.flush()?;
        if !keep_alive {
            self.leave();
        }
        Ok(keep_alive)
    }

    fn refuse(&mut self, refusal: Refusal) -> io::Result<bool> {
        self.house.tally.add(Counter::HttpRefused, 1);
        let keep_alive = !refusal.closes;
        self.answer(&Answer::from(refusal), keep_alive)
    }

    fn stream(&mut self, stream: Stream) -> io::Result<bool> {
        let Some(_place) = self.house.streams.seat(&self.held) else {
            let message = "all places for event streams are taken; end one, then ask again";
            return self.refuse(Refusal::new(503, "http/too-many-streams", message).after(1));
        };
        let stop = &self.house.stop;
        let (ended, missed) = stream.run(&mut self.wire, &self.house.clock, || stop.is_requested());
        self.house.tally.add(Counter::HttpEventsMissed, missed);
        self.house.tally.add(Counter::HttpStreamsCut, u64::from(ended == Ended::Cut));
        if ended == Ended::Over {
            self.leave();
        }
        Ok(false)
    }

    /// Ends the sending side, and lets the peer finish what it is sending: a socket that is closed on unread bytes is reset, and
    /// the answer is lost with it.
    fn leave(&mut self) {
        self.wire.end();
        self.wire.within(LINGER);
        let (mut scratch, mut taken) = ([0; 4 << 10], 0);
        while taken < LINGER_BYTES_MAX {
            match self.wire.discard(&mut scratch) {
                Ok(0) | Err(_) => return,
                Ok(count) => taken += count,
            }
        }
    }
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"))
}

fn readiness(report: &Report) -> Answer {
    let Report::Status(status) = report else {
        return Refusal::new(503, "control/unanswered", "the control duty gave another report").into();
    };
    let body = serde_json::json!({ "ready": status.ready, "waitsFor": status.waits_for });
    Answer::json(if status.ready { 200 } else { 503 }, &body)
}

fn shown(peer: Peer) -> String {
    peer.map_or("somebody on the Unix socket".to_owned(), |ip| ip.to_string())
}
