//! What can go wrong when a ring is made or a gating reader is registered: all of it the caller's configuration.
//!
//! Owns: [`RingError`] and the limits of a capacity. Thread: any. Takes and gives: a capacity in, a verdict out.
//! Never: an error of the data path; those are `ClaimError` and `PublishError`.

/// Smallest ring, in words of 8 bytes.
pub const CAPACITY_WORDS_MIN: usize = 16;
/// Largest ring, in words of 8 bytes: 1 GiB.
pub const CAPACITY_WORDS_MAX: usize = 1 << 27;

/// A ring or a gating reader that cannot be made as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The capacity is not a power of two.
    #[error("ring capacity of {capacity_words} words is not a power of two")]
    CapacityNotPowerOfTwo {
        /// The capacity asked for, in words.
        capacity_words: usize,
    },
    /// The capacity is below [`CAPACITY_WORDS_MIN`] or above [`CAPACITY_WORDS_MAX`].
    #[error(
        "ring capacity of {capacity_words} words is outside {CAPACITY_WORDS_MIN}..={CAPACITY_WORDS_MAX} \
         (a word is 8 bytes)"
    )]
    CapacityOutOfRange {
        /// The capacity asked for, in words.
        capacity_words: usize,
    },
    /// Every place for a gating reader is taken.
    #[error("all {gates} places for gating readers of this ring are taken")]
    NoFreeGate {
        /// How many places the ring has.
        gates: usize,
    },
    /// A gating reader's bound is smaller than one whole record or larger than the ring.
    #[error("bound of {bound_words} words for a gating reader is outside {min}..={max}")]
    BoundOutOfRange {
        /// The bound asked for, in words.
        bound_words: usize,
        /// The smallest bound of this ring: its largest record with the overhead.
        min: usize,
        /// The largest bound of this ring: its capacity.
        max: usize,
    },
}

/// Checks a capacity against the limits that both rings share.
pub(super) fn check_capacity(capacity_words: usize) -> Result<(), RingError> {
    if !(CAPACITY_WORDS_MIN..=CAPACITY_WORDS_MAX).contains(&capacity_words) {
        return Err(RingError::CapacityOutOfRange { capacity_words });
    }
    if !capacity_words.is_power_of_two() {
        return Err(RingError::CapacityNotPowerOfTwo { capacity_words });
    }
    Ok(())
}
