//! What this service is told beyond `kit::config::Config`.

use crate::audit;
use crate::mailer::MailOptions;
use kit::config::{ConfigError, var};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::PathBuf;
use url::Url;

/// The client id of a registration that the operator has yet to make.
const UNSET: &str = "unset";
/// How long the use of a passkey counts, unless it is said.
const PASSKEY_MINUTES: NonZeroU16 = NonZeroU16::new(5).unwrap();

/// Who this installation is at a provider: what the operator was given when registering. A secret file, by provider's id.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Another issuer than the profile's: the provider's test instance, or the one of `vigie up`.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The client id.
    pub client_id: String,
    /// For `client_secret_basic` and `client_secret_post`.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// For `private_key_jwt`: PKCS#8 in PEM, P-256 (ES256) or RSA (RS256).
    #[serde(default)]
    pub private_key: Option<String>,
    /// The key's name at the provider.
    #[serde(default)]
    pub key_id: Option<String>,
}

impl std::fmt::Debug for Registration {
    // Without secret and key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Settings of login and accounts.
#[derive(Debug, Clone)]
pub struct Options {
    /// `VIGIE_REGISTRATIONS`: the file of registrations, TOML, one table a provider. Default: none, so nobody can log in.
    /// A table whose `client_id` is `unset` is a place for one.
    pub registrations: BTreeMap<String, Registration>,
    /// `VIGIE_LOGIN_MISSING`: what the login page says is missing for a provider to be there: `node`, set by `vigie up`.
    pub missing: Option<String>,
    /// The way out by mail.
    pub mail: MailOptions,
    /// `VIGIE_FORECAST_URL`: the origin whose forecast API alerts read. Default: `VIGIE_PUBLIC_URL`.
    pub forecast: Option<Url>,
    /// `VIGIE_ERASURES`: a file outside the database and its backups that keeps who was erased, as hashes of random numbers, so
    /// that a restored backup is erased again. Default: none, and the service says at its start what that means.
    pub erasures: Option<PathBuf>,
    /// `VIGIE_AUDIT_DATABASE_URL`: the same database as a role that may add entries to the audit, which that of `DATABASE_URL`
    /// then may not. Default: none, and the audit is written as everything else is; the service says so at its start.
    pub audit: Option<audit::Own>,
    /// `VIGIE_PASSKEY_MINUTES`: how long the use of a passkey counts for what wants one. Default: 5.
    pub passkey_minutes: NonZeroU16,
    /// `VIGIE_DATA_API_KEY`: the public half (Ed25519, base64url) of the key by which `data-api` says who it is. Default: none, and
    /// no API key can be checked.
    pub data_api_key: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            registrations: BTreeMap::new(),
            missing: None,
            mail: MailOptions::default(),
            forecast: None,
            erasures: None,
            audit: None,
            passkey_minutes: PASSKEY_MINUTES,
            data_api_key: None,
        }
    }
}

impl Options {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the name of the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        let missing = Some(var("VIGIE_LOGIN_MISSING", String::new())?).filter(|m| !m.is_empty());
        let mail = MailOptions::from_env()?;
        let forecast = match var("VIGIE_FORECAST_URL", String::new())? {
            text if text.is_empty() => None,
            text => Some(text.parse().map_err(|e: url::ParseError| ConfigError::Invalid {
                name: "VIGIE_FORECAST_URL",
                value: text.clone(),
                why: e.to_string(),
            })?),
        };
        let erasures = Some(var("VIGIE_ERASURES", PathBuf::new())?).filter(|p| !p.as_os_str().is_empty());
        let data_api_key = Some(var("VIGIE_DATA_API_KEY", String::new())?).filter(|k| !k.is_empty());
        let passkey_minutes = var("VIGIE_PASSKEY_MINUTES", PASSKEY_MINUTES)?;
        let audit = match var("VIGIE_AUDIT_DATABASE_URL", String::new())? {
            url if url.is_empty() => None,
            // What it is stays unsaid: it has a password.
            url => Some(audit::Own::at(&url).map_err(|_| ConfigError::Invalid {
                name: "VIGIE_AUDIT_DATABASE_URL",
                value: "…".to_owned(),
                why: "it is no address of a PostgreSQL database".to_owned(),
            })?),
        };
        let path = var("VIGIE_REGISTRATIONS", PathBuf::new())?;
        if path.as_os_str().is_empty() {
            return Ok(Self {
                missing,
                mail,
                forecast,
                erasures,
                audit,
                passkey_minutes,
                data_api_key,
                ..Self::default()
            });
        }
        let wrong = |why: String| ConfigError::Invalid {
            name: "VIGIE_REGISTRATIONS",
            value: path.display().to_string(),
            why,
        };
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
        // The message of the parser quotes the line, and the line may hold a secret.
        let registrations = made(&text).map_err(|e| wrong(e.message().to_owned()))?;
        Ok(Self { registrations, missing, mail, forecast, erasures, audit, passkey_minutes, data_api_key })
    }
}

/// The registrations of a file, without those that are yet to be made.
fn made(text: &str) -> Result<BTreeMap<String, Registration>, toml::de::Error> {
    let mut all: BTreeMap<String, Registration> = toml::from_str(text)?;
    all.retain(|_, registration| registration.client_id != UNSET);
    Ok(all)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_registration_that_is_yet_to_be_made_is_none() {
        let text = "[one]\nclient_id = 'unset'\n[other]\nclient_id = 'ours'\nclient_secret = 'x'\n";
        assert_eq!(super::made(text).unwrap().into_keys().collect::<Vec<_>>(), ["other"]);
        assert!(super::made("[one]\nclient = 'unset'\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_file_of_registrations_falls_over(text in "(\\[|\\]|=|\"|'|\n|client_id|issuer|[ -~é]){0,40}") {
            let _ = super::made(&text);
        }
    }
}
