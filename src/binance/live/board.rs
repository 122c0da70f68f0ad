//! Purpose: how the live source does, for whoever shows it: connections, streams, what it waits for, notes worth a line.
//! Owns: the board. Thread: the io thread and the REST
//! thread write on cold paths, any thread reads. Takes and gives: plain data.
//! Never: written for a frame; grows past its bound.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::note::Note;
use super::subscription::StreamCounts;

/// Notes kept when nobody reads them; the oldest go first, and are counted.
const NOTES_MAX: usize = 256;

/// How one connection does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionView {
    /// Whether frames may come.
    pub open: bool,
    /// What it does or waits for.
    pub state: String,
    /// Its streams.
    pub streams: StreamCounts,
}

/// How REST does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestView {
    /// Weight used within the last minute, by our count or by what the venue tells of our address, whichever is more.
    pub weight_used: u64,
    /// Weight that we allow ourselves a minute.
    pub weight_max: u64,
    /// Snapshots that wait for their turn.
    pub snapshots_waiting: usize,
    /// What one of them weighs, as deep as it is fetched now.
    pub snapshot_weight: u64,
    /// Milliseconds until so much weight is free as they need, or all of it if they need more.
    pub frees_in_ms: u64,
}

/// How the source does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveView {
    /// Whether exchangeInfo has come.
    pub catalogue: bool,
    /// Instruments whose streams are wanted.
    pub instruments: usize,
    /// The connections.
    pub connections: Vec<ConnectionView>,
    /// How REST does, once it has looked.
    pub rest: Option<RestView>,
}

#[derive(Debug, Default)]
struct Inner {
    view: LiveView,
    notes: VecDeque<Note>,
    notes_missed: u64,
    told: BTreeSet<&'static str>,
}

/// The board.
#[derive(Clone, Debug, Default)]
pub struct Board {
    inner: Arc<Mutex<Inner>>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the source does now.
    pub fn view(&self) -> LiveView {
        self.lock().view.clone()
    }

    /// What happened since the last call, oldest first.
    pub fn take_notes(&self) -> Vec<Note> {
        let mut inner = self.lock();
        let missed = core::mem::take(&mut inner.notes_missed);
        let missed = (missed > 0).then_some(Note::Missed { count: missed });
        missed.into_iter().chain(inner.notes.drain(..)).collect()
    }

    pub(super) fn note(&self, note: Note) {
        let mut inner = self.lock();
        if inner.notes.len() >= NOTES_MAX {
            inner.notes.pop_front();
            inner.notes_missed += 1;
        }
        inner.notes.push_back(note);
    }

    /// A note that is worth a line only once, whichever connection it is of.
    pub(super) fn note_once(&self, about: &'static str, note: Note) {
        if self.lock().told.insert(about) {
            self.note(note);
        }
    }

    pub(super) fn list(&self, instruments: usize) {
        self.lock().view.instruments += instruments;
    }

    /// How many books are wanted, where that is commanded and not listed.
    pub(super) fn wanted(&self, books: usize) {
        self.lock().view.instruments = books;
    }

    pub(super) fn unlist(&self) {
        let instruments = &mut self.lock().view.instruments;
        *instruments = instruments.saturating_sub(1);
    }

    pub(super) fn catalogue(&self) {
        self.lock().view.catalogue = true;
    }

    pub(super) fn rest(&self, view: RestView) {
        self.lock().view.rest = Some(view);
    }

    pub(super) fn connection(&self, at: usize, write: impl FnOnce(&mut ConnectionView)) {
        let connections = &mut self.lock().view.connections;
        if connections.len() <= at {
            connections.resize_with(at + 1, ConnectionView::default);
        }
        write(&mut connections[at]);
    }
}
