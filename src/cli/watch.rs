//! Purpose: ends a run on time while the main thread waits for a slow reader of its output.
//! Owns: a sleepy thread, only where there is such an output. Thread: its own. Takes and gives: nothing in; the source's end.
//! Never: takes events from the reader: what was published is still written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::exit::{Cause, Failed};
use super::log::{Aside, Entry, Event};
use super::session::Until;
use crate::agent::Shutdown;

/// How often it looks: short beside what a person notices.
const INTERVAL: Duration = Duration::from_millis(20);
/// How long the rest of a run may take before a person is told what it waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread; it ends when this is dropped.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts it: when `until` is over it asks `stop` to end the source. What it then waits for it tells `aside`.
    pub(super) fn start(until: Until, since: Instant, stop: Shutdown, aside: Aside) -> Result<Watch, Failed> {
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let watch = move || {
            // Relaxed: the flag carries no data.
            let is_ended = || ended.load(Ordering::Relaxed);
            while !is_ended() && !until.is_over(since) {
                std::thread::park_timeout(INTERVAL);
            }
            stop.request();
            let asked = Instant::now();
            // Asking is also how a signal is heard, so that the next one ends the program.
            let wait_for = |span: Duration| {
                while !is_ended() && asked.elapsed() < span {
                    until.is_over(since);
                    std::thread::park_timeout(INTERVAL);
                }
            };
            wait_for(PATIENCE);
            if !is_ended() {
                let message = "stopping; the last events wait for their reader, a second signal ends this without them";
                aside.tell(&Entry::new(Event::ReaderSlow, message));
            }
            wait_for(Duration::MAX);
        };
        let spawned = std::thread::Builder::new().name("meltica-watch".to_owned()).spawn(watch);
        let thread = spawned.map_err(|e| Failed::new(Cause::System, format!("the system refused a thread: {e}")))?;
        Ok(Watch { over, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It holds nothing that could fail.
            let _ = thread.join();
        }
    }
}
