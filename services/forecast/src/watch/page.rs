//! `/watch` and `/watch.json` on the admin port.

use super::{Watched, read};
use askama::Template;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use kit::{App, Problem};

#[derive(Template)]
#[template(path = "watch.html")]
struct Page {
    country: String,
    as_of: DateTime<Utc>,
    recorded: bool,
    rows: Vec<Watched>,
}

impl Page {
    fn raised(&self) -> usize {
        self.rows.iter().map(|row| row.alarms.len()).sum()
    }

    fn percent(&self, share: &f64) -> String {
        format!("{:.0} %", 100.0 * share)
    }
}

/// The two pages.
pub fn router(app: App) -> Router {
    Router::new().route("/watch", get(page)).route("/watch.json", get(json)).with_state(app)
}

async fn page(State(app): State<App>) -> Result<Html<String>, Problem> {
    let page = Page {
        country: app.profile.nation.to_string(),
        as_of: app.clock.now(),
        recorded: app.clock.recorded().is_some(),
        rows: read(&app).await?,
    };
    Ok(Html(page.render().map_err(|error| Problem::Internal(error.into()))?))
}

async fn json(State(app): State<App>) -> Result<Json<Vec<Watched>>, Problem> {
    Ok(Json(read(&app).await?))
}
