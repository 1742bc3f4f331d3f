//! Places in a table: the newest value of each, how it moved, a small trend.

use crate::figures::headline::{Latest, change, nothing};
use crate::figures::movement::Movement;
use crate::figures::series::Series;
use crate::figures::view::recent;
use crate::here::Here;
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

/// A place in a list.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) value: Option<String>,
    /// The same as a number, to sort by.
    pub(super) size: f64,
    /// How it moved, as it stands in a cell.
    pub(super) change: String,
    pub(super) spark: String,
    /// The newest date, where it is not the newest of the list.
    pub(super) late: Option<String>,
}

/// The places of one level.
pub(super) struct Group {
    pub(super) title: String,
    pub(super) about: Option<String>,
    pub(super) items: Vec<Item>,
    pub(super) gaps: Vec<String>,
    /// That there are more places than the list shows.
    pub(super) more: Option<String>,
}

impl Group {
    /// Is there something to say?
    pub(super) fn speaks(&self) -> bool {
        !self.items.is_empty() || !self.gaps.is_empty()
    }
}

/// The list of some places of a level, by name: of the disease's first signal that has figures there.
pub(super) async fn group(
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
        more: None,
    };
    places.sort_by(|a, b| lang.formats.compare(lang.place(a), lang.place(b)));
    let Some((signal, mut series)) = panel(conn, here, disease, level, &places).await? else {
        // Where nothing is published at this level, its places are not listed as if there were something to see.
        return Ok(group);
    };
    group.about = Some(lang.t(&format!("signal.{}.name", signal.id)));
    let newest = series.values().filter_map(|s| s.last()).map(|c| c.date).max();
    if newest.is_none()
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
    let items = places.into_iter().map(|place| item(here, place, series.remove(&place.id).as_ref(), newest));
    group.items = items.collect();
    Ok(group)
}

/// The first signal of the disease that has figures in one of the places, with them; else the first one of the level.
async fn panel<'a>(
    conn: &mut PgConnection,
    here: &'a Here,
    disease: &'a Disease,
    level: &str,
    places: &[&Place],
) -> Result<Option<(&'a Signal, BTreeMap<String, Series<'a>>)>, Problem> {
    let mut first = None;
    for signal in here.site.app.profile.signals_of(disease).filter(|s| s.source_at(level).is_some()) {
        let series = newest(conn, here, signal, level, places).await?;
        if series.values().any(|s| s.last().is_some()) {
            return Ok(Some((signal, series)));
        }
        first = first.or(Some((signal, series)));
    }
    Ok(first)
}

async fn newest<'a>(
    conn: &mut PgConnection,
    here: &Here,
    signal: &'a Signal,
    level: &str,
    places: &[&Place],
) -> Result<BTreeMap<String, Series<'a>>, Problem> {
    let Some(id) = signal.source_at(level) else { return Ok(BTreeMap::new()) };
    let Some(source) = store::sources::get(conn, id.as_str()).await? else { return Ok(BTreeMap::new()) };
    let (ids, now) = (places.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), here.now());
    let points =
        store::observations::recent_panel(conn, signal.id.as_str(), id.as_str(), now, DAYS, Some(&ids));
    let mut all: BTreeMap<String, Series<'a>> = BTreeMap::new();
    for point in points.await? {
        let entry = all.entry(point.place_id.clone());
        entry.or_insert_with(|| Series::empty(signal, source.clone(), now)).push(point)?;
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
