//! Purpose: how a run goes, in a line or two that fit the terminal. Owns: the layout. Thread: any (cold).
//! Takes and gives: figures in, lines out. Never: a line wider than it was told; a line that wraps cannot be rewritten.

use std::time::Duration;

use super::view::micros;

/// From here on everything stands in one line.
const WIDE: usize = 170;
/// Between two parts.
const SPACE: &str = "   ";

/// Books by what they are worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BookTally {
    /// Those that are Good.
    pub(super) good: usize,
    /// All that are known or expected.
    pub(super) total: usize,
    /// The others, by quality.
    pub(super) others: Vec<(&'static str, usize)>,
}

impl BookTally {
    /// Those that may still become Good: halted and delisted ones are as they should be.
    pub(super) fn to_come(&self) -> usize {
        let at_rest = self.others.iter().filter(|(name, _)| matches!(*name, "Halted" | "Delisted"));
        self.total.saturating_sub(self.good).saturating_sub(at_rest.map(|(_, count)| count).sum())
    }
}

/// Connections and what they carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Connections that are open.
    pub(super) open: usize,
    /// All that there should be.
    pub(super) total: usize,
    /// Streams that speak.
    pub(super) live: usize,
    /// Streams that were asked for.
    pub(super) streams: usize,
}

/// How it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// Since the start.
    pub(super) elapsed: Duration,
    /// Of the captures, in percent.
    pub(super) read: Option<u64>,
    /// Frames a second.
    pub(super) frames: u64,
    /// Published events a second.
    pub(super) events: u64,
    /// The worst latency since the last status, ns.
    pub(super) worst_ns: u64,
    /// The books.
    pub(super) books: BookTally,
    /// The connections, where there are any.
    pub(super) lines: Option<Lines>,
    /// REST weight used within a minute, and how much we allow ourselves.
    pub(super) weight: Option<(u64, u64)>,
    /// What it waits for.
    pub(super) waits: Vec<String>,
}

impl Status {
    /// The lines for so many columns: one or two, and one for what it waits for. What does not fit is left out, the last
    /// parts first.
    pub(super) fn lines(&self, columns: usize) -> Vec<String> {
        let (flow, state) = (self.flow(), self.state());
        let mut lines = if columns >= WIDE {
            let mut parts = flow;
            parts.extend(state);
            vec![fitted(&parts, columns)]
        } else {
            let mut parts = vec![" ".repeat(flow.first().map_or(0, |p| p.chars().count()))];
            parts.extend(state);
            vec![fitted(&flow, columns), fitted(&parts, columns)]
        };
        if !self.waits.is_empty() {
            lines.push(cut(&format!("waiting: {}", self.waits.join("; ")), columns));
        }
        lines
    }

    /// In one short line, for whoever manages the service.
    pub(super) fn brief(&self) -> String {
        let mut parts = self.state();
        parts.push(format!("{} frames/s", grouped(self.frames)));
        parts.extend(self.waits.iter().map(|w| format!("waiting: {w}")));
        parts.join(", ")
    }

    fn flow(&self) -> Vec<String> {
        let mut parts = vec![format!("{:>4}", clock(self.elapsed))];
        parts.extend(self.read.map(|percent| format!("{percent:>3}% read")));
        parts.push(format!("{} frames/s", grouped(self.frames)));
        parts.push(format!("{} events/s", grouped(self.events)));
        parts.push(format!("worst {}", micros(self.worst_ns)));
        parts.extend(self.weight.map(|(used, most)| format!("REST weight {}/{}", grouped(used), grouped(most))));
        parts
    }

    fn state(&self) -> Vec<String> {
        let books = &self.books;
        let mut text = format!("books {}/{} Good", grouped(books.good as u64), grouped(books.total as u64));
        for (name, count) in &books.others {
            text.push_str(&format!(", {} {name}", grouped(*count as u64)));
        }
        let mut parts = vec![text];
        if let Some(lines) = &self.lines {
            let streams = match lines.live == lines.streams {
                true => grouped(lines.streams as u64),
                false => format!("{}/{}", grouped(lines.live as u64), grouped(lines.streams as u64)),
            };
            parts.push(format!("connections {}/{}, {streams} streams", lines.open, lines.total));
        }
        parts
    }
}

/// As many of the parts, in order, as fit; the first one always, cut.
fn fitted(parts: &[String], columns: usize) -> String {
    let mut line = String::new();
    for (at, part) in parts.iter().enumerate() {
        let space = if at == 0 { "" } else { SPACE };
        let width = line.chars().count() + space.len() + part.chars().count();
        let is_margin = line.trim().is_empty();
        if width > columns && !is_margin {
            break;
        }
        line.push_str(space);
        line.push_str(part);
    }
    cut(&line, columns)
}

/// A text of so many columns at most; a sign stands for what is cut.
pub(super) fn cut(line: &str, columns: usize) -> String {
    match line.char_indices().nth(columns) {
        Some(_) => line.chars().take(columns.saturating_sub(1)).chain(['…']).collect(),
        None => line.to_owned(),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span as a person reads it: `7s`, `2m07`, `3h02`.
pub(super) fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            elapsed: Duration::from_secs(12),
            frames: 41_079,
            events: 1_287_000,
            worst_ns: 312_000,
            books: BookTally { good: 1_311, total: 2_000, others: vec![("Syncing", 688), ("Gap", 1)] },
            lines: Some(Lines { open: 3, total: 4, live: 6_100, streams: 8_000 }),
            weight: Some((1_040, 4_800)),
            waits: vec!["connection 3: refused; again in 812 ms".to_owned()],
            ..Status::default()
        }
    }

    #[test]
    fn everything_is_shown_in_one_line_or_in_two() {
        let parts = [
            "12s",
            "41,079 frames/s",
            "1,287,000 events/s",
            "worst 312 µs",
            "REST weight 1,040/4,800",
            "books 1,311/2,000 Good, 688 Syncing, 1 Gap",
            "connections 3/4, 6,100/8,000 streams",
            "waiting: connection 3: refused; again in 812 ms",
        ];
        for (columns, lines) in [(220, 2), (WIDE, 2), (WIDE - 1, 3), (100, 3)] {
            let shown = status().lines(columns);
            assert_eq!(shown.len(), lines, "{columns}");
            for part in parts {
                assert!(shown.iter().any(|l| l.contains(part)), "{columns}: {part} is missing in {shown:?}");
            }
        }
        for part in [&parts[1..2], &parts[5..]].concat() {
            assert!(status().brief().contains(part), "{}", status().brief());
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_what_matters_most_stays() {
        for columns in 1..=220 {
            for line in status().lines(columns) {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
        let shown = status().lines(60);
        assert!(shown[0].contains("41,079 frames/s") && shown[1].contains("books 1,311/2,000"), "{shown:?}");
        assert!(!shown[1].contains("connections"), "a part is shown whole or not at all: {shown:?}");
    }

    #[test]
    fn numbers_and_spans_are_easy_to_read() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m00"), (3_599, "59m59"), (3_600, "1h00"), (90_061, "25h01")]
        {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_rests_is_not_to_come() {
        let others = vec![("Delisted", 1), ("Halted", 2), ("Stale", 3)];
        assert_eq!(BookTally { good: 4, total: 10, others }.to_come(), 3);
    }
}
