use super::{Delay, Missing, SerialInterval};

/// The longest part of the serial interval that is kept, in days.
const LONGEST: usize = 60;
/// Deviations of the priors: ln R of the first week, level and daily growth of the days before it.
const PRIOR: [f64; 3] = [0.5, 2.0, 0.1];

/// Infections that follow from R by week, and the weekly reports that follow from them.
///
/// θ = ln R of each week, ln of the infections on the day before the first one, their daily growth until then, and
/// what is missing from the youngest weeks (newest first, log scale).
pub(super) struct Latent<'a> {
    /// Reports by week.
    pub(super) reports: &'a [f64],
    pub(super) missing: &'a [Missing],
    /// Probabilities of 1, 2, … days between infections, summing to 1.
    interval: Vec<f64>,
    /// Share of the infections of the day that lies j days before the end of a week that is reported in that week.
    kernel: Vec<f64>,
    /// Days before the first week that still matter.
    before: usize,
    /// ln of the infections a day at the beginning, as the first reports suggest.
    level: f64,
}

/// What a θ means.
pub(super) struct Path {
    /// Infections by day, those before the first week included.
    pub(super) infections: Vec<f64>,
    /// Expected reports by week.
    pub(super) expected: Vec<f64>,
}

impl<'a> Latent<'a> {
    pub(super) fn new(
        reports: &'a [f64],
        si: &SerialInterval,
        delay: &Delay,
        missing: &'a [Missing],
    ) -> Self {
        let mut interval = si.weights(LONGEST);
        if !interval.is_empty() {
            interval.remove(0);
        }
        let total: f64 = interval.iter().sum();
        let mut kept = 0.0;
        let needed = interval.iter().position(|w| {
            kept += w / total;
            kept > 1.0 - 1e-6
        });
        interval.truncate(needed.map_or(interval.len(), |n| n + 1));
        let total: f64 = interval.iter().sum();
        interval.iter_mut().for_each(|w| *w /= total);
        let days = delay.probabilities().len() as i64 + 6;
        let kernel = (0..days).map(|j| delay.within(j) - delay.within(j - 7)).collect();
        let before = interval.len().max(delay.probabilities().len());
        let early = reports.iter().take(4).sum::<f64>() / reports.len().clamp(1, 4) as f64;
        Self { reports, missing, interval, kernel, before, level: (early.max(0.5) / 7.0).ln() }
    }

    /// How many weeks, and how long θ is.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.reports.len(), self.reports.len() + 2 + self.missing.len())
    }

    /// The day in [`Path::infections`] that ends the week.
    pub(super) fn end(&self, week: usize) -> usize {
        self.before + 7 * week + 6
    }

    /// The place in θ of what is missing from a week, if anything is.
    fn missing_of(&self, week: usize) -> Option<usize> {
        let age = self.reports.len() - 1 - week;
        (age < self.missing.len()).then_some(self.reports.len() + 2 + age)
    }

    /// Where θ begins: R by the growth of the reports, a mean delay before them.
    pub(super) fn start(&self, si: &SerialInterval, delay: &Delay) -> Vec<f64> {
        let (weeks, size) = self.size();
        let shift = (delay.mean() / 7.0).round() as usize;
        let log = |week: usize| (self.reports[week.clamp(0, weeks - 1)] + 1.0).ln();
        let mut theta = vec![0.0; size];
        for (week, value) in theta.iter_mut().enumerate().take(weeks) {
            let at = (week + shift).min(weeks - 1);
            let rate = ((log(at) - log(at.saturating_sub(2))) / 14.0).clamp(-0.1, 0.1);
            let force: f64 =
                si.weights(LONGEST).iter().enumerate().map(|(s, w)| w * (-rate * s as f64).exp()).sum();
            *value = -force.max(1e-9).ln();
        }
        theta[weeks] = self.level;
        for (value, missing) in theta[weeks + 2..].iter_mut().zip(self.missing) {
            *value = missing.log;
        }
        theta
    }

    /// Infections and expected reports.
    pub(super) fn path(&self, theta: &[f64]) -> Path {
        let (weeks, _) = self.size();
        let mut infections = Vec::with_capacity(self.before + 7 * weeks);
        for day in 0..self.before {
            infections.push((theta[weeks] + theta[weeks + 1] * (day as f64 - self.before as f64)).exp());
        }
        for r in theta[..weeks].iter().map(|log| log.exp()) {
            for _ in 0..7 {
                let force: f64 = self.interval.iter().zip(infections.iter().rev()).map(|(w, i)| w * i).sum();
                infections.push(r * force);
            }
        }
        let of_week = |week: usize| {
            let back = infections[..=self.end(week)].iter().rev();
            let all: f64 = self.kernel.iter().zip(back).map(|(k, i)| k * i).sum();
            all * self.missing_of(week).map_or(1.0, |m| (-theta[m]).exp())
        };
        let expected = (0..weeks).map(of_week).collect();
        Path { infections, expected }
    }

    /// The derivatives of the expected reports of each week, by θ: a row a week.
    pub(super) fn jacobian(&self, theta: &[f64], path: &Path) -> Vec<f64> {
        let (weeks, size) = self.size();
        let width = weeks + 2;
        let mut daily = vec![0.0; path.infections.len() * width];
        for day in 0..self.before {
            daily[day * width + weeks] = path.infections[day];
            daily[day * width + weeks + 1] = path.infections[day] * (day as f64 - self.before as f64);
        }
        for week in 0..weeks {
            let r = theta[week].exp();
            for day in self.before + 7 * week..self.before + 7 * week + 7 {
                let (past, row) = daily.split_at_mut(day * width);
                let row = &mut row[..width];
                for (w, earlier) in self.interval.iter().zip(past.rchunks_exact(width)) {
                    // Nothing depends on the R of a later week.
                    add(&mut row[..=week], &earlier[..=week], r * w);
                    add(&mut row[weeks..], &earlier[weeks..], r * w);
                }
                row[week] += path.infections[day];
            }
        }
        let mut answer = vec![0.0; weeks * size];
        for (week, row) in answer.chunks_exact_mut(size).enumerate() {
            let missing = self.missing_of(week);
            let share = missing.map_or(1.0, |m| (-theta[m]).exp());
            let known = &daily[..(self.end(week) + 1) * width];
            for (k, day) in self.kernel.iter().zip(known.rchunks_exact(width)) {
                add(&mut row[..=week], &day[..=week], share * k);
                add(&mut row[weeks..width], &day[weeks..], share * k);
            }
            if let Some(m) = missing {
                row[m] = -path.expected[week];
            }
        }
        answer
    }

    /// Precision of the prior (its diagonal, and the entries beside it among the weeks) and its mean. `step`: the
    /// standard deviation of the change of ln R from week to week.
    pub(super) fn prior(&self, step: f64) -> (Vec<f64>, f64, Vec<f64>) {
        let (weeks, size) = self.size();
        let walk = 1.0 / (step * step);
        let mut diagonal = vec![0.0; size];
        let mut mean = vec![0.0; size];
        for (week, d) in diagonal.iter_mut().enumerate().take(weeks) {
            *d += if week == 0 { PRIOR[0].powi(-2) } else { walk };
            *d += if week + 1 < weeks { walk } else { 0.0 };
        }
        (diagonal[weeks], diagonal[weeks + 1]) = (PRIOR[1].powi(-2), PRIOR[2].powi(-2));
        mean[weeks] = self.level;
        for (i, m) in self.missing.iter().enumerate() {
            diagonal[weeks + 2 + i] = m.sd.max(1e-3).powi(-2);
            mean[weeks + 2 + i] = m.log;
        }
        (diagonal, -walk, mean)
    }

    /// ln of the determinant of the prior's precision.
    pub(super) fn prior_log_determinant(&self, step: f64) -> f64 {
        let (weeks, _) = self.size();
        let (diagonal, ..) = self.prior(step);
        // A walk from a first value: the determinant is the product of the precisions of the value and the steps.
        let of_walk = -2.0 * PRIOR[0].ln() - 2.0 * (weeks as f64 - 1.0) * step.ln();
        of_walk + diagonal[weeks..].iter().map(|d| d.ln()).sum::<f64>()
    }
}

fn add(to: &mut [f64], from: &[f64], times: f64) {
    for (a, b) in to.iter_mut().zip(from) {
        *a += times * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivatives_are_those_of_the_path() {
        let reports = [40.0, 60.0, 80.0, 90.0, 70.0];
        let missing = [Missing { log: 0.2, sd: 0.1 }, Missing { log: 0.05, sd: 0.1 }];
        let si = SerialInterval::shifted_gamma(3.6, 1.6).unwrap();
        let delay = Delay::stages(&[(5.0, 2.0)]).unwrap();
        let latent = Latent::new(&reports, &si, &delay, &missing);
        let theta: Vec<f64> =
            latent.start(&si, &delay).iter().enumerate().map(|(i, t)| t + 0.01 * i as f64).collect();
        let found = latent.jacobian(&theta, &latent.path(&theta));
        for column in 0..theta.len() {
            let moved = |by: f64| {
                let mut theta = theta.clone();
                theta[column] += by;
                latent.path(&theta).expected
            };
            for (week, (up, down)) in moved(1e-6).iter().zip(moved(-1e-6)).enumerate() {
                let (have, want) = (found[week * theta.len() + column], (up - down) / 2e-6);
                assert!((have - want).abs() < 1e-4 * want.abs().max(1.0), "{week}, {column}: {have}, {want}");
            }
        }
    }
}
