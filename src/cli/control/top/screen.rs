//! Purpose: what a person did to the screen: which pane, which row, in which order, whether time stands still.
//! Owns: it, and the figures that are shown. Thread: main. Takes and gives: what keys mean in, whether to go on out.
//! Never: knows of a terminal.

use std::time::Duration;

use super::figures::Figures;
use super::news::News;

/// The four panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pane {
    #[default]
    Books,
    Latency,
    Flow,
    Counters,
}

impl Pane {
    pub(super) const ALL: [Pane; 4] = [Pane::Books, Pane::Latency, Pane::Flow, Pane::Counters];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Pane::Books => "Books",
            Pane::Latency => "Latency",
            Pane::Flow => "Flow",
            Pane::Counters => "Counters",
        }
    }

    /// In which orders its rows can stand.
    pub(super) const fn orders(self) -> &'static [Order] {
        match self {
            Pane::Books => &[Order::Name, Order::Worst, Order::Busiest, Order::Oldest],
            Pane::Latency => &[Order::Walk, Order::Slowest, Order::Busiest],
            Pane::Flow => &[Order::Walk, Order::Worst],
            Pane::Counters => &[Order::Worst, Order::Busiest, Order::Name],
        }
    }
}

/// An order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    Worst,
    Busiest,
    Oldest,
    Walk,
    Slowest,
}

impl Order {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Order::Name => "name",
            Order::Worst => "worst first",
            Order::Busiest => "busiest first",
            Order::Oldest => "oldest first",
            Order::Walk => "as frames go",
            Order::Slowest => "slowest first",
        }
    }
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Quit,
    /// Rows down, or up.
    Move(isize),
    First,
    Last,
    Show(Pane),
    /// Panes forth, or back.
    Turn(isize),
    /// One pane alone, or all that fit.
    Zoom,
    Pause,
    Sort,
    Help,
    /// Nothing but that the terminal has another size.
    Resize,
}

/// What is shown and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    pub(super) pane: Pane,
    pub(super) zoomed: bool,
    pub(super) help: bool,
    figures: Figures,
    /// As they were when time was stopped.
    frozen: Option<Box<Figures>>,
    rows: [usize; 4],
    orders: [usize; 4],
    /// How wide columns were, since the size or the pane was another.
    widths: [Vec<usize>; 4],
}

impl Screen {
    /// Takes in news that came at `now`.
    pub(super) fn take(&mut self, news: News, now: Duration) {
        self.figures.take(news, now);
    }

    /// Time goes on.
    pub(super) fn tick(&mut self, now: Duration) {
        self.figures.tick(now);
    }

    /// Does what a key means; whether to go on.
    pub(super) fn act(&mut self, act: Act) -> bool {
        if matches!(act, Act::Resize | Act::Show(_) | Act::Turn(_) | Act::Zoom) {
            self.widths = Default::default();
        }
        // No key was pressed: the help stays.
        let helps = act != Act::Resize && std::mem::take(&mut self.help);
        let row = &mut self.rows[self.pane as usize];
        match act {
            // Whatever shows the help away does nothing else.
            Act::Quit if helps => {}
            Act::Quit => return false,
            Act::Move(by) => *row = row.saturating_add_signed(by),
            Act::First => *row = 0,
            Act::Last => *row = usize::MAX,
            Act::Show(pane) => self.pane = pane,
            Act::Turn(by) => {
                let panes = Pane::ALL.len() as isize;
                self.pane = Pane::ALL[(self.pane as isize + by).rem_euclid(panes) as usize];
            }
            Act::Zoom => self.zoomed = !self.zoomed,
            Act::Pause if self.frozen.is_some() => self.frozen = None,
            Act::Pause => self.frozen = Some(Box::new(self.figures.clone())),
            Act::Sort => {
                let order = &mut self.orders[self.pane as usize];
                *order = (*order + 1) % self.pane.orders().len();
            }
            Act::Help => self.help = !helps,
            Act::Resize => {}
        }
        true
    }

    pub(super) fn is_paused(&self) -> bool {
        self.frozen.is_some()
    }

    /// What is known now, whether time stands still or not.
    pub(super) fn live(&self) -> &Figures {
        &self.figures
    }

    /// What is to be seen in tables: what is known now, or was when time was stopped.
    pub(super) fn figures(&self) -> &Figures {
        self.frozen.as_deref().unwrap_or(&self.figures)
    }

    pub(super) fn order(&self, pane: Pane) -> Order {
        pane.orders()[self.orders[pane as usize]]
    }

    /// How wide a pane's columns are known to be.
    pub(super) fn widths(&mut self, pane: Pane) -> &mut Vec<usize> {
        &mut self.widths[pane as usize]
    }

    /// The row that is marked, of so many; rows that have gone are given up.
    pub(super) fn row(&mut self, pane: Pane, rows: usize) -> usize {
        let row = &mut self.rows[pane as usize];
        *row = (*row).min(rows.saturating_sub(1));
        *row
    }
}
