//! Purpose: one symbol's true book at every update id: a log of changes and checkpoints to start from.
//! Owns: both, bounded as asked. Thread: any, behind the oracle's lock. Takes and gives: ticks and lots.
//! Never: guesses; an id it no longer holds is an error.

use std::collections::VecDeque;

use super::book::{Book, Level, Side};
use super::oracle::{Retain, TruthError};

/// One change: it makes the book at its id from the book at the id before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) side: Side,
    pub(super) level: Level,
}

/// A whole book at an id, both sides best last.
#[derive(Debug)]
struct Checkpoint {
    id: u64,
    levels: Box<[Change]>,
}

/// The ids from one start of the venue to the next: contiguous.
#[derive(Debug)]
pub(super) struct Segment {
    /// Id of the book that `changes` begins to change.
    base: u64,
    changes: VecDeque<Change>,
    checkpoints: VecDeque<Checkpoint>,
    levels_at_checkpoint: usize,
}

/// A checkpoint every so many changes, or more seldom where the book is large, so that they cost no more than the log.
const CHECKPOINT_CHANGES_MIN: u64 = 4_096;

impl Segment {
    pub(super) fn new(id: u64, book: &Book) -> Segment {
        let checkpoint = Checkpoint::of(id, book);
        let levels_at_checkpoint = checkpoint.levels.len();
        Segment { base: id, changes: VecDeque::new(), checkpoints: VecDeque::from([checkpoint]), levels_at_checkpoint }
    }

    pub(super) fn first(&self) -> u64 {
        self.checkpoints.front().map_or(self.base, |c| c.id)
    }

    pub(super) fn last(&self) -> u64 {
        self.base + self.changes.len() as u64
    }

    pub(super) fn holds(&self, id: u64) -> bool {
        (self.first()..=self.last()).contains(&id)
    }

    /// Appends changes; `book` is the book after them.
    pub(super) fn extend(&mut self, changes: &[Change], book: &Book, retain: Retain) {
        self.changes.extend(changes);
        let newest = self.checkpoints.back().map_or(self.base, |c| c.id);
        let period = CHECKPOINT_CHANGES_MIN.max(2 * self.levels_at_checkpoint as u64);
        if self.last() - newest >= period {
            let checkpoint = Checkpoint::of(self.last(), book);
            self.levels_at_checkpoint = checkpoint.levels.len();
            self.checkpoints.push_back(checkpoint);
            self.forget(retain);
        }
    }

    /// Drops the oldest checkpoint and its changes while the next one still reaches back far enough.
    fn forget(&mut self, retain: Retain) {
        let Retain::Last(ids) = retain else { return };
        let oldest_wanted = self.last().saturating_sub(ids);
        while let Some(next) = self.checkpoints.get(1).map(|c| c.id).filter(|id| *id <= oldest_wanted) {
            self.checkpoints.pop_front();
            self.changes.drain(..(next - self.base) as usize);
            self.base = next;
        }
    }

    /// Counts prices in ticks `factor` times as fine.
    pub(super) fn refine(&mut self, factor: i64) {
        let checkpoints = self.checkpoints.iter_mut().flat_map(|checkpoint| checkpoint.levels.iter_mut());
        for change in self.changes.iter_mut().chain(checkpoints) {
            change.level.price *= factor;
        }
    }

    /// The changes that made ids `first..=last`, as far as they are held.
    pub(super) fn changes(&self, first: u64, last: u64) -> impl Iterator<Item = Change> + '_ {
        let end = last.min(self.last()).saturating_sub(self.base) as usize;
        let start = (first.saturating_sub(self.base + 1) as usize).min(end);
        self.changes.range(start..end).copied()
    }

    /// The book at an id.
    pub(super) fn book_at(&self, id: u64) -> Result<Book, TruthError> {
        if !self.holds(id) {
            return Err(TruthError::NotHeld);
        }
        let after = self.checkpoints.partition_point(|c| c.id <= id);
        let checkpoint = &self.checkpoints[after - 1];
        let mut book = Book::default();
        for change in checkpoint.levels.iter().chain(&self.changes_after(checkpoint.id, id)) {
            book.set(change.side, change.level.price, change.level.quantity);
        }
        Ok(book)
    }

    fn changes_after(&self, id: u64, last: u64) -> Vec<Change> {
        self.changes(id + 1, last).collect()
    }
}

impl Checkpoint {
    fn of(id: u64, book: &Book) -> Checkpoint {
        let side = |side: Side| {
            let mut levels: Vec<_> = book.side(side).best_first().map(|level| Change { side, level }).collect();
            levels.reverse();
            levels
        };
        let mut levels = side(Side::Bid);
        levels.extend(side(Side::Ask));
        Checkpoint { id, levels: levels.into_boxed_slice() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three levels whose quantities tell the id at which they were set.
    fn run(ids: u64, retain: Retain) -> Segment {
        let mut book = Book::default();
        book.set(Side::Bid, 1, 1);
        let mut segment = Segment::new(1_000, &book);
        for id in 1_001..=1_000 + ids {
            let change = Change { side: Side::Ask, level: Level { price: 10 + (id % 3) as i64, quantity: id as i64 } };
            book.set(change.side, change.level.price, change.level.quantity);
            segment.extend(&[change], &book, retain);
        }
        segment
    }

    #[test]
    fn every_id_since_the_start_has_its_book() {
        let segment = run(10_000, Retain::All);
        for id in [1_000, 1_001, 1_002, 5_095, 5_096, 5_097, 9_000, 11_000] {
            let book = segment.book_at(id).expect("held");
            let newest = book.side(Side::Ask).best_first().map(|l| l.quantity as u64).max().unwrap_or(1_000);
            assert_eq!(newest, id);
            assert_eq!(book.side(Side::Bid).quantity_at(1), 1);
        }
        assert_eq!(segment.book_at(999).err(), Some(TruthError::NotHeld));
        assert_eq!(segment.book_at(11_001).err(), Some(TruthError::NotHeld));
    }

    #[test]
    fn a_bounded_history_forgets_the_oldest_and_never_more_than_asked() {
        let segment = run(50_000, Retain::Last(5_000));
        assert!(segment.first() > 1_000 && segment.first() <= 51_000 - 5_000);
        assert!(segment.changes.len() < 5_000 + 3 * CHECKPOINT_CHANGES_MIN as usize);
        for id in [segment.first(), segment.first() + 1, 50_999, 51_000] {
            let book = segment.book_at(id).expect("held");
            assert_eq!(book.side(Side::Ask).best_first().map(|l| l.quantity as u64).max(), Some(id));
        }
        assert!(segment.book_at(segment.first() - 1).is_err());
        assert_eq!(segment.changes(51_000, 51_000).map(|c| c.level.quantity).collect::<Vec<_>>(), [51_000]);
        assert_eq!(segment.changes(50_999, 60_000).count(), 2);
        assert_eq!(segment.changes(51_001, 60_000).count(), 0);
    }
}
