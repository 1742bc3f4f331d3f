//! The way out by mail: to the operator's server, over TLS, with what stands in the environment and in a file.

mod options;

pub use options::MailOptions;

use anyhow::{Context as _, bail};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::Deserialize;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
    password: String,
}

/// What is sent.
#[derive(Clone)]
pub struct Letter {
    /// To whom.
    pub to: String,
    /// In one line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The address that ends such mail with one click (RFC 8058).
    pub stop: Option<String>,
}

/// Why a letter was not taken. Neither text says to whom it was.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It cannot be written as mail.
    #[error("the letter cannot be written: {0}")]
    Letter(&'static str),
    /// The server does not take it.
    #[error("the mail server says {0}")]
    Refused(String),
    /// The server cannot be reached.
    #[error("the mail server cannot be reached ({0})")]
    Server(&'static str),
}

/// Sends.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Mailer {
    // Without the login.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mailer {
    /// `None` without a server. Nothing is asked yet.
    ///
    /// # Errors
    /// With the variable that cannot be used.
    pub fn new(options: &MailOptions) -> anyhow::Result<Option<Self>> {
        let Some(server) = &options.server else { return Ok(None) };
        if server.password().is_some() || !server.username().is_empty() {
            bail!("VIGIE_SMTP carries a login: write it into a file and name that in VIGIE_SMTP_LOGIN");
        }
        let from = options.from.as_deref().context("VIGIE_SMTP_FROM is not set: who writes the mail?")?;
        let from: Mailbox =
            from.parse().context("VIGIE_SMTP_FROM is no address: Vigie <vigie@example.org>")?;
        let host = server.host_str().context("VIGIE_SMTP names no server")?.trim_matches(['[', ']']);
        // The scheme is none that `url` knows: it reads an address as a name.
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let tls = || -> anyhow::Result<TlsParameters> {
            let mut tls = TlsParameters::builder(host.to_owned());
            if let Some(path) = &options.authority {
                let pem = std::fs::read(path).with_context(|| format!("VIGIE_SMTP_CA {}", path.display()))?;
                tls =
                    tls.add_root_certificate(Certificate::from_pem(&pem).context("VIGIE_SMTP_CA is no PEM")?);
            }
            Ok(tls.build_rustls()?)
        };
        let (tls, port) = match server.scheme() {
            "smtps" => (Tls::Wrapper(tls()?), 465),
            "smtp" if here && options.authority.is_none() => (Tls::None, 25),
            "smtp" => (Tls::Required(tls()?), 587),
            other => bail!("VIGIE_SMTP begins with {other}: write smtps:// or smtp://"),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(server.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(Duration::from_secs(20)));
        if let Some(path) = &options.login {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("VIGIE_SMTP_LOGIN {}", path.display()))?;
            // The message of the parser quotes the line, and the line may hold the password.
            let login: Login = toml::from_str(&text).map_err(|e: toml::de::Error| {
                anyhow::anyhow!("VIGIE_SMTP_LOGIN {}: {}", path.display(), e.message())
            })?;
            transport = transport.credentials(Credentials::new(login.user, login.password));
        }
        Ok(Some(Self { transport: transport.build(), from }))
    }

    /// Sends one letter.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let to: Mailbox = letter.to.parse().map_err(|_| MailError::Letter("to whom?"))?;
        let id =
            crate::random::word::<16>().map_err(|_| MailError::Letter("the system gives no random bytes"))?;
        let mut message = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .from(self.from.clone())
            .to(to)
            .subject(&letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .header(header::MIME_VERSION_1_0);
        let raw =
            |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
        // No answering machine answers (RFC 3834).
        message = message.raw_header(raw("Auto-Submitted", "auto-generated".into()));
        if let Some(stop) = &letter.stop {
            message = message
                .raw_header(raw("List-Unsubscribe", format!("<{stop}>")))
                .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
        let message =
            message.body(letter.text.clone()).map_err(|_| MailError::Letter("a header cannot be written"))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            // Servers repeat addresses in what they say: the code is enough.
            Err(e) => Err(match e.status() {
                Some(code) => MailError::Refused(code.to_string()),
                None if e.is_tls() => MailError::Server("TLS"),
                None if e.is_client() => MailError::Server("it offers no TLS, or no login that we have"),
                None if e.is_timeout() => MailError::Server("no answer in time"),
                None => MailError::Server("connection"),
            }),
        }
    }
}
