//! Who this installation is to an authenticator, and what it believes of one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::time::Duration;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// Why a ceremony fails. Whoever tried is told the kind, the log the reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the browser sent is no answer to a challenge, or not to this one.
    #[error("the authenticator's answer is not accepted: {0}")]
    Answer(String),
    /// It signed less often than the last time: the authenticator was copied.
    #[error("the count of signatures went back")]
    Copied,
    /// Ours.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<WebauthnError> for Failure {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::CredentialPossibleCompromise => Self::Copied,
            other => Self::Answer(other.to_string()),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// What is no answer. The message of the parser quotes what was sent, and that may be anything.
fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::Answer(format!("{:?} error in what was sent", error.classify()))
}

/// This installation, by its origin: an answer made for another one is refused.
#[derive(Debug, Clone)]
pub(crate) struct RelyingParty(Webauthn);

impl RelyingParty {
    /// `None` where the origin has no name: browsers make no passkeys for a bare address. `timeout`: how long whoever is
    /// asked may take.
    ///
    /// # Errors
    /// When the library refuses an origin that has a name.
    pub(crate) fn new(origin: &Url, timeout: Duration) -> anyhow::Result<Option<Self>> {
        let Some(name) = origin.domain() else { return Ok(None) };
        let builder = WebauthnBuilder::new(name, origin)?.rp_name("Vigie").timeout(timeout);
        Ok(Some(Self(builder.build()?)))
    }

    /// What the browser is told to register one (`navigator.credentials.create`), and what is kept until it answers.
    /// User verification is required; an authenticator that has one of `known` already is not asked again.
    ///
    /// # Errors
    /// [`Failure::Internal`].
    pub(crate) fn register(&self, account: &str, known: &[Passkey]) -> Result<(Value, Value), Failure> {
        let handle = URL_SAFE_NO_PAD.decode(account).ok().and_then(|b| Uuid::from_slice(&b).ok());
        let handle =
            handle.ok_or_else(|| anyhow::anyhow!("the number of an account is not 128 bits long"))?;
        let known = known.iter().map(|p| p.cred_id().clone()).collect();
        let label: String = account.chars().take(8).collect();
        let (options, state) = self.0.start_passkey_registration(handle, &label, &label, Some(known))?;
        Ok((serde_json::to_value(options)?, serde_json::to_value(state)?))
    }

    /// The passkey of an answer to `state`.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn registered(&self, answer: Value, state: Value) -> Result<Passkey, Failure> {
        let answer: RegisterPublicKeyCredential =
            serde_json::from_value(answer).map_err(|e| unreadable(&e))?;
        let state: PasskeyRegistration = serde_json::from_value(state)?;
        Ok(self.0.finish_passkey_registration(&answer, &state)?)
    }

    /// What the browser is told to use one of `known` (`navigator.credentials.get`), and what is kept until it answers.
    ///
    /// # Errors
    /// [`Failure::Internal`].
    pub(crate) fn confirm(&self, known: &[Passkey]) -> Result<(Value, Value), Failure> {
        let (options, state) = self.0.start_passkey_authentication(known)?;
        Ok((serde_json::to_value(options)?, serde_json::to_value(state)?))
    }

    /// What an answer to `state` proves. In `Err`: whose answer it was, as far as it said so.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn confirmed(
        &self,
        answer: Value,
        state: Value,
    ) -> Result<AuthenticationResult, (Option<Vec<u8>>, Failure)> {
        let answer: PublicKeyCredential =
            serde_json::from_value(answer).map_err(|e| (None, unreadable(&e)))?;
        let id: Vec<u8> = answer.raw_id.to_vec();
        let state: PasskeyAuthentication = serde_json::from_value(state).map_err(|e| (None, e.into()))?;
        let result = self
            .0
            .finish_passkey_authentication(&answer, &state)
            .map_err(|e| (Some(id), Failure::from(e)))?;
        // The library was told to require it; nothing below may depend on that alone.
        if !result.user_verified() {
            return Err((None, Failure::Answer("the user was not verified".to_owned())));
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests;
