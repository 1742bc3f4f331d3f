//! Settings from the environment. A wrong value stops the start and is named.

use crate::{Clock, Secret};
use domain::CountryProfile;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable without default is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable holds something else than it should.
    #[error("{name} is `{value}`: {why}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// The country's profile cannot be used.
    #[error("VIGIE_PROFILE {path}: {why}")]
    Profile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads `name`, or takes `default` when it is not set or empty.
///
/// # Errors
/// [`ConfigError::Invalid`] when the value cannot be read.
pub fn var<T: FromStr>(name: &'static str, default: T) -> Result<T, ConfigError>
where
    T::Err: std::fmt::Display,
{
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => {
            value.parse().map_err(|why: T::Err| ConfigError::Invalid { name, value, why: why.to_string() })
        }
        _ => Ok(default),
    }
}

/// What every service is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// `VIGIE_ADDR`: where it listens. Default `127.0.0.1:8080`.
    pub addr: SocketAddr,
    /// `VIGIE_ADMIN_ADDR`: health and metrics, never routed from outside. Default `127.0.0.1:9090`.
    pub admin_addr: SocketAddr,
    /// `DATABASE_URL`: no default.
    pub database_url: Secret,
    /// `VIGIE_DB_POOL`: connections. Default 8.
    pub db_pool: u32,
    /// `VIGIE_PROFILE`: the country's profile. Default `/etc/vigie/profile.toml`.
    pub profile: Arc<CountryProfile>,
    /// `VIGIE_CLOCK`: an RFC 3339 time; not set: the real clock.
    pub clock: Clock,
    /// `VIGIE_PUBLIC_URL`: the origin that people see, for absolute links. Default `http://<VIGIE_ADDR>`.
    pub public_url: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with the name of the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        let addr = var("VIGIE_ADDR", SocketAddr::from(([127, 0, 0, 1], 8080)))?;
        Ok(Self {
            addr,
            admin_addr: var("VIGIE_ADMIN_ADDR", SocketAddr::from(([127, 0, 0, 1], 9090)))?,
            database_url: std::env::var("DATABASE_URL")
                .map_err(|_| ConfigError::Missing("DATABASE_URL"))?
                .into(),
            db_pool: var("VIGIE_DB_POOL", 8)?,
            profile: Arc::new(profile(var("VIGIE_PROFILE", PathBuf::from("/etc/vigie/profile.toml"))?)?),
            clock: clock()?,
            public_url: var("VIGIE_PUBLIC_URL", format!("http://{addr}"))?,
        })
    }
}

/// Reads a country's profile.
///
/// # Errors
/// [`ConfigError::Profile`] with the file and the field.
pub fn profile(path: PathBuf) -> Result<CountryProfile, ConfigError> {
    let text = std::fs::read_to_string(&path)
        .map_err(|e| ConfigError::Profile { path: path.clone(), why: e.to_string() })?;
    CountryProfile::parse(&text).map_err(|e| ConfigError::Profile { path, why: e.to_string() })
}

/// Reads `VIGIE_CLOCK`.
///
/// # Errors
/// [`ConfigError::Invalid`] when it is no RFC 3339 time.
pub fn clock() -> Result<Clock, ConfigError> {
    let text = var("VIGIE_CLOCK", String::new())?;
    if text.is_empty() {
        return Ok(Clock::Real);
    }
    match chrono::DateTime::parse_from_rfc3339(&text) {
        Ok(at) => Ok(Clock::Recorded(at.to_utc())),
        Err(e) => Err(ConfigError::Invalid {
            name: "VIGIE_CLOCK",
            value: text,
            why: format!("{e}; write it as 2025-04-25T23:59:59Z"),
        }),
    }
}
