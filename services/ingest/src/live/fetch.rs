//! One polite request.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{
    ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER, SET_COOKIE,
};
use reqwest::{Client, StatusCode};
use std::collections::BTreeMap;
use std::time::Duration;

/// No table that is read here comes near this size.
const LIMIT: usize = 256 << 20;

/// Headers of an answer, names in lower case. Of several with one name the last is kept; cookies are nobody's business.
pub type Headers = BTreeMap<String, String>;

/// What came back.
#[derive(Debug)]
pub enum Answer {
    /// A body. Whether it is data is for [`crate::body::sniff`] to say: status 200 proves nothing.
    Body {
        /// The bytes.
        bytes: Vec<u8>,
        /// Status of the answer.
        status: u16,
        /// Its headers.
        headers: Headers,
    },
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

/// A client that says who asks, and asks on the public internet alone.
///
/// # Errors
/// When the machine has no certificates to trust.
pub fn client(contact: &str) -> anyhow::Result<Client> {
    // A second call keeps the first provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    builder(contact)
        .dns_resolver(kit::egress::Public)
        .build()
        .context("no HTTPS client: are the certificates (ca-certificates, SSL_CERT_FILE) there?")
}

/// No publisher sends us further.
const REDIRECTS: usize = 5;

/// What every client of this service has: its name, limits on time and redirects, HTTPS and a name wherever it is redirected.
pub fn builder(contact: &str) -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(format!("vigie-ingest/{} (+{contact})", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(20))
        .timeout(Duration::from_secs(180))
        .redirect(reqwest::redirect::Policy::custom(|attempt| {
            if attempt.previous().len() > REDIRECTS {
                return attempt.error("too many redirects");
            }
            if kit::egress::named(attempt.url()) {
                return attempt.follow();
            }
            let to = attempt.url().to_string();
            attempt.error(format!("it was redirected to {to}, which is not https with a name: not followed"))
        }))
}

/// Asks once, for news only: `have` are the headers of the payload that we have. Only an unusable address is an error; everything that a publisher or a network does is an [`Answer`].
///
/// # Errors
/// When `url` is no address.
pub async fn get(client: &Client, url: &str, have: &Headers, now: DateTime<Utc>) -> anyhow::Result<Answer> {
    let url: reqwest::Url = url.parse().with_context(|| format!("`{url}` is no address"))?;
    let mut request = client.get(url);
    for (known, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
        if let Some(value) = have.get(known.as_str()) {
            request = request.header(condition, value);
        }
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
    let headers = kept(response.headers());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LIMIT => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Ok(failed("the payload is larger than 256 MiB".to_owned())),
            Ok(None) => {
                return Ok(Answer::Body { bytes: body, status: status.as_u16(), headers });
            }
            Err(error) => {
                return Ok(failed(format!("the payload broke off: {:#}", anyhow::Error::from(error))));
            }
        }
    }
}

fn kept(headers: &HeaderMap) -> Headers {
    let text = headers.iter().filter(|(name, _)| **name != SET_COOKIE);
    text.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
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
