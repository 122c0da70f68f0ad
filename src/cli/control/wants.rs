//! Purpose: `meltica subscribe` and `meltica unsubscribe`. Owns: nothing. Thread: main.
//! Takes and gives: arguments in, the feed's acknowledgement out. Never: says that a stream is live because it was asked for.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::super::exit::{Cause, Failed};
use super::super::say::give;
use super::client::Client;
use super::filters::filters;
use super::grid::plain;
use super::words::{OutputForm, SubscribeArgs, UnsubscribeArgs, WishArgs};
use crate::schema::command::{AckStatus, ControlAck, Filters};
use crate::schema::report::{RoutesReport, StreamStates, SubscriptionsReport};

/// How often the feed is asked how its streams do.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "type")]
    type_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<&'a Filters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_seconds: Option<u64>,
}

impl<'a> Body<'a> {
    fn of(wish: &'a WishArgs, filters: Option<&'a Filters>) -> Body<'a> {
        Body { type_name: &wish.type_name, consumer: wish.consumer.as_deref(), filters, lease_seconds: None }
    }
}

/// Turns a type on.
pub(in crate::cli) fn subscribe(arguments: &SubscribeArgs) -> Result<(), Failed> {
    let client = Client::new(&arguments.feed.place)?;
    let filters = filters(&arguments.wish)?;
    // A lease is in whole seconds; a part of one is given whole.
    let lease_seconds = arguments.lease.map(|lease| lease.as_secs() + u64::from(lease.subsec_nanos() > 0));
    let body = Body { lease_seconds, ..Body::of(&arguments.wish, Some(&filters)) };
    let answer = client.post("/control/subscribe", &body)?;
    let ack = acknowledgement(&client, &answer)?;
    tell(&answer, &ack, arguments.feed.output)?;
    match arguments.wait {
        Some(patience) => wait(&client, arguments, (&ack, &filters), patience),
        None => Ok(()),
    }
}

/// Turns it off.
pub(in crate::cli) fn unsubscribe(arguments: &UnsubscribeArgs) -> Result<(), Failed> {
    let client = Client::new(&arguments.feed.place)?;
    let filters = filters(&arguments.wish)?;
    let exactly = (!filters.is_empty()).then_some(&filters);
    let answer = client.post("/control/unsubscribe", &Body::of(&arguments.wish, exactly))?;
    let ack = acknowledgement(&client, &answer)?;
    tell(&answer, &ack, arguments.feed.output)
}

fn acknowledgement(client: &Client, answer: &Value) -> Result<ControlAck, Failed> {
    serde_json::from_value(answer.clone()).map_err(|error| client.strange(&error.to_string()))
}

fn tell(answer: &Value, ack: &ControlAck, form: OutputForm) -> Result<(), Failed> {
    if form == OutputForm::Json {
        return give(&format!("{answer}\n"));
    }
    let outcome = match ack.status {
        AckStatus::Accepted => "accepted",
        _ => "nothing to change",
    };
    give(&format!("{}  {outcome}, version {}\n", plain(&ack.type_name), ack.dispatch_version))
}

/// Waits until the streams of the subscription are live.
fn wait(
    client: &Client,
    arguments: &SubscribeArgs,
    (ack, filters): (&ControlAck, &Filters),
    patience: Duration,
) -> Result<(), Failed> {
    let since = Instant::now();
    let expects = expects_streams(client, &ack.type_name)?;
    loop {
        let report: SubscriptionsReport = client.report("/control/subscriptions")?;
        let found = find(&report, arguments.wish.consumer.as_deref(), &ack.type_name, filters);
        let Some((streams, states)) = found else {
            let message = format!("{}: the subscription is gone again", plain(&ack.type_name));
            return Err(Failed::new(Cause::TryAgain, message));
        };
        if states.refused > 0 {
            let message =
                format!("{}: the venue refused {} of {streams} streams", plain(&ack.type_name), states.refused);
            return Err(Failed::new(Cause::BadInput, message));
        }
        if states.live == streams && (streams > 0 || !expects) {
            if arguments.feed.output == OutputForm::Human {
                let took = since.elapsed().as_secs_f64();
                return give(&format!("{}  {} live after {took:.1} s\n", plain(&ack.type_name), counted(streams)));
            }
            return Ok(());
        }
        if since.elapsed() >= patience {
            if streams == 0 {
                let message = format!(
                    "{}: no stream fits yet: the list of instruments has not come, or none of them trades",
                    plain(&ack.type_name)
                );
                return Err(Failed::new(Cause::TryAgain, message));
            }
            let message =
                format!("{}: {} of {} live, {}", plain(&ack.type_name), states.live, counted(streams), rest(states));
            return Err(Failed::new(Cause::TryAgain, message));
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether a type is made from native streams at all: what Meltica tells of itself is not.
fn expects_streams(client: &Client, type_name: &str) -> Result<bool, Failed> {
    let report: RoutesReport = client.report("/control/routes")?;
    let route = report.routes.iter().find(|route| route.type_name == type_name);
    Ok(route.is_some_and(|route| !route.topics.is_empty() || !route.made_from.is_empty()))
}

/// The streams of a subscription and how they do. Without a name any consumer's that is the same: they share their streams.
fn find(
    report: &SubscriptionsReport,
    consumer: Option<&str>,
    type_name: &str,
    filters: &Filters,
) -> Option<(u64, StreamStates)> {
    let consumers = report.consumers.iter().filter(|found| consumer.is_none_or(|name| found.name == name));
    let mut subscriptions = consumers.flat_map(|consumer| &consumer.subscriptions);
    let found = subscriptions.find(|found| found.type_name == type_name && found.filters == *filters)?;
    Some((found.streams, found.states))
}

fn counted(streams: u64) -> String {
    if streams == 1 { "1 stream".to_owned() } else { format!("{streams} streams") }
}

/// What the streams that are not live do.
pub(super) fn rest(states: StreamStates) -> String {
    let StreamStates { requested, acknowledged, live: _, silent, refused, leaving } = states;
    let named = [
        (requested, "requested"),
        (acknowledged, "acknowledged"),
        (silent, "silent"),
        (refused, "refused"),
        (leaving, "leaving"),
    ];
    let told: Vec<_> =
        named.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}")).collect();
    told.join(", ")
}
