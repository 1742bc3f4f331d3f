//! A country's OpenID Connect provider, as this installation is registered there.

mod assertion;
mod finish;
mod keys;
mod logout;
mod start;

pub use finish::{Failure, Login};
pub use start::Start;

use crate::http::Http;
use crate::options::Registration;
use crate::time::Time;
use anyhow::{Context as _, bail};
use assertion::Key;
use domain::profile::identity::{ClientAuth, Provider as Declared};
use keys::Known;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields,
    IssuerUrl, RedirectUrl, StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;

/// What an ID token may carry beyond OpenID Connect Core.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extra {
    /// The provider's own session.
    #[serde(default)]
    sid: Option<String>,
    /// What a logout token is about; an ID token has none.
    #[serde(default)]
    events: Option<serde_json::Map<String, serde_json::Value>>,
    /// A logout token's name.
    #[serde(default)]
    jti: Option<String>,
}
impl AdditionalClaims for Extra {}

impl std::fmt::Debug for Extra {
    // Without the provider's session, which ends by its name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Extra")
    }
}

type Fields = IdTokenFields<
    Extra,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Client = openidconnect::Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Signatures that are accepted: none that needs a shared secret, and never `none`.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A provider where this installation is registered.
#[derive(Debug)]
pub struct Provider {
    declared: Declared,
    registration: Registration,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    goodbye: String,
    key: Option<Key>,
    http: Http,
    time: Time,
    known: RwLock<Option<Known>>,
}

impl Provider {
    /// Nothing is asked yet: a provider that is down does not keep the service from starting.
    ///
    /// # Errors
    /// When the registration lacks what the provider's kind of client needs.
    pub fn new(
        declared: Declared,
        registration: Registration,
        origin: &str,
        time: Time,
    ) -> anyhow::Result<Self> {
        let id = declared.id.clone();
        let issuer = registration.issuer.clone().unwrap_or_else(|| declared.issuer.clone());
        let issuer = IssuerUrl::new(issuer)
            .with_context(|| format!("the registration at {id} needs the `issuer` that came with it"))?;
        let key = match (declared.client_auth, &registration.client_secret, &registration.private_key) {
            (ClientAuth::PrivateKeyJwt, _, Some(pem)) => {
                Some(Key::read(pem).with_context(|| format!("the private_key of {id}"))?)
            }
            (ClientAuth::PrivateKeyJwt, _, None) => bail!("the registration at {id} needs a `private_key`"),
            (_, Some(_), _) => None,
            (_, None, _) => bail!("the registration at {id} needs a `client_secret`"),
        };
        let origin = origin.trim_end_matches('/');
        let http = Http::new(issuer.url())?;
        if !http.allows(issuer.url()) {
            bail!("the issuer of {id} is {}: write an https address", issuer.as_str());
        }
        Ok(Self {
            redirect: RedirectUrl::new(format!("{origin}/oidc/callback/{id}"))?,
            goodbye: format!("{origin}/account/goodbye"),
            known: RwLock::default(),
            issuer,
            key,
            http,
            declared,
            registration,
            time,
        })
    }

    /// As the profile declares it.
    #[must_use]
    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    /// The issuer that its tokens must name.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }
}
