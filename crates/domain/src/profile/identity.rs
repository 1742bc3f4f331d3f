//! Who vouches for people in a country, and how long a login lasts: the table `[identity]` of a profile.

use super::{ProfileError, UNSET};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Login in this country.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// How long a session lives.
    #[serde(default)]
    pub session: SessionLimits,
    /// OpenID Connect providers, in the order of the login page. None: nobody can log in.
    #[serde(default)]
    pub providers: Vec<Provider>,
    /// API keys; absent where nothing takes one: then there is no page for them either.
    #[serde(default)]
    pub keys: Option<Keys>,
}

/// API keys in this country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// What a key can be made for, in the order of the page; the services that take keys know these words.
    pub scopes: Vec<String>,
    /// The longest life of a key, in days.
    pub max_days: u32,
    /// For how many hours a key goes on beside the one that replaces it.
    pub overlap_hours: u32,
    /// How often a key may ask in a minute.
    pub per_minute: u32,
    /// How often all keys of one account may together, those that go on beside their successors among them.
    pub owner_per_minute: u32,
    /// How many keys that stand one account may have.
    pub most: u32,
}

/// How long a session lives (OWASP ASVS 5.0, 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionLimits {
    /// Minutes without a request after which it ends.
    pub idle_minutes: u32,
    /// Hours after the login at which it ends, used or not.
    pub absolute_hours: u32,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { idle_minutes: 30, absolute_hours: 12 }
    }
}

/// A provider as the country's law or administration offers it. Who *we* are there (client id, secret, the address of
/// its test instance) is the operator's and stands in no repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Word in addresses: `login-gov`.
    pub id: String,
    /// Its own name, as people know it.
    pub name: String,
    /// The issuer, compared character by character; `unset` where the operator is told it with the registration.
    pub issuer: String,
    /// Scopes beside `openid`. Only what is needed: none for a subject identifier.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Classes of authentication (`acr`) that are asked for and accepted, the preferred one first. A provider may
    /// answer with less than was asked; that is refused here.
    pub acr_values: Vec<String>,
    /// How we prove to it who we are.
    pub client_auth: ClientAuth,
    /// In which form it describes a person, where it wants to be asked.
    #[serde(default)]
    pub userinfo: Userinfo,
    /// What its logout address takes.
    #[serde(default)]
    pub logout: Logout,
    /// What its login address takes for an error. One that names something here takes for one whatever it does not know.
    #[serde(default)]
    pub refuses: BTreeSet<Refused>,
}

/// A parameter of a login that OpenID Connect has and a provider refuses, though it ought to pass over what it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// `code_challenge` and its method (RFC 7636). A code is then tied to its login by the nonce, and by our secret to us.
    Pkce,
    /// The language of its page.
    UiLocales,
}

/// How a relying party proves who it is at the token address (OpenID Connect Core, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// A secret in the `Authorization` header.
    ClientSecretBasic,
    /// A secret in the form.
    ClientSecretPost,
    /// An assertion signed with a key of ours.
    PrivateKeyJwt,
}

/// The form of the answer at the userinfo address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Userinfo {
    /// It is not asked.
    #[default]
    None,
    /// JSON.
    Json,
    /// A signed JWT.
    SignedJwt,
}

/// What a provider's logout address takes to know whom it is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Logout {
    /// The ID token of the login.
    #[default]
    IdTokenHint,
    /// The client's id alone; an ID token is refused.
    ClientId,
}

impl Identity {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let wrong = |what: String| Err(ProfileError::Inconsistent(what));
        let SessionLimits { idle_minutes, absolute_hours } = self.session;
        if idle_minutes == 0 || u64::from(idle_minutes) > u64::from(absolute_hours) * 60 {
            return wrong(format!("identity.session: {idle_minutes} idle minutes of {absolute_hours} hours"));
        }
        if let Some(keys) = &self.keys {
            let Keys { scopes, max_days, overlap_hours, per_minute, owner_per_minute, most } = keys;
            let twice = scopes.iter().collect::<BTreeSet<_>>().len() < scopes.len();
            if scopes.is_empty() || twice || *per_minute == 0 || *most == 0 {
                return wrong("identity.keys: it needs scopes, each once, per_minute and most".to_owned());
            }
            if owner_per_minute < per_minute {
                return wrong(format!(
                    "identity.keys: an owner's {owner_per_minute} a minute are fewer than the {per_minute} of one key"
                ));
            }
            // Two years: a key that nobody renews for longer is one that nobody remembers.
            if !(1..=730).contains(max_days) || u64::from(*overlap_hours) > u64::from(*max_days) * 24 {
                return wrong(format!(
                    "identity.keys: {max_days} days with {overlap_hours} hours beside the next"
                ));
            }
        }
        let mut seen = BTreeSet::new();
        for provider in &self.providers {
            let id = &provider.id;
            if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            {
                return wrong(format!("identity provider `{id}`: write a word of a-z, 0-9 and -"));
            }
            if !seen.insert(id) {
                return wrong(format!("identity provider {id} is there twice"));
            }
            if provider.issuer != UNSET && !provider.issuer.starts_with("https://") {
                return wrong(format!("identity provider {id}: its issuer must begin with https://"));
            }
            if provider.acr_values.is_empty() {
                return wrong(format!("identity provider {id} names no acr_values that are accepted"));
            }
        }
        Ok(())
    }
}
