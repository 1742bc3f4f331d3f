//! How the newest issue of a signal stands beside the ones before.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::profile::{NATION, Signal};
use kit::App;
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Dates that are looked at reach so far back.
const SPAN: Duration = Duration::weeks(34);
/// A correction is measured on the weeks that were the newest then.
const RECENT: Duration = Duration::weeks(8);
/// Earlier issues that tell what is usual.
const ISSUES: usize = 20;
/// A place is missing that had a figure of one of so many dates before the newest.
const BEFORE: usize = 4;

/// Drift of the input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inputs {
    /// The newest issue that corrected or could have corrected something.
    pub issued: NaiveDate,
    /// What it changed of the 8 weeks before, as a share: sum of the absolute changes over the sum of the larger values.
    pub revision: f64,
    /// The median of the same over up to 20 issues before.
    pub usual_revision: f64,
    /// Places with a figure of one of the newest dates.
    pub places: usize,
    /// Those of them that have none of the newest date.
    pub missing: usize,
}

/// What was issued of a cell, oldest first.
type Cells = BTreeMap<(String, NaiveDate), Vec<(DateTime<Utc>, Option<f64>)>>;

pub(super) async fn read(
    conn: &mut PgConnection,
    app: &App,
    signal: &Signal,
) -> sqlx::Result<Option<Inputs>> {
    let as_of = app.clock.now();
    let places = store::places::of_nation(conn, app.profile.nation.as_str()).await?;
    let level = |id: &str| places.iter().find(|p| p.id == id).map(|p| p.level.as_str());
    let rows = store::scores::truths(conn, signal.id.as_str(), (as_of - SPAN).date_naive(), as_of).await?;
    let mut cells = Cells::new();
    for row in rows {
        let level = level(&row.point.place_id);
        let declared = level.and_then(|level| signal.source_at(level));
        if declared.is_some_and(|s| s.as_str() == row.source_id) {
            let cell = (row.point.place_id, row.point.reference_date);
            cells.entry(cell).or_default().push((row.point.issued_at, row.point.value));
        }
    }
    // The nation repeats its parts.
    if cells.keys().any(|(place, _)| level(place) != Some(NATION)) {
        cells.retain(|(place, _), _| level(place) != Some(NATION));
    }
    Ok(measure(&cells))
}

fn at(versions: &[(DateTime<Utc>, Option<f64>)], known: impl Fn(DateTime<Utc>) -> bool) -> Option<f64> {
    versions.iter().rev().find(|(at, _)| known(*at)).and_then(|(_, value)| *value)
}

fn measure(cells: &Cells) -> Option<Inputs> {
    let days: BTreeSet<NaiveDate> =
        cells.values().flat_map(|v| v.iter().map(|(at, _)| at.date_naive())).collect();
    let mut revisions: Vec<(NaiveDate, f64)> =
        days.iter().filter_map(|day| Some((*day, revision(cells, *day)?))).collect();
    let (issued, newest) = revisions.pop()?;
    let mut usual: Vec<f64> = revisions.iter().rev().take(ISSUES).map(|(_, r)| *r).collect();
    usual.sort_by(f64::total_cmp);
    let known: BTreeMap<NaiveDate, BTreeSet<&str>> = cells
        .iter()
        .filter(|(_, versions)| at(versions, |_| true).is_some())
        .fold(BTreeMap::new(), |mut dates, ((place, date), _)| {
            dates.entry(*date).or_insert_with(BTreeSet::new).insert(place);
            dates
        });
    let mut dates = known.into_values().rev();
    let now = dates.next().unwrap_or_default();
    let before: BTreeSet<&str> = dates.take(BEFORE).flatten().collect();
    Some(Inputs {
        issued,
        revision: newest,
        usual_revision: usual.get(usual.len() / 2).copied().unwrap_or(0.0),
        places: before.union(&now).count(),
        missing: before.difference(&now).count(),
    })
}

/// What the issues of `day` changed of what was known before; `None` when nothing recent was known before.
fn revision(cells: &Cells, day: NaiveDate) -> Option<f64> {
    let before = |versions: &[_]| at(versions, |t| t.date_naive() < day);
    let known = cells.iter().filter_map(|((_, date), versions)| Some((*date, before(versions)?, versions)));
    let known: Vec<_> = known.collect();
    let newest = known.iter().map(|(date, ..)| *date).max()?;
    let (mut changed, mut all) = (0.0, 0.0);
    for (_, old, versions) in known.iter().filter(|(date, ..)| *date > newest - RECENT) {
        let new = at(versions, |t| t.date_naive() <= day).unwrap_or(0.0);
        changed += (new - old).abs();
        all += new.abs().max(old.abs());
    }
    Some(if all > 0.0 { changed / all } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Days;

    /// Ten weeks of two places, each issued the day after its end; corrections as given.
    fn cells(corrected: &[(&str, u64, u64, Option<f64>)]) -> Cells {
        let first: NaiveDate = "2025-01-05".parse().unwrap();
        let week = |n| first + Days::new(7 * n);
        let issued = |n| (week(n) + Days::new(1)).and_hms_opt(12, 0, 0).unwrap().and_utc();
        let mut cells = Cells::new();
        for n in 0..10 {
            for place in ["XX-A", "XX-B"] {
                cells.insert((place.to_owned(), week(n)), vec![(issued(n), Some(100.0))]);
            }
        }
        for (place, of, at, value) in corrected {
            cells.get_mut(&((*place).to_owned(), week(*of))).unwrap().push((issued(*at), *value));
        }
        cells
    }

    #[test]
    fn what_a_correction_changes_is_a_share_of_the_recent_weeks() {
        let quiet = measure(&cells(&[])).unwrap();
        assert_eq!((quiet.revision, quiet.usual_revision), (0.0, 0.0));
        assert_eq!((quiet.places, quiet.missing), (2, 0));
        // Of eight weeks in two places one is doubled: 100 of 1,700.
        let once = measure(&cells(&[("XX-A", 8, 9, Some(200.0))])).unwrap();
        assert!((once.revision - 100.0 / 1_700.0).abs() < 1e-12, "{once:?}");
        // A value that is taken back is gone whole.
        let gone = measure(&cells(&[("XX-A", 8, 9, None)])).unwrap();
        assert!((gone.revision - 100.0 / 1_600.0).abs() < 1e-12, "{gone:?}");
        // What every issue does is usual.
        let always: Vec<_> = (0..9).map(|n| ("XX-A", n, n + 1, Some(200.0))).collect();
        let always = measure(&cells(&always)).unwrap();
        assert!(always.usual_revision > 0.0 && always.revision < 3.0 * always.usual_revision, "{always:?}");
    }

    #[test]
    fn a_place_without_the_newest_week_is_missing() {
        let mut some = cells(&[]);
        let newest = some.keys().map(|(_, date)| *date).max().unwrap();
        some.remove(&("XX-B".to_owned(), newest));
        let found = measure(&some).unwrap();
        assert_eq!((found.places, found.missing), (2, 1));
        assert!(measure(&Cells::new()).is_none());
    }
}
