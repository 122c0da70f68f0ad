//! Purpose: the state of a slot in one word.
//! Owns: nothing. Thread: any. Takes and gives: numbers. Never: touches memory.

/// Version (bits 8..), size class (2..8), live (1); bit 0 is the turn, in `writer` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) u64);

impl Stamp {
    pub(super) const TURN: u64 = 1;
    const LIVE: u64 = 2;

    /// Of a live record.
    pub(super) const fn new(version: u64, class: usize) -> Stamp {
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

    /// Size class of its banks.
    pub(super) const fn class(self) -> usize {
        (self.0 >> 2) as usize & 0x3f
    }

    /// The same version with its record taken away.
    pub(super) const fn retired(self) -> Stamp {
        Stamp(self.0 & !Stamp::LIVE)
    }
}
