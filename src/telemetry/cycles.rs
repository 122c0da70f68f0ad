//! Purpose: how long duty cycles take. Owns: the cells of each thread. Thread: one writer a thread, any reader.
//! Takes and gives: the ends of cycles in, counts out. Never: a locked instruction, more than one reading of the clock a cycle.

use super::clock::Clock;
use crate::agent::CycleMeter;
use crate::schema::latency::AgentView;
use crate::sync::{Arc, AtomicU64, Ordering};

/// What one thread has written, for others to read.
#[derive(Debug)]
pub(super) struct CycleCells {
    name: String,
    threshold_ns: u64,
    cycles: AtomicU64,
    busy: AtomicU64,
    max_ns: AtomicU64,
    over: AtomicU64,
}

impl CycleCells {
    pub(super) fn new(name: &str, threshold_ns: u64) -> CycleCells {
        let zero = || AtomicU64::new(0);
        CycleCells { name: name.to_owned(), threshold_ns, cycles: zero(), busy: zero(), max_ns: zero(), over: zero() }
    }

    pub(super) fn view(&self) -> AgentView {
        // Relaxed, no partner: each is a number to report, nothing hangs on their order.
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        AgentView {
            name: self.name.clone(),
            cycles: read(&self.cycles),
            busy: read(&self.busy),
            cycle_ns_max: read(&self.max_ns),
            cycles_over: read(&self.over),
            threshold_ns: self.threshold_ns,
        }
    }
}

/// Measures the cycles of one thread, its only writer. A cycle lasts from the end of the one before it, or of the pause behind
/// that, to its own end: one reading of the clock.
#[derive(Debug)]
pub struct CycleClock {
    clock: Clock,
    cells: Arc<CycleCells>,
    from_ns: u64,
}

impl CycleClock {
    pub(super) fn new(clock: Clock, cells: Arc<CycleCells>) -> CycleClock {
        let from_ns = clock.now_ns();
        CycleClock { clock, cells, from_ns }
    }

    #[inline]
    fn ended(&mut self, now_ns: u64, busy: bool) {
        let took = now_ns.saturating_sub(core::mem::replace(&mut self.from_ns, now_ns));
        // Relaxed all, no partner: one writer, and see `CycleCells::view`.
        let add = |cell: &AtomicU64, n: u64| cell.store(cell.load(Ordering::Relaxed) + n, Ordering::Relaxed);
        add(&self.cells.cycles, 1);
        add(&self.cells.busy, u64::from(busy));
        if took > self.cells.max_ns.load(Ordering::Relaxed) {
            self.cells.max_ns.store(took, Ordering::Relaxed);
        }
        add(&self.cells.over, u64::from(took > self.cells.threshold_ns));
    }
}

impl CycleMeter for CycleClock {
    #[inline]
    fn resume(&mut self) {
        self.from_ns = self.clock.now_ns();
    }

    #[inline]
    fn cycle(&mut self, busy: bool) {
        self.ended(self.clock.now_ns(), busy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_stays_and_each_over_the_threshold_counts() {
        let cells = Arc::new(CycleCells::new("io", 100));
        let mut meter = CycleClock::new(Clock::default(), Arc::clone(&cells));
        meter.from_ns = 1_000;
        for (now, busy) in [(1_050, true), (1_150, false), (1_251, true), (1_252, false)] {
            meter.ended(now, busy);
        }
        // A pause is part of no cycle.
        meter.from_ns = 5_000;
        meter.ended(5_010, false);
        let view = cells.view();
        assert_eq!((view.cycles, view.busy, view.cycle_ns_max, view.cycles_over), (5, 2, 101, 1));
        assert_eq!((view.name.as_str(), view.threshold_ns), ("io", 100));
    }
}
