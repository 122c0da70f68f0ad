//! Purpose: polls of routes turned on, for which symbols, and off while the source runs. Owns: what was said and not heard yet.
//! Thread: any (cold): one lock, taken for no frame. Takes and gives: names. Never: keeps the REST thread alive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::schema::topic::PollScope;

/// Orders about polls. Whoever holds a clone may order; the last word on a poll holds. All are on at the start, of a source made
/// to be commanded ([`LiveOptions::commanded`](crate::binance::live::LiveOptions::commanded)) off.
#[derive(Clone, Debug, Default)]
pub struct PollOrders {
    said: Arc<Mutex<BTreeMap<String, PollScope>>>,
}

impl PollOrders {
    /// Has the poll of this name run for these symbols. A name that no poll has changes nothing.
    pub fn turn(&self, name: &str, scope: PollScope) {
        self.lock().insert(name.to_owned(), scope);
    }

    /// What was said since the last call.
    pub(super) fn take(&self) -> BTreeMap<String, PollScope> {
        core::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, PollScope>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
