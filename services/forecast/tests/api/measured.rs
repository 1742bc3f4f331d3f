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
    answers: usize,
    identified: usize,
    above_one: usize,
    tasks: f64,
    ours: f64,
    theirs: f64,
    inside: [f64; 3],
}

impl Tally {
    /// Forecasts from the weeks that both know, where they are not two weeks old, and scores against `truth`.
    fn add(
        &mut self,
        origin: NaiveDate,
        events: &BTreeMap<NaiveDate, f64>,
        deaths: &BTreeMap<NaiveDate, f64>,
        truth: &BTreeMap<NaiveDate, f64>,
    ) {
        let both: Vec<(NaiveDate, f64, f64)> =
            events.iter().filter_map(|(week, value)| Some((*week, *value, *deaths.get(week)?))).collect();
        let Some((last, ..)) = both.last().filter(|b| (origin - b.0).num_days() <= 14) else { return };
        let unbroken = both.iter().rev().zip(0..).take_while(|(b, back)| b.0 == *last - Days::new(7 * back));
        let mut newest: Vec<(f64, f64)> = unbroken.map(|((_, e, d), _)| (*e, *d)).collect();
        newest.reverse();
        let (lead, died): (Vec<f64>, Vec<f64>) = newest.into_iter().unzip();
        let Ok(found) = secondary(&lead, &died, 4, &SecondaryConfig::default()) else { return };
        self.answers += 1;
        self.identified += usize::from(found.delay.is_some());
        self.above_one += usize::from(found.ratio.band[1] > 1.0);
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
            "{of}: {} tasks, WIS relative to the baseline {relative:.3}, coverage {coverage:.2?}; of {} answers {} with a delay, \
             {} without a ratio",
            self.tasks, self.answers, self.identified, self.above_one
        );
        (relative, coverage)
    }
}

/// Origins every so many weeks.
fn origins(first: &str, count: u64, every: u64) -> impl Iterator<Item = NaiveDate> + Clone + use<> {
    let first: NaiveDate = first.parse().unwrap();
    (0..count).map(move |n| first + Days::new(7 * every * n))
}

/// Scores by final values: what is known on `until` of the weeks before each origin.
fn with_final_values<'a>(
    places: impl Iterator<Item = (&'a Issues, &'a Issues)>,
    when: impl Iterator<Item = NaiveDate> + Clone,
    until: &str,
) -> Tally {
    let mut tally = Tally::default();
    for (events, deaths) in places {
        let truth = weeks(deaths, "9999", until.parse().unwrap());
        for origin in when.clone() {
            tally.add(origin, &weeks(events, "9999", origin), &weeks(deaths, "9999", origin), &truth);
        }
    }
    tally
}

#[test]
fn deaths_after_admissions_in_switzerland_on_every_recorded_week() {
    let source = "foph-covid19";
    let (Some(deaths), Some(admissions)) =
        (read(source, "covid_deaths"), read(source, "covid_hosp_admissions_daily"))
    else {
        return;
    };
    let (of_nation, to_hospital) = (&deaths["CH"], &admissions["CH"]);
    let truth = weeks(of_nation, "9999", "2021-07-09".parse().unwrap());
    let mut tally = Tally::default();
    for origin in origins("2021-02-11", 19, 1) {
        let as_of = format!("{origin}T23:59:59Z");
        tally.add(origin, &weeks(to_hospital, &as_of, origin), &weeks(of_nation, &as_of, origin), &truth);
    }
    let (relative, coverage) = tally.report("CH, as known at each origin");
    assert!(tally.tasks > 60.0 && relative < 0.8 && coverage[2] > 0.9);
    // Not served: the bands hold too rarely, and no earlier issue of a canton is kept.
    let cantons = deaths.iter().filter(|(place, _)| *place != "CH").map(|(place, d)| (&admissions[place], d));
    let tally = with_final_values(cantons, origins("2020-10-15", 36, 1), "2021-07-09");
    let (_, coverage) = tally.report("cantons, final values");
    assert!(tally.tasks > 1000.0 && coverage[2] < 0.9 && tally.above_one > 0);
}

#[test]
fn deaths_after_cases_in_the_united_states_and_their_states() {
    let source = "cdc-covid-state";
    let (Some(deaths), Some(cases)) = (read(source, "covid_deaths"), read(source, "covid_cases")) else {
        return;
    };
    let states = deaths.iter().map(|(place, deaths)| (&cases[place], deaths));
    let tally = with_final_values(states, origins("2020-11-16", 6, 8), "2021-12-20");
    let (relative, coverage) = tally.report("US states, final values");
    assert!(tally.tasks > 1100.0 && relative < 0.8 && coverage[2] > 0.9);
    let (Some(deaths), Some(cases)) = (read("jhu-csse", "covid_deaths"), read("jhu-csse", "covid_cases"))
    else {
        return;
    };
    let of = |place: &str, count, until| {
        let nation = std::iter::once((&cases[place], &deaths[place]));
        with_final_values(nation, origins("2020-07-16", count, 1), until)
    };
    let tally = of("US", 75, "2021-12-29");
    let (relative, coverage) = tally.report("US, final values");
    assert!(tally.tasks > 150.0 && relative < 0.8 && coverage[2] > 0.9);
    // Not served: worse than the last figure.
    let tally = of("FR", 130, "2023-03-10");
    let (relative, _) = tally.report("FR, final values");
    assert!(tally.tasks > 500.0 && relative > 1.0);
}
