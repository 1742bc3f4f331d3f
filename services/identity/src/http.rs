//! The way out: to the providers' addresses, and nowhere else.

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use std::pin::Pin;
use std::time::Duration;
use url::{Host, Url};

/// No provider's document is larger.
const LIMIT: usize = 1 << 20;

/// Why a provider did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address is none that may be asked.
    #[error("{0} is no address of this provider that may be asked")]
    Address(String),
    /// No answer, or none that can be read.
    #[error("no answer: {0}")]
    Transport(#[from] reqwest::Error),
    /// An answer larger than any of these documents.
    #[error("an answer of more than {LIMIT} bytes")]
    Size,
    /// An answer that HTTP does not allow.
    #[error("an answer that is no HTTP: {0}")]
    Message(#[from] openidconnect::http::Error),
}

/// A client for one provider.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// A provider on this machine, for development and tests, is asked without TLS, on its own port only.
    local: Option<(String, u16)>,
}

impl Http {
    /// # Errors
    /// When the machine has no certificates to trust.
    pub(crate) fn new(issuer: &Url) -> anyhow::Result<Self> {
        // A second call keeps the first provider of cryptography.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("vigie-identity/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            // A provider's address is what it declared: following it elsewhere is how others are made to ask for somebody.
            .redirect(reqwest::redirect::Policy::none());
        let local = loopback(issuer);
        let client =
            if local.is_some() { client } else { client.dns_resolver(kit::egress::Public) }.build()?;
        Ok(Self { client, local })
    }

    /// May this address be asked? `https`, or the very port of a provider on this machine.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        match &self.local {
            Some(local) => loopback(url).as_ref() == Some(local),
            None => url.scheme() == "https" && matches!(url.host(), Some(Host::Domain(_))),
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Error`]; an answer with an error status is none.
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let address = request.uri().to_string();
        if !address.parse().is_ok_and(|url| self.allows(&url)) {
            return Err(Error::Address(address));
        }
        let mut response = self.client.execute(request.try_into()?).await?;
        let mut answer = openidconnect::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LIMIT {
                return Err(Error::Size);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(answer.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Host and port of an `http` address on this machine.
fn loopback(url: &Url) -> Option<(String, u16)> {
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    (here && url.scheme() == "http")
        .then(|| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_providers_own_addresses_are_asked() {
        let may = |issuer: &str, url: &str| {
            Http::new(&issuer.parse().unwrap()).unwrap().allows(&url.parse().unwrap())
        };
        assert!(may("https://issuer.test", "https://keys.issuer.test/jwks"));
        for other in
            ["http://issuer.test/jwks", "https://10.0.0.1/jwks", "https://[::1]/", "file:///etc/passwd"]
        {
            assert!(!may("https://issuer.test", other), "{other}");
        }
        assert!(may("http://127.0.0.1:4000", "http://127.0.0.1:4000/jwks"));
        for other in ["http://127.0.0.1:4001/", "https://issuer.test/", "http://localhost:4000/"] {
            assert!(!may("http://127.0.0.1:4000", other), "{other}");
        }
    }
}
