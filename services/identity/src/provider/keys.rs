//! What a provider says about itself, and its keys: fetched when needed, kept for an hour, keys again when one is unknown.

use super::{Client, Failure, Provider};
use chrono::{DateTime, TimeDelta, Utc};
use domain::profile::identity::ClientAuth;
use openidconnect::{AuthType, ClientId, ClientSecret, JsonWebKeySet, ProviderMetadataWithLogout};
use url::Url;

const KEPT: TimeDelta = TimeDelta::hours(1);
/// Anybody can send a token with an unknown key: the provider is not asked for each of them.
const AGAIN: TimeDelta = TimeDelta::seconds(10);

/// A provider's description.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) metadata: ProviderMetadataWithLogout,
    fetched: DateTime<Utc>,
    keys_fetched: DateTime<Utc>,
}

impl Provider {
    /// What is known, fetched where it is missing or old. A provider that is down is used as it was known.
    ///
    /// # Errors
    /// [`Failure::Provider`] when it was never reached.
    pub(super) async fn known(&self) -> Result<Known, Failure> {
        let now = self.time.now();
        let have = self.known.read().await.clone();
        if let Some(known) = have.as_ref().filter(|k| now - k.fetched < KEPT) {
            return Ok(known.clone());
        }
        let mut place = self.known.write().await;
        if let Some(known) = place.as_ref().filter(|k| now - k.fetched < KEPT) {
            return Ok(known.clone());
        }
        match ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http).await {
            Ok(metadata) => {
                self.check(&metadata)?;
                let known = Known { metadata, fetched: now, keys_fetched: now };
                *place = Some(known.clone());
                Ok(known)
            }
            Err(error) => match have {
                Some(old) => {
                    tracing::warn!(provider = %self.declared.id, %error, "the provider's description is used as it was");
                    Ok(old)
                }
                None => Err(Failure::Provider(anyhow::Error::new(error).context("its description"))),
            },
        }
    }

    /// Fetches the keys again after one was unknown. `None`: they were fetched a moment ago.
    ///
    /// # Errors
    /// [`Failure::Provider`] when it does not answer.
    pub(super) async fn newer_keys(&self) -> Result<Option<Known>, Failure> {
        let now = self.time.now();
        let mut place = self.known.write().await;
        let Some(known) = place.as_mut().filter(|k| now - k.keys_fetched >= AGAIN) else { return Ok(None) };
        let keys = JsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &self.http)
            .await
            .map_err(|e| Failure::Provider(anyhow::Error::new(e).context("its keys")))?;
        known.metadata = known.metadata.clone().set_jwks(keys);
        known.keys_fetched = now;
        tracing::info!(provider = %self.declared.id, "the keys were fetched again");
        Ok(Some(known.clone()))
    }

    /// Every address that the description names must be one that may be asked, or that a browser may be sent to.
    fn check(&self, metadata: &ProviderMetadataWithLogout) -> Result<(), Failure> {
        let mut named: Vec<&Url> = vec![metadata.authorization_endpoint().url(), metadata.jwks_uri().url()];
        named.extend(metadata.token_endpoint().map(|u| u.url()));
        named.extend(metadata.userinfo_endpoint().map(|u| u.url()));
        named.extend(metadata.additional_metadata().end_session_endpoint.as_ref().map(|u| u.url()));
        match named.into_iter().find(|url| !self.http.allows(url)) {
            Some(url) => Err(Failure::Provider(anyhow::anyhow!("its description names {url}"))),
            None => Ok(()),
        }
    }

    /// The library's client over what is known.
    pub(super) fn client(&self, known: &Known) -> Client {
        let id = ClientId::new(self.registration.client_id.clone());
        let secret = self.registration.client_secret.clone().map(ClientSecret::new);
        let secret = secret.filter(|_| self.key.is_none());
        let kind = match self.declared.client_auth {
            ClientAuth::ClientSecretBasic => AuthType::BasicAuth,
            ClientAuth::ClientSecretPost | ClientAuth::PrivateKeyJwt => AuthType::RequestBody,
        };
        Client::from_provider_metadata(known.metadata.clone(), id, secret)
            .set_auth_type(kind)
            .set_redirect_uri(self.redirect.clone())
    }
}
