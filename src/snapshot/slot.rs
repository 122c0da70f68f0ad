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
//! | id | site | ordering | partner | what breaks without it |
//! |---|---|---|---|---|
//! | S1 | `try_turn`, exchange of `writer` | Acquire | S6 | a writer's S2 does not cover its predecessor's S4: a reader validates against an old head, torn |
//! | S2 | `publish`, fence before the words | Release | S8 | a reader sees words of `v + BANKS` but not head `v + BANKS - 1`: torn |
//! | S3 | bank words, store | Relaxed | S7 | nothing: S2/S8 and S4/S5 order them |
//! | S4 | `publish`, store to `head` | Release | S5 | a reader sees the version before its words: torn |
//! | S5 | `read`, first load of `head` | Acquire | S4 | as S4 |
//! | S6 | end of a turn, store to `writer` | Release | S1 | as S1 |
//! | S7 | bank words, load | Relaxed | S3 | nothing, as S3 |
//! | S8 | `is_whole`, fence before the load of `head` | Acquire | S2 | as S2 |
//! | S9 | `is_whole`, load of `head` | Relaxed | S4 | nothing: S8 stands before it |
//!
//! Each ordering that matters has a mutant (`--cfg meltica_mutant="snapshot_s1"` and so on, and `snapshot_bound` for the
//! arithmetic), and the models in `slot_loom.rs` kill it. A writer takes its stamp from `writer`, never from `head`: loom
//! overlooks broken sequence locks whose writer loads the word that it publishes.

use std::sync::OnceLock;

use crate::sync::{AtomicU64, Ordering, fence};

/// Words of a bank of the smallest class; each class doubles it.
pub(super) const CLASS_WORDS_MIN: usize = if cfg!(loom) { 4 } else { 64 };
/// Number of size classes.
pub(super) const CLASSES: usize = if cfg!(loom) { 2 } else { 16 };
/// Most words of one record in a slot, its length word not counted.
pub(super) const SLOT_WORDS_MAX: usize = (CLASS_WORDS_MIN << (CLASSES - 1)) - 1;

const fn ordering(planned: Ordering, mutated: bool) -> Ordering {
    if mutated { Ordering::Relaxed } else { planned }
}
const TURN_TAKE: Ordering = ordering(Ordering::Acquire, cfg!(meltica_mutant = "snapshot_s1"));
const HEAD_STORE: Ordering = ordering(Ordering::Release, cfg!(meltica_mutant = "snapshot_s4"));
const HEAD_LOAD: Ordering = ordering(Ordering::Acquire, cfg!(meltica_mutant = "snapshot_s5"));
const TURN_END: Ordering = ordering(Ordering::Release, cfg!(meltica_mutant = "snapshot_s6"));
const FENCE_BEFORE_WORDS: bool = !cfg!(meltica_mutant = "snapshot_s2");
const FENCE_AFTER_COPY: bool = !cfg!(meltica_mutant = "snapshot_s8");
/// Banks that lie between a reader's and the writer's at the least.
const BANKS_APART: u64 = if cfg!(meltica_mutant = "snapshot_bound") { 1 } else { 2 };

/// Version (bits 8..), size class (2..8), live (1); bit 0 is the turn, in `writer` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl Stamp {
    const TURN: u64 = 1;
    const LIVE: u64 = 2;

    const fn new(version: u64, class: usize) -> Stamp {
        Stamp(version << 8 | (class as u64) << 2 | Stamp::LIVE)
    }

    /// Writes so far; 0 before the first. 56 bits: over two thousand years at a million a second.
    pub(super) const fn version(self) -> u64 {
        self.0 >> 8
    }

    /// Whether there is a record: written and not expired.
    pub(super) const fn is_live(self) -> bool {
        self.0 & Stamp::LIVE != 0
    }

    const fn class(self) -> usize {
        (self.0 >> 2) as usize & 0x3f
    }
}

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
        // S5, partner S4.
        Stamp(self.head.load(HEAD_LOAD))
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
        // S7. The length is checked before it is used: a torn one would make the caller's buffer grow for nothing.
        let length = length.load(Ordering::Relaxed) as usize;
        if !self.is_whole(stamp) {
            return false;
        }
        let Some(bank) = bank.get(..length) else { return false };
        words.clear();
        // S7, partner S3, ordered by S5 before and S8 after.
        words.extend(bank.iter().map(|word| word.load(Ordering::Relaxed)));
        self.is_whole(stamp)
    }

    /// Whether everything loaded so far from the bank of `stamp` was that version's.
    fn is_whole(&self, stamp: Stamp) -> bool {
        if FENCE_AFTER_COPY {
            // S8, partner S2: who saw a word of the bank's next use sees here the head that came before that use.
            fence(Ordering::Acquire);
        }
        // S9.
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
            // S1, partner S6.
            match self.writer.compare_exchange(seen, seen | Stamp::TURN, TURN_TAKE, Ordering::Relaxed) {
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
        // S3 was the predecessor's; S1/S6 order it.
        self.slot.bank(self.stamp)?.get(1 + at).map(|word| word.load(Ordering::Relaxed))
    }

    /// Publishes `header` and `data` as the next version.
    pub(super) fn publish(&mut self, header: &[u64], data: &[u64]) -> Result<Published, NoMemory> {
        let length = header.len() + data.len();
        let (class, words_allocated) = self.class_for(length)?;
        let next = Stamp::new(self.stamp.version() + 1, class);
        let (length_word, bank) = self.slot.bank(next).and_then(<[AtomicU64]>::split_first).ok_or(NoMemory)?;
        if FENCE_BEFORE_WORDS {
            // S2, partner S8: the head that we found, stored by us or before S1, is seen by who sees a word below.
            fence(Ordering::Release);
        }
        // S3, partner S7.
        length_word.store(length as u64, Ordering::Relaxed);
        for (word, value) in bank.iter().zip(header.iter().chain(data)) {
            word.store(*value, Ordering::Relaxed);
        }
        // S4, partner S5: from here on readers find it.
        self.slot.head.store(next.0, HEAD_STORE);
        self.stamp = next;
        Ok(Published { version: next.version(), words_allocated })
    }

    /// Takes the record away; its version stays.
    pub(super) fn retire(&mut self) {
        self.stamp = Stamp(self.stamp.0 & !Stamp::LIVE);
        // S4, partner S5.
        self.slot.head.store(self.stamp.0, HEAD_STORE);
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
        // S6, partner S1.
        self.slot.writer.store(self.stamp.0, TURN_END);
    }
}
