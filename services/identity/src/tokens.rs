//! Access tokens for the other services: signed here, good for a minute, checked there by [`kit::access`].

use crate::random;
use anyhow::{Context as _, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use kit::access::{Claims, Fetch, Jwk, Jwks, compact};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long a token is good: as long a role that was taken away may still be used.
pub(crate) const LIFE: TimeDelta = TimeDelta::seconds(60);
/// How long a key signs.
const SIGNS: TimeDelta = TimeDelta::hours(12);
/// How long its public half is served: longer than any token that it signed is good.
const SERVED: TimeDelta = TimeDelta::hours(13);

struct Key {
    pair: Ed25519KeyPair,
    kid: String,
    made_at: DateTime<Utc>,
}

/// Signs. The private key lives in this process only and dies with it; its public half is in the database, where every
/// replica serves it.
#[derive(Default)]
pub(crate) struct Signer(Mutex<Option<Key>>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Signs `claims` with a key that is published.
    ///
    /// # Errors
    /// When the database does not answer, or the system has no randomness.
    pub(crate) async fn sign(
        &self,
        db: &PgPool,
        claims: &Claims,
        now: DateTime<Utc>,
    ) -> anyhow::Result<String> {
        let mut place = self.0.lock().await;
        let key = match place.take().filter(|k| now - k.made_at < SIGNS) {
            Some(key) => key,
            None => fresh(db, now).await?,
        };
        let key = place.insert(key);
        compact(&key.kid, claims, |message| key.pair.sign(message).as_ref().to_vec()).context("a token")
    }
}

async fn fresh(db: &PgPool, now: DateTime<Utc>) -> anyhow::Result<Key> {
    let made =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| anyhow!("no key could be made"))?;
    let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).map_err(|_| anyhow!("no key could be made"))?;
    let kid = random::word::<16>()?;
    sqlx::query("insert into token_key (kid, public_key, expires_at) values ($1, $2, $3)")
        .bind(&kid)
        .bind(pair.public_key().as_ref())
        .bind(now + SERVED)
        .execute(db)
        .await?;
    Ok(Key { pair, kid, made_at: now })
}

/// The public keys whose tokens may still be good.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn keys(db: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Jwks> {
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("select kid, public_key from token_key where expires_at > $1 order by kid")
            .bind(now)
            .fetch_all(db)
            .await?;
    Ok(Jwks { keys: rows.iter().map(|(kid, key)| Jwk::new(kid, key)).collect() })
}

/// Removes the keys that are served no more. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn sweep(db: &PgPool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query("delete from token_key where expires_at <= $1").bind(now).execute(db).await?;
    Ok(done.rows_affected())
}

/// The keys for the checks of this service itself.
pub(crate) fn own(db: PgPool, now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>) -> Fetch {
    Arc::new(move || {
        let (db, now) = (db.clone(), now());
        Box::pin(async move { Ok(keys(&db, now).await?) })
    })
}
