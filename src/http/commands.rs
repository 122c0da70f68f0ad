//! Purpose: requests of the control bus over HTTP. Owns: the form of their bodies, and which status an acknowledgement is.
//! Thread: the connection's; it waits for the control duty, [`ANSWER_WITHIN`] at most.
//! Takes and gives: bodies in, acknowledgements and reports out. Never: decides what a command comes to.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::access::Caller;
use super::answer::Answer;
use super::json;
use super::refusal::Refusal;
use super::routes::Endpoint;
use crate::bus::control::{ControlBus, ControlError};
use crate::schema::command::{AckStatus, Command, ConsumerName, ControlAck, ControlCode, Filters};
use crate::schema::report::Report;
use crate::telemetry::Clock;

/// How long an answer of the control duty is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks; the duty sleeps about as long.
const NAP: Duration = Duration::from_micros(200);
/// For whom a command speaks where neither body nor token says.
const ANYBODY: &str = "anonymous";

/// The body of each of the three; which keys an endpoint takes is checked by [`Body::command`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SubscribeBody {
    consumer: Option<String>,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(default)]
    filters: Filters,
    trace_id: Option<String>,
    lease_seconds: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UnsubscribeBody {
    consumer: Option<String>,
    #[serde(rename = "type")]
    type_name: String,
    filters: Option<Filters>,
    trace_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FiltersBody {
    consumer: Option<String>,
    #[serde(rename = "type")]
    type_name: String,
    filters: Filters,
    trace_id: Option<String>,
}

/// The command of a body. `traceparent` is the caller's by the request's head; the body's own word comes first.
fn command(endpoint: Endpoint, traceparent: Option<&str>, body: &[u8]) -> Result<(Option<String>, Command), Refusal> {
    let or_head = |trace_id: Option<String>| trace_id.or_else(|| traceparent.map(str::to_owned));
    Ok(match endpoint {
        Endpoint::Unsubscribe => {
            let UnsubscribeBody { consumer, type_name, filters, trace_id } = json::read(body)?;
            (consumer, Command::Unsubscribe { type_name, filters, trace_id: or_head(trace_id) })
        }
        Endpoint::Filters => {
            let FiltersBody { consumer, type_name, filters, trace_id } = json::read(body)?;
            (consumer, Command::UpdateFilters { type_name, filters, trace_id: or_head(trace_id) })
        }
        _ => {
            let SubscribeBody { consumer, type_name, filters, trace_id, lease_seconds } = json::read(body)?;
            (consumer, Command::Subscribe { type_name, filters, trace_id: or_head(trace_id), lease_seconds })
        }
    })
}

/// The way to the control duty.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    bus: ControlBus,
    clock: Clock,
}

impl Desk {
    pub(super) fn new(bus: ControlBus, clock: Clock) -> Desk {
        Desk { bus, clock }
    }

    /// Carries a command of a body to the control duty.
    pub(super) fn change(
        &self,
        endpoint: Endpoint,
        caller: &Caller,
        traceparent: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, Refusal> {
        let (consumer, command) = command(endpoint, traceparent, body)?;
        let named = consumer.as_deref().or(caller.name.as_ref().map(ConsumerName::as_str)).unwrap_or(ANYBODY);
        let bad = |error: crate::schema::command::BadConsumerName| {
            Refusal::new(422, ControlCode::BadConsumer.as_str(), error.to_string())
        };
        let consumer = ConsumerName::parse(named).map_err(bad)?;
        if !caller.may_act_for(&consumer) {
            let message =
                "the token may act for the consumer of its own name, and for those that begin with it and a dot";
            return Err(Refusal::new(403, "http/consumer", message));
        }
        let ack = self.ask(caller, Some(consumer), command)?;
        Ok(acknowledged(&ack))
    }

    /// Asks for a report, and gives it with the control version.
    pub(super) fn report(&self, caller: &Caller, command: Command) -> Result<(u64, Report), Refusal> {
        let ack = self.ask(caller, None, command)?;
        match (ack.report, ack.error) {
            (Some(report), _) => Ok((ack.dispatch_version, *report)),
            (None, Some(error)) => Err(refusal(&error.code, error.message)),
            (None, None) => {
                Err(refusal(ControlCode::Unanswered.as_str(), "the control duty gave no report".to_owned()))
            }
        }
    }

    fn ask(&self, caller: &Caller, consumer: Option<ConsumerName>, command: Command) -> Result<ControlAck, Refusal> {
        // Of its own for each request: whatever becomes of one, the next begins anew. Its name is for the audit.
        let via = caller.name.as_ref().map_or("http".to_owned(), |name| format!("http:{name}"));
        let mut client = self.bus.connect(&via, 1);
        let sent = match consumer {
            Some(consumer) => client.send_for(consumer, command),
            None => client.send(command),
        };
        sent.map_err(|error| refusal(error.code().as_str(), error_message(error).to_owned()))?;
        let over = self.clock.now_ns() + ANSWER_WITHIN.as_nanos() as u64;
        loop {
            if let Some(answer) = client.poll() {
                return Ok(answer.ack);
            }
            if self.clock.now_ns() > over {
                let message = "the control duty has not answered in time; GET /control/subscriptions tells what holds";
                return Err(Refusal::new(504, "http/no-answer", message));
            }
            std::thread::sleep(NAP);
        }
    }
}

const fn error_message(error: ControlError) -> &'static str {
    match error {
        ControlError::Busy => "too many commands wait; send it again",
        ControlError::Closed => "the engine has ended: nobody takes commands any more",
    }
}

/// A report as a body: what it says, and the version that it was made at.
pub(super) fn report_answer(status: u16, (version, report): &(u64, Report)) -> Answer {
    let mut body = serde_json::to_value(report).unwrap_or_default();
    if let Value::Object(entries) = &mut body {
        entries.insert("dispatchVersion".to_owned(), (*version).into());
    }
    Answer::json(status, &body)
}

fn acknowledged(ack: &ControlAck) -> Answer {
    let status = match ack.status {
        AckStatus::Accepted => 202,
        AckStatus::Noop => 200,
        AckStatus::Error => ack.error.as_ref().map_or(503, |error| status_of(&error.code)),
    };
    let answer = Answer::json(status, ack);
    if status == 429 { answer.with("Retry-After", 1) } else { answer }
}

fn refusal(code: &str, message: String) -> Refusal {
    let known = ControlCode::from_text(code).unwrap_or(ControlCode::Unanswered);
    let refusal = Refusal::new(status_of(code), known.as_str(), message);
    if refusal.status == 429 { refusal.after(1) } else { refusal }
}

/// The status that an error of the control bus is.
fn status_of(code: &str) -> u16 {
    use ControlCode as C;
    match ControlCode::from_text(code) {
        Some(C::BadCommand) => 400,
        Some(C::UnknownType | C::UnknownInstrument | C::UnknownMarket | C::NotSubscribed) => 404,
        Some(C::TooMany) => 409,
        Some(C::BadType | C::BadFilter | C::BadLease | C::BadTrace | C::BadConsumer) => 422,
        Some(C::Busy) => 429,
        Some(C::Closed | C::Unanswered | C::Journal) | None => 503,
    }
}
