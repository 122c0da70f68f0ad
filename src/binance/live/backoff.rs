//! Purpose: how long to wait before the next try: exponential, jittered, never shorter than the wait before it.
//! Owns: the count of failures and a small generator. Thread: its owner's. Takes and gives: nanoseconds.
//! Never: reads a clock or entropy; two runs of one seed wait alike.

/// A small generator for jitter (splitmix64): good enough to keep clients apart, and the same for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    /// From a seed.
    pub(super) const fn new(seed: u64) -> Jitter {
        Jitter(seed)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let span = high.saturating_sub(low);
        low + if span == u64::MAX { z } else { z % (span + 1) }
    }
}

/// Waits between tries.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    first_ns: u64,
    most_ns: u64,
    failures: u32,
    jitter: Jitter,
    full: bool,
}

impl Backoff {
    /// The wait after failure `n` lies in the upper half of `first_ns` doubled `n - 1` times, and never above `most_ns`.
    pub(super) const fn new(first_ns: u64, most_ns: u64, seed: u64) -> Backoff {
        Backoff { first_ns, most_ns, failures: 0, jitter: Jitter::new(seed), full: false }
    }

    /// With full jitter (faults.md F35): the wait lies anywhere up to the span, so that clients which failed together do not
    /// come back together. It may be shorter than the one before it.
    pub(super) const fn with_full_jitter(first_ns: u64, most_ns: u64, seed: u64) -> Backoff {
        Backoff { full: true, ..Backoff::new(first_ns, most_ns, seed) }
    }

    /// A try has failed: how long to wait.
    pub(super) fn failed(&mut self) -> u64 {
        // The halves of doubling spans touch but do not overlap: what is drawn never falls.
        let span = self.first_ns.checked_shl(self.failures.min(63)).unwrap_or(u64::MAX);
        let grown = span >> self.failures.min(63) == self.first_ns && span < self.most_ns;
        self.failures = self.failures.saturating_add(1);
        if self.full {
            return self.jitter.between(1, if grown { span } else { self.most_ns });
        }
        if grown { self.jitter.between(span / 2, span) } else { self.most_ns }
    }

    /// A try has succeeded.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn waits_never_fall_before_a_success_and_never_pass_the_bound() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(200 * MS, 30_000 * MS, seed);
            for round in 0..2 {
                let waits: Vec<u64> = (0..100).map(|_| backoff.failed()).collect();
                assert!(waits.is_sorted(), "seed {seed}, round {round}: {waits:?}");
                assert!((100 * MS..=200 * MS).contains(&waits[0]), "the first try comes soon: {}", waits[0]);
                assert_eq!(waits[99], 30_000 * MS);
                backoff.succeeded();
            }
        }
    }

    #[test]
    fn full_jitter_fills_the_doubling_span_and_never_passes_the_bound() {
        let (mut lowest, mut highest) = ([u64::MAX; 12], [0; 12]);
        for seed in 0..2_000 {
            let mut backoff = Backoff::with_full_jitter(200 * MS, 30_000 * MS, seed);
            for n in 0..12 {
                let wait = backoff.failed();
                (lowest[n], highest[n]) = (wait.min(lowest[n]), wait.max(highest[n]));
            }
            backoff.succeeded();
            assert!(backoff.failed() <= 200 * MS, "success gives short waits again");
        }
        for n in 0..12 {
            let span = ((200 * MS) << n).min(30_000 * MS);
            assert!(lowest[n] > 0 && lowest[n] < span / 50, "after failure {n}: {}", lowest[n]);
            assert!((span / 50 * 49..=span).contains(&highest[n]), "after failure {n}: {}", highest[n]);
        }
    }

    #[test]
    fn seeds_keep_clients_apart_and_repeat() {
        let draw = |seed| (0..5).map(|_| Backoff::new(MS, 100 * MS, seed).failed()).collect::<Vec<_>>();
        assert_eq!(draw(1), draw(1));
        let distinct: std::collections::HashSet<u64> =
            (0..100).map(|seed| Backoff::new(1_000 * MS, 30_000 * MS, seed).failed()).collect();
        assert!(distinct.len() > 90, "{}", distinct.len());
    }

    #[test]
    fn the_generator_keeps_its_bounds() {
        let mut jitter = Jitter::new(7);
        for (low, high) in [(0, 0), (5, 5), (0, 1), (10, 20), (0, u64::MAX), (u64::MAX, u64::MAX)] {
            for _ in 0..100 {
                assert!((low..=high).contains(&jitter.between(low, high)));
            }
        }
    }
}
