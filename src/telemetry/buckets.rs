//! Purpose: which cell of an HdrHistogram a value belongs to, as a shift and an addition: so that one look at a value serves a
//! histogram of three digits and several of two. Owns: the layout, held equal to the crate's by a test. Thread: any.
//! Takes and gives: nanoseconds in, cells out, and back. Never: a value above [`LATENCY_NS_MAX`].

/// The longest latency told apart, ns: 60 s. Longer ones are recorded as this and counted as clamped.
pub(super) const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// A layout: half the sub-buckets of a bucket, as a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout(u32);

/// 1 in 100.
pub(super) const TWO_DIGITS: Layout = Layout(7);
/// 1 in 1,000.
pub(super) const THREE_DIGITS: Layout = Layout(10);

impl Layout {
    /// How many cells there are, rounded up to a power of two: an index that is masked by one less needs no check.
    pub(super) const fn cells(self) -> usize {
        (self.cell(LATENCY_NS_MAX) + 1).next_power_of_two()
    }

    /// The cell of a value.
    #[inline(always)]
    pub(super) const fn cell(self, value: u64) -> usize {
        let mask = (2 << self.0) - 1;
        let bucket = 63 - self.0 - (value | mask).leading_zeros();
        ((bucket as u64) << self.0) as usize + (value >> bucket) as usize
    }

    /// The least value of a cell.
    pub(super) const fn least(self, cell: usize) -> u64 {
        let bucket = ((cell >> self.0) as u64).saturating_sub(1);
        ((cell as u64) - (bucket << self.0)) << bucket
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;

    #[test]
    fn cells_are_those_of_the_crate() {
        for (layout, digits) in [(TWO_DIGITS, 2), (THREE_DIGITS, 3)] {
            let histogram = Histogram::<u64>::new_with_bounds(1, LATENCY_NS_MAX, digits).unwrap();
            let near = |value: u64| [value.saturating_sub(1), value, value + 1];
            let powers = (0..36).flat_map(|power| near(1 << power));
            let spread = (1..2_000_u64).map(|n| n * n * n * 7 % LATENCY_NS_MAX);
            for value in powers.chain(spread).chain([0, LATENCY_NS_MAX]).filter(|value| *value <= LATENCY_NS_MAX) {
                let cell = layout.cell(value);
                assert!(cell < layout.cells(), "{value}");
                assert_eq!(layout.least(cell), histogram.lowest_equivalent(value), "{value} at {digits} digits");
                assert_eq!(layout.cell(layout.least(cell)), cell, "{value}");
            }
        }
    }
}
