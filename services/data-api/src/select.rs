//! Which values a request asks for.

use crate::body::Shape;
use crate::build::Job;
use crate::bulk_file::Kind;
use crate::reader::{Reader, Target};
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::{NATION, Signal};
use domain::{ObservationKey, PlaceId, SignalId, SourceId};
use kit::{App, Params, Problem};
use store::issued::Coverage;
use store::scan::{Mode, Question};
use store::series::{Cells, KnownBy};

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
    pub(crate) targets: Vec<Target>,
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
    pub(crate) async fn read(app: &App, params: &Params) -> Result<Self, Problem> {
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
        let targets = targets(app, &signal, params).await?;
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

    /// What it asks of one place.
    pub(crate) fn cells<'a>(&'a self, target: &'a Target) -> Cells<'a> {
        Cells {
            signal: self.signal.id.as_str(),
            source: &target.source,
            place: &target.place,
            from: self.question.span.0,
            to: self.question.span.1,
            as_of: self.question.as_of,
            by: self.question.by,
        }
    }

    /// What there is of it, by source: it changes when a value is added that it asks for.
    pub(crate) async fn state(&self, app: &App) -> Result<Vec<Coverage>, Problem> {
        let Question { as_of, by, .. } = self.question;
        let mut conn = app.db.acquire().await?;
        Ok(store::issued::coverage(&mut conn, Some(self.signal.id.as_str()), as_of, by).await?)
    }

    /// What reads it from the database in pieces.
    pub(crate) fn reader(&self, app: &App, state: Vec<Coverage>) -> Reader {
        let (signal, targets) = (self.signal.id.to_string(), self.targets.clone());
        Reader::new(app.db.clone(), signal, targets, self.question.clone(), state).after(self.after.as_ref())
    }

    /// What reads it at once and writes it as Parquet.
    pub(crate) fn parquet(&self, app: &App) -> Job {
        let (shape, kind) = (Shape::new(app, &self.signal), Kind::Parquet);
        Job {
            db: app.db.clone(),
            shape,
            targets: self.targets.clone(),
            question: self.question.clone(),
            kind,
        }
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

/// The places of `signal`, with whose figures stand for each: of its own source at each level, or of the one that is asked for.
pub(crate) fn of_places(
    signal: &Signal,
    asked: Option<&SourceId>,
    places: Vec<(String, String)>,
) -> Vec<Target> {
    let target = |(place, level): (String, String)| {
        Some(Target { place, source: signal.source_among(&level, asked)?.to_string() })
    };
    places.into_iter().filter_map(target).collect()
}

async fn targets(app: &App, signal: &Signal, params: &Params) -> Result<Vec<Target>, Problem> {
    let profile = &app.profile;
    let source = source(signal, params.one("source")?)?;
    let (wanted, level) = (params.list("place"), params.one("level")?);
    let known = |level: &str| level == NATION || profile.levels.iter().any(|l| l == level);
    if level.is_some_and(|level| !known(level)) {
        let levels = profile.levels.join(", ");
        return Err(Problem::conflict("level", format!("is none of {NATION}, {levels}")));
    }
    if level.is_some() && !wanted.is_empty() {
        return Err(Problem::conflict("level", "does not go with `place`"));
    }
    if wanted.iter().any(|place| place.parse::<PlaceId>().is_err()) {
        return Err(Problem::NotFound("place"));
    }
    let mut conn = app.db.acquire().await?;
    let only = (!wanted.is_empty()).then_some(&wanted[..]);
    let mut found = store::places::levels(&mut conn, profile.nation.as_str(), only).await?;
    if found.len() < wanted.len() {
        return Err(Problem::NotFound("place"));
    }
    found.retain(|(_, of)| level.is_none_or(|level| of == level));
    Ok(of_places(signal, source.as_ref(), found))
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
