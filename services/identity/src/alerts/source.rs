//! Where alerts read: the forecast API of the country, which every country has, over HTTP as anybody reads it. It gives bands
//! and "not estimated" with the reason; figures that are only counted say nothing about the weeks ahead.

use anyhow::Context as _;
use chrono::NaiveDate;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// An answer of `/api/forecast/v1/forecasts`, as far as alerts need it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Answer {
    /// The weeks ahead.
    Estimated {
        /// With a stopped clock: that the situation is not the current one.
        recorded_situation: Option<Recorded>,
        /// The distributions.
        result: Outlook,
    },
    /// There is none.
    NotEstimated {
        /// As a sentence.
        explanation: String,
    },
}

/// That a situation is a recorded one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    /// As a sentence.
    pub notice: String,
}

/// The weeks ahead.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Outlook {
    /// By week, nearest first.
    pub horizons: Vec<Week>,
}

/// A week.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Week {
    /// As the hubs count it.
    pub horizon: i32,
    /// `2025-W06`.
    pub week: String,
    /// Its last day.
    pub target_end_date: NaiveDate,
    /// The middle.
    pub median: f64,
    /// The central 80 % interval.
    pub band_80: [f64; 2],
}

/// The forecast API of one country.
#[derive(Debug, Clone)]
pub struct Source {
    client: reqwest::Client,
    base: Url,
}

impl Source {
    /// `base` is an origin: `https://vigie.example.org`.
    ///
    /// # Errors
    /// When the machine has no certificates to trust.
    pub fn new(base: Url) -> anyhow::Result<Self> {
        // A second call keeps the first provider of cryptography.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("vigie-identity/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client, base })
    }

    /// What is said of a signal at a place; `None` where there is no such signal or place.
    ///
    /// # Errors
    /// When it does not answer, or with something else.
    pub async fn ask(&self, signal: &str, place: &str, language: &str) -> anyhow::Result<Option<Answer>> {
        let mut url = self.base.join("/api/forecast/v1/forecasts")?;
        url.query_pairs_mut().append_pair("signal", signal).append_pair("place", place);
        let request =
            self.client.get(url).header(ACCEPT, "application/json").header(ACCEPT_LANGUAGE, language);
        let response = patiently(&request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            let problem =
                response.headers().get("content-type").is_some_and(|t| t == "application/problem+json");
            // A proxy's own page does not say that there is no such place.
            anyhow::ensure!(problem, "the forecast API is not there");
            return Ok(None);
        }
        let response = response.error_for_status().context("the forecast API")?;
        let body = response.bytes().await.context("the forecast API")?;
        Ok(Some(serde_json::from_slice(&body).context("the forecast API answers something else")?))
    }
}

/// For how many seconds one question waits, in all, for an API that says that it was asked too often.
const PATIENCE: u64 = 10;

/// The answer to `request`; where too much was asked, the one that comes after as many seconds as the answer says. A run
/// over many alerts goes as fast as the API lets one client go.
async fn patiently(request: &RequestBuilder) -> anyhow::Result<Response> {
    let mut waited = 0;
    loop {
        let again = request.try_clone().context("the question cannot be asked twice")?;
        let response = again.send().await.context("the forecast API does not answer")?;
        let told = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        let seconds = told.unwrap_or(1_u64).max(1);
        if response.status() != StatusCode::TOO_MANY_REQUESTS || seconds > PATIENCE - waited {
            return Ok(response);
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        waited += seconds;
    }
}
