//! What this service is told beyond `kit::config::Config`.

use kit::config::{ConfigError, var};

/// Settings of the pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `VIGIE_DEV`: `1` serves `/styleguide`. Default `0`.
    pub dev: bool,
    /// `VIGIE_APPS`: the services of this country, as the folders of `clusters/<country>/apps` name them, separated
    /// by commas: a page mentions `/explore` or an API only when it is there. Default: none but this one.
    pub apps: Vec<String>,
    /// What was built, for `/.well-known/build.json`.
    pub build: Build,
}

/// What runs here and where it comes from, as the image and the cluster say it; each may be untold.
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
    fn from_env() -> Result<Self, ConfigError> {
        let told = |name| var(name, String::new()).map(|text: String| Some(text).filter(|t| !t.is_empty()));
        let digests: String = var("VIGIE_DIGESTS", String::new())?;
        Ok(Self {
            source: told("VIGIE_SOURCE_HASH")?,
            commit: told("VIGIE_COMMIT")?,
            lock: told("VIGIE_LOCK")?,
            digest: digest_of(env!("CARGO_PKG_NAME"), &digests),
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

impl Options {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the name of the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        let dev = var("VIGIE_DEV", 0u8)?;
        let apps: String = var("VIGIE_APPS", String::new())?;
        Ok(Self {
            dev: dev == 1,
            apps: apps.split(',').map(str::trim).filter(|a| !a.is_empty()).map(str::to_owned).collect(),
            build: Build::from_env()?,
        })
    }

    /// Does the country have this service?
    #[must_use]
    pub fn has(&self, app: &str) -> bool {
        self.apps.iter().any(|a| a == app)
    }
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
