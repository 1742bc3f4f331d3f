//! Deaths ahead from cases or admissions of the same disease in the same place: `epimodels::secondary`.

use super::gate::{Reason, alive, day};
use super::hash::DataHash;
use super::weekly::{unbroken, whole};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::CountryProfile;
use domain::profile::Signal;
use epimodels::secondary::{DELAYS, Secondary, SecondaryConfig, secondary};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use store::forecasts::{Forecast, NotEstimated, Relation, Results};
use store::observations::Point;
use store::places::Place;
use store::series::KnownBy;

/// Id and version of the model.
pub(crate) const MODEL: (&str, &str) = ("vigie-deaths", "2");
/// Weeks ahead.
const STEPS: usize = 4;

/// Deaths ahead in one place.
#[derive(Debug)]
pub(crate) struct Estimate {
    /// What the deaths follow.
    pub(crate) lead: String,
    /// The end of the last week that both series know whole.
    pub(crate) last: NaiveDate,
    pub(crate) found: Secondary,
    /// What was read: signal, source, rows.
    pub(crate) used: Vec<(String, String, Vec<Point>)>,
}

/// Deaths ahead of `deaths` in `place`, from the first signal of [`CountryProfile::leads`] that allows it.
///
/// # Errors
/// Outside: when the database does not answer. Inside: the reason why there is no estimate.
pub(crate) async fn estimate(
    conn: &mut PgConnection,
    profile: &CountryProfile,
    deaths: &Signal,
    place: &Place,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Result<Estimate, Reason>> {
    let (of_deaths, source, points) = match weeks(conn, profile, deaths, place, as_of).await? {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    if !deaths.counts_persons() {
        return Ok(Err(Reason::NoModel));
    }
    let mut reason = Reason::NoData;
    for lead in profile.leads(deaths) {
        let (of_lead, lead_source, lead_points) = match weeks(conn, profile, lead, place, as_of).await? {
            Ok(found) => found,
            Err(why) => {
                reason = nearer(reason, why);
                continue;
            }
        };
        match fit(&of_lead, &of_deaths) {
            Ok((last, found)) => {
                let used = vec![
                    (deaths.id.to_string(), source, points),
                    (lead.id.to_string(), lead_source, lead_points),
                ];
                return Ok(Ok(Estimate { lead: lead.id.to_string(), last, found, used }));
            }
            Err(why) => reason = nearer(reason, why),
        }
    }
    Ok(Err(reason))
}

/// Deaths ahead in every place of a country, and what they were made from.
#[derive(Default)]
pub(crate) struct Everywhere {
    pub(crate) results: Results,
    pub(crate) hash: DataHash,
    /// The end of the last week that is known anywhere.
    pub(crate) last: Option<NaiveDate>,
    /// The newest issue that was used.
    pub(crate) vintage: Option<DateTime<Utc>>,
}

/// Deaths ahead in all of `places` where the profile answers them; `None` for a signal that has come to its end.
pub(crate) async fn everywhere(
    conn: &mut PgConnection,
    profile: &CountryProfile,
    signal: &Signal,
    places: &[Place],
    as_of: DateTime<Utc>,
) -> sqlx::Result<Option<Everywhere>> {
    if signal.ended_by(day(as_of), None).is_some() {
        let issues = store::issued::issues(conn, signal.id.as_str()).await?;
        let known = store::issued::coverage(&issues, as_of, KnownBy::Issue);
        if alive(signal, known.iter().map(|c| c.last_date).max(), as_of) == Err(Reason::Ended) {
            return Ok(None);
        }
    }
    let ours =
        |p: &&Place| p.id.get(..2) == Some(profile.nation.as_str()) && signal.deaths_ahead_at(&p.level);
    let mut all = Everywhere::default();
    for place in places.iter().filter(ours) {
        match estimate(conn, profile, signal, place, as_of).await? {
            Ok(found) => all.add(place, &found),
            Err(reason) => all.results.not_estimated.push(NotEstimated {
                place_id: place.id.clone(),
                question: "mortality".to_owned(),
                reason: reason.as_str().to_owned(),
            }),
        }
    }
    Ok(Some(all))
}

impl Everywhere {
    fn add(&mut self, place: &Place, estimate: &Estimate) {
        self.last = self.last.max(Some(estimate.last));
        for (of_rows, source, points) in &estimate.used {
            points.iter().for_each(|p| self.hash.row(of_rows, source, p));
            self.vintage = self.vintage.max(points.iter().map(|p| p.issued_at).max());
        }
        let (ratio, delay) = (&estimate.found.ratio, &estimate.found.delay);
        self.results.relations.push(Relation {
            place_id: place.id.clone(),
            follows: estimate.lead.clone(),
            ratio_025: ratio.band[0],
            ratio_50: ratio.median,
            ratio_975: ratio.band[1],
            delay: delay.map(|d| d.best),
            delay_low: delay.map(|d| d.band[0]),
            delay_high: delay.map(|d| d.band[1]),
            tried_low: DELAYS[0],
            tried_high: DELAYS[1],
        });
        for (step, quantiles) in (1u64..).zip(&estimate.found.ahead) {
            self.results.forecasts.push(Forecast {
                place_id: place.id.clone(),
                horizon: i32::try_from(step).unwrap_or(i32::MAX),
                target_end_date: estimate.last + Days::new(7 * step),
                quantiles: quantiles.to_vec(),
            });
        }
    }
}

/// Of the reasons of several candidates the one that came nearest to an estimate.
fn nearer(a: Reason, b: Reason) -> Reason {
    let rank = |r: Reason| match r {
        Reason::TooFew => 3,
        Reason::Stale => 2,
        Reason::Ended => 1,
        Reason::NoData | Reason::NoModel | Reason::NotComputed | Reason::Quarantined | Reason::Withdrawn => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

type Weeks = (BTreeMap<NaiveDate, f64>, String, Vec<Point>);

async fn weeks(
    conn: &mut PgConnection,
    profile: &CountryProfile,
    signal: &Signal,
    place: &Place,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Result<Weeks, Reason>> {
    let Some(source) = signal.source_at(&place.level) else { return Ok(Err(Reason::NoData)) };
    let points =
        store::observations::as_of(conn, signal.id.as_str(), source.as_str(), &place.id, as_of).await?;
    let values: BTreeMap<NaiveDate, f64> =
        points.iter().filter_map(|p| Some((p.reference_date, p.value?))).collect();
    if let Err(reason) = alive(signal, values.last_key_value().map(|(d, _)| *d), as_of) {
        return Ok(Err(reason));
    }
    let weeks = whole(profile, signal, values, day(as_of));
    Ok(Ok((weeks, source.to_string(), points)))
}

fn fit(
    lead: &BTreeMap<NaiveDate, f64>,
    deaths: &BTreeMap<NaiveDate, f64>,
) -> Result<(NaiveDate, Secondary), Reason> {
    // Weeks that both know.
    let both: BTreeMap<NaiveDate, f64> =
        lead.iter().filter(|(week, _)| deaths.contains_key(week)).map(|(w, v)| (*w, *v)).collect();
    let (last, events) = unbroken(&both).ok_or(Reason::TooFew)?;
    let count = events.len() as u64;
    let of_week = |back: u64| deaths.get(&(last - Days::new(7 * back))).copied().unwrap_or(0.0);
    let died: Vec<f64> = (0..count).rev().map(of_week).collect();
    let found = secondary(&events, &died, STEPS, &SecondaryConfig::default());
    found.map(|found| (last, found)).map_err(|_| Reason::TooFew)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_follow_admissions_before_cases_of_the_same_disease() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/ch/profile/profile.toml");
        let profile = CountryProfile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        let deaths = profile.signal(&"covid_deaths".parse().unwrap()).unwrap();
        let names: Vec<_> = profile.leads(deaths).iter().map(|s| s.id.to_string()).collect();
        let admissions = ["covid_hosp_admissions_daily", "covid_hosp_admissions"];
        assert_eq!(names[..2], admissions);
        assert_eq!(names[2..], ["covid_cases", "covid_cases_weekly"]);
    }
}
