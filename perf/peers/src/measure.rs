//! Purpose: one run in which everything takes turns: a turn of each cell a round, medians over the rounds at the end.
//! Owns: the cells and what they came to. Thread: main. Takes and gives: closures in; figures out.
//! Never: compares two figures of different rounds; keeps a figure's overhead in it.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::support::rooms::Round;

/// How long one turn of a cell that runs on this thread lasts.
const TURN: Duration = Duration::from_millis(3);

/// One thing that is measured: each call is a turn and gives nanoseconds a message.
struct Cell {
    name: String,
    /// The cell whose figure of the same round is taken off: what the round costs without the candidate.
    overhead: Option<String>,
    /// The cell whose turn of the same round brings this one's figure too.
    source: Option<String>,
    turn: Box<dyn FnMut() -> f64>,
    figures: Vec<f64>,
}

impl Cell {
    fn turn(&mut self, is_due: fn(&Cell) -> bool) {
        if is_due(self) {
            let figure = (self.turn)();
            self.figures.push(figure);
        }
    }
}

/// All cells, by name: `group/kind/candidate`.
#[derive(Default)]
pub(crate) struct Run {
    cells: Vec<Cell>,
    index: HashMap<String, usize>,
}

impl Run {
    /// Adds a cell that times itself.
    pub(crate) fn add(&mut self, name: String, overhead: Option<String>, turn: impl FnMut() -> f64 + 'static) {
        self.index.insert(name.clone(), self.cells.len());
        self.cells.push(Cell { name, overhead, source: None, turn: Box::new(turn), figures: Vec::new() });
    }

    /// Adds a cell for a second figure of another cell's turn: it is asked for when that one has had its turn.
    pub(crate) fn add_second(&mut self, name: String, source: String, figure: impl FnMut() -> f64 + 'static) {
        self.add(name, None, figure);
        if let Some(cell) = self.cells.last_mut() {
            cell.source = Some(source);
        }
    }

    /// Adds rounds on this thread, timed by its processor time: what others take of the core is not in it.
    pub(crate) fn add_round(&mut self, name: String, overhead: Option<String>, mut round: Round) {
        let mut rounds = 0;
        self.add(name, overhead, move || {
            if rounds == 0 {
                rounds = calibrated(&mut round);
            }
            // What other cells left in the caches is no part of it.
            repeat(&mut round, rounds.div_ceil(4));
            let before = thread_ns();
            repeat(&mut round, rounds);
            (thread_ns() - before) as f64 / rounds as f64
        });
    }

    /// Leaves only the cells whose name contains one of the texts, and those that they take off or come from.
    pub(crate) fn keep(&mut self, like: &[String]) {
        if like.is_empty() {
            return;
        }
        let wanted = |cell: &Cell| like.iter().any(|text| cell.name.contains(text.as_str()));
        let others = |cell: &Cell| [cell.source.clone(), cell.overhead.clone()];
        let mut needed: Vec<String> = self.cells.iter().filter(|c| wanted(c)).flat_map(others).flatten().collect();
        // What a source takes off in its turn.
        let sources = self.cells.iter().filter(|cell| needed.contains(&cell.name)).filter_map(|c| c.overhead.clone());
        needed.extend(sources.collect::<Vec<_>>());
        self.cells.retain(|cell| wanted(cell) || needed.contains(&cell.name));
        self.index = self.cells.iter().enumerate().map(|(at, cell)| (cell.name.clone(), at)).collect();
    }

    /// Runs all rounds. Each second one goes backwards, so that nobody always follows the same neighbour.
    pub(crate) fn go(&mut self, rounds: usize) {
        let begun = Instant::now();
        for round in 0..rounds {
            let count = self.cells.len();
            for turn in 0..count {
                let at = if round % 2 == 0 { turn } else { count - 1 - turn };
                self.cells[at].turn(|cell| cell.source.is_none());
            }
            self.cells.iter_mut().for_each(|cell| cell.turn(|cell| cell.source.is_some()));
            let seconds = begun.elapsed().as_secs_f64();
            let left = seconds / (round + 1) as f64 * (rounds - round - 1) as f64;
            eprintln!("round {} of {rounds}: {seconds:.0} s, about {left:.0} s left", round + 1);
        }
    }

    /// The names of all cells, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.cells.iter().map(|cell| cell.name.clone()).collect()
    }

    /// A cell's figures without overhead, a round each; `None` when there is no such cell.
    fn figures(&self, name: &str) -> Option<Vec<f64>> {
        let cell = &self.cells[*self.index.get(name)?];
        let Some(overhead) = &cell.overhead else { return Some(cell.figures.clone()) };
        let off = &self.cells[*self.index.get(overhead)?].figures;
        Some(cell.figures.iter().zip(off).map(|(figure, off)| figure - off).collect())
    }

    /// The median of a cell, without its overhead.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        self.figures(name).and_then(median)
    }

    /// The least and the largest quartile of a cell: how far rounds lie apart.
    pub(crate) fn quartiles(&self, name: &str) -> Option<(f64, f64)> {
        let figures = sorted(self.figures(name)?);
        Some((*figures.get(figures.len() / 4)?, *figures.get(figures.len() * 3 / 4)?))
    }

    /// The median of the quotients of two cells, round by round: what slows a whole round down is in both.
    pub(crate) fn ratio(&self, over: &str, under: &str) -> Option<f64> {
        let (over, under) = (self.figures(over)?, self.figures(under)?);
        median(over.iter().zip(&under).filter(|(_, under)| **under > 0.0).map(|(over, under)| over / under).collect())
    }
}

/// How many rounds last a turn.
fn calibrated(round: &mut Round) -> u64 {
    let mut rounds = 16;
    loop {
        let before = thread_ns();
        repeat(round, rounds);
        let spent = thread_ns() - before;
        if spent > 200_000 {
            return (rounds * TURN.as_nanos() as u64 / spent).max(4);
        }
        rounds *= 2;
    }
}

#[inline(never)]
fn repeat(round: &mut Round, rounds: u64) {
    for _ in 0..black_box(rounds) {
        round();
    }
}

/// Processor time of this thread.
pub(crate) fn thread_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The middle one; of two, the upper.
pub(crate) fn median(figures: Vec<f64>) -> Option<f64> {
    let figures = sorted(figures);
    figures.get(figures.len() / 2).copied()
}

fn sorted(mut figures: Vec<f64>) -> Vec<f64> {
    figures.sort_unstable_by(f64::total_cmp);
    figures
}
