//! `/account/keys`: the API keys of whoever is logged in. There where the country's profile has keys, and nowhere else.

mod introspect;
mod page;

use super::holder::Holder;
use super::is_name;
use super::login::{Peer, ip};
use super::rights::{Fields, Sent};
use super::sessions::mine;
use crate::here::{Lang, Site};
use crate::keys::{self, New, Rotation, Times};
use crate::respond;
use crate::rights::list::Mark;
use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::TimeDelta;
use domain::profile::identity::Keys;
use kit::Problem;
use kit::access::{Gate, OwnKeys, Permission as _, Policy};
use std::sync::Arc;

/// The longest name that a key is given.
const NAME: usize = 80;

/// Pages for people.
pub(super) fn router(site: &Site) -> Router<Arc<Site>> {
    if site.app.profile.identity.keys.is_none() {
        return Router::new();
    }
    Router::new()
        .route("/account/keys", get(page::show).post(create))
        .route("/account/keys/{id}/rotate", post(rotate))
        .route("/account/keys/{id}/revoke", post(revoke))
}

/// What services ask, by keys of their own: only where one is known.
///
/// # Errors
/// When the key of a service is none.
pub(super) fn machines(site: &Site) -> anyhow::Result<Router<Arc<Site>>> {
    if site.app.profile.identity.keys.is_none() {
        return Ok(Router::new());
    }
    // Of its own: a key of a service signs nothing that counts elsewhere, and no person's token counts here.
    let country = site.app.profile.country.to_string();
    let issuer = kit::keys::issuer(&site.app.public_url, introspect::SERVICE);
    let keys = introspect::known(site.service_key.as_deref())?;
    let policy = Policy::of_services()?;
    let owners = introspect::Owners(Policy::of_the_platform()?.roles_for(OwnKeys::NAME).into());
    let gate = Gate::new(policy, &issuer, &kit::keys::audience(&country), keys, Arc::new(kit::wall)).once();
    Ok(Router::new()
        .route(kit::keys::PATH, post(introspect::introspect))
        .layer(Extension(owners))
        .layer(Extension(Arc::new(gate))))
}

/// What the profile says of keys. The routes are there only where it says something.
fn settings(site: &Site) -> Result<&Keys, Problem> {
    site.app.profile.identity.keys.as_ref().ok_or(Problem::NotFound("address"))
}

/// To the list, which says by `word` what came of it.
fn back(lang: &Lang, word: &str) -> Result<Response, Problem> {
    respond::see_other(&format!("/account/keys?lang={}&done={word}", lang.language.code))
}

/// `POST /account/keys` with `name`, `days` and each scope that is wanted: the answer shows the key, and nothing else ever does.
async fn create(
    holder: Holder<OwnKeys>,
    State(site): State<Arc<Site>>,
    peer: Peer,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let settings = settings(&site)?;
    let fields = Fields::of(sent)?;
    let lang = site.lang(fields.get("lang").ok(), &headers).ok_or(Problem::NotFound("language"))?;
    let name = fields.get("name").unwrap_or_default();
    if !is_name(name, NAME) {
        return back(lang, "name");
    }
    let days = fields.get("days").unwrap_or_default().parse::<u32>().unwrap_or(0);
    if !(1..=settings.max_days).contains(&days) {
        return back(lang, "days");
    }
    let wanted = |scope: &&String| fields.named(scope) == Some("yes");
    let scopes: Vec<String> = settings.scopes.iter().filter(wanted).cloned().collect();
    if scopes.is_empty() {
        return back(lang, "scopes");
    }
    let (account, now) = (&holder.me.account, site.time.now());
    let country = site.app.profile.country.to_string();
    let expires_at = now + TimeDelta::days(days.into());
    let new = New { country: &country, name, scopes: &scopes, expires_at };
    let mut tx = site.app.db.begin().await?;
    let Some((_, key)) =
        keys::create((&mut tx, site.audit.as_ref()), account, &new, settings.most, now).await?
    else {
        return back(lang, "many");
    };
    tx.commit().await?;
    let said = lang.f("keys.until", "time", &lang.formats.moment(expires_at));
    page::made(&site, lang, name, &key, &said)
}

/// `POST /account/keys/{id}/rotate`: a new key; the old one goes on for the hours that the page says.
async fn rotate(
    holder: Holder<OwnKeys>,
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let settings = settings(&site)?;
    let fields = Fields::of(sent)?;
    let lang = site.lang(fields.get("lang").ok(), &headers).ok_or(Problem::NotFound("language"))?;
    let (account, now) = (&holder.me.account, site.time.now());
    let country = site.app.profile.country.to_string();
    let times = Times {
        overlap: TimeDelta::hours(settings.overlap_hours.into()),
        longest: TimeDelta::days(settings.max_days.into()),
    };
    let mut tx = site.app.db.begin().await?;
    let next = match keys::rotate(
        (&mut tx, site.audit.as_ref()),
        account,
        &id,
        &country,
        (times, settings.most),
        now,
    )
    .await?
    {
        Rotation::Done(next) => next,
        // Of somebody else, ended, replaced: as if it were not there.
        Rotation::Absent => return Err(Problem::NotFound("key")),
        Rotation::Many => return back(lang, "many"),
    };
    site.marked(Mark::Replaced, true, vec![id]).await?;
    tx.commit().await?;
    let moment = |at| lang.formats.moment(at);
    let said = format!(
        "{} {}",
        lang.f("keys.until", "time", &moment(next.expires_at)),
        lang.f("keys.old_until", "time", &moment(next.old_ends_at))
    );
    page::made(&site, lang, &next.name, &next.key, &said)
}

/// `POST /account/keys/{id}/revoke`: at once, also for somebody whose role is gone. One of somebody else is as if it were not
/// there.
async fn revoke(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let me = mine(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let lang = site.lang(fields.get("lang").ok(), &headers).ok_or(Problem::NotFound("language"))?;
    let mut tx = site.app.db.begin().await?;
    if !keys::revoke((&mut tx, site.audit.as_ref()), &me.account, &id, site.time.now()).await? {
        return Err(Problem::NotFound("key"));
    }
    site.ended(vec![id]).await?;
    tx.commit().await?;
    back(lang, "revoked")
}
