//! The words of the SPSC ring: one contiguous buffer lent out in pieces to the two halves.
//!
//! Owns: the buffer and, under loom, a shadow cell for each word, touched just as the word is, so that loom sees a race
//! on memory that it could not watch itself.
//! Thread: both, on disjoint ranges. Takes and gives: offsets in, slices out.
//! Never: who may touch which range; that is the cursors' promise, passed on through `unsafe`.

use crate::sync::PlainUnsafeCell;

/// A fixed buffer of words.
pub(super) struct Words {
    cells: Box<[PlainUnsafeCell<u64>]>,
    #[cfg(loom)]
    shadow: Box<[crate::sync::UnsafeCell<()>]>,
}

// SAFETY: a word is reached only through `get` and `get_mut`, whose callers promise that no other thread writes (reads
// or writes) the range meanwhile and that the hand-over between threads is ordered by the cursors.
unsafe impl Sync for Words {}

impl Words {
    /// A zeroed buffer, written once so that its pages are there before the first record.
    pub(super) fn new(capacity: usize) -> Words {
        Words {
            cells: (0..capacity).map(|_| PlainUnsafeCell::new(0)).collect(),
            #[cfg(loom)]
            shadow: (0..capacity).map(|_| crate::sync::UnsafeCell::new(())).collect(),
        }
    }

    /// How many words there are.
    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.cells.len()
    }

    /// Lends `len` words from `at` for reading. Panics if the range leaves the buffer.
    ///
    /// # Safety
    /// No thread may write the range while the slice lives, and all earlier writes must happen before this call.
    #[inline(always)]
    pub(super) unsafe fn get(&self, at: usize, len: usize) -> &[u64] {
        let cells = &self.cells[at..][..len];
        #[cfg(loom)]
        self.shadow[at..at + len].iter().for_each(|cell| cell.with(|_| ()));
        // SAFETY: `cells` is a live range of initialised words, `UnsafeCell<u64>` has the layout of `u64`, and the
        // caller promises that nobody writes it meanwhile.
        unsafe { core::slice::from_raw_parts(cells.as_ptr().cast::<u64>(), len) }
    }

    /// Lends `len` words from `at` for writing. Panics if the range leaves the buffer.
    ///
    /// # Safety
    /// No one may hold or touch the range while the slice lives, and all earlier reads and writes of it by another
    /// thread must happen before this call.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "the cells make it mutable, the caller makes it exclusive")]
    pub(super) unsafe fn get_mut(&self, at: usize, len: usize) -> &mut [u64] {
        let cells = &self.cells[at..][..len];
        #[cfg(loom)]
        self.shadow[at..at + len].iter().for_each(|cell| cell.with_mut(|_| ()));
        // SAFETY: as in `get`; the words lie inside `UnsafeCell`s, so writing through the shared borrow is allowed, and
        // the caller promises to be the only one in the range.
        unsafe { core::slice::from_raw_parts_mut(cells.as_ptr().cast::<u64>().cast_mut(), len) }
    }
}
