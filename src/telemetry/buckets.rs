//! Purpose: which cell of an HdrHistogram of three digits a value belongs to, as a shift and an addition.
//! Owns: the layout, held equal to the crate's by a test. Thread: any.
//! Takes and gives: nanoseconds in, cells out, and back. Never: a value above [`LATENCY_NS_MAX`].

/// The longest latency told apart, ns: 60 s. Longer ones are recorded as this and counted as clamped.
pub(super) const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// How many cells there are, rounded up to a power of two: an index that is masked by one less needs no check.
pub(super) const CELLS: usize = (cell(LATENCY_NS_MAX) + 1).next_power_of_two();

/// Half the sub-buckets of a bucket, as a power of two: 1 in 1,000 and a little more.
const HALF: u32 = 10;

/// The cell of a value.
#[inline(always)]
pub(super) const fn cell(value: u64) -> usize {
    let mask = (2 << HALF) - 1;
    let bucket = 63 - HALF - (value | mask).leading_zeros();
    ((bucket as u64) << HALF) as usize + (value >> bucket) as usize
}

/// The least value of a cell.
pub(super) const fn least(cell: usize) -> u64 {
    let bucket = ((cell >> HALF) as u64).saturating_sub(1);
    ((cell as u64) - (bucket << HALF)) << bucket
}

#[cfg(test)]
mod tests {
    use super::super::histogram::{Digits, empty};
    use super::*;

    #[test]
    fn cells_are_those_of_the_crate_and_cells_of_two_digits_are_whole_ones_of_three() {
        let (three, two) = (empty(Digits::Three), empty(Digits::Two));
        let near = |value: u64| [value.saturating_sub(1), value, value + 1];
        let powers = (0..36).flat_map(|power| near(1 << power));
        let spread = (1..2_000_u64).map(|n| n * n * n * 7 % LATENCY_NS_MAX);
        for value in powers.chain(spread).chain([0, LATENCY_NS_MAX]).filter(|value| *value <= LATENCY_NS_MAX) {
            let cell = cell(value);
            assert!(cell < CELLS, "{value}");
            assert_eq!(least(cell), three.lowest_equivalent(value), "{value}");
            assert_eq!(super::cell(least(cell)), cell, "{value}");
            assert_eq!(two.lowest_equivalent(least(cell)), two.lowest_equivalent(value), "{value}");
        }
    }
}
