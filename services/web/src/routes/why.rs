//! `/why/{id}`: one figure, back to the publisher's payload.

use crate::figures::headline::when;
use crate::here::Here;
use crate::i18n::column_digits;
use crate::respond;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use domain::profile::{Cadence, Signal};
use domain::{ObservationKey, Status, Step};
use kit::Problem;
use kit::source::Named;
use store::observations::Point;
use store::sources::{Release, Retrieval};

/// One issue of the cell.
struct Issue {
    at: String,
    value: String,
    status: String,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "why.html")]
struct Page<'a> {
    here: &'a Here,
    id: String,
    name: String,
    place: String,
    when: String,
    value: String,
    status: String,
    issued: String,
    back: Option<(String, String)>,
    source: Named,
    retrieval: Option<Retrieval>,
    /// When this platform fetched it; what a recording carries was fetched by somebody else, at a time not known.
    retrieved: Option<String>,
    /// What was done to the publisher's figure, in order.
    steps: Vec<String>,
    issues: Vec<Issue>,
}

pub(super) async fn show(mut here: Here, Path(id): Path<String>) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let missing = || Problem::NotFound("figure");
    let key: ObservationKey = id.parse().map_err(|_| missing())?;
    let site = std::sync::Arc::clone(&here.site);
    let signal = site.app.profile.signal(&key.signal).ok_or_else(missing)?;
    let mut conn = site.app.db.acquire().await.map_err(Problem::from)?;
    // What was issued after the clock, or after the reader's moment, is not there yet.
    let issues = store::observations::issues_of(&mut conn, &key, here.now()).await?;
    let point =
        issues.iter().find(|p| p.issued_at.timestamp() == key.issued_at.timestamp()).ok_or_else(missing)?;
    let place = super::place::find(&mut conn, &here, key.place.as_str()).await?;
    let source = store::sources::get(&mut conn, key.source.as_str()).await?.ok_or_else(missing)?;
    let retrieval = store::sources::retrieval(&mut conn, &point.retrieval_id).await?;
    let (steps, release) =
        store::sources::steps(&mut conn, &source, &point.status, &point.retrieval_id).await?;
    let lang = here.lang();
    let period = if signal.cadence == Cadence::Week { "week" } else { "day" };
    let moment = |at| lang.formats.moment(at);
    let page = Page {
        here: &here,
        id: key.id(),
        name: lang.t(&format!("signal.{}.name", signal.id)),
        place: lang.place(&place).to_owned(),
        when: when(lang, period, key.reference_date),
        value: value(&here, signal, point),
        status: word(&here, point),
        issued: moment(point.issued_at),
        back: site.app.profile.disease(&signal.disease).map(|d| {
            let to = here.to(format!("/{}/{}", d.id, place.id));
            (to, lang.f(&format!("disease.{}.title", d.id), &[("where", &lang.where_(&place))]))
        }),
        source: Named::of(&lang.language, &source),
        retrieved: retrieval.as_ref().filter(|r| r.recorded_as.is_empty()).map(|r| moment(r.retrieved_at)),
        retrieval,
        steps: steps.into_iter().map(|s| sentence(&here, s, release.as_ref())).collect(),
        issues: issues
            .iter()
            .rev()
            .map(|p| {
                let of = ObservationKey { issued_at: p.issued_at, ..key.clone() };
                Issue {
                    at: moment(p.issued_at),
                    value: value(&here, signal, p),
                    status: word(&here, p),
                    href: here.to(format!("/why/{}", of.id())),
                    current: p.issued_at == point.issued_at,
                }
            })
            .collect(),
    };
    respond::page(&here, &page)
}

fn sentence(here: &Here, step: Step, release: Option<&Release>) -> String {
    let text = here.t(format!("step.{}", step.as_str()));
    match release {
        // The reason is the operator's, in the operator's language.
        Some(r) if step == Step::Released => {
            format!("{text} {} – {}", here.lang().formats.moment(r.released_at), r.because)
        }
        _ => text,
    }
}

fn value(here: &Here, signal: &Signal, p: &Point) -> String {
    let digits = column_digits(signal.unit);
    p.value.map_or_else(|| "–".to_owned(), |v| here.lang().cell(v, digits, signal.unit))
}

fn word(here: &Here, p: &Point) -> String {
    let status: Result<Status, _> = p.status.parse();
    status.map_or_else(|_| p.status.clone(), |s| here.t(format!("status.{s}")))
}
