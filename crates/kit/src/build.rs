//! What runs here and where it comes from.

use crate::config::{ConfigError, var};

/// As the image and the cluster say it; each may be untold.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Build {
    /// `VIGIE_SOURCE_HASH`: SHA-256 over the files that the program is made of. The image carries it.
    pub source: Option<String>,
    /// `VIGIE_COMMIT`: the commit whose images the cluster was told to run.
    pub commit: Option<String>,
    /// `VIGIE_LOCK`: SHA-256 of the `flake.lock` of that commit: compiler, libraries, compressor.
    pub lock: Option<String>,
    /// From `VIGIE_DIGESTS` (`web=sha256:…,forecast=sha256:…`): the digest of this service's image.
    pub digest: Option<String>,
}

impl Build {
    /// Reads the environment, as `service`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the name of the variable.
    pub fn from_env(service: &str) -> Result<Self, ConfigError> {
        let told = |name| var(name, String::new()).map(|text: String| Some(text).filter(|t| !t.is_empty()));
        let digests: String = var("VIGIE_DIGESTS", String::new())?;
        Ok(Self {
            source: told("VIGIE_SOURCE_HASH")?,
            commit: told("VIGIE_COMMIT")?,
            lock: told("VIGIE_LOCK")?,
            digest: digest_of(service, &digests),
        })
    }
}

/// The digest of `service` in a list `service=digest,…`.
fn digest_of(service: &str, digests: &str) -> Option<String> {
    digests
        .split(',')
        .filter_map(|one| one.split_once('='))
        .find(|(name, _)| *name == service)
        .map(|(_, d)| d.to_owned())
}

#[cfg(test)]
mod tests {
    use super::digest_of;

    #[test]
    fn a_service_finds_its_own_digest_and_no_other() {
        let list = "data-api=sha256:aa,web=sha256:bb";
        assert_eq!(digest_of("web", list).as_deref(), Some("sha256:bb"));
        assert_eq!(digest_of("api", list), None);
        assert_eq!(digest_of("web", ""), None);
    }
}
