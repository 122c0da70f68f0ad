//! Purpose: what a run came to, on one screen. Owns: its wording. Thread: main. Takes and gives: a report in, text out.
//! Never: hides a drop: everything lost, refused or late stands there with its count.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::log::{Entry, Event};
use super::view::micros;
use crate::directory::Directory;
use crate::engine::RunReport;
use crate::schema::json::Names;
use crate::telemetry::{Counter, Ledger};

/// Counters that tell of work done; all others tell of something dropped, refused, late or wrong, but for those in
/// [`NOTES`].
const WORK: [Counter; 7] = [
    Counter::FramesIn,
    Counter::RawParsed,
    Counter::Canonical,
    Counter::Published,
    Counter::DiffsApplied,
    Counter::SnapshotsAdopted,
    Counter::IntegrityAgree,
];

/// Counters that tell of what is normal on a healthy feed.
const NOTES: [Counter; 27] = [
    Counter::TraceSpansRecorded,
    Counter::TraceSpansSent,
    Counter::HttpHeldBack,
    Counter::NotWanted,
    Counter::FramesControl,
    Counter::Unrouted,
    Counter::Filtered,
    Counter::DiffsDropped,
    Counter::DiffsHeld,
    Counter::SnapshotsRequested,
    Counter::SnapshotsUnserved,
    Counter::SnapshotsUnused,
    Counter::GapsClosed,
    Counter::Resets,
    Counter::ScaleWidened,
    Counter::LevelsPruned,
    Counter::Conflated,
    Counter::ConnectAttempts,
    Counter::ConnectionsUp,
    Counter::ConnectionDuplicate,
    Counter::RestRequests,
    Counter::AuditsBegun,
    Counter::AuditsAgreed,
    Counter::AuditsUndecided,
    Counter::PollDuplicate,
    Counter::HttpRequests,
    Counter::UnknownFields,
];

/// The summary, lines with a line feed.
pub(super) fn summary(report: &RunReport, ledger: &Ledger, directory: &Directory, ran: Duration) -> String {
    let mut text = format!("ran {:.1} s\n", ran.as_secs_f64());
    for counter in WORK {
        line(&mut text, ledger, counter);
    }
    for counter in NOTES.into_iter().filter(|c| ledger.total(*c) > 0) {
        line(&mut text, ledger, counter);
    }
    latency(&mut text, report);
    books(&mut text, report);
    unknown(&mut text, report, directory);
    let bad = losses(ledger);
    if bad.is_empty() {
        text.push_str("nothing was dropped, refused or late\n");
    } else {
        text.push_str("dropped, refused or wrong:\n");
        for (counter, _) in bad {
            line(&mut text, ledger, counter);
        }
    }
    text
}

/// Counters that tell of something dropped, refused, late or wrong, where they are not zero.
pub(super) fn losses(ledger: &Ledger) -> Vec<(Counter, u64)> {
    let bad = Counter::ALL.iter().filter(|c| tells_of_loss(**c));
    bad.map(|c| (*c, ledger.total(*c))).filter(|(_, total)| *total > 0).collect()
}

/// Whether a counter tells of something dropped, refused, late or wrong.
pub(super) fn tells_of_loss(counter: Counter) -> bool {
    !WORK.contains(&counter) && !NOTES.contains(&counter)
}

/// The same for a program: every counter that is not zero by its label, books by quality, latency a shard.
pub(super) fn summary_entry(report: &RunReport, ledger: &Ledger, ran: Duration) -> Entry {
    let counted = |counters: &mut dyn Iterator<Item = (Counter, u64)>| -> Map<String, Value> {
        counters.map(|(counter, total)| (counter.label().to_owned(), total.into())).collect()
    };
    let all = Counter::ALL.iter().map(|c| (*c, ledger.total(*c))).filter(|(_, total)| *total > 0);
    let books: Map<String, Value> =
        by_quality(report).into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    let latency: Vec<Value> = report
        .latency
        .iter()
        .map(|l| json!({ "count": l.count, "p50Ns": l.p50_ns, "p99Ns": l.p99_ns, "p999Ns": l.p999_ns, "maxNs": l.max_ns }))
        .collect();
    let bad = losses(ledger);
    let words =
        if bad.is_empty() { "nothing was dropped, refused or late" } else { "something was dropped, refused or late" };
    Entry::new(Event::Summary, format!("ran {:.1} s, {words}", ran.as_secs_f64()))
        .with("ranSeconds", (ran.as_secs_f64() * 10.0).round() / 10.0)
        .with("counters", counted(&mut all.into_iter()))
        .with("losses", counted(&mut bad.into_iter()))
        .with("books", books)
        .with("latency", latency)
}

// Writing to a String cannot fail, so the results below are dropped.

fn line(text: &mut String, ledger: &Ledger, counter: Counter) {
    let _ = writeln!(text, "{:>12}  {}", ledger.total(counter), counter.label());
}

fn latency(text: &mut String, report: &RunReport) {
    for (shard, l) in report.latency.iter().enumerate().filter(|(_, l)| l.count > 0) {
        let _ = writeln!(
            text,
            "latency from ingress to publication, shard {shard}: p50 {}, p99 {}, p99.9 {}, max {}",
            micros(l.p50_ns),
            micros(l.p99_ns),
            micros(l.p999_ns),
            micros(l.max_ns)
        );
    }
}

fn books(text: &mut String, report: &RunReport) {
    let parts: Vec<String> = by_quality(report).iter().map(|(quality, count)| format!("{count} {quality}")).collect();
    let parts = if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
    let _ = writeln!(text, "books: {parts}");
}

fn by_quality(report: &RunReport) -> BTreeMap<&'static str, usize> {
    let mut by_quality = BTreeMap::new();
    for book in &report.books {
        *by_quality.entry(book.quality.name()).or_default() += 1;
    }
    by_quality
}

fn unknown(text: &mut String, report: &RunReport, directory: &Directory) {
    for row in report.unknown_fields.iter().take(UNKNOWN_SHOWN) {
        let type_name = directory.type_name(row.type_id).unwrap_or("?");
        unknown_field(text, row.count, &row.name, type_name);
    }
    if let Some(more @ 1..) = report.unknown_fields.len().checked_sub(UNKNOWN_SHOWN) {
        let _ = writeln!(text, "{:>12}  … and {more} more such names", "");
    }
}

/// Unknown fields listed at most: a venue adds one or two, and a screen holds no more.
pub(super) const UNKNOWN_SHOWN: usize = 20;

/// One unknown field; the name comes from outside, so it is shown escaped and no longer than a line.
pub(super) fn unknown_field(text: &mut String, count: u64, name: &str, of: &str) {
    const SHOWN: usize = 40;
    let shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    let more = if name.chars().nth(SHOWN).is_some() { "…" } else { "" };
    let _ = writeln!(text, "{count:>12}  unknown field `{shown}{more}` of {of}");
}

#[cfg(test)]
mod tests {
    use super::tells_of_loss;
    use crate::telemetry::Counter;

    #[test]
    fn what_the_summary_calls_a_loss_can_be_seen_on_the_dashboard() {
        let dashboard = include_str!("../../config/grafana/meltica.json");
        for counter in Counter::ALL.iter().filter(|counter| tells_of_loss(**counter)) {
            let metric = format!("meltica_{}_total", counter.name());
            assert!(dashboard.contains(&metric), "no query asks for {metric}");
        }
    }

    #[test]
    fn what_ends_a_loss_is_none() {
        for (counter, loss) in [
            (Counter::GapsOpened, true),
            (Counter::GapsClosed, false),
            (Counter::ConnectionsDown, true),
            (Counter::ConnectionsUp, false),
            (Counter::AuditsDisagreed, true),
            (Counter::AuditsAgreed, false),
            (Counter::Published, false),
        ] {
            assert_eq!(tells_of_loss(counter), loss, "{}", counter.label());
        }
    }
}
