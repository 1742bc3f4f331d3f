//! The way to the provider.

use super::{Failure, Provider};
use domain::profile::identity::Refused;
use openidconnect::core::{CoreAuthPrompt, CoreResponseType};
use openidconnect::{
    AuthenticationContextClass, AuthenticationFlow, CsrfToken, LanguageTag, Nonce, PkceCodeChallenge, Scope,
};
use url::Url;

/// Where to send the browser, and what to remember until it comes back.
pub struct Start {
    /// The provider's page.
    pub url: Url,
    /// Comes back in the address.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Is shown when the code is exchanged, where the provider knows PKCE.
    pub pkce_verifier: Option<String>,
}

impl std::fmt::Debug for Start {
    // All of it is secret until it is used.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start").finish_non_exhaustive()
    }
}

impl Provider {
    /// Begins a login: code flow, PKCE with S256, a nonce, the classes of authentication of the profile, without what the provider
    /// refuses. `anew`: also of somebody whom the provider still knows, who would come back as weakly authenticated as before.
    ///
    /// # Errors
    /// [`Failure::Provider`] when the provider was never reached.
    pub async fn start(&self, language: &str, anew: bool) -> Result<Start, Failure> {
        let known = self.known().await?;
        let client = self.client(&known);
        let takes = |parameter| !self.declared.refuses.contains(&parameter);
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        // 256 bits each; Login.gov refuses shorter ones than 22 characters.
        let random = || CsrfToken::new_random_len(32);
        let nonce = move || Nonce::new(random().into_secret());
        let mut request = client.authorize_url(flow, random, nonce);
        let mut pkce_verifier = None;
        if takes(Refused::Pkce) {
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            request = request.set_pkce_challenge(challenge);
            pkce_verifier = Some(verifier.into_secret());
        }
        for scope in &self.declared.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for class in &self.declared.acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(class.clone()));
        }
        if anew {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        if takes(Refused::UiLocales) {
            request = request.add_ui_locale(LanguageTag::new(language.to_owned()));
        }
        let (url, state, nonce) = request.url();
        Ok(Start { url, state: state.secret().clone(), nonce: nonce.secret().clone(), pkce_verifier })
    }
}
