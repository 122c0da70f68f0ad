//! Purpose: the histograms of one hop on one thread: all, by kind, by connection; one writer, read while it goes on writing.
//! Owns: their cells. Thread: the recorder on one, its reader on any other (cold).
//! Takes and gives: nanoseconds in, histograms out. Never: waits or allocates on the writer's thread; clamps unseen.
//!
//! The two swap whole sheets of histograms: the reader asks, the writer puts its sheet aside with its next record and goes on
//! with an empty one that the reader had left for it. So a record costs the writer one plain load more; where it hands a sheet over, a
//! lock that it tries, and comes again if it is not free. A sheet's memory is
//! taken from the system as it is first written: kinds that never come take none.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;

use super::buckets::{LATENCY_NS_MAX, THREE_DIGITS, TWO_DIGITS};
use super::histogram::{Digits, LatencySummary, empty, summarise};
use crate::schema::id::{ConnectionId, TypeId};
use crate::sync::{Arc, AtomicBool, Ordering};

/// Kinds with a histogram of their own; events of the types beyond are in the total alone. The shipped types are below 64.
const KINDS: usize = 128;
/// "No kind": its row is never read.
pub const NO_KIND: TypeId = TypeId(0);
/// Places for connections in a sheet: more than most runs have at once. One that finds none near its own is in the total alone until the
/// next swap.
const PLACES: usize = 64;
/// How many places from its own on a connection is looked for: numbers are given in order, so that the first is free nearly always.
const STEPS: usize = 8;
/// Connections that a reader remembers; of more, the one that was silent longest is forgotten.
pub(super) const CONNECTIONS_MAX: usize = 64;
const ROWS: usize = KINDS + PLACES;
const ROW: usize = TWO_DIGITS.cells();
const TOTAL: usize = THREE_DIGITS.cells();
const NOBODY: u32 = u32::MAX;

/// One set of histograms. Indices are masked to the sizes, which are powers of two but for the number of rows: what would be
/// checked for each record is known by the compiler.
#[derive(Debug)]
struct Sheet {
    total: Box<[u64; TOTAL]>,
    /// Kinds, then places.
    rows: Box<[u64; ROWS * ROW]>,
    /// Which rows have something.
    touched: [bool; ROWS],
    /// The connection of each place.
    owners: [u32; PLACES],
}

impl Sheet {
    fn empty() -> Box<Sheet> {
        Box::new(Sheet { total: zeros(), rows: zeros(), touched: [false; ROWS], owners: [NOBODY; PLACES] })
    }

    #[inline]
    fn count(&mut self, ns: u64, kind: TypeId, connection: ConnectionId) {
        let (fine, coarse) = (THREE_DIGITS.cell(ns), TWO_DIGITS.cell(ns));
        self.total[fine & (TOTAL - 1)] += 1;
        // What has no row goes to that of no kind.
        self.row(if kind.index() < KINDS { kind.index() } else { NO_KIND.index() }, coarse);
        let place = usize::from(connection.0) % PLACES;
        if self.owners[place] == u32::from(connection.0) {
            self.row(KINDS + place, coarse);
        } else if let Some(place) = self.place_of(connection) {
            self.row(KINDS + place, coarse);
        }
    }

    /// The first place from its own on that the connection has, or takes now.
    #[inline(never)]
    fn place_of(&mut self, connection: ConnectionId) -> Option<usize> {
        let owner = u32::from(connection.0);
        let mut places = (0..STEPS).map(|step| (usize::from(connection.0) + step) % PLACES);
        let place = places.find(|place| [owner, NOBODY].contains(&self.owners[*place]))?;
        self.owners[place] = owner;
        Some(place)
    }

    #[inline(always)]
    fn row(&mut self, row: usize, cell: usize) {
        self.touched[row] = true;
        self.rows[row * ROW + (cell & (ROW - 1))] += 1;
    }
}

/// Memory that the system gives as zeros, when it is first touched.
fn zeros<const N: usize>() -> Box<[u64; N]> {
    let cells: Result<Box<[u64; N]>, _> = vec![0; N].into_boxed_slice().try_into();
    cells.expect("so many were asked for")
}

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
    (HopRecorder(Some(active)), HopReader::new(exchange))
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
        let Some(Active { sheet, exchange }) = &mut self.0 else { return true };
        sheet.count(ns.min(LATENCY_NS_MAX), kind, connection);
        // Relaxed: a wish; what is swapped goes by way of the table's lock, which orders it.
        if exchange.wanted.load(Ordering::Relaxed) {
            hand_over(sheet, exchange);
        }
        ns <= LATENCY_NS_MAX
    }
}

#[cold]
fn hand_over(sheet: &mut Box<Sheet>, exchange: &Exchange) {
    let Ok(mut table) = exchange.table.try_lock() else { return };
    // Relaxed: see `record`.
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

/// The reading end: everything that was recorded, as far as it was handed over.
#[derive(Debug)]
pub(super) struct HopReader {
    pub(super) total: Histogram<u64>,
    /// By type.
    pub(super) kinds: BTreeMap<u16, Histogram<u64>>,
    /// By connection.
    pub(super) connections: BTreeMap<u16, OfConnection>,
    /// Sheets merged so far.
    turn: u64,
    newest_max_ns: u64,
    exchange: Arc<Exchange>,
}

/// A connection's histogram.
#[derive(Debug)]
pub(super) struct OfConnection {
    pub(super) histogram: Histogram<u64>,
    /// When it was last heard of.
    turn: u64,
}

impl HopReader {
    fn new(exchange: Arc<Exchange>) -> HopReader {
        let (kinds, connections) = (BTreeMap::new(), BTreeMap::new());
        HopReader { total: empty(Digits::Three), kinds, connections, turn: 0, newest_max_ns: 0, exchange }
    }

    /// Takes in what was handed over, and asks for what was recorded since. Whether the writer has ended: then it is all there.
    pub(super) fn collect(&mut self) -> bool {
        let (full, last, ended) = {
            let mut table = self.exchange.lock();
            (table.full.take(), table.last.take(), table.ended)
        };
        if let Some(mut full) = full {
            self.merge(&mut full);
            self.exchange.lock().spare = Some(full);
        }
        if let Some(mut last) = last {
            self.merge(&mut last);
        }
        // Relaxed: see `HopRecorder::record`.
        self.exchange.wanted.store(true, Ordering::Relaxed);
        ended
    }

    /// Adds a sheet, and leaves it empty.
    fn merge(&mut self, sheet: &mut Sheet) {
        self.turn += 1;
        let fine = sheet.total.iter_mut().enumerate().filter(|(_, count)| **count > 0);
        for (cell, count) in fine {
            let least = THREE_DIGITS.least(cell);
            // Within the bounds it cannot fail.
            let _ = self.total.record_n(least, core::mem::take(count));
            self.newest_max_ns = self.newest_max_ns.max(self.total.highest_equivalent(least));
        }
        for row in 0..ROWS {
            if !core::mem::take(&mut sheet.touched[row]) {
                continue;
            }
            let cells = &mut sheet.rows[row * ROW..(row + 1) * ROW];
            let into = match row.checked_sub(KINDS) {
                None => self.kinds.entry(row as u16).or_insert_with(|| empty(Digits::Two)),
                Some(place) => {
                    let id = sheet.owners[place] as u16;
                    let of = OfConnection { histogram: empty(Digits::Two), turn: 0 };
                    let of = self.connections.entry(id).or_insert(of);
                    of.turn = self.turn;
                    &mut of.histogram
                }
            };
            for (cell, count) in cells.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
                // Within the bounds it cannot fail.
                let _ = into.record_n(TWO_DIGITS.least(cell), core::mem::take(count));
            }
        }
        sheet.owners = [NOBODY; PLACES];
        self.kinds.remove(&NO_KIND.0);
        self.forget_silent();
    }

    /// Keeps the bound on connections.
    fn forget_silent(&mut self) {
        while self.connections.len() > CONNECTIONS_MAX {
            let Some(id) = self.connections.iter().min_by_key(|(_, of)| of.turn).map(|(id, _)| *id) else { break };
            self.connections.remove(&id);
        }
    }

    /// The figures of all that it knows. The newest are those merged since the call before.
    pub(super) fn summary(&mut self) -> LatencySummary {
        LatencySummary { newest_max_ns: core::mem::take(&mut self.newest_max_ns), ..summarise(&self.total) }
    }

    /// Adds all that another one knows.
    pub(super) fn add(&mut self, other: &HopReader) {
        // Turns are each reader's own: what it adds is what it heard last.
        self.turn += 1;
        // The same bounds: adding cannot fail.
        let _ = self.total.add(&other.total);
        for (kind, histogram) in &other.kinds {
            let _ = self.kinds.entry(*kind).or_insert_with(|| empty(Digits::Two)).add(histogram);
        }
        for (id, of) in &other.connections {
            let mine = OfConnection { histogram: empty(Digits::Two), turn: 0 };
            let mine = self.connections.entry(*id).or_insert(mine);
            mine.turn = self.turn;
            let _ = mine.histogram.add(&of.histogram);
        }
        self.forget_silent();
    }

    /// One without a writer, to add others to.
    pub(super) fn sum() -> HopReader {
        let table = Table { ended: true, ..Table::default() };
        HopReader::new(Arc::new(Exchange { wanted: AtomicBool::new(false), table: Mutex::new(table) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRADE: TypeId = TypeId(1);
    const OTHER: TypeId = TypeId(2);

    #[test]
    fn what_is_recorded_is_read_once_however_often_it_is_swapped() {
        let (mut recorder, mut reader) = hop();
        assert!(!reader.collect());
        assert_eq!(reader.summary(), LatencySummary::default());
        for value in 1..=1_000 {
            let (kind, connection) = (if value % 2 == 0 { TRADE } else { OTHER }, ConnectionId((value % 4) as u16));
            assert!(recorder.record(value, kind, connection));
            if value % 7 == 0 {
                reader.collect();
                assert!(reader.total.len() <= value);
            }
        }
        drop(recorder);
        assert!(reader.collect());
        let summary = reader.summary();
        assert_eq!((summary.count, summary.min_ns), (1_000, 1));
        assert!((500..=504).contains(&summary.p50_ns), "{summary:?}");
        assert_eq!(reader.summary(), LatencySummary { newest_max_ns: 0, ..summary });
        let kinds: Vec<_> = reader.kinds.iter().map(|(kind, of)| (*kind, of.len())).collect();
        assert_eq!(kinds, [(1, 500), (2, 500)]);
        let connections: Vec<_> = reader.connections.iter().map(|(id, of)| (*id, of.histogram.len())).collect();
        assert_eq!(connections, [(0, 250), (1, 250), (2, 250), (3, 250)]);
        let mut sum = HopReader::sum();
        sum.add(&reader);
        sum.add(&reader);
        assert_eq!((sum.total.len(), sum.kinds[&1].len(), sum.connections[&3].histogram.len()), (2_000, 1_000, 500));
    }

    #[test]
    fn a_latency_above_the_bound_is_clamped_and_said_to_be() {
        let (mut recorder, mut reader) = hop();
        let mut record = |ns| recorder.record(ns, TRADE, ConnectionId(0));
        assert!(record(0) && record(LATENCY_NS_MAX));
        assert!(!record(LATENCY_NS_MAX + 1) && !record(u64::MAX));
        drop(recorder);
        reader.collect();
        let summary = reader.summary();
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
            assert!(reader.total.len() >= last);
            last = reader.total.len();
        }
        writer.join().unwrap();
        assert!(reader.collect());
        assert_eq!((reader.total.len(), reader.kinds[&1].len()), (200_000, 200_000));
        assert_eq!(reader.connections[&7].histogram.len(), 200_000);
    }

    #[test]
    fn the_newest_are_told_apart_from_all() {
        let (mut recorder, mut reader) = hop();
        let mut newest = |values: &[u64]| {
            // The first value is recorded with the wish of the call before; with it the rest is handed over next time.
            values.iter().for_each(|value| assert!(recorder.record(*value, TRADE, ConnectionId(0))));
            reader.collect();
            let summary = reader.summary();
            (summary.max_ns, summary.newest_max_ns)
        };
        assert_eq!(newest(&[900]), (0, 0), "nobody had asked");
        assert_eq!(newest(&[5]), (900, 900));
        assert_eq!(newest(&[7]), (900, 7));
        assert_eq!(newest(&[]), (900, 0));
    }

    #[test]
    fn connections_come_and_go_for_ever_in_bounded_room() {
        let (mut recorder, mut reader) = hop();
        // As many as are looked for, all with the same place for their own; the one too many is in the total alone.
        let ids: Vec<u16> = (0..=STEPS as u16).map(|n| 1 + n * PLACES as u16).collect();
        for _ in 0..3 {
            ids.iter().for_each(|id| assert!(recorder.record(5, TRADE, ConnectionId(*id))));
        }
        reader.collect();
        // The wish is granted with the next record.
        assert!(recorder.record(5, TRADE, ConnectionId(1)));
        reader.collect();
        assert_eq!(reader.connections.keys().copied().collect::<Vec<_>>(), ids[..STEPS]);
        assert!(reader.connections.iter().all(|(id, own)| own.histogram.len() == if *id == 1 { 4 } else { 3 }));
        assert_eq!(reader.total.len(), 3 * ids.len() as u64 + 1, "the total has all of them");
        for id in 100..100 + 3 * CONNECTIONS_MAX as u16 {
            recorder.record(5, TRADE, ConnectionId(id));
            reader.collect();
        }
        assert_eq!(reader.connections.len(), CONNECTIONS_MAX);
        let last = 100 + 3 * CONNECTIONS_MAX as u16 - 1;
        assert!(reader.connections.contains_key(&last) && !reader.connections.contains_key(&1), "the oldest went");
        assert!(!reader.kinds.contains_key(&NO_KIND.0));
    }

    #[test]
    fn a_type_beyond_the_rows_is_in_the_total_alone() {
        let (mut recorder, mut reader) = hop();
        for kind in [NO_KIND, TRADE, TypeId(KINDS as u16), TypeId(u16::MAX)] {
            assert!(recorder.record(5, kind, ConnectionId(0)));
        }
        drop(recorder);
        reader.collect();
        assert_eq!((reader.total.len(), reader.kinds.len(), reader.kinds[&1].len()), (4, 1, 1));
    }
}
