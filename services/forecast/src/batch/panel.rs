//! From rows of the database to the panel that the recipe learns from.

use super::gate::{alive, day};
use super::model::Feed;
use super::{Model, Reason};
use chrono::{DateTime, Datelike as _, Duration, NaiveDate, Utc};
use domain::CountryProfile;
use domain::profile::Signal;
use epimodels::recipe::{Config, Issue, Panel, Series, as_known};
use hub::{HistoryRow, Locations, RateRow};
use std::collections::{BTreeMap, BTreeSet};
use store::observations::{Point, Sourced};
use store::places::Place;

/// Everything that a model is given.
pub(crate) struct Input<'a> {
    pub(crate) profile: &'a CountryProfile,
    pub(crate) signal: &'a Signal,
    pub(crate) model: Model,
    pub(crate) places: &'a [Place],
    /// Every issue, by signal of the model.
    pub(crate) rows: &'a BTreeMap<&'static str, Vec<Sourced>>,
    pub(crate) history: &'a [HistoryRow],
    pub(crate) rates: &'a [RateRow],
    pub(crate) as_of: DateTime<Utc>,
}

/// A place that is asked about.
pub(crate) struct Asked<'a> {
    pub(crate) place: &'a Place,
    /// As the model was measured with.
    pub(crate) population: Option<f64>,
    /// Its series in the panel, or why there is none.
    pub(crate) series: Result<String, Reason>,
    /// What is known, by the end of the week.
    pub(crate) weeks: BTreeMap<NaiveDate, f64>,
    /// By what its weeks of age 0, 1, … grew after they were first seen at earlier origins, on the log scale.
    pub(crate) grown: Vec<Vec<f64>>,
}

/// The panels, and what they mean for the places that are asked about.
pub(crate) struct Built<'a> {
    /// By the origin that the model's horizons count from: last of all that of this run, before it the weekly ones that the
    /// recipe fits too, each as known then. Empty while no figure is known.
    pub(crate) known: BTreeMap<NaiveDate, Panel>,
    pub(crate) config: Config,
    pub(crate) asked: Vec<Asked<'a>>,
    /// The end of the last week known: of the nation if it is alive, else of any place.
    pub(crate) last: Option<NaiveDate>,
    /// The hub's unit in the signal's.
    pub(crate) unit: f64,
    /// The rows that were used, in order.
    pub(crate) used: Vec<(&'static str, &'a str, &'a Point)>,
}

/// One series before its origin is known.
struct Draft<'a> {
    id: String,
    target: &'static str,
    group: &'static str,
    code: String,
    population: Option<f64>,
    place: &'a Place,
    issues: Vec<Issue>,
}

/// Chooses, cuts and labels. Places without a series are in `asked` with their reason.
pub(crate) fn build<'a>(input: &Input<'a>) -> anyhow::Result<Built<'a>> {
    let feed = input.model.feed(input.signal.id.as_str());
    let feed = feed.ok_or_else(|| anyhow::anyhow!("no target for {}", input.signal.id))?;
    let target = feed.target;
    let hub = hub::profile_of(target)?;
    let config = (hub.recipe)();
    let locations = Locations::flusight();
    let (drafts, used) = drafts(input, &hub, &locations);
    let mut asked = asked(input, &drafts, feed);
    let nation = asked.iter().find(|a| a.place.id == input.profile.nation.as_str() && a.series.is_ok());
    let newest = |a: &Asked<'_>| a.weeks.last_key_value().map(|(week, _)| *week);
    let last = nation
        .and_then(newest)
        .or_else(|| asked.iter().filter(|a| a.series.is_ok()).filter_map(newest).max())
        .or_else(|| asked.iter().filter_map(newest).max());
    // The first horizon is the week after the last one known.
    let origin =
        last.map(|l| l + Duration::days(7 - config.horizon_zero_days - 7 * i64::from(config.horizons.0)));
    let mut known = BTreeMap::new();
    if let Some(origin) = origin {
        let wanted: BTreeSet<&String> = asked.iter().filter_map(|a| a.series.as_ref().ok()).collect();
        let panel = |of: NaiveDate| {
            let until = day(input.as_of) - (origin - of);
            let made = drafts.iter();
            let made = made.filter_map(|d| series(until, &hub, &config, d, of, wanted.contains(&d.id)));
            let mut series: Vec<Series> = made.collect();
            let until = of - Duration::days(hub.lag_days);
            if let (Some(group), Some(national)) = (hub.history, hub.national) {
                series.extend(hub::ili_plus(input.history, &locations, national, group, until));
            }
            if let (Some(group), Some(national)) = (hub.rates, hub.national) {
                series.extend(hub::rates(input.rates, &locations, national, group, until));
            }
            (of, Panel { series })
        };
        known = config.origins(origin).into_iter().map(panel).collect();
    }
    let newest = known.last_key_value();
    let in_panel = |id: &String| newest.is_some_and(|(_, p)| p.series.iter().any(|s| s.id == *id));
    for a in &mut asked {
        if a.series.as_ref().is_ok_and(|id| !in_panel(id)) {
            a.series = Err(Reason::TooFew);
        }
    }
    Ok(Built { known, config, asked, last, unit: feed.unit, used })
}

/// The series of each target and place, in the hub's order, with the rows that they were made from.
fn drafts<'a>(
    input: &Input<'a>,
    hub: &hub::Profile,
    locations: &Locations,
) -> (Vec<Draft<'a>>, Vec<(&'static str, &'a str, &'a Point)>) {
    let (mut drafts, mut used) = (Vec::new(), Vec::new());
    for (signal, rows) in input.rows {
        let Some(feed) = input.model.feed(signal) else { continue };
        let target = feed.target;
        let Some(group) = hub.group_of(target) else { continue };
        let mut by_place: BTreeMap<&str, BTreeMap<&str, Vec<&Point>>> = BTreeMap::new();
        for row in rows {
            let of_place = by_place.entry(&row.point.place_id).or_default();
            of_place.entry(&row.source_id).or_default().push(&row.point);
        }
        for (place, sources) in by_place {
            let Some(place) = input.places.iter().find(|p| p.id == place) else { continue };
            let Some((code, population)) = input.model.location(locations, place) else { continue };
            let Some(source) = choose(input, signal, place, &sources) else { continue };
            let points = &sources[source];
            used.extend(points.iter().map(|p| (*signal, source, *p)));
            let ends = input.profile.week_system.last_day();
            let whole = points.iter().filter(|p| p.reference_date.weekday() == ends);
            let of_hub = |value: Option<f64>| value.map(|v| v / feed.unit);
            let issue = |p: &&&Point| Issue {
                week: p.reference_date,
                issued: day(p.issued_at),
                value: of_hub(p.value),
            };
            let (id, issues) = (format!("{group}/{code}"), whole.map(|p| issue(&p)).collect());
            drafts.push(Draft { id, target, group, code, population, place, issues });
        }
    }
    // As the backtest has them: what the hub publishes, then what is only learnt from.
    let pooled = |d: &Draft<'_>| hub.pools.iter().any(|p| p.target == d.target);
    drafts.sort_by(|a, b| (pooled(a), a.target, &a.code).cmp(&(pooled(b), b.target, &b.code)));
    (drafts, used)
}

/// Whose figures stand for a place. In this country the profile says; elsewhere the source that knows the latest
/// week, and of two such the one that knows more.
fn choose<'s>(
    input: &Input<'_>,
    signal: &str,
    place: &Place,
    sources: &BTreeMap<&'s str, Vec<&Point>>,
) -> Option<&'s str> {
    let ours = place.id.get(..2) == Some(input.profile.nation.as_str());
    let declared = input.profile.signals.iter().find(|s| s.id.as_str() == signal).filter(|_| ours);
    if let Some(declared) = declared {
        let source = declared.source_at(&place.level)?;
        return sources.keys().copied().find(|s| *s == source.as_str());
    }
    let newest =
        |points: &Vec<&Point>| points.iter().filter(|p| p.value.is_some()).map(|p| p.reference_date).max();
    let (source, _) = sources.iter().max_by_key(|(_, points)| (newest(points), points.len()))?;
    Some(source)
}

fn asked<'a>(input: &Input<'a>, drafts: &[Draft<'a>], &Feed { target, unit, .. }: &Feed) -> Vec<Asked<'a>> {
    let nation = input.profile.nation.as_str();
    let ours = |p: &&Place| {
        p.id.get(..2) == Some(nation)
            && input.signal.source_at(&p.level).is_some()
            && input.signal.is_forecast_at(&p.level)
    };
    let of_place = |place: &'a Place| {
        let draft = drafts.iter().find(|d| d.target == target && d.place.id == place.id);
        let mut weeks = draft.map(|d| known(d, input.as_of)).unwrap_or_default();
        weeks.values_mut().for_each(|value| *value *= unit);
        let last = weeks.last_key_value().map(|(week, _)| *week);
        let id = || draft.map(|d| d.id.clone()).ok_or(Reason::NoData);
        let grown = draft.map(|d| super::transmission::grown(input.signal, &d.issues, day(input.as_of)));
        let series = alive(input.signal, last, input.as_of).and_then(|_| id());
        let population = draft.and_then(|d| d.population);
        Asked { place, population, series, weeks, grown: grown.unwrap_or_default() }
    };
    input.places.iter().filter(ours).map(of_place).collect()
}

fn known(draft: &Draft<'_>, as_of: DateTime<Utc>) -> BTreeMap<NaiveDate, f64> {
    let Some((first, values)) = as_known(&draft.issues, day(as_of)) else { return BTreeMap::new() };
    let dated = values.into_iter().enumerate();
    dated.filter_map(|(w, value)| Some((first + Duration::weeks(i64::try_from(w).ok()?), value?))).collect()
}

fn series(
    until: NaiveDate,
    hub: &hub::Profile,
    config: &Config,
    draft: &Draft<'_>,
    origin: NaiveDate,
    forecast: bool,
) -> Option<Series> {
    let (first, values) = as_known(&draft.issues, until)?;
    let mut series = Series::new(&draft.id, draft.group, first, values);
    series.population = draft.population;
    series.national = hub.national == Some(draft.code.as_str());
    series.forecast = forecast;
    series.focus = hub.focus.iter().any(|(t, l)| *t == draft.target && *l == draft.code);
    if let Some(nowcast) = config.nowcast {
        // Earlier origins are cut as in the hub's backtest, so that a correction means the same in both.
        let expected = (nowcast.origins, config.horizon_zero_days - 7);
        let earlier =
            Series::from_issues(&draft.id, draft.group, &draft.issues, origin, hub.lag_days, expected);
        series.first_reports = earlier.map(|e| e.first_reports).unwrap_or_default();
    }
    Some(series)
}
