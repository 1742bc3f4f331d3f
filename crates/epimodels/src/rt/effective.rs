//! How many counts a weekly figure is worth.

/// Weeks that the scatter is measured on.
const SCATTER: usize = 16;
/// Rates are taken to be worth at most so many counts: a series that its publisher smoothed is not known to nothing.
const MOST: f64 = 10_000.0;
/// Effective counts in the last two weeks below which nothing is said of R.
const LEAST: f64 = 10.0;

/// For each week, variance over mean of the values up to it about the mean of their neighbours: a value that is divided by
/// it has the scatter of a Poisson count of that size, an "effective count". For counts of persons it is at least 1.
///
/// Each week with its two neighbours gives (value − mean of the neighbours)²/(1.5·mean of the three), whose expectation is
/// the dispersion if weeks are independent; a real bend counts as scatter. The mean of 16 of them is taken.
#[must_use]
pub fn dispersions(values: &[f64], counts: bool) -> Vec<f64> {
    let scatter = |w: &[f64]| {
        let mean = (w[0] + w[1] + w[2]) / 3.0;
        (mean > 0.0).then(|| (w[1] - (w[0] + w[2]) / 2.0).powi(2) / mean / 1.5)
    };
    let each: Vec<Option<f64>> = values.windows(3).map(scatter).collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let least = if counts { 1.0 } else { (mean / MOST).max(f64::MIN_POSITIVE) };
    (0..values.len())
        .map(|week| {
            // A week's own difference needs the week after it: the last week takes those before.
            let end = week.max(SCATTER.min(each.len())).min(each.len());
            let known: Vec<f64> = each[end.saturating_sub(SCATTER)..end].iter().flatten().copied().collect();
            (known.iter().sum::<f64>() / known.len().max(1) as f64).max(least)
        })
        .collect()
}

/// Are the last two weeks worth enough to say anything of R? At least 10 effective counts, by the dispersion of the last
/// week.
#[must_use]
pub fn enough(values: &[f64], dispersions: &[f64]) -> bool {
    let scale = dispersions.last().copied().unwrap_or(1.0);
    values.iter().rev().take(2).map(|v| v.max(0.0) / scale).sum::<f64>() >= LEAST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_persons_are_enough_and_ten_that_jump_are_not() {
        let even = [5.0; 20];
        assert!(enough(&even, &dispersions(&even, true)));
        assert!(!enough(&[4.0; 20], &dispersions(&[4.0; 20], true)));
        let jumping: Vec<f64> = (0..20).map(|w| if w % 2 == 0 { 1.0 } else { 19.0 }).collect();
        assert!(!enough(&jumping, &dispersions(&jumping, true)));
        let rate: Vec<f64> = jumping.iter().map(|v| v / 1000.0).collect();
        assert!(!enough(&rate, &dispersions(&rate, false)), "whatever the unit of a rate");
    }
}
