//! Where the reader is: which language, which page, as of when.

use crate::i18n::Lang;
use crate::site::Site;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE};
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use kit::{Params, Problem};
use std::convert::Infallible;
use std::sync::Arc;

/// A link in the header or the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Where to.
    pub(crate) href: String,
    /// Its words.
    pub(crate) text: String,
    /// The language of its words, where that is not the page's.
    pub(crate) lang: String,
    /// Is it this page, or the part of the site that this page is in?
    pub(crate) current: bool,
}

/// What a handler and its template know about the request.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    /// The site.
    pub(crate) site: Arc<Site>,
    index: usize,
    /// Does the reader's own address name the language?
    pub(crate) prefixed: bool,
    /// The path without the language's prefix.
    pub(crate) path: String,
    /// The query string.
    pub(crate) query: Option<String>,
    /// Does the client want JSON rather than a page?
    pub(crate) json: bool,
    /// The earlier moment that the page is turned to.
    pub(crate) as_of: Option<DateTime<Utc>>,
}

impl Here {
    pub(crate) fn new(site: Arc<Site>, parts: &Parts) -> Self {
        // A nested router sees a shortened path; the reader sees the original one.
        let uri = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |o| o.0.clone());
        let text = |name| parts.headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
        let (found, path) = site.split(uri.path());
        let path = path.to_owned();
        let index = found.unwrap_or_else(|| site.negotiate(text(ACCEPT_LANGUAGE)));
        let json = text(ACCEPT).is_some_and(|a| a.contains("json") && !a.contains("html"));
        Self {
            prefixed: found.is_some(),
            site,
            index,
            path,
            query: uri.query().map(str::to_owned),
            json,
            as_of: None,
        }
    }

    /// The same reader at the beginning of the site.
    #[must_use]
    pub(crate) fn at_home(&self) -> Self {
        Self { path: "/".to_owned(), query: None, as_of: None, ..self.clone() }
    }

    /// The language of the page.
    #[must_use]
    pub(crate) fn lang(&self) -> &Lang {
        &self.site.langs[self.index]
    }

    /// A text, for templates.
    #[must_use]
    pub(crate) fn t(&self, key: impl AsRef<str>) -> String {
        self.lang().t(key.as_ref())
    }

    /// A text with one placeholder, for templates.
    #[must_use]
    pub(crate) fn f(&self, key: &str, name: &str, value: &str) -> String {
        self.lang().f(key, &[(name, value)])
    }

    /// A path of this site in this language; it keeps the moment that the reader chose.
    #[must_use]
    pub(crate) fn to(&self, path: impl AsRef<str>) -> String {
        self.in_language(self.index, path.as_ref())
    }

    /// A file of this site: without a language.
    #[must_use]
    pub(crate) fn absolute(&self, path: impl AsRef<str>) -> String {
        format!("{}{}", self.site.app.public_url.trim_end_matches('/'), path.as_ref())
    }

    fn in_language(&self, index: usize, path: &str) -> String {
        let prefix = self.site.langs.get(index).map_or("", |l| l.language.prefix.as_str());
        match self.as_of_text() {
            Some(day) if !path.contains('#') => {
                let join = if path.contains('?') { '&' } else { '?' };
                format!("{prefix}{path}{join}as_of={day}")
            }
            _ => format!("{prefix}{path}"),
        }
    }

    fn as_of_text(&self) -> Option<String> {
        self.as_of.map(|at| at.date_naive().to_string())
    }

    /// Reads the parameters that the page knows and turns it to `as_of`, if it is given.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for a moment that cannot be used.
    pub(crate) fn params(&mut self, allowed: &[&str]) -> Result<Params, Problem> {
        let params = Params::known(self.query.as_deref(), allowed);
        self.as_of = match params.one("as_of")? {
            Some(text) => Some(self.site.app.as_of(Some(text))?),
            None => None,
        };
        Ok(params)
    }

    /// What figures are read as of.
    #[must_use]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.as_of.unwrap_or_else(|| self.site.app.clock.now())
    }

    /// With a stopped clock: that this is the recorded situation of a day.
    #[must_use]
    pub(crate) fn notice(&self) -> Option<String> {
        self.site.app.recorded_notice(&self.lang().language)
    }

    /// With an `as_of`: that the page shows what was known then.
    #[must_use]
    pub(crate) fn turned_back(&self) -> Option<String> {
        let at = self.as_of?;
        // `as_of` is a day in UTC; so it is written as that day.
        Some(self.f("as_of.notice", "date", &self.lang().formats.date(at.date_naive())))
    }

    /// This page as of the clock.
    #[must_use]
    pub(crate) fn latest(&self) -> String {
        format!("{}{}", self.lang().language.prefix, self.path)
    }

    /// Who made this and who did not.
    #[must_use]
    pub(crate) fn disclaimer(&self) -> String {
        kit::notice::disclaimer(&self.lang().language)
    }

    /// The name of the country.
    #[must_use]
    pub(crate) fn country(&self) -> String {
        self.t(format!("country.{}", self.site.app.profile.country))
    }

    /// The diseases, for the menu.
    #[must_use]
    pub(crate) fn menu(&self) -> Vec<Link> {
        let under = |id: &str| self.path.trim_start_matches('/').split('/').next() == Some(id);
        let diseases = self.site.app.profile.diseases.iter().map(|d| Link {
            href: self.to(format!("/{}", d.id)),
            text: self.t(format!("disease.{}.name", d.id)),
            lang: String::new(),
            current: under(&d.id),
        });
        let explore = self.site.options.has("dataviz").then(|| Link {
            href: format!("/explore?lang={}", self.lang().language.code),
            text: self.t("nav.explore"),
            lang: String::new(),
            current: false,
        });
        diseases.chain(explore).collect()
    }

    /// This page in every language, where the country has several.
    #[must_use]
    pub(crate) fn languages(&self) -> Vec<Link> {
        if self.site.langs.len() < 2 {
            return Vec::new();
        }
        // What was typed into a field is not carried along: it would stand on the page once for each language.
        let query = Params::known(self.query.as_deref(), &["as_of", "range", "sort"]).encode_without(&[]);
        let query = if query.is_empty() { query } else { format!("?{query}") };
        let links = self.site.langs.iter().enumerate().map(|(n, lang)| Link {
            href: format!("{}{}{query}", lang.language.prefix, self.path),
            text: lang.language.name.clone(),
            lang: lang.language.tag.clone(),
            current: n == self.index,
        });
        links.collect()
    }

    /// The pages about the site, for the footer.
    #[must_use]
    pub(crate) fn about(&self) -> Vec<Link> {
        let prefix = &self.lang().language.prefix;
        let page = |path: &str| Link {
            href: format!("{prefix}/{path}"),
            text: self.t(format!("nav.{path}")),
            lang: String::new(),
            current: self.path == format!("/{path}"),
        };
        let pages = ["status", "models", "accessibility", "legal", "privacy"].map(page);
        let api = |app: &str, key: &str, href: &str| {
            self.site.options.has(app).then(|| Link {
                href: href.to_owned(),
                text: self.t(key),
                lang: String::new(),
                current: false,
            })
        };
        let data = api("data-api", "nav.data_api", "/api/data/v1/docs");
        let forecast = api("forecast", "nav.forecast_api", "/api/forecast/v1/openapi.json");
        pages.into_iter().chain(data).chain(forecast).collect()
    }
}

impl FromRequestParts<Arc<Site>> for Here {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Infallible> {
        Ok(Self::new(Arc::clone(site), parts))
    }
}
