//! Purpose: the pane of latencies. Owns: its columns. Thread: main. Takes and gives: figures in, rows out.
//! Never: shows a percentile of nothing.

use std::cmp::Reverse;

use super::counters::rate;
use super::figures::Figures;
use super::recent::Row;
use super::screen::Order;
use super::table::{Cell, Column, Table, Tone, numbers, words};
use crate::cli::control::grid::plain;
use crate::cli::control::spans::span_signed;

const COLUMNS: [Column; 7] = [
    words("HOP", 0),
    numbers("A SECOND", 4),
    numbers("p50", 1),
    numbers("p90", 6),
    numbers("p99", 2),
    numbers("p99.9", 5),
    numbers("MAX", 3),
];

/// The rows in this order.
pub(super) fn hops(figures: &Figures, order: Order) -> Table {
    let empty = match &figures.latency {
        None => "not asked yet",
        Some(latency) if !latency.told => "this feed does not tell of its latency: it is older than this program",
        Some(latency) if !latency.recorded => "this feed records no latency: telemetry.latency is off",
        Some(_) => "nothing was recorded lately",
    };
    let mut table = Table::new(&COLUMNS, empty);
    let Some(latency) = &figures.latency else { return table };
    let mut rows: Vec<&Row> = latency.rows.iter().collect();
    match order {
        Order::Slowest => rows.sort_by_key(|row| Reverse(row.p99_ns)),
        Order::Busiest => rows.sort_by(|a, b| b.rate.unwrap_or(0.0).total_cmp(&a.rate.unwrap_or(0.0))),
        _ => {}
    }
    for row in rows {
        let total = row.of.is_none();
        let tone = if total { Tone::Strong } else { Tone::Plain };
        let name = match &row.of {
            None => row.hop.clone(),
            // Below its hop, where rows stand together.
            Some(part) if order == Order::Walk => format!("  {}", plain(part)),
            Some(part) => format!("{}, {}", plain(part), row.hop),
        };
        let figures = [row.p50_ns, row.p90_ns, row.p99_ns, row.p999_ns, row.max_ns];
        let head = [Cell::new(name, tone), Cell::from(row.rate.map_or("-".to_owned(), rate))];
        table.row(head.into_iter().chain(figures.map(|ns| Cell::new(span_signed(ns), tone))));
    }
    table
}
