//! `UnsafeCell` with loom's closure interface over the plain one, so that the same source is checked under loom.
//!
//! Owns: one value. Thread: as its owner arranges: the cell is not `Sync` by itself.
//! Takes and gives: raw pointers, valid during the closure only.
//! Never: a reference to the value; making one is the caller's unsafe act.

/// A cell whose content is reached through a raw pointer lent to a closure.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell holding `value`.
    pub const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(core::cell::UnsafeCell::new(value))
    }

    /// Lends a pointer for reading: no thread may write while `f` runs.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get().cast_const())
    }

    /// Lends a pointer for writing: no other thread may read or write while `f` runs.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}
