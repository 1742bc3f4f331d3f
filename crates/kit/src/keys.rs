//! API keys: how one is written ([`format`]), whom a service asks whether it stands ([`Asker`]), and what it lets a program do
//! ([`Scoped`]). `identity` makes and keeps them, as SHA-256; a service sees a key for the length of a request.

mod ask;
pub mod format;
mod layer;
mod scope;

pub use ask::{Asker, Grant, Introspection, PATH, ServiceKey, audience, issuer};
pub use layer::{Keyed, keyed};
pub use scope::{ReadBulk, ReadFigures, SCOPES, Scope, Scoped};

use crate::App;
use crate::config::{ConfigError, var};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// Whom `service` asks, as the environment says: `VIGIE_IDENTITY_URL`, the origin of `identity` inside, and
/// `VIGIE_SERVICE_KEY`, the file (PEM, secret) with the Ed25519 key by which the service says who it is. Neither: `None`, and no
/// API key can be checked. `VIGIE_AUTHORITY`: the file (PEM) of who vouches for that origin, when it is asked by TLS.
///
/// # Errors
/// [`ConfigError::Invalid`] when one is there without the other, or is none.
pub fn asker(service: &str, app: &App) -> Result<Option<Arc<Asker>>, ConfigError> {
    let (identity, path) =
        (var("VIGIE_IDENTITY_URL", String::new())?, var("VIGIE_SERVICE_KEY", PathBuf::new())?);
    if identity.is_empty() && path.as_os_str().is_empty() {
        tracing::warn!(
            "VIGIE_IDENTITY_URL is not set: API keys cannot be checked, and are answered with 503"
        );
        return Ok(None);
    }
    // Of the file only its name is said.
    let wrong = |name, why: String| ConfigError::Invalid {
        name,
        value: if name == "VIGIE_IDENTITY_URL" { identity.clone() } else { path.display().to_string() },
        why,
    };
    let key_file = |why: String| wrong("VIGIE_SERVICE_KEY", why);
    let pem = std::fs::read_to_string(&path).map_err(|e| key_file(e.to_string()))?;
    let key = ServiceKey::read(&pem).map_err(|e| key_file(e.to_string()))?;
    let country = app.profile.country.to_string();
    let authority = var("VIGIE_AUTHORITY", PathBuf::new())?;
    let asker = if authority.as_os_str().is_empty() {
        Asker::new(&identity, key, service, &app.public_url, &country)
            .map_err(|e| e.context("VIGIE_AUTHORITY is not set"))
    } else {
        Asker::by_tls(&identity, &authority, key, service, &app.public_url, &country)
    };
    asker.map(|asker| Some(Arc::new(asker))).map_err(|e| wrong("VIGIE_IDENTITY_URL", format!("{e:#}")))
}

/// What is kept of a key, and what travels between services in its place. SHA-256 and nothing slower: 256 random bits cannot
/// be guessed, however fast a guess is tried; a slow hash is for what people choose.
#[must_use]
pub fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
