//! Purpose: what the feed counts and measures, for Prometheus and its like. Owns: the names of families and labels.
//! Thread: the connection's. Takes and gives: reports and counters in, OpenMetrics out.
//! Never: a label whose values grow with time or with what is listed: neither instruments nor connections are any.

use std::collections::BTreeMap;

use super::openmetrics::{Kind, Labels, Text, Value};
use crate::schema::latency::{Hop, HopSummary, HopView, LatencyReport};
use crate::schema::quality::Quality;
use crate::schema::report::StatusReport;
use crate::telemetry::{Counter, Ledger};

/// The whole text.
pub(super) fn text(status: &StatusReport, latency: &LatencyReport, ledger: &Ledger) -> Vec<u8> {
    let mut text = Text::default();
    text.family("build", Kind::Info, "", "the program").sample(&[("version", &status.program)], Value::Count(1));
    feed(&mut text, status);
    hops(&mut text, latency);
    agents(&mut text, latency);
    rings(&mut text, latency);
    for counter in Counter::ALL {
        let family = counter.name();
        text.family(&family, Kind::Counter, "", counter.label()).sample(&[], Value::Count(ledger.total(*counter)));
    }
    text.end()
}

fn feed(text: &mut Text, status: &StatusReport) {
    let uptime = i64::try_from(status.uptime_ms).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let mut one =
        |name: &str, unit: &str, help: &str, value| _ = text.family(name, Kind::Gauge, unit, help).sample(&[], value);
    one("ready", "", "whether all that is wanted was asked for and answered", Value::Count(status.ready.into()));
    one("uptime_seconds", "seconds", "since the start", Value::Seconds(uptime));
    one("control_version", "", "the control version in force", Value::Count(status.version));
    one("instruments", "", "instruments known", Value::Count(status.instruments));
    one("consumers", "", "consumers with a subscription", Value::Count(status.consumers));
    one("subscriptions", "", "subscriptions of all consumers", Value::Count(status.subscriptions));
    books(text, &status.books);
    let open = status.connections.iter().filter(|connection| connection.open).count() as u64;
    text.family("connections", Kind::Gauge, "", "connections to the venue by state")
        .sample(&[("state", "open")], Value::Count(open))
        .sample(&[("state", "shut")], Value::Count(status.connections.len() as u64 - open));
    let streams = &status.streams;
    let mut family = text.family("streams", Kind::Gauge, "", "native streams by state");
    for (state, count) in [
        ("requested", streams.requested),
        ("acknowledged", streams.acknowledged),
        ("live", streams.live),
        ("silent", streams.silent),
        ("refused", streams.refused),
        ("leaving", streams.leaving),
    ] {
        family.sample(&[("state", state)], Value::Count(count));
    }
    let mut shards = text.family("shard_events", Kind::Counter, "", "events published by each shard");
    for shard in &status.shards {
        shards.sample(&[("shard", &shard.shard.to_string())], Value::Count(shard.published));
    }
    let answered = &status.acknowledged_in;
    let ns = |ns: u64| Value::Seconds(i64::try_from(ns).unwrap_or(i64::MAX));
    let help = "from a command to the venue's answer to the last stream that it turned";
    text.family("control_acknowledged_seconds", Kind::Gauge, "seconds", help)
        .sample(&[("quantile", "0.5")], ns(answered.p50_ns))
        .sample(&[("quantile", "0.95")], ns(answered.p95_ns))
        .sample(&[("quantile", "0.99")], ns(answered.p99_ns));
}

/// Every quality, also that of no book: a sum over a series that is not there is nothing, and no 0, so a query or an alarm on the
/// share of Good books would fall silent at the very moment when none is.
fn books(text: &mut Text, books: &BTreeMap<String, u64>) {
    let mut family = text.family("books", Kind::Gauge, "", "books by quality");
    for quality in Quality::NAMES {
        let count = books.get(*quality).copied().unwrap_or_default();
        family.sample(&[("quality", quality)], Value::Count(count));
    }
}

const fn quantiles(summary: &HopSummary) -> [(&'static str, i64); 6] {
    [
        ("0.5", summary.p50_ns),
        ("0.9", summary.p90_ns),
        ("0.99", summary.p99_ns),
        ("0.999", summary.p999_ns),
        ("0.9999", summary.p9999_ns),
        ("1.0", summary.max_ns),
    ]
}

/// Totals and kinds stand in families of their own, so that a sum over one counts nothing twice. A summary may hold nothing
/// negative: the signed hop is shown by gauges.
fn hops(text: &mut Text, latency: &LatencyReport) {
    let (signed, plain): (Vec<&HopView>, Vec<_>) = latency
        .hops
        .iter()
        .filter(|view| view.connection.is_none())
        .partition(|view| view.hop == Hop::ExchangeToReceive);
    for (by_kind, name, help) in [
        (false, "hop_seconds", "from one stamp of a frame to the next"),
        (true, "hop_kind_seconds", "from one stamp to the next, by type of event"),
    ] {
        let mut family = text.family(name, Kind::Summary, "seconds", help);
        for view in plain.iter().filter(|view| view.kind.is_some() == by_kind) {
            let summary = &view.summary;
            family.summary(&labels(view), &quantiles(summary), (summary.sum_ns, summary.count));
        }
    }
    for (by_kind, name, help) in [
        (
            false,
            "exchange_to_receive_seconds",
            "from the exchange's time to the read, two clocks apart: may be negative",
        ),
        (
            true,
            "exchange_to_receive_kind_seconds",
            "from the exchange's time to the read, two clocks apart, by type of event",
        ),
    ] {
        let mut family = text.family(name, Kind::Gauge, "seconds", help);
        for view in signed.iter().filter(|view| view.kind.is_some() == by_kind) {
            for (quantile, ns) in quantiles(&view.summary) {
                let kind = view.kind.as_deref().map(|kind| ("kind", kind));
                let labels: Vec<_> = kind.into_iter().chain([("quantile", quantile)]).collect();
                family.sample(&labels, Value::Seconds(ns));
            }
        }
    }
    let help = "how far this process's clock is ahead of the system's";
    text.family("clock_ahead_seconds", Kind::Gauge, "seconds", help)
        .sample(&[], Value::Seconds(latency.clock_ahead_ns));
}

fn labels(view: &HopView) -> Vec<(&str, &str)> {
    let hop = ("hop", view.hop.name());
    core::iter::once(hop).chain(view.kind.as_deref().map(|kind| ("kind", kind))).collect()
}

fn agents(text: &mut Text, latency: &LatencyReport) {
    let seconds = |ns: u64| Value::Seconds(i64::try_from(ns).unwrap_or(i64::MAX));
    let mut each = |name, kind, unit, help, value: &dyn Fn(usize) -> Value| {
        let mut family = text.family(name, kind, unit, help);
        for (at, agent) in latency.agents.iter().enumerate() {
            family.sample(&[("agent", &agent.name)], value(at));
        }
    };
    let of = |at: usize| &latency.agents[at];
    each("agent_cycles", Kind::Counter, "", "duty cycles of each thread", &|at| Value::Count(of(at).cycles));
    each("agent_cycles_busy", Kind::Counter, "", "duty cycles that did work", &|at| Value::Count(of(at).busy));
    each("agent_cycles_over", Kind::Counter, "", "duty cycles longer than the threshold", &|at| {
        Value::Count(of(at).cycles_over)
    });
    each("agent_cycle_max_seconds", Kind::Gauge, "seconds", "the longest duty cycle so far", &|at| {
        seconds(of(at).cycle_ns_max)
    });
    each("agent_cycle_threshold_seconds", Kind::Gauge, "seconds", "the threshold", &|at| seconds(of(at).threshold_ns));
}

fn rings(text: &mut Text, latency: &LatencyReport) {
    for used in [true, false] {
        let (name, help) = if used {
            ("ring_used_bytes", "what waits in each ring; of events, for the lossless reader farthest behind")
        } else {
            ("ring_capacity_bytes", "what each ring holds")
        };
        let mut family = text.family(name, Kind::Gauge, "bytes", help);
        for ring in &latency.rings {
            let words = if used { ring.used_words } else { ring.capacity_words };
            let labels: Labels<'_> = &[("ring", &ring.name)];
            family.sample(labels, Value::Count(words.saturating_mul(8)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quality_has_a_sample_also_where_no_book_has_it() {
        for there in [&[][..], &[("Stale", 3)], &[("Good", 2), ("Syncing", 1)]] {
            let counts: BTreeMap<String, u64> = there.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
            let mut text = Text::default();
            books(&mut text, &counts);
            let text = String::from_utf8(text.end()).unwrap();
            for quality in Quality::NAMES {
                let count = counts.get(*quality).copied().unwrap_or_default();
                let sample = format!("meltica_books{{quality=\"{quality}\"}} {count}\n");
                assert!(text.contains(&sample), "{sample} is not in {text}");
            }
        }
    }
}
