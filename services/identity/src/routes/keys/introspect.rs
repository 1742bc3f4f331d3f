//! `POST /internal/introspect`: does a key stand? RFC 7662, for services only; no front door leads here.

use crate::here::Site;
use crate::keys;
use crate::routes::rights::{Fields, Sent};
use anyhow::Context as _;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::Problem;
use kit::access::{Allowed, Fetch, IntrospectKeys, Jwk, Jwks};
use kit::keys::Introspection;
use std::sync::Arc;

/// The service that asks.
pub(super) const SERVICE: &str = "data-api";

/// The key that the operator named; without one nobody may ask.
///
/// # Errors
/// When it is no key of 32 bytes, base64url.
pub(super) fn known(public: Option<&str>) -> anyhow::Result<Fetch> {
    let key = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok().filter(|b| b.len() == 32);
        let bytes = bytes.context("VIGIE_DATA_API_KEY is no public Ed25519 key (32 bytes, base64url)")?;
        Ok::<_, anyhow::Error>(Jwk::new(SERVICE, &bytes))
    };
    let jwks = Jwks { keys: public.map(key).transpose()?.into_iter().collect() };
    Ok(Arc::new(move || {
        let jwks = jwks.clone();
        Box::pin(async move { Ok(jwks) })
    }))
}

/// The roles whose keys stand.
#[derive(Debug, Clone)]
pub(super) struct Owners(pub(super) Arc<[String]>);

/// Every request is answered from the database: a key that is revoked does not stand at the next one.
pub(super) async fn introspect(
    _: Allowed<IntrospectKeys>,
    State(site): State<Arc<Site>>,
    Extension(owners): Extension<Owners>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = Fields::of(sent)?;
    let hash = bytes(fields.get("token_sha256")?);
    let hash = hash.ok_or(Problem::invalid("token_sha256", "is no SHA-256 in hexadecimal digits"))?;
    let mut conn = site.app.db.acquire().await?;
    let found = keys::of_hash(&mut conn, &hash, &owners.0, site.time.now()).await?;
    let said = found.map_or_else(Introspection::default, |found| Introspection {
        active: true,
        scope: Some(found.key.scopes.join(" ")),
        sub: Some(found.owner_for(SERVICE)),
        exp: Some(found.key.expires_at.timestamp()),
        client_id: Some(found.key.id),
    });
    Ok(([(CACHE_CONTROL, "no-store")], Json(said)).into_response())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let fits = digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit);
    if fits { digits.chunks(2).map(pair).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    proptest::proptest! {
        #[test]
        fn only_64_hexadecimal_digits_are_a_hash(text in ".*", hash: [u8; 32]) {
            let written: String = hash.iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(bytes(&written), Some(hash.to_vec()));
            assert!(text.len() == 64 || bytes(&text).is_none());
        }
    }
}
