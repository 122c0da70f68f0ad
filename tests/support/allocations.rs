//! Purpose: allocations of the calling thread, counted by the allocator itself. Owns: the global allocator of the program that
//! includes this file. Thread: each has its own count. Takes and gives: a count out. Never: counts what is given back.
#![allow(unreachable_pub, missing_docs)] // Part of programs that nobody uses as a library.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static MADE: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of this thread so far, growth included.
pub fn made() -> u64 {
    MADE.get()
}

fn count() {
    // A thread whose locals are gone counts for nobody.
    let _ = MADE.try_with(|made| made.set(made.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it came; counting touches only a thread-local without destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the system allocator's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
