//! Purpose: the latency ledger: where threads get their recorders, and whoever reports the distributions.
//! Owns: the reading ends. Thread: any, behind a lock (cold); recorders go to their threads. Takes and gives: recorders out,
//! reports out. Never: costs more than a branch a stamp when it is switched off.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::clock::Clock;
use super::cycles::{CycleCells, CycleClock};
use super::distributions::Distributions;
use super::histogram::{Digits, LatencySummary, empty, histogram_text, signed_summary};
use super::hop::{HopReader, HopRecorder, hop};
use crate::schema::id::{ConnectionId, TypeId};
use crate::schema::latency::{AgentView, CLOCK_CAVEAT, Hop, HopView, LatencyDetail, LatencyReport};
use crate::sync::Arc;

/// Duty cycles longer than this are counted, unless told otherwise.
pub const CYCLE_OVER: Duration = Duration::from_millis(1);

/// Which side of a signed hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Not negative; hops without a sign have no other.
    After,
    /// Negative.
    Before,
}

/// All recorders of a run. Clones are the same.
#[derive(Clone, Debug)]
pub struct Latencies(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    since_ns: i64,
    cycle_over_ns: u64,
    hops: Mutex<Vec<Row>>,
    agents: Mutex<Vec<Arc<CycleCells>>>,
}

/// A reader and what it reads; several may read the same, a thread each.
#[derive(Debug)]
struct Row {
    hop: Hop,
    side: Side,
    reader: HopReader,
    /// The writer has ended and all is read.
    ended: bool,
}

/// Records latencies of either sign.
#[derive(Debug, Default)]
pub struct SignedRecorder {
    after: HopRecorder,
    before: HopRecorder,
}

impl SignedRecorder {
    /// Records a latency in ns. `false` when it was clamped, as of [`HopRecorder::record`].
    #[inline]
    pub fn record(&mut self, ns: i64, kind: TypeId, connection: ConnectionId) -> bool {
        let side = if ns < 0 { &mut self.before } else { &mut self.after };
        side.record(ns.unsigned_abs(), kind, connection)
    }
}

impl Latencies {
    /// That records; duty cycles longer than `cycle_over` are counted.
    pub fn new(clock: Clock, cycle_over: Duration) -> Latencies {
        let since_ns = clock.unix_now().0;
        let cycle_over_ns = u64::try_from(cycle_over.as_nanos()).unwrap_or(u64::MAX);
        let (hops, agents) = (Mutex::default(), Mutex::default());
        Latencies(Some(Arc::new(Shared { clock, since_ns, cycle_over_ns, hops, agents })))
    }

    /// That records nothing.
    pub const fn off() -> Latencies {
        Latencies(None)
    }

    /// Whether it records.
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A recorder of a hop for one thread. Cold.
    pub fn recorder(&self, of: Hop) -> HopRecorder {
        self.side(of, Side::After)
    }

    /// A recorder of a signed hop for one thread. Cold.
    pub fn signed(&self, of: Hop) -> SignedRecorder {
        SignedRecorder { after: self.side(of, Side::After), before: self.side(of, Side::Before) }
    }

    fn side(&self, of: Hop, side: Side) -> HopRecorder {
        let Some(shared) = &self.0 else { return HopRecorder::off() };
        let (recorder, reader) = hop();
        let mut rows = lock(&shared.hops);
        // Also where nobody else collects: consumers that ended leave one row.
        collect(&mut rows);
        rows.push(Row { hop: of, side, reader, ended: false });
        recorder
    }

    /// What measures the duty cycles of a thread; `None` when switched off. Cold.
    pub fn cycles(&self, name: &str) -> Option<CycleClock> {
        let shared = self.0.as_ref()?;
        let cells = Arc::new(CycleCells::new(name, shared.cycle_over_ns));
        lock(&shared.agents).push(Arc::clone(&cells));
        Some(CycleClock::new(shared.clock.clone(), cells))
    }

    /// Takes in what threads have handed over, and asks each for what it has recorded since: to be called now and then, so that
    /// a report is not older than that.
    pub fn collect(&self) {
        if let Some(shared) = &self.0 {
            collect(&mut lock(&shared.hops));
        }
    }

    /// The figures of a hop without a sign, of each thread that records it. What is newest is told to one caller.
    pub fn summaries(&self, of: Hop) -> Vec<LatencySummary> {
        let Some(shared) = &self.0 else { return Vec::new() };
        let mut rows = lock(&shared.hops);
        collect(&mut rows);
        let mine = rows.iter_mut().filter(|row| row.hop == of && row.side == Side::After);
        mine.map(|row| row.reader.known.summary()).collect()
    }

    /// Everything but rings, as far as `detail` says. `name` tells what a type is called.
    pub fn report(&self, detail: LatencyDetail, name: impl Fn(TypeId) -> Option<String>) -> LatencyReport {
        let Some(shared) = &self.0 else {
            return LatencyReport { clock: CLOCK_CAVEAT.to_owned(), ..LatencyReport::default() };
        };
        let mut rows = lock(&shared.hops);
        collect(&mut rows);
        let mut hops = Vec::new();
        for of in Hop::ALL {
            let sum = |side| {
                let mut sum = Distributions::default();
                rows.iter().filter(|row| row.hop == of && row.side == side).for_each(|row| sum.add(&row.reader.known));
                sum
            };
            views(of, detail, [&sum(Side::After), &sum(Side::Before)], &name, &mut hops);
        }
        drop(rows);
        LatencyReport {
            recorded: true,
            at_ns: shared.clock.unix_now().0,
            since_ns: shared.since_ns,
            clock: CLOCK_CAVEAT.to_owned(),
            clock_ahead_ns: shared.clock.ahead_ns(),
            hops,
            agents: self.agents(),
            rings: Vec::new(),
        }
    }

    /// How many readers there are.
    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| lock(&shared.hops).len())
    }

    fn agents(&self) -> Vec<AgentView> {
        let Some(shared) = &self.0 else { return Vec::new() };
        lock(&shared.agents).iter().map(|cells| cells.view()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic leaves counts that are whole: each merge ends, or its sheet is not merged.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Collects from all. Rows of writers that have ended become one a hop: consumers come and go.
fn collect(rows: &mut Vec<Row>) {
    rows.iter_mut().filter(|row| !row.ended).for_each(|row| row.ended = row.reader.collect());
    let mut at = 0;
    while at < rows.len() {
        let (hop, side) = (rows[at].hop, rows[at].side);
        let first = rows[..at].iter().position(|row| row.ended && (row.hop, row.side) == (hop, side));
        // A shard's figures are told a shard each, also when it has ended.
        match first.filter(|_| rows[at].ended && hop == Hop::PublishedToConsumed) {
            Some(first) => {
                let row = rows.remove(at);
                rows[first].reader.known.add(&row.reader.known);
            }
            None => at += 1,
        }
    }
}

/// The views of one hop: the total, by kind, by connection.
fn views(
    of: Hop,
    detail: LatencyDetail,
    [after, before]: [&Distributions; 2],
    name: &impl Fn(TypeId) -> Option<String>,
    out: &mut Vec<HopView>,
) {
    let mut push = |kind: Option<String>, connection, after: &Histogram<u64>, before: Option<&Histogram<u64>>| {
        let before = before.filter(|before| !before.is_empty());
        let summary = signed_summary(after, before);
        if summary.count > 0 {
            let (histogram, negative) = match detail {
                LatencyDetail::Figures => (String::new(), None),
                LatencyDetail::Histograms => (histogram_text(after), before.map(histogram_text)),
            };
            out.push(HopView { hop: of, kind, connection, summary, histogram, negative });
        }
    };
    push(None, None, &after.total, Some(&before.total));
    let none = empty(Digits::Two);
    let mut kinds: Vec<u16> = after.kinds.keys().chain(before.kinds.keys()).copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let called = name(TypeId(kind)).unwrap_or_else(|| format!("#{kind}"));
        push(Some(called), None, after.kinds.get(&kind).unwrap_or(&none), before.kinds.get(&kind));
    }
    if detail == LatencyDetail::Figures {
        return;
    }
    let mut connections: Vec<u16> = after.connections.keys().chain(before.connections.keys()).copied().collect();
    connections.sort_unstable();
    connections.dedup();
    for id in connections {
        let [after, before] = [after, before].map(|side| side.connections.get(&id).map(|of| &of.histogram));
        push(None, Some(id), after.unwrap_or(&none), before);
    }
}
