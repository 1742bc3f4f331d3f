//! `observations`: the values, in long form.

use crate::Api;
use crate::body::{RecordedSituation, Value};
use crate::bulk;
use crate::jobs::Keep;
use crate::openapi::{After, Filled, Moment};
use crate::reader::Reader;
use crate::respond::{self, Format, Version};
use crate::select::{ALLOWED, Selection};
use crate::visit::Visit;
use crate::wide;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use kit::keys::{ReadFigures, Scoped};
use kit::{App, Params, Problem};
use serde::Serialize;
use std::collections::BTreeSet;
use store::issued::Coverage;
use store::scan::Question;
use utoipa::ToSchema;

const DEFAULT_LIMIT: usize = 1000;
const MOST: usize = 10_000;

/// A page of values.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObservationPage<'w> {
    /// What is counted.
    signal: String,
    /// The time as of which the values were known.
    as_of: DateTime<Utc>,
    recorded_situation: Option<RecordedSituation>,
    /// By place, reference date and issue time.
    data: Vec<Value<'w>>,
    /// Is there more than this page?
    truncated: bool,
    /// Address of the next page; `null` on the last one.
    next: Option<String>,
    /// Why there is nothing: `before_first_issue`, `not_published_at_this_level` or `no_data`.
    reason: Option<&'static str>,
    /// Where there is nothing: when the first value of the selection became known by the clock asked for, whenever
    /// that was.
    first_issue: Option<DateTime<Utc>>,
}

/// Values of one signal, as they were known at a time.
///
/// JSON comes in pages; CSV and JSON Lines come whole, unless `limit` is given; Parquet always does.
#[utoipa::path(get, path = "/api/data/v1/observations", operation_id = "observations", tag = "figures",
    params(
        ("signal" = String, Query, min_length = 1, example = "flu_hosp_admissions", description = "A signal of `signals`"),
        ("place" = Option<Vec<Filled>>, Query, description = "Places, repeated or separated by commas; all when absent"),
        ("level" = Option<Filled>, Query, description = "All places of a level, instead of `place`"),
        ("source" = Option<Filled>, Query, description = "One source of the signal, as `signals` lists them. Default: at each level the one of `levels`"),
        ("from" = Option<chrono::NaiveDate>, Query, description = "First reference date"),
        ("to" = Option<chrono::NaiveDate>, Query, description = "Last reference date"),
        ("as_of" = Option<Moment>, Query, description = "A date (its end, UTC) or an RFC 3339 time: nothing issued later. Default: the platform's clock, which it may not lie after"),
        ("clock" = Option<String>, Query, pattern = "^(published|seen)$", description = "By which time `as_of` and `lag` count. `published` (default): the publisher's issue time. `seen`: when this platform had it too"),
        ("issues" = Option<String>, Query, pattern = "^(latest|all)$", description = "`latest` (default): one row a cell. `all`: every issue of every cell"),
        ("lag" = Option<i32>, Query, minimum = 0, maximum = 3650, description = "Each value as it was known this many days after its reference date; cells for which that day has not come are left out; not with issues=all"),
        ("layout" = Option<String>, Query, pattern = "^(long|wide)$", description = "`long` (default): one row a value. `wide`: one row a date, one column a place; then `limit` counts dates and `after` is a date; not with issues=all or Parquet"),
        ("format" = Option<String>, Query, pattern = "^(json|csv|jsonl|parquet)$", description = "`json` (default), `csv`, `jsonl` or `parquet`; goes before `Accept`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 10000, description = "Rows a page: 1 to 10000, default 1000 for JSON; not with Parquet"),
        ("after" = Option<After>, Query, description = "`id` of the last value of the page before; `next` holds it"),
    ),
    responses(
        (status = 200, description = "The values", content((ObservationPage = "application/json"), (String = "text/csv"), (String = "application/jsonl"), (Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 304, description = "The version that the client has"),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "A Parquet file that takes long is being made: `Retry-After` says when to ask again", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Parameters that do not fit together, a level that this country has not, or a time after the platform's clock", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such signal or place", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
#[tracing::instrument(name = "api.observations", skip_all)]
pub(crate) async fn list(
    _: Scoped<ReadFigures>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let app = &api.app;
    let params = Params::parse(query.as_deref(), &ALLOWED)?.filled()?;
    let format = Format::read(&params, &headers)?;
    let limit = params.read::<usize>("limit", "a number")?;
    if limit.is_some_and(|l| !(1..=MOST).contains(&l)) {
        return Err(Problem::invalid("limit", format!("is not between 1 and {MOST}")));
    }
    if format == Format::Parquet {
        for name in ["limit", "after", "layout"] {
            if params.one(name)?.is_some() {
                return Err(Problem::conflict(name, "does not go with Parquet, which comes whole and long"));
            }
        }
    }
    let mut visit = api.memory.visit(&app.db).await?;
    let selection = Selection::read(app, &mut visit, &params).await?;
    let state = selection.state(&mut visit).await?;
    let version = version(&api, &params, &selection, &state, format);
    if let Some(same) = respond::not_modified(&headers, &version) {
        return Ok(same);
    }
    let mut response = match (format, limit) {
        _ if selection.wide.is_some() => {
            wide_page(app, &mut visit, &params, &selection, format, limit).await?
        }
        (Format::Parquet, _) => {
            drop(visit);
            parquet(&api, &params, &selection, &version).await?
        }
        (Format::Csv | Format::JsonLines, None) => {
            drop(visit);
            let mut reader = Reader::new(app, &api.memory, &selection, state);
            let (first, rows) = respond::piece(&mut reader, format, true).await?;
            let mut response = respond::stream((first, rows), reader, format).into_response();
            mark(&mut response, false);
            if rows == 0 {
                why_empty(app, &mut api.memory.visit(&app.db).await?, &selection).await?.mark(&mut response);
            }
            response
        }
        (format, limit) => {
            let reader = Reader::new(app, &api.memory, &selection, state);
            let limit = limit.unwrap_or(DEFAULT_LIMIT);
            page(app, &mut visit, reader, &params, &selection, format, limit).await?
        }
    };
    respond::dress(&mut response, app, format.media_type(), &version);
    Ok(response)
}

/// The tag changes with the request, with the figures of its signal, and, where one is given, with the time.
fn version(api: &Api, params: &Params, selection: &Selection, state: &[Coverage], format: Format) -> Version {
    let (app, question) = (&api.app, &selection.question);
    // Another version of this service, of its clock or of the carried figures begins with a start of this service.
    let seen = state.iter().map(|c| c.last_seen).max().unwrap_or(api.started).min(kit::wall());
    let midnight = question.as_of.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let lag = question.mode.lag();
    let lagged = lag.map_or(api.started, |_| midnight);
    let state: Vec<String> =
        state.iter().map(|c| format!("{}/{}/{}", c.source_id, c.rows, c.last_issue)).collect();
    let recorded = app.clock.recorded().map(|at| at.to_rfc3339()).unwrap_or_default();
    let lag_day = lag.map(|_| question.as_of.date_naive().to_string());
    let etag = respond::etag(&[
        env!("CARGO_PKG_VERSION"),
        &params.encode_without(&[]),
        format.media_type(),
        &state.join(";"),
        &recorded,
        &lag_day.unwrap_or_default(),
    ]);
    Version { etag, modified: seen.max(lagged).max(api.started) }
}

/// The whole selection as one file.
async fn parquet(
    api: &Api,
    params: &Params,
    selection: &Selection,
    version: &Version,
) -> Result<Response, Problem> {
    let app = &api.app;
    let name = format!("observations?{}", params.encode_without(&["format"]));
    let built = api.files.get(&name, &version.etag, Keep::Once, selection.parquet(app)).await?;
    let mut response = bulk::send(&built, None);
    mark(&mut response, false);
    respond::set(&mut response, HeaderName::from_static("vigie-rows"), &built.rows.to_string());
    let name = format!("attachment; filename=\"{}.parquet\"", selection.signal.id);
    respond::set(&mut response, header::CONTENT_DISPOSITION, &name);
    if built.rows == 0 {
        why_empty(app, &mut api.memory.visit(&app.db).await?, selection).await?.mark(&mut response);
    }
    Ok(response)
}

async fn page(
    app: &App,
    visit: &mut Visit,
    mut reader: Reader,
    params: &Params,
    selection: &Selection,
    format: Format,
    limit: usize,
) -> Result<Response, Problem> {
    let (mut rows, words) = reader.batch(visit, limit + 1).await?;
    let truncated = rows.len() > limit;
    rows.truncate(limit);
    let data = words.values(&rows)?;
    let next = data.last().filter(|_| truncated).map(|last| next_page(params, selection, &last.id));
    let empty = if data.is_empty() { Some(why_empty(app, visit, selection).await?) } else { None };
    let mut response = if format == Format::Json {
        let page = ObservationPage {
            signal: selection.signal.id.to_string(),
            as_of: selection.question.as_of,
            recorded_situation: RecordedSituation::of(app),
            data,
            truncated,
            next: next.clone(),
            reason: empty.as_ref().map(|e| e.reason),
            first_issue: empty.as_ref().and_then(|e| e.first_issue),
        };
        respond::json(&page, rows.len())?.into_response()
    } else if data.is_empty() && format == Format::Csv {
        respond::COLUMNS.into_response()
    } else {
        respond::lines(&data, format, true)?.into_response()
    };
    mark(&mut response, truncated);
    if let Some(empty) = empty {
        empty.mark(&mut response);
    }
    if let Some(next) = next {
        respond::set(&mut response, header::LINK, &format!("<{next}>; rel=\"next\""));
    }
    Ok(response)
}

/// The address of the page after `after`. The time is written down, so that all pages show one state of the figures.
fn next_page(params: &Params, selection: &Selection, after: &dyn std::fmt::Display) -> String {
    let rest = params.encode_without(&["after", "as_of"]);
    let as_of = selection.question.as_of.format("%Y-%m-%dT%H:%M:%S%.fZ");
    format!("/api/data/v1/observations?{rest}&as_of={as_of}&after={after}")
}

/// A page of dates.
async fn wide_page(
    app: &App,
    visit: &mut Visit,
    params: &Params,
    selection: &Selection,
    format: Format,
    limit: Option<usize>,
) -> Result<Response, Problem> {
    let after = selection.wide.and_then(|w| w.0);
    let next = |date: chrono::NaiveDate| next_page(params, selection, &date);
    let mut page = wide::page(app, visit, selection, after, limit, next).await?;
    let empty = if page.is_empty() { Some(why_empty(app, visit, selection).await?) } else { None };
    if let Some(empty) = &empty {
        (page.reason, page.first_issue) = (Some(empty.reason), empty.first_issue);
    }
    let (truncated, link) = (page.truncated(), page.next().map(|n| format!("<{n}>; rel=\"next\"")));
    let mut response = page.write(format)?;
    mark(&mut response, truncated);
    if let Some(empty) = empty {
        empty.mark(&mut response);
    }
    if let Some(link) = link {
        respond::set(&mut response, header::LINK, &link);
    }
    Ok(response)
}

fn mark(response: &mut Response, truncated: bool) {
    let word = if truncated { "true" } else { "false" };
    respond::set(response, HeaderName::from_static("vigie-truncated"), word);
}

/// Why there is nothing.
struct Empty {
    reason: &'static str,
    first_issue: Option<DateTime<Utc>>,
}

impl Empty {
    /// Says it in headers: a table has no place for it.
    fn mark(&self, response: &mut Response) {
        respond::set(response, HeaderName::from_static("vigie-reason"), self.reason);
        if let Some(first) = self.first_issue {
            respond::set(response, HeaderName::from_static("vigie-first-issue"), &first.to_rfc3339());
        }
    }
}

async fn why_empty(app: &App, visit: &mut Visit, selection: &Selection) -> Result<Empty, Problem> {
    if selection.targets.is_empty() {
        return Ok(Empty { reason: "not_published_at_this_level", first_issue: None });
    }
    let Question { span, as_of, by, .. } = selection.question;
    let first_issue = if selection.whole && span == (None, None) {
        let sources: BTreeSet<&str> = selection.targets.iter().map(|t| t.source.as_str()).collect();
        let issued = visit.issued(selection.signal.id.as_str()).await?;
        sources.into_iter().filter_map(|source| store::issued::first_known(&issued, source, by)).min()
    } else {
        let series: Vec<i32> = selection.targets.iter().map(|t| t.series).collect();
        store::series::first_known(&mut visit.conn, &series, span, by).await?
    };
    // What becomes known after the platform's clock is not known, nor that it will be.
    let first_issue = first_issue.filter(|first| *first <= app.clock.now());
    let early = first_issue.is_some_and(|first| first > as_of);
    Ok(Empty { reason: if early { "before_first_issue" } else { "no_data" }, first_issue })
}
