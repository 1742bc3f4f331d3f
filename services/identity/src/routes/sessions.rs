//! Ending sessions: one's own, and nobody else's.

use super::{Me, me};
use crate::cookies::{self, SESSION};
use crate::here::Site;
use crate::sessions::Which;
use crate::{random, respond, sessions};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::TimeDelta;
use kit::Problem;
use kit::security::{self, Event, Outcome};
use std::sync::Arc;

pub(super) async fn mine(site: &Site, headers: &HeaderMap) -> Result<Me, Problem> {
    me(site, headers).await?.ok_or(Problem::Unauthorized("nobody is logged in"))
}

/// One line for each session that ended.
fn ended(count: usize, why: &str) {
    for _ in 0..count {
        security::event(Event::Session, Outcome::Done, why);
    }
}

/// `POST /account/logout`: ends this session, here and at the provider.
pub(crate) async fn logout(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut to = "/account?done=out".to_owned();
    if let Some(me) = me(&site, &headers).await? {
        let mut conn = site.app.db.acquire().await?;
        let one = Which::One(&me.session.id);
        let hints = sessions::end(&mut conn, &me.account.id, one, "logout", site.time.now()).await?;
        drop(conn);
        ended(hints.len(), "logged out");
        if let Some(provider) = site.provider(&me.account.provider) {
            let hint = hints.into_iter().flatten().next();
            // Comes back as it is: the page that says goodbye speaks the language of the one that was left.
            let spoken = site.chosen(&headers).map_or("", |lang| lang.language.code.as_str());
            match provider.end_session(hint.as_deref(), &format!("{}.{spoken}", random::secret()?)).await {
                Ok(Some(url)) => to = url.into(),
                Ok(None) => {}
                // The session here is over all the same.
                Err(failure) => {
                    tracing::warn!(provider = %me.account.provider, %failure, "no logout at the provider")
                }
            }
        }
    }
    let mut response = respond::see_other(&to)?;
    cookies::forget(response.headers_mut(), &[SESSION])?;
    Ok(response)
}

/// For so long after a login one may do what whoever finds the session open must not: end other sessions, erase everything, take
/// everything along, have letters sent elsewhere.
const FRESH: TimeDelta = TimeDelta::minutes(10);

/// Did whoever asks just prove who they are, by a login or a passkey? A login for which the provider asked nobody, since it still
/// knew the browser, is as old as the one before it. Who only got hold of an open session does not lock its owner
/// out with it; and the owner, who can log in, ends that one at once.
pub(super) fn is_fresh(site: &Site, me: &Me) -> bool {
    let now = site.time.now();
    me.session.created_at > now - FRESH || me.session.confirmed_after(now - site.passkey_age)
}

/// The page that asks for a login first.
pub(super) const ANEW: &str = "/account?done=anew";

/// `POST /account/sessions/{id}/end`: ends one of one's sessions. One of somebody else is as if it were not there.
pub(crate) async fn end(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let me = mine(&site, &headers).await?;
    if id != me.session.id && !is_fresh(&site, &me) {
        return respond::see_other(ANEW);
    }
    let mut conn = site.app.db.acquire().await?;
    let found = sessions::end(&mut conn, &me.account.id, Which::One(&id), "ended", site.time.now()).await?;
    if found.is_empty() {
        return Err(Problem::NotFound("session"));
    }
    ended(found.len(), "ended from another one");
    respond::see_other("/account?done=ended")
}

/// `POST /account/sessions/others/end`: ends all but this one.
pub(crate) async fn end_others(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let me = mine(&site, &headers).await?;
    if !is_fresh(&site, &me) {
        return respond::see_other(ANEW);
    }
    let mut conn = site.app.db.acquire().await?;
    let others = Which::Others(&me.session.id);
    let found = sessions::end(&mut conn, &me.account.id, others, "ended", site.time.now()).await?;
    ended(found.len(), "ended from another one");
    respond::see_other("/account?done=others")
}
