//! How full an SPSC ring is, for whoever is neither of its halves.
//!
//! Owns: a share of the ring. Thread: any. Takes and gives: counts out.
//! Never: a record, or anything that the two halves would have to wait for.

use core::fmt;

use super::shared::Shared;
use crate::sync::{Arc, Ordering};

/// Looks at a ring from outside.
#[derive(Clone)]
pub struct Gauge {
    shared: Arc<Shared>,
}

impl Gauge {
    pub(super) fn new(shared: Arc<Shared>) -> Gauge {
        Gauge { shared }
    }

    /// The size of the ring in words.
    pub fn capacity_words(&self) -> usize {
        self.shared.words.capacity()
    }

    /// Words that wait for the consumer, headers and padding with them; as good as two cursors read one after the other.
    pub fn used_words(&self) -> usize {
        // Relaxed both: a count for people; no word of the buffer is touched on its strength. Either may be seen ahead of the
        // other's moment: what comes out below nothing or above the ring is cut to it.
        let head = self.shared.head.load(Ordering::Relaxed);
        let tail = self.shared.tail.load(Ordering::Relaxed);
        usize::try_from(tail.wrapping_sub(head) as i64).unwrap_or(0).min(self.capacity_words())
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauge").field("used", &self.used_words()).field("capacity", &self.capacity_words()).finish()
    }
}
