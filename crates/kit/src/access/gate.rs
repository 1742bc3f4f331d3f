//! The check of a request, in each service.

use super::Who;
use super::policy::Policy;
use super::token::{Claims, Jwks, Parts, parts};
use crate::Problem;
use anyhow::Context as _;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the keys come from.
pub type Fetch = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = anyhow::Result<Jwks>> + Send>> + Send + Sync>;
/// What time it is.
type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Keys are looked at again after this long: one that `identity` withdrew is not believed longer.
const KEPT: TimeDelta = TimeDelta::minutes(5);
/// Anybody can send a token with an unknown key: `identity` is not asked for each of them.
const AGAIN: TimeDelta = TimeDelta::seconds(5);
/// No token is good for longer, whatever it says.
const LONGEST: i64 = 300;
/// Clocks differ.
const SKEW: i64 = 5;
/// Tokens that are remembered: a bound for the memory.
const MOST: usize = 10_000;

#[derive(Default)]
struct Known {
    keys: HashMap<String, Vec<u8>>,
    fetched: Option<DateTime<Utc>>,
    /// Tokens that stood the checks, by their SHA-256: a signature costs more than all the rest.
    tokens: HashMap<[u8; 32], (Arc<Who>, i64)>,
}

/// Checks tokens and permissions. One a service, as an extension of its requests.
pub struct Gate {
    policy: Policy,
    issuer: String,
    audience: String,
    fetch: Fetch,
    now: Now,
    known: Mutex<Known>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate for tokens that the `identity` of `issuer` made for `audience` (`vigie:fr`).
    #[must_use]
    pub fn new(policy: Policy, issuer: &str, audience: &str, fetch: Fetch, now: Now) -> Self {
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        Self { policy, issuer, audience, fetch, now, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May somebody, or everybody, do it?
    #[must_use]
    pub fn may(&self, who: Option<&Who>, permission: &str) -> bool {
        self.policy.may(who, permission)
    }

    /// Is a passkey wanted for it?
    #[must_use]
    pub fn wants_passkey(&self, permission: &str) -> bool {
        self.policy.wants_passkey(permission)
    }

    /// Whom a token speaks of.
    ///
    /// # Errors
    /// [`Problem::Unauthorized`] for a token that does not stand the checks.
    pub async fn who(&self, token: &str) -> Result<Arc<Who>, Problem> {
        const BAD: Problem = Problem::Unauthorized("the token is not accepted");
        let now = (self.now)();
        let name: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some((who, _)) = self.known().tokens.get(&name).filter(|(_, exp)| *exp > now.timestamp()) {
            return Ok(Arc::clone(who));
        }
        let parts = parts(token).ok_or(BAD)?;
        let key = self.key(&parts, now).await.ok_or(BAD)?;
        let claims = parts.claims(&key).filter(|c| self.holds(c, now.timestamp())).ok_or(BAD)?;
        let roles = claims.roles.into_iter().filter(|r| self.policy.can_be_given(r)).collect();
        let who = Arc::new(Who { subject: claims.sub, roles, passkey: claims.passkey });
        let mut known = self.known();
        if known.tokens.len() >= MOST {
            known.tokens.retain(|_, (_, exp)| *exp > now.timestamp());
        }
        if known.tokens.len() < MOST {
            known.tokens.insert(name, (Arc::clone(&who), claims.exp));
        }
        Ok(who)
    }

    fn holds(&self, claims: &Claims, now: i64) -> bool {
        let life = claims.exp.checked_sub(claims.iat).unwrap_or(i64::MAX);
        claims.iss == self.issuer
            && claims.aud == self.audience
            && claims.exp > now
            && claims.iat <= now + SKEW
            && (1..=LONGEST).contains(&life)
    }

    /// The key that a token names; fetched again when it is unknown or all of them are old.
    async fn key(&self, parts: &Parts<'_>, now: DateTime<Utc>) -> Option<Vec<u8>> {
        {
            let mut known = self.known();
            let age = known.fetched.map(|at| now - at);
            let have = known.keys.get(&parts.kid).cloned();
            let ask = match (&have, age) {
                (_, None) => true,
                (Some(_), Some(age)) => age >= KEPT,
                (None, Some(age)) => age >= AGAIN,
            };
            if !ask {
                return have;
            }
            known.fetched = Some(now);
        }
        match (self.fetch)().await {
            Ok(fresh) => {
                let mut known = self.known();
                known.keys = fresh.keys.iter().filter_map(|k| Some((k.kid.clone(), k.bytes()?))).collect();
                // A token of a key that is gone is not believed any more, however often it was.
                known.tokens.clear();
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the keys of identity cannot be fetched")
            }
        }
        self.known().keys.get(&parts.kid).cloned()
    }
}

/// Keys from `identity`'s own address within the cluster: `http://identity.identity/oidc/jwks.json`.
#[must_use]
pub fn keys_at(address: axum::http::Uri) -> Fetch {
    let client: Client<HttpConnector, Body> =
        Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    Arc::new(move || {
        let (client, address) = (client.clone(), address.clone());
        Box::pin(async move {
            let answer = client.get(address).await.context("identity does not answer")?;
            anyhow::ensure!(answer.status().is_success(), "identity answers {}", answer.status());
            let body = Limited::new(answer.into_body(), 64 * 1024).collect().await;
            let body = body.map_err(|e| anyhow::anyhow!("the keys cannot be read: {e}"))?.to_bytes();
            serde_json::from_slice(&body).context("the keys are no JWK set")
        })
    })
}
