//! Purpose: how many books are of which quality, for whoever shows it while the run goes on.
//! Owns: a count a quality. Thread: conductors write where a quality changes, any thread reads. Takes and gives: counts.
//! Never: written for a frame that changes no quality.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::schema::quality::Quality;

const QUALITIES: usize = Quality::NAMES.len();

/// Books by quality. Clones are the same; the conductors of all shards share one.
#[derive(Clone, Debug, Default)]
pub struct BookTally {
    counts: Arc<[AtomicU64; QUALITIES]>,
}

impl BookTally {
    /// A book's quality was announced: `from` is the one announced before, if any was.
    pub(super) fn turned(&self, from: Option<Quality>, to: Quality) {
        // Relaxed: counts for people; each is whole.
        if let Some(from) = from {
            self.counts[from as usize].fetch_sub(1, Ordering::Relaxed);
        }
        self.counts[to as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The names of qualities that some book has, with how many have it.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        // Relaxed: see `turned`.
        let count = |at: usize| self.counts[at].load(Ordering::Relaxed);
        (0..QUALITIES).map(|at| (Quality::NAMES[at], count(at))).filter(|(_, count)| *count > 0).collect()
    }
}
