//! What the reader asks for: the same for the page, the table, the CSV and the SVG.

use crate::here::{Lang, Site};
use axum::http::HeaderMap;
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::{NATION, Signal};
use domain::{CountryProfile, PlaceId, SignalId};
use kit::{Params, Problem};
use sqlx::PgConnection;
use store::places::Place;

/// Most places that one chart can show apart.
pub(crate) const MOST: usize = 6;

const ALLOWED: [&str; 7] = ["lang", "signal", "place", "from", "to", "as_of", "scale"];

/// A question, checked.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) site: &'a Site,
    pub(crate) lang: &'a Lang,
    pub(crate) params: Params,
    pub(crate) signal: &'a Signal,
    /// The places that the form offers: those of listed levels; of nested ones those around which, or beside which, one is
    /// chosen. A country may have thousands.
    pub(crate) all: Vec<Place>,
    /// Those that were chosen, in the reader's order; the nation when none was.
    pub(crate) places: Vec<Place>,
    /// The ids of the sources that are there.
    pub(crate) sources: Vec<String>,
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
    pub(crate) as_of: DateTime<Utc>,
    /// Was an earlier day asked for?
    pub(crate) turned_back: bool,
    /// Does each small chart have a scale of its own?
    pub(crate) own_scale: bool,
}

impl<'a> Question<'a> {
    /// Reads a query string. An empty field counts as absent: a form sends all of its fields.
    ///
    /// # Errors
    /// 404 for an unknown signal or place; 400 for everything that cannot be read.
    pub(crate) async fn read(
        site: &'a Site,
        conn: &mut PgConnection,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let params = Params::known(query, &ALLOWED);
        let lang = site.lang(params.one("lang")?, headers);
        let lang = lang.ok_or_else(|| Problem::Internal(anyhow::anyhow!("the profile has no language")))?;
        let app = &site.app;
        let id = match params.one("signal")? {
            Some(text) => text.parse::<SignalId>().map_err(|_| Problem::NotFound("signal"))?,
            None => app.profile.main_signal.clone(),
        };
        let signal = app.profile.signal(&id).ok_or(Problem::NotFound("signal"))?;
        let (mut from, mut to) = (params.day("from")?, params.day("to")?);
        if from.is_some() && to.is_some() && from > to {
            // Two dates in the wrong order name the same span.
            std::mem::swap(&mut from, &mut to);
        }
        let own_scale = match params.one("scale")? {
            None | Some("same") => false,
            Some("own") => true,
            Some(_) => return Err(Problem::invalid("scale", "is neither `same` nor `own`")),
        };
        let as_of = app.as_of(params.one("as_of")?)?;
        let (all, places) = offered(conn, site, signal, &params).await?;
        let sources = store::sources::all(conn).await?.into_iter().map(|s| s.id).collect();
        Ok(Self {
            site,
            lang,
            signal,
            places,
            sources,
            from,
            to,
            as_of,
            turned_back: as_of < app.clock.now(),
            own_scale,
            all,
            params,
        })
    }

    /// The address of another file with the same question.
    pub(crate) fn address(&self, path: &str, except: &[&str]) -> String {
        let query = self.params.encode_without(except);
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// What a file says about itself.
    pub(crate) fn notes(&self) -> Vec<String> {
        let recorded = self.site.app.recorded_notice(&self.lang.language);
        let at = self.lang.formats.moment(self.as_of);
        let mut notes: Vec<String> = recorded.into_iter().collect();
        notes.push(self.lang.f("file.as_of", &[("date", &at)]));
        notes
    }
}

/// The places that the form offers, and those that were chosen. Without any: the nation, or where it has no figures the first
/// place that has.
async fn offered(
    conn: &mut PgConnection,
    site: &Site,
    signal: &Signal,
    params: &Params,
) -> Result<(Vec<Place>, Vec<Place>), Problem> {
    let (profile, named) = (&site.app.profile, params.list("place"));
    if named.len() > MOST {
        return Err(Problem::invalid("place", format!("is given more than {MOST} times")));
    }
    let ours = |id: &&str| PlaceId::new(*id).is_ok_and(|p| p.nation() == profile.nation);
    if !named.iter().all(ours) {
        return Err(Problem::NotFound("place"));
    }
    let levels: Vec<&str> = std::iter::once(NATION).chain(profile.listed_levels()).collect();
    let mut all = store::places::of_levels(conn, profile.nation.as_str(), &levels).await?;
    let chosen = if named.is_empty() {
        let has = |p: &&Place| signal.source_at(&p.level).is_some();
        let nation = all.iter().filter(has).find(|p| p.id == profile.nation.as_str());
        let mut first: Vec<Place> = nation.or_else(|| all.iter().find(has)).into_iter().cloned().collect();
        if first.is_empty() {
            let nested: Vec<&str> = nested(profile, signal).collect();
            first.extend(store::places::first_of(conn, profile.nation.as_str(), &nested).await?);
        }
        first
    } else {
        let found = store::places::some(conn, &named).await?;
        let find = |id: &&str| found.iter().find(|p| p.id == **id).cloned().ok_or(Problem::NotFound("place"));
        named.iter().map(find).collect::<Result<_, _>>()?
    };
    let nested: Vec<&str> = nested(profile, signal).collect();
    if !nested.is_empty() {
        let around =
            chosen.iter().map(|p| p.parent.as_deref().filter(|_| profile.nests(&p.level)).unwrap_or(&p.id));
        let around: Vec<&str> = around.collect();
        all.extend(store::places::within(conn, &around, &nested).await?);
    }
    Ok((all, chosen))
}

/// The nested levels at which a signal is published.
pub(crate) fn nested<'a>(profile: &'a CountryProfile, signal: &'a Signal) -> impl Iterator<Item = &'a str> {
    profile.nested_levels.iter().map(String::as_str).filter(|l| signal.source_at(l).is_some())
}
