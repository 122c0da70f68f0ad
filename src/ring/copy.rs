//! Records in and out of a ring's words: the one loop that every record goes through.
//!
//! Owns: how words are moved, and what a processor is asked to do for it. Thread: any.
//! Takes and gives: slices of one length. Never: an ordering; the callers' cursors, lengths and fences order these words.
//!
//! A call of `memcpy` costs a record of 128 bytes a third of its whole way; short ones are moved in place.

/// Copies words that nobody else touches.
#[inline(always)]
pub(super) fn plain(to: &mut [u64], from: &[u64]) {
    debug_assert_eq!(to.len(), from.len());
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    if (wide::BLOCK..wide::LONG).contains(&from.len()) && to.len() == from.len() {
        // SAFETY: both are live and of that length, and `to` is ours alone.
        return unsafe { wide::move_words(to.as_mut_ptr(), from.as_ptr(), from.len()) };
    }
    to.copy_from_slice(from);
}

#[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
mod wide {
    /// Words that are moved at a time.
    pub(super) const BLOCK: usize = 8;
    /// Words from which on a call of `memcpy` is worth it.
    pub(super) const LONG: usize = 64;

    /// Moves `length` words, at least a block, upwards. The last block goes over the one before it where `length` is no
    /// multiple: a rest word by word costs more.
    ///
    /// # Safety
    /// `from` is good for reading and `to` for writing so many words, and they do not overlap.
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
            let mut copied = vec![9; ROOM];
            plain(&mut copied[within.clone()], &words[at..]);
            assert_eq!(copied, expected);
        }
    }
}
