//! `docs`: the description of this API as a page, made from the same document as `openapi.json`.

mod schema;

use self::schema::{Piece, Schema};
use crate::Api;
use crate::words::{date, time};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use domain::ObservationId;
use domain::profile::NATION;
use kit::{App, Params, Problem};
use serde_json::Value;
use store::scan::{Mode, Question};
use store::series::{KnownBy, Limit};

/// A piece of a sentence; the ones between backticks are code.
pub(crate) struct Words {
    code: bool,
    text: String,
}

fn words(value: &Value) -> Vec<Words> {
    let text = value.as_str().unwrap_or("");
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(n, part)| Words { code: n % 2 == 1, text: part.to_owned() }).collect()
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    kind: Vec<Piece>,
    about: Vec<Words>,
}

struct Answer {
    status: String,
    about: Vec<Words>,
    bodies: Vec<(String, Vec<Piece>)>,
}

struct Operation {
    id: String,
    path: String,
    summary: Vec<Words>,
    about: Vec<Words>,
    /// An address that answers, for the country and at the clock of this platform.
    example: Option<String>,
    parameters: Vec<Parameter>,
    answers: Vec<Answer>,
}

struct Group {
    name: String,
    about: Vec<Words>,
    operations: Vec<Operation>,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    title: String,
    version: String,
    about: Vec<Words>,
    notice: Option<String>,
    origin: String,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// `docs`.
///
/// # Errors
/// When the database, which is asked for examples, does not answer.
pub(crate) async fn page(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Params::parse(query.as_deref(), &[])?;
    let app = &api.app;
    let examples = Examples::find(app).await?;
    let api = serde_json::to_value(crate::document()).map_err(anyhow::Error::from)?;
    let group = |tag: &Value| Group {
        name: text(&tag["name"]),
        about: words(&tag["description"]),
        operations: entries(&api["paths"])
            .filter(|(_, item)| item["get"]["tags"][0] == tag["name"])
            .map(|(path, item)| operation(path, &item["get"], &examples))
            .collect(),
    };
    let page = Page {
        title: text(&api["info"]["title"]),
        version: text(&api["info"]["version"]),
        about: words(&api["info"]["description"]),
        notice: app.language("en").and_then(|language| app.recorded_notice(language)),
        origin: app.public_url.to_string(),
        groups: list(&api["tags"]).map(group).collect(),
        schemas: entries(&api["components"]["schemas"]).map(|(name, of)| schema::schema(name, of)).collect(),
    };
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// The style of the page.
pub(crate) async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../static/docs.css"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn operation(path: &str, of: &Value, examples: &Examples) -> Operation {
    let parameter = |p: &Value| Parameter {
        name: text(&p["name"]),
        place: text(&p["in"]),
        required: p["required"] == true,
        kind: schema::kind(&p["schema"]),
        about: words(&p["description"]),
    };
    let answer = |(status, of): (&String, &Value)| Answer {
        status: status.clone(),
        about: words(&of["description"]),
        bodies: entries(&of["content"])
            .map(|(media, of)| (media.clone(), schema::kind(&of["schema"])))
            .collect(),
    };
    Operation {
        id: text(&of["operationId"]),
        path: path.to_owned(),
        summary: words(&of["summary"]),
        about: words(&of["description"]),
        example: examples.of(path),
        parameters: list(&of["parameters"]).map(parameter).collect(),
        answers: entries(&of["responses"]).map(answer).collect(),
    }
}

/// What the country's main signal has.
struct Examples {
    signal: String,
    place: String,
    id: Option<String>,
    day: Option<String>,
}

impl Examples {
    async fn find(app: &App) -> Result<Self, Problem> {
        let (profile, now) = (&app.profile, app.clock.now());
        let (signal, place) = (&profile.main_signal, &profile.nation);
        let mut found = Self { signal: signal.to_string(), place: place.to_string(), id: None, day: None };
        let Some(source) = profile.signal(signal).and_then(|s| s.source_at(NATION)) else { return Ok(found) };
        let mut conn = app.db.acquire().await?;
        let series =
            store::series::keys(&mut conn, signal.as_str(), &[source.as_str()], &[place.as_str()]).await?;
        let mode = Mode::Known { lag: None };
        let question = Question { span: (None, None), as_of: now, by: KnownBy::Issue, mode };
        let first = Limit { each: 1, all: 1 };
        let first = store::series::rows(&mut conn, &series, &question, None, first).await?;
        if let Some(row) = first.first() {
            let times = date(row.date).and_then(|date| Ok((date, time(row.issued_at)?)));
            let (reference_date, issued_at) = times.map_err(anyhow::Error::from)?;
            let (signal, source, place) = (signal.as_str(), source.as_str(), place.as_str());
            found.id = Some(ObservationId { signal, source, place, reference_date, issued_at }.to_string());
        }
        let sources = [source.to_string()];
        let days = store::issued::days(&mut conn, signal.as_str(), &sources, None).await?;
        found.day = days.into_iter().rfind(|day| *day < now.date_naive()).map(|day| day.to_string());
        Ok(found)
    }

    fn of(&self, path: &str) -> Option<String> {
        let Self { signal, place, id, day } = self;
        Some(match path.strip_prefix("/api/data/v1/")? {
            "observations" => format!("{path}?signal={signal}&place={place}&limit=5"),
            "places" => format!("{path}?level={NATION}"),
            "why/{id}" => path.replace("{id}", id.as_deref()?),
            "bulk/{file}" => path.replace("{file}", &format!("{signal}.csv.gz")),
            "bulk/{signal}/{file}" => {
                path.replace("{signal}", signal).replace("{file}", &format!("{}.csv.gz", day.as_deref()?))
            }
            whole if !whole.contains('{') => path.to_owned(),
            _ => return None,
        })
    }
}
