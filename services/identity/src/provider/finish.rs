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
#[derive(Clone)]
pub struct Login {
    /// What the provider calls the person.
    pub subject: String,
    /// What goes into the session.
    pub origin: Origin,
}

impl std::fmt::Debug for Login {
    // Without what the provider calls the person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("origin", &self.origin).finish_non_exhaustive()
    }
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
    // The library's sentences quote what stands in a token, whose it is among it: the log gets the kind only.
    fn from(error: ClaimsVerificationError) -> Self {
        let kind = match error {
            ClaimsVerificationError::InvalidAuthContext(got) => return Self::Assurance(got),
            ClaimsVerificationError::SignatureVerification(why) => {
                return Self::Token(unsigned(&why).to_owned());
            }
            ClaimsVerificationError::Expired(_) => "it is too old, or of a time to come",
            ClaimsVerificationError::InvalidAudience(_) => "it is for somebody else, or for others too",
            ClaimsVerificationError::InvalidAuthTime(_) => "the login at the provider was too long ago",
            ClaimsVerificationError::InvalidIssuer(_) => "it is of another issuer",
            ClaimsVerificationError::InvalidNonce(_) => "it was made for another login",
            ClaimsVerificationError::InvalidSubject(_) => "it speaks of another person than the ID token",
            ClaimsVerificationError::Unsupported(_) => "it is of a kind that is not supported",
            _ => "it cannot be read",
        };
        Self::Token(kind.to_owned())
    }
}

/// What is wrong with a signature, without the names of keys and algorithms, which anybody can write into a token.
fn unsigned(why: &SignatureVerificationError) -> &'static str {
    match why {
        SignatureVerificationError::NoMatchingKey => "no key of the provider signed it",
        SignatureVerificationError::NoSignature => "it is not signed",
        SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::UnsupportedAlg(_) => {
            "it is signed in a way that is not accepted"
        }
        SignatureVerificationError::AmbiguousKeyId(_) => "several keys of the provider could have signed it",
        _ => "its signature is none",
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
            .map_err(|e| Failure::Provider(e.into()))?;
        if let Some(verifier) = &login.pkce_verifier {
            request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.clone()));
        }
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
                authenticated_at: claims.auth_time(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_token_stands_in_the_reason_why_it_is_refused() {
        let word = || "subject-canary".to_owned();
        let all = [
            ClaimsVerificationError::Expired(word()),
            ClaimsVerificationError::InvalidAudience(word()),
            ClaimsVerificationError::InvalidAuthTime(word()),
            ClaimsVerificationError::InvalidIssuer(word()),
            ClaimsVerificationError::InvalidNonce(word()),
            ClaimsVerificationError::InvalidSubject(word()),
            ClaimsVerificationError::Other(word()),
            ClaimsVerificationError::Unsupported(word()),
        ];
        let signatures = [
            SignatureVerificationError::AmbiguousKeyId(word()),
            SignatureVerificationError::CryptoError(word()),
            SignatureVerificationError::DisallowedAlg(word()),
            SignatureVerificationError::InvalidKey(word()),
            SignatureVerificationError::UnsupportedAlg(word()),
            SignatureVerificationError::Other(word()),
        ];
        let signatures = signatures.map(ClaimsVerificationError::SignatureVerification);
        for error in all.into_iter().chain(signatures) {
            let said = Failure::from(error);
            assert!(!format!("{said} {said:?}").contains("canary"), "{said}");
        }
    }

    #[test]
    fn who_logged_in_is_not_shown_by_debug() {
        let origin = Origin {
            sid: Some("canary".into()),
            acr: "class".into(),
            logout_hint: Some("canary".into()),
            ..Origin::default()
        };
        let shown = format!("{:?}", Login { subject: "canary".into(), origin });
        assert!(shown.contains("class") && !shown.contains("canary"), "{shown}");
    }
}
