//! Pages of words: accessibility, legal, privacy; and the styles for developers.

use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::response::Response;
use domain::profile::UNSET;
use kit::Problem;
use kit::source::Named;

#[derive(Template)]
#[template(path = "accessibility.html")]
struct Accessibility<'a> {
    here: &'a Here,
    contact: String,
}

#[derive(Template)]
#[template(path = "legal.html")]
struct Legal<'a> {
    here: &'a Here,
    fields: Vec<(String, String)>,
    sources: Vec<Named>,
}

#[derive(Template)]
#[template(path = "privacy.html")]
struct Privacy<'a> {
    here: &'a Here,
    contact: String,
}

#[derive(Template)]
#[template(path = "styleguide.html")]
struct Styleguide<'a> {
    here: &'a Here,
}

/// A field of the operator, or that it is still to be completed.
fn field(here: &Here, names: &[&str]) -> String {
    let legal = &here.site.app.profile.legal;
    let found = names.iter().find_map(|name| legal.get(*name));
    found.filter(|v| *v != UNSET).cloned().unwrap_or_else(|| here.t("legal.unset"))
}

pub(super) async fn accessibility(mut here: Here) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let contact = field(&here, &["accessibility_contact", "contact"]);
    respond::page(&here, &Accessibility { here: &here, contact })
}

pub(super) async fn legal(mut here: Here) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let names: Vec<String> = here.site.app.profile.legal.keys().cloned().collect();
    let fields =
        names.iter().map(|n| (here.t(format!("legal.field.{n}")), field(&here, &[n.as_str()]))).collect();
    let mut conn = here.site.app.db.acquire().await.map_err(Problem::from)?;
    let profile = &here.site.app.profile;
    let mut sources = store::sources::all(&mut conn).await?;
    sources.retain(|s| profile.signals.iter().any(|x| x.all_sources().any(|id| id.as_str() == s.id)));
    let sources = sources.iter().map(|s| Named::of(&here.lang().language, s)).collect();
    respond::page(&here, &Legal { here: &here, fields, sources })
}

pub(super) async fn privacy(mut here: Here) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let contact = field(&here, &["privacy_contact", "data_protection_officer", "contact"]);
    respond::page(&here, &Privacy { here: &here, contact })
}

pub(super) async fn styleguide(here: Here) -> Result<Response, Problem> {
    respond::page(&here, &Styleguide { here: &here })
}
