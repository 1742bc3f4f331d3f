//! `/account/alerts`: choosing one, confirming it from the mail, ending it.

mod stop;

pub(super) use stop::machines;

use super::account::languages;
use super::login::{Peer, ip};
use super::rights::link::{click, email, link, over};
use super::rights::{Fields, Sent, person, proven};
use crate::alerts::{self, Wish};
use crate::here::{Lang, Site};
use crate::mailer::Letter;
use crate::respond;
use crate::rights::contacts;
use crate::rights::proofs::{self, Proof, Purpose};
use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use domain::profile::Signal;
use kit::{Params, Problem};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/account/alerts", get(show).post(choose))
        .route("/account/alerts/confirm", get(asks).post(confirm))
        .route("/account/alerts/{id}/end", post(end))
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Page<'a> {
    site: &'a Site,
    lang: &'a Lang,
    said: Option<String>,
    email: Option<String>,
    nation: String,
    signals: Vec<(String, String)>,
    /// Id, signal, place, threshold.
    rows: Vec<(String, String, String, String)>,
    languages: Vec<(String, String, String, bool)>,
}

/// The signals that an alert can be about: those that are forecast.
fn forecast(site: &Site) -> impl Iterator<Item = &Signal> {
    site.app.profile.signals.iter().filter(|s| s.forecast.is_some())
}

fn unit(lang: &Lang, signal: &Signal) -> String {
    lang.t(format!("alerts.unit.{}", signal.unit.as_str()))
}

const SAID: [&str; 7] = ["sent", "kept", "many", "ended", "place", "later", "unseen"];

/// `GET /account/alerts`.
async fn show(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["lang", "done"]);
    let lang = site.lang(params.one("lang")?, &headers).ok_or(Problem::NotFound("language"))?;
    let done = params.one("done")?.filter(|d| SAID.contains(d));
    let person = person(&site, &headers).await?.unwrap_or_default();
    let kept = match &person.contact {
        Some(contact) => alerts::of(&mut *site.app.db.acquire().await?, contact).await?,
        None => Vec::new(),
    };
    let rows = kept.into_iter().map(|a| {
        let signal = forecast(&site).find(|s| s.id.to_string() == a.signal);
        let unit = signal.map(|s| unit(lang, s)).unwrap_or_default();
        (
            a.id,
            lang.t(format!("signal.{}", a.signal)),
            a.place,
            format!("{} {unit}", lang.formats.number(a.threshold, 1)),
        )
    });
    let page = Page {
        said: done.map(|d| lang.t(format!("alerts.done.{d}"))),
        email: person.email().map(str::to_owned),
        nation: site.app.profile.nation.to_string(),
        signals: forecast(&site)
            .map(|s| {
                (s.id.to_string(), format!("{} ({})", lang.t(format!("signal.{}", s.id)), unit(lang, s)))
            })
            .collect(),
        rows: rows.collect(),
        languages: languages(&site, lang, "/account/alerts"),
        site: &site,
        lang,
    };
    respond::page(lang, StatusCode::OK, &page, None)
}

/// `POST /account/alerts`: sends a link to the address; nothing is kept before it is used. The same answer for every address.
async fn choose(
    State(site): State<Arc<Site>>,
    peer: Peer,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let fields = Fields::of(sent)?;
    let lang = site.lang(fields.get("lang").ok(), &headers).ok_or(Problem::NotFound("language"))?;
    let code = &lang.language.code;
    let back = |word: &str| respond::see_other(&format!("/account/alerts?lang={code}&done={word}"));
    let Some(email) = email(&fields)? else { return back("unseen") };
    let named = fields.get("signal")?;
    let signal = forecast(&site).find(|s| s.id.to_string() == named);
    let signal = signal.ok_or(Problem::invalid("signal", "is none that is forecast here"))?;
    let place = fields.get("place")?.to_uppercase();
    // "12,5" is a number where people write it so.
    let threshold: f64 = fields.get("threshold")?.replace(',', ".").parse().unwrap_or(f64::NAN);
    if !threshold.is_finite() || threshold <= 0.0 || threshold > 1e9 {
        return Err(Problem::invalid("threshold", "is no number above zero"));
    }
    match site.source.ask(&signal.id.to_string(), &place, &lang.language.tag).await {
        Ok(Some(_)) => {}
        Ok(None) => return back("place"),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "an alert cannot be chosen");
            return back("later");
        }
    }
    site.throttle.letter(ip(&peer), &headers, &email, false)?;
    let wish = Wish { signal: signal.id.to_string(), place, threshold };
    let proof = Proof {
        email: email.clone(),
        wish: Some(serde_json::to_value(&wish).map_err(anyhow::Error::from)?),
        language: code.clone(),
        ..Proof::default()
    };
    let mut conn = site.app.db.acquire().await?;
    let link = link(&site, &mut conn, Purpose::Alert, &proof, "/account/alerts/confirm").await?;
    drop(conn);
    let text = rust_i18n::replace_patterns(
        &lang.t("mail.confirm.text"),
        &["signal", "place", "threshold", "link", "consent"],
        &[
            lang.t(format!("signal.{}", wish.signal)),
            wish.place,
            format!("{} {}", lang.formats.number(threshold, 1), unit(lang, signal)),
            link,
            lang.t("alerts.consent"),
        ],
    );
    site.post(Letter { to: email, subject: lang.t("mail.confirm.subject"), text, stop: None });
    back("sent")
}

/// `GET /account/alerts/confirm?token=…`.
async fn asks(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    click(&site, query.as_deref(), &headers, "alert", "/account/alerts/confirm")
}

/// `POST /account/alerts/confirm`: the alert counts, and with it the consent to the text that the page and the mail showed.
async fn confirm(State(site): State<Arc<Site>>, headers: HeaderMap, sent: Sent) -> Result<Response, Problem> {
    let fields = Fields::of(sent)?;
    let now = site.time.now();
    let mut tx = site.app.db.begin().await?;
    let Some(proof) = proofs::take(&mut tx, Purpose::Alert, fields.get("token")?, now).await? else {
        return over(&site, &headers);
    };
    let lang = site.lang(Some(&proof.language), &headers).ok_or(Problem::NotFound("language"))?;
    let wish = proof.wish.ok_or(Problem::NotFound("alert"))?;
    let wish: Wish = serde_json::from_value(wish).map_err(anyhow::Error::from)?;
    let contact = contacts::keep(&mut tx, &proof.email, &proof.language, now).await?;
    let text = lang.t("alerts.consent");
    let kept = alerts::keep(&mut tx, &contact, &wish, (&lang.language.code, &text), now).await?;
    tx.commit().await?;
    let word = if kept.is_some() { "kept" } else { "many" };
    respond::see_other(&format!("/account/alerts?lang={}&done={word}", lang.language.code))
}

/// `POST /account/alerts/{id}/end`: one of one's own.
async fn end(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    let contact = person.contact.as_ref().ok_or(Problem::NotFound("alert"))?;
    let mut tx = site.app.db.begin().await?;
    if !alerts::end(&mut tx, contact, &id, site.time.now()).await? {
        return Err(Problem::NotFound("alert"));
    }
    site.ended(vec![id]).await?;
    tx.commit().await?;
    respond::see_other("/account/alerts?done=ended")
}
