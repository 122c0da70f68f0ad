//! Purpose: what connections have to say: to the books in sequence, to the board, to the counters.
//! Owns: the notices that wait to be told. Thread: the io thread (cold). Takes and gives: plain data.
//! Never: decides anything.

use std::collections::VecDeque;

use super::board::Board;
use super::cause::Cause;
use super::leg::Leg;
use super::note::Note;
use crate::schema::id::ConnectionId;
use crate::telemetry::{Counter, Counts};

/// "A connection came or went", to be told in its place among the frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice {
    pub(super) connection: ConnectionId,
    pub(super) number: u64,
    /// `None`: it came.
    pub(super) down: Option<Cause>,
    /// Whether it is the first of its leg.
    pub(super) first: bool,
}

/// Tells.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) board: Board,
    pub(super) counts: Counts,
    notices: VecDeque<Notice>,
}

impl Teller {
    /// To this board, counting on this sheet.
    pub(super) const fn new(board: Board, counts: Counts) -> Teller {
        Teller { board, counts, notices: VecDeque::new() }
    }

    /// The next notice to be told among the frames.
    pub(super) fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// A connection came.
    pub(super) fn up(&mut self, connection: ConnectionId, number: u64, first: bool) {
        self.counts.add(Counter::ConnectionsUp, 1);
        self.notices.push_back(Notice { connection, number, down: None, first });
    }

    /// A connection that had opened went.
    pub(super) fn down(&mut self, connection: ConnectionId, number: u64, cause: Cause) {
        self.counts.add(Counter::ConnectionsDown, 1);
        self.notices.push_back(Notice { connection, number, down: Some(cause), first: false });
    }

    /// A leg has lost its connection, or could not open one.
    pub(super) fn failure(&mut self, leg: &Leg, cause: Cause, wait: u64, had_opened: bool) {
        let (connection, retry_ms) = (leg.place.number, wait / 1_000_000);
        self.board.note(match had_opened {
            true => Note::Down { connection, cause, retry_ms },
            false => Note::Failed { connection, cause, retry_ms },
        });
        if leg.active.is_none() {
            self.show(leg, false, format!("{cause}; again in {retry_ms} ms"));
        }
    }

    /// Shows how a leg does.
    pub(super) fn show(&self, leg: &Leg, open: bool, state: String) {
        self.board.connection(leg.place.number, |view| (view.open, view.state) = (open, state));
    }
}
