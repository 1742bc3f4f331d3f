//! Scores as truth arrives: every forecast, and what was said of spread, against the first figure of its week and each
//! correction of it.

mod spread;
mod truth;

use crate::batch::{day, whole};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::CountryProfile;
use domain::profile::{Cadence, Signal};
use epimodels::baseline::{BaselineConfig, baseline};
use epimodels::quantile::Quantiles;
use epimodels::scores::{score, wis};
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap, HashSet};
use store::places::Place;
use store::scores::{Due, DueSpread, Found, New};
use truth::{Issues, versions};

/// How long after its origin a forecast is scored again when its truth is corrected.
const DAYS: u64 = 400;
/// How long before the first week that was forecast truths are read: the days of that week, and of the four before it, from one
/// of which changes are counted.
const BEFORE: u64 = 6 + 7 * 4;
/// Draws of the baseline; more change the third digit.
const DRAWS: usize = 10_000;

/// What was known at an origin, as weeks: by place.
type Known = BTreeMap<String, BTreeMap<NaiveDate, f64>>;

/// Scores what can be scored of `signal` at the clock `as_of`. Returns how many scores are new.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn run(
    conn: &mut PgConnection,
    profile: &CountryProfile,
    signal: &Signal,
    places: &[Place],
    as_of: DateTime<Utc>,
) -> sqlx::Result<usize> {
    let id = signal.id.as_str();
    let since = as_of - Days::new(DAYS);
    let due = store::scores::due(conn, id, since, as_of).await?;
    let Some(first) = due.iter().map(|d| d.target_end_date).min() else { return Ok(0) };
    let due_spread = store::scores::due_spread(conn, id, since, as_of).await?;
    let populations = spread::populations(signal, places);
    let places: HashMap<&str, &Place> = places.iter().map(|p| (p.id.as_str(), p)).collect();
    let ours = |place: &str, source: &str| {
        places.get(place).and_then(|p| signal.source_at(&p.level)).is_some_and(|s| s.as_str() == source)
    };
    let mut truths: HashMap<String, Issues> = HashMap::new();
    for row in store::scores::truths(conn, id, first - Days::new(BEFORE), as_of).await? {
        if ours(&row.point.place_id, &row.source_id) {
            let of_place = truths.entry(row.point.place_id).or_default();
            of_place
                .entry(row.point.reference_date)
                .or_default()
                .push((row.point.issued_at, row.point.value));
        }
    }
    let stored = store::scores::done(conn, id, since).await?;
    let stored_spread = store::scores::spread_done(conn, id, since).await?;
    let (done, spread_done) = (Done::of(&stored), Done::of(&stored_spread));
    // A run that is stored meanwhile may be in one of the lists only: so of each origin, not side by side.
    let said: HashMap<DateTime<Utc>, &[DueSpread]> = due_spread
        .chunk_by(|a, b| a.origin == b.origin)
        .filter_map(|said| Some((said.first()?.origin, said)))
        .collect();
    let (mut new, mut new_spread) = (Vec::new(), Vec::new());
    for due in due.chunk_by(|a, b| a.origin == b.origin) {
        let Some(origin) = due.first().map(|d| d.origin) else { continue };
        let of_place = |place: &str| truths.get(place);
        let open: Vec<Open<'_>> =
            due.iter().filter_map(|of| open(of, of_place(&of.place_id)?, signal.cadence, &done)).collect();
        let said = said.get(&origin).copied().unwrap_or_default();
        let open_spread: Vec<spread::Open<'_>> = said
            .iter()
            .filter_map(|of| spread::open(of, of_place(&of.place_id)?, signal.cadence, &spread_done))
            .collect();
        if open.is_empty() && open_spread.is_empty() {
            continue;
        }
        let known = known(conn, profile, signal, origin, ours).await?;
        new.extend(quantiles(open, &known));
        let mut ground = spread::Ground::new(signal, &populations, &known);
        new_spread.extend(open_spread.into_iter().filter_map(|open| ground.score(open)).flatten());
    }
    store::scores::put(conn, id, &new, &new_spread, as_of).await
}

/// What is scored already: run, place, horizon and issue time of the figure.
struct Done<'a>(HashSet<(&'a str, &'a str, i32, DateTime<Utc>)>);

impl<'a> Done<'a> {
    fn of(stored: &'a [(String, String, i32, DateTime<Utc>)]) -> Self {
        let key = |(run, place, horizon, at): &'a (String, String, i32, _)| {
            (run.as_str(), place.as_str(), *horizon, *at)
        };
        Self(stored.iter().map(key).collect())
    }

    fn holds(&self, run: &str, place: &str, horizon: i32, at: DateTime<Utc>) -> bool {
        self.0.contains(&(run, place, horizon, at))
    }
}

/// A forecast with the figures that it is not scored against yet.
struct Open<'d> {
    of: &'d Due,
    quantiles: Quantiles,
    first_issue: DateTime<Utc>,
    figures: Vec<(DateTime<Utc>, Option<f64>)>,
}

/// What is still to be scored of a forecast; nothing where its week was known at the origin: that was not forecast.
fn open<'d>(of: &'d Due, issues: &Issues, cadence: Cadence, done: &Done<'_>) -> Option<Open<'d>> {
    let mut figures = versions(issues, of.target_end_date, cadence);
    let (first_issue, _) = *figures.first()?;
    let quantiles = Quantiles::try_from(of.quantiles.as_slice()).ok()?;
    figures.retain(|(at, _)| !done.holds(&of.run_id, &of.place_id, of.horizon, *at));
    (first_issue > of.origin && !figures.is_empty()).then_some(Open { of, quantiles, first_issue, figures })
}

/// The scores of forecasts of one origin.
fn quantiles<'d>(open: Vec<Open<'d>>, known: &Known) -> Vec<New<'d>> {
    let mut new = Vec::new();
    let mut expected: HashMap<(&str, &str), Option<Vec<Quantiles>>> = HashMap::new();
    for Open { of, quantiles, first_issue, figures } in open {
        let weeks = known.get(&of.place_id);
        let naive = expected.entry((&of.run_id, &of.place_id)).or_insert_with(|| naive(weeks?));
        let naive = naive.as_ref().zip(weeks).and_then(|(naive, weeks)| step(naive, weeks, of));
        for (truth_issued_at, truth) in figures {
            let found = truth.map(|truth| {
                let s = score(&quantiles, truth);
                let baseline_wis = naive.map(|q| wis(q, truth));
                Found { truth, wis: s.wis, baseline_wis, covered: [s.covered_50, s.covered_80, s.covered_95] }
            });
            new.push(New { of, truth_issued_at, found, replayed: of.created_at >= first_issue });
        }
    }
    new
}

/// Whole weeks of every place as they were known at `origin`, and nothing later: read as a model reads.
async fn known(
    conn: &mut PgConnection,
    profile: &CountryProfile,
    signal: &Signal,
    origin: DateTime<Utc>,
    ours: impl Fn(&str, &str) -> bool,
) -> sqlx::Result<Known> {
    let mut values = Known::new();
    let mut training = store::training::begin(conn, origin).await?;
    for source in signal.sources.values().collect::<std::collections::BTreeSet<_>>() {
        let reader = training.reader();
        for p in store::observations::panel(reader, signal.id.as_str(), source.as_str(), origin).await? {
            if let Some(value) = p.value.filter(|_| ours(&p.place_id, source.as_str())) {
                values.entry(p.place_id).or_default().insert(p.reference_date, value);
            }
        }
    }
    training.end().await?;
    Ok(values.into_iter().map(|(place, v)| (place, whole(profile, signal, v, day(origin)))).collect())
}

/// The persistence baseline of the hubs, a few weeks ahead; `None` where there is too little.
fn naive(weeks: &BTreeMap<NaiveDate, f64>) -> Option<Vec<Quantiles>> {
    let ((first, _), (last, _)) = (weeks.first_key_value()?, weeks.last_key_value()?);
    let all = first.iter_days().step_by(7).take_while(|week| week <= last);
    let values: Vec<Option<f64>> = all.map(|week| weeks.get(&week).copied()).collect();
    baseline(&values, 6, &BaselineConfig { draws: DRAWS, ..BaselineConfig::default() }).ok()
}

/// The baseline of a forecast's own week.
fn step<'a>(naive: &'a [Quantiles], weeks: &BTreeMap<NaiveDate, f64>, of: &Due) -> Option<&'a Quantiles> {
    let ahead = (of.target_end_date - *weeks.last_key_value()?.0).num_weeks();
    naive.get(usize::try_from(ahead - 1).ok()?)
}
