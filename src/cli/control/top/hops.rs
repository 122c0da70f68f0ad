//! Purpose: the pane of latencies. Owns: its columns. Thread: main. Takes and gives: figures in, rows out.
//! Never: shows a percentile of nothing.

use std::cmp::Reverse;

use super::counters::rate;
use super::figures::Figures;
use super::recent::Row;
use super::screen::Order;
use super::table::{Cell, Column, Table, Tone, numbers, words};
use crate::cli::control::grid::plain;
use crate::cli::control::latency::hops::words as hop_words;
use crate::cli::control::spans::span_signed;
use crate::schema::latency::Hop;

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
        // What the venue and the network took is beside the point where Meltica's own parts are looked for.
        _ => rows.sort_by_key(|row| is_foreign_part(row)),
    }
    let mut foreign = false;
    for row in rows {
        if order == Order::Walk && is_foreign_part(row) && !std::mem::replace(&mut foreign, true) {
            table.row([Cell::new(format!("{}, in parts", row.hop), Tone::Strong)]);
        }
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

/// Whether a row is a part of the hop that is not of this machine.
fn is_foreign_part(row: &Row) -> bool {
    row.of.is_some() && row.hop == hop_words(Hop::ExchangeToReceive.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::control::top::recent::Latency;

    #[test]
    fn the_venues_own_parts_come_last_while_rows_stand_as_frames_go() {
        let row = |hop: Hop, of: Option<&str>, p99_ns: i64| Row {
            hop: hop_words(hop.name()).to_owned(),
            of: of.map(str::to_owned),
            rate: None,
            p50_ns: 0,
            p90_ns: 0,
            p99_ns,
            p999_ns: 0,
            max_ns: 0,
        };
        let rows = vec![
            row(Hop::ExchangeToReceive, None, 1),
            row(Hop::ExchangeToReceive, Some("TRADE"), 5),
            row(Hop::ReadToPublished, None, 2),
            row(Hop::ReadToPublished, Some("TRADE"), 3),
        ];
        let latency = Some(Latency { told: true, recorded: true, rows, ..Latency::default() });
        let mut figures = Figures::default();
        figures.tick(std::time::Duration::ZERO);
        figures.latency = latency;
        let names = |order: Order| -> Vec<String> {
            hops(&figures, order).rows.iter().map(|cells| cells[0].text.clone()).collect()
        };
        let in_parts = "exchange to receive, in parts";
        assert_eq!(names(Order::Walk), ["exchange to receive", "read to published", "  TRADE", in_parts, "  TRADE"]);
        let slowest =
            ["TRADE, exchange to receive", "TRADE, read to published", "read to published", "exchange to receive"];
        assert_eq!(names(Order::Slowest), slowest);
    }
}
