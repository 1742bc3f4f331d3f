//! Would the hub take the file? What its own checks refuse, found here before anything is written.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use epimodels::LEVELS;
use epimodels::trend::CLASSES;

use super::{Form, Output, TargetForm};

/// Probabilities of the classes sum to 1 as near as this.
const NEAR: f64 = 1e-6;

type Task<'a> = (&'a str, i32, &'a str);

impl Form {
    /// Checks the whole text of a file for `date`.
    ///
    /// # Errors
    /// The first thing that the hub refuses, with its row.
    pub(crate) fn check(&self, date: NaiveDate, text: &str) -> Result<(), String> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        if header != self.header().trim_end() {
            return Err(format!(
                "the columns are `{header}`, {} wants `{}`",
                self.repository,
                self.header().trim_end()
            ));
        }
        let mut tasks: BTreeMap<Task<'_>, BTreeMap<usize, f64>> = BTreeMap::new();
        for (row, line) in (1..).zip(lines) {
            let wrong = |what: String| format!("row {row}: {what}");
            let (task, place, value) = self.row(date, line).map_err(wrong)?;
            if tasks.entry(task).or_default().insert(place, value).is_some() {
                return Err(wrong(format!("`{line}` says what a row before says already")));
            }
        }
        if tasks.is_empty() {
            return Err("there is no forecast".to_owned());
        }
        tasks.iter().try_for_each(|(task, said)| self.whole(task, said))
    }

    /// A row by itself: its task, the place of its level or class, its value.
    fn row<'a>(&self, date: NaiveDate, line: &'a str) -> Result<(Task<'a>, usize, f64), String> {
        let cells: Vec<&str> = line.split(',').collect();
        let [of, target, horizon, end, location, kind, id, value] = cells[..] else {
            return Err(format!("has {} cells, 8 are needed", cells.len()));
        };
        if of != date.to_string() {
            return Err(format!("`{}` is {of}, the file is for {date}", self.date_column));
        }
        let Some(form) = self.target(target) else {
            return Err(format!("{} takes no target `{target}`", self.repository));
        };
        let (first, last) = self.horizons;
        let weeks = horizon.parse::<i32>().ok().filter(|h| (first..=last).contains(h));
        let Some(weeks) = weeks else {
            return Err(format!("the horizon {horizon} is none of {first}..{last}"));
        };
        let wanted = date + Duration::days(self.horizon_zero_days) + Duration::weeks(i64::from(weeks));
        if end != wanted.to_string() {
            return Err(format!("horizon {weeks} of {date} ends on {wanted}, not {end}"));
        }
        if !self.is_place(location) {
            return Err(format!("{} has no location `{location}`", self.repository));
        }
        let place = place_of(form, kind, id)?;
        let most = form.most;
        let value = value.parse::<f64>().ok().filter(|v| v.is_finite() && (0.0..=most).contains(v));
        let Some(value) = value else {
            return Err(format!("the value of `{line}` is no number from 0 to {most}"));
        };
        Ok(((target, weeks, location), place, value))
    }

    /// A task with all its rows.
    fn whole(
        &self,
        (target, horizon, location): &Task<'_>,
        said: &BTreeMap<usize, f64>,
    ) -> Result<(), String> {
        let at = |what: &str| Err(format!("`{target}`, horizon {horizon}, location {location}: {what}"));
        let values: Vec<f64> = said.values().copied().collect();
        match self.target(target).map(|t| t.output) {
            Some(Output::Quantiles) if values.len() != LEVELS.len() => at("not all 23 quantiles are there"),
            Some(Output::Quantiles) if values.windows(2).any(|w| w[1] < w[0]) => {
                at("the quantiles do not ascend")
            }
            Some(Output::Classes) if values.len() != CLASSES.len() => at("not all five classes are there"),
            Some(Output::Classes) if (values.iter().sum::<f64>() - 1.0).abs() > NEAR => {
                at("the probabilities of the classes do not sum to 1")
            }
            _ => Ok(()),
        }
    }
}

fn place_of(form: &TargetForm, kind: &str, id: &str) -> Result<usize, String> {
    let (wanted, found) = match form.output {
        Output::Quantiles => {
            let level = id.parse::<f64>().ok();
            ("quantile", level.and_then(|l| LEVELS.iter().position(|known| (known - l).abs() < 1e-9)))
        }
        Output::Classes => ("pmf", CLASSES.iter().position(|known| *known == id)),
    };
    if kind != wanted {
        return Err(format!("`{}` is handed in as `{wanted}`, not `{kind}`", form.target));
    }
    found.ok_or_else(|| format!("the hub does not ask for the {kind} `{id}`"))
}

#[cfg(test)]
mod tests {
    use super::super::{COVID, FLUSIGHT, RESPICAST, RSV};
    use super::*;

    fn file(form: &Form, target: &str, date: &str, horizon: i32, end: &str, place: &str) -> String {
        let mut text = form.header();
        for (n, level) in LEVELS.iter().enumerate() {
            text +=
                &format!("{date},{target},{horizon},{end},{place},quantile,{level},{}\n", n as f64 / 100.0);
        }
        text
    }

    #[test]
    fn each_hub_has_its_own_dates_targets_and_places() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (sat, wed) = (day("2025-01-04"), day("2025-01-08"));
        for (form, date, target, horizon, end, place) in [
            (&FLUSIGHT, sat, "wk inc flu hosp", 3, "2025-01-25", "US"),
            (&FLUSIGHT, sat, "wk inc flu prop ed visits", 0, "2025-01-04", "72"),
            (&COVID, sat, "wk inc covid hosp", -1, "2024-12-28", "01"),
            (&RSV, sat, "wk inc rsv prop ed visits", 1, "2025-01-11", "11"),
            (&RESPICAST, wed, "ILI incidence", 1, "2025-01-05", "FR"),
            (&RESPICAST, wed, "ARI incidence", 4, "2025-01-26", "GB-SCT"),
        ] {
            let text = file(form, target, &date.to_string(), horizon, end, place);
            assert_eq!(form.check(date, &text), Ok(()), "{target}");
        }
        let text = file(&COVID, "wk inc flu hosp", "2025-01-04", 0, "2025-01-04", "US");
        assert!(COVID.check(sat, &text).unwrap_err().contains("takes no target"), "another hub's target");
    }

    #[test]
    fn what_the_hub_refuses_is_said_with_its_row() {
        let date: NaiveDate = "2025-01-04".parse().unwrap();
        let good = file(&RSV, "wk inc rsv prop ed visits", "2025-01-04", 0, "2025-01-04", "US");
        let cases = [
            ("reference_date", "origin_date", "the columns are `origin_date"),
            (
                "2025-01-04,wk",
                "2025-01-11,wk",
                "row 1: `reference_date` is 2025-01-11, the file is for 2025-01-04",
            ),
            (
                ",0,2025-01-04,US,quantile,0.5,",
                ",4,2025-02-01,US,quantile,0.5,",
                "row 12: the horizon 4 is none of -1..3",
            ),
            (
                ",0,2025-01-04,US,quantile,0.5,",
                ",0,2025-01-05,US,quantile,0.5,",
                "ends on 2025-01-04, not 2025-01-05",
            ),
            (
                ",US,quantile,0.01,",
                ",66,quantile,0.01,",
                "row 1: CDCgov/rsv-forecast-hub has no location `66`",
            ),
            (",quantile,0.01,", ",median,0.01,", "is handed in as `quantile`, not `median`"),
            (",quantile,0.01,", ",quantile,0.02,", "does not ask for the quantile `0.02`"),
            ("quantile,0.01,0\n", "quantile,0.01,-1\n", "row 1: the value of"),
            ("quantile,0.99,0.22", "quantile,0.99,1.01", "is no number from 0 to 1"),
            ("quantile,0.99,0.22", "quantile,0.99,NaN", "is no number"),
            ("quantile,0.99,0.22", "quantile,0.99,0.1", "the quantiles do not ascend"),
            ("quantile,0.99,0.22", "quantile,0.975,0.22", "row 23: "),
            (",quantile,0.99,0.22", "", "row 23: has 5 cells"),
        ];
        for (from, to, why) in cases {
            assert!(good.contains(from), "{from}");
            let said = RSV.check(date, &good.replacen(from, to, 1)).unwrap_err();
            assert!(said.contains(why), "{from} → {to}: {said}");
        }
        let cut = good.lines().take(23).map(|l| format!("{l}\n")).collect::<String>();
        assert!(RSV.check(date, &cut).unwrap_err().contains("not all 23 quantiles are there"));
        assert_eq!(RSV.check(date, &RSV.header()), Err("there is no forecast".to_owned()));
        let mut classes = FLUSIGHT.header();
        for class in CLASSES {
            classes += &format!("2025-01-04,wk flu hosp rate change,0,2025-01-04,US,pmf,{class},0.2\n");
        }
        assert_eq!(FLUSIGHT.check(date, &classes), Ok(()));
        let more = classes.replacen("0.2\n", "0.3\n", 1);
        assert!(FLUSIGHT.check(date, &more).unwrap_err().contains("do not sum to 1"));
    }
}
