//! Purpose: the pane of counters: what was lost, in plain words, before what was done. Owns: its columns. Thread: main.
//! Takes and gives: figures in, rows out. Never: leaves out a loss.

use std::cmp::Reverse;

use super::figures::{Count, Figures};
use super::screen::Order;
use super::table::{Cell, Column, Table, Tone, numbers, words};
use crate::cli::control::grid::plain;
use crate::cli::control::spans::ago;
use crate::cli::status::grouped;

const COLUMNS: [Column; 5] =
    [words("WHAT", 0), numbers("A SECOND", 1), numbers("SEEN", 3), numbers("IN ALL", 0), numbers("LAST", 2)];

/// The rows in this order.
pub(super) fn counters(figures: &Figures, order: Order) -> Table {
    let mut table = Table::new(&COLUMNS, "nothing was counted yet");
    let mut counts: Vec<(&String, &Count)> = figures.counters.iter().collect();
    match order {
        Order::Worst => {
            counts.sort_by_key(|(_, count)| (Reverse(count.lost), Reverse(count.grew), Reverse(count.total)))
        }
        Order::Busiest => counts.sort_by(|(_, a), (_, b)| b.rate.total_cmp(&a.rate)),
        _ => {}
    }
    for (label, count) in counts {
        let new = count.grew.is_some_and(|grew| figures.now.saturating_sub(grew) < super::figures::LATELY);
        let tone = match (count.lost, new) {
            (true, true) => Tone::Bad,
            (true, false) => Tone::Warn,
            (false, _) => Tone::Plain,
        };
        table.row([
            Cell::new(plain(label), tone),
            Cell::from(if count.rate >= 0.05 { rate(count.rate) } else { "-".to_owned() }),
            Cell::from(if count.grown > 0 { format!("+{}", grouped(count.grown)) } else { "-".to_owned() }),
            Cell::new(grouped(count.total), Tone::Strong),
            Cell::new(count.grew.map_or("-".to_owned(), |grew| ago(figures.now.saturating_sub(grew))), Tone::Faint),
        ]);
    }
    table
}

/// A rate, with a tenth where that says something.
pub(super) fn rate(rate: f64) -> String {
    if rate < 99.95 { format!("{rate:.1}") } else { grouped(rate.round() as u64) }
}
