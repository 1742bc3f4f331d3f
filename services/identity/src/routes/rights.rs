//! `/account/rights`: what a person may ask for, each by their own hand.

mod act;
mod address;
mod desk;
mod export;
mod kept;
pub(super) mod link;
mod page;
pub(super) mod receipts;

use super::me;
use super::sessions::is_fresh;
use crate::cookies::{self, VISIT};
use crate::here::{Lang, Site};
use crate::rights::{Person, proofs};
use axum::Form;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use kit::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/account/rights", get(page::show))
        .route("/account/rights/link", post(link::send))
        .route("/account/rights/open", get(link::asks).post(link::open))
        .route("/account/rights/leave", post(link::leave))
        .route("/account/rights/kept", get(kept::show))
        .route("/account/rights/export", post(export::export))
        .route("/account/rights/language", post(act::language))
        .route("/account/rights/address", get(address::asks).post(address::confirm))
        .route("/account/rights/address/new", post(address::send))
        .route("/account/rights/restriction", post(act::restriction))
        .route("/account/rights/objection", post(act::objection))
        .route("/account/rights/consent", post(act::consent))
        .route("/account/rights/erasure", post(act::erasure))
        .route("/account/rights/question", post(act::question))
        .route("/account/rights/receipts/{id}", get(receipts::one))
}

/// What a form sent.
pub(crate) struct Fields(BTreeMap<String, String>);

pub(crate) type Sent = Result<Form<BTreeMap<String, String>>, FormRejection>;

impl Fields {
    pub(crate) fn of(sent: Sent) -> Result<Self, Problem> {
        match sent {
            // What no text of the database can hold: whoever sends it is no browser.
            Ok(Form(fields)) if fields.values().any(|v| v.contains('\0')) => {
                Err(Problem::invalid("form", "holds a character that no text has"))
            }
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(_) => Err(Problem::invalid("form", "cannot be read")),
        }
    }

    /// What the field says, if it is there.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| v.trim())
    }

    pub(crate) fn get(&self, name: &'static str) -> Result<&str, Problem> {
        match self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty()) {
            Some(value) => Ok(value),
            None => Err(Problem::invalid(name, "is missing")),
        }
    }
}

/// Whoever asks, if they proved who they are: by a session, or by a link that was sent to their address.
pub(crate) async fn person(site: &Site, headers: &HeaderMap) -> Result<Option<Person>, Problem> {
    if let Some(me) = me(site, headers).await? {
        let mut conn = site.app.db.acquire().await?;
        return Ok(Some(Person::of_account(&mut conn, &me.account.id).await?));
    }
    let Some(token) = cookies::get(headers, VISIT) else { return Ok(None) };
    let mut conn = site.app.db.acquire().await?;
    match proofs::visit(&mut conn, token, site.time.now()).await? {
        Some(email) => Ok(Some(Person::of_email(&mut conn, &email).await?)),
        None => Ok(None),
    }
}

/// The same, or a refusal.
pub(crate) async fn proven(site: &Site, headers: &HeaderMap) -> Result<Person, Problem> {
    person(site, headers).await?.ok_or(Problem::Unauthorized("nobody is logged in, and no link was opened"))
}

/// Did they prove it just now? A link does: it was opened in this browser at most half an hour ago. A session may be one that
/// somebody else found open.
async fn just_proven(site: &Site, headers: &HeaderMap) -> Result<bool, Problem> {
    Ok(me(site, headers).await?.is_none_or(|me| is_fresh(site, &me)))
}

/// The language of a page for a person: the one that they chose, else [`theirs`].
fn read<'a>(site: &'a Site, person: &Person, headers: &HeaderMap) -> Result<&'a Lang, Problem> {
    site.chosen(headers).map_or_else(|| theirs(site, person, headers), Ok)
}

/// The language of what is sent to a person: that of their address, else the reader's.
pub(crate) fn theirs<'a>(site: &'a Site, person: &Person, headers: &HeaderMap) -> Result<&'a Lang, Problem> {
    let kept = person.contact.as_ref().map(|c| c.language.as_str());
    site.lang(kept, headers).ok_or(Problem::NotFound("language"))
}
