//! One run of the recipe on one signal: forecasts, reproduction numbers, trends, arrivals, and what is not estimated.

use super::gate::Reason;
use super::panel::{Asked, Built};
use super::spread::{self, Measure};
use super::transmission::{Laws, learning, weekly_rt};
use chrono::NaiveDate;
use domain::profile::{ForecastPlan, Signal};
use epimodels::recipe::{Fits, Forecast, Panel};
use epimodels::rt::missing;
use store::forecasts::{self, NotEstimated, Results};

/// The questions that a run of the recipe answers.
pub(crate) const QUESTIONS: [&str; 3] = ["forecast", "spread", "transmission"];

/// Fits, predicts and estimates. Nothing is fitted when no place may be forecast.
///
/// # Errors
/// When the model refuses its input as a whole.
pub(crate) fn results(
    signal: &Signal,
    plan: &ForecastPlan,
    built: &Built<'_>,
    threads: usize,
) -> anyhow::Result<Results> {
    let alive = built.asked.iter().any(|a| a.series.is_ok());
    let made = match built.known.last_key_value().filter(|_| alive) {
        Some((origin, panel)) => {
            let (mut fits, nothing) = (Fits::default(), Panel::default());
            fits.renew(&built.config, *origin, threads, |day| built.known.get(&day).unwrap_or(&nothing))?;
            let mut made = fits.predict(panel, *origin)?;
            for forecast in &mut made {
                forecast.quantiles = forecast.quantiles.map(|q| q * built.unit);
            }
            made
        }
        None => Vec::new(),
    };
    let mut results = Results::default();
    let transmission = transmission(signal, plan, built, threads);
    for (asked, rt) in built.asked.iter().zip(transmission) {
        match &asked.series {
            Err(reason) => QUESTIONS.iter().for_each(|q| refuse(&mut results, asked, q, *reason)),
            Ok(series) => {
                let of_series = made.iter().filter(|f| f.series == *series);
                let wanted: Vec<&Forecast> =
                    of_series.filter(|f| plan.horizons.contains(&f.horizon)).collect();
                answer(&mut results, signal, asked, rt, &wanted);
            }
        }
    }
    Ok(results)
}

/// R of every place that is alive, on several threads: a place's depends on nothing but its own rows and what all places'
/// youngest weeks are missing.
fn transmission(
    signal: &Signal,
    plan: &ForecastPlan,
    built: &Built<'_>,
    threads: usize,
) -> Vec<Result<Vec<forecasts::Rt>, Reason>> {
    let grown: Vec<Vec<Vec<f64>>> = built.asked.iter().map(|a| a.grown.clone()).collect();
    let missing = missing(&grown, &learning(signal, &[]));
    let laws = Laws::of(signal, plan);
    epimodels::parallel::map(built.asked.len(), threads, |n| {
        let asked = &built.asked[n];
        asked.series.as_ref().map_err(|reason| *reason)?;
        let laws = laws.as_ref().map_err(|reason| *reason)?;
        weekly_rt(&asked.place.id, &asked.weeks, laws, &missing[n])
    })
}

fn refuse(results: &mut Results, asked: &Asked<'_>, question: &str, reason: Reason) {
    results.not_estimated.push(NotEstimated {
        place_id: asked.place.id.clone(),
        question: question.to_owned(),
        reason: reason.as_str().to_owned(),
    });
}

fn answer(
    results: &mut Results,
    signal: &Signal,
    asked: &Asked<'_>,
    rt: Result<Vec<forecasts::Rt>, Reason>,
    made: &[&Forecast],
) {
    let place = asked.place.id.as_str();
    match rt {
        Ok(rt) => results.rt.extend(rt),
        Err(reason) => refuse(results, asked, "transmission", reason),
    }
    results.forecasts.extend(made.iter().map(|f| forecasts::Forecast {
        place_id: place.to_owned(),
        horizon: f.horizon,
        target_end_date: f.target_end_date,
        quantiles: f.quantiles.to_vec(),
    }));
    if made.is_empty() {
        refuse(results, asked, "forecast", Reason::TooFew);
    }
    let known = results.trends.len();
    spread(results, signal, asked, made);
    if results.trends.len() == known {
        refuse(results, asked, "spread", Reason::TooFew);
    }
}

fn spread(results: &mut Results, signal: &Signal, asked: &Asked<'_>, made: &[&Forecast]) {
    let Some((week, last)) = asked.weeks.last_key_value() else { return };
    let Some(measure) = Measure::of(signal, asked.population, &asked.weeks) else { return };
    let place = asked.place.id.as_str();
    let step = |target: NaiveDate| usize::try_from((target - *week).num_weeks()).ok();
    for f in made {
        let trend = step(f.target_end_date)
            .and_then(|step| spread::of_forecast(place, f.horizon, step, &f.quantiles, *last, measure));
        if let Some(trend) = trend {
            results.trends.push(trend);
            results.arrivals.extend(spread::arrival(place, f.horizon, &f.quantiles, *last, measure));
        }
    }
}
