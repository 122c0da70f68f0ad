//! Purpose: the protocol of one key: one writer at a time, any number of readers that never hold it up.
//! Owns: the banks of one key, for as long as the store lives. Thread: any reader, any writer.
//! Takes and gives: words and stamps. Never: blocks a writer for a reader, frees a bank that a reader may be in.
//!
//! A slot has two words and `BANKS` buffers. `writer` is the writers' own word: the latest stamp, and whether a writer
//! has its turn. `head` is the readers' word: the latest published stamp, only ever stored. A stamp is version, size
//! class and a live bit. Version `v` lies in bank `v % BANKS` of its class, as a length word and that many words.
//! Writing `v` can disturb only a reader of `v - BANKS`, and begins only when `v - 1` is in `head`; so a copy of `v`
//! is whole if `head` was at most `v + BANKS - 2` after it. Larger records go to a larger class with banks of its own; the
//! old ones stay, so growth disturbs nobody (sizes double: all old classes together are smaller than the new one).
//!
//! Orderings: the table in `mod.rs` has each one that is stronger than `Relaxed`. Words of a bank are `Relaxed` both ways:
//! `slot_head_*` orders a record's words before its reader, `slot_*_fence` its reader before the bank's next use. A writer
//! takes its stamp from `writer`, never from `head`: loom overlooks broken sequence locks whose writer loads the word that
//! it publishes.

use std::sync::OnceLock;

use super::stamp::Stamp;
use crate::sync::{AtomicU64, Ordering, fence_at, ordering};

/// Words of a bank of the smallest class; each class doubles it.
pub(super) const CLASS_WORDS_MIN: usize = if cfg!(loom) { 4 } else { 64 };
/// Number of size classes.
pub(super) const CLASSES: usize = if cfg!(loom) { 2 } else { 16 };
/// Most words of one record in a slot, its length word not counted.
pub(super) const SLOT_WORDS_MAX: usize = (CLASS_WORDS_MIN << (CLASSES - 1)) - 1;

/// Versions by which the head must stay behind a bank's next use for a copy from the bank to count.
const BANKS_APART: u64 = 2;

/// One key's words.
pub(super) struct Slot<const BANKS: usize> {
    writer: AtomicU64,
    head: AtomicU64,
    classes: [OnceLock<Box<[AtomicU64]>>; CLASSES],
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The words are this version, whole.
    Whole(u64),
    /// No live record.
    Absent,
    /// Outrun each time; the version that was the latest then.
    Outrun(u64),
}

/// A write that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) version: u64,
    /// Words allocated for it; 0 in the steady state.
    pub(super) words_allocated: usize,
}

/// The system had no memory for a larger bank; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoMemory;

impl<const BANKS: usize> Slot<BANKS> {
    pub(super) fn new() -> Slot<BANKS> {
        const { assert!(BANKS >= 2, "a writer must not write where the latest record lies") };
        Slot { writer: AtomicU64::new(0), head: AtomicU64::new(0), classes: [const { OnceLock::new() }; CLASSES] }
    }

    /// The latest published stamp.
    pub(super) fn latest(&self) -> Stamp {
        // Acquire, partner slot_head_release.
        Stamp(self.head.load(ordering!("slot_head_acquire", Acquire)))
    }

    /// Copies the latest record into `words`, at most `tries` times (at least once).
    pub(super) fn read(&self, tries: u32, words: &mut Vec<u64>) -> Read {
        let mut left = tries.max(1);
        loop {
            let stamp = self.latest();
            if !stamp.is_live() {
                return Read::Absent;
            }
            if self.copy(stamp, words) {
                return Read::Whole(stamp.version());
            }
            left -= 1;
            if left == 0 {
                return Read::Outrun(self.latest().version());
            }
            std::hint::spin_loop();
        }
    }

    /// Copies the record of `stamp`; whether the copy is whole.
    fn copy(&self, stamp: Stamp, words: &mut Vec<u64>) -> bool {
        let Some((length, bank)) = self.bank(stamp).and_then(<[AtomicU64]>::split_first) else { return false };
        // The length is checked before it is used: a torn one would make the caller's buffer grow for nothing.
        let length = length.load(Ordering::Relaxed) as usize;
        if !self.is_whole(stamp) {
            return false;
        }
        let Some(bank) = bank.get(..length) else { return false };
        words.clear();
        // Ordered by slot_head_acquire before and slot_copy_fence after.
        words.extend(bank.iter().map(|word| word.load(Ordering::Relaxed)));
        self.is_whole(stamp)
    }

    /// Whether everything loaded so far from the bank of `stamp` was that version's.
    fn is_whole(&self, stamp: Stamp) -> bool {
        // Acquire, partner slot_words_fence: who saw a word of the bank's next use sees below the head before that use.
        fence_at!("slot_copy_fence", Acquire);
        let latest = Stamp(self.head.load(Ordering::Relaxed)).version();
        latest.wrapping_sub(stamp.version()) + BANKS_APART <= BANKS as u64
    }

    fn bank(&self, stamp: Stamp) -> Option<&[AtomicU64]> {
        let banks = self.classes.get(stamp.class())?.get()?;
        let words = CLASS_WORDS_MIN << stamp.class();
        let at = (stamp.version() % BANKS as u64) as usize * words;
        banks.get(at..at + words)
    }

    /// Asks `spins` times (at least once) for the writer's turn; `None` when another writer had it throughout.
    pub(super) fn try_turn(&self, spins: u32) -> Option<Turn<'_, BANKS>> {
        let mut left = spins.max(1);
        // A guess only: the exchange below decides.
        let mut seen = self.writer.load(Ordering::Relaxed) & !Stamp::TURN;
        loop {
            // Acquire, partner slot_turn_release.
            let take = ordering!("slot_turn_acquire", Acquire);
            match self.writer.compare_exchange(seen, seen | Stamp::TURN, take, Ordering::Relaxed) {
                Ok(_) => return Some(Turn { slot: self, stamp: Stamp(seen) }),
                Err(word) => seen = word & !Stamp::TURN,
            }
            left -= 1;
            if left == 0 {
                return None;
            }
            std::hint::spin_loop();
        }
    }
}

/// A writer's turn: no other writer of the key until it is dropped. Readers go on.
pub(super) struct Turn<'a, const BANKS: usize> {
    slot: &'a Slot<BANKS>,
    stamp: Stamp,
}

impl<const BANKS: usize> Turn<'_, BANKS> {
    /// The latest stamp; it cannot change during the turn but by this writer.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Word `at` of the latest record; `None` when there is none.
    pub(super) fn peek(&self, at: usize) -> Option<u64> {
        // Stored by a predecessor; slot_turn_acquire orders it.
        self.slot.bank(self.stamp)?.get(1 + at).map(|word| word.load(Ordering::Relaxed))
    }

    /// Publishes `header` and `data` as the next version.
    pub(super) fn publish(&mut self, header: &[u64], data: &[u64]) -> Result<Published, NoMemory> {
        let length = header.len() + data.len();
        let (class, words_allocated) = self.class_for(length)?;
        let next = Stamp::new(self.stamp.version() + 1, class);
        let (length_word, bank) = self.slot.bank(next).and_then(<[AtomicU64]>::split_first).ok_or(NoMemory)?;
        // Release, partner slot_copy_fence: who sees a word stored below sees the head that we found, ours or that of a
        // writer before us.
        fence_at!("slot_words_fence", Release);
        length_word.store(length as u64, Ordering::Relaxed);
        let (bank_header, bank_data) = bank.split_at_checked(header.len()).ok_or(NoMemory)?;
        for (words, values) in [(bank_header, header), (bank_data, data)] {
            words.iter().zip(values).for_each(|(word, value)| word.store(*value, Ordering::Relaxed));
        }
        self.lead_with(next);
        Ok(Published { version: next.version(), words_allocated })
    }

    /// Takes the record away; its version stays.
    pub(super) fn retire(&mut self) {
        self.lead_with(self.stamp.retired());
    }

    /// From here on readers find `stamp`.
    fn lead_with(&mut self, stamp: Stamp) {
        // Release, partner slot_head_acquire.
        self.slot.head.store(stamp.0, ordering!("slot_head_release", Release));
        self.stamp = stamp;
    }

    /// The class for a record of `length` words, and the words allocated for it: the present one if it fits, else one
    /// with a quarter of head-room.
    fn class_for(&self, length: usize) -> Result<(usize, usize), NoMemory> {
        let class = self.stamp.class();
        if length < CLASS_WORDS_MIN << class && self.slot.classes[class].get().is_some() {
            return Ok((class, 0));
        }
        let class = (class..CLASSES)
            .find(|class| length + length / 4 < CLASS_WORDS_MIN << class)
            .or_else(|| (length <= SLOT_WORDS_MAX).then_some(CLASSES - 1))
            .ok_or(NoMemory)?;
        if self.slot.classes[class].get().is_some() {
            return Ok((class, 0));
        }
        let words = BANKS * (CLASS_WORDS_MIN << class);
        let mut banks = Vec::new();
        banks.try_reserve_exact(words).map_err(|_| NoMemory)?;
        banks.extend((0..words).map(|_| AtomicU64::new(0)));
        // The turn is ours, so the cell is empty; readers come to it only through a later head.
        let _ = self.slot.classes[class].set(banks.into_boxed_slice());
        Ok((class, words))
    }
}

impl<const BANKS: usize> Drop for Turn<'_, BANKS> {
    fn drop(&mut self) {
        // Release, partner slot_turn_acquire.
        self.slot.writer.store(self.stamp.0, ordering!("slot_turn_release", Release));
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn publish<const BANKS: usize>(slot: &Slot<BANKS>, data: &[u64]) -> Published {
        slot.try_turn(1).unwrap().publish(&[], data).unwrap()
    }

    /// A reader that found version 1 and then lost its core while others were written.
    fn slow_copy<const BANKS: usize>(later_writes: u64) -> bool {
        let slot = Slot::<BANKS>::new();
        publish(&slot, &[1]);
        let found = slot.latest();
        for at in 0..later_writes {
            publish(&slot, &[at + 2]);
        }
        let mut words = Vec::new();
        let whole = slot.copy(found, &mut words);
        assert!(!whole || words == [1]);
        whole
    }

    #[test]
    fn a_copy_counts_only_while_no_writer_can_be_in_its_bank() {
        // With `BANKS` banks, version 1 is safe until version `BANKS` is published: then the next writer takes its bank.
        for writes in 0..6 {
            assert_eq!(slow_copy::<2>(writes), writes == 0);
            assert_eq!(slow_copy::<3>(writes), writes <= 1);
            assert_eq!(slow_copy::<4>(writes), writes <= 2);
        }
    }

    #[test]
    fn growth_leaves_the_old_banks_to_their_readers() {
        let slot = Slot::<4>::new();
        publish(&slot, &[1]);
        let found = slot.latest();
        let grown = publish(&slot, &vec![2; 10 * CLASS_WORDS_MIN]);
        assert_eq!(grown.words_allocated, 4 * 16 * CLASS_WORDS_MIN);
        let mut words = Vec::new();
        assert!(slot.copy(found, &mut words));
        assert_eq!(words, [1]);
        assert_eq!(publish(&slot, &[3]), Published { version: 3, words_allocated: 0 });
        assert_eq!(slot.read(1, &mut words), Read::Whole(3));
        assert_eq!(words, [3]);
    }

    #[test]
    fn a_record_takes_a_class_with_head_room_and_the_last_one_to_its_brim() {
        let cases = [
            (0, 0),
            (51, 0),
            (52, 1),
            (63, 1),
            (64, 1),
            (SLOT_WORDS_MAX / 2, CLASSES - 1),
            (SLOT_WORDS_MAX - 1, CLASSES - 1),
            (SLOT_WORDS_MAX, CLASSES - 1),
        ];
        for (words, class) in cases {
            let slot = Slot::<2>::new();
            publish(&slot, &vec![7; words]);
            assert_eq!(slot.latest().class(), class, "{words} words");
        }
        let slot = Slot::<2>::new();
        assert_eq!(slot.try_turn(1).unwrap().publish(&[], &vec![7; SLOT_WORDS_MAX + 1]), Err(NoMemory));
        assert_eq!(slot.latest().version(), 0);
    }
}
