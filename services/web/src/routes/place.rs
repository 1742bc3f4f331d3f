//! `/{disease}/{place}`: what happened there, what was likely to come, how sure.

use super::list::{Group, group};
use crate::figures::outlook::Outlook;
use crate::figures::picture::Range;
use crate::figures::series::Series;
use crate::figures::view::SignalView;
use crate::here::{Here, Link};
use crate::respond;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use domain::PlaceId;
use domain::profile::{Disease, Gap};
use kit::Problem;
use sqlx::PgConnection;
use store::places::Place;

/// Signals that a place's page shows with chart and table; the others are a sentence each, with a link to theirs.
const FULL: usize = 3;

#[derive(Template)]
#[template(path = "place.html")]
struct Page<'a> {
    here: &'a Here,
    disease: &'a str,
    disease_name: String,
    place: &'a str,
    place_name: String,
    title: String,
    parent: Option<Link>,
    views: Vec<SignalView>,
    gaps: Vec<String>,
    /// The places that lie in this one and stand in no other list.
    groups: Vec<Group>,
    all: bool,
    /// The one signal that was asked for; empty: all of them. And the same as the beginning of a query.
    only: &'a str,
    only_query: String,
    /// Is there a figure to take along?
    files: bool,
}

pub(super) async fn show(
    mut here: Here,
    Path((disease, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let site = std::sync::Arc::clone(&here.site);
    let disease = site.app.profile.disease(&disease).ok_or(Problem::NotFound("disease"))?;
    let params = here.params(&["as_of", "range", "signal"])?;
    let only = params.one("signal")?;
    if only.is_some_and(|id| !site.app.profile.signals_of(disease).any(|s| s.id.as_str() == id)) {
        return Err(Problem::NotFound("signal"));
    }
    let range = match params.one("range")? {
        None => Range::Year,
        Some("all") => Range::All,
        Some(_) => {
            return Err(Problem::invalid("range", "is `all`, or is left out for the last twelve months"));
        }
    };
    let mut conn = site.app.db.acquire().await.map_err(Problem::from)?;
    let place = find(&mut conn, &here, &id).await?;
    let lang = here.lang();
    let mut views = Vec::new();
    let mut gaps: Vec<String> = Vec::new();
    let profile = &site.app.profile;
    let gaps_about = |signal| profile.gaps.iter().filter(move |g| g.is_about(signal));
    let told = |signal| gaps_about(signal).any(|g| names(g, &place));
    let level_told = |signal| {
        let of_level = gaps_about(signal).any(|g| g.level == place.level && g.places.is_empty());
        of_level || profile.nests(&place.level)
    };
    let wanted = |id: &str| only.is_none_or(|only| only == id);
    for signal in profile.signals_of(disease).filter(|s| wanted(s.id.as_str())) {
        let Some(series) = Series::read(&mut conn, signal, &place, here.now()).await? else { continue };
        if series.newest().is_none() && (told(signal) || (level_told(signal) && !series.unkept())) {
            // A gap of this very place, or of its level, says why there is nothing; of thousands of small places most are
            // not in every table.
            continue;
        }
        let outlook = Outlook::read(&mut conn, &series, &place).await?;
        let mut view = SignalView::of(lang, &series, &outlook, &place, range);
        view.brief = views.len() >= FULL;
        views.push(view);
    }
    gaps.extend(gaps_of(&here, disease, &place));
    if views.is_empty() && gaps.is_empty() {
        gaps.push(lang.t("gap.nothing_here"));
    }
    let page = Page {
        here: &here,
        disease: &disease.id,
        disease_name: here.t(format!("disease.{}.name", disease.id)),
        place: &place.id,
        place_name: lang.place(&place).to_owned(),
        title: lang.f(&format!("disease.{}.title", disease.id), &[("where", &lang.where_(&place))]),
        parent: parent(&mut conn, &here, disease, &place).await?,
        files: views.iter().any(|v| !v.rows.is_empty()),
        views,
        gaps,
        groups: inside(&mut conn, &here, disease, &place).await?,
        all: range == Range::All,
        only: only.unwrap_or_default(),
        only_query: only.map(|id| format!("?signal={id}")).unwrap_or_default(),
    };
    respond::page(&here, &page)
}

/// The places of nested levels that lie in `place`, where the disease has figures of them.
async fn inside(
    conn: &mut PgConnection,
    here: &Here,
    disease: &Disease,
    place: &Place,
) -> Result<Vec<Group>, Problem> {
    let profile = &here.site.app.profile;
    let levels: Vec<&str> = profile.nested_levels.iter().map(String::as_str).collect();
    if levels.is_empty() {
        return Ok(Vec::new());
    }
    let places = store::places::within(conn, &[place.id.as_str()], &levels).await?;
    let mut groups = Vec::new();
    for level in levels {
        let of_level: Vec<&Place> = places.iter().filter(|p| p.level == level).collect();
        if !of_level.is_empty() {
            groups.push(group(conn, here, disease, level, of_level).await?);
        }
    }
    groups.retain(Group::speaks);
    let ending = format!(", {}", here.lang().place(place));
    for item in groups.iter_mut().flat_map(|g| &mut g.items) {
        // On the page of Oregon, Washington County is not said to be in Oregon.
        if let Some(own) = item.name.strip_suffix(&ending) {
            item.name = own.to_owned();
        }
    }
    Ok(groups)
}

/// A place of this country.
pub(super) async fn find(conn: &mut PgConnection, here: &Here, id: &str) -> Result<Place, Problem> {
    let missing = || Problem::NotFound("place");
    let id = PlaceId::new(id).map_err(|_| missing())?;
    if id.nation() != here.site.app.profile.nation {
        return Err(missing());
    }
    store::places::get(conn, id.as_str()).await?.ok_or_else(missing)
}

fn gaps_of<'a>(here: &'a Here, disease: &'a Disease, place: &'a Place) -> impl Iterator<Item = String> + 'a {
    let gaps = here.site.app.profile.gaps.iter();
    gaps.filter(|g| g.disease == disease.id && g.level == place.level)
        .filter(|g| g.places.is_empty() || names(g, place))
        .map(|g| here.t(format!("gap.{}", g.reason)))
}

/// Is the gap one of this very place?
fn names(gap: &Gap, place: &Place) -> bool {
    gap.places.iter().any(|p| p.as_str() == place.id)
}

async fn parent(
    conn: &mut PgConnection,
    here: &Here,
    disease: &Disease,
    place: &Place,
) -> Result<Option<Link>, Problem> {
    let Some(id) = &place.parent else { return Ok(None) };
    let Some(parent) = store::places::get(conn, id).await? else { return Ok(None) };
    Ok(Some(Link {
        href: here.to(format!("/{}/{}", disease.id, parent.id)),
        text: here.lang().place(&parent).to_owned(),
        lang: String::new(),
        current: false,
    }))
}
