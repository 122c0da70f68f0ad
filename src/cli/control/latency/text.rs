//! Purpose: what was measured as a table. Owns: its columns. Thread: main. Takes and gives: figures in, text out.
//! Never: shows a figure that compares two clocks without saying so.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::hops::{find, words};
use super::measured::{Measured, Series};
use crate::cli::control::grid::{Grid, plain};
use crate::cli::control::spans::{ago, span, span_signed};
use crate::cli::status::grouped;
use crate::schema::latency::Hop;

/// As wide as a paragraph is at most.
pub(super) const COLUMNS: usize = 100;

/// Columns that a narrow terminal does without, the last only where names are long: the others tell the middle, the tail and the
/// worst.
const FINE: [&str; 4] = [">MIN", ">p90", ">p99.99", ">p99.9"];

/// The table, threads, rings, and what to know; for a terminal of so many columns, or whole for what is none.
pub(super) fn text(measured: &Measured, columns: Option<usize>) -> String {
    let mut text = format!("latency of {}\n\n", head(measured));
    text.push_str(&hops(&measured.series, columns));
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
        text.push_str(&paragraph(&plain(&measured.clock), columns.unwrap_or(COLUMNS).min(COLUMNS)));
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

/// Every column where there is room, else as many as fit: a row that breaks cannot be read.
fn hops(series: &[Series], columns: Option<usize>) -> String {
    let fits = |table: &String| {
        let width = table.lines().map(UnicodeWidthStr::width).max().unwrap_or_default();
        columns.is_none_or(|columns| width <= columns)
    };
    let tables = [0, FINE.len() - 1, FINE.len()].map(|without| table(series, &FINE[..without]));
    let [_, _, least] = &tables;
    tables.iter().find(|table| fits(table)).unwrap_or(least).clone()
}

fn table(series: &[Series], without: &[&str]) -> String {
    let all = ["HOP", "OF", ">COUNT", ">MIN", ">p50", ">p90", ">p99", ">p99.9", ">p99.99", ">MAX"];
    let shown = |name: &str| !without.contains(&name);
    let mut grid = Grid::new(&all.into_iter().filter(|name| shown(name)).collect::<Vec<_>>());
    for one in series {
        let s = one.summary();
        let spans = [s.min_ns, s.p50_ns, s.p90_ns, s.p99_ns, s.p999_ns, s.p9999_ns, s.max_ns].map(span_signed);
        let cells = [one.tag.hop.clone(), one.tag.part(), grouped(s.count)].into_iter().chain(spans);
        grid.row(all.into_iter().zip(cells).filter(|(name, _)| shown(name)).map(|(_, cell)| cell));
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
pub(super) fn paragraph(words: &str, columns: usize) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for word in words.split_whitespace() {
        let more = word.chars().count() + usize::from(width > 0);
        if width > 0 && width + more > columns {
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
        let lines: Vec<usize> = paragraph(&words, COLUMNS).lines().map(str::len).collect();
        assert_eq!(lines, [100, 200], "a word is never cut");
        assert_eq!(paragraph("  a\n b ", COLUMNS), "a b\n");
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
            let text = text(&told, None);
            assert_eq!(text.lines().find(|line| line.starts_with("clockAheadNs here")), line, "{text}");
        }
    }

    #[test]
    fn rows_fit_a_narrow_terminal_and_are_whole_in_a_pipe() {
        let fine = ["MIN", "p90", "p99.99", "p99.9"];
        for (kind, columns, dropped) in [
            ("ORDERBOOK.SNAPSHOT", None, 0),
            ("ORDERBOOK.SNAPSHOT", Some(200), 0),
            ("ORDERBOOK.SNAPSHOT", Some(80), 4),
            ("ORDERBOOK.SNAPSHOT", Some(10), 4),
            ("TRADE", Some(80), 3),
            ("TRADE", None, 0),
        ] {
            let mut all: Vec<Series> =
                Hop::ALL.map(|hop| series(hop.name(), None, &[-1_110_000, 222_000, 333_000])).into();
            all.push(series(Hop::ReadToPublished.name(), Some(kind), &[111, 2_220, 33_300_000]));
            let text = text(&measured(all), columns);
            let head: Vec<&str> = text.lines().find(|line| line.starts_with("HOP")).unwrap().split(' ').collect();
            for (at, name) in fine.into_iter().enumerate() {
                assert_eq!(head.contains(&name), at >= dropped, "{kind} {columns:?}: {name} in {head:?}");
            }
            assert!(["OF", "COUNT", "p50", "p99", "MAX"].iter().all(|name| head.contains(name)), "{head:?}");
            let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap();
            assert!(columns.is_none_or(|columns| columns < 80 || widest <= columns), "{widest} columns\n{text}");
        }
    }
}
