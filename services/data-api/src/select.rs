//! Which values a request asks for.

use crate::reader::{Mode, Reader, Target};
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::{NATION, Signal};
use domain::{ObservationKey, PlaceId, SignalId, SourceId};
use kit::{App, Params, Problem};
use store::places::Place;
use store::series::{Cells, KnownBy};

/// The parameters of `observations`.
pub(crate) const ALLOWED: [&str; 14] = [
    "signal", "place", "level", "source", "from", "to", "as_of", "clock", "issues", "lag", "layout",
    "format", "limit", "after",
];

/// What a request asks for, checked against the country's profile and places.
pub(crate) struct Selection {
    pub(crate) signal: Signal,
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) by: KnownBy,
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
    pub(crate) mode: Mode,
    /// By place id. Places of a level at which the signal is not published are left out.
    pub(crate) targets: Vec<Target>,
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
        let as_of = app.as_of(params.one("as_of")?)?;
        let by = match params.one("clock")? {
            None | Some("published") => KnownBy::Issue,
            Some("seen") => KnownBy::Sight,
            Some(_) => return Err(Problem::invalid("clock", "is neither `published` nor `seen`")),
        };
        let (from, to) = (params.day("from")?, params.day("to")?);
        if from > to && to.is_some() {
            return Err(Problem::invalid("from", "is later than `to`"));
        }
        let lag = params.read::<i32>("lag", "a number of days")?;
        if lag.is_some_and(|l| !(0..=3650).contains(&l)) {
            return Err(Problem::invalid("lag", "is not between 0 and 3650 days"));
        }
        let mode = match (params.one("issues")?, lag) {
            (None | Some("latest"), lag) => Mode::Known { lag },
            (Some("all"), None) => Mode::Issues,
            (Some("all"), Some(_)) => return Err(Problem::invalid("lag", "does not go with issues=all")),
            _ => return Err(Problem::invalid("issues", "is neither `latest` nor `all`")),
        };
        let targets = targets(app, &signal, params).await?;
        let wide = match params.one("layout")? {
            None | Some("long") => None,
            Some("wide") if mode == Mode::Issues => {
                return Err(Problem::invalid(
                    "layout",
                    "cannot be wide with issues=all: a date has many rows",
                ));
            }
            Some("wide") => Some(WideAfter(params.day("after")?)),
            Some(_) => return Err(Problem::invalid("layout", "is neither `long` nor `wide`")),
        };
        let long_params = if wide.is_some() { &Params::default() } else { params };
        let after = long_params.read::<ObservationKey>("after", "the `id` of a value of this list")?;
        if after.as_ref().is_some_and(|a| a.signal != signal.id) {
            return Err(Problem::invalid("after", "is a value of another signal"));
        }
        Ok(Self { signal, as_of, by, from, to, mode, targets, after, wide })
    }

    /// What it asks of one place.
    pub(crate) fn cells<'a>(&'a self, target: &'a Target) -> Cells<'a> {
        Cells {
            signal: self.signal.id.as_str(),
            source: &target.source,
            place: &target.place,
            from: self.from,
            to: self.to,
            as_of: self.as_of,
            by: self.by,
        }
    }

    /// What reads it from the database.
    pub(crate) fn reader(&self, app: &App) -> Reader {
        let span = (self.from, self.to);
        let (signal, targets) = (self.signal.id.to_string(), self.targets.clone());
        Reader::new(app.db.clone(), signal, targets, span, self.as_of, self.mode)
            .by(self.by)
            .after(self.after.as_ref())
    }
}

/// The signal named by the request.
pub(crate) fn signal<'a>(app: &'a App, id: Option<&str>) -> Result<&'a Signal, Problem> {
    let id = id.ok_or_else(|| Problem::invalid("signal", "is missing; `signals` lists them"))?;
    let id: SignalId = id.parse().map_err(|_| Problem::NotFound("signal"))?;
    app.profile.signal(&id).ok_or(Problem::NotFound("signal"))
}

async fn targets(app: &App, signal: &Signal, params: &Params) -> Result<Vec<Target>, Problem> {
    let (profile, nation) = (&app.profile, app.profile.nation.as_str());
    let source = source(signal, params.one("source")?)?;
    let (wanted, level) = (params.list("place"), params.one("level")?);
    let known = |level: &str| level == NATION || profile.levels.iter().any(|l| l == level);
    if level.is_some_and(|level| !known(level)) {
        let levels = profile.levels.join(", ");
        return Err(Problem::invalid("level", format!("is none of {NATION}, {levels}")));
    }
    if level.is_some() && !wanted.is_empty() {
        return Err(Problem::invalid("level", "does not go with `place`"));
    }
    let ours = |id: &&str| PlaceId::new(*id).is_ok_and(|p| p.nation() == profile.nation);
    if !wanted.iter().all(ours) {
        return Err(Problem::NotFound("place"));
    }
    let mut conn = app.db.acquire().await?;
    // Only what is asked for: a country may have thousands of places.
    let asked = match level {
        Some(level) => store::places::of_levels(&mut conn, nation, &[level]).await?,
        None if wanted.is_empty() => store::places::of_nation(&mut conn, nation).await?,
        None => store::places::some(&mut conn, &wanted).await?,
    };
    if wanted.iter().any(|w| !asked.iter().any(|p| p.id == *w)) {
        return Err(Problem::NotFound("place"));
    }
    let target = |p: &Place| {
        let source = signal.source_among(&p.level, source.as_ref())?;
        Some(Target { place: p.id.clone(), source: source.to_string() })
    };
    Ok(asked.iter().filter_map(target).collect())
}

/// The source that is asked for instead of the one of the pages.
fn source(signal: &Signal, asked: Option<&str>) -> Result<Option<SourceId>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    match signal.all_sources().find(|s| s.as_str() == asked) {
        Some(source) => Ok(Some(source.clone())),
        None => {
            let all: Vec<&str> = signal.all_sources().map(SourceId::as_str).collect();
            Err(Problem::invalid("source", format!("is none of {}", all.join(", "))))
        }
    }
}
