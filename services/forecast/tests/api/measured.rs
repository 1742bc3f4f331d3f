//! The scores of the model card `vigie-deaths`, measured again on the figures that the project carries.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use epimodels::baseline::{BaselineConfig, baseline};
use epimodels::scores::score;
use epimodels::secondary::{SecondaryConfig, secondary};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// Of each day what was issued when.
type Issues = BTreeMap<NaiveDate, Vec<(String, f64)>>;

fn read(source: &str, signal: &str) -> Option<BTreeMap<String, Issues>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/observations").join(source);
    let Ok(file) = File::open(data.join(format!("{signal}.csv.gz"))) else {
        println!("skipped: data/observations/{source}/{signal}.csv.gz is absent");
        return None;
    };
    let mut all: BTreeMap<String, Issues> = BTreeMap::new();
    for row in csv::Reader::from_reader(GzDecoder::new(file)).records() {
        let row = row.unwrap();
        let Ok(value) = row[3].parse() else { continue };
        let of_place = all.entry(row[0].to_owned()).or_default();
        of_place.entry(row[1].parse().unwrap()).or_default().push((row[2].to_owned(), value));
    }
    Some(all)
}

/// Sums of whole weeks before a day, as known at `as_of`.
fn weeks(issues: &Issues, as_of: &str, before: NaiveDate) -> BTreeMap<NaiveDate, f64> {
    let known = |day: &NaiveDate| {
        let of_day = issues.get(day)?.iter().filter(|(issued, _)| issued.as_str() <= as_of);
        of_day.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, value)| *value)
    };
    let sundays = issues.keys().filter(|day| day.weekday() == Weekday::Sun && **day < before);
    let sum = |end: &NaiveDate| (0..7).map(|back| known(&(*end - Days::new(back)))).sum::<Option<f64>>();
    sundays.filter_map(|end| Some((*end, sum(end)?.max(0.0)))).collect()
}

#[derive(Default)]
struct Tally {
    tasks: f64,
    ours: f64,
    theirs: f64,
    inside: [f64; 3],
}

impl Tally {
    /// Forecasts from the weeks that both know, and scores against `truth`.
    fn add(
        &mut self,
        events: &BTreeMap<NaiveDate, f64>,
        deaths: &BTreeMap<NaiveDate, f64>,
        truth: &BTreeMap<NaiveDate, f64>,
    ) {
        let both: Vec<(NaiveDate, f64, f64)> =
            events.iter().filter_map(|(week, value)| Some((*week, *value, *deaths.get(week)?))).collect();
        let Some((last, ..)) = both.last() else { return };
        let (lead, died): (Vec<f64>, Vec<f64>) = both.iter().map(|(_, e, d)| (*e, *d)).unzip();
        let Ok(found) = secondary(&lead, &died, 4, &SecondaryConfig::default()) else { return };
        let values: Vec<Option<f64>> = died.iter().copied().map(Some).collect();
        let naive = baseline(&values, 4, &BaselineConfig { draws: 10_000, ..Default::default() }).unwrap();
        for ((step, ours), theirs) in (1u64..).zip(&found.ahead).zip(&naive) {
            let Some(came) = truth.get(&(*last + Days::new(7 * step))) else { continue };
            let s = score(ours, *came);
            self.tasks += 1.0;
            self.ours += s.wis;
            self.theirs += score(theirs, *came).wis;
            for (count, covered) in self.inside.iter_mut().zip([s.covered_50, s.covered_80, s.covered_95]) {
                *count += f64::from(u8::from(covered));
            }
        }
    }

    fn report(&self, of: &str) -> (f64, [f64; 3]) {
        let (relative, coverage) = (self.ours / self.theirs, self.inside.map(|count| count / self.tasks));
        println!(
            "{of}: {} tasks, WIS relative to the baseline {relative:.3}, coverage {coverage:.2?}",
            self.tasks
        );
        (relative, coverage)
    }
}

#[test]
fn deaths_after_admissions_in_switzerland_on_every_recorded_week() {
    let source = "foph-covid19";
    let (Some(deaths), Some(admissions)) =
        (read(source, "covid_deaths"), read(source, "covid_hosp_admissions_daily"))
    else {
        return;
    };
    let (deaths, admissions) = (&deaths["CH"], &admissions["CH"]);
    let truth = weeks(deaths, "9999", "2021-07-09".parse().unwrap());
    let first: NaiveDate = "2021-02-11".parse().unwrap();
    let mut tally = Tally::default();
    for origin in (0..19).map(|week| first + Days::new(7 * week)) {
        let as_of = format!("{origin}T23:59:59Z");
        tally.add(&weeks(admissions, &as_of, origin), &weeks(deaths, &as_of, origin), &truth);
    }
    let (relative, coverage) = tally.report("CH, as known at each origin");
    assert!(tally.tasks > 60.0 && relative < 0.85 && coverage[2] > 0.85);
}

#[test]
fn deaths_after_cases_in_the_states_of_the_united_states() {
    let source = "cdc-covid-state";
    let (Some(deaths), Some(cases)) = (read(source, "covid_deaths"), read(source, "covid_cases")) else {
        return;
    };
    let mut tally = Tally::default();
    for (place, deaths) in &deaths {
        let (d, c) = (deaths, &cases[place]);
        let truth = weeks(d, "9999", "2021-12-20".parse().unwrap());
        let first: NaiveDate = "2020-11-16".parse().unwrap();
        for origin in (0..6).map(|k| first + Days::new(7 * 8 * k)) {
            tally.add(&weeks(c, "9999", origin), &weeks(d, "9999", origin), &truth);
        }
    }
    let (relative, coverage) = tally.report("US states, final values");
    assert!(tally.tasks > 700.0 && relative < 0.85 && coverage[2] > 0.8);
}
