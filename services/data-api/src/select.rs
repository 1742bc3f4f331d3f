//! Which values a request asks for.

use crate::build::Job;
use crate::bulk_file::Kind;
use crate::visit::Visit;
use crate::words::{Target, Words};
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::{NATION, Signal};
use domain::{ObservationKey, PlaceId, SignalId, SourceId};
use kit::{App, Params, Problem};
use sqlx::PgConnection;
use std::sync::Arc;
use store::issued::{Coverage, coverage};
use store::scan::{Mode, Question};
use store::series::KnownBy;

/// The parameters of `observations`.
pub(crate) const ALLOWED: [&str; 14] = [
    "signal", "place", "level", "source", "from", "to", "as_of", "clock", "issues", "lag", "layout",
    "format", "limit", "after",
];

/// What a request asks for, checked against the country's profile and places.
pub(crate) struct Selection {
    pub(crate) signal: Signal,
    pub(crate) question: Question,
    /// By place id. Places of a level at which the signal is not published are left out.
    pub(crate) targets: Arc<Vec<Target>>,
    /// Are all places of the country asked for?
    pub(crate) whole: bool,
    pub(crate) after: Option<ObservationKey>,
    /// One row a date: then `after` is a date.
    pub(crate) wide: Option<WideAfter>,
}

/// The date after which a page of dates begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WideAfter(pub(crate) Option<NaiveDate>);

impl Selection {
    /// Reads and checks a request.
    ///
    /// # Errors
    /// 404 for an unknown signal or place, 400 with the parameter for everything else.
    pub(crate) async fn read(app: &App, visit: &mut Visit, params: &Params) -> Result<Self, Problem> {
        let signal = signal(app, params.one("signal")?)?.clone();
        let as_of = as_of(app, params)?;
        let by = match params.one("clock")? {
            None | Some("published") => KnownBy::Issue,
            Some("seen") => KnownBy::Sight,
            Some(_) => return Err(Problem::invalid("clock", "is neither `published` nor `seen`")),
        };
        let (from, to) = (params.day("from")?, params.day("to")?);
        if from > to && to.is_some() {
            return Err(Problem::conflict("from", "is later than `to`"));
        }
        let lag = params.read::<i32>("lag", "a number of days")?;
        if lag.is_some_and(|l| !(0..=3650).contains(&l)) {
            return Err(Problem::invalid("lag", "is not between 0 and 3650 days"));
        }
        let mode = match (params.one("issues")?, lag) {
            (None | Some("latest"), lag) => Mode::Known { lag },
            (Some("all"), None) => Mode::Issues,
            (Some("all"), Some(_)) => return Err(Problem::conflict("lag", "does not go with issues=all")),
            _ => return Err(Problem::invalid("issues", "is neither `latest` nor `all`")),
        };
        let targets = visit.targets(app, &signal, &Places::read(app, &signal, params)?).await?;
        let wide = match params.one("layout")? {
            None | Some("long") => None,
            Some("wide") if mode == Mode::Issues => {
                return Err(Problem::conflict(
                    "layout",
                    "cannot be wide with issues=all: a date has many rows",
                ));
            }
            Some("wide") => Some(WideAfter(date_after(params)?)),
            Some(_) => return Err(Problem::invalid("layout", "is neither `long` nor `wide`")),
        };
        let after = if wide.is_some() { None } else { key_after(params)? };
        if after.as_ref().is_some_and(|a| a.signal != signal.id) {
            return Err(Problem::conflict("after", "is a value of another signal"));
        }
        let question = Question { span: (from, to), as_of, by, mode };
        let whole = params.list("place").is_empty() && params.one("level")?.is_none();
        Ok(Self { signal, question, targets, whole, after, wide })
    }

    /// What there is of it, by source: it changes when a value is added that it asks for.
    pub(crate) async fn state(&self, visit: &mut Visit) -> Result<Vec<Coverage>, Problem> {
        let issued = visit.issued(self.signal.id.as_str()).await?;
        Ok(coverage(&issued, self.question.as_of, self.question.by))
    }

    /// What the numbers in its rows stand for, but for the payloads.
    pub(crate) fn words(&self, app: &App) -> Words {
        Words::new(app, &self.signal, Arc::clone(&self.targets))
    }

    /// What reads it at once and writes it as Parquet.
    pub(crate) fn parquet(&self, app: &App) -> Job {
        let (words, question) = (self.words(app), self.question.clone());
        Job { db: app.db.clone(), words, question, kind: Kind::Parquet }
    }
}

/// The time asked for.
///
/// # Errors
/// [`Problem::Invalid`] for what is no time, [`Problem::Conflict`] for one after the platform's clock.
pub(crate) fn as_of(app: &App, params: &Params) -> Result<DateTime<Utc>, Problem> {
    let text = params.one("as_of")?;
    let time = text.and_then(|t| DateTime::parse_from_rfc3339(t).ok()).map(|t| t.to_utc());
    let day = text.and_then(|t| t.parse::<NaiveDate>().ok());
    match time.map(|t| t.date_naive()).or(day) {
        Some(day) if day > app.clock.now().date_naive() => {
            Err(Problem::conflict("as_of", "is later than the platform's clock"))
        }
        // Midnight of the first day that can be written, somewhere in the east: nothing was known then.
        Some(day) if time.is_some() && day < NaiveDate::default() => Ok(DateTime::UNIX_EPOCH),
        _ => app.as_of(text),
    }
}

/// The shape of an `id`, as the description has it.
pub(crate) const ID: &str = "^[a-z][a-z0-9_]*~[a-z][a-z0-9-]*~[A-Z]{2}(-[A-Z0-9]{1,3}|:[A-Z0-9]+)?~\
                             [0-9]{4}-[0-9]{2}-[0-9]{2}~[0-9]{8}T[0-9]{6}Z$";

/// Has a text the shape of an `id`? Then it may still name a day that no month has.
pub(crate) fn is_id(text: &str) -> bool {
    let digits = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(t, s)| t == s || (s == b'0' && t.is_ascii_digit()))
    };
    match text.split('~').collect::<Vec<_>>()[..] {
        [signal, source, place, date, time] => {
            signal.parse::<SignalId>().is_ok()
                && source.parse::<SourceId>().is_ok()
                && place.parse::<PlaceId>().is_ok()
                && digits(date, "0000-00-00")
                && digits(time, "00000000T000000Z")
        }
        _ => false,
    }
}

fn key_after(params: &Params) -> Result<Option<ObservationKey>, Problem> {
    match params.one("after")? {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(key) => Ok(Some(key)),
            Err(_) if is_id(text) || text.parse::<NaiveDate>().is_ok() => {
                Err(Problem::conflict("after", "is the `id` of no value of this list"))
            }
            Err(_) => Err(Problem::invalid("after", "is not the `id` of a value of this list")),
        },
    }
}

fn date_after(params: &Params) -> Result<Option<NaiveDate>, Problem> {
    match params.one("after")? {
        Some(text) if is_id(text) => Err(Problem::conflict("after", "is a date in the wide layout")),
        _ => params.day("after"),
    }
}

/// The signal named by the request.
pub(crate) fn signal<'a>(app: &'a App, id: Option<&str>) -> Result<&'a Signal, Problem> {
    let id = id.ok_or_else(|| Problem::invalid("signal", "is missing; `signals` lists them"))?;
    let id: SignalId = id.parse().map_err(|_| Problem::NotFound("signal"))?;
    app.profile.signal(&id).ok_or(Problem::NotFound("signal"))
}

/// Which places, and whose figures.
#[derive(Debug, Default)]
pub(crate) struct Places<'a> {
    /// Of its own source at each level, or of the one that is asked for.
    source: Option<SourceId>,
    /// These; all, where there is none.
    named: Vec<&'a str>,
    level: Option<&'a str>,
}

impl<'a> Places<'a> {
    fn read(app: &App, signal: &Signal, params: &'a Params) -> Result<Self, Problem> {
        let profile = &app.profile;
        let source = source(signal, params.one("source")?)?;
        let (named, level) = (params.list("place"), params.one("level")?);
        let known = |level: &str| level == NATION || profile.levels.iter().any(|l| l == level);
        if level.is_some_and(|level| !known(level)) {
            let levels = profile.levels.join(", ");
            return Err(Problem::conflict("level", format!("is none of {NATION}, {levels}")));
        }
        if level.is_some() && !named.is_empty() {
            return Err(Problem::conflict("level", "does not go with `place`"));
        }
        if named.iter().any(|place| place.parse::<PlaceId>().is_err()) {
            return Err(Problem::NotFound("place"));
        }
        Ok(Self { source, named, level })
    }
}

/// Looks places up; see [`Visit::targets`], which remembers them.
///
/// # Errors
/// [`Problem::NotFound`] for a place that this country has not; when the database does not answer.
pub(crate) async fn find(
    app: &App,
    conn: &mut PgConnection,
    signal: &Signal,
    places: &Places<'_>,
) -> Result<Vec<Target>, Problem> {
    let Places { source, named, level } = places;
    let only = (!named.is_empty()).then_some(&named[..]);
    let found = store::places::levels(conn, app.profile.nation.as_str(), only, *level).await?;
    if found.len() < named.len() {
        return Err(Problem::NotFound("place"));
    }
    let (ids, sources): (Vec<&str>, Vec<&str>) = found
        .iter()
        .filter_map(|(place, level)| {
            Some((place.as_str(), signal.source_among(level, source.as_ref())?.as_str()))
        })
        .unzip();
    let keys = store::series::keys(conn, signal.id.as_str(), &sources, &ids).await?;
    let target = |((place, source), series): ((&&str, &&str), i32)| Target {
        place: (*place).to_owned(),
        source: (*source).to_owned(),
        series,
    };
    Ok(ids.iter().zip(&sources).zip(keys).map(target).collect())
}

/// The source that is asked for instead of the one of the pages.
fn source(signal: &Signal, asked: Option<&str>) -> Result<Option<SourceId>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    match signal.all_sources().find(|s| s.as_str() == asked) {
        Some(source) => Ok(Some(source.clone())),
        None => {
            let all: Vec<&str> = signal.all_sources().map(SourceId::as_str).collect();
            Err(Problem::conflict("source", format!("is none of {}", all.join(", "))))
        }
    }
}
