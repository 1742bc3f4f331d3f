//! Reading a question, and what is the same in answering all of them.

use super::answer::{Answer, Asked, Estimated, NotEstimated, RecordedSituation, RunBody, TargetWeek};
use crate::batch::{Reason, alive, day};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::profile::{Language, Signal};
use domain::{EpiWeek, PlaceId, SignalId};
use kit::locale::Formats;
use kit::record::{self, Closed};
use kit::{App, Params, Problem};
use rust_i18n::t;
use sqlx::PgConnection;
use store::forecasts::Run;
use store::observations::Point;
use store::places::Place;

/// How far deaths are forecast, which have no plan.
const WEEKS_OF_DEATHS: usize = 4;

/// A question that can be answered: its signal and place exist.
pub(crate) struct Question<'a> {
    pub(crate) app: &'a App,
    pub(crate) name: &'static str,
    pub(crate) signal: &'a Signal,
    pub(crate) place: Place,
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) language: &'a Language,
    /// When the last issue that is kept came out, of a signal that has come to its end.
    ended: Option<DateTime<Utc>>,
}

/// The signal that a request names, or the country's main one.
pub(crate) fn signal<'a>(app: &'a App, params: &Params) -> Result<&'a Signal, Problem> {
    let id = match params.one("signal")? {
        Some(text) => text.parse::<SignalId>().map_err(|_| Problem::NotFound("signal"))?,
        None => app.profile.main_signal.clone(),
    };
    app.profile.signal(&id).ok_or(Problem::NotFound("signal"))
}

/// The language of an answer.
pub(crate) fn language<'a>(app: &'a App, headers: &HeaderMap) -> Result<&'a Language, Problem> {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|l| l.to_str().ok());
    app.negotiate(accepted).ok_or_else(|| Problem::Internal(anyhow::anyhow!("the profile has no language")))
}

/// With a stopped clock, whose situation an answer shows.
pub(crate) fn recorded(app: &App, language: &Language) -> Option<RecordedSituation> {
    Some(RecordedSituation { as_of: app.clock.recorded()?, notice: app.recorded_notice(language)? })
}

impl<'a> Question<'a> {
    /// Reads `place` and `as_of` of a question about `signal`. Without a place: the whole country, or where the
    /// signal has no national figures, that is an error.
    ///
    /// # Errors
    /// 404 for a place that is not one of this country; 400 for a parameter that cannot be used.
    pub(crate) async fn read(
        app: &'a App,
        conn: &mut PgConnection,
        name: &'static str,
        signal: &'a Signal,
        params: &Params,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let as_of = app.as_of(params.one("as_of")?)?;
        let id = match params.one("place")? {
            Some(text) => text.parse::<PlaceId>().map_err(|_| Problem::NotFound("place"))?,
            None => app.profile.nation.clone(),
        };
        let ours = id.nation() == app.profile.nation;
        let place = if ours { store::places::get(conn, id.as_str()).await? } else { None };
        let place = place.ok_or(Problem::NotFound("place"))?;
        let language = language(app, headers)?;
        let mut question = Self { app, name, signal, place, as_of, language, ended: None };
        if signal.ended_by(as_of.date_naive(), None).is_some() {
            question.ended = question.known(conn).await?.iter().map(|p| p.issued_at).max();
        }
        Ok(question)
    }

    /// What is known of this signal here, as of the question's time.
    async fn known(&self, conn: &mut PgConnection) -> sqlx::Result<Vec<Point>> {
        let Some(source) = self.signal.source_at(&self.place.level) else { return Ok(Vec::new()) };
        let (signal, place) = (self.signal.id.as_str(), self.place.id.as_str());
        store::observations::as_of(conn, signal, source.as_str(), place, self.as_of).await
    }

    /// The last date with a figure of this signal here, as of the question's time.
    pub(crate) async fn last_figure(&self, conn: &mut PgConnection) -> sqlx::Result<Option<NaiveDate>> {
        let points = self.known(conn).await?;
        Ok(points.iter().rev().find(|p| p.value.is_some()).map(|p| p.reference_date))
    }

    /// The newest run that may answer, or why none does.
    ///
    /// # Errors
    /// Inside: the reason, with the last figure.
    pub(crate) async fn run(
        &self,
        conn: &mut PgConnection,
        has_model: bool,
    ) -> sqlx::Result<Result<Run, (Reason, Option<NaiveDate>)>> {
        let last = self.last_figure(conn).await?;
        if let Err(reason) = alive(self.signal, last, self.as_of) {
            return Ok(Err((reason, last)));
        }
        if !has_model {
            return Ok(Err((Reason::NoModel, last)));
        }
        let run = store::forecasts::latest_run(conn, self.signal.id.as_str(), self.as_of).await?;
        // Of a run whose last week has a figure by now, nothing is still to come.
        let ahead = self.signal.forecast.as_ref().map_or(WEEKS_OF_DEATHS, |plan| plan.horizons.len());
        let over = |run: &Run| last >= run.reference_date.checked_add_days(Days::new(7 * ahead as u64));
        let Some(run) = run.filter(|run| !over(run)) else { return Ok(Err((Reason::NotComputed, last))) };
        match self.closed(conn).await? {
            // The reproduction number is an estimate of what was, not a forecast: the rule is not about it.
            Some(Closed::Withdrawn) if self.name == "transmission" => {}
            Some(closed) => return Ok(Err((closed.into(), last))),
            None => {}
        }
        let refused = store::forecasts::not_estimated(conn, &run.id, Some(&self.place.id)).await?;
        let refused = refused.iter().find(|n| n.question == self.name).and_then(|n| Reason::read(&n.reason));
        Ok(match refused {
            Some(reason) => Err((reason, last)),
            None => Ok(run),
        })
    }

    /// Why nothing is said, whatever was computed.
    pub(crate) async fn closed(&self, conn: &mut PgConnection) -> sqlx::Result<Option<Closed>> {
        let source = self.signal.source_at(&self.place.level).or_else(|| self.signal.sources.values().next());
        let Some(source) = source else { return Ok(None) };
        Closed::read(conn, self.signal.id.as_str(), source.as_str(), &self.place.id, self.as_of).await
    }

    fn asked(&self) -> Asked {
        Asked {
            question: self.name,
            signal: self.signal.id.to_string(),
            disease: self.signal.disease.clone(),
            place: self.place.id.clone(),
            level: self.place.level.clone(),
            as_of: self.as_of,
            recorded_situation: recorded(self.app, self.language),
        }
    }

    /// The week that a date lies in.
    pub(crate) fn week(&self, date: NaiveDate) -> String {
        EpiWeek::of(date, self.app.profile.week_system).to_string()
    }

    /// The week that ends on `target_end_date`, seen from the question's time: it is over when its last day is.
    pub(crate) fn target(&self, target_end_date: NaiveDate) -> TargetWeek {
        let elapsed = target_end_date < day(self.as_of);
        TargetWeek { target_end_date, week: self.week(target_end_date), elapsed }
    }

    /// An estimate with everything that it was made from.
    pub(crate) fn estimated<T>(&self, run: Run, unit: &str, result: T) -> Answer<T> {
        Answer::Estimated(Box::new(Estimated {
            status: "estimated",
            asked: self.asked(),
            unit: unit.to_owned(),
            reference_date: run.reference_date,
            reference_week: self.week(run.reference_date),
            run: RunBody::from(run),
            result,
        }))
    }

    /// The reason why there is none, as a word and as a sentence.
    pub(crate) fn not_estimated<T>(&self, reason: Reason, last: Option<NaiveDate>) -> Answer<T> {
        Answer::NotEstimated(Box::new(NotEstimated {
            status: "not_estimated",
            asked: self.asked(),
            reason: reason.into(),
            explanation: self.explain(reason, last),
            last_figure: last,
        }))
    }

    /// A sentence of the locale files, in the language of the answer.
    pub(crate) fn say(&self, key: &str) -> String {
        t!(key, locale = self.language.code.as_str()).into_owned()
    }

    fn explain(&self, reason: Reason, last: Option<NaiveDate>) -> String {
        let profile = &self.app.profile;
        let formats = Formats::new(&self.language.tag, profile.time_zone, profile.week_system);
        let write = |date: NaiveDate| formats.as_ref().map_or_else(|_| date.to_string(), |f| f.date(date));
        let key = format!("reason.{}", reason.as_str());
        let issued = self.ended.and_then(|at| formats.as_ref().ok().map(|f| f.day_of(at)));
        let ended = issued.or(self.signal.ended).map(write).unwrap_or_default();
        t!(
            &key,
            locale = self.language.code.as_str(),
            ended = ended,
            last = last.map(write).unwrap_or_else(|| "–".to_owned()),
            days = self.signal.stale_after_days,
            weeks = record::RULE_WEEKS
        )
        .into_owned()
    }
}
