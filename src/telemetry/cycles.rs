//! Purpose: how long duty cycles take. Owns: the cells of each thread. Thread: one writer a thread, any reader.
//! Takes and gives: the ends of cycles in, counts out. Never: a locked instruction, more than one reading of the clock a cycle and one a pause.

use super::clock::Clock;
use crate::agent::{CycleMeter, DutyCounts};
use crate::schema::latency::AgentView;
use crate::sync::{Arc, AtomicU64, Ordering};

/// What one thread has written, for others to read.
#[derive(Debug)]
pub(super) struct CycleCells {
    name: String,
    threshold_ns: u64,
    busy: AtomicU64,
    idle: AtomicU64,
    max_ns: AtomicU64,
    over: AtomicU64,
}

impl CycleCells {
    pub(super) fn new(name: &str, threshold_ns: u64) -> CycleCells {
        let zero = || AtomicU64::new(0);
        CycleCells { name: name.to_owned(), threshold_ns, busy: zero(), idle: zero(), max_ns: zero(), over: zero() }
    }

    pub(super) fn view(&self) -> AgentView {
        // Relaxed, no partner: each is a number to report, nothing hangs on their order.
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let busy = read(&self.busy);
        AgentView {
            name: self.name.clone(),
            cycles: busy + read(&self.idle),
            busy,
            cycle_ns_max: read(&self.max_ns),
            cycles_over: read(&self.over),
            threshold_ns: self.threshold_ns,
        }
    }
}

/// Measures the cycles of one thread, its only writer. A cycle lasts from the end of the one before it, or of the pause behind
/// that, to its own end: one reading of the clock. Differences are of its counter and become nanoseconds where one is told.
#[derive(Debug)]
pub struct CycleClock {
    clock: Clock,
    cells: Arc<CycleCells>,
    threshold: u64,
    from: u64,
    /// The longest so far.
    max: u64,
    /// The lesser of that and the threshold: up to this there is nothing to note.
    short: u64,
}

impl CycleClock {
    pub(super) fn new(clock: Clock, cells: Arc<CycleCells>) -> CycleClock {
        let (threshold, from) = (clock.ns_raw(cells.threshold_ns), clock.raw());
        CycleClock { clock, cells, threshold, from, max: 0, short: 0 }
    }

    #[inline]
    fn ended(&mut self, now: u64, counts: &DutyCounts) {
        // Behind the one before, it is of another core, and what it took is huge: `long` sorts it out.
        let took = now.wrapping_sub(core::mem::replace(&mut self.from, now));
        // Relaxed both, no partner: see `CycleCells::view`.
        self.cells.busy.store(counts.busy, Ordering::Relaxed);
        self.cells.idle.store(counts.idle, Ordering::Relaxed);
        if took > self.short {
            self.long(took);
        }
    }

    /// One over the threshold, or longer than all before it; or of no length, for it ended before it began.
    #[cold]
    fn long(&mut self, took: u64) {
        if took > u64::MAX / 2 {
            return;
        }
        // Relaxed both, no partner: as above.
        if took > self.threshold {
            let over = self.cells.over.load(Ordering::Relaxed);
            self.cells.over.store(over + 1, Ordering::Relaxed);
        }
        if took > self.max {
            self.max = took;
            self.short = took.min(self.threshold);
            self.cells.max_ns.store(self.clock.raw_ns(took), Ordering::Relaxed);
        }
    }
}

impl CycleMeter for CycleClock {
    #[inline]
    fn resume(&mut self) {
        self.from = self.clock.raw();
    }

    #[inline]
    fn cycle(&mut self, counts: &DutyCounts) {
        self.ended(self.clock.raw(), counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_stays_and_each_over_the_threshold_counts() {
        let clock = Clock::default();
        let cells = Arc::new(CycleCells::new("io", 100_000));
        let mut meter = CycleClock::new(clock.clone(), Arc::clone(&cells));
        let us = |us: u64| 1 << 40 | clock.ns_raw(us * 1_000);
        meter.from = us(1_000);
        let counts = |busy, idle| DutyCounts { busy, idle, ..DutyCounts::default() };
        for (now, busy, idle) in [(1_050, 1, 0), (1_149, 1, 1), (1_251, 2, 1), (1_252, 2, 2)] {
            meter.ended(us(now), &counts(busy, idle));
        }
        // A counter that is behind the other core's.
        meter.ended(us(1_252) - 1, &counts(2, 2));
        // A pause is part of no cycle.
        meter.from = us(5_000);
        meter.ended(us(5_010), &counts(2, 3));
        let view = cells.view();
        assert_eq!((view.cycles, view.busy, view.cycles_over), (5, 2, 1));
        assert!(view.cycle_ns_max.abs_diff(102_000) < 1_000, "{view:?}");
        assert_eq!((view.name.as_str(), view.threshold_ns), ("io", 100_000));
    }
}
