//! Purpose: figures and screen → what is to be seen. Owns: the head and the foot. Thread: main. Takes and gives: plain data.
//! Never: knows of a terminal, its size or its colours.

use std::time::Duration;

use super::books::books;
use super::counters::{counters, rate};
use super::figures::{Contact, Figures};
use super::flow::{flow, wanted};
use super::hops::hops;
use super::screen::{Pane, Screen};
use super::table::{Cell, Table, Tone};
use crate::cli::control::grid::plain;
use crate::cli::control::spans::ago;
use crate::cli::status::{clock, grouped};
use crate::schema::report::StatusReport;
use crate::telemetry::Counter;

/// A feed is asked each second: one that has not answered for longer than this may hang.
const QUIET: Duration = Duration::from_secs(2);

/// One line: parts from the left and from the right, the first the last to give way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) left: Vec<Cell>,
    pub(super) right: Vec<Cell>,
}

/// A pane as it is to be seen.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) pane: Pane,
    /// In which order its rows stand, and of what they are.
    pub(super) note: String,
    pub(super) table: Table,
    /// The row that is marked.
    pub(super) row: usize,
}

/// All that is to be seen.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) head: [Bar; 3],
    /// Events a second, the newest last.
    pub(super) curve: Vec<u64>,
    pub(super) panels: Vec<Panel>,
    pub(super) focus: Pane,
    /// Whether one pane is wanted alone.
    pub(super) alone: bool,
    /// Whether what is shown is old: the feed is lost.
    pub(super) old: bool,
    pub(super) help: bool,
    pub(super) foot: Bar,
}

impl View {
    /// Of a screen of the feed at `place`.
    pub(super) fn of(screen: &mut Screen, place: &str) -> View {
        // Only tables stand still: a feed that dies must not look well for as long as somebody reads them.
        let live = screen.live();
        let head = head(live, place, screen.is_paused());
        let (curve, old) = (live.history.iter().copied().collect(), is_lost(live));
        let panels = Pane::ALL.map(|pane| panel(screen, pane)).into();
        View {
            head,
            curve,
            panels,
            focus: screen.pane,
            alone: screen.zoomed,
            old,
            help: screen.help,
            foot: foot(screen),
        }
    }
}

fn panel(screen: &mut Screen, pane: Pane) -> Panel {
    let (figures, order) = (screen.figures(), screen.order(pane));
    let mut table = match pane {
        Pane::Books => books(figures, order),
        Pane::Latency => hops(figures, order),
        Pane::Flow => flow(figures, order),
        Pane::Counters => counters(figures, order),
    };
    let note = match figures.latency.as_ref().and_then(|latency| latency.span) {
        Some(span) if pane == Pane::Latency => format!("last {} · {}", ago(span), order.name()),
        _ => order.name().to_owned(),
    };
    table.widen(screen.widths(pane));
    let row = screen.row(pane, table.rows.len());
    Panel { pane, note, table, row }
}

fn head(figures: &Figures, place: &str, paused: bool) -> [Bar; 3] {
    let Some(status) = &figures.status else {
        let opening = Bar { left: vec![Cell::from(plain(place))], ..Bar::default() };
        return [opening, Bar::default(), contact(figures, place).unwrap_or_default()];
    };
    let mut right = vec![state(status, figures)];
    if paused {
        right.insert(0, Cell::new("PAUSED", Tone::Warn));
    }
    let up = clock(Duration::from_millis(status.uptime_ms));
    let left = vec![
        Cell::new(format!("meltica {}", plain(&status.program)), Tone::Strong),
        Cell::from(plain(place)),
        Cell::new(format!("up {up}"), Tone::Faint),
    ];
    [Bar { left, right }, rates(status, figures), contact(figures, place).unwrap_or_else(|| losses(figures))]
}

/// Whether the feed does what is wanted of it.
fn state(status: &StatusReport, figures: &Figures) -> Cell {
    match (&figures.contact, &status.waits_for) {
        (Contact::Lost { since, .. }, _) => {
            Cell::new(format!("FEED LOST {} ago", ago(figures.now.saturating_sub(*since))), Tone::Bad)
        }
        _ if figures.silence() > QUIET => Cell::new(format!("no answer for {}", ago(figures.silence())), Tone::Warn),
        (_, None) if status.ready => Cell::new("ready", Tone::Good),
        (_, Some(what)) => Cell::new(format!("waits for {}", plain(what)), Tone::Warn),
        (_, None) => Cell::new("not ready", Tone::Warn),
    }
}

fn rates(status: &StatusReport, figures: &Figures) -> Bar {
    let per_second = |counter| rate(figures.count(counter).rate);
    let good = status.books.get("Good").copied().unwrap_or_default();
    let all = status.books.values().copied().fold(0, u64::saturating_add);
    let open = status.connections.iter().filter(|connection| connection.open).count();
    let (connections, streams) = (status.connections.len(), status.streams);
    let tone = |fine: bool| if fine { Tone::Plain } else { Tone::Warn };
    let mut left = vec![
        Cell::new(format!("{} frames/s", per_second(Counter::FramesIn)), Tone::Strong),
        Cell::new(format!("{} events/s", per_second(Counter::Published)), Tone::Strong),
        Cell::new(format!("books {}/{} Good", grouped(good), grouped(all)), tone(good == all)),
    ];
    if connections > 0 {
        left.push(Cell::new(format!("connections {open}/{connections}"), tone(open == connections)));
        left.push(Cell::from(format!("streams {}/{} live", grouped(streams.live), grouped(wanted(streams)))));
    }
    if is_lost(figures) {
        // They are as they were: what is not so any more is not to stand out.
        left.iter_mut().for_each(|cell| cell.tone = Tone::Faint);
    }
    Bar { left, right: Vec::new() }
}

fn is_lost(figures: &Figures) -> bool {
    matches!(figures.contact, Contact::Lost { .. })
}

/// What is to be said of the feed itself, where that comes before all else.
fn contact(figures: &Figures, place: &str) -> Option<Bar> {
    let words = match &figures.contact {
        Contact::Held => return None,
        Contact::Opening => Cell::new("asking", Tone::Warn),
        Contact::Lost { why, .. } => {
            let why = why.strip_prefix(place).map_or(why.as_str(), |why| why.trim_start_matches(": "));
            Cell::new(format!("asked again each second: {}", plain(why)), Tone::Bad)
        }
    };
    Some(Bar { left: vec![words], right: Vec::new() })
}

fn losses(figures: &Figures) -> Bar {
    let mut lost: Vec<_> = figures.losses().collect();
    lost.sort_by_key(|(_, count)| std::cmp::Reverse(count.grew));
    let mut left: Vec<Cell> =
        lost.iter().map(|(label, count)| Cell::new(counted(count.grown, label), Tone::Bad)).collect();
    if left.is_empty() {
        left.push(Cell::new("nothing was lost in the last minute", Tone::Faint));
    }
    Bar { left, right: Vec::new() }
}

/// So many of what a label names in the plural: its first word that is one is what is counted.
fn counted(number: u64, label: &str) -> String {
    let label = plain(label);
    let is_plural = |word: &&str| word.ends_with('s') && !word.ends_with("ss");
    let Some(word) = label.split(' ').find(is_plural).filter(|_| number == 1) else {
        return format!("{} {label}", grouped(number));
    };
    let one = match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => word[..word.len() - 1].to_owned(),
    };
    format!("1 {}", label.replacen(word, &one, 1))
}

fn foot(screen: &Screen) -> Bar {
    let pause = if screen.is_paused() { "p go on" } else { "p pause" };
    let keys = ["q quit", "? help", "Tab pane", pause, "s sort", "↑↓ move", "Enter zoom"];
    Bar { left: keys.map(|key| Cell::new(key, Tone::Faint)).into(), right: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_told_of_in_the_plural() {
        for (number, counter, told) in [
            (1, Counter::ConnectionsDown, "1 connection ended"),
            (2, Counter::ConnectionsDown, "2 connections ended"),
            (1_200, Counter::FramesMalformed, "1,200 malformed frames"),
            (1, Counter::FramesMalformed, "1 malformed frame"),
            (1, Counter::ReadersDemoted, "1 lossless reader demoted"),
            (1, Counter::RestBadBodies, "1 rest body refused"),
        ] {
            assert_eq!(counted(number, counter.label()), told);
        }
    }
}
