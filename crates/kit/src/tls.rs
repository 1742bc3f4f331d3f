//! TLS between services: the end that answers and the end that asks. Both are ours, so it is TLS 1.3 and nothing older, and the
//! one that asks believes the authority that it is given and no other.

use crate::config::{ConfigError, var};
use anyhow::{Context as _, bail};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Where a service answers other services, and what it shows them.
#[derive(Clone)]
pub struct Shown {
    /// `VIGIE_TLS_ADDR`.
    pub addr: SocketAddr,
    /// Takes a connection up.
    pub acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// As the environment says: `VIGIE_TLS_ADDR`, beside `VIGIE_ADDR`, with the files (PEM) `VIGIE_TLS_CERT` (default
/// `/etc/vigie-tls/tls.crt`) and `VIGIE_TLS_KEY` (secret; default `/etc/vigie-tls/tls.key`). Without `VIGIE_TLS_ADDR`: `None`.
///
/// # Errors
/// [`ConfigError::Invalid`] when the address is none, or a file cannot be used.
pub fn shown() -> Result<Option<Shown>, ConfigError> {
    let text = var("VIGIE_TLS_ADDR", String::new())?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |name, value: String, why: String| ConfigError::Invalid { name, value, why };
    let addr =
        text.parse().map_err(|e: std::net::AddrParseError| wrong("VIGIE_TLS_ADDR", text, e.to_string()))?;
    let certificate = var("VIGIE_TLS_CERT", PathBuf::from("/etc/vigie-tls/tls.crt"))?;
    let key = var("VIGIE_TLS_KEY", PathBuf::from("/etc/vigie-tls/tls.key"))?;
    let acceptor = acceptor(&certificate, &key);
    // Of the key's file only its name is said.
    let acceptor =
        acceptor.map_err(|e| wrong("VIGIE_TLS_CERT", certificate.display().to_string(), format!("{e:#}")))?;
    Ok(Some(Shown { addr, acceptor }))
}

/// What shows the certificates of the file `certificate` (PEM; the service's own first) and has the key of the file `key`.
///
/// # Errors
/// When a file cannot be read, or the key is not that of the certificate.
pub fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("VIGIE_TLS_KEY {} holds no key that can be read", key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("VIGIE_TLS_KEY is not the key of the certificate")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// For a client that believes the authorities of the file `authority` (PEM), or nobody.
///
/// # Errors
/// When the file cannot be read or holds no authority.
pub fn believing(authority: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in authority.map(certificates).transpose()?.unwrap_or_default() {
        roots
            .add(certificate)
            .context("VIGIE_AUTHORITY holds something else than certificates of authorities")?;
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.with_context(|| format!("{} cannot be read", file.display()))?;
    if found.is_empty() {
        bail!("{} holds no certificate", file.display());
    }
    Ok(found)
}
