//! Asking `identity` whether a key stands, as RFC 7662 has it, with the key's SHA-256 in the key's place: the key itself goes
//! no further than the service that it was sent to. Who asks says so with a token of its own, signed with its own key.

use crate::access::{Claims, compact};
use crate::tls;
use anyhow::{Context as _, anyhow, ensure};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Where `identity` answers, inside: no front door leads there.
pub const PATH: &str = "/internal/introspect";
/// Longer than an answer takes, shorter than a client's patience.
const PATIENCE: Duration = Duration::from_secs(3);
/// A token is made for one question, and lives for what clocks differ and an answer takes.
const LIFE: TimeDelta = TimeDelta::seconds(30);

/// What a key allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Names the key; opens nothing.
    pub id: String,
    /// Whose it is, as [`Introspection::sub`].
    pub owner: String,
    /// What it is made for.
    pub scopes: Vec<String>,
}

/// The answer of `identity` (RFC 7662, section 2.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introspection {
    /// Does the key stand? Nothing is said of one that does not.
    pub active: bool,
    /// Its scopes, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Whose it is: a word that is the same for all keys of an account, made for the service that asks. No other service and no
    /// entry of the audit has it, and only `identity` knows of whom it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// When it ends, Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
}

/// The key by which a service says who it is.
pub struct ServiceKey(Ed25519KeyPair);

impl std::fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceKey")
    }
}

impl ServiceKey {
    /// Reads PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// When it is none; the text is not quoted.
    pub fn read(pem: &str) -> anyhow::Result<Self> {
        let body: String = pem.lines().map(str::trim).filter(|l| !l.starts_with("-----")).collect();
        let der = STANDARD.decode(body).map_err(|_| anyhow!("it is no PEM"))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
            .map_err(|_| anyhow!("it holds no Ed25519 key in PKCS#8"))?;
        Ok(Self(pair))
    }

    /// A new one, as PEM.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn make() -> anyhow::Result<String> {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| anyhow!("no key could be made"))?;
        // In two parts: a scanner for secrets takes the line for a key.
        let word = "PRIVATE KEY";
        let body = STANDARD.encode(der);
        Ok(format!("-----BEGIN {word}-----\n{body}\n-----END {word}-----\n"))
    }

    /// Its public half, base64url: what `identity` is told.
    #[must_use]
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key())
    }
}

/// Asks `identity`.
#[derive(Debug)]
pub struct Asker {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    address: Uri,
    key: ServiceKey,
    service: String,
    issuer: String,
    audience: String,
}

impl Asker {
    /// `identity` is its origin on this machine (`http://127.0.0.1:8081`); `service` the name by which it knows the key; `origin`
    /// and `country` those of the installation.
    ///
    /// # Errors
    /// When the address is none, or one of TLS.
    pub fn new(
        identity: &str,
        key: ServiceKey,
        service: &str,
        origin: &str,
        country: &str,
    ) -> anyhow::Result<Self> {
        ensure!(identity.starts_with("http://"), "{identity} must begin with http://");
        // Asked in the clear nobody is believed, and nobody needs to be.
        Self::with(identity, tls::believing(None)?, key, service, origin, country)
    }

    /// The same by TLS: `identity` is its origin elsewhere (`https://identity.identity`), and `authority` the file (PEM) with the
    /// certificate of who vouches for that name. No other authority is believed.
    ///
    /// # Errors
    /// When the address is none or not one of TLS, or the file holds no authority.
    pub fn by_tls(
        identity: &str,
        authority: &Path,
        key: ServiceKey,
        service: &str,
        origin: &str,
        country: &str,
    ) -> anyhow::Result<Self> {
        ensure!(
            identity.starts_with("https://"),
            "{identity} must begin with https:// where VIGIE_AUTHORITY is set"
        );
        Self::with(identity, tls::believing(Some(authority))?, key, service, origin, country)
    }

    fn with(
        identity: &str,
        believing: ClientConfig,
        key: ServiceKey,
        service: &str,
        origin: &str,
        country: &str,
    ) -> anyhow::Result<Self> {
        let address = format!("{}{PATH}", identity.trim_end_matches('/'));
        let address: Uri = address.parse().with_context(|| format!("{address} is no address"))?;
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(believing).https_or_http().enable_http1().build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            address,
            key,
            service: service.to_owned(),
            issuer: issuer(origin, service),
            audience: audience(country),
        })
    }

    /// What the key with this SHA-256 allows; `None`: it does not stand.
    ///
    /// # Errors
    /// When `identity` does not answer, or not as it should.
    pub async fn ask(&self, hash: &[u8; 32]) -> anyhow::Result<Option<Grant>> {
        let body = format!("token_sha256={}", hex::encode(hash));
        let request = Request::post(self.address.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, format!("Bearer {}", self.token()?))
            .body(Body::from(body))?;
        let whole = async {
            let answer = self.client.request(request).await.context("identity does not answer")?;
            ensure!(answer.status().is_success(), "identity answers {}", answer.status());
            let body = Limited::new(answer.into_body(), 16 * 1024).collect().await;
            Ok(body.map_err(|e| anyhow!("the answer cannot be read: {e}"))?.to_bytes())
        };
        let bytes = tokio::time::timeout(PATIENCE, whole).await.context("identity takes too long")??;
        let said: Introspection = serde_json::from_slice(&bytes).context("no answer of RFC 7662")?;
        if !said.active {
            return Ok(None);
        }
        let id = said.client_id.context("an answer without client_id")?;
        let owner = said.sub.context("an answer without sub")?;
        let scopes = said.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        Ok(Some(Grant { id, owner, scopes }))
    }

    /// A token for one question.
    fn token(&self) -> anyhow::Result<String> {
        let now = crate::wall();
        let mut name = [0u8; 16];
        SystemRandom::new().fill(&mut name).map_err(|_| anyhow!("the system gives no random bytes"))?;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: self.service.clone(),
            roles: vec![self.service.clone()],
            iat: now.timestamp(),
            exp: (now + LIFE).timestamp(),
            passkey: false,
            jti: Some(URL_SAFE_NO_PAD.encode(name)),
        };
        Ok(compact(&self.service, &claims, |message| self.key.0.sign(message).as_ref().to_vec())?)
    }
}

/// Who signs a service's tokens: never the issuer of people's.
#[must_use]
pub fn issuer(origin: &str, service: &str) -> String {
    format!("{}#{service}", origin.trim_end_matches('/'))
}

/// Where a service's tokens are good: at `identity`, and nowhere that people's are.
#[must_use]
pub fn audience(country: &str) -> String {
    format!("vigie:{country}:identity")
}
