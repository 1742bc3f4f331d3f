//! `/models`: which models speak on these pages, made from what, for what, and not for what.

use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::response::Response;
use kit::Problem;

struct Model {
    signal: String,
    /// The configuration of the model, as the profile names it.
    plan: String,
    id: String,
    version: String,
    as_of: String,
    vintage: String,
    data_hash: String,
    source_hash: String,
    serial: String,
    serial_source: String,
}

#[derive(Template)]
#[template(path = "models.html")]
struct Page<'a> {
    here: &'a Here,
    models: Vec<Model>,
    /// Signals with a plan and no run yet.
    waiting: Vec<String>,
    /// Is there a forecast service whose scores can be linked?
    scores: bool,
}

pub(super) async fn show(mut here: Here) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let lang = here.lang();
    let mut conn = here.site.app.db.acquire().await.map_err(Problem::from)?;
    let mut page = Page {
        here: &here,
        models: Vec::new(),
        waiting: Vec::new(),
        scores: here.site.options.has("forecast"),
    };
    for signal in &here.site.app.profile.signals {
        let Some(plan) = &signal.forecast else { continue };
        let name = lang.t(&format!("signal.{}.name", signal.id));
        let run = store::forecasts::latest_run(&mut conn, signal.id.as_str(), here.now()).await?;
        let Some(run) = run else {
            page.waiting.push(name);
            continue;
        };
        let (mean, sd) = plan.serial_interval_days;
        page.models.push(Model {
            signal: name,
            plan: plan.model.clone(),
            id: run.model_id,
            version: run.model_version,
            as_of: lang.formats.moment(run.as_of),
            vintage: lang.formats.moment(run.data_vintage),
            data_hash: run.data_hash,
            source_hash: run.source_hash,
            serial: lang.f(
                "models.serial_days",
                &[("mean", &lang.formats.number(mean, 1)), ("sd", &lang.formats.number(sd, 1))],
            ),
            serial_source: plan.serial_interval_source.clone(),
        });
    }
    respond::page(&here, &page)
}
