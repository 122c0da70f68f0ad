//! Purpose: sweeps the snapshot store off the data path. Owns: one sleepy thread, only when states have a time to live.
//! Thread: its own. Takes and gives: the clock's time of the sweep. Never: takes a state whose instrument is wanted, or one
//! of a replay: its times are the capture's, and by the clock all of them are long past.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::options::EngineOptions;
use crate::agent::Shutdown;
use crate::directory::Directory;
use crate::schema::instrument::Trading;
use crate::snapshot::{Key, MemoryStore, Sweeper};
use crate::telemetry::Clock;

/// The thread; it ends when this is dropped.
pub(super) struct Caretaker {
    stop: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Caretaker {
    /// Starts it, if there is anything to sweep. Without a thread from the system the store is not swept: it is bounded
    /// all the same.
    pub(super) fn start(
        store: &MemoryStore,
        options: &EngineOptions,
        clock: Clock,
        directory: Arc<Directory>,
    ) -> Option<Caretaker> {
        options.store_ttl.filter(|_| options.live)?;
        let stop = Shutdown::new();
        let (heard, interval) = (stop.clone(), options.sweep_interval);
        let mut sweeper = Sweeper::new(store.clone());
        let sweep = move || {
            while !heard.is_requested() {
                sweeper.sweep(clock.unix_now().0, &|key| is_wanted(&directory, key));
                std::thread::park_timeout(interval);
            }
        };
        let thread = std::thread::Builder::new().name("meltica-sweep".to_owned()).spawn(sweep).ok();
        Some(Caretaker { stop, thread })
    }
}

/// Until commands can unsubscribe, all that the engine carries is wanted, but for what the venue said is halted: a quiet
/// instrument keeps its state however long it is quiet.
fn is_wanted(directory: &Directory, key: &Key) -> bool {
    directory.instrument(key.instrument).is_none_or(|i| i.trading != Trading::Halted)
}

impl Drop for Caretaker {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It holds nothing that could fail; a panic there must not mask how the run ended.
            let _ = thread.join();
        }
    }
}
