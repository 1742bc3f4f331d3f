//! Where the public keys of a token come from.

use super::token::Jwks;
use anyhow::Context as _;
use axum::body::Body;
use http_body_util::{BodyExt as _, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::pin::Pin;
use std::sync::Arc;

/// Where the keys come from.
pub type Fetch = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = anyhow::Result<Jwks>> + Send>> + Send + Sync>;

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
