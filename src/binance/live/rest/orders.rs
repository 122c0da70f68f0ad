//! Purpose: polls of routes turned on and off while the source runs. Owns: what was said and not heard yet.
//! Thread: any (cold): one lock, taken for no frame. Takes and gives: names. Never: keeps the REST thread alive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Orders about polls. Whoever holds a clone may order; the last word on a poll holds. All are on at the start.
#[derive(Clone, Debug, Default)]
pub struct PollOrders {
    said: Arc<Mutex<BTreeMap<String, bool>>>,
}

impl PollOrders {
    /// Turns the poll of this name on or off. A name that no poll has changes nothing.
    pub fn turn(&self, name: &str, on: bool) {
        self.lock().insert(name.to_owned(), on);
    }

    /// What was said since the last call.
    pub(super) fn take(&self) -> BTreeMap<String, bool> {
        core::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
