//! Rectification of an address: the new one is proven before it counts, in the browser in which it was asked for.

use super::desk::Desk;
use super::link::{click, email, link, over};
use super::{Fields, Sent, just_proven, proven, theirs};
use crate::cookies::{self, VISIT};
use crate::here::Site;
use crate::mailer::Letter;
use crate::respond;
use crate::rights::Held;
use crate::rights::contacts;
use crate::rights::proofs::{self, Proof, Purpose};
use crate::rights::requests;
use crate::routes::login::{Peer, ip};
use crate::routes::sessions::ANEW;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kit::Problem;
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /account/rights/address/new`: sends a link to the new address. The answer is the same for every address.
pub(crate) async fn send(
    State(site): State<Arc<Site>>,
    peer: Peer,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let person = proven(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let Some(email) = email(&fields)? else {
        return respond::see_other("/account/rights?done=unseen");
    };
    if !person.is_known() {
        return respond::see_other("/account/rights?done=nothing");
    }
    // Who reads the mail of an account must not make its letters go elsewhere, those about its passkeys among them.
    if person.account.is_none() && person.contact.as_ref().is_some_and(|c| c.account_id.is_some()) {
        return respond::see_other("/account/rights?done=address_login");
    }
    if !just_proven(&site, &headers).await? {
        return respond::see_other(ANEW);
    }
    site.throttle.letter(ip(&peer), &headers, &email, false)?;
    let lang = theirs(&site, &person, &headers)?;
    let desk = Desk::open(&site, &person, "rectification").await?;
    let proof = Proof {
        email: email.clone(),
        account_id: person.account.as_ref().map(|a| a.id.clone()),
        wish: person.contact.as_ref().map(|c| json!({ "old": c.email })),
        request_id: Some(desk.id().to_owned()),
        language: lang.language.code.clone(),
    };
    let mut tx = site.app.db.begin().await?;
    // Of whoever is erased meanwhile no address stays.
    if !person.held(&mut tx, Held::Together).await? {
        return Err(Problem::Unauthorized("what was kept of whoever asks is erased"));
    }
    let link = link(&site, &mut tx, Purpose::Address, &proof, "/account/rights/address").await?;
    tx.commit().await?;
    site.post(Letter {
        to: email,
        subject: lang.t("mail.address.subject"),
        text: lang.f("mail.address.text", "link", &link),
        stop: None,
    });
    respond::see_other("/account/rights?done=address_sent")
}

/// `GET /account/rights/address?token=…`.
pub(crate) async fn asks(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    click(&site, query.as_deref(), &headers, "address", "/account/rights/address")
}

/// `POST /account/rights/address`: the new address counts, if whoever asked is still there.
pub(crate) async fn confirm(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let now = site.time.now();
    let key = site.receipt_key().await?;
    let mut tx = site.app.db.begin().await?;
    let Some(proof) = proofs::take(&mut tx, Purpose::Address, fields.get("token")?, now).await? else {
        return over(&site, &headers);
    };
    let old = proof.wish.as_ref().and_then(|w| w.get("old")).and_then(Value::as_str);
    // Somebody who was talked into opening another one's link gives nothing away: dropped, the link can be used still.
    let same = match (&proof.account_id, &person.account) {
        (Some(asked), Some(here)) => *asked == here.id,
        (None, None) => old.is_some() && old == person.email(),
        _ => false,
    };
    if !same {
        return Err(Problem::Forbidden("this link was asked for by somebody else"));
    }
    let changed = match (&person.account, old) {
        (Some(account), _) => {
            contacts::of_this_account(&mut tx, &account.id, &proof.email, &proof.language, now).await?
        }
        (None, Some(old)) => contacts::change(&mut tx, old, &proof.email, now).await?,
        (None, None) => false,
    };
    if !changed {
        return respond::see_other("/account/rights?done=address_taken");
    }
    if let Some(old) = old {
        let here = cookies::get(&headers, VISIT).filter(|_| person.account.is_none());
        proofs::moved(&mut tx, old, &proof.email, here).await?;
    }
    let request = match &proof.request_id {
        Some(id) => requests::opened(&mut tx, id).await?,
        None => None,
    };
    let request = request.ok_or(Problem::NotFound("request"))?;
    Desk::again(&site, key, request).close(tx, json!({ "field": "email" })).await?;
    if let (Some(old), Some(lang)) = (old, site.lang(Some(&proof.language), &headers)) {
        site.post(Letter {
            to: old.to_owned(),
            subject: lang.t("mail.moved.subject"),
            text: lang.f("mail.moved.text", "link", &site.link("/account/rights")),
            stop: None,
        });
    }
    respond::see_other("/account/rights?done=address")
}
