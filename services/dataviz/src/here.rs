//! The country and the reader's language.

use crate::assets::styles;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use chrono::NaiveDate;
use domain::profile::{Language, Unit};
use kit::App;
use kit::locale::{Formats, LocaleError};
use kit::style::Styles;
use rust_i18n::t;
use store::places::Place;

/// The country's pages. Made once at the start.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) langs: Vec<Lang>,
    pub(crate) assets: Styles,
    apps: Vec<String>,
}

impl Site {
    pub(crate) fn new(app: App, apps: &str) -> Result<Self, LocaleError> {
        let p = &app.profile;
        let lang = |language: &Language| {
            let formats = Formats::new(&language.tag, p.time_zone, p.week_system)?;
            Ok(Lang { language: language.clone(), formats })
        };
        let langs = p.languages.iter().map(lang).collect::<Result<Vec<_>, LocaleError>>()?;
        let assets = styles(&p.theme);
        let apps = apps.split(',').map(|a| a.trim().to_owned()).collect();
        Ok(Self { app, langs, assets, apps })
    }

    /// The interfaces of this country that a footer links to: address and key of the words.
    pub(crate) fn interfaces(&self) -> Vec<(String, &'static str)> {
        let known = [("data-api", "data", "nav.data_api"), ("forecast", "forecast", "nav.forecast_api")];
        let here = known.into_iter().filter(|(app, ..)| self.apps.iter().any(|a| a == app));
        here.map(|(_, part, key)| (format!("/api/{part}/v1/openapi.json"), key)).collect()
    }

    /// The language named by a request, else the one that its reader prefers, else the country's first.
    pub(crate) fn lang(&self, named: Option<&str>, headers: &HeaderMap) -> Option<&Lang> {
        let of = |code: &str| self.langs.iter().find(|l| l.language.code == code);
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|l| l.to_str().ok());
        named.and_then(of).or_else(|| of(&self.app.negotiate(accepted)?.code))
    }
}

/// A language: its words and its formats.
#[derive(Debug)]
pub(crate) struct Lang {
    pub(crate) language: Language,
    pub(crate) formats: Formats,
}

impl Lang {
    /// The text named `key`; a test proves that every key exists in every language.
    pub(crate) fn t(&self, key: impl AsRef<str>) -> String {
        t!(key.as_ref(), locale = self.language.code.as_str()).into_owned()
    }

    /// The text named `key` with its placeholders filled in.
    pub(crate) fn f(&self, key: &str, with: &[(&str, &str)]) -> String {
        let names: Vec<&str> = with.iter().map(|(name, _)| *name).collect();
        let values: Vec<String> = with.iter().map(|(_, value)| (*value).to_owned()).collect();
        rust_i18n::replace_patterns(&self.t(key), &names, &values)
    }

    /// A value of a signal with the decimals that its size deserves.
    pub(crate) fn value(&self, value: f64, unit: Unit) -> String {
        let digits = usize::from(unit != Unit::Persons && value.abs() < 100.0);
        self.cell(value, digits, unit)
    }

    /// A value with a fixed number of decimals, as in a column or on an axis.
    pub(crate) fn cell(&self, value: f64, digits: usize, unit: Unit) -> String {
        match unit {
            Unit::Percent => self.formats.percentage(value, digits),
            _ => self.formats.number(value, digits),
        }
    }

    /// `week 5 of 2025`.
    pub(crate) fn week(&self, day: NaiveDate) -> String {
        let week = self.formats.week(day);
        self.f("week", &[("week", &week.week().to_string()), ("year", &week.year().to_string())])
    }

    /// The name of a place in this language.
    pub(crate) fn place<'a>(&self, place: &'a Place) -> &'a str {
        place.name(&self.language.code)
    }
}
