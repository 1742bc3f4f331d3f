//! `layout=wide`: one row a date, one column a place, in pages of dates.

use crate::body::{RecordedSituation, StatusWord, plain_number};
use crate::respond::{self, Format};
use crate::select::Selection;
use crate::visit::Visit;
use crate::words::{self, Unknown, Words};
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::Status;
use kit::{App, Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use store::scan::Row;
use store::series::Limit;
use utoipa::ToSchema;

/// Cells that an answer may hold: all of them are in memory at once.
const CELLS: usize = 200_000;
const DEFAULT_LIMIT: usize = 1000;

/// A page of dates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WidePage {
    /// What is counted.
    signal: String,
    /// The time as of which the values were known.
    as_of: DateTime<Utc>,
    recorded_situation: Option<RecordedSituation>,
    /// The places, in the order of a table's columns.
    places: Vec<String>,
    data: Vec<WideRow>,
    /// Is there more than this page?
    truncated: bool,
    /// Address of the next page; `null` on the last one.
    next: Option<String>,
    /// Why there is nothing, as in the long layout.
    pub(crate) reason: Option<&'static str>,
    /// Where there is nothing: when the first value became known.
    pub(crate) first_issue: Option<DateTime<Utc>>,
}

/// All places on one date.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WideRow {
    reference_date: NaiveDate,
    /// The week by the country's rule, where the signal is weekly.
    week: Option<String>,
    /// By place: the number. A place that has no value at all on this date is absent.
    #[schema(value_type = BTreeMap<String, Option<f64>>)]
    values: BTreeMap<String, serde_json::Value>,
    /// By place: why there is no number. Only where there is none.
    #[schema(value_type = BTreeMap<String, StatusWord>)]
    status: BTreeMap<String, Status>,
    /// The time at which the platform's clock stands, when it is stopped.
    recorded_situation: Option<DateTime<Utc>>,
}

impl WidePage {
    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    pub(crate) fn truncated(&self) -> bool {
        self.truncated
    }

    pub(crate) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The page in a format. A table's cell without a number is empty; the long layout says why.
    pub(crate) fn write(self, format: Format) -> Result<Response, Problem> {
        if format == Format::Json {
            return Ok(Json(self).into_response());
        }
        if format == Format::JsonLines {
            return Ok(respond::json_lines(&self.data)?.into_response());
        }
        let mut csv = csv::Writer::from_writer(Vec::new());
        let ends = (["reference_date", "week"], ["recorded_situation"]);
        let places = self.places.iter().map(String::as_str);
        let write = |csv: &mut csv::Writer<Vec<u8>>, row: Vec<String>| csv.write_record(row);
        let header = ends.0.into_iter().chain(places).chain(ends.1).map(str::to_owned).collect();
        write(&mut csv, header).map_err(anyhow::Error::from)?;
        for row in &self.data {
            let cell = |p: &String| row.values.get(p).filter(|v| !v.is_null()).map(ToString::to_string);
            let mut line = vec![row.reference_date.to_string(), row.week.clone().unwrap_or_default()];
            line.extend(self.places.iter().map(|p| cell(p).unwrap_or_default()));
            let at = row.recorded_situation;
            line.push(
                at.map_or_else(String::new, |t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            );
            write(&mut csv, line).map_err(anyhow::Error::from)?;
        }
        Ok(csv.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?.into_response())
    }
}

/// Reads a page: `limit` dates after the date `after`. `next` makes the address of the page after a date.
///
/// # Errors
/// [`Problem::Invalid`] when so many dates of so many places are too many cells.
pub(crate) async fn page(
    app: &App,
    visit: &mut Visit,
    selection: &Selection,
    after: Option<NaiveDate>,
    limit: Option<usize>,
    next: impl Fn(NaiveDate) -> String,
) -> Result<WidePage, Problem> {
    let most = (CELLS / selection.targets.len().max(1)).max(1);
    let limit = limit.unwrap_or(DEFAULT_LIMIT.min(most));
    if limit > most {
        let places = selection.targets.len();
        let reason = format!("is more than {most} dates of {places} places: {CELLS} cells are the most");
        return Err(Problem::invalid("limit", reason));
    }
    let mut question = selection.question.clone();
    if let Some(after) = after {
        // The day after the last one of the calendar has none after it either.
        let next = after.succ_opt().unwrap_or(after);
        question.span.0 = question.span.0.max(Some(next));
    }
    // The first dates of all places together are among the first dates of each place.
    let each = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let series: Vec<i32> = selection.targets.iter().map(|t| t.series).collect();
    let limits = Limit { each, all: i64::MAX };
    let rows = store::series::rows(&mut visit.conn, &series, &question, None, limits).await?;
    let words = selection.words(app);
    let mut dates: BTreeMap<i32, Vec<Row>> = BTreeMap::new();
    for row in rows {
        dates.entry(row.date).or_default().push(row);
    }
    let truncated = dates.len() > limit;
    let rows = dates.into_iter().take(limit).map(|(date, rows)| row(&words, date, rows));
    let data = rows.collect::<Result<Vec<_>, _>>().map_err(anyhow::Error::from)?;
    Ok(WidePage {
        signal: selection.signal.id.to_string(),
        as_of: selection.question.as_of,
        recorded_situation: RecordedSituation::of(app),
        places: selection.targets.iter().map(|t| t.place.clone()).collect(),
        next: data.last().filter(|_| truncated).map(|last| next(last.reference_date)),
        truncated,
        data,
        reason: None,
        first_issue: None,
    })
}

fn row(words: &Words, day: i32, rows: Vec<Row>) -> Result<WideRow, Unknown> {
    let reference_date = words::date(day)?;
    let mut wide = WideRow {
        reference_date,
        week: words.week(reference_date).map(|week| week.to_string()),
        values: BTreeMap::new(),
        status: BTreeMap::new(),
        recorded_situation: words.recorded,
    };
    for row in rows {
        let place = &words.target(row.series)?.place;
        if row.value.is_none() {
            wide.status.insert(place.clone(), row.status);
        }
        wide.values.insert(place.clone(), plain_number(row.value));
    }
    Ok(wide)
}
