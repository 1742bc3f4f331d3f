use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Everything that differs between two uses of the recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The sources of series, and how each becomes comparable with the others.
    pub groups: Vec<Group>,
    /// Longest step, in weeks from the last known week to the target; one model is made for each of 1..=this.
    pub max_step: usize,
    /// First and last horizon of a forecast.
    pub horizons: (i32, i32),
    /// Days from the origin to the end of the week of horizon 0 (0: the week that ends on the origin).
    pub horizon_zero_days: i64,
    /// Days from the end of a week to the Saturday by which its season week is counted.
    pub season_shift_days: i64,
    /// First and last season week of the training rows.
    pub row_weeks: (u32, u32),
    /// Weeks (first, last end date) that give no training row: neither the week of the features nor the target.
    pub skip: Vec<(NaiveDate, NaiveDate)>,
    /// Series with this many known weeks or fewer give no training row.
    pub min_weeks: usize,
    /// How many weeks a last value may be carried forward when the target is farther than `max_step`.
    pub carry_weeks: usize,
    /// How often the rows of a series with `focus` stand in the pool.
    pub focus_copies: usize,
    /// Gradient boosting.
    pub gbq: GbqConfig,
    /// Robust regression.
    pub lin: LinConfig,
    /// Nearest neighbours.
    pub knn: KnnConfig,
    /// Weights of the members.
    pub weights: Weights,
    /// A forecast is the mean of what the fits of this many weekly origins say, the last one and those before it.
    pub fits: usize,
    /// Bands by what those of the origins before held; `None`: as wide as learnt.
    pub recent: Option<Recent>,
    /// Correction of the last known value; `None`: it is taken as it stands.
    pub nowcast: Option<NowcastConfig>,
    /// Seed of everything random.
    pub seed: u64,
}

/// One source of series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name by which a series refers to it.
    pub name: String,
    /// From values to the fourth-root scale.
    pub scale: Scale,
    /// First and last season week from which scale and centre of a series are taken.
    pub scale_weeks: (u32, u32),
    /// Weeks that end before this date do not count for scale and centre.
    pub scale_from: Option<NaiveDate>,
    /// Weeks that end before this date give no training row.
    pub rows_from: Option<NaiveDate>,
    /// The largest value that there can be: 1 for a proportion; `None` where there is no bound.
    pub ceiling: Option<f64>,
    /// Every quantile's distance from the median, on the fourth-root scale, is multiplied by this; `None`: as learnt.
    pub width: Option<f64>,
    /// First and last season week of its training rows, where they differ from those of the configuration.
    pub row_weeks: Option<(u32, u32)>,
    /// Whether the season week of a row is a feature. Not for a disease whose waves keep to no season.
    pub seasonal: bool,
    /// The feature `src`.
    pub indicator: f64,
    /// What stands for the size of a place.
    pub size: Size,
    /// Where the national signal comes from.
    pub national: National,
    /// Weight of a row in the regression of the median.
    pub lin_weight: f64,
    /// Weight of a residual in the quantiles of the regression.
    pub spread_weight: f64,
    /// Share of the rows that the boosting keeps; rows of national series are all kept.
    pub thin: f64,
    /// What to do until a full season is known.
    pub cold_start: Option<ColdStart>,
}

/// t = (value·m + e)^¼, then x = t/S − C.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Scale {
    /// m = factor, divided by population/100,000 if `per_population`; e = offset + 0.01; S = 95 % quantile of t
    /// over the scale weeks + 0.01.
    Fixed {
        /// Multiplies the value.
        factor: f64,
        /// Whether the value is a count of persons.
        per_population: bool,
        /// ε.
        offset: f64,
    },
    /// m = 1; e = share·P⁴ + floor with P = 95 % quantile of value^¼ over the scale weeks; S = 95 % quantile of t.
    Relative {
        /// Share of the seasonal height that is added.
        share: f64,
        /// Added everywhere.
        floor: f64,
    },
}

/// What the feature "size" of a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Size {
    /// ln of the population.
    LnPopulation,
    /// ln of the scale S.
    LnScale,
}

/// The national signal of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum National {
    /// x of the series with `national` in the same group.
    Series,
    /// Mean x over the series of this group, in weeks where enough of them are known.
    MeanOf {
        /// The group.
        group: String,
        /// How many must be known.
        at_least: usize,
    },
}

/// Fixed scale and centre, and the boosting alone, while the group has no full season.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ColdStart {
    /// S is at least this.
    pub scale: f64,
    /// C is this.
    pub centre: f64,
}

/// Settings of the quantile gradient boosting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GbqConfig {
    /// Levels for which a model is made.
    pub levels: Vec<f64>,
    /// Models per level, each on its own draw of seasons.
    pub bags: usize,
    /// Share of the season labels in a bag (1: all).
    pub season_share: f64,
    /// Trees per model.
    pub trees: usize,
    /// Leaves per tree.
    pub leaves: usize,
    /// Fewest rows in a leaf.
    pub min_rows: usize,
    /// Share of the features that a tree may use.
    pub feature_share: f64,
    /// Learning rate.
    pub rate: f64,
    /// Bins per feature (at most 63), beside one for missing.
    pub bins: usize,
}

/// Settings of the robust regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinConfig {
    /// Ridge of the median regression, on standardised columns.
    pub ridge: f64,
    /// Rounds of iterative reweighting.
    pub rounds: usize,
    /// Subtracted from the size before it becomes a column of the spread.
    pub size_centre: f64,
    /// The spread of the full set of columns, or only of 1, x, x², |d0|, size, src.
    pub full_spread: bool,
    /// Ridge of the spread regression.
    pub spread_ridge: f64,
    /// No change beyond the largest rise and fall among the training rows of the step, and no answer where the median would
    /// be one. The boosting and the neighbours never go beyond; a polynomial, asked about a value unlike all others, does.
    pub bounded: bool,
}

/// Settings of the nearest neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnnConfig {
    /// Neighbours.
    pub neighbours: usize,
    /// Factor of the size in the distance (0: not used).
    pub size_factor: f64,
}

/// Weights of the members in the average of quantiles; they are divided by their sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Of the boosting.
    pub gbq: f64,
    /// Of the regression.
    pub lin: f64,
    /// Of the neighbours.
    pub knn: f64,
}

/// Width of the bands by what those of the weekly origins before held, all places together: every quantile's distance from the
/// median, on the fourth-root scale, is multiplied by exp(gain · (½ − share)), where share is how many of the values that are
/// known by now lay in the 50 % band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// Origins to look back on.
    pub origins: usize,
    /// See above.
    pub gain: f64,
    /// Forecasts with a known value that it takes; with fewer the bands are as learnt.
    pub fewest: usize,
}

/// Correction of the last known value by what was reported late before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NowcastConfig {
    /// Origins to look back on.
    pub origins: usize,
    /// Weight of the mean over all places, in origins.
    pub shrink: f64,
    /// Added to both counts before their ratio is taken.
    pub add: f64,
    /// Bounds of a single logarithm of a ratio, ±.
    pub bound: f64,
    /// Lower and upper bound of the correction, on the log scale.
    pub clip: (f64, f64),
}
