//! What this service is told beyond `kit::config::Config`.

use kit::Build;
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
            build: Build::from_env(env!("CARGO_PKG_NAME"))?,
        })
    }

    /// Does the country have this service?
    #[must_use]
    pub fn has(&self, app: &str) -> bool {
        self.apps.iter().any(|a| a == app)
    }
}
