//! Purpose: what connections have to say: to the books in sequence, to the board, to the counters.
//! Owns: the notices that wait to be told. Thread: the io thread (cold). Takes and gives: plain data.
//! Never: decides anything.

use std::collections::VecDeque;

use super::board::Board;
use super::cause::Cause;
use super::leg::Leg;
use super::news::{LiveNews, NewsFeed};
use super::note::Note;
use super::subscription::{StreamChange, Subscriptions};
use crate::schema::id::ConnectionId;
use crate::telemetry::{Counter, Counts};

/// What is told of a connection.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// It came; whether it is the first of its leg.
    Up { first: bool },
    /// It went.
    Down(Cause),
    /// It feeds the book of this symbol from here on.
    Feeds(String),
}

/// Word of a connection, to be told in its place among the frames.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) connection: ConnectionId,
    pub(super) number: u64,
    pub(super) told: Told,
}

/// Tells.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) board: Board,
    pub(super) counts: Counts,
    notices: VecDeque<Notice>,
    /// For whoever commands.
    news: Option<NewsFeed>,
    /// Changes that are told now; kept for its memory.
    changes: Vec<(Box<str>, StreamChange)>,
}

impl Teller {
    /// To this board, counting on this sheet.
    pub(super) const fn new(board: Board, counts: Counts, news: Option<NewsFeed>) -> Teller {
        Teller { board, counts, notices: VecDeque::new(), news, changes: Vec::new() }
    }

    /// Tells what changed in a connection's streams. Of one that is to take over, that it asks is no news.
    pub(super) fn streams(&mut self, subscriptions: &mut Subscriptions, serves: bool) {
        let Some(news) = &self.news else { return };
        subscriptions.take_changes(&mut self.changes);
        if self.changes.is_empty() {
            return;
        }
        let told = self.changes.drain(..).filter(|(_, change)| serves || *change != StreamChange::Requested);
        if !news.tell(told.map(|(name, change)| LiveNews::Stream(name, change))) {
            self.board.note_once("news", Note::NewsLost);
        }
    }

    /// Tells one change of several streams.
    pub(super) fn all<'n>(&self, names: impl Iterator<Item = &'n str>, change: StreamChange) {
        if let Some(news) = &self.news
            && !news.tell(names.map(|name| LiveNews::Stream(name.into(), change)))
        {
            self.board.note_once("news", Note::NewsLost);
        }
    }

    /// The next notice to be told among the frames.
    pub(super) fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// A connection came.
    pub(super) fn up(&mut self, connection: ConnectionId, number: u64, first: bool) {
        self.counts.add(Counter::ConnectionsUp, 1);
        self.notices.push_back(Notice { connection, number, told: Told::Up { first } });
    }

    /// A connection that had opened went.
    pub(super) fn down(&mut self, connection: ConnectionId, number: u64, cause: Cause) {
        self.counts.add(Counter::ConnectionsDown, 1);
        self.notices.push_back(Notice { connection, number, told: Told::Down(cause) });
    }

    /// A connection feeds the book of a symbol from here on.
    pub(super) fn feeds(&mut self, connection: ConnectionId, number: u64, symbol: String) {
        self.notices.push_back(Notice { connection, number, told: Told::Feeds(symbol) });
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
