//! Information: every field that may be kept about somebody, what for, on which ground, for how long. Made from the register
//! that the export follows and that a test compares with the database.

use crate::here::{Lang, Site};
use crate::respond;
use crate::rights::register::{Register, Table};
use crate::routes::account::languages;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::profile::law::Keep;
use kit::{Params, Problem};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "kept.html")]
struct Page<'a> {
    site: &'a Site,
    lang: &'a Lang,
    tables: Vec<Shown>,
    languages: Vec<(String, String, String, bool)>,
}

struct Shown {
    name: String,
    title: String,
    purpose: String,
    basis: String,
    keep: String,
    columns: Vec<(String, String)>,
}

/// For how long, with the country's days where the profile has them.
fn keep(lang: &Lang, word: &str, days: Keep) -> String {
    let days = match word {
        "session" => days.session,
        "account" => days.account,
        "contact" => days.contact,
        "request" => days.request,
        "consent" => days.consent,
        "key" => days.key,
        "audit" => days.audit,
        _ => 0,
    };
    lang.f(format!("kept.keep.{word}"), "days", &days.to_string())
}

/// `GET /account/rights/kept`.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["lang"]);
    let lang = site.lang(params.one("lang")?, &headers).ok_or(Problem::NotFound("language"))?;
    let days = site.app.profile.law.keep_days;
    let shown = |table: Table| {
        let column =
            |(name, category): (&str, &str)| (name.to_owned(), lang.t(format!("kept.category.{category}")));
        let columns: Vec<_> = table.personal().map(column).collect();
        (!columns.is_empty()).then(|| Shown {
            title: lang.t(format!("kept.table.{}", table.name)),
            purpose: lang.t(format!("kept.purpose.{}", table.purpose)),
            basis: lang.t(format!("kept.basis.{}", table.basis)),
            keep: keep(lang, &table.keep, days),
            name: table.name,
            columns,
        })
    };
    let tables = Register::read()?.table.into_iter().filter_map(shown).collect();
    let languages = languages(&site, lang, "/account/rights/kept");
    respond::page(lang, StatusCode::OK, &Page { site: &site, lang, tables, languages }, None)
}
