//! Purpose: the simulation's own randomness, the same bits on every machine and at every optimisation level.
//! Owns: one generator's state (xoshiro256**, seeded by splitmix64). Thread: its owner's. Takes and gives: integers.
//! Never: floating point, for the platform's logarithm may differ in the last bit and with it the whole run.

/// A seeded generator: xoshiro256** (Blackman and Vigna, 2018).
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator whose whole future follows from `seed`; zero is as good as any.
    pub fn new(seed: u64) -> Rng {
        let mut at = seed;
        let mut fill = || {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            scramble(at)
        };
        Rng { state: [fill(), fill(), fill(), fill()] }
    }

    /// A generator for one named part of a run: independent of how many other parts there are.
    pub fn for_part(seed: u64, name: &str, purpose: u64) -> Rng {
        let hash =
            name.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Rng::new(scramble(seed) ^ hash ^ scramble(purpose.wrapping_add(1)))
    }

    /// The next 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let out = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        out
    }

    /// A number in `0..bound`; 0 when `bound` is 0. The bias, below `bound / 2^64`, is of no concern here.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`; `low` when the range is empty.
    #[inline]
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0) as u64;
        low + self.below(width.saturating_add(1)) as i64
    }

    /// True with a chance of `per_million` in a million.
    #[inline]
    pub fn chance(&mut self, per_million: u32) -> bool {
        self.below(1_000_000) < u64::from(per_million)
    }

    /// An exponentially distributed number with about this mean, at least 1: the gap to the next event of a Poisson
    /// process. The logarithm is taken piecewise linear between powers of two, in integers.
    #[inline]
    pub fn exponential(&mut self, mean: i64) -> i64 {
        let draw = self.bits() | 1;
        let zeros = draw.leading_zeros();
        let fraction = ((draw << zeros) >> 47) as i64 & 0xffff;
        // -log2 of the draw as a part of 2^64, in 16 binary decimals; ln 2 = 45426 / 2^16. The chord lies under the
        // curve, which makes the mean some 4 % larger: of no concern, for it is the same everywhere.
        let log2 = (i64::from(zeros) << 16) + 0x1_0000 - fraction;
        let nats = (log2 * 45_426) >> 16;
        let scaled = (i128::from(mean) * i128::from(nats)) >> 16;
        (scaled as i64).max(1)
    }

    /// How many times in a row a fair coin shows heads, at most `most`.
    #[inline]
    pub fn heads(&mut self, most: usize) -> usize {
        (self.bits().trailing_ones() as usize).min(most)
    }
}

/// splitmix64's finaliser (Steele, Lea, Flood, 2014): a bijection that spreads every bit.
fn scramble(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
        let take = |seed| {
            let mut rng = Rng::new(seed);
            (0..64).map(|_| rng.bits()).collect::<Vec<_>>()
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
        assert!(take(0).iter().any(|b| *b != 0));
    }

    #[test]
    fn parts_of_a_run_are_independent() {
        let first = |name, purpose| Rng::for_part(1, name, purpose).bits();
        assert_eq!(first("BTCUSDT", 0), first("BTCUSDT", 0));
        assert_ne!(first("BTCUSDT", 0), first("ETHUSDT", 0));
        assert_ne!(first("BTCUSDT", 0), first("BTCUSDT", 1));
    }

    #[test]
    fn draws_stay_in_their_bounds_and_near_their_means() {
        let mut rng = Rng::new(3);
        assert_eq!(rng.below(0), 0);
        let mut sum = 0;
        for _ in 0..100_000 {
            assert!(rng.below(10) < 10);
            assert!((-3..=4).contains(&rng.between(-3, 4)));
            assert!(rng.heads(5) <= 5);
            let gap = rng.exponential(1_000_000);
            assert!(gap >= 1);
            sum += gap;
        }
        let mean = sum / 100_000;
        assert!((900_000..1_150_000).contains(&mean), "mean {mean}");
    }
}
