//! Purpose: latency histograms with one writer, read while it goes on writing.
//! Owns: the only use of the histogram crate. Thread: the recorder on one, its reader on any other (cold).
//! Takes and gives: nanoseconds in, summaries out. Never: locks, allocates or waits on the writer's thread; clamps unseen.
//!
//! The two swap whole histograms: the reader asks, the writer puts its histogram aside with its next record and goes on
//! with an empty one that the reader had left for it. So a record costs the writer one plain load more.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;

use crate::sync::{Arc, AtomicBool, Ordering};

/// The longest latency told apart, ns: 60 s. Longer ones are recorded as this and counted as clamped.
pub const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// How finely a histogram tells values apart (architecture, section 7: three digits a hop, two below that).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// 1 in 100.
    Two,
    /// 1 in 1,000.
    Three,
}

fn empty(digits: Digits) -> Box<Histogram<u64>> {
    let digits = if digits == Digits::Two { 2 } else { 3 };
    // Constant bounds: the crate refuses only a low bound of 0, a high one below twice the low, or more than 5 digits.
    Box::new(Histogram::new_with_bounds(1, LATENCY_NS_MAX, digits).expect("constant bounds are valid"))
}

#[derive(Debug)]
struct Exchange {
    wanted: AtomicBool,
    table: Mutex<Table>,
}

/// What lies between the two. The writer never waits for it: it tries, and comes again with its next record.
#[derive(Debug, Default)]
struct Table {
    spare: Option<Box<Histogram<u64>>>,
    full: Option<Box<Histogram<u64>>>,
}

impl Exchange {
    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing can panic while it is held.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writing end. Not `Clone`: one writer.
#[derive(Debug)]
pub struct LatencyRecorder {
    active: Box<Histogram<u64>>,
    digits: Digits,
    exchange: Arc<Exchange>,
}

/// The reading end.
#[derive(Debug)]
pub struct LatencyReader {
    total: Box<Histogram<u64>>,
    exchange: Arc<Exchange>,
}

/// What a histogram says. Latencies in ns, each the largest value that the histogram cannot tell from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySummary {
    /// How many were recorded.
    pub count: u64,
    /// The least.
    pub min_ns: u64,
    /// Half of them are at most this.
    pub p50_ns: u64,
    /// 90 in 100 are at most this.
    pub p90_ns: u64,
    /// 95 in 100 are at most this.
    pub p95_ns: u64,
    /// 99 in 100 are at most this.
    pub p99_ns: u64,
    /// 999 in 1,000 are at most this.
    pub p999_ns: u64,
    /// The greatest.
    pub max_ns: u64,
    /// The greatest of those that are new since the call before; 0 when none are.
    pub newest_max_ns: u64,
}

/// A recorder and its reader. Allocates three histograms here and none later.
pub fn latency_histogram(digits: Digits) -> (LatencyRecorder, LatencyReader) {
    let table = Table { spare: Some(empty(digits)), full: None };
    let exchange = Arc::new(Exchange { wanted: AtomicBool::new(false), table: Mutex::new(table) });
    let recorder = LatencyRecorder { active: empty(digits), digits, exchange: Arc::clone(&exchange) };
    (recorder, LatencyReader { total: empty(digits), exchange })
}

impl LatencyRecorder {
    /// Records a latency in ns. `false` when it was above [`LATENCY_NS_MAX`] and clamped: the caller counts that.
    #[inline]
    pub fn record(&mut self, latency_ns: u64) -> bool {
        // Within the bounds it cannot fail.
        let _ = self.active.record(latency_ns.min(LATENCY_NS_MAX));
        // Relaxed: a wish; what is swapped goes by way of the table's lock, which orders it.
        if self.exchange.wanted.load(Ordering::Relaxed) {
            self.hand_over();
        }
        latency_ns <= LATENCY_NS_MAX
    }

    #[cold]
    fn hand_over(&mut self) {
        let Ok(mut table) = self.exchange.table.try_lock() else { return };
        // Relaxed: see `record`.
        self.exchange.wanted.store(false, Ordering::Relaxed);
        if let Some(spare) = table.spare.take() {
            table.full = Some(std::mem::replace(&mut self.active, spare));
        }
    }
}

impl Drop for LatencyRecorder {
    fn drop(&mut self) {
        let last = std::mem::replace(&mut self.active, empty(self.digits));
        let mut table = self.exchange.lock();
        match &mut table.full {
            // The same bounds: adding cannot fail.
            Some(full) => _ = full.add(&*last),
            none => *none = Some(last),
        }
    }
}

impl LatencyReader {
    /// What was recorded so far, up to the record with which the writer saw the last call of this; all of it once the
    /// recorder is dropped. So the first call says nothing yet, and one a report is enough.
    pub fn summary(&mut self) -> LatencySummary {
        let full = self.exchange.lock().full.take();
        let newest_max_ns = full.as_ref().filter(|full| !full.is_empty()).map_or(0, |full| full.max());
        if let Some(mut full) = full {
            // The same bounds: adding cannot fail.
            let _ = self.total.add(&*full);
            full.reset();
            self.exchange.lock().spare = Some(full);
        }
        // Relaxed: see `LatencyRecorder::record`.
        self.exchange.wanted.store(true, Ordering::Relaxed);
        LatencySummary { newest_max_ns, ..summarise(&self.total) }
    }
}

fn summarise(total: &Histogram<u64>) -> LatencySummary {
    if total.is_empty() {
        return LatencySummary::default();
    }
    LatencySummary {
        count: total.len(),
        min_ns: total.min(),
        p50_ns: total.value_at_quantile(0.5),
        p90_ns: total.value_at_quantile(0.9),
        p95_ns: total.value_at_quantile(0.95),
        p99_ns: total.value_at_quantile(0.99),
        p999_ns: total.value_at_quantile(0.999),
        max_ns: total.max(),
        newest_max_ns: 0,
    }
}

/// A histogram of one thread that records and reads: for what is rare.
#[derive(Debug)]
pub struct LatencyTally(Box<Histogram<u64>>);

impl LatencyTally {
    /// Without a record.
    pub fn new(digits: Digits) -> LatencyTally {
        LatencyTally(empty(digits))
    }

    /// Records a latency in ns; one above [`LATENCY_NS_MAX`] counts as that.
    pub fn record(&mut self, latency_ns: u64) {
        // Within the bounds it cannot fail.
        let _ = self.0.record(latency_ns.min(LATENCY_NS_MAX));
    }

    /// What was recorded so far; nothing is newest.
    pub fn summary(&self) -> LatencySummary {
        summarise(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_once_however_often_it_is_swapped() {
        for digits in [Digits::Two, Digits::Three] {
            let (mut recorder, mut reader) = latency_histogram(digits);
            assert_eq!(reader.summary(), LatencySummary::default());
            for value in 1..=1_000 {
                assert!(recorder.record(value));
                if value % 7 == 0 {
                    assert!(reader.summary().count <= value);
                }
            }
            drop(recorder);
            let summary = reader.summary();
            assert_eq!((summary.count, summary.min_ns), (1_000, 1));
            assert!((500..=504).contains(&summary.p50_ns), "{summary:?}");
            assert_eq!(reader.summary(), LatencySummary { newest_max_ns: 0, ..summary });
        }
    }

    #[test]
    fn a_latency_above_the_bound_is_clamped_and_said_to_be() {
        let (mut recorder, mut reader) = latency_histogram(Digits::Three);
        assert!(recorder.record(0));
        assert!(recorder.record(LATENCY_NS_MAX));
        assert!(!recorder.record(LATENCY_NS_MAX + 1));
        assert!(!recorder.record(u64::MAX));
        drop(recorder);
        let summary = reader.summary();
        let mut tally = LatencyTally::new(Digits::Three);
        [0, LATENCY_NS_MAX, LATENCY_NS_MAX + 1, u64::MAX].into_iter().for_each(|value| tally.record(value));
        let same = LatencySummary { newest_max_ns: 0, ..summary };
        assert_eq!(tally.summary(), same, "one thread or two, the figures are the same");
        assert_eq!((summary.count, summary.min_ns), (4, 0));
        assert!(summary.max_ns >= LATENCY_NS_MAX && summary.max_ns < LATENCY_NS_MAX + LATENCY_NS_MAX / 900);
    }

    #[test]
    fn a_reader_on_another_thread_loses_nothing() {
        let (mut recorder, mut reader) = latency_histogram(Digits::Two);
        let writer = std::thread::spawn(move || (0..200_000).for_each(|n| _ = recorder.record(n % 1_000)));
        let mut last = 0;
        while !writer.is_finished() {
            let count = reader.summary().count;
            assert!(count >= last);
            last = count;
        }
        writer.join().unwrap();
        assert_eq!(reader.summary().count, 200_000);
    }

    #[test]
    fn the_newest_are_told_apart_from_all() {
        let (mut recorder, mut reader) = latency_histogram(Digits::Three);
        let mut newest = |values: &[u64]| {
            // The first value is recorded with the wish of the call before; with it the rest is handed over next time.
            values.iter().for_each(|value| assert!(recorder.record(*value)));
            let summary = reader.summary();
            (summary.max_ns, summary.newest_max_ns)
        };
        assert_eq!(newest(&[900]), (0, 0), "nobody had asked");
        assert_eq!(newest(&[5]), (900, 900));
        assert_eq!(newest(&[7]), (900, 7));
        assert_eq!(newest(&[]), (900, 0));
    }
}
