//! A permission for people with a browser: the session says who it is, their roles what they may do.

use super::{Me, me};
use crate::accounts;
use crate::here::Site;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use kit::Problem;
use kit::access::{Gate, Permission, Who};
use std::marker::PhantomData;
use std::sync::Arc;

/// Proof that whoever is logged in may do `P`: first in a handler's signature, as `Allowed` is for whoever sends a token.
pub(crate) struct Holder<P> {
    pub(crate) me: Me,
    permission: PhantomData<P>,
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for Holder<P>
where
    Arc<Site>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let site = Arc::<Site>::from_ref(state);
        let nothing = Problem::Forbidden("nothing says who may do this");
        let gate = parts.extensions.get::<Arc<Gate>>().cloned().ok_or(nothing)?;
        let me = me(&site, &parts.headers).await?.ok_or(Problem::Unauthorized("nobody is logged in"))?;
        if !may(&site, &gate, &me, P::NAME).await? {
            return Err(Problem::Forbidden("none of your roles may do this"));
        }
        let since = site.time.now() - site.passkey_age;
        if site.policy.wants_passkey(P::NAME) && !me.session.confirmed_after(since) {
            return Err(Problem::StepUp);
        }
        Ok(Self { me, permission: PhantomData })
    }
}

/// May somebody who is logged in do it now? Nobody whose account is not to be used.
pub(crate) async fn may(site: &Site, gate: &Gate, me: &Me, permission: &str) -> Result<bool, Problem> {
    if !me.account.is_usable() {
        return Ok(false);
    }
    let mut conn = site.app.db.acquire().await?;
    let roles = accounts::roles(&mut conn, &me.account.id, site.time.now()).await?;
    Ok(gate.may(Some(&Who { subject: String::new(), roles, passkey: false }), permission))
}
