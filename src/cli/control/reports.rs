//! Purpose: `meltica routes`, `meltica subscriptions`, `meltica status`. Owns: how a person sees them. Thread: main.
//! Takes and gives: a report in, text out. Never: leaves out that something is not as it should be.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::exit::{Cause, Failed};
use super::super::say::give;
use super::client::Client;
use super::grid::{Grid, plain};
use super::wants::rest;
use super::words::{FeedArgs, OutputForm, ReportArgs};
use crate::schema::report::{RoutesReport, StatusReport, StreamState, SubscriptionsReport};
use crate::telemetry::Counter;

/// Streams that are not live are listed up to so many.
const STREAMS_SHOWN: usize = 20;

/// Every type that can be subscribed to.
pub(in crate::cli) fn routes(arguments: &ReportArgs) -> Result<(), Failed> {
    let report: RoutesReport = match fetch(&arguments.feed, "/control/routes")? {
        Some(report) => report,
        None => return Ok(()),
    };
    let mut grid = Grid::new(&["TYPE", "PAYLOAD", ">WANTED", "ROUTED", "FROM"]);
    for route in &report.routes {
        let polls = route.polls.iter().map(|poll| poll.endpoint.clone());
        let made = route.made_from.iter().cloned();
        let from: Vec<String> = route.topics.iter().cloned().chain(polls).chain(made).collect();
        grid.row([
            route.type_name.clone(),
            route.payload.clone().unwrap_or_else(|| "several".to_owned()),
            route.subscriptions.to_string(),
            if route.routed { "yes" } else { "no" }.to_owned(),
            from.join(" "),
        ]);
    }
    give(&grid.lines())
}

/// Who wants what, and the streams that are not live.
pub(in crate::cli) fn subscriptions(arguments: &ReportArgs) -> Result<(), Failed> {
    let report: SubscriptionsReport = match fetch(&arguments.feed, "/control/subscriptions")? {
        Some(report) => report,
        None => return Ok(()),
    };
    let mut grid = Grid::new(&["CONSUMER", "TYPE", "FILTERS", ">VERSION", "LEASE", ">LIVE", ""]);
    for consumer in &report.consumers {
        for subscription in &consumer.subscriptions {
            grid.row([
                consumer.name.clone(),
                subscription.type_name.clone(),
                shown(&Value::Object(subscription.filters.clone().into_iter().collect())),
                subscription.version.to_string(),
                subscription.lease_seconds.map_or("-".to_owned(), |seconds| format!("{seconds} s")),
                format!("{}/{}", subscription.states.live, subscription.streams),
                rest(subscription.states),
            ]);
        }
    }
    let mut text = if report.consumers.is_empty() { "nobody wants anything\n".to_owned() } else { grid.lines() };
    let others: Vec<_> = report.streams.iter().filter(|stream| stream.state != StreamState::Live).collect();
    if !others.is_empty() {
        let mut grid = Grid::new(&["STREAM", "MARKET", "STATE", "WHY"]);
        for stream in others.iter().take(STREAMS_SHOWN) {
            let why = stream.why.map_or(String::new(), |why| format!("{why:?}").to_lowercase());
            grid.row([stream.stream.clone(), stream.market.clone(), format!("{:?}", stream.state), why]);
        }
        text.push('\n');
        text.push_str(&grid.lines());
        if others.len() > STREAMS_SHOWN {
            text.push_str(&format!("and {} more that are not live\n", others.len() - STREAMS_SHOWN));
        }
    }
    give(&text)
}

/// Filters as a person writes them.
fn shown(filters: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let one = |(field, value): (&String, &Value)| match value {
        Value::Array(values) => format!("{field}={}", values.iter().map(text).collect::<Vec<_>>().join(",")),
        Value::Object(test) if test.get("op") == Some(&"neq".into()) => format!("{field}!={}", text(&test["value"])),
        Value::Object(test) => format!("{field} {} {}", text(&test["op"]), text(&test["value"])),
        value => format!("{field}={}", text(value)),
    };
    let all: Vec<_> = filters.as_object().into_iter().flatten().map(one).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(" ") }
}

/// How the engine does. Ends with an error while something that is wanted does not flow.
pub(in crate::cli) fn status(arguments: &ReportArgs) -> Result<(), Failed> {
    let client = Client::new(&arguments.feed.place)?;
    let answer = client.get("/status")?;
    let report: StatusReport =
        serde_json::from_value(answer.clone()).map_err(|error| client.strange(&error.to_string()))?;
    match arguments.feed.output {
        OutputForm::Json => give(&format!("{answer}\n"))?,
        OutputForm::Human => give(&status_text(&report))?,
    }
    if report.ready {
        return Ok(());
    }
    let waits_for = report.waits_for.as_deref().unwrap_or("something");
    Err(Failed::new(Cause::TryAgain, format!("not ready: waits for {}", plain(waits_for))))
}

fn status_text(report: &StatusReport) -> String {
    let mut grid = Grid::new(&["", ""]);
    let mut row = |name: &str, text: String| grid.row([name.to_owned(), text]);
    let listed = |parts: Vec<String>| if parts.is_empty() { "-".to_owned() } else { parts.join(", ") };
    row("ready", if report.ready { "yes" } else { "no" }.to_owned());
    row("program", format!("meltica {}, up {} s", report.program, report.uptime_ms / 1_000));
    row("markets", format!("{}, {} instruments", listed(report.markets.clone()), report.instruments));
    row("books", listed(report.books.iter().map(|(quality, count)| format!("{count} {quality}")).collect()));
    for connection in &report.connections {
        row("connection", format!("{}: {}", connection.name, connection.state));
    }
    let others = rest(report.streams);
    let live = format!("{} live", report.streams.live);
    row("streams", if others.is_empty() { live } else { format!("{live}, {others}") });
    row(
        "control",
        format!("version {}, {} consumers, {} subscriptions", report.version, report.consumers, report.subscriptions),
    );
    let published = report.counters.get(Counter::Published.label()).copied().unwrap_or_default();
    row("published", format!("{published} events"));
    let ack = &report.acknowledged_in;
    if ack.count > 0 {
        let ms = |ns: u64| format!("{:.1} ms", ns as f64 / 1e6);
        row(
            "acknowledged",
            format!("{} commands, half within {}, 95 % within {}", ack.count, ms(ack.p50_ns), ms(ack.p95_ns)),
        );
    }
    // The head is empty: its line is too.
    grid.lines().trim_start_matches('\n').to_owned()
}

/// Asks for a report; as JSON it is given as it is, and there is nothing more to do.
fn fetch<T: DeserializeOwned>(feed: &FeedArgs, path: &str) -> Result<Option<T>, Failed> {
    let client = Client::new(&feed.place)?;
    let answer = client.get(path)?;
    if feed.output == OutputForm::Json {
        return give(&format!("{answer}\n")).map(|()| None);
    }
    serde_json::from_value(answer).map(Some).map_err(|error| client.strange(&error.to_string()))
}
