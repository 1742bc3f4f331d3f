//! The page: before the proof a form for an address, after it what is kept and what can be done with it.

use super::{person, read};
use crate::alerts;
use crate::here::{Lang, Site};
use crate::respond;
use crate::rights::{Person, export, requests};
use crate::routes::account::languages;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::{Params, Problem};
use std::sync::Arc;

type Languages = Vec<(String, String, String, bool)>;

#[derive(Template)]
#[template(path = "rights_ask.html")]
struct Ask<'a> {
    site: &'a Site,
    lang: &'a Lang,
    said: Option<String>,
    languages: Languages,
}

/// A table with rows about the person.
struct Kept {
    name: String,
    purpose: String,
    rows: usize,
}

/// A request as its person sees it.
struct Row {
    kind: String,
    made: String,
    state: String,
    receipt: Option<String>,
}

#[derive(Template)]
#[template(path = "rights.html")]
struct Rights<'a> {
    site: &'a Site,
    lang: &'a Lang,
    said: Option<String>,
    languages: Languages,
    person: &'a Person,
    kept: Vec<Kept>,
    requests: Vec<Row>,
    /// Is there a consent to take back?
    agrees: bool,
}

impl Rights<'_> {
    /// Does the address belong to an account that was not logged in to?
    fn is_linked(&self) -> bool {
        self.person.account.is_none() && self.person.contact.as_ref().is_some_and(|c| c.account_id.is_some())
    }

    /// Is this the language of what is sent to the person?
    fn speaks(&self, code: &str) -> bool {
        self.person.contact.as_ref().is_some_and(|c| c.language == code)
    }
}

/// After an erasure: the receipt, since nothing else is left.
#[derive(Template)]
#[template(path = "erased.html")]
pub(super) struct Done<'a> {
    pub(super) site: &'a Site,
    pub(super) lang: &'a Lang,
    pub(super) receipt: String,
    pub(super) languages: Languages,
}

/// What can be said above the page after something was done.
const SAID: [&str; 17] = [
    "sent",
    "over",
    "left",
    "nothing",
    "unsure",
    "language",
    "restriction",
    "objection",
    "lifted",
    "withdrawn",
    "no_consent",
    "question",
    "address_sent",
    "address_taken",
    "address_login",
    "address",
    "unseen",
];

/// `GET /account/rights`.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["lang", "done"]);
    let named = params.one("lang")?;
    let done = params.one("done")?.filter(|d| SAID.contains(d));
    let Some(person) = person(&site, &headers).await? else {
        let lang = site.lang(named, &headers).ok_or(Problem::NotFound("language"))?;
        let said = done.map(|d| lang.t(format!("rights.done.{d}")));
        let languages = languages(&site, lang, "/account/rights");
        return respond::page(lang, StatusCode::OK, &Ask { site: &site, lang, said, languages }, None);
    };
    let lang = match named {
        Some(_) => site.lang(named, &headers).ok_or(Problem::NotFound("language"))?,
        None => read(&site, &person, &headers)?,
    };
    let mut conn = site.app.db.acquire().await?;
    let rows = export::rows(&mut conn, &person).await?;
    let requests = requests::of(&mut conn, &person.pseudonyms()).await?;
    let agrees = match &person.contact {
        Some(contact) => alerts::agrees(&mut conn, contact).await?,
        None => false,
    };
    drop(conn);
    let kept = rows.into_iter().filter_map(|(name, rows)| {
        let rows = rows.as_array().map_or(0, |r| r.len());
        let purpose = lang.t(format!("kept.table.{name}"));
        (rows > 0).then_some(Kept { name, purpose, rows })
    });
    let requests = requests.into_iter().map(|r| Row {
        kind: lang.or(&format!("rights.kind.{}", r.kind), "rights.kind.question"),
        made: lang.formats.moment(r.made_at),
        state: match r.done_at {
            Some(at) => lang.f("rights.answered", "time", &lang.formats.moment(at)),
            None => lang.f("rights.until", "time", &lang.formats.moment(r.due_at)),
        },
        receipt: r.receipt.map(|_| r.id),
    });
    let page = Rights {
        said: done.map(|d| lang.t(format!("rights.done.{d}"))),
        languages: languages(&site, lang, "/account/rights"),
        kept: kept.collect(),
        requests: requests.collect(),
        agrees,
        person: &person,
        site: &site,
        lang,
    };
    respond::page(lang, StatusCode::OK, &page, None)
}
