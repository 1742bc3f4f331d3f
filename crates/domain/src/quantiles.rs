//! The quantile levels of a forecast.

/// The 23 levels that the forecast hubs ask for (hubverse quantile form), ascending.
pub const LEVELS: [f64; 23] = [
    0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8,
    0.85, 0.9, 0.95, 0.975, 0.99,
];

/// Where [`LEVELS`] holds the median.
pub const MEDIAN: usize = 11;

/// Where [`LEVELS`] holds the two ends of the central 50, 80 and 95 % intervals.
pub const BANDS: [(u8, usize, usize); 3] = [(50, 6, 16), (80, 3, 19), (95, 1, 21)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_places_hold_the_named_levels() {
        assert_eq!(LEVELS[MEDIAN].to_bits(), 0.5f64.to_bits());
        for (percent, low, high) in BANDS {
            let width = LEVELS[high] - LEVELS[low];
            assert!((width * 100.0 - f64::from(percent)).abs() < 1e-9);
        }
    }
}
