//! Purpose: the connections that are served now. Owns: their number, and a handle to end each. Thread: any, behind a lock
//! (cold). Takes and gives: sockets in, places out. Never: has more places than its bound.

use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::socket::Raw;

/// Places for connections.
#[derive(Clone, Debug)]
pub(super) struct Guests {
    places: Arc<Mutex<Vec<Option<Raw>>>>,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    guests: Guests,
    at: usize,
}

impl Guests {
    pub(super) fn new(places: usize) -> Guests {
        Guests { places: Arc::new(Mutex::new((0..places).map(|_| None).collect())) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Raw>>> {
        // Each change is one assignment: a panic leaves nothing half done.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection; `None` when all are taken, or the socket cannot be held on to.
    pub(super) fn seat(&self, raw: &Raw) -> Option<Place> {
        let mut places = self.lock();
        let at = places.iter().position(Option::is_none)?;
        places[at] = Some(raw.try_clone().ok()?);
        Some(Place { guests: self.clone(), at })
    }

    /// How many places are taken.
    pub(super) fn count(&self) -> usize {
        self.lock().iter().flatten().count()
    }

    /// Ends one direction or both of every connection.
    pub(super) fn shut(&self, how: Shutdown) {
        self.lock().iter().flatten().for_each(|raw| raw.shutdown(how));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guests.lock()[self.at] = None;
    }
}
