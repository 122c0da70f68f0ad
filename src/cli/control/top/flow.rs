//! Purpose: the pane of what frames flow through: connections, threads, rings. Owns: its columns. Thread: main.
//! Takes and gives: figures in, rows out. Never: takes a stream that was acknowledged for one that speaks.

use super::figures::Figures;
use super::recent::{Agent, Latency};
use super::screen::Order;
use super::table::{Cell, Column, Table, Tone, words};
use crate::cli::control::grid::plain;
use crate::cli::control::latency::text::share;
use crate::cli::control::spans::span;
use crate::cli::control::wants::rest;
use crate::cli::status::grouped;
use crate::schema::latency::RingView;
use crate::schema::report::{ConnectionView, StreamStates};

const COLUMNS: [Column; 4] = [words("", 2), words("NAME", 0), words("STATE", 0), words("", 0)];

/// A ring that is fuller than this is pointed at, in percent.
const FULL: u64 = 50;

/// A row with how bad it is: the more, the worse.
type Ranked = (u8, [Cell; 4]);

/// The rows in this order.
pub(super) fn flow(figures: &Figures, order: Order) -> Table {
    let mut table = Table::new(&COLUMNS, "not asked yet");
    let Some(status) = &figures.status else { return table };
    "neither connections nor threads are told of".clone_into(&mut table.empty);
    let empty = Latency::default();
    let latency = figures.latency.as_ref().unwrap_or(&empty);
    let connections = status.connections.iter().map(connection);
    let mut rows: Vec<Ranked> =
        connections.chain(latency.agents.iter().map(agent)).chain(latency.rings.iter().map(ring)).collect();
    if order == Order::Worst {
        rows.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    }
    rows.into_iter().for_each(|(_, cells)| table.row(cells));
    table
}

fn cells(what: &str, name: &str, state: Cell, words: String, rank: u8) -> Ranked {
    (rank, [Cell::new(what, Tone::Faint), Cell::new(plain(name), Tone::Strong), state, Cell::from(words)])
}

/// All streams but those that are being taken out.
pub(super) fn wanted(streams: StreamStates) -> u64 {
    let all = [streams.requested, streams.acknowledged, streams.live, streams.silent, streams.refused];
    all.into_iter().fold(0, u64::saturating_add)
}

fn connection(view: &ConnectionView) -> Ranked {
    let (live, wanted, others) = (view.streams.live, wanted(view.streams), rest(view.streams));
    let more = if others.is_empty() { String::new() } else { format!(", {others}") };
    let streams = format!("{}/{} streams live{more}", grouped(live), grouped(wanted));
    if !view.open {
        let words = format!("{streams}; {}", plain(&view.state));
        return cells("socket", &view.name, Cell::new("DOWN", Tone::Bad), words, 3);
    }
    cells("socket", &view.name, Cell::new("open", Tone::Good), streams, u8::from(live < wanted))
}

fn agent(agent: &Agent) -> Ranked {
    let view = &agent.view;
    let busy = agent.busy.map_or("-".to_owned(), |(busy, cycles)| share(busy, cycles));
    let over = match view.cycles_over {
        0 => "none".to_owned(),
        count => grouped(count),
    };
    let words = format!("busy; longest {}, {over} over {}", span(view.cycle_ns_max), span(view.threshold_ns));
    cells("thread", &view.name, Cell::from(busy), words, u8::from(view.cycles_over > 0))
}

fn ring(view: &RingView) -> Ranked {
    let (used, capacity) = (view.used_words, view.capacity_words);
    let full = capacity > 0 && used.saturating_mul(100) >= capacity.saturating_mul(FULL);
    let state = Cell::new(share(used, capacity), if full { Tone::Warn } else { Tone::Plain });
    cells(
        "ring",
        &view.name,
        state,
        format!("full: {} of {} words", grouped(used), grouped(capacity)),
        2 * u8::from(full),
    )
}
