use serde::{Deserialize, Serialize};

/// How a signal is forecast.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastPlan {
    /// The configuration of the model (`epimodels::recipe`), by name.
    pub model: String,
    /// Levels of place that it is forecast for; none named: all that the signal has.
    #[serde(default)]
    pub levels: Vec<String>,
    /// Horizons in weeks. Horizon 0 is the week that ends on the reference date.
    pub horizons: Vec<i32>,
    /// Mean and standard deviation in days of the serial interval, for Rt.
    pub serial_interval_days: (f64, f64),
    /// Where the serial interval was read.
    pub serial_interval_source: String,
    /// How long after the infection it is reported, for Rt; absent: R is dated by the report.
    #[serde(default)]
    pub reporting: Option<Reporting>,
}

/// The time from an infection to the day by which it is reported, in two stages that add up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reporting {
    /// Mean and standard deviation in days from infection to symptoms.
    pub incubation_days: (f64, f64),
    /// Where it was read.
    pub incubation_source: String,
    /// Mean and standard deviation in days from symptoms to the day that the figure is dated by: of the visit, the
    /// admission, the test. When it is published does not count here: that is learnt from the issues.
    pub report_days: (f64, f64),
    /// Where it was read, or what stands in for it and why.
    pub report_source: String,
}

/// Longest mean of a stage that is believed, in days: more is a slip of the pen.
const LONGEST: f64 = 30.0;

impl ForecastPlan {
    /// Is a place of this level forecast?
    #[must_use]
    pub fn covers(&self, level: &str) -> bool {
        self.levels.is_empty() || self.levels.iter().any(|l| l == level)
    }

    /// What is wrong with it, and what it should be.
    pub(super) fn fault(&self) -> Option<String> {
        let serial = ("serial_interval_days", self.serial_interval_days, 1.0);
        let serial_source = ("serial_interval_source", &self.serial_interval_source);
        let mut laws = vec![serial];
        let mut sources = vec![serial_source];
        if let Some(r) = &self.reporting {
            laws.push(("reporting.incubation_days", r.incubation_days, 0.0));
            laws.push(("reporting.report_days", r.report_days, 0.0));
            sources.push(("reporting.incubation_source", &r.incubation_source));
            sources.push(("reporting.report_source", &r.report_source));
        }
        for (name, (mean, sd), least) in laws {
            if !mean.is_finite() || mean <= least || mean > LONGEST {
                return Some(format!(
                    "the mean of {name} is {mean}, and must lie between {least} and {LONGEST} days"
                ));
            }
            if !sd.is_finite() || sd <= 0.0 || sd > LONGEST {
                return Some(format!(
                    "the deviation of {name} is {sd}, and must lie between 0 and {LONGEST} days"
                ));
            }
        }
        let empty = sources.into_iter().find(|(_, source)| source.trim().is_empty());
        empty.map(|(name, _)| format!("{name} is empty: say where the figures were read"))
    }
}
