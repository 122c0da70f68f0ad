//! Purpose: what is heard of streams and of the venue's list, for whoever commands the source.
//! Owns: a bounded queue. Thread: the io threads write, on cold paths only; one reader. Takes and gives: plain data.
//! Never: written when nobody follows; grows past its bound.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::subscription::StreamChange;

/// Pieces of news that wait at most: some changes for each of as many streams as there may be.
const NEWS_MAX: usize = 1 << 19;

/// What the venue's list of instruments says of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolChange {
    /// It trades.
    Trades,
    /// It is halted.
    Halted,
    /// It is listed no more.
    Dropped,
}

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveNews {
    /// Of a stream, as the venue writes it.
    Stream(Box<str>, StreamChange),
    /// Of a symbol, uppercase.
    Symbol(Box<str>, SymbolChange),
    /// The venue's list has come, and everything on it is known.
    Listing,
}

/// The queue. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct NewsFeed {
    queue: Arc<Mutex<VecDeque<LiveNews>>>,
}

impl NewsFeed {
    fn lock(&self) -> MutexGuard<'_, VecDeque<LiveNews>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds pieces, in order. `false` when there was no room for all.
    pub(super) fn tell(&self, news: impl IntoIterator<Item = LiveNews>) -> bool {
        let mut queue = self.lock();
        for piece in news {
            if queue.len() >= NEWS_MAX {
                return false;
            }
            queue.push_back(piece);
        }
        true
    }

    /// Moves all that waits to `into`.
    pub fn take(&self, into: &mut VecDeque<LiveNews>) {
        into.append(&mut self.lock());
    }
}
