//! Records in and out of a ring's words: the one loop that every record goes through.
//!
//! Owns: how words are moved, and what a processor is asked to do for it. Thread: any.
//! Takes and gives: slices of one length. Never: an ordering; the callers' cursors, lengths and fences order these words.
//!
//! Words that others may read or write meanwhile are moved as by relaxed atomics. Of these the compiler makes a move of
//! eight bytes each and may not join two, so a record costs twice the moves that the processor needs. An atomic type of
//! sixteen bytes there is none, and a plain write that a lossy reader may race with is undefined: so where the instruction
//! set says what a move of sixteen bytes does, it is asked for by name. Plain words go the same way where they are few: a
//! call of `memcpy` costs a record of 128 bytes a third of its whole way.

use crate::sync::{AtomicU64, Ordering};

/// Stores each word of `from` into its place in `to`, as by relaxed stores, some of them twice.
#[inline(always)]
pub(super) fn store(to: &[AtomicU64], from: &[u64]) {
    debug_assert_eq!(to.len(), from.len());
    // Miri knows no assembly, and loom's atomics are no words.
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    if from.len() >= blocks::BLOCK && to.len() == from.len() {
        // SAFETY: both are live and of that length; `to` may be written through a shared borrow, for its words are atomics.
        return unsafe { blocks::move_words(to.as_ptr().cast::<u64>().cast_mut(), from.as_ptr(), from.len()) };
    }
    to.iter().zip(from).for_each(|(to, from)| to.store(*from, Ordering::Relaxed));
}

/// Loads each word of `from` into its place in `to`, as by relaxed loads, some of them twice.
#[inline(always)]
pub(super) fn load(to: &mut [u64], from: &[AtomicU64]) {
    debug_assert_eq!(to.len(), from.len());
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    if from.len() >= blocks::BLOCK && to.len() == from.len() {
        // SAFETY: both are live and of that length, and `to` is ours alone.
        return unsafe { blocks::move_words(to.as_mut_ptr(), from.as_ptr().cast::<u64>(), from.len()) };
    }
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
}

/// Copies words that nobody else touches.
#[inline(always)]
pub(super) fn plain(to: &mut [u64], from: &[u64]) {
    debug_assert_eq!(to.len(), from.len());
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    if (blocks::BLOCK..blocks::LONG).contains(&from.len()) && to.len() == from.len() {
        // SAFETY: both are live and of that length, and `to` is ours alone.
        return unsafe { blocks::move_words(to.as_mut_ptr(), from.as_ptr(), from.len()) };
    }
    to.copy_from_slice(from);
}

#[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
mod blocks {
    /// Words that are moved at a time.
    pub(super) const BLOCK: usize = 8;
    /// Words from which on a call of `memcpy` is worth it.
    pub(super) const LONG: usize = 64;

    /// Moves `length` words, at least a block, upwards. The last block goes over the one before it where `length` is no
    /// multiple: a rest word by word costs more.
    ///
    /// To any other thread these are relaxed loads and stores of each word, in order, some of them repeated: x86-64 keeps
    /// loads among each other and stores among each other in program order, and a move of sixteen bytes moves each aligned
    /// eight of them at once. Should it not, nobody would notice: a record's number and length, which are believed as soon
    /// as they are seen, are never moved here while anyone may see them; and a copy of words that were written meanwhile
    /// is given up, for `intent` went past them before.
    ///
    /// # Safety
    /// `from` is good for reading and `to` for writing so many words, and they do not overlap. What other threads do to
    /// either meanwhile they do by atomics.
    #[inline(always)]
    pub(super) unsafe fn move_words(to: *mut u64, from: *const u64, length: usize) {
        let last = length - BLOCK;
        let mut at = 0;
        while at < last {
            // SAFETY: `at + BLOCK` is below `length`.
            unsafe { move_block(to.add(at), from.add(at)) };
            at += BLOCK;
        }
        // SAFETY: it ends with the last word.
        unsafe { move_block(to.add(last), from.add(last)) };
    }

    /// # Safety
    /// As of `move_words`, of [`BLOCK`] words.
    #[inline(always)]
    unsafe fn move_block(to: *mut u64, from: *const u64) {
        // SAFETY: reads the block at `from` and writes the one at `to`, which the caller vouches for, and nothing else.
        unsafe {
            core::arch::asm!(
                "movups {a}, [{from}]",
                "movups {b}, [{from} + 16]",
                "movups {c}, [{from} + 32]",
                "movups {d}, [{from} + 48]",
                "movups [{to}], {a}",
                "movups [{to} + 16], {b}",
                "movups [{to} + 32], {c}",
                "movups [{to} + 48], {d}",
                from = in(reg) from,
                to = in(reg) to,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Words around the longest record of the test, beyond where `memcpy` takes over.
    const ROOM: usize = 90;

    #[test]
    fn every_word_goes_to_its_place_and_no_other_is_touched() {
        for (length, at) in (0..80).flat_map(|length| (0..3).map(move |at| (length, at))) {
            let within = at..at + length;
            let words: Vec<u64> = (100..).take(length + at).collect();
            let expected: Vec<u64> = (0..ROOM).map(|i| if within.contains(&i) { 100 + i as u64 } else { 9 }).collect();
            let ring: Vec<AtomicU64> = (0..ROOM).map(|_| AtomicU64::new(9)).collect();
            store(&ring[within.clone()], &words[at..]);
            let found: Vec<u64> = ring.iter().map(|word| word.load(Ordering::Relaxed)).collect();
            assert_eq!(found, expected);
            let (mut loaded, mut copied) = (vec![9; ROOM], vec![9; ROOM]);
            load(&mut loaded[within.clone()], &ring[within.clone()]);
            plain(&mut copied[within.clone()], &words[at..]);
            assert_eq!((loaded, copied), (expected.clone(), expected));
        }
    }
}
