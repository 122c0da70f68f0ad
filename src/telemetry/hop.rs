//! Purpose: what one thread records of one hop, read while it goes on recording; one writer, one reader.
//! Owns: the two ends, and what lies between them. Thread: the recorder on one, its reader on any other (cold).
//! Takes and gives: nanoseconds in, distributions out. Never: waits or allocates on the writer's thread; clamps unseen.
//!
//! The two swap whole sheets: the reader asks, the writer puts its sheet aside with its next record and goes on
//! with an empty one that the reader had left for it. So a record costs the writer one plain load more; where it hands a sheet over, a
//! lock that it tries, and comes again if it is not free. A sheet's memory is
//! taken from the system as it is first written: latencies that never come take none.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::distributions::Distributions;
use super::sheet::Sheet;
use crate::schema::id::{ConnectionId, TypeId};
use crate::sync::{Arc, AtomicBool, Ordering};

#[derive(Debug)]
struct Exchange {
    wanted: AtomicBool,
    table: Mutex<Table>,
}

/// What lies between the two. The writer never waits for it: it tries, and comes again with its next record.
#[derive(Debug, Default)]
struct Table {
    spare: Option<Box<Sheet>>,
    full: Option<Box<Sheet>>,
    /// What the writer had not handed over when it ended.
    last: Option<Box<Sheet>>,
    ended: bool,
}

impl Exchange {
    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing can panic while it is held.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writing end. Not `Clone`: one writer. Switched off it does nothing.
#[derive(Debug, Default)]
pub struct HopRecorder(Option<Active>);

#[derive(Debug)]
struct Active {
    sheet: Box<Sheet>,
    exchange: Arc<Exchange>,
}

/// A recorder and its reader. Allocates here and not later.
pub(super) fn hop() -> (HopRecorder, HopReader) {
    let table = Table { spare: Some(Sheet::empty()), ..Table::default() };
    let exchange = Arc::new(Exchange { wanted: AtomicBool::new(false), table: Mutex::new(table) });
    let active = Active { sheet: Sheet::empty(), exchange: Arc::clone(&exchange) };
    (HopRecorder(Some(active)), HopReader { known: Distributions::default(), exchange })
}

impl HopRecorder {
    /// One that records nothing.
    pub const fn off() -> HopRecorder {
        HopRecorder(None)
    }

    /// Whether it records.
    #[inline]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Records a latency in ns. `false` when it was above 60 s and clamped: the caller counts that.
    #[inline]
    pub fn record(&mut self, ns: u64, kind: TypeId, connection: ConnectionId) -> bool {
        let Some(active) = &mut self.0 else { return true };
        if !active.sheet.count_common(ns, kind, connection) {
            return active.record_rare(ns, kind, connection);
        }
        active.meet_wish();
        true
    }
}

impl Active {
    #[cold]
    #[inline(never)]
    fn record_rare(&mut self, ns: u64, kind: TypeId, connection: ConnectionId) -> bool {
        let whole = self.sheet.count(ns, kind, connection);
        self.meet_wish();
        whole
    }

    #[inline]
    fn meet_wish(&mut self) {
        // Relaxed: a wish; what is swapped goes by way of the table's lock, which orders it.
        if self.exchange.wanted.load(Ordering::Relaxed) {
            hand_over(&mut self.sheet, &self.exchange);
        }
    }
}

#[cold]
#[inline(never)]
fn hand_over(sheet: &mut Box<Sheet>, exchange: &Exchange) {
    let Ok(mut table) = exchange.table.try_lock() else { return };
    // Relaxed: see `meet_wish`.
    exchange.wanted.store(false, Ordering::Relaxed);
    if let Some(spare) = table.spare.take() {
        table.full = Some(core::mem::replace(sheet, spare));
    }
}

impl Drop for HopRecorder {
    fn drop(&mut self) {
        if let Some(Active { sheet, exchange }) = self.0.take() {
            let mut table = exchange.lock();
            (table.last, table.ended) = (Some(sheet), true);
        }
    }
}

/// The reading end.
#[derive(Debug)]
pub(super) struct HopReader {
    /// What was handed over so far.
    pub(super) known: Distributions,
    exchange: Arc<Exchange>,
}

impl HopReader {
    /// Takes in what was handed over, and asks for what was recorded since. Whether the writer has ended: then it is all there.
    pub(super) fn collect(&mut self) -> bool {
        let (full, last, ended) = {
            let mut table = self.exchange.lock();
            (table.full.take(), table.last.take(), table.ended)
        };
        if let Some(mut full) = full {
            self.known.merge(&mut full);
            self.exchange.lock().spare = Some(full);
        }
        if let Some(mut last) = last {
            self.known.merge(&mut last);
        }
        if ended {
            // Nobody will write it.
            self.exchange.lock().spare = None;
        }
        // Relaxed: see `Active::meet_wish`.
        self.exchange.wanted.store(true, Ordering::Relaxed);
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::super::buckets::LATENCY_NS_MAX;
    use super::super::histogram::LatencySummary;
    use super::*;

    const TRADE: TypeId = TypeId(1);
    const OTHER: TypeId = TypeId(2);

    #[test]
    fn what_is_recorded_is_read_once_however_often_it_is_swapped() {
        let (mut recorder, mut reader) = hop();
        assert!(!reader.collect());
        assert_eq!(reader.known.summary(), LatencySummary::default());
        for value in 1..=1_000 {
            let (kind, connection) = (if value % 2 == 0 { TRADE } else { OTHER }, ConnectionId((value % 4) as u16));
            assert!(recorder.record(value, kind, connection));
            if value % 7 == 0 {
                reader.collect();
                assert!(reader.known.total.len() <= value);
            }
        }
        drop(recorder);
        assert!(reader.collect());
        let summary = reader.known.summary();
        assert_eq!((summary.count, summary.min_ns), (1_000, 1));
        assert!((500..=504).contains(&summary.p50_ns), "{summary:?}");
        assert_eq!(reader.known.summary(), LatencySummary { newest_max_ns: 0, ..summary });
        let kinds: Vec<_> = reader.known.kinds.iter().map(|(kind, of)| (*kind, of.len())).collect();
        assert_eq!(kinds, [(1, 500), (2, 500)]);
        let connections: Vec<_> = reader.known.connections.iter().map(|(id, of)| (*id, of.histogram.len())).collect();
        assert_eq!(connections, [(0, 250), (1, 250), (2, 250), (3, 250)]);
    }

    #[test]
    fn a_latency_above_the_bound_is_clamped_and_said_to_be() {
        let (mut recorder, mut reader) = hop();
        let mut record = |ns| recorder.record(ns, TRADE, ConnectionId(0));
        assert!(record(0) && record(LATENCY_NS_MAX));
        assert!(!record(LATENCY_NS_MAX + 1) && !record(u64::MAX));
        drop(recorder);
        reader.collect();
        let summary = reader.known.summary();
        assert_eq!((summary.count, summary.min_ns), (4, 0));
        assert!(summary.max_ns >= LATENCY_NS_MAX && summary.max_ns < LATENCY_NS_MAX + LATENCY_NS_MAX / 900);
        assert!(HopRecorder::off().record(u64::MAX, TRADE, ConnectionId(0)), "off: nothing is clamped");
    }

    #[test]
    fn a_reader_on_another_thread_loses_nothing() {
        let (mut recorder, mut reader) = hop();
        let write = move || (0..200_000).for_each(|n| _ = recorder.record(n % 1_000, TRADE, ConnectionId(7)));
        let writer = std::thread::spawn(write);
        let mut last = 0;
        while !writer.is_finished() {
            reader.collect();
            assert!(reader.known.total.len() >= last);
            last = reader.known.total.len();
        }
        writer.join().unwrap();
        assert!(reader.collect());
        assert_eq!((reader.known.total.len(), reader.known.kinds[&1].len()), (200_000, 200_000));
        assert_eq!(reader.known.connections[&7].histogram.len(), 200_000);
    }

    #[test]
    fn the_newest_are_told_apart_from_all() {
        let (mut recorder, mut reader) = hop();
        let mut newest = |values: &[u64]| {
            // The first value is recorded with the wish of the call before; with it the rest is handed over next time.
            values.iter().for_each(|value| assert!(recorder.record(*value, TRADE, ConnectionId(0))));
            reader.collect();
            let summary = reader.known.summary();
            (summary.max_ns, summary.newest_max_ns)
        };
        assert_eq!(newest(&[900]), (0, 0), "nobody had asked");
        assert_eq!(newest(&[5]), (900, 900));
        assert_eq!(newest(&[7]), (900, 7));
        assert_eq!(newest(&[]), (900, 0));
    }
}
