//! Purpose: what was measured as a table. Owns: its columns. Thread: main. Takes and gives: figures in, text out.
//! Never: shows a figure that compares two clocks without saying so.

use std::time::Duration;

use super::hops::{find, words};
use super::measured::{Measured, Series};
use crate::cli::control::grid::{Grid, plain};
use crate::cli::control::spans::{ago, span, span_signed};
use crate::cli::status::grouped;
use crate::schema::latency::Hop;

/// As wide as a paragraph is.
const COLUMNS: usize = 100;

/// The table, threads, rings, and what to know.
pub(super) fn text(measured: &Measured) -> String {
    let mut text = format!("latency of {}\n\n", head(measured));
    text.push_str(&hops(&measured.series));
    if !measured.agents.is_empty() {
        text.push('\n');
        text.push_str(&agents(measured));
    }
    if !measured.rings.is_empty() {
        text.push('\n');
        text.push_str(&rings(measured));
    }
    if !measured.clock.is_empty()
        && measured.series.iter().any(|series| find(&series.tag.hop) == Some(Hop::ExchangeToReceive))
    {
        text.push('\n');
        text.push_str(&paragraph(&plain(&measured.clock)));
        if let Some(ahead) = measured.clock_ahead_ns {
            text.push_str(&format!("clockAheadNs here: {}.\n", span_signed(ahead)));
        }
    }
    text
}

/// Of how long, until when.
pub(super) fn head(measured: &Measured) -> String {
    let span = u64::try_from(measured.at_ns.saturating_sub(measured.since_ns)).unwrap_or_default();
    format!("{}, to {}", ago(Duration::from_nanos(span)), when(measured.at_ns))
}

/// A moment as a person reads it.
pub(super) fn when(unix_ns: i64) -> String {
    let moment = std::time::UNIX_EPOCH + Duration::from_nanos(u64::try_from(unix_ns).unwrap_or_default());
    humantime::format_rfc3339_seconds(moment).to_string()
}

fn hops(series: &[Series]) -> String {
    let head = ["HOP", "OF", ">COUNT", ">MIN", ">p50", ">p90", ">p99", ">p99.9", ">p99.99", ">MAX"];
    let mut grid = Grid::new(&head);
    for one in series {
        let figures = one.summary();
        let spans = [
            figures.min_ns,
            figures.p50_ns,
            figures.p90_ns,
            figures.p99_ns,
            figures.p999_ns,
            figures.p9999_ns,
            figures.max_ns,
        ];
        let name = [one.tag.hop.clone(), one.tag.part(), grouped(figures.count)];
        grid.row(name.into_iter().chain(spans.into_iter().map(span_signed)));
    }
    grid.lines()
}

fn agents(measured: &Measured) -> String {
    let mut grid = Grid::new(&["THREAD", ">CYCLES", ">BUSY", ">LONGEST", ">TOO LONG", "THAT IS"]);
    for agent in &measured.agents {
        grid.row([
            agent.name.clone(),
            grouped(agent.cycles),
            share(agent.busy, agent.cycles),
            span(agent.cycle_ns_max),
            grouped(agent.cycles_over),
            format!("over {}", span(agent.threshold_ns)),
        ]);
    }
    grid.lines()
}

fn rings(measured: &Measured) -> String {
    let mut grid = Grid::new(&["RING", ">FULL", ">WORDS", ">OF"]);
    for ring in &measured.rings {
        let (used, capacity) = (ring.used_words, ring.capacity_words);
        grid.row([ring.name.clone(), share(used, capacity), grouped(used), grouped(capacity)]);
    }
    grid.lines()
}

/// A part of a whole, in percent.
pub(in crate::cli::control) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// Words in lines that are not too wide.
fn paragraph(words: &str) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for word in words.split_whitespace() {
        let more = word.chars().count() + usize::from(width > 0);
        if width > 0 && width + more > COLUMNS {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
        }
        out.push_str(word);
        width += word.chars().count() + usize::from(width > 0);
    }
    out.push('\n');
    out
}

/// What a series is called in a plot.
pub(super) fn label(series: &Series) -> String {
    if series.tag.is_total() { words(&series.tag.hop).to_owned() } else { series.tag.part() }
}

#[cfg(test)]
mod tests {
    use super::super::measured_tests::{measured, series};
    use super::*;

    #[test]
    fn paragraphs_break_between_words() {
        let words = format!("{} {} {}", "a".repeat(60), "b".repeat(39), "c".repeat(200));
        let lines: Vec<usize> = paragraph(&words).lines().map(str::len).collect();
        assert_eq!(lines, [100, 200], "a word is never cut");
        assert_eq!(paragraph("  a\n b "), "a b\n");
        assert_eq!((share(1, 3), share(0, 0)), ("33.3 %".to_owned(), "-".to_owned()));
    }

    #[test]
    fn how_far_the_clock_is_ahead_is_told_where_two_clocks_are_compared() {
        let (two, one) = (Hop::ExchangeToReceive.name(), Hop::ReadToPublished.name());
        for (hop, ahead, line) in [
            (two, Some(-1_500), Some("clockAheadNs here: -1.50 µs.")),
            (two, Some(0), Some("clockAheadNs here: 0 ns.")),
            (two, None, None),
            (one, Some(7), None),
        ] {
            let told = Measured { clock_ahead_ns: ahead, ..measured(vec![series(hop, None, &[5])]) };
            let text = text(&told);
            assert_eq!(text.lines().find(|line| line.starts_with("clockAheadNs here")), line, "{text}");
        }
    }
}
