//! The one pseudo-random generator of this crate: xorshift64* (Vigna 2016, "An experimental exploration of
//! Marsaglia's xorshift generators, scrambled"), seeded through SplitMix64. Small enough to be written again
//! in any language from `docs/forecast/method.md`.

/// A xorshift64* generator. The same seed gives the same draws on every machine.
#[derive(Debug, Clone)]
pub struct Rng(u64);

/// One step of SplitMix64: a bijection of the 64-bit integers that scatters neighbouring seeds.
#[must_use]
pub fn scatter(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// A generator from a seed and a path of labels (for example step, level, bag): different paths give
    /// unrelated streams, whatever the order in which they are used.
    #[must_use]
    pub fn new(seed: u64, path: &[u64]) -> Self {
        let state = path.iter().fold(scatter(seed), |state, label| scatter(state ^ scatter(*label)));
        Self(if state == 0 { 0x9E37_79B9_7F4A_7C15 } else { state })
    }

    /// Next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform integer in 0..n (n = 0 gives 0), by multiply-shift.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Fisher–Yates shuffle, from the end.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// `k` of `0..n` without replacement, ascending.
    pub fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        self.shuffle(&mut all);
        all.truncate(k);
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_fixed_for_ever() {
        let mut rng = Rng::new(1, &[2, 3]);
        let draws = [rng.bits(), rng.bits(), rng.bits()];
        let mut again = Rng::new(1, &[2, 3]);
        assert_eq!(draws, [again.bits(), again.bits(), again.bits()]);
        assert_eq!(scatter(0), 0xE220_A839_7B1D_CDAF, "first output of SplitMix64 from seed 0");
    }

    #[test]
    fn uniform_has_the_right_mean_and_choose_no_repeats() {
        let mut rng = Rng::new(7, &[]);
        let mean = (0..100_000).map(|_| rng.uniform()).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        let chosen = rng.choose(10, 7);
        assert!(chosen.len() == 7 && chosen.windows(2).all(|w| w[0] < w[1]));
    }
}
