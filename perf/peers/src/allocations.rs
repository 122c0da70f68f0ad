//! Purpose: allocations a message, counted by an allocator of our own that counts only while it is asked to.
//! Owns: the global allocator of this program. Thread: counts those of the thread that asks.
//! Takes and gives: rounds in, a count out. Never: counts, or costs more than a look at a flag, while others are measured.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::frames::Sample;
use crate::support::rooms::round_of;

struct Counting;

static ON: AtomicBool = AtomicBool::new(false);

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn note() {
    // Relaxed: set and read by the thread that counts; to others it only says whether to look at their own counter.
    if ON.load(Ordering::Relaxed) {
        COUNT.set(COUNT.get() + 1);
    }
}

// SAFETY: every call goes to the system's allocator as it came; counting touches nothing else.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the system allocator's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of so many frames over the whole walk, after as many that warm it up.
pub(crate) fn of_walk(sample: &Sample, frames: u64) -> u64 {
    let mut round = round_of("walk+ledger", sample);
    for _ in 0..frames {
        round();
    }
    let before = COUNT.get();
    ON.store(true, Ordering::Relaxed);
    for _ in 0..frames {
        round();
    }
    ON.store(false, Ordering::Relaxed);
    COUNT.get() - before
}
