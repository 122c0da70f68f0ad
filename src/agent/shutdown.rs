//! Purpose: the request to stop, shared by whoever asks and whoever must hear.
//! Owns: one flag. Thread: any. Takes and gives: a request, once and for all. Never: is taken back.

use std::sync::Arc;

use crate::sync::{AtomicBool, Ordering};

/// A request to stop. Clones share it. One for each runner lets an engine stop stages in order; one for several stops
/// them together.
#[derive(Clone, Debug)]
pub struct Shutdown {
    requested: Arc<AtomicBool>,
}

impl Shutdown {
    /// Not requested.
    pub fn new() -> Shutdown {
        Shutdown { requested: Arc::new(AtomicBool::new(false)) }
    }

    /// Asks to stop. Asking again changes nothing.
    pub fn request(&self) {
        // Release, partner: Acquire in `is_requested`. What the asker published before is drained after.
        self.requested.store(true, Ordering::Release);
    }

    /// Whether a stop was asked for.
    #[inline]
    pub fn is_requested(&self) -> bool {
        // Acquire, partner: Release in `request`.
        self.requested.load(Ordering::Acquire)
    }
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown::new()
    }
}
