//! The way back: the code for a token, and what the token says, believed only after every check.

use super::keys::Known;
use super::{ALGORITHMS, Client, Extra, Provider};
use crate::logins;
use crate::sessions::Origin;
use chrono::TimeDelta;
use domain::profile::identity::{Logout, Userinfo};
use openidconnect::core::{CoreGenderClaim, CoreJsonWebKey, CoreUserInfoClaims};
use openidconnect::{
    AccessToken, AuthorizationCode, ClaimsVerificationError, IdTokenClaims, IdTokenVerifier, Nonce,
    OAuth2TokenResponse as _, PkceCodeVerifier, SignatureVerificationError, TokenResponse as _,
    UserInfoResponseType,
};

/// An ID token is fresh: it is fetched directly, a moment after it was made.
const FRESH: TimeDelta = TimeDelta::minutes(5);
/// Clocks differ.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// Somebody whom the provider vouches for.
#[derive(Debug, Clone)]
pub struct Login {
    /// What the provider calls the person.
    pub subject: String,
    /// What goes into the session.
    pub origin: Origin,
}

/// Why a login fails.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It does not answer, or wrongly.
    #[error("the provider: {0:#}")]
    Provider(anyhow::Error),
    /// It answers that it will not, with a word of OAuth 2.0: `access_denied`.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// The person proved who they are less strongly than this country wants.
    #[error("authenticated as {0}, which is not accepted")]
    Assurance(String),
    /// What it sent does not stand the checks.
    #[error("the token is not accepted: {0}")]
    Token(String),
}

impl From<ClaimsVerificationError> for Failure {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::InvalidAuthContext(got) => Self::Assurance(got),
            ClaimsVerificationError::SignatureVerification(why) => Self::Token(why.to_string()),
            other => Self::Token(other.to_string()),
        }
    }
}

impl Provider {
    /// Exchanges `code` and checks what comes: signature by a current key, issuer, audience, expiry, age, nonce, `acr`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn finish(&self, code: &str, login: &logins::Login) -> Result<Login, Failure> {
        let mut known = self.known().await?;
        let client = self.client(&known);
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|e| Failure::Provider(e.into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(login.pkce_verifier.clone()));
        if let Some(key) = &self.key {
            let audience =
                known.metadata.token_endpoint().map_or_else(String::new, |u| u.as_str().to_owned());
            for (name, value) in key.assertion(&self.registration, &audience, self.time.now())? {
                request = request.add_extra_param(name, value);
            }
        }
        // Its text may quote what was sent: the log gets the kind only.
        let tokens = request.request_async(&self.http).await.map_err(|e| match e {
            openidconnect::RequestTokenError::ServerResponse(r) => Failure::Refused(r.error().to_string()),
            openidconnect::RequestTokenError::Request(e) => Failure::Provider(anyhow::Error::new(e)),
            _ => Failure::Provider(anyhow::anyhow!("its token answer cannot be read")),
        })?;
        let token = tokens.id_token().ok_or_else(|| Failure::Token("there is no ID token".to_owned()))?;
        let nonce = Nonce::new(login.nonce.clone());
        let unknown =
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey);
        let mut claims = token.claims(&self.verifier(&known), &nonce).cloned();
        if claims.as_ref().is_err_and(|e| *e == unknown)
            && let Some(newer) = self.newer_keys().await?
        {
            known = newer;
            claims = token.claims(&self.verifier(&known), &nonce).cloned();
        }
        let claims = claims?;
        if claims.additional_claims().events.is_some() {
            return Err(Failure::Token("it is a logout token".to_owned()));
        }
        if self.declared.userinfo != Userinfo::None {
            self.described(&self.client(&known), tokens.access_token(), &claims).await?;
        }
        let hint = (self.declared.logout == Logout::IdTokenHint).then(|| token.to_string());
        Ok(Login {
            subject: claims.subject().to_string(),
            origin: Origin {
                sid: claims.additional_claims().sid.clone(),
                acr: claims.auth_context_ref().map_or_else(String::new, |a| a.to_string()),
                logout_hint: hint,
            },
        })
    }

    /// The checks of an ID token. The provider is not believed about `acr`: a class that was asked for as a wish may come
    /// back lower.
    pub(super) fn verifier(&self, known: &Known) -> IdTokenVerifier<'_, CoreJsonWebKey> {
        let now = self.time.now();
        self.plain_verifier(known)
            .set_auth_context_verifier_fn(|acr| match acr {
                Some(acr) if self.declared.acr_values.iter().any(|a| a == acr.as_str()) => Ok(()),
                Some(acr) => Err(acr.to_string()),
                None => Err("nothing said".to_owned()),
            })
            .set_issue_time_verifier_fn(move |at| {
                if at > now + SKEW || at < now - FRESH { Err(format!("issued at {at}")) } else { Ok(()) }
            })
    }

    /// The checks of any token of this provider.
    pub(super) fn plain_verifier(&self, known: &Known) -> IdTokenVerifier<'_, CoreJsonWebKey> {
        let id = openidconnect::ClientId::new(self.registration.client_id.clone());
        IdTokenVerifier::new_public_client(id, self.issuer.clone(), known.metadata.jwks().clone())
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(|| self.time.now())
    }

    /// Asks for the person's description and takes nothing from it: the provider wants to be asked, and it must speak of
    /// the same person, signed where the profile says so.
    async fn described(
        &self,
        client: &Client,
        token: &AccessToken,
        claims: &IdTokenClaims<Extra, CoreGenderClaim>,
    ) -> Result<(), Failure> {
        let signed = self.declared.userinfo == Userinfo::SignedJwt;
        let kind = if signed { UserInfoResponseType::Jwt } else { UserInfoResponseType::Json };
        let request = client
            .user_info(token.clone(), Some(claims.subject().clone()))
            .map_err(|e| Failure::Provider(e.into()))?
            .require_signed_response(signed)
            .set_response_type(kind);
        let _: CoreUserInfoClaims = request.request_async(&self.http).await.map_err(|e| match e {
            openidconnect::UserInfoError::ClaimsVerification(e) => Failure::from(e),
            openidconnect::UserInfoError::Request(e) => Failure::Provider(anyhow::Error::new(e)),
            _ => Failure::Provider(anyhow::anyhow!("its description of the person cannot be read")),
        })?;
        Ok(())
    }
}
