//! Purpose: a sheet of the ledger: how often each latency of a hop came, by kind and connection, at one count a record.
//! Owns: the counts, and the table that says which row is whose. Thread: its holder's; it is handed from the writer to the reader and back.
//! Takes and gives: nanoseconds in; out, row by row, values with their counts, which leaves it empty.
//! Never: loses a count, allocates once it is made, touches memory for latencies that never came.
//!
//! A row is of a pair, a kind over a connection, with three digits. Who reads adds rows up; so who writes pays for one count and not
//! for three. A pair that finds no row is counted with its kind alone, and a kind that finds none with the rest, in the total alone: what
//! is lost is the breakdown, and until the sheet is emptied, which is with each swap.
//!
//! A sheet is 32 MiB of addresses, of which 4 KiB are memory for each block of latencies that came (2 MiB where the system makes huge pages of
//! what did not ask for them: `doctor` says so).

use core::ops::Range;

use super::buckets::{CELLS, LATENCY_NS_MAX, cell, least};
use crate::schema::id::{ConnectionId, TypeId};

/// "No kind": counted, and reported as none.
pub const NO_KIND: TypeId = TypeId(0);

const ROWS: usize = 128;
const ALL_CELLS: usize = ROWS * CELLS;
/// The row of what has no other.
const REST: usize = 0;
/// Rows that pairs may take: more than most runs have at once.
const PAIRS: Range<usize> = REST + 1..65;
/// Rows that a kind may take whose pairs found none: more than there are shipped types.
const KINDS: Range<usize> = PAIRS.end..ROWS;
/// Places of the table: twice as many as rows, so that few are looked at in vain, and some are free always.
const PLACES: usize = 2 * ROWS;
/// From a place to the next where a key is looked for: odd, so that it comes to all of them, and longer than a row of shipped kinds.
const STRIDE: usize = 37;
/// Of a place that nobody has: no key is as great.
const FREE: u64 = u64::MAX;
/// More than the bits of a key.
const KEY_BITS: u32 = 40;
/// Cells that are marked as touched together: 4 KiB, what the system gives at a time.
const BLOCK: usize = 512;

/// What a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    /// Beyond all connections: the row is of a kind whatever the connection.
    const ANY: u64 = 1 << 16;
    const REST: Key = Key((Key::ANY << 16) | NO_KIND.0 as u64);

    #[inline(always)]
    fn of(kind: TypeId, connection: ConnectionId) -> Key {
        Key((u64::from(connection.0) << 16) | u64::from(kind.0))
    }

    fn of_its_kind(self) -> Key {
        Key((Key::ANY << 16) | (self.0 & 0xFFFF))
    }

    /// The kind, if it is of one.
    pub(super) fn kind(self) -> Option<TypeId> {
        Some(TypeId(self.0 as u16)).filter(|kind| *kind != NO_KIND)
    }

    /// The connection, if it is of one.
    pub(super) fn connection(self) -> Option<ConnectionId> {
        u16::try_from(self.0 >> 16).ok().map(ConnectionId)
    }

    /// Its own place, 32 further on for each connection, as one multiplication makes it. Shipped kinds are below 32 and connections are numbered
    /// in order: those of eight of them share none.
    #[inline(always)]
    fn place(self) -> usize {
        const KIND: u32 = 1 << (u32::BITS - PLACES.ilog2());
        const CONNECTION: u32 = (32 * KIND) >> 16;
        ((self.0 as u32).wrapping_mul(KIND + CONNECTION) / KIND) as usize
    }

    /// What its place has: where its row begins, above the key.
    fn with(self, row: usize) -> u64 {
        (((row * CELLS) as u64) << KEY_BITS) | self.0
    }

    /// Where the row begins, if the place is this key's: of the key nothing is left then, and of another key what is left makes a number
    /// beyond all rows.
    #[inline(always)]
    fn row_in(self, place: u64) -> Option<usize> {
        let row = (place ^ self.0).rotate_right(KEY_BITS);
        (row < ALL_CELLS as u64).then_some(row as usize)
    }
}

/// One set of counts. Sizes are powers of two and indices masked to them: what would be checked for each record is known by the compiler.
#[derive(Debug)]
pub(super) struct Sheet {
    /// Row by row.
    cells: Box<[u64; ALL_CELLS]>,
    /// Which blocks of them have something. Not bits: to set one takes more instructions than to write a byte.
    touched: [bool; ALL_CELLS / BLOCK],
    /// A key and where its row begins, as one word: a look at it tells both.
    places: [u64; PLACES],
    owners: [Key; ROWS],
    /// Rows that are still free.
    pairs: Range<usize>,
    kinds: Range<usize>,
}

impl Sheet {
    pub(super) fn empty() -> Box<Sheet> {
        let (touched, places, owners) = ([false; ALL_CELLS / BLOCK], [FREE; PLACES], [Key::REST; ROWS]);
        Box::new(Sheet { cells: zeros(), touched, places, owners, pairs: PAIRS, kinds: KINDS })
    }

    /// Counts a latency where that takes a few instructions: of a key at its own place, and at most 60 s. Whether it did.
    #[inline]
    pub(super) fn count_common(&mut self, ns: u64, kind: TypeId, connection: ConnectionId) -> bool {
        let key = Key::of(kind, connection);
        match key.row_in(self.places[key.place()]) {
            Some(row) if ns <= LATENCY_NS_MAX => {
                self.add(row, ns);
                true
            }
            _ => false,
        }
    }

    /// Counts any latency. `false` when it was above 60 s, and counted as that.
    pub(super) fn count(&mut self, ns: u64, kind: TypeId, connection: ConnectionId) -> bool {
        let key = Key::of(kind, connection);
        // What has no kind either is of the rest, which has its row.
        let alone = Some(key.of_its_kind()).filter(|key| *key != Key::REST);
        let row = self.row_of(key).or_else(|| self.row_of(alone?));
        self.add(row.unwrap_or(REST * CELLS), ns.min(LATENCY_NS_MAX));
        ns <= LATENCY_NS_MAX
    }

    /// Where the row begins that a key has, or takes now.
    fn row_of(&mut self, key: Key) -> Option<usize> {
        for place in (0..PLACES).map(|step| (key.place() + step * STRIDE) % PLACES) {
            let begins = key.row_in(self.places[place]);
            if begins.is_some() {
                return begins;
            }
            if self.places[place] == FREE {
                let free = if key.connection().is_some() { &mut self.pairs } else { &mut self.kinds };
                let row = free.next()?;
                self.places[place] = key.with(row);
                self.owners[row] = key;
                return Some(row * CELLS);
            }
        }
        None
    }

    #[inline(always)]
    fn add(&mut self, row: usize, ns: u64) {
        let at = (row | (cell(ns) % CELLS)) % ALL_CELLS;
        self.cells[at] += 1;
        self.touched[at / BLOCK] = true;
    }

    /// Hands out what was counted, a row at a time: whose it is, and its values (each the least of its cell) with their counts. The
    /// sheet is empty then, as far as `take` went through what it was handed. Reads what was written alone: the rest has no memory.
    pub(super) fn drain(&mut self, mut take: impl FnMut(Key, &mut dyn Iterator<Item = (u64, u64)>)) {
        let rows = self.cells.chunks_exact_mut(CELLS).zip(self.touched.chunks_exact_mut(CELLS / BLOCK));
        for ((cells, touched), owner) in rows.zip(self.owners) {
            if touched.contains(&true) {
                take(owner, &mut counted(cells, touched));
            }
        }
        (self.places, self.pairs, self.kinds) = ([FREE; PLACES], PAIRS, KINDS);
    }
}

/// Takes what a row's touched blocks have.
fn counted(cells: &mut [u64], touched: &mut [bool]) -> impl Iterator<Item = (u64, u64)> {
    let blocks = cells.chunks_exact_mut(BLOCK).enumerate().zip(touched);
    let blocks = blocks.filter_map(|(block, touched)| core::mem::take(touched).then_some(block));
    let cells = blocks.flat_map(|(block, cells)| (block * BLOCK..).zip(cells));
    cells.filter(|(_, count)| **count > 0).map(|(cell, count)| (least(cell), core::mem::take(count)))
}

/// Memory that the system gives as zeros, when it is first touched.
fn zeros() -> Box<[u64; ALL_CELLS]> {
    let cells: Result<Box<[u64; ALL_CELLS]>, _> = vec![0; ALL_CELLS].into_boxed_slice().try_into();
    cells.expect("so many were asked for")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What a sheet has: by kind and connection, values with their counts.
    type Found = BTreeMap<(Option<u16>, Option<u16>), Vec<(u64, u64)>>;

    fn found(sheet: &mut Sheet) -> Found {
        let mut found = Found::new();
        sheet.drain(|key, counted| {
            let key = (key.kind().map(|kind| kind.0), key.connection().map(|connection| connection.0));
            assert!(found.insert(key, counted.collect()).is_none(), "{key:?} has two rows");
        });
        found
    }

    /// As a recorder does.
    fn count(sheet: &mut Sheet, ns: u64, kind: u16, connection: u16) {
        let (kind, connection) = (TypeId(kind), ConnectionId(connection));
        assert!(sheet.count_common(ns, kind, connection) || sheet.count(ns, kind, connection));
    }

    fn sum(found: &Found, of: impl Fn(Option<u16>, Option<u16>) -> bool) -> u64 {
        let rows = found.iter().filter(|((kind, connection), _)| of(*kind, *connection));
        rows.flat_map(|(_, row)| row).map(|(_, count)| count).sum()
    }

    #[test]
    fn pairs_whose_keys_share_a_place_keep_figures_of_their_own() {
        let mut sheet = Sheet::empty();
        // Connections eight apart, and a kind that is at another one's place.
        let pairs = [(1, 0), (1, 8), (1, 16), (225, 1), (1, u16::MAX), (u16::MAX, 0)];
        let places = pairs[..4].iter().map(|(kind, id)| Key::of(TypeId(*kind), ConnectionId(*id)).place());
        assert_eq!(places.collect::<Vec<_>>(), [1; 4]);
        for turn in 1..=3 {
            for (at, (kind, id)) in pairs.iter().enumerate() {
                count(&mut sheet, 100 * turn + at as u64, *kind, *id);
            }
        }
        let found = found(&mut sheet);
        assert_eq!(found.len(), pairs.len());
        for (at, (kind, id)) in (0..).zip(pairs) {
            let row = &found[&(Some(kind), Some(id))];
            assert_eq!(row, &[(100 + at, 1), (200 + at, 1), (300 + at, 1)], "{kind} over {id}");
        }
    }

    #[test]
    fn pairs_beyond_the_rows_are_in_the_total_and_in_their_kind() {
        let mut sheet = Sheet::empty();
        let (kinds, connections, times) = (KINDS.len() as u16, 9, 3);
        for _ in 0..times {
            (0..connections).for_each(|id| (1..=kinds).for_each(|kind| count(&mut sheet, 7, kind, id)));
        }
        let found = found(&mut sheet);
        let pairs = found.iter().filter(|((_, connection), _)| connection.is_some());
        assert_eq!(pairs.clone().count(), PAIRS.len());
        assert!(pairs.into_iter().all(|(_, row)| *row == [(7, u64::from(times))]), "all or nothing of a pair");
        assert_eq!(sum(&found, |_, _| true), u64::from(kinds * connections * times));
        for wanted in 1..=kinds {
            assert_eq!(sum(&found, |kind, _| kind == Some(wanted)), u64::from(connections * times), "{wanted}");
        }
    }

    #[test]
    fn kinds_beyond_the_rows_are_in_the_total() {
        let mut sheet = Sheet::empty();
        (0..2).for_each(|_| (1..=1_000).for_each(|kind| count(&mut sheet, 7, kind, 0)));
        let found = found(&mut sheet);
        assert_eq!(sum(&found, |_, _| true), 2_000);
        let named = (ROWS - 1) as u64;
        assert_eq!(sum(&found, |kind, _| kind.is_some()), 2 * named, "all or nothing of a kind");
        assert_eq!(found[&(None, None)], [(7, 2_000 - 2 * named)]);
    }

    #[test]
    fn a_sheet_that_was_read_is_empty() {
        let (mut sheet, mut total) = (Sheet::empty(), 0);
        for turn in 0..4_u16 {
            // Others each time, more than there are rows, over all of the range.
            for n in 0..600 {
                count(&mut sheet, 1 << (n % 36), 1 + n % 90, turn * 50 + n % 7);
            }
            total += sum(&found(&mut sheet), |_, _| true);
            assert_eq!(total, 600 * u64::from(turn + 1));
            assert!(sheet.cells.iter().all(|count| *count == 0));
            assert!(!sheet.touched.contains(&true) && sheet.places == [FREE; PLACES]);
            assert_eq!((&sheet.pairs, &sheet.kinds), (&PAIRS, &KINDS));
            assert!(found(&mut sheet).is_empty());
        }
    }

    #[test]
    fn what_is_of_no_kind_has_its_connection() {
        let mut sheet = Sheet::empty();
        (0..3).for_each(|id| count(&mut sheet, 5, NO_KIND.0, id));
        assert_eq!(found(&mut sheet).into_keys().collect::<Vec<_>>(), [0, 1, 2].map(|id| (None, Some(id))));
    }
}
