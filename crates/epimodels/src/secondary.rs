//! Deaths ahead from cases or admissions: a delayed convolution with an estimated fatality ratio.
//!
//! The same idea as `estimate_secondary` of EpiNow2 (Abbott et al.), reduced to closed forms: expected deaths of a
//! week are ratio × Σₖ wₖ·(events k weeks before), w a gamma law of the delay, discretised by weeks. For each mean delay of
//! a grid the ratio is the quasi-Poisson estimate on the last weeks, of which older ones count less, because treatment, age
//! and testing change it; the scatter of deaths about their expectation is measured on the same weeks. Events that have not
//! happened yet are drawn as the hubs' baseline draws them: as today, with the weekly changes of the past, up or down.
//!
//! A few weeks say little of the delay, and a wrong delay makes a wrong ratio. So no delay is chosen: ratio and deaths ahead
//! are averages over the grid, each delay with the weight of its profile likelihood, exp(−(scatter − least scatter)/(2 ×
//! dispersion)), all delays being equally probable before. The band of the delay holds those whose scatter is above the least
//! by less than the 95 % quantile of χ² with one degree of freedom, times the dispersion, and ends at the next ones that are
//! not. Where it holds the shortest or the longest delay that was tried, the delay is **not identified**, and none is given.
//! Since older weeks count less, the band holds the delay more often than in 95 of 100.
//!
//! Limits: deaths reported late look like a lower ratio (the newest week is therefore left out of the fit); a
//! change of the ratio is followed with the delay of the window; the band knows nothing of a new variant or rule.

mod ahead;
mod fit;

use crate::Error;
use crate::quantile::{Quantiles, linear_sorted};
use fit::{Fit, fits};

/// What the estimate is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondaryConfig {
    /// Weeks of deaths that the fit uses, not counting the newest.
    pub window: usize,
    /// Weeks after which a week counts half.
    pub half_life: f64,
    /// Fewest deaths in the window.
    pub least: f64,
    /// Mean delays that are tried, in weeks, ascending.
    pub delays: Vec<f64>,
    /// Standard deviation of the delay, as a share of its mean.
    pub spread: f64,
    /// Draws.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// Shortest and longest mean delay that [`SecondaryConfig::default`] tries, in weeks, by quarters of a week.
pub const DELAYS: [f64; 2] = [0.25, 4.0];

impl Default for SecondaryConfig {
    fn default() -> Self {
        let quarters = DELAYS.map(|weeks| (weeks * 4.0) as u32);
        let delays = (quarters[0]..=quarters[1]).map(|quarter| f64::from(quarter) / 4.0).collect();
        Self { window: 12, half_life: 1.5, least: 50.0, delays, spread: 0.6, draws: 1000, seed: 1 }
    }
}

/// The fitted relation and what it says of the weeks ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Secondary {
    /// Deaths per event.
    pub ratio: Ratio,
    /// The mean delay; `None` where the figures do not identify one.
    pub delay: Option<MeanDelay>,
    /// Variance of deaths over their expectation (1: Poisson; at least 1), with the delay that fits best.
    pub dispersion: f64,
    /// Quantiles of the deaths of the weeks 1, 2, … after the last one given.
    pub ahead: Vec<Quantiles>,
}

/// Deaths per event, averaged over the delays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Its median.
    pub median: f64,
    /// Its 2.5 and 97.5 % quantiles.
    pub band: [f64; 2],
}

/// A mean delay that the figures identify, in weeks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanDelay {
    /// The one that fits best.
    pub best: f64,
    /// Its 95 % band.
    pub band: [f64; 2],
}

/// Longest delay in weeks.
const LONGEST: usize = 12;

/// Fits `deaths` on `events` (weekly counts of the same weeks, oldest first, the last one complete) and forecasts
/// `steps` weeks.
///
/// # Errors
/// [`Error::Length`] if the slices differ; [`Error::TooFew`] for too few weeks or deaths; [`Error::Argument`] for
/// values that are negative or not finite, or a configuration without delay or draw.
pub fn secondary(
    events: &[f64],
    deaths: &[f64],
    steps: usize,
    config: &SecondaryConfig,
) -> Result<Secondary, Error> {
    let (weeks, needed) = (events.len(), config.window + LONGEST + 1);
    if deaths.len() != weeks {
        return Err(Error::Length { what: "weeks of events and deaths", left: weeks, right: deaths.len() });
    }
    if events.iter().chain(deaths).any(|v| !v.is_finite() || *v < 0.0) {
        return Err(Error::Argument { name: "events, deaths", reason: "must be finite and not negative" });
    }
    if config.draws < 2 || config.delays.is_empty() {
        return Err(Error::Argument { name: "draws, delays", reason: "must hold at least two and one" });
    }
    if weeks < needed {
        return Err(Error::TooFew { what: "weeks of events and deaths", found: weeks, needed });
    }
    let window = weeks - 1 - config.window..weeks - 1;
    let total: f64 = deaths[window.clone()].iter().sum();
    if total < config.least {
        return Err(Error::TooFew {
            what: "deaths in the window",
            found: total as usize,
            needed: config.least as usize,
        });
    }
    let fits = fits(events, deaths, window, config);
    let Some(best) = fits.iter().min_by(|a, b| a.scatter.total_cmp(&b.scatter)) else {
        return Err(Error::TooFew { what: "events before the deaths", found: 0, needed: 1 });
    };
    let (drawn, mut ratios) = ahead::draws(events, steps, &fits, best, config);
    ratios.sort_by(f64::total_cmp);
    let at = |level: f64| linear_sorted(&ratios, level).unwrap_or(best.ratio);
    Ok(Secondary {
        ratio: Ratio { median: at(0.5), band: [at(0.025), at(0.975)] },
        delay: identified(&fits, best, config),
        dispersion: best.dispersion,
        ahead: ahead::quantiles(drawn),
    })
}

/// 95 % quantile of χ² with one degree of freedom.
const CHI_SQUARED_95: f64 = 3.841_458_820_694_124;

/// The delay that fits best with its band, where the band holds neither the shortest nor the longest of those tried.
fn identified(fits: &[Fit], best: &Fit, config: &SecondaryConfig) -> Option<MeanDelay> {
    let outside = |f: &Fit| f.scatter - best.scatter > CHI_SQUARED_95 * best.dispersion;
    let (first, last) = (fits.first()?, fits.last()?);
    // A delay with which nothing was expected has no fit: the ends are those of the grid.
    let whole = Some(&first.delay) == config.delays.first() && Some(&last.delay) == config.delays.last();
    let below = fits[..fits.iter().position(|f| !outside(f))?].last()?;
    let above = fits[fits.iter().rposition(|f| !outside(f))? + 1..].first()?;
    whole.then_some(MeanDelay { best: best.delay, band: [below.delay, above.delay] })
}

#[cfg(test)]
mod tests;
