//! What operators watch: for each signal the state of its input, of its runs and of its scores, and what of it is an alarm.
//! As metrics, as JSON and as a page, on the admin port. Every threshold stands here, once: rules of an alerting system need
//! only ask for `forecast_alarm` (clusters/base/observability).

mod inputs;
mod page;

pub use inputs::Inputs;
pub use page::router;

use chrono::{DateTime, Duration, Utc};
use domain::profile::{NATION, Signal};
use kit::App;
use kit::record::{RECORD_WEEKS, Recent};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use store::forecasts::Run;
use store::scores::Means;
use store::series::KnownBy;

/// Scores of fewer weeks raise no alarm.
const LEAST_WEEKS: usize = 4;
/// Below this share of figures inside the 80 % intervals: well before the rule withdraws the model.
const LEAST_COVERAGE_80: f64 = 0.6;
/// Above this multiple of the baseline's score, likewise.
const LARGEST_RELATIVE_WIS: f64 = 0.9;
/// Of what was said of spread, this multiple of climatology's score is no use any more …
const LARGEST_RELATIVE_SPREAD: f64 = 1.0;
/// … with so many forecasts that have a climatology. Fewer raise no alarm.
const LEAST_COMPARED: i64 = 30;
/// A correction of the recent weeks by more than this share of their sum …
const LARGEST_REVISION: f64 = 0.1;
/// … and by more than this multiple of what is usual.
const TIMES_USUAL: f64 = 3.0;
/// More than this share of the places without a figure of the newest week.
const LARGEST_MISSING: f64 = 0.2;
/// Figures are in the database for longer than this and no run has read them.
const LONGEST_BEHIND: Duration = Duration::hours(1);

/// Why somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// The publisher's newest table was refused.
    InputRefused,
    /// The newest issue changed recent weeks more than corrections do.
    RevisionLarge,
    /// Places that had figures have none of the newest week.
    PlacesMissing,
    /// There are figures that no run has read.
    RunBehind,
    /// The 80 % intervals hold too few figures.
    CoverageLow,
    /// The scores come near those of the persistence baseline, or are worse.
    WisHigh,
    /// What is said of spread scores no better than how often it came at this time of earlier seasons.
    SpreadWorse,
    /// The rule has taken the model off the pages.
    Withdrawn,
}

impl Alarm {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::InputRefused,
        Self::RevisionLarge,
        Self::PlacesMissing,
        Self::RunBehind,
        Self::CoverageLow,
        Self::WisHigh,
        Self::SpreadWorse,
        Self::Withdrawn,
    ];

    /// Its word in metrics and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InputRefused => "input_refused",
            Self::RevisionLarge => "revision_large",
            Self::PlacesMissing => "places_missing",
            Self::RunBehind => "run_behind",
            Self::CoverageLow => "coverage_low",
            Self::WisHigh => "wis_high",
            Self::SpreadWorse => "spread_worse",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What to do, for the person who was woken by it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::InputRefused => {
                "`vigie ingest refused` tells why; release it if the publisher confirms it, else wait for the next"
            }
            Self::RevisionLarge => {
                "compare the newest issue with the one before on /why; ask the publisher; the forecasts use it"
            }
            Self::PlacesMissing => {
                "see which places on /status and in the publisher's table; they have no forecast of now"
            }
            Self::RunBehind => {
                "is the forecast worker running, and what does its log say? `forecast batch` computes at once"
            }
            Self::CoverageLow => {
                "the model is surer than it should be: watch; the rule withdraws it by itself"
            }
            Self::WisHigh => {
                "carrying the last figure forward would be about as good: watch; the rule withdraws it by itself"
            }
            Self::SpreadWorse => {
                "the calendar alone would say as much of classes, rises or arrivals: see `spread` in the scores; pages go on \
                 saying how good it was"
            }
            Self::Withdrawn => {
                "nothing to do: pages and API say so; it comes back by itself when the rule passes"
            }
        }
    }
}

/// One signal.
#[derive(Debug, Clone, Serialize)]
pub struct Watched {
    /// The signal.
    pub signal: String,
    /// The newest run, if there is one.
    pub run: Option<Run>,
    /// The newest issue of its national figures, or of any where there are none.
    pub newest_issue: Option<DateTime<Utc>>,
    /// How its input looks; `None` without figures.
    pub inputs: Option<Inputs>,
    /// Weeks that the rule looked at.
    pub weeks: usize,
    /// Share of their figures inside the 80 % intervals.
    pub coverage_80: Option<f64>,
    /// Weighted interval score over the baseline's.
    pub relative_wis: Option<f64>,
    /// Of `classes`, `rises` and `arrives`: the score over climatology's, where one is known.
    pub relative_spread: BTreeMap<String, f64>,
    /// What is wrong.
    pub alarms: Vec<Alarm>,
}

/// Everything that is forecast, as of the clock.
///
/// # Errors
/// When the database does not answer.
pub async fn read(app: &App) -> sqlx::Result<Vec<Watched>> {
    let mut conn = app.db.acquire().await?;
    let mut all = Vec::new();
    for signal in &app.profile.signals {
        let forecast = signal.forecast.is_some();
        let run = store::forecasts::latest_run(&mut conn, signal.id.as_str(), app.clock.now()).await?;
        if forecast || run.is_some() {
            all.push(of_signal(app, &mut conn, signal, run).await?);
        }
    }
    Ok(all)
}

async fn of_signal(
    app: &App,
    conn: &mut PgConnection,
    signal: &Signal,
    run: Option<Run>,
) -> sqlx::Result<Watched> {
    let (id, as_of) = (signal.id.as_str(), app.clock.now());
    let source = signal.source_at(NATION).or_else(|| signal.sources.values().next());
    let source = source.map(domain::SourceId::as_str).unwrap_or_default();
    let issues = store::issued::issues(conn, id).await?;
    let coverage = store::issued::coverage(&issues, as_of, KnownBy::Issue);
    let newest = coverage.into_iter().find(|c| c.source_id == source);
    let inputs = inputs::read(conn, app, signal).await?;
    let recent = Recent::read(conn, id, as_of).await?;
    let refused = store::sources::input_refused(conn, id, source, app.profile.nation.as_str(), as_of).await?;
    let mut alarms = Vec::new();
    if refused {
        alarms.push(Alarm::InputRefused);
    }
    if let Some(inputs) = &inputs {
        if inputs.revision > LARGEST_REVISION && inputs.revision > TIMES_USUAL * inputs.usual_revision {
            alarms.push(Alarm::RevisionLarge);
        }
        if inputs.missing as f64 > LARGEST_MISSING * inputs.places as f64 {
            alarms.push(Alarm::PlacesMissing);
        }
    }
    let read = run.as_ref().map(|run| run.as_of);
    let behind = |c: &store::issued::Coverage| {
        read.is_none_or(|read| c.last_issue > read) && kit::wall() - c.last_seen > LONGEST_BEHIND
    };
    if signal.ended_by(as_of.date_naive(), None).is_none() && newest.as_ref().is_some_and(behind) {
        alarms.push(Alarm::RunBehind);
    }
    if let Some(recent) = recent.filter(|recent| recent.weeks >= LEAST_WEEKS) {
        if recent.coverage_80 < LEAST_COVERAGE_80 {
            alarms.push(Alarm::CoverageLow);
        }
        if recent.relative_wis.is_some_and(|wis| wis > LARGEST_RELATIVE_WIS) {
            alarms.push(Alarm::WisHigh);
        }
    }
    let spread = store::scores::spread_means(conn, id, None, as_of, RECORD_WEEKS).await?;
    let worse = |m: &Means| {
        usize::try_from(m.weeks).is_ok_and(|weeks| weeks >= LEAST_WEEKS)
            && m.compared >= LEAST_COMPARED
            && m.relative.is_some_and(|relative| relative > LARGEST_RELATIVE_SPREAD)
    };
    if spread.iter().any(worse) {
        alarms.push(Alarm::SpreadWorse);
    }
    if recent.is_some_and(|recent| recent.withdraws()) {
        alarms.push(Alarm::Withdrawn);
    }
    Ok(Watched {
        signal: id.to_owned(),
        run,
        newest_issue: newest.map(|c| c.last_issue),
        inputs,
        weeks: recent.map_or(0, |r| r.weeks),
        coverage_80: recent.map(|r| r.coverage_80),
        relative_wis: recent.and_then(|r| r.relative_wis),
        relative_spread: spread.into_iter().filter_map(|m| Some((m.question, m.relative?))).collect(),
        alarms,
    })
}

/// Writes the state into the metrics.
///
/// # Errors
/// When the database does not answer.
pub async fn publish(app: &App) -> sqlx::Result<()> {
    let seconds = |at: DateTime<Utc>| at.timestamp() as f64;
    for watched in read(app).await? {
        let of = |name: &'static str| metrics::gauge!(name, "signal" => watched.signal.clone());
        for alarm in Alarm::ALL {
            let raised = f64::from(u8::from(watched.alarms.contains(&alarm)));
            metrics::gauge!("forecast_alarm", "signal" => watched.signal.clone(), "alarm" => alarm.as_str())
                .set(raised);
        }
        if let Some(run) = &watched.run {
            of("forecast_last_run_timestamp_seconds").set(seconds(run.created_at));
            of("forecast_last_run_as_of_timestamp_seconds").set(seconds(run.as_of));
        }
        if let Some(inputs) = &watched.inputs {
            of("forecast_input_revision_ratio").set(inputs.revision);
            of("forecast_input_usual_revision_ratio").set(inputs.usual_revision);
            of("forecast_input_places").set(inputs.places as f64);
            of("forecast_input_places_missing").set(inputs.missing as f64);
        }
        if let Some(coverage) = watched.coverage_80 {
            of("forecast_coverage_80_ratio").set(coverage);
        }
        if let Some(wis) = watched.relative_wis {
            of("forecast_relative_wis_ratio").set(wis);
        }
        for (question, relative) in &watched.relative_spread {
            let labels = [("signal", watched.signal.clone()), ("question", question.clone())];
            metrics::gauge!("forecast_relative_spread_ratio", &labels).set(*relative);
        }
    }
    metrics::gauge!("forecast_last_pass_timestamp_seconds").set(seconds(kit::wall()));
    Ok(())
}
