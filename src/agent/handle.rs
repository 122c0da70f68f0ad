//! Purpose: the engine's end of a runner: ask it to stop, look at its counts, hear how it ended.
//! Owns: the join handle of a thread. Thread: the engine's. Takes and gives: requests and reports.
//! Never: kills a thread; a handle that is dropped leaves its thread running.

use std::sync::Arc;
use std::thread::{JoinHandle, Thread};

use crossbeam_utils::CachePadded;

use super::failure::StagePanicked;
use super::placement::Placement;
use super::shutdown::Shutdown;
use crate::sync::{AtomicU64, Ordering};

/// Duty cycles so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DutyCounts {
    /// Cycles that did work.
    pub busy: u64,
    /// Cycles that found none.
    pub idle: u64,
    /// Sum of the work counts, in the agent's own unit.
    pub work: u64,
}

/// Why a runner ended without a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The agent said that it was done.
    Done,
    /// A stop was asked for and the agent had no work left.
    Drained,
    /// A stop was asked for and the agent still had work when the bound on draining was reached.
    Undrained,
}

/// How a runner ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentReport {
    /// Name of the runner.
    pub name: String,
    /// Where it ran.
    pub placement: Placement,
    /// Its duty cycles, those of the drain included.
    pub duty: DutyCounts,
    /// Why it ended.
    pub ended: Ended,
}

/// Counts that one thread writes and others read.
#[derive(Debug, Default)]
pub(super) struct SharedCounts {
    counts: CachePadded<[AtomicU64; 3]>,
}

impl SharedCounts {
    /// By the one writer.
    #[inline]
    pub(super) fn publish(&self, counts: &DutyCounts) {
        let [busy, idle, work] = &*self.counts;
        // Relaxed, no partner: each is a number to report, nothing hangs on their order.
        busy.store(counts.busy, Ordering::Relaxed);
        idle.store(counts.idle, Ordering::Relaxed);
        work.store(counts.work, Ordering::Relaxed);
    }

    fn read(&self) -> DutyCounts {
        let [busy, idle, work] = &*self.counts;
        // Relaxed, no partner, as in `publish`.
        DutyCounts {
            busy: busy.load(Ordering::Relaxed),
            idle: idle.load(Ordering::Relaxed),
            work: work.load(Ordering::Relaxed),
        }
    }
}

/// A running agent.
#[derive(Debug)]
pub struct Handle {
    pub(super) name: String,
    pub(super) placement: Placement,
    pub(super) shutdown: Shutdown,
    pub(super) counts: Arc<SharedCounts>,
    pub(super) thread: JoinHandle<Result<AgentReport, StagePanicked>>,
}

impl Handle {
    /// Name of the runner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its thread runs; to be told when degraded.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Duty cycles so far.
    pub fn duty(&self) -> DutyCounts {
        self.counts.read()
    }

    /// The thread, to unpark it.
    pub fn thread(&self) -> &Thread {
        self.thread.thread()
    }

    /// Whether the thread has ended, by whatever cause.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Asks the runner to drain and end, and wakes it if it is parked. Every runner with the same [`Shutdown`] is asked.
    pub fn stop(&self) {
        self.shutdown.request();
        self.thread.thread().unpark();
    }

    /// Waits for the end of the thread.
    ///
    /// # Errors
    /// [`StagePanicked`] when the agent panicked.
    pub fn join(self) -> Result<AgentReport, StagePanicked> {
        let name = self.name;
        // The runner catches its agent's panics; what gets past it is the runner's own, and still has a name.
        self.thread.join().unwrap_or_else(|payload| Err(StagePanicked::caught(&name, &*payload)))
    }
}

/// Stops runners one after the other, upstream first: each has drained and ended before the next is asked, so what one
/// hands on the next still takes. Needs a [`Shutdown`] of its own for each.
pub fn stop_in_order(upstream_first: Vec<Handle>) -> Vec<Result<AgentReport, StagePanicked>> {
    upstream_first
        .into_iter()
        .map(|handle| {
            handle.stop();
            handle.join()
        })
        .collect()
}
