//! What every handler of every service may ask for.

use crate::config::Config;
use crate::{Clock, Problem};
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};
use domain::CountryProfile;
use sqlx::PgPool;
use std::sync::Arc;

/// Database, country and clock. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The surveillance database.
    pub db: PgPool,
    /// The country as data.
    pub profile: Arc<CountryProfile>,
    /// What "now" means.
    pub clock: Clock,
    /// The origin that people see.
    pub public_url: Arc<str>,
}

impl App {
    /// Connects to the database; the rest is in the configuration.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let db = store::connect(config.database_url.as_str(), config.db_pool)
            .await
            .context("DATABASE_URL: the database cannot be reached")?;
        Ok(Self {
            db,
            profile: Arc::clone(&config.profile),
            clock: config.clock,
            public_url: config.public_url.as_str().into(),
        })
    }

    /// Reads an `as_of` parameter: an RFC 3339 time, or a date (the end of that day, UTC); now when absent.
    ///
    /// # Errors
    /// [`Problem::Invalid`] when it is neither, or later than the platform's clock.
    pub fn as_of(&self, text: Option<&str>) -> Result<DateTime<Utc>, Problem> {
        let Some(text) = text.filter(|t| !t.is_empty()) else { return Ok(self.clock.now()) };
        let at = match (DateTime::parse_from_rfc3339(text), text.parse::<NaiveDate>()) {
            (Ok(time), _) => time.to_utc(),
            (_, Ok(day)) => day.and_time(NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default()).and_utc(),
            _ => {
                return Err(Problem::invalid("as_of", "is neither a date (2025-01-31) nor an RFC 3339 time"));
            }
        };
        if at.year() < 1 {
            return Err(Problem::invalid("as_of", "lies before the year 1"));
        }
        // The day of the clock itself is allowed, although its end lies ahead.
        if at.date_naive() > self.clock.now().date_naive() {
            return Err(Problem::invalid("as_of", "is later than the platform's clock"));
        }
        Ok(at.min(self.clock.now()))
    }
}
