//! `/{disease}`: the country in a sentence, its signals, and its places.

use crate::figures::headline::{Latest, change, ended, likely, nothing, sentence};
use crate::figures::movement::Movement;
use crate::figures::outlook::Outlook;
use crate::figures::picture::{Range, chart};
use crate::figures::series::Series;
use crate::figures::view::recent;
use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use domain::profile::{Disease, Signal};
use kit::Problem;
use kit::chart::spark;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use store::places::Place;

/// Weeks of a small trend, and the days that its panel must hold.
const WEEKS: u64 = 12;
const DAYS: i32 = 14 * 7;

/// Characters of a name that is looked for.
const LONGEST: usize = 200;

/// A signal of the country, in one line.
struct Line {
    name: String,
    value: Option<String>,
    date: String,
    ended: Option<String>,
    href: String,
}

/// A place in a list.
struct Item {
    id: String,
    name: String,
    value: Option<String>,
    /// The same as a number, to sort by.
    size: f64,
    /// How it moved, as it stands in a cell.
    change: String,
    spark: String,
    /// The newest date, where it is not the newest of the list.
    late: Option<String>,
}

/// The places of one level.
struct Group {
    title: String,
    about: Option<String>,
    items: Vec<Item>,
    gaps: Vec<String>,
}

#[derive(Template)]
#[template(path = "disease.html")]
struct Page<'a> {
    here: &'a Here,
    disease: &'a str,
    name: String,
    nation: String,
    nation_name: String,
    title: String,
    sentence: Option<String>,
    likely: Vec<String>,
    ended: Option<String>,
    chart: Option<String>,
    lines: Vec<Line>,
    groups: Vec<Group>,
    q: &'a str,
    found: usize,
    /// Are places sorted by their newest value, the largest first?
    by_value: bool,
}

pub(super) async fn show(mut here: Here, Path(id): Path<String>) -> Result<Response, Problem> {
    let profile = std::sync::Arc::clone(&here.site.app.profile);
    let disease = profile.disease(&id).ok_or(Problem::NotFound("disease"))?;
    let params = here.params(&["as_of", "q", "sort"])?;
    let by_value = match params.one("sort")? {
        None => false,
        Some("value") => true,
        Some(_) => return Err(Problem::invalid("sort", "is `value`, or is left out for the order of names")),
    };
    let q = params.one("q")?.unwrap_or("").trim();
    if q.chars().count() > LONGEST {
        return Err(Problem::invalid("q", format!("is longer than {LONGEST} characters; no name is")));
    }
    let mut conn = here.site.app.db.acquire().await.map_err(Problem::from)?;
    let nation = store::places::get(&mut conn, profile.nation.as_str()).await?;
    let nation = nation.ok_or_else(|| anyhow::anyhow!("the nation's place is not loaded"))?;
    let places = store::places::of_nation(&mut conn, profile.nation.as_str()).await?;
    let lang = here.lang();
    let hits: Vec<&Place> = places.iter().filter(|p| matches(lang.place(p), &p.id, q)).collect();
    if let ([only], false) = (&hits[..], q.is_empty()) {
        let to = here.to(format!("/{id}/{}", only.id));
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response());
    }
    let mut page = Page {
        here: &here,
        disease: &id,
        name: here.t(format!("disease.{id}.name")),
        nation: nation.id.clone(),
        nation_name: lang.place(&nation).to_owned(),
        title: lang.f(&format!("disease.{id}.title"), &[("where", &lang.where_(&nation))]),
        sentence: None,
        likely: Vec::new(),
        ended: None,
        chart: None,
        lines: Vec::new(),
        groups: Vec::new(),
        q,
        found: hits.len(),
        by_value,
    };
    for signal in profile.signals_of(disease) {
        let Some(series) = Series::read(&mut conn, signal, &nation, here.now()).await? else { continue };
        if page.sentence.is_none() && series.last().is_some() {
            let outlook = Outlook::read(&mut conn, &series, &nation).await?;
            page.sentence = sentence(lang, &series, &nation);
            page.likely = likely(lang, &series, &outlook);
            page.ended = ended(lang, &series);
            page.chart = chart(lang, &series, &outlook, &nation, Range::Year).map(|c| c.svg());
        }
        page.lines.push(line(&here, disease, &nation, &series));
    }
    for level in &profile.levels {
        let here_too: Vec<&Place> = hits.iter().copied().filter(|p| p.level == *level).collect();
        page.groups.push(group(&mut conn, &here, disease, level, here_too).await?);
    }
    if by_value {
        for group in &mut page.groups {
            group.items.sort_by(|a, b| b.size.total_cmp(&a.size));
        }
    }
    page.groups.retain(|g| !g.items.is_empty() || !g.gaps.is_empty());
    respond::page(&here, &page)
}

fn line(here: &Here, disease: &Disease, nation: &Place, series: &Series<'_>) -> Line {
    let lang = here.lang();
    let latest = Latest::of(series);
    Line {
        name: lang.t(&format!("signal.{}.name", series.signal.id)),
        value: latest.as_ref().map(|l| lang.value(l.value, series.signal.unit)),
        date: latest.as_ref().map_or_else(String::new, |l| {
            let date = lang.formats.date(l.date);
            lang.f(
                &format!("card.last_detail.{}", l.period),
                &[("date", &date), ("week", &lang.week(l.date))],
            )
        }),
        ended: ended(lang, series),
        href: here.to(format!("/{}/{}", disease.id, nation.id)) + "#" + series.signal.id.as_str(),
    }
}

/// The list of a level, by name: the disease's first signal that has figures there.
async fn group(
    conn: &mut PgConnection,
    here: &Here,
    disease: &Disease,
    level: &str,
    mut places: Vec<&Place>,
) -> Result<Group, Problem> {
    let (lang, profile) = (here.lang(), &here.site.app.profile);
    let gaps =
        profile.gaps.iter().filter(|g| g.disease == disease.id && g.level == level && g.places.is_empty());
    let mut group = Group {
        title: lang.t(&format!("level.{level}.many")),
        about: None,
        items: Vec::new(),
        gaps: gaps.map(|g| lang.t(&format!("gap.{}", g.reason))).collect(),
    };
    places.sort_by(|a, b| lang.formats.compare(lang.place(a), lang.place(b)));
    let (mut signal, mut series) = (None, BTreeMap::new());
    for candidate in profile.signals_of(disease).filter(|s| s.source_at(level).is_some()) {
        let found = panel(conn, candidate, level, here).await?;
        let speaks = found.values().any(|s| s.last().is_some());
        if speaks || signal.is_none() {
            (signal, series) = (Some(candidate), found);
        }
        if speaks {
            break;
        }
    }
    if let Some(signal) = signal {
        group.about = Some(lang.t(&format!("signal.{}.name", signal.id)));
    }
    let newest = series.values().filter_map(|s| s.last()).map(|c| c.date).max();
    if let Some(signal) = signal.filter(|_| newest.is_none())
        && let Some(place) = places.first()
        && let Some(series) = Series::read(conn, signal, place, here.now()).await?
        && series.unkept()
    {
        // Not "nothing is published", place after place: no copy that is kept is so old.
        let name = lang.t(&format!("signal.{}.name", signal.id));
        group.gaps.push(format!("{name}{} {}", lang.t("colon"), nothing(lang, &series)));
        return Ok(group);
    }
    if newest.is_none() && !group.gaps.is_empty() {
        // It was said why there is nothing.
        return Ok(group);
    }
    for place in places {
        let series = series.remove(&place.id);
        // Where nothing is published at this level, its places are not listed as if there were something to see.
        if signal.is_some() {
            group.items.push(item(here, place, series.as_ref(), newest));
        }
    }
    Ok(group)
}

async fn panel<'a>(
    conn: &mut PgConnection,
    signal: &'a Signal,
    level: &str,
    here: &Here,
) -> Result<BTreeMap<String, Series<'a>>, Problem> {
    let Some(id) = signal.source_at(level) else { return Ok(BTreeMap::new()) };
    let Some(source) = store::sources::get(conn, id.as_str()).await? else { return Ok(BTreeMap::new()) };
    let points =
        store::observations::recent_panel(conn, signal.id.as_str(), id.as_str(), here.now(), DAYS).await?;
    let mut all: BTreeMap<String, Series<'a>> = BTreeMap::new();
    for point in points {
        let entry = all.entry(point.place_id.clone());
        entry.or_insert_with(|| Series::empty(signal, source.clone(), here.now())).push(point)?;
    }
    // Every place has the newest issue, also those where it changed nothing.
    let issued = all.values().flat_map(|s| s.cells.iter().map(|c| c.issued_at)).max();
    for series in all.values_mut() {
        series.issued = issued;
    }
    Ok(all)
}

fn item(here: &Here, place: &Place, series: Option<&Series<'_>>, newest: Option<NaiveDate>) -> Item {
    let lang = here.lang();
    let mut item = Item {
        id: place.id.clone(),
        name: lang.place(place).to_owned(),
        value: None,
        size: f64::NEG_INFINITY,
        change: String::new(),
        spark: String::new(),
        late: None,
    };
    let Some((series, latest)) = series.and_then(|s| Some((s, Latest::of(s)?))) else { return item };
    item.size = latest.value;
    item.value = Some(lang.value(latest.value, series.signal.unit));
    let size = change(lang, latest.movement, series.signal.unit);
    item.change = match latest.movement {
        Movement::Rising(_) | Movement::More(_) => format!("+{size}"),
        Movement::Falling(_) | Movement::Fewer(_) | Movement::ToNone(_) => format!("\u{2212}{size}"),
        Movement::Stable(_) => size,
        Movement::Unchanged => "0".to_owned(),
        Movement::FromNone | Movement::Unknown => "–".to_owned(),
    };
    item.late = (Some(latest.date) != newest).then(|| lang.formats.short_date(latest.date));
    item.spark = spark(&recent(series, latest.date, WEEKS));
    item
}

/// Does a place fit what was typed? Accents and case do not matter: `ile` finds Île-de-France, `75` finds Paris.
fn matches(name: &str, id: &str, typed: &str) -> bool {
    let (name, typed) = (plain(name), plain(typed));
    let code = plain(id.split_once(['-', ':']).map_or(id, |(_, code)| code));
    typed.is_empty() || code == typed || name.starts_with(&typed) || name.contains(&format!(" {typed}"))
}

fn plain(text: &str) -> String {
    let letter = |c: char| match c {
        'à' | 'â' | 'ä' | 'á' => "a".to_owned(),
        'ç' => "c".to_owned(),
        'è' | 'é' | 'ê' | 'ë' => "e".to_owned(),
        'ì' | 'î' | 'ï' | 'í' => "i".to_owned(),
        'ò' | 'ô' | 'ö' | 'ó' => "o".to_owned(),
        'ù' | 'û' | 'ü' | 'ú' => "u".to_owned(),
        '-' | '’' | '\'' | '/' => " ".to_owned(),
        c => c.to_string(),
    };
    text.trim().to_lowercase().chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_place_is_found_by_any_of_its_words_without_accents_or_by_its_code() {
        for (name, id, typed) in [
            ("Île-de-France", "FR-IDF", "ile"),
            ("Île-de-France", "FR-IDF", "France"),
            ("Provence-Alpes-Côte d’Azur", "FR-PAC", "azur"),
            ("Paris", "FR:75", "75"),
            ("Zürich", "CH-ZH", "zur"),
            ("New York", "US-NY", "ny"),
            ("Texas", "US-TX", ""),
        ] {
            assert!(matches(name, id, typed), "{typed} should find {name}");
        }
        assert!(!matches("Texas", "US-TX", "exa"));
    }
}
