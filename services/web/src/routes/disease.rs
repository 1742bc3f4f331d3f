//! `/{disease}`: the country in a sentence, its signals, and its places.

use super::list::{Group, group};
use crate::figures::headline::{Latest, ended, likely, sentence};
use crate::figures::outlook::Outlook;
use crate::figures::picture::{Range, chart};
use crate::figures::series::Series;
use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use domain::profile::{Disease, NATION};
use kit::Problem;
use store::places::Place;

/// Characters of a name that is looked for.
const LONGEST: usize = 200;

/// Places of a level with thousands of them that a search lists.
const MOST_FOUND: usize = 40;

/// A signal of the country, in one line.
struct Line {
    name: String,
    value: Option<String>,
    date: String,
    ended: Option<String>,
    href: String,
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
    /// Where the places are that the lists leave out.
    nested: Vec<String>,
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
    let places = if q.is_empty() {
        let levels: Vec<&str> = std::iter::once(NATION).chain(profile.listed_levels()).collect();
        store::places::of_levels(&mut conn, profile.nation.as_str(), &levels).await?
    } else {
        store::places::of_nation(&mut conn, profile.nation.as_str()).await?
    };
    let lang = here.lang();
    let known = |level: &str| profile.signals_of(disease).any(|s| s.source_at(level).is_some());
    let fits = |p: &&Place| {
        let nested = profile.nests(&p.level);
        matches(lang.place(p), &p.id, nested, q) && (!nested || known(&p.level))
    };
    let hits: Vec<&Place> = places.iter().filter(fits).collect();
    // Whoever types a whole name means that place, not the counties that are called like it.
    let exact: Vec<&Place> = hits.iter().copied().filter(|p| plain(lang.place(p)) == plain(q)).collect();
    if let ([only], _) | (_, [only]) = (&exact[..], &hits[..])
        && !q.is_empty()
    {
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
        nested: profile
            .nested_levels
            .iter()
            .filter(|l| known(l))
            .map(|l| lang.t(&format!("level.{l}.nested")))
            .collect(),
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
        let mut here_too: Vec<&Place> = hits.iter().copied().filter(|p| p.level == *level).collect();
        let all = here_too.len();
        if profile.nests(level) {
            if q.is_empty() {
                continue;
            }
            here_too.sort_by(|a, b| lang.formats.compare(lang.place(a), lang.place(b)));
            here_too.truncate(MOST_FOUND);
        }
        let cut = here_too.len() < all;
        let mut group = group(&mut conn, &here, disease, level, here_too).await?;
        group.more = cut.then(|| lang.f("find.more", &[("n", &lang.formats.number(all as f64, 0))]));
        page.groups.push(group);
    }
    if by_value {
        for group in &mut page.groups {
            group.items.sort_by(|a, b| b.size.total_cmp(&a.size));
        }
    }
    page.groups.retain(Group::speaks);
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

/// Does a place fit what was typed? Accents and case do not matter: `ile` finds Île-de-France, `75` finds Paris. Of a nested
/// place, whose name ends with that of the place around it, only its own part counts: `oregon` is the state alone.
fn matches(name: &str, id: &str, nested: bool, typed: &str) -> bool {
    let (whole, typed) = (plain(name), plain(typed));
    if nested && !typed.is_empty() && whole.starts_with(&typed) {
        return true;
    }
    let own = name.rsplit_once(", ").filter(|_| nested).map_or(name, |(own, _)| own);
    let name = plain(own);
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
            assert!(matches(name, id, false, typed), "{typed} should find {name}");
        }
        assert!(!matches("Texas", "US-TX", false, "exa"));
        let washington = |typed| matches("Washington County, Oregon", "US:41067", true, typed);
        for typed in ["wash", "county", "Washington County, Or", "41067"] {
            assert!(washington(typed), "{typed}");
        }
        assert!(!washington("oregon"), "all counties of a state do not hide it");
    }
}
