//! The paths of the contract: `/account` for people, `/oidc` for providers and services.

mod access;
mod account;
mod alerts;
mod backchannel;
mod holder;
mod keys;
mod login;
mod passkeys;
mod rights;
mod sessions;
mod trail;

use crate::here::Site;
use crate::options::Options;
use crate::rights::{proofs, requests};
use crate::time::Time;
use crate::{accounts, assets, cookies, csrf, errors, logins, tokens};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use kit::access::Gate;
use kit::security::{self, Event, Outcome};
use kit::{App, Problem};
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

/// How often the requests of persons are counted.
const COUNT: Duration = Duration::from_secs(30);
/// How often what is over is removed.
const SWEEP: Duration = Duration::from_secs(600);
/// No form of ours and no logout token is longer.
const FORM: usize = 64 * 1024;

/// The routes of this service. `app.db` is its own database.
///
/// # Errors
/// When a registration cannot be used, or there are no formats for one of the country's languages.
pub fn router(app: App, options: Options, time: Time) -> anyhow::Result<Router> {
    let site = Arc::new(Site::new(app, options, time)?);
    if !site.secure {
        tracing::warn!(
            origin = %site.origin,
            "nobody can log in: a browser keeps the cookies of a login only over https or on this machine"
        );
    }
    let now: Arc<dyn Fn() -> _ + Send + Sync> = Arc::new({
        let time = site.time.clone();
        move || time.now()
    });
    let keys = tokens::own(site.app.db.clone(), Arc::clone(&now));
    let gate = Gate::new(site.policy.clone(), &site.issuer(), &site.audience(), keys, now);
    tokio::spawn(sweep(Arc::downgrade(&site)));
    tokio::spawn(count(Arc::downgrade(&site)));
    // Sent by providers and programs, not by browsers: what they send is signed, and no cookie counts here.
    let machines = Router::new()
        .route("/oidc/backchannel/{provider}", post(backchannel::logout))
        .route("/oidc/jwks.json", get(access::keys))
        .route("/account/people/{id}/disable", post(access::disable))
        .route("/account/people/{id}/enable", post(access::enable))
        .route("/account/receipts/keys.json", get(rights::receipts::keys))
        .route("/account/people/{id}/passkeys/reset", post(passkeys::reset))
        .route("/account/audit", get(access::audit))
        .merge(alerts::machines())
        .merge(keys::machines(&site)?);
    let people = Router::new()
        .route("/account", get(account::show))
        .route("/account/login/{provider}", get(login::start))
        .route("/account/goodbye", get(account::goodbye))
        .route("/account/token", post(access::token))
        .route("/account/audit-trail", get(trail::show))
        .route("/account/logout", post(sessions::logout))
        .route("/account/sessions/others/end", post(sessions::end_others))
        .route("/account/sessions/{id}/end", post(sessions::end))
        .route("/account/static/{name}", get(assets::file))
        .route("/oidc/callback/{provider}", get(login::callback))
        .merge(rights::router())
        .merge(alerts::router())
        .merge(passkeys::router())
        .merge(keys::router(&site))
        .layer(from_fn_with_state(Arc::clone(&site), csrf::own_pages_only));
    if site.erasures.is_none() {
        tracing::warn!(
            "VIGIE_ERASURES is not set: a restored backup would bring back whoever was erased since"
        );
    }
    if site.audit.is_none() {
        tracing::warn!(
            "VIGIE_AUDIT_DATABASE_URL is not set: the role that writes everything writes the audit too"
        );
    }
    Ok(kit::problem_fallbacks(people.merge(machines))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::Internal(anyhow::anyhow!("a handler panicked")).into_response()
        }))
        .layer(DefaultBodyLimit::max(FORM))
        .layer(Extension(Arc::new(gate)))
        .layer(from_fn(errors::no_zero))
        .layer(from_fn_with_state(Arc::clone(&site), errors::as_pages))
        .layer(from_fn_with_state(Arc::clone(&site), errors::goes_on))
        // Whatever it is about: what may be kept says so itself.
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .with_state(site))
}

/// Removes what is over, again and again: logins that nobody finished, sessions that ended, counts that are full again.
async fn sweep(site: std::sync::Weak<Site>) {
    loop {
        let Some(site) = site.upgrade() else { return };
        if let Err(error) = swept(&site).await {
            tracing::error!(%error, "what is over could not be removed; it is tried again");
        }
        drop(site);
        tokio::time::sleep(SWEEP).await;
    }
}

async fn swept(site: &Site) -> sqlx::Result<()> {
    site.throttle.sweep();
    let (logins, sessions) = remove(&site.app, site.time.now()).await?;
    tracing::debug!(logins, sessions, "removed what is over");
    Ok(())
}

/// What the running service removes every ten minutes. Returns how many logins and sessions.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(app: &App, now: DateTime<Utc>) -> sqlx::Result<(u64, u64)> {
    let mut conn = app.db.acquire().await?;
    let logins = logins::sweep(&mut conn, now).await?;
    let kept = TimeDelta::days(app.profile.law.keep_days.session.into());
    let sessions = crate::sessions::sweep(&mut conn, app.profile.identity.session, now - kept).await?;
    proofs::sweep(&mut conn, now).await?;
    crate::passkeys::challenges::sweep(&mut conn, now).await?;
    drop(conn);
    tokens::sweep(&app.db, now).await?;
    Ok((logins, sessions))
}

/// Counts what persons wait for, again and again: the alarm of the law's clock.
async fn count(site: std::sync::Weak<Site>) {
    loop {
        let Some(site) = site.upgrade() else { return };
        match counted(&site).await {
            Ok((warned, overdue)) if warned > 0 => {
                tracing::debug!(
                    warned,
                    overdue,
                    "requests of persons wait: `identity requests list` names them"
                );
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "the requests of persons could not be counted; it is tried again")
            }
        }
        drop(site);
        tokio::time::sleep(COUNT).await;
    }
}

async fn counted(site: &Site) -> sqlx::Result<(i64, i64)> {
    let mut conn = site.app.db.acquire().await?;
    let (open, warned, overdue) = requests::clock(&mut conn, site.app.profile.law, site.time.now()).await?;
    for (state, count) in [("open", open), ("warned", warned), ("overdue", overdue)] {
        let count = f64::from(i32::try_from(count).unwrap_or(i32::MAX));
        metrics::gauge!("identity_requests", "state" => state).set(count);
    }
    Ok((warned, overdue))
}

/// Whoever is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Me {
    pub(crate) session: crate::sessions::Session,
    pub(crate) account: accounts::Account,
}

/// Whose session the request carries, if it is alive.
pub(crate) async fn me(site: &Site, headers: &HeaderMap) -> Result<Option<Me>, Problem> {
    let Some(token) = cookies::get(headers, cookies::SESSION) else { return Ok(None) };
    let mut conn = site.app.db.acquire().await?;
    let (limits, now) = (site.app.profile.identity.session, site.time.now());
    let Some(session) = crate::sessions::of_token(&mut conn, token, limits, now).await? else {
        security::event(Event::Session, Outcome::Refused, "it is over, or never was");
        return Ok(None);
    };
    let account = accounts::named(&mut conn, &session.account_id).await?;
    if let Some(account) = &account {
        security::known(&account.pseudonym());
    }
    Ok(account.map(|account| Me { session, account }))
}

/// What somebody may call a thing of theirs: one line of 1 to `most` characters.
pub(crate) fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
