//! One polite request.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{
    ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER,
};
use reqwest::{Client, StatusCode};
use std::time::Duration;

/// No table that is read here comes near this size.
const LIMIT: usize = 256 << 20;

/// What the publisher said of the payload that we have: asks for news only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub enum Answer {
    /// A body. Whether it is data is for [`crate::body::sniff`] to say: status 200 proves nothing.
    Body(Vec<u8>, Validators),
    /// What we have is the newest.
    NotModified,
    /// No answer, or a refusal.
    Failed {
        /// In words.
        reason: String,
        /// How long the publisher asks us to wait.
        retry_after: Option<TimeDelta>,
        /// Is it worth trying again before the next regular look? Not after a 4xx.
        again: bool,
    },
}

/// A client that says who asks.
///
/// # Errors
/// When the machine has no certificates to trust.
pub fn client(contact: &str) -> anyhow::Result<Client> {
    // A second call keeps the first provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    builder(contact)
        .build()
        .context("no HTTPS client: are the certificates (ca-certificates, SSL_CERT_FILE) there?")
}

/// What every client of this service has: its name, limits on time and redirects, HTTPS wherever it is redirected.
pub fn builder(contact: &str) -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(format!("vigie-ingest/{} (+{contact})", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(20))
        .timeout(Duration::from_secs(180))
        .redirect(reqwest::redirect::Policy::limited(5))
}

/// Asks once. Only an unusable address is an error; everything that a publisher or a network does is an [`Answer`].
///
/// # Errors
/// When `url` is no address.
pub async fn get(
    client: &Client,
    url: &str,
    have: &Validators,
    now: DateTime<Utc>,
) -> anyhow::Result<Answer> {
    let url: reqwest::Url = url.parse().with_context(|| format!("`{url}` is no address"))?;
    let mut request = client.get(url);
    if let Some(etag) = &have.etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if let Some(time) = &have.last_modified {
        request = request.header(IF_MODIFIED_SINCE, time);
    }
    let failed = |reason: String| Answer::Failed { reason, retry_after: None, again: true };
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Ok(failed(format!("no answer: {:#}", anyhow::Error::from(error)))),
    };
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Answer::NotModified);
    }
    if !status.is_success() {
        let again = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let retry_after = retry_after(response.headers(), now);
        return Ok(Answer::Failed { reason: format!("the publisher answered {status}"), retry_after, again });
    }
    let text = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let validators = Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LIMIT => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Ok(failed("the payload is larger than 256 MiB".to_owned())),
            Ok(None) => return Ok(Answer::Body(body, validators)),
            Err(error) => {
                return Ok(failed(format!("the payload broke off: {:#}", anyhow::Error::from(error))));
            }
        }
    }
}

/// `Retry-After`, in seconds or as a date; a day at most, whatever it says.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<i64>() {
        Ok(seconds) => TimeDelta::try_seconds(seconds)?,
        Err(_) => DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now,
    };
    Some(wait.clamp(TimeDelta::zero(), TimeDelta::days(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: DateTime<Utc> = "2025-01-08T17:00:00Z".parse().unwrap();
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("120"), Some(TimeDelta::seconds(120)));
        assert_eq!(read("Wed, 08 Jan 2025 18:00:00 GMT"), Some(TimeDelta::hours(1)));
        assert_eq!(read("99999999"), Some(TimeDelta::days(1)));
        assert_eq!(read("-5"), Some(TimeDelta::zero()));
        assert_eq!(read("soon"), None);
    }
}
