//! The two ways out: we tell the provider (RP-initiated), or it tells us (back-channel).

use super::{Failure, Provider};
use crate::sessions::Notice;
use chrono::TimeDelta;
use domain::profile::identity::Logout;
use openidconnect::core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm};
use openidconnect::{
    ClaimsVerificationError, ClientId, CsrfToken, IdToken, JsonWebTokenType, LogoutRequest, Nonce,
    PostLogoutRedirectUrl, SignatureVerificationError,
};
use std::str::FromStr as _;
use url::Url;

/// The one event of a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const SKEW: TimeDelta = TimeDelta::seconds(60);
const FRESH: TimeDelta = TimeDelta::minutes(5);

type Token =
    IdToken<super::Extra, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

impl Provider {
    /// Where to send a browser so that its session at the provider ends too; `None` where the provider has no such
    /// address. `hint` is the ID token of the session, `state` comes back.
    ///
    /// # Errors
    /// [`Failure::Provider`] when the provider was never reached.
    pub async fn end_session(&self, hint: Option<&str>, state: &str) -> Result<Option<Url>, Failure> {
        let known = self.known().await?;
        let Some(address) = known.metadata.additional_metadata().end_session_endpoint.clone() else {
            return Ok(None);
        };
        let back =
            PostLogoutRedirectUrl::new(self.goodbye.clone()).map_err(|e| Failure::Provider(e.into()))?;
        let mut request = LogoutRequest::from(address)
            .set_post_logout_redirect_uri(back)
            .set_client_id(ClientId::new(self.registration.client_id.clone()))
            .set_state(CsrfToken::new(state.to_owned()));
        let token = hint.and_then(|h| Token::from_str(h).ok());
        if let (Logout::IdTokenHint, Some(token)) = (self.declared.logout, token) {
            request = request.set_id_token_hint(&token);
        }
        Ok(Some(request.http_get_url()))
    }

    /// The origin of the provider's logout page, which the form of our page leads to; what is known already is enough.
    pub async fn logout_origin(&self) -> Option<String> {
        let known = self.known().await.ok()?;
        let address = known.metadata.additional_metadata().end_session_endpoint.as_ref()?.url();
        Some(address.origin().ascii_serialization())
    }

    /// Reads a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6): signed, of this issuer, for us, fresh, about a logout,
    /// and no ID token. One that names a session without the person is refused: no provider of ours sends it.
    ///
    /// # Errors
    /// [`Failure::Token`].
    pub async fn notice(&self, token: &str) -> Result<Notice, Failure> {
        let unreadable = |_| Failure::Token("it is no logout token".to_owned());
        let token = Token::from_str(token).map_err(unreadable)?;
        let known = self.known().await?;
        let unknown =
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey);
        let none =
            |nonce: Option<&Nonce>| nonce.map_or(Ok(()), |_| Err("a logout token has none".to_owned()));
        let kind = JsonWebTokenType::new("logout+jwt".to_owned())
            .normalize()
            .map_err(|e| Failure::Token(e.to_string()))?;
        let verifier = |known| self.plain_verifier(known).set_allowed_jose_types([kind.clone()]);
        let mut claims = token.claims(&verifier(&known), none).cloned();
        if claims.as_ref().is_err_and(|e| *e == unknown)
            && let Some(newer) = self.newer_keys().await?
        {
            claims = token.claims(&verifier(&newer), none).cloned();
        }
        let claims = claims?;
        let extra = claims.additional_claims();
        let about =
            extra.events.as_ref().and_then(|e| e.get(EVENT)).is_some_and(serde_json::Value::is_object);
        if !about || extra.jti.is_none() {
            return Err(Failure::Token("it says nothing of a logout".to_owned()));
        }
        let (at, now) = (claims.issue_time(), self.time.now());
        if at > now + SKEW || at < now - FRESH {
            return Err(Failure::Token(format!("issued at {at}")));
        }
        Ok(Notice {
            issuer: self.issuer().to_owned(),
            subject: claims.subject().to_string(),
            sid: extra.sid.clone(),
            at,
        })
    }
}
