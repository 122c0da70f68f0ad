//! Purpose: the histograms of a hop as they are read: all, by kind, by connection. Owns: them. Thread: whoever reads (cold).
//! Takes and gives: sheets in, which are left empty; figures out.
//! Never: remembers more connections than its bound; tells what is newest twice.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::histogram::{Digits, LatencySummary, empty, summarise};
use super::sheet::{Key, Sheet};

/// Connections that are remembered; of more, the one that was silent longest is forgotten.
pub(super) const CONNECTIONS_MAX: usize = 64;

/// Everything that was recorded, as far as sheets came in.
#[derive(Debug)]
pub(super) struct Distributions {
    /// With three digits, the others with two.
    pub(super) total: Histogram<u64>,
    /// By type.
    pub(super) kinds: BTreeMap<u16, Histogram<u64>>,
    /// By connection.
    pub(super) connections: BTreeMap<u16, OfConnection>,
    /// Sheets merged so far.
    turn: u64,
    newest_max_ns: u64,
}

/// A connection's histogram.
#[derive(Debug)]
pub(super) struct OfConnection {
    pub(super) histogram: Histogram<u64>,
    /// When it was last heard of.
    turn: u64,
}

impl Default for Distributions {
    fn default() -> Distributions {
        let (kinds, connections) = (BTreeMap::new(), BTreeMap::new());
        Distributions { total: empty(Digits::Three), kinds, connections, turn: 0, newest_max_ns: 0 }
    }
}

impl Distributions {
    /// Adds a sheet, and leaves it empty.
    pub(super) fn merge(&mut self, sheet: &mut Sheet) {
        self.turn += 1;
        sheet.drain(|key, counted| self.take(key, counted));
        self.forget_silent();
    }

    /// Adds a row to the total and to whatever it is of.
    fn take(&mut self, key: Key, counted: &mut dyn Iterator<Item = (u64, u64)>) {
        let Distributions { total, kinds, connections, turn, newest_max_ns } = self;
        let mut kind = key.kind().map(|kind| kinds.entry(kind.0).or_insert_with(|| empty(Digits::Two)));
        let mut connection = key.connection().map(|id| of_connection(connections, id.0, *turn));
        for (value, count) in counted {
            // Within the bounds none can fail. Cells of two digits are whole cells of three, so the least value of one of these will do.
            let _ = total.record_n(value, count);
            for own in [&mut kind, &mut connection].into_iter().flatten() {
                let _ = own.record_n(value, count);
            }
            *newest_max_ns = total.highest_equivalent(value).max(*newest_max_ns);
        }
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

    /// Adds all that others know.
    pub(super) fn add(&mut self, other: &Distributions) {
        // Turns are each one's own: what it adds is what it heard last.
        self.turn += 1;
        // The same bounds: adding cannot fail.
        let _ = self.total.add(&other.total);
        for (kind, histogram) in &other.kinds {
            let _ = self.kinds.entry(*kind).or_insert_with(|| empty(Digits::Two)).add(histogram);
        }
        for (id, of) in &other.connections {
            let _ = of_connection(&mut self.connections, *id, self.turn).add(&of.histogram);
        }
        self.forget_silent();
    }
}

/// The histogram of a connection that is heard of now.
fn of_connection(connections: &mut BTreeMap<u16, OfConnection>, id: u16, turn: u64) -> &mut Histogram<u64> {
    let of = connections.entry(id).or_insert_with(|| OfConnection { histogram: empty(Digits::Two), turn });
    of.turn = turn;
    &mut of.histogram
}

#[cfg(test)]
mod tests {
    use super::super::sheet::NO_KIND;
    use super::*;
    use crate::schema::id::{ConnectionId, TypeId};

    const TRADE: TypeId = TypeId(1);

    fn merged(into: &mut Distributions, records: impl IntoIterator<Item = (u64, TypeId, u16)>) {
        let mut sheet = Sheet::empty();
        records.into_iter().for_each(|(ns, kind, id)| assert!(sheet.count(ns, kind, ConnectionId(id))));
        into.merge(&mut sheet);
    }

    #[test]
    fn a_row_is_in_the_total_in_its_kind_and_in_its_connection() {
        let mut known = Distributions::default();
        merged(
            &mut known,
            [(5, TRADE, 0), (5, TRADE, 1), (6, TypeId(2), 1), (7, TypeId(u16::MAX), 1), (8, NO_KIND, 2)],
        );
        let mut sum = Distributions::default();
        (0..2).for_each(|_| sum.add(&known));
        for (known, times) in [(known, 1), (sum, 2)] {
            assert_eq!((known.total.len(), known.total.min(), known.total.max()), (5 * times, 5, 8));
            let kinds: Vec<_> = known.kinds.iter().map(|(kind, of)| (*kind, of.len())).collect();
            assert_eq!(kinds, [(1, 2 * times), (2, times), (u16::MAX, times)], "no kind is none");
            let connections: Vec<_> = known.connections.iter().map(|(id, of)| (*id, of.histogram.len())).collect();
            assert_eq!(connections, [(0, times), (1, 3 * times), (2, times)]);
        }
    }

    #[test]
    fn connections_come_and_go_for_ever_in_bounded_room() {
        let mut known = Distributions::default();
        let last = 3 * CONNECTIONS_MAX as u16;
        // One is heard of again and again, the others once each.
        (1..=last).for_each(|id| merged(&mut known, [(5, TRADE, id), (5, TRADE, 0)]));
        assert_eq!(known.connections.len(), CONNECTIONS_MAX);
        let kept: Vec<u16> = known.connections.keys().copied().collect();
        assert_eq!(
            (kept[0], kept[1], kept.last()),
            (0, last - CONNECTIONS_MAX as u16 + 2, Some(&last)),
            "the oldest went"
        );
        assert_eq!((known.total.len(), known.kinds[&1].len()), (2 * u64::from(last), 2 * u64::from(last)));
    }
}
