//! Purpose: how the live source does, for whoever shows it: connections, streams, what it waits for, lines worth telling.
//! Owns: the board. Thread: the io thread writes on cold paths, any thread reads. Takes and gives: plain data.
//! Never: written for a frame; grows past its bound.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::subscription::StreamCounts;

/// Lines kept when nobody reads them; the oldest go first.
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

/// How the source does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveView {
    /// Whether exchangeInfo has come.
    pub catalogue: bool,
    /// Instruments whose streams are wanted.
    pub instruments: usize,
    /// The connections.
    pub connections: Vec<ConnectionView>,
}

#[derive(Debug, Default)]
struct Inner {
    view: LiveView,
    notes: VecDeque<String>,
    listed: Vec<Box<str>>,
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

    /// Lines since the last call.
    pub fn take_notes(&self) -> Vec<String> {
        self.lock().notes.drain(..).collect()
    }

    /// Symbols that were subscribed since the last call, or whose streams are back after their connection was lost: books of
    /// theirs are to be expected.
    pub fn take_listed(&self) -> Vec<Box<str>> {
        core::mem::take(&mut self.lock().listed)
    }

    pub(super) fn note(&self, text: String) {
        let mut inner = self.lock();
        if inner.notes.len() >= NOTES_MAX {
            inner.notes.pop_front();
        }
        inner.notes.push_back(text);
    }

    pub(super) fn list(&self, symbol: &str) {
        let mut inner = self.lock();
        inner.view.instruments += 1;
        inner.listed.push(symbol.into());
    }

    pub(super) fn back(&self, symbol: &str) {
        self.lock().listed.push(symbol.into());
    }

    pub(super) fn catalogue(&self) {
        self.lock().view.catalogue = true;
    }

    pub(super) fn connection(&self, at: usize, write: impl FnOnce(&mut ConnectionView)) {
        let connections = &mut self.lock().view.connections;
        if connections.len() <= at {
            connections.resize_with(at + 1, ConnectionView::default);
        }
        write(&mut connections[at]);
    }
}
