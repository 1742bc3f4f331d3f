//! The check of a request, in each service.

use super::Who;
use super::fetch::Fetch;
use super::policy::Policy;
use super::token::{Claims, Parts, parts};
use crate::Problem;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// What time it is.
type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Keys are looked at again after this long: one that `identity` withdrew is not believed longer.
const KEPT: TimeDelta = TimeDelta::minutes(5);
/// Anybody can send a token with an unknown key: `identity` is not asked for each of them, but once for all that came before,
/// and no sooner than this after the last time. Nobody is turned away meanwhile: else whoever invents keys kept a new one out.
const APART: Duration = Duration::from_millis(500);
/// How long the keys are waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// No token is good for longer, whatever it says.
const LONGEST: i64 = 300;
/// Nor one that is good once.
const LONGEST_ONCE: i64 = 60;
/// Clocks differ.
const SKEW: i64 = 5;
/// Tokens that are remembered: a bound for the memory.
const MOST: usize = 10_000;
/// The same of those that were used and are good once.
const MOST_ONCE: usize = 200_000;

#[derive(Default)]
struct Known {
    keys: HashMap<String, Vec<u8>>,
    fetched: Option<DateTime<Utc>>,
    /// Tokens that stood the checks, by their SHA-256: a signature costs more than all the rest.
    tokens: HashMap<[u8; 32], (Arc<Who>, i64)>,
    /// Names of the tokens that were used and are good once, until they end by themselves.
    used: HashMap<String, i64>,
}

/// When the keys were fetched.
#[derive(Default)]
struct Turn {
    /// When the last fetch began.
    began: Option<Instant>,
    /// When the last one that came to an end began: keys that signed before are in it.
    told: Option<Instant>,
}

/// Checks tokens and permissions. One a service, as an extension of its requests.
pub struct Gate {
    policy: Policy,
    issuer: String,
    audience: String,
    fetch: Fetch,
    now: Now,
    known: Mutex<Known>,
    turn: tokio::sync::Mutex<Turn>,
    once: bool,
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
        let (known, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { policy, issuer, audience, fetch, now, known, turn, once: false }
    }

    /// The same for tokens that are good once: each has a name (`jti`) and lives a minute at most, and until it ends another one
    /// of this name is refused. Remembered in this process only: of several, each lets a token in once.
    #[must_use]
    pub fn once(self) -> Self {
        Self { once: true, ..self }
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
    /// [`Problem::Token`] for a token that does not stand the checks.
    pub async fn who(&self, token: &str) -> Result<Arc<Who>, Problem> {
        const BAD: Problem = Problem::Token("the token is not accepted");
        let now = (self.now)();
        let name: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some((who, _)) = self.known().tokens.get(&name).filter(|(_, exp)| *exp > now.timestamp()) {
            return Ok(Arc::clone(who));
        }
        let parts = parts(token).ok_or(BAD)?;
        let key = self.key(&parts, now).await.ok_or(BAD)?;
        let claims = parts.claims(&key).filter(|c| self.holds(c, now.timestamp())).ok_or(BAD)?;
        if self.once && !self.first_use(&claims, now.timestamp()) {
            return Err(BAD);
        }
        let roles = claims.roles.into_iter().filter(|r| self.policy.can_be_given(r)).collect();
        let who = Arc::new(Who { subject: claims.sub, roles, passkey: claims.passkey });
        if self.once {
            return Ok(who);
        }
        let mut known = self.known();
        if known.tokens.len() >= MOST {
            known.tokens.retain(|_, (_, exp)| *exp > now.timestamp());
        }
        if known.tokens.len() < MOST {
            known.tokens.insert(name, (Arc::clone(&who), claims.exp));
        }
        Ok(who)
    }

    /// Was a token of this name not used yet? From now on it was. One without a name is as one that was used, and so is every one
    /// when there are too many to remember.
    fn first_use(&self, claims: &Claims, now: i64) -> bool {
        let Some(name) = claims.jti.as_ref().filter(|n| (16..=64).contains(&n.len())) else { return false };
        let mut known = self.known();
        if known.used.len() >= MOST_ONCE {
            known.used.retain(|_, exp| *exp > now);
        }
        if known.used.len() >= MOST_ONCE {
            drop(known);
            tracing::warn!(
                most = MOST_ONCE,
                "more tokens that are good once than can be remembered: refused"
            );
            return false;
        }
        if known.used.get(name).is_some_and(|exp| *exp > now) {
            drop(known);
            tracing::debug!(subject = %claims.sub, "a token that is good once was sent again: refused");
            return false;
        }
        known.used.insert(name.clone(), claims.exp);
        true
    }

    fn holds(&self, claims: &Claims, now: i64) -> bool {
        let life = claims.exp.checked_sub(claims.iat).unwrap_or(i64::MAX);
        let longest = if self.once { LONGEST_ONCE } else { LONGEST };
        claims.iss == self.issuer
            && claims.aud == self.audience
            && claims.exp > now
            && claims.iat <= now + SKEW
            && (1..=longest).contains(&life)
    }

    /// The key that a token names; fetched again when it is unknown or all of them are old.
    async fn key(&self, parts: &Parts<'_>, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let came = Instant::now();
        {
            let known = self.known();
            let fresh = known.fetched.is_some_and(|at| now - at < KEPT);
            if let Some(key) = known.keys.get(&parts.kid).filter(|_| fresh) {
                return Some(key.clone());
            }
        }
        let mut turn = self.turn.lock().await;
        if turn.told.is_none_or(|at| at < came) {
            if let Some(began) = turn.began {
                sleep_until(began + APART).await;
            }
            let began = Instant::now();
            turn.began = Some(began);
            self.fetched(now).await;
            turn.told = Some(began);
        }
        drop(turn);
        self.known().keys.get(&parts.kid).cloned()
    }

    /// Fetches the keys. Those that are known stay where that fails.
    async fn fetched(&self, now: DateTime<Utc>) {
        let answer = timeout(PATIENCE, (self.fetch)()).await;
        match answer.unwrap_or_else(|_| Err(anyhow::anyhow!("they take too long"))) {
            Ok(fresh) => {
                let mut known = self.known();
                known.fetched = Some(now);
                known.keys = fresh.keys.iter().filter_map(|k| Some((k.kid.clone(), k.bytes()?))).collect();
                // A token of a key that is gone is not believed any more, however often it was.
                known.tokens.clear();
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the keys of identity cannot be fetched")
            }
        }
    }
}
