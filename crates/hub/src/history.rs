use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Duration, NaiveDate};
use epimodels::recipe::Series;

use crate::{HubError, Locations, table};

/// One week of one place of the ILI+ history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRow {
    /// FIPS code.
    pub location: String,
    /// Saturday that ends the week.
    pub target_end_date: NaiveDate,
    /// Visits for influenza-like illness, % of all.
    pub ili_pct: Option<f64>,
    /// Specimens positive for influenza, %.
    pub flu_positive_pct: Option<f64>,
}

/// One week of one place of a history of rates.
#[derive(Debug, Clone, PartialEq)]
pub struct RateRow {
    /// FIPS code, `US` for the nation.
    pub location: String,
    /// Saturday that ends the week.
    pub target_end_date: NaiveDate,
    /// Per 100,000.
    pub rate: Option<f64>,
}

/// Fewest weeks of a place.
const LEAST_WEEKS: usize = 151;
/// Share of the population that must report for a national value.
const LEAST_SHARE: f64 = 0.6;
/// Days after which a week of the history counts as published.
const PUBLISHED_AFTER: i64 = 14;

/// Reads a history file: columns `location, target_end_date, ili_pct, flu_positive_pct`.
///
/// # Errors
/// A file that cannot be read, or a cell that is not what its column says.
pub fn read_history(path: &Path) -> Result<Vec<HistoryRow>, HubError> {
    let mut rows = Vec::new();
    table::for_each(path, &["location", "target_end_date", "ili_pct", "flu_positive_pct"], |row| {
        let (location, target_end_date) = (row.text(0)?.into_owned(), row.day(1)?);
        let (ili_pct, flu_positive_pct) = (row.number(2)?, row.number(3)?);
        rows.push(HistoryRow { location, target_end_date, ili_pct, flu_positive_pct });
        Ok(())
    })?;
    Ok(rows)
}

/// Reads a history of rates: columns `location, target_end_date, rate`.
///
/// # Errors
/// A file that cannot be read, or a cell that is not what its column says.
pub fn read_rates(path: &Path) -> Result<Vec<RateRow>, HubError> {
    let mut rows = Vec::new();
    table::for_each(path, &["location", "target_end_date", "rate"], |row| {
        let (location, target_end_date) = (row.text(0)?.into_owned(), row.day(1)?);
        rows.push(RateRow { location, target_end_date, rate: row.number(2)? });
        Ok(())
    })?;
    Ok(rows)
}

/// Rates by place, of weeks published before `origin`. Places with 150 weeks or fewer are left out.
#[must_use]
pub fn rates(
    rows: &[RateRow],
    locations: &Locations,
    national: &str,
    group: &str,
    origin: NaiveDate,
) -> Vec<Series> {
    let cells = rows.iter().map(|row| (row.location.as_str(), row.target_end_date, row.rate));
    all(by_place(cells, origin), locations, national, group)
}

/// ILI+ (% of visits × share positive) by place, of weeks published before `origin`, and a national series: the
/// mean of the places weighted by population, in weeks where more than 60 % of the population reports. Places
/// with 150 weeks or fewer are left out.
#[must_use]
pub fn ili_plus(
    rows: &[HistoryRow],
    locations: &Locations,
    national: &str,
    group: &str,
    origin: NaiveDate,
) -> Vec<Series> {
    let cells = rows.iter().map(|row| {
        let value = row.ili_pct.zip(row.flu_positive_pct).map(|(ili, positive)| ili * positive / 100.0);
        (row.location.as_str(), row.target_end_date, value)
    });
    let mut places = by_place(cells, origin);
    places.retain(|code, _| *code != national && population(locations, code).is_some());
    let total: f64 = population(locations, national)
        .unwrap_or_else(|| locations.iter().filter_map(|place| place.population).sum());
    let mut country: BTreeMap<NaiveDate, (f64, f64)> = BTreeMap::new();
    for (code, weeks) in &places {
        let weight = population(locations, code).unwrap_or(0.0);
        for (week, value) in weeks {
            let sum = country.entry(*week).or_default();
            *sum = (sum.0 + weight * value, sum.1 + weight);
        }
    }
    let enough = country.into_iter().filter(|(_, (_, weight))| *weight > LEAST_SHARE * total);
    places.insert(national, enough.map(|(week, (sum, weight))| (week, sum / weight)).collect());
    all(places, locations, national, group)
}

/// The known values of weeks that count as published before `origin`, of places with more than 150 of them.
fn by_place<'a>(
    cells: impl Iterator<Item = (&'a str, NaiveDate, Option<f64>)>,
    origin: NaiveDate,
) -> BTreeMap<&'a str, BTreeMap<NaiveDate, f64>> {
    let mut places: BTreeMap<&str, BTreeMap<NaiveDate, f64>> = BTreeMap::new();
    for (place, week, value) in cells {
        if let Some(value) = value.filter(|_| week + Duration::days(PUBLISHED_AFTER) < origin) {
            places.entry(place).or_default().insert(week, value);
        }
    }
    places.retain(|_, weeks| weeks.len() >= LEAST_WEEKS);
    places
}

/// The series of a group, to learn from.
fn all(
    places: BTreeMap<&str, BTreeMap<NaiveDate, f64>>,
    locations: &Locations,
    national: &str,
    group: &str,
) -> Vec<Series> {
    let series = |(code, weeks): (&str, BTreeMap<NaiveDate, f64>)| {
        let (first, values) = weekly(&weeks)?;
        let mut series = Series::new(format!("{group}/{code}"), group, first, values);
        // Of a hub that does not list its nation nobody knows how large that is.
        series.population = Some(population(locations, code)?);
        series.national = code == national;
        Some(series)
    };
    places.into_iter().filter_map(series).collect()
}

fn population(locations: &Locations, code: &str) -> Option<f64> {
    locations.get(code).and_then(|place| place.population)
}

/// Consecutive weeks from the first to the last; weeks that end on another weekday than the first are left out.
pub(crate) fn weekly(weeks: &BTreeMap<NaiveDate, f64>) -> Option<(NaiveDate, Vec<Option<f64>>)> {
    let (first, last) = (*weeks.first_key_value()?.0, *weeks.last_key_value()?.0);
    let count = (last - first).num_weeks();
    Some((first, (0..=count).map(|i| weeks.get(&(first + Duration::weeks(i))).copied()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locations::FLUSIGHT;

    fn rows(location: &str, weeks: i64, ili: f64) -> Vec<HistoryRow> {
        let first = NaiveDate::from_ymd_opt(2015, 10, 10).unwrap();
        let week = |w| HistoryRow {
            location: location.into(),
            target_end_date: first + Duration::weeks(w),
            ili_pct: Some(ili),
            flu_positive_pct: Some(50.0),
        };
        (0..weeks).map(week).collect()
    }

    #[test]
    fn rates_are_known_two_weeks_after_their_week_and_short_series_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rates.csv");
        let first = NaiveDate::from_ymd_opt(2003, 10, 4).unwrap();
        let week = |place: &str, w| format!("{place},{},{}\n", first + Duration::weeks(w), w % 7);
        let lines = |place: &'static str, weeks| (0..weeks).map(move |w| week(place, w));
        let all: String = lines("06", 200).chain(lines("16", 150)).chain(lines("US", 200)).collect();
        let all = format!("location,target_end_date,rate\n{all}08,2003-10-04,\n");
        std::fs::write(&path, all).unwrap();
        let rows = read_rates(&path).unwrap();
        assert_eq!((rows.len(), rows[550].rate), (551, None));
        let of = |day| rates(&rows, &Locations::flusight(), "US", "flusurv", day);
        let made = of(NaiveDate::from_ymd_opt(2022, 10, 8).unwrap());
        let ids: Vec<(&str, bool)> = made.iter().map(|s| (s.id.as_str(), s.national)).collect();
        assert_eq!(ids, [("flusurv/06", false), ("flusurv/US", true)]);
        assert!(made.iter().all(|s| s.population.is_some() && !s.forecast && s.values.len() == 200));
        let last = first + Duration::weeks(180);
        assert_eq!(of(last + Duration::days(15))[0].last_known(), Some(last));
        assert_eq!(of(last + Duration::days(14))[0].last_known(), Some(last - Duration::weeks(1)));
    }

    #[test]
    fn the_national_series_needs_most_of_the_population_and_short_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locations.csv");
        std::fs::write(&path, FLUSIGHT).unwrap();
        let locations = Locations::read(&path).unwrap();
        let mut all = [rows("06", 200, 4.0), rows("48", 200, 2.0), rows("11", 48, 9.0)].concat();
        let after = NaiveDate::from_ymd_opt(2022, 10, 8).unwrap();
        let ids = |rows: &[HistoryRow], origin| -> Vec<String> {
            ili_plus(rows, &locations, "US", "ili_plus", origin).into_iter().map(|s| s.id).collect()
        };
        assert_eq!(
            ids(&all, after),
            ["ili_plus/06", "ili_plus/48"],
            "two states are not 60 % of the country"
        );
        for place in locations.iter().filter(|p| !["US", "06", "48"].contains(&p.code.as_str())) {
            all.extend(rows(&place.code, 200, 3.0));
        }
        let series = ili_plus(&all, &locations, "US", "ili_plus", after);
        let country = series.iter().find(|s| s.national).unwrap();
        let mean = country.values[0].unwrap();
        assert!((1.4..1.6).contains(&mean), "{mean}");
        let early = NaiveDate::from_ymd_opt(2016, 1, 1).unwrap();
        assert!(ids(&all, early).is_empty(), "most of it was not published then");
    }
}
