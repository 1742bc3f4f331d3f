//! TLS within a cluster: the end that answers (the ingress, another service, whoever collects metrics) and, between services, the
//! end that asks. It is TLS 1.3 and nothing older, and the one that asks believes the authority that it is given and no other.

use crate::config::{ConfigError, var};
use anyhow::{Context as _, bail};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What a service shows on every port that it opens, as the environment says: `VIGIE_TLS_CERT`, a file (PEM) of certificates, the
/// service's own first, and `VIGIE_TLS_KEY`, the file of its key (PEM, secret). Without both: `None`, and it answers in the clear,
/// which is for one machine. Both are read once: who replaces a file starts the service anew.
///
/// # Errors
/// [`ConfigError::Invalid`] when one is set without the other, or a file cannot be used.
pub fn shown() -> Result<Option<TlsAcceptor>, ConfigError> {
    let certificate = var("VIGIE_TLS_CERT", PathBuf::new())?;
    let key = var("VIGIE_TLS_KEY", PathBuf::new())?;
    told(&certificate, &key)
}

fn told(certificate: &Path, key: &Path) -> Result<Option<TlsAcceptor>, ConfigError> {
    let wrong = |name, file: &Path, why: String| ConfigError::Invalid {
        name,
        value: file.display().to_string(),
        why,
    };
    match (certificate.as_os_str().is_empty(), key.as_os_str().is_empty()) {
        (true, true) => Ok(None),
        (false, true) => {
            Err(wrong("VIGIE_TLS_KEY", key, "VIGIE_TLS_CERT wants the file of its key".to_owned()))
        }
        (true, false) => {
            Err(wrong("VIGIE_TLS_CERT", certificate, "VIGIE_TLS_KEY wants its certificate".to_owned()))
        }
        // Of the key's file only its name is said.
        (false, false) => acceptor(certificate, key)
            .map(Some)
            .map_err(|e| wrong("VIGIE_TLS_CERT", certificate, format!("{e:#}"))),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_without_its_key_or_a_key_alone_does_not_start_in_the_clear() {
        let said = |certificate: &str, key: &str| match told(Path::new(certificate), Path::new(key)) {
            Ok(shown) => format!("shown: {}", shown.is_some()),
            Err(error) => error.to_string(),
        };
        assert_eq!(said("", ""), "shown: false");
        assert_eq!(said("/a/tls.crt", ""), "VIGIE_TLS_KEY is ``: VIGIE_TLS_CERT wants the file of its key");
        assert_eq!(said("", "/a/tls.key"), "VIGIE_TLS_CERT is ``: VIGIE_TLS_KEY wants its certificate");
        assert!(said("/nowhere/tls.crt", "/nowhere/tls.key").contains("/nowhere/tls.crt cannot be read"));
    }
}
