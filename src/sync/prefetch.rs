//! Purpose: asks for cache lines before they are needed. Owns: nothing. Thread: any. Takes and gives: a reference in.
//! Never: waits, reads or writes what it is given.

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// Asks for the lines of a value, as far as its first `bytes`. Nothing waits for them, as something would for a load: behind a
/// load that misses, a processor takes up no more than its reorder buffer holds.
///
/// A hint: it changes nothing but the time that a later use takes, and does nothing where the target has no such instruction.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T, bytes: usize) {
    let bytes = bytes.min(size_of::<T>());
    let first = core::ptr::from_ref(value).cast::<i8>();
    let mut at = 0;
    while at < bytes {
        line(first.wrapping_add(at));
        at += LINE_BYTES;
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn line(at: *const i8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: PREFETCHT0 is of SSE, which every x86-64 has; it faults for no address and has no effect that a program can see
    // (Intel SDM volume 2, PREFETCHh).
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at) }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
fn line(_: *const i8) {}
