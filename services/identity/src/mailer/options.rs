//! What the mailer is told.

use kit::config::{ConfigError, var};
use std::path::PathBuf;
use url::Url;

/// Where mail goes. Nothing set: no mail is sent, and the pages say so.
#[derive(Clone, Default)]
pub struct MailOptions {
    /// `VIGIE_SMTP`: `smtps://mail.example.org` (TLS from the first byte), `smtp://mail.example.org:587` (STARTTLS, or nothing is
    /// sent); without TLS only to this machine: `smtp://127.0.0.1:1025`.
    pub server: Option<Url>,
    /// `VIGIE_SMTP_LOGIN`: a file, TOML, with `user` and `password`.
    pub login: Option<PathBuf>,
    /// `VIGIE_SMTP_CA`: a file, PEM, with the authority of a server of one's own. Default: the public ones.
    pub authority: Option<PathBuf>,
    /// `VIGIE_SMTP_FROM`: who writes: `Vigie <vigie@example.org>`.
    pub from: Option<String>,
}

impl std::fmt::Debug for MailOptions {
    // An address may hold a password, by mistake.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailOptions").field("from", &self.from).finish_non_exhaustive()
    }
}

impl MailOptions {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the name of the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        let text = |name| Ok(Some(var(name, String::new())?).filter(|t| !t.is_empty()));
        let server =
            match text("VIGIE_SMTP")? {
                None => None,
                // Its value may hold a password, by mistake: it is not repeated.
                Some(address) => Some(address.parse().map_err(|e: url::ParseError| {
                    ConfigError::Invalid { name: "VIGIE_SMTP", value: "…".into(), why: e.to_string() }
                })?),
            };
        Ok(Self {
            server,
            login: text("VIGIE_SMTP_LOGIN")?.map(PathBuf::from),
            authority: text("VIGIE_SMTP_CA")?.map(PathBuf::from),
            from: text("VIGIE_SMTP_FROM")?,
        })
    }
}
