//! `spread`: where does it rise, where does it fall, where does it arrive?

mod map;
mod places;

use super::question::{self, Question};
use super::skill::SpreadRecord;
use super::{Answer, TargetWeek};
use crate::batch::{Reason, alive, day};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{Duration, NaiveDate};
use domain::profile::NATION;
use epimodels::arrival::ARRIVAL;
use kit::{App, Params, Problem};
use map::{Format, MapFile};
use places::{ArrivalLimits, Arrives, Classes, Finer, PlaceTrend, finer};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use store::forecasts::{Forecast, Run, Trend};
use utoipa::ToSchema;

/// Places with the probabilities of where they are going.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Spread {
    /// Weeks ahead, as in `forecasts`.
    horizon: i32,
    #[serde(flatten)]
    target: TargetWeek,
    /// What the five classes mean here.
    classes: &'static str,
    /// What is quiet and what has arrived.
    arrival: ArrivalLimits,
    /// Signals of the same disease that are published for smaller places, and that no model of this platform forecasts there.
    finer_not_forecast: Vec<Finer>,
    /// How good what was said of spread has been, in all places or in the one asked for; `null` before a week was scored.
    record: Option<SpreadRecord>,
    /// By place.
    places: Vec<PlaceTrend>,
}

const CLASSES: &str = "Change of the weekly value from the last week known: FluSight's classes of the rate per \
                       100,000; for other units the same thresholds as shares of the height of a season \
                       (95 % quantile of the series).";

/// For each place the probabilities of a large decrease, a decrease, no change, an increase, a large increase, and where it is
/// quiet that the disease arrives.
#[utoipa::path(get, path = "/api/forecast/v1/spread", operation_id = "spread", tag = "questions",
    params(
        ("signal" = Option<String>, Query, description = "Default: the country's main signal"),
        ("level" = Option<String>, Query, description = "Only places of this level. Default: all"),
        ("place" = Option<String>, Query, description = "Only this place"),
        ("horizon" = Option<i32>, Query, description = "Default: that of the first target week that ends on the day of `as_of` or later; when all are over, of the last"),
        ("as_of" = Option<String>, Query, description = "A date (its end, UTC) or an RFC 3339 time. Default: the platform's clock"),
        ("format" = Option<String>, Query, description = "`json` (default), or for a map `csv` or `geojson`; or the header `Accept`"),
    ),
    responses(
        (status = 200, description = "The answer", content(
            (Answer<Spread> = "application/json"),
            (String = "text/csv"),
            (MapFile = "application/geo+json"),
        )),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such signal or place", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn spread(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = ["signal", "level", "place", "horizon", "as_of", "format"];
    let params = Params::parse(query.as_deref(), &known)?;
    let format = Format::read(&params, &headers)?;
    format.respond(answer(&app, &params, &headers).await?)
}

async fn answer(app: &App, params: &Params, headers: &HeaderMap) -> Result<Answer<Spread>, Problem> {
    let signal = question::signal(app, params)?;
    let level = params.one("level")?;
    if level.is_some_and(|l| l != NATION && !app.profile.levels.iter().any(|known| known == l)) {
        let levels = app.profile.levels.join(", ");
        return Err(Problem::invalid("level", format!("is none of {NATION}, {levels}")));
    }
    let planned = signal.forecast.as_ref().map(|p| p.horizons.as_slice()).unwrap_or_default();
    let horizon = params.read::<i32>("horizon", "a number of weeks")?;
    if let Some(h) = horizon.filter(|h| !planned.is_empty() && !planned.contains(h)) {
        return Err(Problem::invalid("horizon", format!("{h} is none of {planned:?}")));
    }
    let mut conn = app.db.acquire().await?;
    let q = Question::read(app, &mut conn, "spread", signal, params, headers).await?;
    let named = params.one("place")?.is_some();
    let run = match q.run(&mut conn, signal.is_forecast_at(&q.place.level)).await? {
        Ok(run) => run,
        // The nation alone may have no figures where its parts do.
        Err((Reason::NoData | Reason::TooFew, last)) if !named => {
            if let Some(reason) = q.closed(&mut conn).await? {
                return Ok(q.not_estimated(reason.into(), last));
            }
            let run = store::forecasts::latest_run(&mut conn, signal.id.as_str(), q.as_of).await?;
            let Some(run) = run else { return Ok(q.not_estimated(Reason::NoData, last)) };
            // Nor may a run that nothing followed speak of now.
            let newest = Some(run.reference_date);
            match alive(signal, newest, q.as_of) {
                Ok(_) => run,
                Err(reason) => return Ok(q.not_estimated(reason, newest)),
            }
        }
        Err((reason, last)) => return Ok(q.not_estimated(reason, last)),
    };
    let trends = store::forecasts::trends(&mut conn, &run.id, None).await?;
    let forecasts = store::forecasts::forecasts(&mut conn, &run.id, None).await?;
    let current = || current(&forecasts, &trends, day(q.as_of)).or_else(|| planned.first().copied());
    let horizon = horizon.or_else(current).unwrap_or(1);
    let arrivals = store::forecasts::arrivals(&mut conn, &run.id).await?;
    let refused = store::forecasts::not_estimated(&mut conn, &run.id, None).await?;
    let all = store::places::of_nation(&mut conn, app.profile.nation.as_str()).await?;
    let by_place: BTreeMap<&str, &Trend> =
        trends.iter().filter(|t| t.horizon == horizon).map(|t| (t.place_id.as_str(), t)).collect();
    let wanted = all
        .iter()
        .filter(|p| signal.source_at(&p.level).is_some())
        .filter(|p| level.is_none_or(|l| p.level == l) && (!named || p.id == q.place.id));
    let places: Vec<PlaceTrend> = wanted
        .map(|p| {
            let trend = by_place.get(p.id.as_str()).map(|t| Classes::from(*t));
            let stored = arrivals.iter().find(|a| a.place_id == p.id && a.horizon == horizon);
            let arrives = trend.as_ref().map(|_| Arrives::of(stored, signal, p));
            let why = refused.iter().find(|n| n.place_id == p.id && n.question == "spread");
            let silent = if signal.is_forecast_at(&p.level) { Reason::TooFew } else { Reason::NoModel };
            let reason = why.and_then(|n| Reason::read(&n.reason)).unwrap_or(silent);
            let not_estimated = trend.is_none().then(|| reason.into());
            PlaceTrend { place: p.id.clone(), level: p.level.clone(), trend, arrives, not_estimated }
        })
        .collect();
    if places.is_empty() {
        return Ok(q.not_estimated(Reason::NoModel, Some(run.reference_date)));
    }
    let here = named.then_some(q.place.id.as_str());
    let record = SpreadRecord::read(&mut conn, app, q.language, signal.id.as_str(), here, q.as_of).await?;
    let first = planned.first().copied().unwrap_or(horizon);
    let target = q.target(end_of(&run, &forecasts, horizon, first));
    let finer_not_forecast = finer(&app.profile, signal);
    let arrival =
        ArrivalLimits { quiet_below_per_100k: ARRIVAL.quiet, arrived_from_per_100k: ARRIVAL.arrived };
    let result = Spread { horizon, target, classes: CLASSES, arrival, finer_not_forecast, record, places };
    Ok(q.estimated(run, signal.unit.as_str(), result))
}

/// The last day of the week of a horizon: as it was forecast, or where nothing was, counted from the last week known, that
/// the `first` horizon follows.
fn end_of(run: &Run, forecasts: &[Forecast], horizon: i32, first: i32) -> NaiveDate {
    let stored = forecasts.iter().find(|f| f.horizon == horizon).map(|f| f.target_end_date);
    stored.unwrap_or_else(|| run.reference_date + Duration::weeks(i64::from(horizon - first) + 1))
}

/// The horizon of the first week that ends on `today` or later; when all are over, of the last one. Of the weeks with
/// trends; of all that were forecast where there is no trend.
fn current(forecasts: &[Forecast], trends: &[Trend], today: NaiveDate) -> Option<i32> {
    let known: BTreeSet<i32> = trends.iter().map(|t| t.horizon).collect();
    let mut said: Vec<&Forecast> =
        forecasts.iter().filter(|f| known.is_empty() || known.contains(&f.horizon)).collect();
    said.sort_by_key(|f| f.target_end_date);
    said.iter().find(|f| !f.is_over(today)).or_else(|| said.last()).map(|f| f.horizon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_that_is_over_is_not_the_default_while_another_is_to_come() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let week = |horizon: i32, end: &str| Forecast {
            place_id: "US".into(),
            horizon,
            target_end_date: date(end),
            quantiles: Vec::new(),
        };
        let trend = |horizon: i32| Trend {
            place_id: "US".into(),
            horizon,
            large_decrease: 0.0,
            decrease: 0.0,
            stable: 1.0,
            increase: 0.0,
            large_increase: 0.0,
            rises: 0.5,
        };
        let weeks =
            [week(0, "2025-07-12"), week(1, "2025-07-19"), week(2, "2025-07-26"), week(3, "2025-08-02")];
        let all = [0, 1, 2, 3].map(trend);
        for (today, trends, wanted) in [
            ("2025-07-12", &all[..], Some(0)),
            ("2025-07-25", &all, Some(2)),
            ("2025-07-26", &all, Some(2)),
            ("2025-07-27", &all, Some(3)),
            ("2025-08-03", &all, Some(3)),
            ("2025-07-25", &all[..2], Some(1)),
            ("2025-07-25", &[], Some(2)),
        ] {
            assert_eq!(current(&weeks, trends, date(today)), wanted, "{today}, {} trends", trends.len());
        }
        assert_eq!(current(&[], &all, date("2025-07-25")), None);
    }
}
